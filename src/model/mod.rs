//! Face crop in, expression probabilities out: preprocessing, networks, checkpoints.
//!
//! `fervis-train` uses the same [`preprocess`] and the same networks, so a network never sees input it was not
//! trained on.

mod bundled;
pub mod checkpoint;
mod classifier;
mod device;
mod error;
pub mod kernels;
pub mod network;
pub mod preprocess;
pub mod three_block;

pub use bundled::{CheckpointChoice, bundled_names};
pub use classifier::{CheckpointInfo, Classifier};
pub use device::{ComputeDevice, DeviceChoice};
pub use error::ModelError;
