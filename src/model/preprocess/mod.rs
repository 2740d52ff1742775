//! Face box in, network input out; the one definition that application and training share.
//!
//! The square that is cut out is *not* the detector's box: a checkpoint says how its training images were framed
//! ([`CropGeometry`]), and the box is enlarged and shifted to match. A network fed with another framing or another
//! [`ResizeFilter`] than it was trained on loses several points of accuracy without any error message.

mod input_spec;
mod neighbors;
mod preprocessor;
mod taps;

pub use input_spec::{CropGeometry, FaceRegion, InputSpec, ResizeFilter};
pub use neighbors::{InnerLine, Line, Neighbors};
pub use preprocessor::{Preprocessor, luma_bt601};

#[cfg(test)]
mod tests;
