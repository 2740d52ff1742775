//! Trains and evaluates the networks that fervis runs.
//!
//! Read in this order: [`dataset`] → [`augment`] → [`loader`] make batches, [`recipe`] → [`train`] make a
//! network of them, [`evaluate`] measures it. Selection happens on PublicTest; PrivateTest is for the last figure alone.

pub mod augment;
pub mod auxiliary;
mod bounded_rows;
pub mod clean_index;
pub mod compare;
pub mod dataset;
pub mod detect_eval;
pub mod distillation;
pub mod doctor;
pub mod duplicates;
pub mod ema;
pub mod evaluate;
pub mod ferplus;
pub mod framing;
pub mod init;
pub mod loader;
pub mod loss;
pub mod metrics;
pub mod mixup;
pub mod near_duplicates;
pub mod optimizer;
pub mod plots;
pub mod preview;
pub mod progress;
pub mod random;
pub mod recipe;
pub mod reliability;
pub mod risk;
pub mod robust;
pub mod rows;
pub mod run_folder;
pub mod run_log;
pub mod runs;
pub mod sampler;
pub mod schedule;
pub mod table;
pub mod temperature;
pub mod tensorboard;
pub mod through_detector;
pub mod train;
pub mod widen;
