//! What a recording says of itself while it runs.

use std::time::{Duration, Instant};

use crate::{pipeline::markers::MarkerSet, session::manifest::Counts};

/// The state of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderStatus {
    /// What it is doing.
    pub phase: Phase,
    /// Time since its first frame.
    pub elapsed: Duration,
    /// The counts so far.
    pub counts: Counts,
    /// Written so far, bytes.
    pub n_bytes: u64,
    /// Free disk space, bytes, if the system says.
    pub free_bytes: Option<u64>,
    /// The latest marker; its number is how many there are.
    pub last_marker: Option<MarkerSet>,
    /// When the latest frame came that was to be recorded; at first, when the recording began.
    pub last_frame_at: Instant,
}

/// What a recorder is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Recording frames.
    Recording,
    /// Ignoring frames.
    Paused,
    /// No longer recording, and finishing the files.
    Finishing,
    /// Everything is on the disk.
    Ended(Ending),
}

/// How a recording ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Why, in words.
    pub reason: String,
    /// Whether an error ended it. What was written until then is kept.
    pub failed: bool,
}
