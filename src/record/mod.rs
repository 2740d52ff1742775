//! Records: captured frames and their results become a session on the disk.
//!
//! [`Recorder`] owns the thread. Everything is written as it happens, so a session that was cut off by a crash holds all but its
//! last moment; [`recover`](mod@recover) makes it whole. What a session consists of is in [`session`](crate::session).

mod clock;
mod description;
mod latency;
mod pending;
mod pictures;
mod recorder;
mod recording;
pub mod recover;
pub mod redraw;
pub mod video;
mod writer;

use std::io;

pub use self::{
    pictures::VideoChoice,
    recorder::{Ending, Phase, Recorder, RecorderStatus, RecordingConfig},
};
use crate::session::SessionError;

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
