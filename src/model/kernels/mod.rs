//! CPU kernels for the networks, as candle custom operations with gradients.
//!
//! Candle's own CPU convolution gradients and element-wise operations are single-threaded loops. These run on all cores
//! with the best instructions that the processor has, chosen at run time. On a GPU the public functions here fall
//! through to candle's operations, so a network calls them without asking where it runs.
//!
//! Images are `(b, h, w, c)` in contiguous f32: channels last, which suits both the matrix products and the element-wise
//! loops. Kernels keep PyTorch's `(c_out, c_in, k, k)`, so checkpoints do not depend on any of this. Sums over a batch are
//! taken in a fixed order for a given number of threads, so the same seed on the same machine gives the same weights, bit
//! for bit.
//!
//! From the outside in: [`conv_norm`](conv_norm()) and the other operations, `convolution` (a convolution as matrix
//! products), `grid` (the memory layout of images), `gemm` (the blocks of a product), `microkernel` (the tiles of a block,
//! one file per instruction set). The layers in `separable` are not candle operations: they work on buffers that the
//! face networks keep from frame to frame.

mod batch_norm;
mod conv2d;
mod conv_norm;
mod convolution;
mod cpu;
mod dot;
mod element;
mod folded_conv;
#[expect(unsafe_code, reason = "tiles are addressed by pointers")]
mod gemm;
mod grid;
mod linear;
#[expect(
    unsafe_code,
    reason = "instructions of one processor, and pointers into panels"
)]
mod microkernel;
mod norm;
mod panels;
mod patches;
mod pool;
mod residual;
mod rows;
mod runs;
mod scale_shift;
mod separable;
mod slices;
mod windows;
mod winograd;

pub use batch_norm::{BatchNormConfig, FoldedNorm, batch_norm};
pub use conv_norm::{ConvNormConfig, conv_norm};
pub use conv2d::{ConvConfig, conv2d, without_stride};
pub use element::Precision;
pub use folded_conv::{FoldedConv, FoldedConvConfig};
pub use linear::linear;
pub use patches::by_patches;
pub use pool::{adaptive_avg_pool, avg_pool, max_pool};
pub use residual::add_relu;
pub use scale_shift::BatchStatistics;
pub use separable::{Buffers, Image, Layer, Pointwise, Separable, Slope, Stem};

#[cfg(test)]
pub(in crate::model) mod test_support;
