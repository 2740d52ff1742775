//! Which files a run began with or learned from.

use std::path::Path;

use fervis::model::import::Pretrained;
use serde::{Deserialize, Serialize};

/// A file that a run began with or learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name without folders, which may say more about the user than a checkpoint should.
    pub file: String,
    /// Hexadecimal.
    pub sha256: String,
}

impl Origin {
    /// Of a file by its path.
    pub fn new(path: &Path, sha256: &str) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            file: name.to_string_lossy().into_owned(),
            sha256: sha256.to_owned(),
        }
    }

    /// Of these weights.
    pub fn of(weights: &Pretrained) -> Self {
        Self::new(Path::new(&weights.file), &weights.sha256)
    }
}
