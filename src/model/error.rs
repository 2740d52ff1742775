//! Errors of checkpoints and devices, in the words that users see.

use std::path::PathBuf;

/// Why a checkpoint or a device cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file could not be read.
    #[error("{} could not be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file could not be written.
    #[error("{} could not be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The file was read, but it is not a checkpoint that fervis can run.
    #[error("{file} cannot be used: {reason}")]
    Refused {
        /// The file, or the bundled name.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// No bundled checkpoint has this name.
    #[error("no bundled checkpoint is named “{name}” (there are: {known})")]
    NoSuchCheckpoint {
        /// The requested name.
        name: String,
        /// The names of the bundled checkpoints.
        known: String,
    },
    /// A computation failed.
    #[error("the network could not be run")]
    Compute(#[from] candle_core::Error),
}

impl ModelError {
    /// A refusal with its reason.
    pub(crate) fn refused(file: &str, reason: impl Into<String>) -> Self {
        Self::Refused {
            file: file.to_owned(),
            reason: reason.into(),
        }
    }
}
