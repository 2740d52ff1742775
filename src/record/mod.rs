//! Writes sessions: captured frames and their results become files on the disk.
//!
//! [`Recorder`] owns the thread. Everything is written as it happens, so a crash costs only the last moment of a session;
//! [`recover`](mod@recover) repairs it. What a session consists of is in [`session`](crate::session).

mod clock;
mod config;
mod description;
mod journal;
mod pending;
mod recorder;
mod recording;
pub mod recover;
pub mod redraw;
mod status;
mod table;
mod tap;
mod thread;
pub mod video;
mod videos;

use std::io;

pub(crate) use self::description::manifest_settings;
pub use self::{
    config::RecordingConfig,
    recorder::Recorder,
    status::{Ending, Phase, RecorderStatus},
    tap::TIME_LIMIT,
    thread::MIN_FREE_BYTES,
    videos::VideoChoice,
};
use crate::{expression::Labels, session::SessionError};

/// Why a recording could not start, or ended. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A table or the description.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The video.
    #[error(transparent)]
    Video(#[from] video::VideoError),
    /// It was stopped while there was still enough space to finish it.
    #[error("the disk is almost full ({} MB left)", free_bytes / 1_000_000)]
    DiskAlmostFull {
        /// Space left, bytes.
        free_bytes: u64,
    },
    /// The tables have columns for the labels of another network.
    #[error(
        "the network was changed to “{network}”, which has other labels ({}); record them in a session of their own",
        labels.list()
    )]
    OtherLabels {
        /// The network's name.
        network: String,
        /// Its labels.
        labels: Labels,
    },
    /// This build cannot draw on frames.
    #[error(
        "this build cannot draw boxes on videos (feature `overlay`); record clean video, or values only"
    )]
    NoOverlay,
    /// The system refused a thread.
    #[error("the recording thread could not be started")]
    Thread(#[source] io::Error),
    /// Something that should not happen did.
    #[error("the recording failed because of a bug: {0}")]
    Bug(String),
}

#[cfg(test)]
mod tests;
