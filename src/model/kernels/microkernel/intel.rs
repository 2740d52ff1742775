//! f32 products with Intel's vectors.

use std::arch::x86_64::{__m256, __m512};

use super::{MicroKernel, Tile, vector::Vector};
use crate::model::kernels::panels::PANEL_WIDTH;

/// Calls `compute::<ROWS, PANELS>(tile)` for the size of a tile of up to 6 rows and 4 panels.
macro_rules! by_size {
    ($compute:ident, $tile:ident) => {
        match $tile.n_panels {
            4 => by_size!($compute::<4>, $tile),
            3 => by_size!($compute::<3>, $tile),
            2 => by_size!($compute::<2>, $tile),
            _ => by_size!($compute::<1>, $tile),
        }
    };
    ($compute:ident::<$panels:literal>, $tile:ident) => {
        match $tile.n_rows {
            6 => $compute::<6, $panels>($tile),
            5 => $compute::<5, $panels>($tile),
            4 => $compute::<4, $panels>($tile),
            3 => $compute::<3, $panels>($tile),
            2 => $compute::<2, $panels>($tile),
            _ => $compute::<1, $panels>($tile),
        }
    };
}
pub(super) use by_size;

/// With 512-bit vectors: 6 rows × 4 panels in 24 of the 32 registers.
pub(in super::super) struct Avx512;

impl MicroKernel<f32> for Avx512 {
    const ROWS: usize = 6;
    const PANELS: usize = 4;

    unsafe fn tile(tile: &Tile<'_, f32>) {
        #[target_feature(enable = "avx512f")]
        unsafe fn run<const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_, f32>) {
            // SAFETY: the caller's promises are the same.
            unsafe { compute::<__m512, ROWS, VECTORS>(tile) }
        }
        // SAFETY: the caller's promises are the same.
        unsafe { by_size!(run, tile) }
    }
}

/// With 256-bit vectors: 6 rows × 1 panel in 12 of the 16 registers.
pub(in super::super) struct Avx2;

impl MicroKernel<f32> for Avx2 {
    const ROWS: usize = 6;
    const PANELS: usize = 1;

    unsafe fn tile(tile: &Tile<'_, f32>) {
        #[target_feature(enable = "avx2,fma")]
        unsafe fn run<const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_, f32>) {
            // SAFETY: the caller's promises are the same.
            unsafe { compute::<__m256, ROWS, VECTORS>(tile) }
        }
        // SAFETY: the caller's promises are the same.
        unsafe { by_size!(run::<2>, tile) }
    }
}

/// A tile of `ROWS` rows, each of `VECTORS` vectors.
///
/// # Safety
/// As for [`MicroKernel::tile`].
#[inline(always)]
unsafe fn compute<V: Vector, const ROWS: usize, const VECTORS: usize>(tile: &Tile<'_, f32>) {
    let per_panel = PANEL_WIDTH / V::N;
    // SAFETY: inside the tile's factors, by the caller's promise.
    unsafe {
        let zeros = [V::splat(0.0); VECTORS];
        let mut sums = [zeros; ROWS];
        let mut right = tile.right;
        for &segment in tile.segments {
            let mut left = tile.left.add(segment);
            for _ in 0..tile.segment_len {
                let mut columns = zeros;
                for (vector, column) in columns.iter_mut().enumerate() {
                    let first = vector / per_panel * tile.panel_len + vector % per_panel * V::N;
                    *column = V::load(right.add(first));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(*left.add(row * tile.row_stride));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = value.mul_add(column, *sum);
                    }
                }
                left = left.add(1);
                right = right.add(PANEL_WIDTH);
            }
        }
        store(&sums, tile);
    }
}

/// Stores a tile's sums, or adds them to the result.
///
/// # Safety
/// As for [`MicroKernel::tile`].
#[inline(always)]
pub(super) unsafe fn store<E, V: Vector, const ROWS: usize, const VECTORS: usize>(
    sums: &[[V; VECTORS]; ROWS],
    tile: &Tile<'_, E>,
) {
    for (row, sums) in sums.iter().enumerate() {
        for (vector, sum) in sums.iter().enumerate() {
            // SAFETY: inside the tile's result, by the caller's promise.
            unsafe {
                let out = tile.out.add(row * tile.out_stride + vector * V::N);
                let before = if tile.accumulate {
                    V::load(out)
                } else {
                    V::splat(0.0)
                };
                before.add(*sum).store(out);
            }
        }
    }
}
