//! The file that is written until a result is complete.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::place::{parent, partial_path};

/// How long to wait for another writer of the same file. Small files such as settings are written within milliseconds;
/// a run that still writes after this has the file for good.
const WAIT_FOR_OTHERS: Duration = Duration::from_millis(500);
/// How often to look whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Replaces a file of our own by `content`: at every moment either the old or the new one is there, also after a power
/// cut. If this fails, the old one stays and nothing is left beside it. A link is replaced, not followed.
///
/// # Errors
/// What the system says.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(file, content, Access::AsBefore)
}

/// As [`replace`], for what only its owner may read (on Unix).
///
/// # Errors
/// What the system says.
pub fn replace_private(file: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(file, content, Access::OwnerOnly)
}

fn replace_with(target: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let partial = partial_path(target);
    let mut file = create_partial(target, &partial, true, access)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&partial, target));
    if written.is_err() {
        // What is half written helps nobody; that it cannot be removed either changes nothing.
        fs::remove_file(&partial).ok();
    }
    sync_folder(target);
    written
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever may read the one that it replaces; as usual, if there is none.
    AsBefore,
    /// Its owner (on Unix).
    OwnerOnly,
}

/// Creates a partial file that nobody else writes to. It is locked for as long as it is open.
pub(super) fn create_partial(
    target: &Path,
    partial: &Path,
    overwrite: bool,
    access: Access,
) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Never an existing one: it could be a link to something precious.
    options.write(true).create_new(true);
    if access == Access::OwnerOnly {
        owner_only(&mut options);
    }
    let since = Instant::now();
    loop {
        match options.open(partial) {
            Ok(file) => {
                // Whoever took it for a leftover has removed it, or is about to.
                if lock(&file)? && is_at(&file, partial) {
                    if access == Access::AsBefore {
                        keep_permissions(target, &file);
                    }
                    return Ok(file);
                }
            }
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Err(_) if overwrite && remove_leftover(partial)? => continue,
            Err(_) => {}
        }
        if since.elapsed() > WAIT_FOR_OTHERS {
            let words = "another program is writing it now";
            return Err(io::Error::new(ErrorKind::ResourceBusy, words));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// A result that was kept from others stays so.
fn keep_permissions(target: &Path, file: &File) {
    if let Ok(old) = fs::symlink_metadata(target)
        && old.is_file()
    {
        // File systems without permissions refuse.
        file.set_permissions(old.permissions()).ok();
    }
}

/// Removes what an interrupted run left; `false` if a run still writes to it.
fn remove_leftover(partial: &Path) -> io::Result<bool> {
    // What is no plain file was not made here, and opening a pipe could take for ever.
    let is_file = fs::symlink_metadata(partial).is_ok_and(|metadata| metadata.is_file());
    let file = is_file.then(|| File::open(partial).ok()).flatten();
    if let Some(file) = &file
        && !lock(file)?
    {
        return Ok(false);
    }
    // Still locked, so that nobody takes it for a new one.
    match fs::remove_file(partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

/// Whether an open file is the one that has this name.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        matches!((file.metadata(), fs::symlink_metadata(path)),
            (Ok(a), Ok(b)) if (a.dev(), a.ino()) == (b.dev(), b.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Locks a file; `false` if somebody else has it.
fn lock(file: &File) -> io::Result<bool> {
    // On Windows a lock would keep readers out, who may follow the partial file.
    if cfg!(windows) {
        return Ok(true);
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        // Some network drives know no locks; better to write without than not at all.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(true),
    }
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;

    options.mode(0o600);
}

#[cfg(not(unix))]
fn owner_only(_: &mut OpenOptions) {}

/// Forces a new name in a folder to the disk. That it cannot be done where folders are no files changes nothing.
pub(super) fn sync_folder(file: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(parent(file))
    {
        folder.sync_all().ok();
    }
}
