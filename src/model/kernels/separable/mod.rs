//! Separable convolutions of small networks, one image at a time on one thread, for inference.
//!
//! A block is a depthwise 3×3 convolution, a pointwise convolution (a product over channels), a residual, and a slope for
//! negative values (He et al. 2015, arXiv:1502.01852). A few rows at a time go through the whole block, so the values
//! between the two convolutions never leave the first-level cache. Padding is TensorFlow's "same", which is asymmetric where
//! a stride leaves an odd number of columns: the larger part comes after the image.
//!
//! Once every image and buffer has reached its size, nothing is allocated.

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
