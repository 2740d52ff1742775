//! f32 products with 256-bit vectors: 6 rows × 1 panel in 12 of the 16 registers.

use std::arch::x86_64::{
    _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_storeu_ps,
};

use super::{MicroKernel, Tile};
use crate::model::kernels::panels::PANEL_WIDTH;

const VECTOR: usize = 8;

pub(in super::super) struct Avx2;

impl MicroKernel<f32> for Avx2 {
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

#[target_feature(enable = "avx2,fma")]
unsafe fn compute<const ROWS: usize>(tile: &Tile<'_, f32>) {
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    let mut right = tile.right;
    for &segment in tile.segments {
        // SAFETY: inside the tile's factors, by the caller's promise.
        unsafe {
            let mut left = tile.left.add(segment);
            for _ in 0..tile.segment_len {
                let columns = [_mm256_loadu_ps(right), _mm256_loadu_ps(right.add(VECTOR))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = _mm256_set1_ps(*left.add(row * tile.row_stride));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = _mm256_fmadd_ps(value, column, *sum);
                    }
                }
                left = left.add(1);
                right = right.add(PANEL_WIDTH);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (half, sum) in sums.iter().enumerate() {
            // SAFETY: inside the tile's result, by the caller's promise.
            unsafe {
                let out = tile.out.add(row * tile.out_stride + half * VECTOR);
                let before = if tile.accumulate {
                    _mm256_loadu_ps(out)
                } else {
                    _mm256_setzero_ps()
                };
                _mm256_storeu_ps(out, _mm256_add_ps(before, *sum));
            }
        }
    }
}
