//! Why results cannot be written, in the words users see.

use std::{io, path::PathBuf};

/// Why a result cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// An earlier result is there.
    #[error("{} exists already; --force replaces it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A run was interrupted, and nobody has looked at what it left.
    #[error(
        "{} holds what an interrupted run had written; move it away, or replace it with --force",
        path.display()
    )]
    Leftover {
        /// The partial file.
        path: PathBuf,
    },
    /// The command reads this very file.
    #[error("{} is read by this command; give the result another name", path.display())]
    IsInput {
        /// What was to be written.
        path: PathBuf,
    },
    /// Two results would be mixed.
    #[error("{first} and {second} are the same file; give each result a name of its own")]
    Same {
        /// The result that was asked for first.
        first: String,
        /// The other one.
        second: String,
    },
    /// There is nothing to write to.
    #[error("{} is a folder; give the name of a file", path.display())]
    IsFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Folders are not made for a single file: mostly, the name is mistyped.
    #[error("{} cannot be written: there is no folder {}", path.display(), folder.display())]
    NoFolder {
        /// What was to be written.
        path: PathBuf,
        /// What is not there.
        folder: PathBuf,
    },
    /// Whoever read the output has seen enough.
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
