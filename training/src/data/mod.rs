//! From a copy of FER-2013 on disk to batches in memory.
//!
//! [`dataset`] reads every form that the data comes in, [`ferplus`] the votes that go with it. [`doctor`] finds faults of a
//! copy, [`rows`] chooses the images to learn from, [`sampler`] their order, and [`loader`] makes batches of them.

mod bounded_rows;
pub mod clean_index;
pub mod dataset;
pub mod doctor;
pub mod duplicates;
pub mod ferplus;
pub mod loader;
pub mod near_duplicates;
pub mod rows;
pub mod sampler;
pub mod target;
