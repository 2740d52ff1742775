//! Products for any processor, vectorized by the compiler as far as the target allows.

use super::{MicroKernel, Tile};
use crate::model::kernels::{element::Element, panels::PANEL_WIDTH};

pub(in super::super) struct Portable;

impl<E: Element> MicroKernel<E> for Portable {
    const ROWS: usize = 4;
    const PANELS: usize = 1;

    unsafe fn tile(tile: &Tile<'_, E>) {
        let mut sums = [[0.0f32; PANEL_WIDTH]; 4];
        let mut right = tile.right;
        for &segment in tile.segments {
            for k in (0..tile.segment_len).step_by(E::PACK) {
                for (row, sums) in sums[..tile.n_rows].iter_mut().enumerate() {
                    for pack in 0..E::PACK {
                        // SAFETY: inside the tile's factors, by the caller's promise.
                        let left =
                            unsafe { *tile.left.add(row * tile.row_stride + segment + k + pack) }
                                .to_f32();
                        for (column, sum) in sums.iter_mut().enumerate() {
                            // SAFETY: as above.
                            *sum += left * unsafe { *right.add(column * E::PACK + pack) }.to_f32();
                        }
                    }
                }
                // SAFETY: at most one past the panel.
                right = unsafe { right.add(PANEL_WIDTH * E::PACK) };
            }
        }
        for (row, sums) in sums[..tile.n_rows].iter().enumerate() {
            for (column, sum) in sums.iter().enumerate() {
                // SAFETY: inside the tile's result, by the caller's promise.
                unsafe {
                    let out = tile.out.add(row * tile.out_stride + column);
                    *out = if tile.accumulate { *out + sum } else { *sum };
                }
            }
        }
    }
}
