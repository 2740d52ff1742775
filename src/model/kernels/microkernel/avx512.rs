//! f32 products with 512-bit vectors: 6 rows × 4 panels in 24 of the 32 registers.

use std::arch::x86_64::{
    _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_storeu_ps,
};

use super::{MicroKernel, Tile};
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

/// Stores a tile's sums, or adds them to the result.
macro_rules! store {
    ($sums:ident, $tile:ident) => {
        for (row, sums) in $sums.iter().enumerate() {
            for (panel, sum) in sums.iter().enumerate() {
                // SAFETY: inside the tile's result, by the caller's promise.
                unsafe {
                    let out = $tile.out.add(row * $tile.out_stride + panel * PANEL_WIDTH);
                    let before = if $tile.accumulate {
                        _mm512_loadu_ps(out)
                    } else {
                        _mm512_setzero_ps()
                    };
                    _mm512_storeu_ps(out, _mm512_add_ps(before, *sum));
                }
            }
        }
    };
}
pub(super) use store;

pub(in super::super) struct Avx512;

impl MicroKernel<f32> for Avx512 {
    const ROWS: usize = 6;
    const PANELS: usize = 4;

    unsafe fn tile(tile: &Tile<'_, f32>) {
        // SAFETY: the caller's promises are the same.
        unsafe { by_size!(compute, tile) }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn compute<const ROWS: usize, const PANELS: usize>(tile: &Tile<'_, f32>) {
    let mut sums = [[_mm512_setzero_ps(); PANELS]; ROWS];
    let mut right = tile.right;
    for &segment in tile.segments {
        // SAFETY: inside the tile's factors, by the caller's promise.
        unsafe {
            let mut left = tile.left.add(segment);
            for _ in 0..tile.segment_len {
                let mut columns = [_mm512_setzero_ps(); PANELS];
                for (panel, column) in columns.iter_mut().enumerate() {
                    *column = _mm512_loadu_ps(right.add(panel * tile.panel_len));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = _mm512_set1_ps(*left.add(row * tile.row_stride));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = _mm512_fmadd_ps(value, column, *sum);
                    }
                }
                left = left.add(1);
                right = right.add(PANEL_WIDTH);
            }
        }
    }
    store!(sums, tile);
}
