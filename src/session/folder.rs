//! Where sessions lie: their folders' names, who is writing to one, and how much room there is.
//!
//! While a session is recorded its folder holds a locked file. The lock ends with the process, however that ends, so
//! "interrupted" and "being recorded now" cannot be mistaken for each other.

use std::{
    env,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use jiff::Zoned;

use super::{
    MANIFEST_FILE, SessionError, files,
    manifest::{Manifest, Status},
    reader::is_session,
    tables::{EventRow, FaceRow, FrameRow, Row},
};

/// Locked while a session is recorded or repaired.
const LOCK_FILE: &str = ".recording.lock";

/// Where sessions go unless the user says otherwise: a folder `fervis` among the user's videos.
pub fn default_root() -> PathBuf {
    let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"));
    let home = home.map_or_else(env::temp_dir, PathBuf::from);
    let videos = [home.join("Videos"), home.join("Movies")];
    let parent = videos.into_iter().find(|folder| folder.is_dir());
    parent.unwrap_or(home).join("fervis")
}

/// A folder in `root` for a session that starts now, such as `2026-11-25T14-03-05`. It does not exist yet.
pub fn new_session_folder(root: &Path, now: &Zoned) -> PathBuf {
    let name = now.strftime("%Y-%m-%dT%H-%M-%S").to_string();
    let numbered = |n: u32| match n {
        1 => root.join(&name),
        _ => root.join(format!("{name}-{n}")),
    };
    let mut n = 1;
    while numbered(n).exists() {
        n += 1;
    }
    numbered(n)
}

/// The sessions in `root` whose recording was interrupted and that nobody is recording now. Links are not followed.
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
        // Only a guess, to spare the others a lock: recovery asks again when it has it.
        .filter(|folder| Manifest::status_of(folder) == Some(Status::Recording))
        .filter(|folder| FolderLock::take(folder).is_ok())
        .collect();
    found.sort();
    found
}

/// Bytes that may still be written where `folder` lies; `None` if the system does not tell.
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
    /// [`SessionError::InUse`] if another program, or another part of this one, has it.
    pub fn take(folder: &Path) -> Result<Self, SessionError> {
        let path = folder.join(LOCK_FILE);
        loop {
            let file = files::open_or_create(&path)
                .map_err(|source| SessionError::write(&path, source))?;
            match file.try_lock() {
                // Whoever had the lock may have removed the file after it was opened here; then it locks nothing.
                Ok(()) if files::is_at(&file, &path) => return Ok(Self { path, file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(SessionError::InUse {
                        folder: folder.to_owned(),
                    });
                }
                // Some network drives know no locks; better to record without than not at all.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(Self { path, file });
                }
                Err(TryLockError::Error(source)) => return Err(SessionError::write(&path, source)),
            }
        }
    }

    /// Whether the folder is still the one that was locked: it may have been deleted, moved, replaced or unmounted.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if not.
    pub fn check(&self) -> Result<(), SessionError> {
        if files::is_at(&self.file, &self.path) {
            return Ok(());
        }
        Err(SessionError::Gone {
            path: self.path.parent().unwrap_or(&self.path).to_owned(),
        })
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A lock file that stays is harmless: what counts is the lock. Another session's lock is not ours to remove.
        if self.check().is_ok() {
            fs::remove_file(&self.path).ok();
        }
        self.file.unlock().ok();
    }
}

/// Creates a session's folder, with those above it. It must not hold anything yet.
///
/// # Errors
/// [`SessionError::Write`] if it cannot be created or holds files.
pub(crate) fn create(folder: &Path) -> Result<(), SessionError> {
    let failed = |source| SessionError::write(folder, source);
    let not_empty = || {
        let words = "the folder is not empty; give the recording a folder of its own";
        failed(io::Error::new(ErrorKind::AlreadyExists, words))
    };
    // Before it is made private: a folder with files in it is somebody's.
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(not_empty());
    }
    files::create_folder(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(not_empty());
    }
    Ok(())
}

/// Removes a session into which nothing was recorded: only the headers of empty tables. Anything else stays.
pub fn remove_if_empty(folder: &Path) {
    let is_empty = Manifest::read(folder).is_ok_and(|manifest| {
        manifest.counts.captured == 0 && manifest.video.is_empty() && manifest.ended.is_some()
    });
    if !is_empty || fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink()) {
        return;
    }
    for name in [FrameRow::FILE, FaceRow::FILE, EventRow::FILE, MANIFEST_FILE] {
        fs::remove_file(folder.join(name)).ok();
    }
    fs::remove_dir(folder).ok(); // Refused if there is anything else in it.
}

#[cfg(test)]
mod tests {
    use super::{super::manifest, *};
    use crate::error_text::error_text;

    #[test]
    fn folders_are_named_by_the_time_and_never_taken_twice() {
        let root = tempfile::tempdir().unwrap();
        let now: Zoned = "2026-11-25T14:03:05+01:00[Europe/Berlin]".parse().unwrap();
        let first = new_session_folder(root.path(), &now);
        assert!(first.ends_with("2026-11-25T14-03-05"));
        create(&first).unwrap();
        let second = new_session_folder(root.path(), &now);
        assert!(second.ends_with("2026-11-25T14-03-05-2"));
        fs::write(first.join("notes.txt"), "mine").unwrap();
        let error = error_text(&create(&first).unwrap_err());
        assert!(error.contains("not empty"), "{error}");
    }

    #[test]
    fn only_what_nobody_records_is_interrupted() {
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
