//! f32 products with ARM's vectors, which every 64-bit ARM processor has: 6 rows × 1 panel in 24 of the 32 registers.
//!
//! Four values of each row are loaded at once, and each is multiplied from its lane. So four steps of `k` compile to 96 fused
//! multiply-adds, 14 loads and 7 other instructions, and nothing is spilled. With four multiply-add pipes (Apple's cores)
//! that is 24 cycles of multiplications and, eight wide, 15 of everything; with two (Cortex-A72 and A76) 48 against 39 and
//! 30. A sum is used again after 24 multiplications, 6 cycles with four pipes, which is longer than they take. So the
//! pipes are the limit. This was read from the assembly, not measured.
//!
//! There is no kernel for bf16, because `std::arch` (Rust 1.95) has none of ARM's bf16 instructions.

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vdupq_n_f32, vfmaq_laneq_f32, vfmaq_n_f32, vld1q_f32, vst1q_f32,
};

use super::{MicroKernel, Tile};
use crate::model::kernels::panels::PANEL_WIDTH;

pub(in super::super) struct Neon;

/// Floats of a vector.
const LANES: usize = 4;
/// Vectors of a panel.
const VECTORS: usize = PANEL_WIDTH / LANES;

impl MicroKernel<f32> for Neon {
    const ROWS: usize = 6;
    const PANELS: usize = 1;

    unsafe fn tile(tile: &Tile<'_, f32>) {
        // SAFETY: the caller's promises are the same.
        unsafe {
            match tile.n_rows {
                6 => compute::<6>(tile),
                5 => compute::<5>(tile),
                4 => compute::<4>(tile),
                3 => compute::<3>(tile),
                2 => compute::<2>(tile),
                _ => compute::<1>(tile),
            }
        }
    }
}

/// # Safety
/// As for [`MicroKernel::tile`].
#[inline(never)]
unsafe fn compute<const ROWS: usize>(tile: &Tile<'_, f32>) {
    // SAFETY: inside the tile's factors and result, by the caller's promise.
    unsafe {
        let mut sums = [[vdupq_n_f32(0.0); VECTORS]; ROWS];
        let mut right = tile.right;
        for &segment in tile.segments {
            let mut left = tile.left.add(segment);
            for _ in 0..tile.segment_len / LANES {
                let mut values = [vdupq_n_f32(0.0); ROWS];
                for (row, values) in values.iter_mut().enumerate() {
                    *values = vld1q_f32(left.add(row * tile.row_stride));
                }
                step::<0, ROWS>(&mut sums, &values, right);
                step::<1, ROWS>(&mut sums, &values, right.add(PANEL_WIDTH));
                step::<2, ROWS>(&mut sums, &values, right.add(2 * PANEL_WIDTH));
                step::<3, ROWS>(&mut sums, &values, right.add(3 * PANEL_WIDTH));
                left = left.add(LANES);
                right = right.add(LANES * PANEL_WIDTH);
            }
            for _ in 0..tile.segment_len % LANES {
                for vector in 0..VECTORS {
                    let column = vld1q_f32(right.add(vector * LANES));
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let value = *left.add(row * tile.row_stride);
                        sums[vector] = vfmaq_n_f32(sums[vector], column, value);
                    }
                }
                left = left.add(1);
                right = right.add(PANEL_WIDTH);
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let out = tile.out.add(row * tile.out_stride + vector * LANES);
                let sum = if tile.accumulate {
                    vaddq_f32(vld1q_f32(out), *sum)
                } else {
                    *sum
                };
                vst1q_f32(out, sum);
            }
        }
    }
}

/// Adds the products of one `k`: of lane `LANE` of each row with a row of the panel.
#[inline(always)]
unsafe fn step<const LANE: i32, const ROWS: usize>(
    sums: &mut [[float32x4_t; VECTORS]; ROWS],
    values: &[float32x4_t; ROWS],
    right: *const f32,
) {
    for vector in 0..VECTORS {
        // SAFETY: inside the panel, by the caller's promise.
        unsafe {
            let column = vld1q_f32(right.add(vector * LANES));
            for (sums, values) in sums.iter_mut().zip(values) {
                sums[vector] = vfmaq_laneq_f32::<LANE>(sums[vector], column, *values);
            }
        }
    }
}
