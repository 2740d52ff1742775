//! Face crop in, expression logits out: preprocessing, networks, checkpoints.
//!
//! `fervis-train` uses the same [`preprocess`] and the same networks, so a network never sees input that it was not
//! trained on.

#[doc(hidden)]
pub mod assumptions;
mod bundled;
pub mod checkpoint;
mod classifier;
mod device;
mod error;
#[doc(hidden)] // Hidden modules are for training, benches and tests.
pub mod face;
#[doc(hidden)]
pub mod import;
#[doc(hidden)]
pub mod kernels;
#[doc(hidden)]
pub mod net;
#[cfg(feature = "onnx")]
mod onnx;
pub mod preprocess;
#[doc(hidden)]
pub mod serialize;

pub use bundled::{CheckpointChoice, bundled_names, bundled_purpose};
pub use classifier::{CheckpointInfo, Classifier, Views};
pub use device::{ComputeDevice, DeviceChoice};
pub use error::ModelError;
pub use kernels::Precision;
