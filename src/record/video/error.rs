//! What can go wrong with a video file, in the user's words.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::frame::Resolution;

/// Why a picture, or the end of a video, could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoError {
    /// The file could not be made.
    #[error("the video {} could not be started", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No room is left.
    #[error("the disk is full: the video {} ends here; free some space before recording on", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The disk refuses for another reason.
    #[error("the video {} could not be written further", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An earlier error ended the video.
    #[error("the video {} has ended after an earlier error", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// The codec takes no pictures of this size.
    #[error("pictures of {resolution} cannot be recorded as {codec}, which takes {range}")]
    Size {
        /// Their size.
        resolution: Resolution,
        /// Name of the codec.
        codec: &'static str,
        /// What it takes.
        range: &'static str,
    },
    /// The encoder failed.
    #[error("the {codec} encoder failed: {reason}")]
    Encoder {
        /// Name of the codec.
        codec: &'static str,
        /// What it says.
        reason: String,
    },
}

impl VideoError {
    /// An error of the disk while writing, with its file.
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
    /// It was not written by this program, or another one has changed it.
    #[error("{} is not a recording of fervis, or another program has changed it; it was left as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It is ours, but what is needed to read its pictures is gone.
    #[error("{} cannot be repaired: {reason}; it was left as it is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The disk refuses.
    #[error("{} could not be repaired", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl RecoverError {
    /// An error of the disk with its file.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + Copy + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// A file of somebody else.
    pub(super) fn foreign(path: &Path) -> Self {
        Self::Foreign {
            path: path.to_owned(),
        }
    }

    /// A file of ours that cannot be read.
    pub(super) fn damaged(path: &Path, reason: &'static str) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason,
        }
    }
}
