//! What a batch tells while it runs, and at its end.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::BatchError;
use crate::capture::SourceInfo;

/// Something that happened, for whoever watches.
#[derive(Debug)]
pub enum Update {
    /// The files are known.
    Planned {
        /// How many files there are to analyze, without the finished ones.
        n_files: usize,
        /// How many were finished by an earlier run, and are skipped.
        n_finished: usize,
    },
    /// Something to know, which stops nothing.
    Note(String),
    /// A job begins a file.
    Begun {
        /// Number of the job, from 0.
        job: usize,
        /// The file's name in the results.
        file: Arc<str>,
    },
    /// The file is open.
    Opened {
        /// The job.
        job: usize,
        /// What the file holds.
        info: SourceInfo,
    },
    /// A job is further in its file. Sent some times a second.
    Advanced {
        /// The job.
        job: usize,
        /// Frames analyzed so far.
        n_frames: u64,
        /// The file's own time.
        time: Duration,
    },
    /// A job is done with a file.
    Done {
        /// The job.
        job: usize,
        /// The file's name in the results.
        file: Arc<str>,
        /// How it went.
        outcome: Outcome,
    },
    /// All files are done, and the tables are being written.
    Tables,
    /// It is over; nothing follows.
    Ended(Box<Result<Report, BatchError>>),
}

/// How the analysis of a file ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its session is complete.
    Analyzed {
        /// Number of frames.
        n_frames: u64,
        /// Number of faces in all of them.
        n_faces: u64,
        /// How long the file plays.
        length: Duration,
        /// How long the analysis took.
        elapsed: Duration,
    },
    /// It failed, for this reason. The others continue.
    Failed(String),
    /// It was stopped, and will be started again.
    Stopped,
}

/// A file that could not be analyzed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its name in the results, or its path if it has none.
    pub file: String,
    /// Why, in words.
    pub reason: String,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Files of this batch, or of this shard.
    pub n_files: usize,
    /// Of these, finished by an earlier run.
    pub n_finished: usize,
    /// Of these, analyzed now.
    pub n_analyzed: usize,
    /// Of these, failed, by name.
    pub failures: Vec<Failure>,
    /// Frames analyzed now.
    pub n_frames: u64,
    /// How long all of them play.
    pub length: Duration,
    /// How long the analysis took, without loading the network and writing tables.
    pub elapsed: Duration,
    /// Whether it was stopped before its end; then no tables were written.
    pub was_stopped: bool,
    /// The tables that were written.
    pub tables: Vec<PathBuf>,
}
