//! What a recording leaves on disk, and how it is read again.
//!
//! A session is a folder. [`tables`] holds its rows and [`manifest`] what is said once about all of them; [`Session`]
//! is both, loaded, and answers what anybody asks about them; [`timeline`] turns rows into stretches of time.
//! [`record`](crate::record) writes sessions.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `session.json` | source, networks, settings, clock, counts, and the meaning of every column |
//! | `frames.csv` | a row for every captured frame, also those without a face and those that were not analyzed |
//! | `faces.csv` | a row for every face of every analyzed frame |
//! | `events.csv` | markers, changes of the network, losses of the camera, pauses, errors |
//! | `annotations.csv` | what was said about it afterward: markers, and spans that do not count |
//! | `video.mp4`, `clean.mp4` | the frames, with or without boxes, as the user chose |
//!
//! Three numbers tell frames apart. `frame` counts the rows of `frames.csv` and joins the tables; `video_frame` counts
//! the frames in the video, and a frame that is not in it has none; `pts_90k` is when it is shown there, and the exact
//! form of `time_s`.

pub mod about;
mod annotated;
pub mod annotations;
pub mod catalog;
pub mod columns;
pub mod files;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod folder;
pub mod manifest;
pub mod marker_keys;
pub mod parts;
mod reader;
pub mod tables;
pub mod timeline;

use std::{
    io,
    path::{Path, PathBuf},
};

pub(crate) use self::reader::rows;
pub use self::reader::{LeftOut, Session, is_session};

/// Name of the file that describes a session, in its folder.
pub const MANIFEST_FILE: &str = "session.json";

/// Why a session could not be read, written or repaired. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The folder holds no session.
    #[error("{} is not a session: it has no {MANIFEST_FILE}", folder.display())]
    NotASession {
        /// The folder.
        folder: PathBuf,
    },
    /// A file could not be read.
    #[error("{} could not be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("{} could not be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file has unexpected content.
    #[error("{}{}: {problem}", file.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Content {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: Option<u64>,
        /// What is wrong, and what to do about it if that is not obvious.
        problem: String,
    },
    /// The folder or a file in it was removed, moved or replaced.
    #[error(
        "{} was deleted, moved, replaced or unmounted during the recording; \
         if the session was moved, repair it with `fervis recover`",
        path.display()
    )]
    Gone {
        /// The folder or the file.
        path: PathBuf,
    },
    /// Another program is recording into the folder.
    #[error("{} is being recorded; stop the recording first", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
}

impl SessionError {
    /// An error while reading a file.
    pub fn read(file: &Path, source: io::Error) -> Self {
        Self::Read {
            file: file.to_owned(),
            source,
        }
    }

    /// Whether the system denies write access.
    pub(crate) fn is_refusal(&self) -> bool {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let kind = match self {
            Self::Write { source, .. } => source.kind(),
            _ => return false,
        };
        matches!(kind, PermissionDenied | ReadOnlyFilesystem)
    }

    /// An error while writing a file.
    pub fn write(file: &Path, source: io::Error) -> Self {
        Self::Write {
            file: file.to_owned(),
            source,
        }
    }
}
