//! The innermost loops: one tile of a product, for one instruction set each.
//!
//! A tile is a few rows of the left factor times a few panels of the right factor, summed over all of `k` in registers.
//! The left factor needs no packing: its rows are at a fixed stride, and `k` runs over segments, each at a fixed distance
//! from the row's start. For a convolution a row is a pixel, and a segment is one tap of the kernel.

#[cfg(target_arch = "x86_64")]
pub(super) mod amx;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512_bf16;
pub(super) mod depthwise;
#[cfg(target_arch = "x86_64")]
pub(super) mod intel;
#[cfg(target_arch = "aarch64")]
pub(super) mod neon;
pub(super) mod pointwise;
pub(super) mod portable;
pub(super) mod vector;

use super::element::Element;

/// One tile: the locations of its factors and of its result.
///
/// Pointers are to the tile's first value; distances are in elements.
pub(super) struct Tile<'a, E> {
    /// Rows, at most [`MicroKernel::ROWS`].
    pub n_rows: usize,
    /// Panels, at most [`MicroKernel::PANELS`].
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "one at a time")
    )]
    pub n_panels: usize,
    pub left: *const E,
    pub row_stride: usize,
    /// Where each segment of a row starts.
    pub segments: &'a [usize],
    pub segment_len: usize,
    pub right: *const E,
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "one at a time")
    )]
    pub panel_len: usize,
    pub out: *mut f32,
    pub out_stride: usize,
    /// Whether to add to the result instead of overwriting it.
    pub accumulate: bool,
}

pub(super) trait MicroKernel<E: Element> {
    /// Maximum rows of a tile.
    const ROWS: usize;
    /// Maximum panels of a tile.
    const PANELS: usize;

    /// Prepares this thread.
    ///
    /// # Safety
    /// The processor must have the instructions.
    unsafe fn begin() {}

    /// Computes a tile.
    ///
    /// # Safety
    /// The processor must have the instructions, this thread must have called [`begin`](Self::begin), and all rows,
    /// segments, panels and results of the tile must be inside their allocations.
    unsafe fn tile(tile: &Tile<'_, E>);

    /// Undoes [`begin`](Self::begin).
    ///
    /// # Safety
    /// As for `begin`.
    unsafe fn end() {}
}
