//! CPU kernels for the networks, as candle custom operations with gradients.
//!
//! Candle's own CPU convolution backward and element-wise operations are single-threaded loops; these
//! run on all cores through [`rayon`] and the `gemm` crate. On a GPU the public functions here
//! ([`conv2d`], [`norm_relu_pool`], [`conv_relu_pool`]) fall through to candle's own operations, so a
//! network calls them without asking where it runs.
//!
//! Everything is `f32`, contiguous NCHW. Sums over a batch are taken in a fixed order for a given number of
//! threads: the same seed on the same machine gives the same weights, bit for bit.

mod conv2d;
mod conv_relu_pool;
mod im2col;
mod matmul;
mod norm_relu_pool;
mod slices;

pub use conv_relu_pool::conv_relu_pool;
pub use conv2d::conv2d;
pub use norm_relu_pool::{BatchStatistics, norm_relu_pool};

#[cfg(test)]
mod test_support;
