//! bfloat16 products with 512-bit vectors: each lane sums the products of pairs, 6 rows × 4 panels in 24 registers.

use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_setzero_si512,
};

use super::{
    MicroKernel, Tile,
    intel::{by_size, store},
};
use crate::model::kernels::{element::Bf16, panels::PANEL_WIDTH};

pub(in super::super) struct Avx512Bf16;

impl MicroKernel<Bf16> for Avx512Bf16 {
    const ROWS: usize = 6;
    const PANELS: usize = 4;

    unsafe fn tile(tile: &Tile<'_, Bf16>) {
        // SAFETY: the caller's promises are the same.
        unsafe { by_size!(compute, tile) }
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn compute<const ROWS: usize, const PANELS: usize>(tile: &Tile<'_, Bf16>) {
    // SAFETY: any bits are valid for both types.
    let pairs = |bits: __m512i| unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) };
    let mut sums = [[_mm512_setzero_ps(); PANELS]; ROWS];
    let mut right = tile.right;
    for &segment in tile.segments {
        // SAFETY: inside the tile's factors, by the caller's promise.
        unsafe {
            let mut left = tile.left.add(segment);
            for _ in 0..tile.segment_len / 2 {
                let mut columns = [_mm512_setzero_si512(); PANELS];
                for (panel, column) in columns.iter_mut().enumerate() {
                    *column = _mm512_loadu_si512(right.add(panel * tile.panel_len).cast());
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let pair = left
                        .add(row * tile.row_stride)
                        .cast::<i32>()
                        .read_unaligned();
                    let pair = pairs(_mm512_set1_epi32(pair));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = _mm512_dpbf16_ps(*sum, pair, pairs(column));
                    }
                }
                left = left.add(2);
                right = right.add(2 * PANEL_WIDTH);
            }
        }
    }
    // SAFETY: the caller's promises are the same.
    unsafe { store(&sums, tile) }
}
