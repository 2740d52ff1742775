//! Trains and evaluates the networks that fervis runs.
//!
//! Read in this order: [`data`] and [`augment`] make batches, [`recipe`] defines a run, [`train`] runs it, [`evaluate`]
//! measures the network, and [`report`] draws and tabulates the results. [`export`] writes networks for other programs.
//! Networks are selected on PublicTest; PrivateTest is measured only for the final figures.

pub mod augment;
pub mod data;
pub mod evaluate;
pub mod export;
pub mod fer2013;
pub mod random;
pub mod recipe;
pub mod report;
pub mod table;
pub mod train;
