//! Products of pixels with a matrix of weights, finished in registers: bias, residual, and a slope for negative values.
//!
//! Unlike the tiles of `product.rs` these know what follows the product. With 16 to 128 inputs a pixel, another pass over the
//! results would cost as much as the product.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};

use super::vector::{Four, Vector};
use crate::model::kernels::cpu::Simd;

/// Floats from one pixel's inputs to the next, a constant so that a tile's rows need no registers for their addresses.
/// An odd number of cache lines: neighbors fall on different sets of the cache.
pub(in super::super) const PIXEL_STRIDE: usize = 144;

/// Vectors of columns that a tile has at most, and rows for 1, 2, 3 and 4 of them: what the registers hold.
const MAX_VECTORS: usize = 4;

/// Pixels times weights. Distances are in floats.
#[derive(Clone, Copy)]
pub(in super::super) struct Pixels<'a> {
    pub n_pixels: usize,
    /// The first pixel's inputs; the next pixel's are `STRIDE` further.
    pub inputs: *const f32,
    /// Where each segment of a pixel's inputs starts, counted from the first.
    pub segments: &'a [usize],
    pub segment_len: usize,
    /// As [`pack`] laid them out.
    pub weights: *const f32,
    /// Vectors of columns.
    pub n_vectors: usize,
    /// For each column.
    pub bias: *const f32,
    /// For each column, what negative results are multiplied by.
    pub slope: *const f32,
    /// What is added before the slopes, to the first `residual_len` columns.
    pub residual: *const f32,
    pub residual_len: usize,
    pub residual_stride: usize,
    pub out: *mut f32,
    pub out_stride: usize,
}

/// Floats of a vector of these instructions.
pub(in super::super) fn lanes(simd: Simd) -> usize {
    match simd {
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => __m256::N,
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 | Simd::Avx512Bf16 | Simd::AmxBf16 => __m512::N,
        _ => Four::N,
    }
}

/// Vectors of each tile that covers `n_vectors`, as even as can be: first of all tiles, then their widths.
fn tile_widths(simd: Simd, n_vectors: usize) -> impl Iterator<Item = usize> {
    let most = if lanes(simd) == 16 { MAX_VECTORS } else { 3 };
    let n_tiles = n_vectors.div_ceil(most);
    (0..n_tiles).map(move |tile| n_vectors / n_tiles + usize::from(tile < n_vectors % n_tiles))
}

/// Lays out weights `at(input, column)` tile by tile, `[input][column]` in each.
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
/// The processor must have the instructions; everything must be as long as the fields say, and results not overlap
/// anything else.
pub(in super::super) unsafe fn multiply<const STRIDE: usize>(simd: Simd, pixels: &Pixels<'_>) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        unsafe fn avx512<const STRIDE: usize>(simd: Simd, pixels: &Pixels<'_>) {
            // SAFETY: the caller's promises are the same.
            unsafe { tiles::<__m512, STRIDE, 14, 12, 8, 6>(simd, pixels) }
        }
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<const STRIDE: usize>(simd: Simd, pixels: &Pixels<'_>) {
            // SAFETY: the caller's promises are the same.
            unsafe { tiles::<__m256, STRIDE, 8, 6, 4, 1>(simd, pixels) }
        }
        match simd {
            Simd::Portable => {}
            // SAFETY: the caller's promises are the same.
            Simd::Avx2 => return unsafe { avx2::<STRIDE>(simd, pixels) },
            // SAFETY: the caller's promises are the same.
            _ => return unsafe { avx512::<STRIDE>(simd, pixels) },
        }
    }
    // SAFETY: the caller's promises are the same.
    unsafe { tiles::<Four, STRIDE, 8, 6, 4, 1>(simd, pixels) }
}

#[inline(always)]
unsafe fn tiles<
    V: Vector,
    const STRIDE: usize,
    const ROWS_1: usize,
    const ROWS_2: usize,
    const ROWS_3: usize,
    const ROWS_4: usize,
>(
    simd: Simd,
    pixels: &Pixels<'_>,
) {
    let n_inputs = pixels.segments.len() * pixels.segment_len;
    let mut weights = pixels.weights;
    let mut column = 0;
    for width in tile_widths(simd, pixels.n_vectors) {
        // SAFETY: the tile's weights and columns are inside, by the caller's promise.
        unsafe {
            match width {
                1 => rows::<V, STRIDE, ROWS_1, 1>(pixels, weights, column),
                2 => rows::<V, STRIDE, ROWS_2, 2>(pixels, weights, column),
                3 => rows::<V, STRIDE, ROWS_3, 3>(pixels, weights, column),
                _ => rows::<V, STRIDE, ROWS_4, 4>(pixels, weights, column),
            }
            weights = weights.add(n_inputs * width * V::N);
        }
        column += width * V::N;
    }
}

/// All pixels for the columns of one tile. The last tile of rows overlaps the one before: computing some pixels twice
/// is cheaper than having code for every number of rows.
#[inline(always)]
unsafe fn rows<V: Vector, const STRIDE: usize, const ROWS: usize, const WIDTH: usize>(
    pixels: &Pixels<'_>,
    weights: *const f32,
    column: usize,
) {
    let n = pixels.n_pixels;
    // SAFETY: pixels below `n_pixels`, and the caller's promises.
    unsafe {
        if n < ROWS {
            for first in 0..n {
                tile::<V, STRIDE, 1, WIDTH>(pixels, first, weights, column);
            }
        } else {
            for first in (0..n).step_by(ROWS) {
                tile::<V, STRIDE, ROWS, WIDTH>(pixels, first.min(n - ROWS), weights, column);
            }
        }
    }
}

#[inline(always)]
unsafe fn tile<V: Vector, const STRIDE: usize, const ROWS: usize, const WIDTH: usize>(
    pixels: &Pixels<'_>,
    first: usize,
    weights: *const f32,
    column: usize,
) {
    // SAFETY: the caller says that all of this is inside.
    unsafe {
        let mut bias = [V::splat(0.0); WIDTH];
        for (vector, bias) in bias.iter_mut().enumerate() {
            *bias = V::load(pixels.bias.add(column + vector * V::N));
        }
        let mut sums = [bias; ROWS];
        for vector in 0..WIDTH {
            let column = column + vector * V::N;
            if column < pixels.residual_len {
                for (row, sums) in sums.iter_mut().enumerate() {
                    let at = (first + row) * pixels.residual_stride + column;
                    sums[vector] = sums[vector].add(V::load(pixels.residual.add(at)));
                }
            }
        }
        let mut weights = weights;
        for &segment in pixels.segments {
            let mut inputs = pixels.inputs.add(first * STRIDE + segment);
            for _ in 0..pixels.segment_len {
                let mut columns = bias;
                for (vector, column) in columns.iter_mut().enumerate() {
                    *column = V::load(weights.add(vector * V::N));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let input = V::splat(*inputs.add(row * STRIDE));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = input.mul_add(column, *sum);
                    }
                }
                inputs = inputs.add(1);
                weights = weights.add(WIDTH * V::N);
            }
        }
        let zero = V::splat(0.0);
        for (row, sums) in sums.iter().enumerate() {
            let out = pixels.out.add((first + row) * pixels.out_stride + column);
            for (vector, sum) in sums.iter().enumerate() {
                let slope = V::load(pixels.slope.add(column + vector * V::N));
                let result = slope.mul_add(sum.min(zero), sum.max(zero));
                result.store(out.add(vector * V::N));
            }
        }
    }
}
