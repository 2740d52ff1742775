//! The file that is written until a result is complete.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::place::{parent, partial_path};
use crate::file_identity::is_at;

/// How long to wait for another writer of the same file. Small files such as settings take milliseconds; after this
/// time, the other writer is a long run.
const WAIT_FOR_OTHERS: Duration = match cfg!(windows) {
    true => Duration::from_secs(4),
    false => Duration::from_millis(500),
};
/// How long to wait for a program that has a file open, on Windows.
const WAIT_FOR_READERS: Duration = Duration::from_secs(2);
/// On Windows, a partial file that was written to this recently may be complete and about to be renamed.
const STILL_OURS: Duration = Duration::from_secs(3);
/// How often to check whether it has finished.
const RETRY_EVERY: Duration = Duration::from_millis(10);

/// Replaces one of our own files with `content`. At every moment, even after a power cut, either the old or the new one
/// is there. On failure the old file stays and nothing is left beside it. A link is replaced, not followed.
///
/// # Errors
/// What the system reports.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(file, content, Access::AsBefore)
}

/// As [`replace`], for a file that only its owner may read (on Unix).
///
/// # Errors
/// What the system reports.
pub fn replace_private(file: &Path, content: &[u8]) -> io::Result<()> {
    replace_with(file, content, Access::OwnerOnly)
}

fn replace_with(target: &Path, content: &[u8], access: Access) -> io::Result<()> {
    let partial = partial_path(target);
    let mut file = create_partial(target, &partial, true, access)?;
    let written = file.write_all(content).and_then(|()| {
        file.sync_all()?;
        rename_open(&mut Some(file), &partial, target)
    });
    if written.is_err() {
        // A half-written file is useless. Failing to remove it is harmless.
        fs::remove_file(&partial).ok();
    }
    sync_folder(target);
    written
}

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Those who may read the file that it replaces; the default if there is none.
    AsBefore,
    /// Only its owner (on Unix).
    OwnerOnly,
}

/// Creates a partial file that nobody else writes to. It is locked while it is open.
pub(super) fn create_partial(
    target: &Path,
    partial: &Path,
    overwrite: bool,
    access: Access,
) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Never an existing file: it could be a link to something valuable.
    options.write(true).create_new(true);
    if access == Access::OwnerOnly {
        owner_only(&mut options);
    }
    #[cfg(windows)]
    only_readers(&mut options);
    let since = Instant::now();
    loop {
        match options.open(partial) {
            Ok(file) => {
                // If this fails, another run took the file for a leftover and removes it.
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
            let words = "another program is writing it";
            return Err(io::Error::new(ErrorKind::ResourceBusy, words));
        }
        thread::sleep(RETRY_EVERY);
    }
}

/// Keeps a private result private.
fn keep_permissions(target: &Path, file: &File) {
    if let Ok(old) = fs::symlink_metadata(target)
        && old.is_file()
    {
        // Fails on file systems without permissions.
        file.set_permissions(old.permissions()).ok();
    }
}

/// Removes the partial file of an interrupted run; `false` if a run still writes to it.
fn remove_leftover(partial: &Path) -> io::Result<bool> {
    // Anything but a regular file was not created here, and opening a pipe could block forever.
    let is_file = fs::symlink_metadata(partial).is_ok_and(|metadata| metadata.is_file());
    let file = is_file.then(|| File::open(partial).ok()).flatten();
    if let Some(file) = &file
        && !lock(file)?
    {
        return Ok(false);
    }
    if cfg!(windows) && file.as_ref().is_some_and(is_recent) {
        return Ok(false);
    }
    // Removed while locked, so that nobody mistakes it for a new file.
    match fs::remove_file(partial) {
        Err(error) if is_in_use(&error) => Ok(false),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

/// Renames an open file and closes it: after the rename where its lock keeps others out until then, before it on Windows,
/// which does not rename open files.
pub(super) fn rename_open(file: &mut Option<File>, from: &Path, to: &Path) -> io::Result<()> {
    if cfg!(windows) {
        *file = None;
    }
    rename(from, to)?;
    *file = None;
    Ok(())
}

/// Renames a file or folder. On Windows that waits a moment for programs that have it open, such as virus scanners, which
/// look at every new file.
///
/// # Errors
/// What the system reports.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let since = Instant::now();
    loop {
        match fs::rename(from, to) {
            Err(error) if is_in_use(&error) && since.elapsed() < WAIT_FOR_READERS => {
                thread::sleep(RETRY_EVERY);
            }
            renamed => return renamed,
        }
    }
}

/// Whether another program has the file open, as far as Windows tells: access denied, or a sharing violation.
fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32))
}

fn is_recent(file: &File) -> bool {
    let written = file.metadata().and_then(|metadata| metadata.modified());
    written.is_ok_and(|time| time.elapsed().is_ok_and(|age| age < STILL_OURS))
}

/// Locks a file; `false` if somebody else holds the lock.
fn lock(file: &File) -> io::Result<bool> {
    // On Windows a lock would also keep readers of the partial file out; see `only_readers`.
    if cfg!(windows) {
        return Ok(true);
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        // Some network drives do not support locks. Writing without one is better than not writing.
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

/// In place of the lock: while the file is open, nobody else can write to it, move it or delete it.
#[cfg(windows)]
fn only_readers(options: &mut OpenOptions) {
    const FILE_SHARE_READ: u32 = 1;
    std::os::windows::fs::OpenOptionsExt::share_mode(options, FILE_SHARE_READ);
}

/// Syncs a new name in a folder to the disk, where the system supports that.
pub(super) fn sync_folder(file: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(parent(file))
    {
        folder.sync_all().ok();
    }
}
