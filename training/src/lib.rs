//! Trains and evaluates the networks that fervis runs.
//!
//! Read in this order: [`data`] and [`augment`] make batches, [`recipe`] says how a run goes, [`train`] runs it, and
//! [`evaluate`] measures the network. Selection happens on PublicTest; PrivateTest is for the last figure alone.

pub mod augment;
pub mod data;
pub mod evaluate;
pub mod fer2013;
pub mod random;
pub mod recipe;
pub mod report;
pub mod table;
pub mod train;
