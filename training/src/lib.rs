//! Trains and evaluates the networks that fervis runs.
//!
//! Read in this order: [`dataset`] → [`augment`] → [`loader`] make batches, [`recipe`] → [`train`] make a
//! network of them, [`evaluate`] measures it. Selection happens on PublicTest; PrivateTest is for the last figure alone.

pub mod augment;
pub mod dataset;
pub mod duplicates;
pub mod evaluate;
pub mod framing;
pub mod init;
pub mod loader;
pub mod metrics;
pub mod optimizer;
pub mod progress;
pub mod random;
pub mod recipe;
pub mod run_folder;
pub mod temperature;
pub mod train;
