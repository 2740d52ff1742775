//! Face crop in, expression probabilities out: preprocessing, networks, checkpoints.
//!
//! `fervis-train` uses the same [`preprocess`] and the same networks, so a network never sees input it was not
//! trained on.

use std::path::PathBuf;

use crate::{bounding_box::BoundingBox, expression::Logits, frame::Frame};

/// Which checkpoint to run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CheckpointChoice {
    /// One that ships inside the binary, by name.
    Bundled(String),
    /// A file of the user's.
    File(PathBuf),
}

/// Where to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The GPU this build supports, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
    /// The Metal device.
    Metal,
}

/// What a checkpoint says about itself, for menus, status bar and reports.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointInfo {
    /// Short name to show: the bundled name, or the file's stem.
    pub name: String,
    /// The file, unless bundled.
    pub path: Option<PathBuf>,
    /// Architecture name, for example `three-block`.
    pub architecture: String,
    /// Number of weights.
    pub n_parameters: usize,
    /// Divides the logits before softmax; 1 if never calibrated.
    pub temperature: f32,
    /// Measured figures, as (name, value in words), for the About and Model texts.
    pub metrics: Vec<(String, String)>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

/// Why a checkpoint or a device cannot be used. The words are the ones users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The network failed while computing.
    #[error("the network could not be run")]
    Compute(#[from] candle_core::Error),
}

/// The device to compute on, in words for the status bar, with a warning when the wish could not be met.
#[derive(Debug, Clone)]
pub struct ComputeDevice {
    /// Candle's handle.
    pub device: candle_core::Device,
    /// `CPU, 2 threads`, `CUDA 0`, `Metal`.
    pub name: String,
    /// Why it is not the wished-for one, if so.
    pub warning: Option<String>,
}

impl ComputeDevice {
    /// Starts the wished-for device, or the CPU with a warning.
    pub fn start(_choice: DeviceChoice) -> Self {
        Self {
            device: candle_core::Device::Cpu,
            name: "CPU".to_owned(),
            warning: None,
        }
    }
}

/// A loaded network, ready for faces. Built and used on one thread.
pub struct Classifier {
    info: std::sync::Arc<CheckpointInfo>,
}

impl Classifier {
    /// Loads a checkpoint onto a device.
    ///
    /// # Errors
    /// One sentence: what is wrong, with which file, what to do.
    pub fn load(choice: &CheckpointChoice, _device: &ComputeDevice) -> Result<Self, ModelError> {
        let _ = choice;
        Err(candle_core::Error::Msg("not yet".to_owned()).into())
    }

    /// What the checkpoint says about itself.
    pub fn info(&self) -> &std::sync::Arc<CheckpointInfo> {
        &self.info
    }

    /// Classifies all faces of a frame in one batch. Returns one [`Logits`] per box, in the boxes' order;
    /// apply [`CheckpointInfo::temperature`] when turning them into probabilities.
    ///
    /// # Errors
    /// [`ModelError::Compute`].
    pub fn classify(
        &mut self,
        _frame: &Frame,
        boxes: &[BoundingBox],
    ) -> Result<Vec<Logits>, ModelError> {
        Ok(vec![Logits::default(); boxes.len()])
    }
}

/// Names of the checkpoints inside this binary, the default first.
pub fn bundled_names() -> &'static [&'static str] {
    &["three-block"]
}
