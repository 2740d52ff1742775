//! FER-2013 in memory, from any of the forms in which it is distributed, and other data in those forms.
//!
//! [`Dataset::load`] looks at the contents of a file, never at its name. Every form becomes the same 48×48 luma images
//! in a fixed order; larger images are also kept at the size of the network's input ([`Dataset::load_for`]). Kaggle's
//! `test` folder holds PublicTest and PrivateTest together, so selecting an epoch by it would mean selecting by test
//! images. Here it becomes the test split, [`Split::PrivateTest`], and the validation images come from `train`; see
//! [`SplitOrigin`].

mod classes;
mod csv;
mod error;
mod folder;
mod hold_out;
mod images;
mod load;
mod split;
mod zip;

pub(crate) use self::images::{FNV_OFFSET, fnv_1a};
pub use self::{
    error::DatasetError,
    images::Dataset,
    split::{Split, SplitOrigin},
};

#[cfg(test)]
pub(crate) mod tests;
