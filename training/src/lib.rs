//! Trains and evaluates the networks that fervis runs.

pub mod augment;
pub mod dataset;
pub mod init;
pub mod loader;
pub mod metrics;
pub mod optimizer;
pub mod progress;
pub mod random;
pub mod recipe;
pub mod run_folder;
pub mod train;
