//! The checkpoints inside the binary.

use std::path::{Path, PathBuf};

use super::{assumptions::Settings, checkpoint::Checkpoint, error::ModelError, import};

/// Which checkpoint to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckpointChoice {
    /// One that ships inside the binary, by name.
    Bundled(String),
    /// A file of the user.
    File(PathBuf),
    /// A file of another program, and what the user says about it.
    FileAs(PathBuf, Box<Settings>),
}

impl CheckpointChoice {
    /// Parses a choice from the command line: a bundled name, otherwise a path.
    pub fn parse(text: &str) -> Self {
        if bundled_names().contains(&text) {
            Self::Bundled(text.to_owned())
        } else {
            Self::File(PathBuf::from(text))
        }
    }

    /// The short name of the network: the bundled name, or the file's stem.
    pub fn name(&self) -> String {
        match self {
            Self::Bundled(name) => name.clone(),
            Self::File(path) | Self::FileAs(path, _) => {
                let stem = path.file_stem().unwrap_or(path.as_os_str());
                stem.to_string_lossy().into_owned()
            }
        }
    }

    /// Reads the checkpoint. A file that does not describe itself is imported.
    ///
    /// # Errors
    /// [`ModelError`], as one sentence: which file, what is wrong, and what to do.
    pub fn read(&self) -> Result<Checkpoint, ModelError> {
        match self {
            Self::Bundled(name) => read(name),
            Self::File(path) => import::read(path),
            Self::FileAs(path, said) => import::read_as(path, said),
        }
    }

    /// The file, unless it is bundled.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Bundled(_) => None,
            Self::File(path) | Self::FileAs(path, _) => Some(path),
        }
    }
}

impl Default for CheckpointChoice {
    /// The first bundled checkpoint.
    fn default() -> Self {
        Self::Bundled(NAMES[0].to_owned())
    }
}

/// fervis-plus comes first: in front of a camera people expect to be read as other people read them (its card says more).
const NAMES: [&str; 3] = ["fervis-plus", "fervis", "three-block"];
/// Whom each serves, for people who choose.
const PURPOSES: [&str; 3] = [
    "as people judge a face: the choice for live use",
    "by FER-2013's labels: to compare with published results",
    "small and simple: for teaching",
];
const FILES: [&[u8]; 3] = [
    include_bytes!("../../models/fervis-plus.safetensors"),
    include_bytes!("../../models/fervis.safetensors"),
    include_bytes!("../../models/three-block.safetensors"),
];

/// The names of the checkpoints inside this binary, the default first.
pub fn bundled_names() -> &'static [&'static str] {
    &NAMES
}

/// Whom a bundled checkpoint serves, in a few words; nothing for another name.
pub fn bundled_purpose(name: &str) -> &'static str {
    let index = NAMES.iter().position(|known| *known == name);
    index.map_or("", |index| PURPOSES[index])
}

/// Reads a bundled checkpoint.
fn read(name: &str) -> Result<Checkpoint, ModelError> {
    match NAMES.iter().position(|known| *known == name) {
        Some(index) => Checkpoint::parse(FILES[index], name),
        None => Err(ModelError::NoSuchCheckpoint {
            name: name.to_owned(),
            known: NAMES.join(", "),
        }),
    }
}
