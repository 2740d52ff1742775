//! Many files, each analyzed whole: one session per file, and one table of all.
//!
//! A batch has a folder for its results. The session of a file is written to `sessions/NAME.partial` in it and renamed
//! when it is complete, so a batch that was interrupted, or even killed, leaves only whole sessions and partial ones.
//! Run again, it skips the whole ones and starts the others anew. At the end the tables are made from the sessions, so
//! they do not depend on which run, job or machine a file was analyzed by.
//!
//! | in the folder | what it holds |
//! | --- | --- |
//! | `faces.csv`, `faces.parquet` | a row for every face of every frame of every file |
//! | `files.csv` | a row for every file, also for those that failed |
//! | `sessions/` | the session of each file, without video |
//!
//! Several machines can share the work: each takes the files of its [`Shard`], and its tables have the shard in their
//! names.

mod job;
mod list;
mod outcome;
mod run;
mod tables;
mod who;

pub use self::{
    list::Shard,
    outcome::{Failure, Outcome, Report, Update},
    run::{Batch, default_n_jobs},
    who::{Pattern, Who},
};

use std::{io, path::PathBuf};

use crate::{
    model::{CheckpointChoice, DeviceChoice},
    pipeline::Settings,
    record::RecordError,
    result_file::ResultError,
    session::SessionError,
};

/// What to analyze, and how.
#[derive(Debug, Clone)]
pub struct BatchConfig {
    /// Videos, folders and patterns (`**/*.mp4`). A folder stands for all videos in it, at any depth.
    pub inputs: Vec<PathBuf>,
    /// The folder of the results; it is created.
    pub out: PathBuf,
    /// Who is in which file.
    pub who: Who,
    /// Only this part of the files.
    pub shard: Option<Shard>,
    /// How many files are analyzed at the same time, at least 1.
    pub n_jobs: usize,
    /// Whether finished files are analyzed again.
    pub overwrite: bool,
    /// The network.
    pub checkpoint: CheckpointChoice,
    /// A second network that reads the same faces.
    pub second: Option<CheckpointChoice>,
    /// Where it runs.
    pub device: DeviceChoice,
    /// How faces are found and their values smoothed.
    pub settings: Settings,
}

/// Why a whole batch cannot be analyzed. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// An input leads nowhere.
    #[error("{}: there is no such file or folder", path.display())]
    NoSuchInput {
        /// The input.
        path: PathBuf,
    },
    /// A pattern cannot be read.
    #[error("“{pattern}” is not a pattern: {reason}")]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The inputs hold no video.
    #[error("there is no video in {inputs}")]
    NothingToAnalyze {
        /// The inputs, as they were written.
        inputs: String,
    },
    /// Two files would have the same result.
    #[error(
        "{} and {} would have the same result; analyze them into two folders",
        first.display(),
        second.display()
    )]
    SameName {
        /// One of them.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// A file's own folder cannot be made from its name.
    #[error("{}: results cannot be named after this file; rename it", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The table of participants cannot be used.
    #[error("{}{}: {problem}", file.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Participants {
        /// The file.
        file: PathBuf,
        /// Counted from 1.
        line: Option<u64>,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Finished files were analyzed in another way.
    #[error(
        "{}: {file} was analyzed with {before}, and now it would be {now}; choose another folder, or analyze all again (--force)",
        out.display()
    )]
    OtherSettings {
        /// The folder of the results.
        out: PathBuf,
        /// The file.
        file: String,
        /// How it was analyzed.
        before: String,
        /// What is asked for now.
        now: String,
    },
    /// The network could not be loaded.
    #[error("{0}")]
    Network(String),
    /// A thread could not be started.
    #[error("the analysis could not be started")]
    Start(#[source] io::Error),
    /// A session of an earlier run cannot be read.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A table cannot be written.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// Something that should not happen did.
    #[error("the analysis ended because of a bug; see the log")]
    Bug,
}

/// Why one file could not be analyzed.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("{0}")]
    Source(String),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("another fervis is analyzing it")]
    InUse,
    #[error("{} holds files that fervis did not write; move them, and run it again", folder.display())]
    Foreign { folder: PathBuf },
}
