//! Session folders: their names, who is writing to one, and how much disk space is left.
//!
//! While a session is recorded, its folder holds a locked file. The lock ends with the process, however that ends, so
//! "interrupted" and "being recorded now" cannot be confused. The file holds zeros in reserve: on a full disk they are given
//! up, so that the recording can still be finished.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use jiff::ZonedDateTime;

use super::{
    MANIFEST_FILE, SessionError,
    about::{About, file_name_part},
    files,
    manifest::{Manifest, Status},
    reader::is_session,
    tables::{EventRow, FaceRow, FrameRow, Row},
};
use crate::file_identity::{is_at, n_names};

/// Locked while a session is recorded or repaired.
const LOCK_FILE: &str = ".recording.lock";

/// Where sessions go by default: a folder `fervis` among the user's videos.
pub fn default_root() -> PathBuf {
    let home = env::home_dir().unwrap_or_else(env::temp_dir);
    let videos = [home.join("Videos"), home.join("Movies")];
    let parent = videos.into_iter().find(|folder| folder.is_dir());
    parent.unwrap_or(home).join("fervis")
}

/// A folder in `root` for a session that starts now, such as `2026-11-25T14-03-05`, or `2026-11-25T14-03-05_P01_first` if
/// there is a participant or a name. It does not exist yet.
pub fn new_session_folder(root: &Path, now: &ZonedDateTime, about: &About) -> PathBuf {
    let mut name = now.strftime("%Y-%m-%dT%H-%M-%S").to_string();
    for text in [&about.participant, &about.name] {
        let part = file_name_part(text);
        if !part.is_empty() {
            name.push('_');
            name.push_str(&part);
        }
    }
    free_folder(root, &name)
}

/// A folder in `root` with this name, or with a number after it, that does not exist yet.
pub fn free_folder(root: &Path, name: &str) -> PathBuf {
    let numbered = |n: u32| match n {
        1 => root.join(name),
        _ => root.join(format!("{name}-{n}")),
    };
    let mut n = 1;
    while numbered(n).exists() {
        n += 1;
    }
    numbered(n)
}

/// The sessions in `root` whose recording was interrupted, without those that are being recorded now. Links are not
/// followed.
pub fn interrupted_sessions(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else {
        return Vec::new();
    };
    let folders = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path());
    let mut found: Vec<PathBuf> = folders
        .filter(|folder| is_session(folder))
        // Only a guess, to avoid locking the others: recovery checks again under the lock.
        .filter(|folder| Manifest::status_of(folder) == Some(Status::Recording))
        .filter(|folder| FolderLock::take(folder).is_ok())
        .collect();
    found.sort();
    found
}

/// Whether a session is being recorded or repaired.
pub fn is_in_use(folder: &Path) -> bool {
    is_session(folder) && matches!(FolderLock::take(folder), Err(SessionError::InUse { .. }))
}

/// Free disk space at `folder`, bytes; `None` if the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

/// Keeps others from writing to a session's folder.
#[derive(Debug)]
pub(crate) struct FolderLock {
    path: PathBuf,
    file: File,
}

impl FolderLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`SessionError::InUse`] if another program, or another part of this one, holds it.
    pub fn take(folder: &Path) -> Result<Self, SessionError> {
        let path = folder.join(LOCK_FILE);
        loop {
            let file = files::open_or_create(&path)
                .map_err(|source| SessionError::write(&path, source))?;
            match file.try_lock() {
                // The previous holder may have removed the file after it was opened here; such a lock would protect
                // nothing.
                Ok(()) if is_at(&file, &path) => {
                    let lock = Self { path, file };
                    // The reserve of a recording that was killed is space to repair it with.
                    lock.release_reserve();
                    return Ok(lock);
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(SessionError::InUse {
                        folder: folder.to_owned(),
                    });
                }
                // Some network drives do not support locks. Recording without one is better than not recording.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(Self { path, file });
                }
                Err(TryLockError::Error(source)) => return Err(SessionError::write(&path, source)),
            }
        }
    }

    /// Fills the lock file with zeros up to this size. The reserve only grows.
    ///
    /// # Errors
    /// Those of the system, [`ErrorKind::StorageFull`] among them.
    pub fn grow_reserve(&mut self, n_bytes: u64) -> io::Result<()> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        loop {
            let n_reserved = self.file.metadata()?.len();
            let n_missing = n_bytes.saturating_sub(n_reserved).min(ZEROS.len() as u64);
            if n_missing == 0 {
                return Ok(());
            }
            self.file.seek(SeekFrom::Start(n_reserved))?;
            self.file.write_all(&ZEROS[..n_missing as usize])?;
        }
    }

    /// Gives up the reserve.
    pub fn release_reserve(&self) {
        // A file with a second name may belong to somebody: the folder need not be our own.
        if n_names(&self.file).is_ok_and(|n| n == 1) {
            self.file.set_len(0).ok();
        }
    }

    /// Whether the folder is still the one that was locked: it may have been deleted, moved, replaced or unmounted.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if not.
    pub fn check(&self) -> Result<(), SessionError> {
        if is_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(SessionError::Gone {
            path: self.path.parent().unwrap_or(&self.path).to_owned(),
        })
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A lock file that stays is harmless, because only the lock counts. Another session's lock is not ours to remove.
        if self.check().is_ok() {
            fs::remove_file(&self.path).ok();
        }
        self.file.unlock().ok();
    }
}

/// Creates a session's folder, with its parents. It must be empty if it exists.
///
/// # Errors
/// [`SessionError::Write`] if it cannot be created or is not empty.
pub(crate) fn create(folder: &Path) -> Result<(), SessionError> {
    let failed = |source| SessionError::write(folder, source);
    let not_empty = || {
        let words = "the folder is not empty; choose an empty or new folder";
        failed(io::Error::new(ErrorKind::AlreadyExists, words))
    };
    // Checked before it is made private: a folder with files in it belongs to somebody.
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(not_empty());
    }
    files::create_folder(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(not_empty());
    }
    Ok(())
}

/// Removes a session without a single frame: only empty tables. Any other session, and any other file, stays.
pub fn remove_if_empty(folder: &Path) {
    let is_empty = Manifest::read(folder).is_ok_and(|manifest| {
        manifest.counts.captured == 0 && manifest.video.is_empty() && manifest.ended.is_some()
    });
    if !is_empty || fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink()) {
        return;
    }
    remove_files(folder);
}

/// Removes a folder of [`create`] in which a session could not be started: on a full disk its files hold nothing yet.
pub(crate) fn remove_failed_start(folder: &Path) {
    // Another program may have taken the lock meanwhile. Then the folder is not empty, and stays.
    if let Ok(_lock) = FolderLock::take(folder) {
        remove_files(folder);
    }
    fs::remove_dir(folder).ok();
}

/// What is left of a folder after [`remove_values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nothing, or there was none.
    Gone,
    /// Everything: it holds more than a session without video, or it is a link.
    HoldsMore,
}

/// Removes a session without video, whether it is whole or not, if its folder holds nothing else.
///
/// # Errors
/// [`SessionError::InUse`] while it is recorded, and if it cannot be read or removed.
pub(crate) fn remove_values(folder: &Path) -> Result<Removal, SessionError> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Removal::Gone),
        Err(error) => return Err(SessionError::read(folder, error)),
        Ok(metadata) if !metadata.is_dir() => return Ok(Removal::HoldsMore),
        Ok(_) => {}
    }
    let own = [
        FrameRow::FILE,
        FaceRow::FILE,
        EventRow::FILE,
        MANIFEST_FILE,
        LOCK_FILE,
    ];
    let draft = format!(".{MANIFEST_FILE}.new");
    let entries = fs::read_dir(folder).map_err(|error| SessionError::read(folder, error))?;
    for entry in entries {
        let name = entry
            .map_err(|error| SessionError::read(folder, error))?
            .file_name();
        if !own.iter().any(|own| name == *own) && name != *draft {
            return Ok(Removal::HoldsMore);
        }
    }
    {
        let _lock = FolderLock::take(folder)?;
        fs::remove_file(folder.join(draft)).ok();
        for name in [FrameRow::FILE, FaceRow::FILE, EventRow::FILE, MANIFEST_FILE] {
            fs::remove_file(folder.join(name)).ok();
        }
    }
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(SessionError::write(folder, error))
        }
        _ => Ok(Removal::Gone),
    }
}

fn remove_files(folder: &Path) {
    for name in [FrameRow::FILE, FaceRow::FILE, EventRow::FILE, MANIFEST_FILE] {
        fs::remove_file(folder.join(name)).ok();
    }
    fs::remove_dir(folder).ok(); // Refused if anything else is in it.
}

#[cfg(test)]
mod tests {
    use super::{super::manifest, *};
    use crate::error_text::error_text;

    #[test]
    fn folders_are_named_by_the_time_and_never_reused() {
        let root = tempfile::tempdir().unwrap();
        let now: ZonedDateTime = "2026-11-25T14:03:05+01:00[Europe/Berlin]".parse().unwrap();
        let mut about = About::default();
        let first = new_session_folder(root.path(), &now, &about);
        assert!(first.ends_with("2026-11-25T14-03-05"));
        create(&first).unwrap();
        let second = new_session_folder(root.path(), &now, &about);
        assert!(second.ends_with("2026-11-25T14-03-05-2"));
        about.participant = "P/01".to_owned();
        about.name = "first try".to_owned();
        let named = new_session_folder(root.path(), &now, &about);
        assert!(named.ends_with("2026-11-25T14-03-05_P-01_first-try"));
        fs::write(first.join("notes.txt"), "mine").unwrap();
        let error = error_text(&create(&first).unwrap_err());
        assert!(error.contains("not empty"), "{error}");
    }

    #[test]
    fn a_session_being_recorded_is_not_interrupted() {
        let root = tempfile::tempdir().unwrap();
        let session = |name: &str, status| {
            let folder = root.path().join(name);
            create(&folder).unwrap();
            let mut manifest = manifest::tests::manifest();
            manifest.status = status;
            manifest.write(&folder).unwrap();
            folder
        };
        session("done", Status::Complete);
        let going_on = session("going-on", Status::Recording);
        let interrupted = session("interrupted", Status::Recording);
        fs::create_dir(root.path().join("something else")).unwrap();
        let lock = FolderLock::take(&going_on).unwrap();
        assert!(matches!(
            FolderLock::take(&going_on),
            Err(SessionError::InUse { .. })
        ));
        let found = interrupted_sessions(root.path());
        assert_eq!(found, std::slice::from_ref(&interrupted));
        drop(lock);
        assert_eq!(interrupted_sessions(root.path()), [going_on, interrupted]);
        assert_eq!(
            interrupted_sessions(&root.path().join("nowhere")),
            Vec::<PathBuf>::new()
        );
    }
}
