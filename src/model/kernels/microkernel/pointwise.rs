//! Products of pixels and a matrix of weights, finished in registers: bias, residual, and a slope for negative values.
//!
//! Unlike the tiles of `gemm.rs` these know what follows the product. With 16 to 128 inputs per pixel, another pass over
//! the outputs would cost as much as the product.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::float32x4_t;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use super::vector::{Four, Vector};
use crate::model::kernels::cpu::Simd;

/// Floats of two pixels of RGB.
const TWO_RGB: usize = 6;

/// The distance between the inputs of adjacent pixels. It is a constant, so that a tile's rows need no registers for their
/// addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Neighbors {
    /// One vector: inputs are grouped by vectors of channels, and the pixels of a group are contiguous.
    Vector,
    /// Two pixels of RGB: the first convolution, which has stride 2, reads the image in place.
    TwoRgb,
}

impl Neighbors {
    /// The distance in floats, for vectors of so many lanes.
    pub fn stride(self, lanes: usize) -> usize {
        match self {
            Self::Vector => lanes,
            Self::TwoRgb => TWO_RGB,
        }
    }
}

/// A product of pixels and weights. Distances are in floats.
#[derive(Clone, Copy)]
pub(in super::super) struct Pixels {
    pub n_pixels: usize,
    /// The first pixel's inputs.
    pub inputs: *const f32,
    pub neighbors: Neighbors,
    pub n_inputs: usize,
    /// Inputs that are contiguous; the last segment may be shorter.
    pub segment_len: usize,
    /// Distance from one segment to the next.
    pub segment_stride: usize,
    /// Laid out by [`pack`].
    pub weights: *const f32,
    /// Vectors of columns.
    pub n_vectors: usize,
    /// One for each column.
    pub bias: *const f32,
    /// For each column, the factor of negative results.
    pub slope: *const f32,
    /// Added before the slopes, to the first `residual_len` columns.
    pub residual: *const f32,
    pub residual_len: usize,
    pub residual_stride: usize,
    pub out: *mut f32,
    pub out_stride: usize,
}

/// Floats per vector of these instructions.
pub(in super::super) fn lanes(simd: Simd) -> usize {
    match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => __m256::N,
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 | Simd::Avx512Bf16 | Simd::AmxBf16 => __m512::N,
        _ => Four::N,
    }
}

/// The maximum number of vectors of columns in a tile: what the registers hold beside enough rows.
fn max_width(simd: Simd) -> usize {
    match simd {
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => 4,
        _ if lanes(simd) == 16 => 4,
        _ => 2,
    }
}

/// The widths, in vectors, of the tiles that cover `n_vectors`, as even as possible.
fn tile_widths(simd: Simd, n_vectors: usize) -> impl Iterator<Item = usize> {
    let n_tiles = n_vectors.div_ceil(max_width(simd));
    (0..n_tiles).map(move |tile| n_vectors / n_tiles + usize::from(tile < n_vectors % n_tiles))
}

/// Packs weights `at(input, column)` tile by tile, each `[input][column]`.
pub(in super::super) fn pack(
    simd: Simd,
    n_inputs: usize,
    n_columns: usize,
    at: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let lanes = lanes(simd);
    let n_vectors = n_columns.div_ceil(lanes);
    let mut packed = Vec::with_capacity(n_inputs * n_vectors * lanes);
    let mut first = 0;
    for width in tile_widths(simd, n_vectors) {
        for input in 0..n_inputs {
            packed.extend((first..first + width * lanes).map(|column| {
                if column < n_columns {
                    at(input, column)
                } else {
                    0.0
                }
            }));
        }
        first += width * lanes;
    }
    packed
}

/// # Safety
/// The processor must have the instructions; everything must be as long as the fields say, and outputs must not overlap
/// anything else.
pub(in super::super) unsafe fn multiply(simd: Simd, pixels: &Pixels) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        unsafe fn avx512(simd: Simd, pixels: &Pixels) {
            // SAFETY: the caller's promises are the same.
            unsafe { tiles::<__m512, 14, 12, 8, 6>(simd, pixels) }
        }
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2(simd: Simd, pixels: &Pixels) {
            // SAFETY: the caller's promises are the same.
            unsafe { tiles::<__m256, 8, 6, 1, 1>(simd, pixels) }
        }
        match simd {
            Simd::Portable => {}
            // SAFETY: the caller's promises are the same.
            Simd::Avx2 => return unsafe { avx2(simd, pixels) },
            // SAFETY: the caller's promises are the same.
            _ => return unsafe { avx512(simd, pixels) },
        }
    }
    #[cfg(target_arch = "aarch64")]
    if simd == Simd::Neon {
        // SAFETY: the caller's promises are the same.
        return unsafe { tiles::<float32x4_t, 16, 12, 8, 6>(simd, pixels) };
    }
    // SAFETY: the caller's promises are the same.
    unsafe { tiles::<Four, 8, 6, 1, 1>(simd, pixels) }
}

/// The constants are the rows of tiles of 1, 2, 3 and 4 vectors of columns.
#[inline(always)]
unsafe fn tiles<
    V: Vector,
    const ONE: usize,
    const TWO: usize,
    const THREE: usize,
    const FOUR: usize,
>(
    simd: Simd,
    pixels: &Pixels,
) {
    let mut weights = pixels.weights;
    let mut column = 0;
    for width in tile_widths(simd, pixels.n_vectors) {
        // SAFETY: the tile's weights and columns are inside, by the caller's promise.
        unsafe {
            match width {
                1 => rows::<V, ONE, 1>(pixels, weights, column),
                2 => rows::<V, TWO, 2>(pixels, weights, column),
                3 => rows::<V, THREE, 3>(pixels, weights, column),
                _ => rows::<V, FOUR, 4>(pixels, weights, column),
            }
            weights = weights.add(pixels.n_inputs * width * V::N);
        }
        column += width * V::N;
    }
}

/// Computes all pixels for the columns of one tile. The last tile of rows overlaps the one before: computing some pixels
/// twice is cheaper than having code for every number of rows.
#[inline(always)]
unsafe fn rows<V: Vector, const ROWS: usize, const WIDTH: usize>(
    pixels: &Pixels,
    weights: *const f32,
    column: usize,
) {
    let n = pixels.n_pixels;
    // SAFETY: pixels below `n_pixels`, and the caller's promises.
    unsafe {
        match pixels.neighbors {
            _ if n < ROWS => {
                let stride = pixels.neighbors.stride(V::N);
                for first in 0..n {
                    tile::<V, 1, WIDTH>(pixels, stride, first, weights, column);
                }
            }
            Neighbors::Vector => {
                for first in (0..n).step_by(ROWS) {
                    tile::<V, ROWS, WIDTH>(pixels, V::N, first.min(n - ROWS), weights, column);
                }
            }
            Neighbors::TwoRgb => {
                for first in (0..n).step_by(ROWS) {
                    tile::<V, ROWS, WIDTH>(pixels, TWO_RGB, first.min(n - ROWS), weights, column);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Vector, const ROWS: usize, const WIDTH: usize>(
    pixels: &Pixels,
    stride: usize,
    first: usize,
    weights: *const f32,
    column: usize,
) {
    // SAFETY: all of this is inside, by the caller's promise.
    unsafe {
        let mut bias = [V::splat(0.0); WIDTH];
        for (vector, bias) in bias.iter_mut().enumerate() {
            *bias = V::load(pixels.bias.add(column + vector * V::N));
        }
        let mut sums = [bias; ROWS];
        for vector in 0..WIDTH {
            let column = column + vector * V::N;
            if column < pixels.residual_len {
                let mut residual = pixels.residual.add(first * pixels.residual_stride + column);
                for sums in &mut sums {
                    sums[vector] = sums[vector].add(V::load(residual));
                    residual = residual.wrapping_add(pixels.residual_stride);
                }
            }
        }
        let mut weights = weights;
        let mut segment = pixels.inputs.add(first * stride);
        let mut left = pixels.n_inputs;
        while left > 0 {
            let len = left.min(pixels.segment_len);
            let mut inputs = segment;
            for _ in 0..len {
                let mut columns = bias;
                for (vector, column) in columns.iter_mut().enumerate() {
                    *column = V::load(weights.add(vector * V::N));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let input = V::splat(*inputs.add(row * stride));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = input.mul_add(column, *sum);
                    }
                }
                inputs = inputs.add(1);
                weights = weights.add(WIDTH * V::N);
            }
            segment = segment.wrapping_add(pixels.segment_stride);
            left -= len;
        }
        let zero = V::splat(0.0);
        let mut slope = [zero; WIDTH];
        for (vector, slope) in slope.iter_mut().enumerate() {
            *slope = V::load(pixels.slope.add(column + vector * V::N));
        }
        let mut out = pixels.out.add(first * pixels.out_stride + column);
        for sums in &sums {
            for (vector, (sum, slope)) in sums.iter().zip(slope).enumerate() {
                let result = slope.mul_add(sum.min(zero), sum.max(zero));
                result.store(out.add(vector * V::N));
            }
            out = out.wrapping_add(pixels.out_stride);
        }
    }
}
