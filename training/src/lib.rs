//! Trains and evaluates the networks that fervis runs.

pub mod augment;
pub mod dataset;
pub mod loader;
pub mod random;
