//! What a path leads to, and whether two paths lead to the same file.

use std::{
    ffi::OsString,
    fs,
    io::ErrorKind,
    path::{self, Path, PathBuf},
};

use super::error::ResultError;
use crate::file_identity::is_same_file;

/// Maximum number of links to links, as on Linux.
const MAX_LINKS: usize = 40;
/// Extensions of files in a folder of pictures that are not read: our results and the user's notes.
const NOT_READ: [&str; 7] = ["csv", "json", "jsonl", "md", "partial", "svg", "txt"];

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Stdout,
    /// A pipe, a device, or an open descriptor: written to, never replaced.
    Stream(PathBuf),
    /// A file, existing or not.
    File {
        /// With links followed, so that a link is kept.
        target: PathBuf,
        partial: PathBuf,
    },
}

impl Place {
    pub(super) fn of(path: &Path) -> Result<Self, ResultError> {
        let failed = |source| ResultError::Write {
            name: path.display().to_string(),
            source,
        };
        let folder = || ResultError::IsFolder {
            path: path.to_owned(),
        };
        if is_stdout(path) {
            return Ok(Self::Stdout);
        }
        let bytes = path.as_os_str().as_encoded_bytes();
        if bytes
            .last()
            .is_some_and(|&last| path::is_separator(last.into()))
        {
            return Err(folder());
        }
        let target = followed(path);
        if is_stdout(&target) {
            return Ok(Self::Stdout);
        }
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => return Err(folder()),
            Ok(metadata) if !metadata.is_file() || is_descriptor(&target) => {
                return Ok(Self::Stream(target));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let Some(name) = target.file_name() else {
            return Err(failed(ErrorKind::InvalidFilename.into()));
        };
        let parent = parent(&target);
        // One name per file, whichever path leads to its folder.
        let Some(canonical) = parent.canonicalize().ok().filter(|path| path.is_dir()) else {
            return Err(ResultError::NoFolder {
                path: path.to_owned(),
                folder: parent.to_owned(),
            });
        };
        let target = canonical.join(name);
        let partial = partial_path(&target);
        Ok(Self::File { target, partial })
    }

    /// The paths that may exist.
    fn paths(&self) -> Vec<&Path> {
        match self {
            // What the shell has opened, on systems that show it.
            Self::Stdout => vec![Path::new("/dev/stdout")],
            Self::Stream(path) => vec![path],
            Self::File { target, partial } => vec![target, partial],
        }
    }

    /// Whether writing here would destroy what is read from `input`.
    pub(super) fn is_read_from(&self, input: &Path) -> bool {
        match self {
            Self::File { target, partial } => is_read(input, target) || is_read(input, partial),
            _ => self.paths().iter().any(|path| mixes(path, input)),
        }
    }

    /// Whether both would write to the same file.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let pairs = |same: fn(&Path, &Path) -> bool| {
            let (ours, theirs) = (self.paths(), other.paths());
            ours.iter().any(|a| theirs.iter().any(|b| same(a, b)))
        };
        matches!((self, other), (Self::Stdout, Self::Stdout))
            || matches!((self, other), (Self::File { .. }, Self::File { .. }))
                && pairs(|a, b| a == b)
            || pairs(mixes)
    }
}

/// Whether a path is an open descriptor of this process. It may be a file that the shell writes to as well.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd")
        || path == Path::new("/dev/stderr")
}

/// Where a link finally leads, even if nothing is there.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if is_stdout(&path) || is_descriptor(&path) {
            break;
        }
        match fs::read_link(&path) {
            Ok(next) => path = parent(&path).join(next),
            Err(_) => break,
        }
    }
    path
}

/// The name of a place in messages.
pub(super) fn name_of(path: &Path) -> String {
    if is_stdout(path) {
        "the standard output".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Whether a path means the standard output.
pub fn is_stdout(path: &Path) -> bool {
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path == Path::new(name))
}

/// Whether reading `input` includes reading `file`. Only an existing file can be read.
fn is_read(input: &Path, file: &Path) -> bool {
    if is_same_file(input, file) {
        return true;
    }
    let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
    if NOT_READ.iter().any(|kind| extension == *kind) || !input.is_dir() {
        return false;
    }
    match (input.canonicalize(), file.canonicalize()) {
        (Ok(folder), Ok(file)) => file.starts_with(folder),
        _ => false,
    }
}

/// Whether writing to `a` would mix with the content of `b`. Terminals and `/dev/null` can take both.
fn mixes(a: &Path, b: &Path) -> bool {
    fs::metadata(a).is_ok_and(|metadata| !is_device(&metadata)) && is_same_file(a, b)
}

#[cfg(unix)]
fn is_device(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    metadata.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_device(_: &fs::Metadata) -> bool {
    false
}

/// The folder of a file.
pub(super) fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The path of a file while it is incomplete.
pub fn partial_path(file: &Path) -> PathBuf {
    let mut name: OsString = file.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    file.with_file_name(name)
}
