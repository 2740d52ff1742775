//! The files from which a run started or learned.

use std::path::Path;

use fervis::model::import::Pretrained;
use serde::{Deserialize, Serialize};

/// A file from which a run started or learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name without folders, which could reveal more about the user than a checkpoint should.
    pub file: String,
    /// SHA-256 of its contents, hexadecimal.
    pub sha256: String,
}

impl Origin {
    /// The origin for a file at a path.
    pub fn new(path: &Path, sha256: &str) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            file: name.to_string_lossy().into_owned(),
            sha256: sha256.to_owned(),
        }
    }

    /// The origin of these weights.
    pub fn of(weights: &Pretrained) -> Self {
        Self::new(Path::new(&weights.file), &weights.sha256)
    }
}
