//! What can go wrong with a video file.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::frame::Resolution;

/// Why a frame, or the end of a video, could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// The file could not be created.
    #[error("the video {} could not be started", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No room is left.
    #[error("the disk is full: the video {} ends here; free some space before you record again", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed for another reason.
    #[error("the video {} could not be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// An earlier error ended the video.
    #[error("the video {} ended after an earlier error", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// The codec does not take frames of this size.
    #[error("frames of {resolution} cannot be recorded as {codec}, which takes {range}")]
    Size {
        /// Size of the frames.
        resolution: Resolution,
        /// Name of the codec.
        codec: &'static str,
        /// The sizes that it takes.
        range: &'static str,
    },
    /// The encoder failed.
    #[error("the {codec} encoder failed: {reason}")]
    Encoder {
        /// Name of the codec.
        codec: &'static str,
        /// Its message.
        reason: String,
    },
}

impl VideoError {
    /// An I/O error while writing, with its file.
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Write { path, source },
        }
    }
}

/// Why a video could not be repaired or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// It was not written by fervis, or another program changed it.
    #[error("{} is not a recording of fervis, or another program changed it; it was left as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It is ours, but what decoders need to read its frames is gone.
    #[error("{} cannot be repaired: {reason}; it was left as it is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// Reading or writing failed.
    #[error("{} could not be repaired", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl RecoverError {
    /// An I/O error with its file.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + Copy + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// A file of another program.
    pub(super) fn foreign(path: &Path) -> Self {
        Self::Foreign {
            path: path.to_owned(),
        }
    }

    /// A damaged file of ours.
    pub(super) fn damaged(path: &Path, reason: &'static str) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason,
        }
    }
}
