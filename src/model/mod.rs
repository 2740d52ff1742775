//! Face crop in, expression probabilities out: preprocessing, networks, checkpoints.
//!
//! `fervis-train` uses the same [`preprocess`] and the same networks, so a network never sees input it was not
//! trained on.

mod bundled;
pub mod checkpoint;
mod classifier;
pub mod compact;
pub mod custom_cnn;
pub mod densenet;
mod device;
mod error;
pub mod face;
mod foreign;
pub mod head;
pub mod kernels;
mod layers;
pub mod limits;
pub mod network;
pub mod preprocess;
pub mod pytorch;
pub mod resnet;
pub mod serialize;
pub mod three_block;
pub mod vgg;
pub mod vgg_focal;

pub use bundled::{CheckpointChoice, bundled_names};
pub use classifier::{CheckpointInfo, Classifier, Views};
pub use device::{ComputeDevice, DeviceChoice};
pub use error::ModelError;
pub use kernels::Precision;
