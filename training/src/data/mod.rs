//! From a copy of FER-2013 on disk to batches in memory.
//!
//! [`dataset`] reads every form in which the data is distributed, [`ferplus`] the votes that belong to it. [`doctor`]
//! finds faults in a copy, [`rows`] selects the images to learn from, [`sampler`] orders them, and [`loader`] turns them
//! into batches.

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
