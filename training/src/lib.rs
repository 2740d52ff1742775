//! Trains and evaluates the networks that fervis runs.

pub mod augment;
pub mod dataset;
pub mod duplicates;
pub mod loader;
pub mod metrics;
pub mod random;
pub mod temperature;
