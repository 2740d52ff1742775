//! Measures networks: on a split, under damage, through the application's detector, and against each other.
//!
//! [`logits`] runs the network exactly as the application does; everything else evaluates its answers.

pub mod agreement;
pub mod calibration;
pub mod compare;
pub mod detect_eval;
pub mod evaluation;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod framing;
pub mod logits;
pub mod metrics;
pub mod reliability;
pub mod risk;
pub mod robust;
pub mod temperature;
pub mod through_detector;
