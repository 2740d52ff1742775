//! Rows of 3×3 depthwise convolutions, and of 2×2 maximum pooling.
//!
//! A pixel's channels are contiguous and padded to whole vectors. One vector of channels is computed along the whole row,
//! with its nine kernel elements in registers.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m512};
use std::ops::Range;

use super::vector::{Four, Vector, by_vector};
use crate::model::kernels::cpu::Simd;

/// Side of the kernels.
pub(in super::super) const KERNEL: usize = 3;
/// Weights of a channel: the bias and the kernel.
pub(in super::super) const N_WEIGHTS: usize = 1 + KERNEL * KERNEL;

/// Outputs of a row that are computed together.
const OUTPUTS_AT_A_TIME: usize = 4;

/// One row of outputs. Distances are in floats.
pub(in super::super) struct DepthwiseRow {
    /// The first pixels of the three rows of the image under the kernel; outside the image, a row of zeros.
    pub rows: [*const f32; KERNEL],
    /// Pixels per row.
    pub width: usize,
    /// Distance from one pixel to the next.
    pub pixel_stride: usize,
    /// Vectors of channels.
    pub n_vectors: usize,
    /// `[vector][bias and kernel][lane]`.
    pub weights: *const f32,
    /// Pixels from one output to the next, 1 or 2.
    pub stride: usize,
    /// Columns of zeros before the row.
    pub padding: usize,
    /// Outputs are stored by vector of channels: those of one vector contiguous, those of the next `group_stride` further.
    pub out: *mut f32,
    pub n_out: usize,
    pub group_stride: usize,
}

by_vector! {
    /// Computes a row of a convolution.
    ///
    /// # Safety
    /// The processor must have the instructions; rows, weights and outputs must be as long as the fields say, outputs
    /// for whole vectors.
    unsafe fn depthwise_row(row: &DepthwiseRow) by convolve
}

#[inline(always)]
unsafe fn convolve<V: Vector>(row: &DepthwiseRow) {
    let DepthwiseRow {
        rows,
        width,
        stride,
        padding,
        n_out,
        ..
    } = *row;
    // Outputs whose kernels are inside the row.
    let first_inside = padding.div_ceil(stride).min(n_out);
    let end_inside = match (width + padding).checked_sub(KERNEL) {
        Some(last) => (last / stride + 1).clamp(first_inside, n_out),
        None => first_inside,
    };
    for vector in 0..row.n_vectors {
        // SAFETY: inside rows, weights and outputs, by the caller's promise and the choice of columns.
        unsafe {
            let weights = row.weights.add(vector * N_WEIGHTS * V::N);
            let out = row.out.add(vector * row.group_stride);
            let rows = rows.map(|row| row.add(vector * V::N));
            for x_out in (0..first_inside).chain(end_inside..n_out) {
                at_border::<V>(row, rows, weights, x_out).store(out.add(x_out * V::N));
            }
            match stride {
                1 => inside::<V, 1>(row, rows, weights, first_inside..end_inside, out),
                _ => inside::<V, 2>(row, rows, weights, first_inside..end_inside, out),
            }
        }
    }
}

/// Computes outputs whose kernels are inside the row, a few at a time: they share most of their pixels.
#[inline(always)]
unsafe fn inside<V: Vector, const STRIDE: usize>(
    row: &DepthwiseRow,
    rows: [*const f32; KERNEL],
    weights: *const f32,
    columns: Range<usize>,
    out: *mut f32,
) {
    // SAFETY: the caller's promises are the same, and the columns under the kernels are inside the rows.
    unsafe {
        let bias = V::load(weights);
        let mut kernel = [bias; KERNEL * KERNEL];
        for (index, element) in kernel.iter_mut().enumerate() {
            *element = V::load(weights.add((1 + index) * V::N));
        }
        let pixels = |x_out: usize| {
            let at = (x_out * STRIDE).wrapping_sub(row.padding) * row.pixel_stride;
            rows.map(|row| row.add(at))
        };
        if columns.len() < OUTPUTS_AT_A_TIME {
            for x_out in columns {
                let out = out.add(x_out * V::N);
                adjacent::<V, STRIDE, 1>(pixels(x_out), row.pixel_stride, &kernel, bias, out);
            }
            return;
        }
        // The last group overlaps the one before: computing some outputs twice is cheaper than computing some alone.
        for x_out in columns.clone().step_by(OUTPUTS_AT_A_TIME) {
            let x_out = x_out.min(columns.end - OUTPUTS_AT_A_TIME);
            let (pixels, out) = (pixels(x_out), out.add(x_out * V::N));
            adjacent::<V, STRIDE, OUTPUTS_AT_A_TIME>(pixels, row.pixel_stride, &kernel, bias, out);
        }
    }
}

/// Computes `N` adjacent outputs.
#[inline(always)]
unsafe fn adjacent<V: Vector, const STRIDE: usize, const N: usize>(
    rows: [*const f32; KERNEL],
    pixel_stride: usize,
    kernel: &[V; KERNEL * KERNEL],
    bias: V,
    out: *mut f32,
) {
    // SAFETY: the caller's promises are the same.
    unsafe {
        let mut sums = [bias; N];
        for (y, row) in rows.iter().enumerate() {
            for x in 0..(N - 1) * STRIDE + KERNEL {
                let pixel = V::load(row.add(x * pixel_stride));
                for (index, sum) in sums.iter_mut().enumerate() {
                    let tap = x.wrapping_sub(index * STRIDE);
                    if tap < KERNEL {
                        *sum = pixel.mul_add(kernel[y * KERNEL + tap], *sum);
                    }
                }
            }
        }
        for (index, sum) in sums.iter().enumerate() {
            sum.store(out.add(index * V::N));
        }
    }
}

/// Computes an output whose kernel may reach beyond the border.
#[inline(always)]
unsafe fn at_border<V: Vector>(
    row: &DepthwiseRow,
    rows: [*const f32; KERNEL],
    weights: *const f32,
    x_out: usize,
) -> V {
    // SAFETY: the caller's promises are the same, and only columns of the image are read.
    unsafe {
        let mut sum = V::load(weights);
        for (y, pixels) in rows.iter().enumerate() {
            for x in 0..KERNEL {
                let column = (x_out * row.stride + x).wrapping_sub(row.padding);
                if column < row.width {
                    let pixel = V::load(pixels.add(column * row.pixel_stride));
                    let element = V::load(weights.add((1 + y * KERNEL + x) * V::N));
                    sum = pixel.mul_add(element, sum);
                }
            }
        }
        sum
    }
}

/// One row of the maxima of 2×2 squares. Distances are in floats.
pub(in super::super) struct PoolRow {
    /// Two rows of the image; at the end of an odd height the same one twice.
    pub rows: [*const f32; 2],
    /// Pixels per row.
    pub width: usize,
    /// Distance from one pixel to the next, in image and output: whole vectors of the largest kind.
    pub pixel_stride: usize,
    /// Half as many pixels, rounded up.
    pub out: *mut f32,
}

by_vector! {
    /// Pools a row.
    ///
    /// # Safety
    /// The processor must have the instructions; rows and outputs must be as long as the fields say.
    unsafe fn pool_row(row: &PoolRow) by pool
}

#[inline(always)]
unsafe fn pool<V: Vector>(row: &PoolRow) {
    let PoolRow {
        rows: [upper, lower],
        width,
        pixel_stride,
        out,
    } = *row;
    for x_out in 0..width.div_ceil(2) {
        let left = 2 * x_out * pixel_stride;
        let right = (2 * x_out + 1).min(width - 1) * pixel_stride;
        for lane in (0..pixel_stride).step_by(V::N) {
            // SAFETY: inside the rows, by the caller's promise.
            unsafe {
                let upper = V::load(upper.add(left + lane)).max(V::load(upper.add(right + lane)));
                let lower = V::load(lower.add(left + lane)).max(V::load(lower.add(right + lane)));
                let largest = upper.max(lower);
                largest.store(out.add(x_out * pixel_stride + lane));
            }
        }
    }
}
