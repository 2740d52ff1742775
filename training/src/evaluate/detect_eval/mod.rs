//! Measures how many faces the application finds, how well it reads them, and its false faces.
//!
//! Everything passes through the application's [`FaceFinder`](fervis::detect::FaceFinder) and crop, image by image. There
//! are two kinds of material: FER-2013's images in a larger frame, upright and rolled, and labeled photographs, unchanged
//! and made dark, blurred or small.

mod images;
mod photos;
mod reader;

pub use self::{
    images::{RollRow, TurnRow, measure_rolls},
    photos::{Damage, count_false_faces, measure_photos, read_labels},
    reader::{ExpressionReader, Tally},
};
