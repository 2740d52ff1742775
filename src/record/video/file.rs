//! The file below a video: writes at places, not at a cursor, because recordings fill in headers behind what follows.
//!
//! The trait stands between, so that tests can let the disk fill up, or the power fail, at any byte.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Where a recording goes.
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

/// A new file; its entry in the folder survives a power cut too.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)?;
    sync_folder(path);
    Ok(file)
}

/// Removes a file of [`create_new`] into which nothing could be written.
pub(super) fn remove_new(path: &Path) {
    if let Err(err) = std::fs::remove_file(path) {
        log::warn!("{} could not be removed: {err}", path.display());
    }
}

/// Makes the names in a file's folder survive a power cut, where the system can do that.
pub(super) fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Windows opens no folders, and network drives refuse: the recording itself does not depend on it.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// Fills `buffer` from `offset` on as far as the file goes; returns how far that was.
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

/// Whether the file holds nothing but zeros from `offset` to its end.
pub(super) fn is_zero_from(file: &mut File, mut offset: u64) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = read_at(file, offset, &mut buffer)?;
        if n == 0 {
            return Ok(true);
        }
        if buffer[..n].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += n as u64;
    }
}

/// Copies what follows `offset` to a new file beside it, safely on the disk, and returns that file's name.
pub(super) fn save_tail(file: &mut File, path: &Path, offset: u64) -> io::Result<PathBuf> {
    let (tail_path, mut tail) = new_beside(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(file, &mut tail).and_then(|_| tail.sync_all());
    if let Err(err) = copied {
        std::fs::remove_file(&tail_path).ok(); // A part of it is of no use; the whole is still in the video.
        return Err(err);
    }
    sync_folder(&tail_path);
    Ok(tail_path)
}

/// `video.mp4.tail`, or `video.mp4.tail-2` and so on if that is taken.
fn new_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut number = 1;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 1 {
            ".tail".to_owned()
        } else {
            format!(".tail-{number}")
        });
        let candidate = PathBuf::from(name);
        match File::options()
            .write(true)
            .create_new(true)
            .open(&candidate)
        {
            Ok(file) => return Ok((candidate, file)),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(err) => return Err(err),
        }
    }
}
