//! Separable convolutions of small networks, one image at a time on one thread, for inference.
//!
//! A block is a 3×3 convolution of each channel on its own, a product over channels, a residual, and a slope for negative
//! values (He et al. 2015, arXiv:1502.01852). A few rows at a time go through all of it, so what lies between the
//! two convolutions never leaves the first cache. Sides follow TensorFlow's "same" padding, which is asymmetric where a
//! stride leaves an odd number of columns over: the larger part comes after the image.
//!
//! Nothing is allocated once every image and buffer has had its size.

mod block;
mod columns;
mod image;
mod pointwise;
mod stem;

pub use block::Separable;
pub use columns::{Layer, Slope};
pub use image::{Buffers, Image};
pub use pointwise::Pointwise;
pub use stem::Stem;

#[cfg(test)]
mod tests;
