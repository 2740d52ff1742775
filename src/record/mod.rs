//! Sessions: what a recording leaves on disk, and how it gets there.
//!
//! A session is a folder, whose [`files`] are opened with care. [`tables`] holds its rows and [`manifest`] what is said once about all of them; [`reader`]
//! loads it again. Everything is written as it happens, so a session that was cut off by a crash holds all but its
//! last moment; [`recover`](mod@recover) makes it whole.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `session.json` | source, networks, settings, clock, counts, and the meaning of every column |
//! | `frames.csv` | a row for every captured frame, also those without a face and those that were not analysed |
//! | `faces.csv` | a row for every face of every analysed frame |
//! | `events.csv` | markers, changes of the network, losses of the camera, pauses, errors |
//! | `video.mp4`, `clean.mp4` | the pictures, with or without boxes, as wished |
//!
//! What a newcomer would get wrong: three numbers tell frames apart. `frame` counts the rows of `frames.csv` and joins
//! the tables; `video_frame` counts the pictures in the video, and a frame that is not in it has none; `pts_90k` is when
//! it is shown there, and the exact form of `t_s`.

mod clock;
mod description;
pub mod files;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod folder;
mod latency;
pub mod manifest;
mod pending;
mod pictures;
pub mod reader;
mod recorder;
mod recording;
pub mod recover;
pub mod redraw;
pub mod tables;
pub mod timeline;
pub mod video;
mod writer;

use std::{
    io,
    path::{Path, PathBuf},
};

pub use self::{
    pictures::VideoChoice,
    recorder::{Ending, Phase, Recorder, RecorderStatus, RecordingConfig},
};

/// The description of a session, in its folder.
pub const MANIFEST_FILE: &str = "session.json";

/// Ticks of the clock of videos in a second.
pub const TICKS_PER_SECOND: u64 = 90_000;

/// Why a session could not be read, written or repaired. The words are the ones users see.
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
    /// A file holds something else than it should.
    #[error("{}{}: {problem}", file.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Content {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: Option<u64>,
        /// What is wrong, and what to do about it if that is not plain.
        problem: String,
    },
    /// The folder, or a file in it, is not where it was.
    #[error(
        "{} was deleted, moved, replaced or unmounted during the recording; \
         if the session is elsewhere now, `fervis recover` makes it whole",
        path.display()
    )]
    Gone {
        /// The folder or the file.
        path: PathBuf,
    },
    /// Another program is recording into the folder.
    #[error("{} is being recorded now; stop the recording first", folder.display())]
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

    /// Whether the system does not let us write there.
    fn is_refusal(&self) -> bool {
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

/// Why there is no recording, or no more. The words are the ones users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The tables or the description.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The video.
    #[error(transparent)]
    Video(#[from] video::VideoError),
    /// It was stopped while there was still room to end it well.
    #[error("the disk is almost full ({} MB left)", free_bytes / 1_000_000)]
    DiskAlmostFull {
        /// What is left.
        free_bytes: u64,
    },
    /// This build cannot draw on pictures.
    #[error(
        "this build draws no boxes on videos (feature `overlay`); record clean pictures or values only"
    )]
    NoOverlay,
    /// The system refuses a thread.
    #[error("no thread could be started to record")]
    Thread(#[source] io::Error),
    /// Something that should not happen did.
    #[error("the recording failed because of a bug: {0}")]
    Bug(String),
}

#[cfg(test)]
mod tests;
