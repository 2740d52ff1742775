//! How many faces the application finds, how well it reads them, and what it takes for a face that is none.
//!
//! Everything goes through the application's own [`FaceFinder`] and crop, picture by picture. Two kinds of material: the images
//! of FER-2013 in a frame that continues them, upright and rolled, and photographs with a label each, as they are and made dark, blurred
//! or small.

mod images;
mod photos;
mod reader;

pub use self::{
    images::{RollRow, TurnRow, measure_rolls},
    photos::{Damage, count_false_faces, measure_photos, read_labels},
    reader::{Reader, Tally},
};
