//! FER-2013 in memory, from any of the forms it is handed around in, and other data in the same forms.
//!
//! [`Dataset::load`] looks at what a file holds, never at its name. All forms end as the same 48×48 luma images in
//! a fixed order, and pictures are kept at the size of the network too ([`Dataset::load_for`]). What a newcomer gets wrong
//! is the `test` folder of Kaggle's folder form: it holds PublicTest and PrivateTest together, so choosing an epoch by
//! it would be choosing by the test images. Here it is the test split, [`Split::PrivateTest`], and the validation images
//! are taken from `train`; see [`SplitOrigin`].

mod csv;
mod error;
mod folder;
mod hold_out;
mod images;
mod load;
mod split;
mod zip;

pub use self::{
    error::DatasetError,
    images::Dataset,
    split::{Split, SplitOrigin},
};

#[cfg(test)]
pub(crate) mod tests;
