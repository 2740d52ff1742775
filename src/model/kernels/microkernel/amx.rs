//! bfloat16 products with the tile unit (AMX): 32 rows × 2 panels in four 16×16 tiles.
//!
//! Tile registers 0 to 3 hold the sums (upper left, upper right, lower left, lower right), 4 and 5 the left factor's rows,
//! 6 and 7 the right factor's panels. The compiler never uses these registers, so they keep their values from one `asm!`
//! to the next.

use std::arch::asm;

use super::{MicroKernel, Tile};
use crate::model::kernels::{element::Bf16, panels::PANEL_WIDTH};

pub(in super::super) struct Amx;

/// Rows of a tile register.
const TILE_ROWS: usize = 16;
/// bfloat16 numbers in a row of a tile register.
const TILE_K: usize = 32;
/// Bytes in a row of a tile register.
const TILE_BYTES: usize = 64;

/// The operand of `ldtilecfg`: Intel's Software Developer's Manual, volume 1, table 18-10.
#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

impl MicroKernel<Bf16> for Amx {
    const ROWS: usize = 2 * TILE_ROWS;
    const PANELS: usize = 2;

    unsafe fn begin() {
        // SAFETY: the caller's promise is the same.
        unsafe { configure([TILE_ROWS; 2]) }
    }

    unsafe fn tile(tile: &Tile<'_, Bf16>) {
        // SAFETY: the caller's promises are the same; a smaller tile configures its rows and then resets them.
        unsafe {
            if tile.n_rows < Self::ROWS {
                let lower = tile.n_rows.saturating_sub(TILE_ROWS);
                configure([tile.n_rows - lower, lower.max(1)]);
                match (lower > 0, tile.n_panels) {
                    (true, 2) => compute::<true, true>(tile),
                    (true, _) => compute::<true, false>(tile),
                    (false, 2) => compute::<false, true>(tile),
                    (false, _) => compute::<false, false>(tile),
                }
                configure([TILE_ROWS; 2]);
            } else if tile.n_panels == 2 {
                compute::<true, true>(tile);
            } else {
                compute::<true, false>(tile);
            }
        }
    }

    unsafe fn end() {
        // SAFETY: the processor has the instruction, by the caller's promise.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}

/// Sets the sizes of the tile registers; `rows` are those of the upper and the lower half.
unsafe fn configure(rows: [usize; 2]) {
    let [upper, lower] = rows.map(|rows| rows as u8);
    let full = TILE_ROWS as u8;
    let mut config = TileConfig {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes_per_row: [0; 16],
        rows: [0; 16],
    };
    config.bytes_per_row[..8].fill(TILE_BYTES as u16);
    config.rows[..8].copy_from_slice(&[upper, upper, lower, lower, upper, lower, full, full]);
    // SAFETY: the processor has the instruction, by the caller's promise.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const config, options(nostack, readonly)) }
}

/// `LOWER`: more than 16 rows; `RIGHT`: a second panel.
unsafe fn compute<const LOWER: bool, const RIGHT: bool>(tile: &Tile<'_, Bf16>) {
    const BYTES: usize = size_of::<Bf16>();
    let row_bytes = tile.row_stride * BYTES;
    let out_bytes = tile.out_stride * size_of::<f32>();
    // SAFETY: all reads and writes are inside the tile, by the caller's promise.
    unsafe {
        let lower_out = tile
            .out
            .add(TILE_ROWS * if LOWER { tile.out_stride } else { 0 });
        let load_sums = tile.accumulate;
        if load_sums {
            asm!("tileloadd tmm0, [{o}+{s}]", o = in(reg) tile.out, s = in(reg) out_bytes, options(nostack, readonly));
            if RIGHT {
                asm!("tileloadd tmm1, [{o}+{s}]", o = in(reg) tile.out.add(PANEL_WIDTH), s = in(reg) out_bytes,
                    options(nostack, readonly));
            }
            if LOWER {
                asm!("tileloadd tmm2, [{o}+{s}]", o = in(reg) lower_out, s = in(reg) out_bytes,
                    options(nostack, readonly));
            }
            if LOWER && RIGHT {
                asm!("tileloadd tmm3, [{o}+{s}]", o = in(reg) lower_out.add(PANEL_WIDTH), s = in(reg) out_bytes,
                    options(nostack, readonly));
            }
        } else {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                options(nostack, nomem)
            );
        }
        let mut right = tile.right;
        for &segment in tile.segments {
            let mut left = tile.left.add(segment);
            for _ in 0..tile.segment_len / TILE_K {
                asm!("tileloadd tmm4, [{l}+{s}]", "tileloadd tmm6, [{r}+{p}]", "tdpbf16ps tmm0, tmm4, tmm6",
                    l = in(reg) left, s = in(reg) row_bytes, r = in(reg) right, p = in(reg) TILE_BYTES,
                    options(nostack, readonly));
                if LOWER {
                    asm!("tileloadd tmm5, [{l}+{s}]", "tdpbf16ps tmm2, tmm5, tmm6",
                        l = in(reg) left.add(TILE_ROWS * tile.row_stride), s = in(reg) row_bytes,
                        options(nostack, readonly));
                }
                if RIGHT {
                    asm!("tileloadd tmm7, [{r}+{p}]", "tdpbf16ps tmm1, tmm4, tmm7",
                        r = in(reg) right.add(tile.panel_len), p = in(reg) TILE_BYTES, options(nostack, readonly));
                }
                if LOWER && RIGHT {
                    asm!("tdpbf16ps tmm3, tmm5, tmm7", options(nostack, nomem));
                }
                left = left.add(TILE_K);
                right = right.add(TILE_K * PANEL_WIDTH);
            }
        }
        asm!("tilestored [{o}+{s}], tmm0", o = in(reg) tile.out, s = in(reg) out_bytes, options(nostack));
        if RIGHT {
            asm!("tilestored [{o}+{s}], tmm1", o = in(reg) tile.out.add(PANEL_WIDTH), s = in(reg) out_bytes,
                options(nostack));
        }
        if LOWER {
            asm!("tilestored [{o}+{s}], tmm2", o = in(reg) lower_out, s = in(reg) out_bytes, options(nostack));
        }
        if LOWER && RIGHT {
            asm!("tilestored [{o}+{s}], tmm3", o = in(reg) lower_out.add(PANEL_WIDTH), s = in(reg) out_bytes,
                options(nostack));
        }
    }
}
