//! The file under a video: writes at offsets, not at a cursor, because recordings fill in headers later.
//!
//! The trait lets tests fill up the disk, or cut the power, at any byte.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use crate::session::files;

/// Where a recording is written.
pub(super) trait Storage: Send {
    /// Writes all of `bytes` at `offset`; a gap before it becomes zeros.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to this length.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Waits until everything is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Storage for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data() // With the length: POSIX counts it as data needed to read the file.
    }
}

/// Creates a file; its entry in the folder survives a power cut too.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let file = files::create_new(path)?;
    files::sync_folder(path);
    Ok(file)
}

/// Removes a file from [`create_new`] that could not be written.
pub(super) fn remove_new(path: &Path) {
    if let Err(err) = std::fs::remove_file(path) {
        log::warn!("{} could not be removed: {err}", path.display());
    }
}

/// Fills `buffer` from `offset` on, as far as the file goes; returns the number of bytes.
pub(super) fn read_at(file: &mut File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}

/// Whether this part of the file holds nothing but zeros.
pub(super) fn is_zero(file: &mut File, part: Range<u64>) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    let mut offset = part.start;
    while offset < part.end {
        let wanted = (part.end - offset).min(buffer.len() as u64) as usize;
        let n = read_at(file, offset, &mut buffer[..wanted])?;
        if n == 0 {
            break;
        }
        if buffer[..n].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += n as u64;
    }
    Ok(true)
}

/// Copies these parts of the file to a new file beside it and syncs it; returns its path.
pub(super) fn save_beside(
    file: &mut File,
    path: &Path,
    parts: &[Range<u64>],
) -> io::Result<PathBuf> {
    let (tail_path, mut tail) = files::create_tail(path)?;
    let mut copy = || {
        for part in parts {
            file.seek(SeekFrom::Start(part.start))?;
            io::copy(&mut file.take(part.end - part.start), &mut tail)?;
        }
        tail.sync_all()
    };
    let copied = copy();
    drop(tail); // Windows does not remove it while it is open.
    if let Err(err) = copied {
        std::fs::remove_file(&tail_path).ok(); // Incomplete; the whole is still in the video.
        return Err(err);
    }
    files::sync_folder(&tail_path);
    Ok(tail_path)
}
