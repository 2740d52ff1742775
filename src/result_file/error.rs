//! Why results cannot be written, in the words that users see.

use std::{io, path::PathBuf};

/// Why a result cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// There is an earlier result.
    #[error("{} exists already; --force replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is a partial result of an interrupted run.
    #[error(
        "{} was left by an interrupted run; move it away, or replace it with --force",
        path.display()
    )]
    Leftover {
        /// The partial file.
        path: PathBuf,
    },
    /// The command reads this file.
    #[error("{} is read by this command; give the result another name", path.display())]
    IsInput {
        /// What was to be written.
        path: PathBuf,
    },
    /// Two results would be mixed.
    #[error("{first} and {second} are the same file; give each result its own name")]
    Same {
        /// The first result.
        first: String,
        /// The second result.
        second: String,
    },
    /// The path is a folder.
    #[error("{} is a folder; give a file name", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The parent folder does not exist. It is not created, because the path is usually mistyped.
    #[error("{} cannot be written: there is no folder {}", path.display(), folder.display())]
    NoFolder {
        /// What was to be written.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// The reader of a pipe closed it.
    #[error("the reader of {0} is gone")]
    ReaderGone(String),
    /// Disk full, no permission, and so on.
    #[error("{name} could not be written")]
    Write {
        /// The file.
        name: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
}
