//! The reasons why a dataset cannot be loaded.

use std::io;

use fervis::capture::still::StillError;

/// Why a dataset cannot be loaded. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The file or folder cannot be read, or ends too early.
    #[error("{file} could not be read")]
    Read {
        /// The file, or `archive/entry`.
        file: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A row breaks the format.
    #[error("{file}, line {line}: {problem}")]
    Row {
        /// The file, or `archive/entry`.
        file: String,
        /// Counted from 1, the header being line 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file or folder as a whole is not a form of FER-2013.
    #[error("{file} {problem}")]
    Form {
        /// The file or folder.
        file: String,
        /// What is wrong with it, and what to give instead.
        problem: String,
    },
    /// An image of a folder or zip cannot be decoded.
    #[error("{file}: not a readable image; replace or delete it")]
    Image {
        /// The image's path.
        file: String,
        /// What is wrong with it.
        #[source]
        source: StillError,
    },
    /// The zip is damaged, encrypted or compressed with an unsupported method.
    #[error("{file} could not be unpacked")]
    Zip {
        /// The archive, or `archive/entry`.
        file: String,
        /// The unpacker's error.
        #[source]
        source: ::zip::result::ZipError,
    },
}

impl DatasetError {
    /// [`Self::Form`] of a file.
    pub(super) fn form(file: &str, problem: impl Into<String>) -> Self {
        Self::Form {
            file: file.to_owned(),
            problem: problem.into(),
        }
    }

    /// [`Self::Read`] of a file, for `map_err`.
    pub(super) fn read(file: &str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Read {
            file: file.to_owned(),
            source,
        }
    }
}
