//! Reads files that users name: regular files only, up to a limit.
//!
//! Opening a pipe waits until somebody writes to it, and a device such as `/dev/zero` never ends.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    path::Path,
};

/// Opens a regular file.
///
/// # Errors
/// If it cannot be opened, or is a folder, a pipe, a socket or a device.
pub fn open(path: &Path) -> io::Result<File> {
    // Checked before opening, because opening a pipe waits.
    match kind(fs::metadata(path)?.file_type()) {
        None => File::open(path),
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
    }
}

/// Reads a regular file.
///
/// # Errors
/// As [`open`], and if the file is larger than `max_bytes`.
pub fn bytes(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let n_bytes = file.metadata()?.len();
    let mut bytes = Vec::new();
    if n_bytes <= max_bytes {
        // The size that the system reports may be wrong, as for files in /proc.
        bytes.reserve(n_bytes as usize);
        file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    }
    if n_bytes.max(bytes.len() as u64) > max_bytes {
        let limit = match max_bytes >> 20 {
            0 => format!("{max_bytes} bytes"),
            n => format!("{n} MB"),
        };
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit}"),
        ));
    }
    Ok(bytes)
}

/// Reads a regular file of UTF-8.
///
/// # Errors
/// As [`bytes()`], and if it is not UTF-8.
pub fn text(path: &Path, max_bytes: u64) -> io::Result<String> {
    String::from_utf8(bytes(path, max_bytes)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// What the file is, unless it is a regular file.
fn kind(file_type: FileType) -> Option<&'static str> {
    if file_type.is_file() {
        return None;
    }
    if file_type.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return Some("a pipe");
        }
        if file_type.is_socket() {
            return Some("a socket");
        }
    }
    Some("a device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(bytes(&path, 5).unwrap(), b"12345");
        assert_eq!(text(&path, 5).unwrap(), "12345");
        let error = bytes(&path, 4).unwrap_err().to_string();
        assert_eq!(error, "it is larger than 4 bytes");
        fs::write(&path, b"\xff").unwrap();
        assert!(text(&path, 5).unwrap_err().to_string().contains("UTF-8"));
        let error = open(folder.path()).unwrap_err().to_string();
        assert_eq!(error, "it is a folder, not a file");
        assert!(open(&folder.path().join("nowhere")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_refused() {
        let error = bytes(Path::new("/dev/zero"), 9).unwrap_err().to_string();
        assert_eq!(error, "it is a device, not a file");
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if !made.is_ok_and(|status| status.success()) {
            log::warn!("skipped: no mkfifo here");
            return;
        }
        let error = open(&pipe).unwrap_err().to_string();
        assert_eq!(error, "it is a pipe, not a file");
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(
            open(&socket).unwrap_err().to_string(),
            "it is a socket, not a file"
        );
    }
}
