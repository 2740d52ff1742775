//! Unfolding image patches into a matrix, so that a convolution becomes a matrix product.

use std::{cell::RefCell, ops::Range};

/// Sizes of a stride-1 convolution with square kernels and the padding that keeps the picture's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConvShape {
    /// Channels in.
    pub c_in: usize,
    /// Channels out.
    pub c_out: usize,
    /// Rows of the picture.
    pub height: usize,
    /// Columns of the picture.
    pub width: usize,
    /// Side of the kernel, odd.
    pub kernel: usize,
}

impl ConvShape {
    /// Values a patch holds: rows of the unfolded matrix.
    pub fn patch_len(&self) -> usize {
        self.c_in * self.kernel * self.kernel
    }

    /// Pixels of a plane.
    pub fn plane_len(&self) -> usize {
        self.height * self.width
    }

    /// The same convolution seen from its output: what the input gradient computes.
    pub fn reversed(self) -> Self {
        Self {
            c_in: self.c_out,
            c_out: self.c_in,
            ..self
        }
    }

    /// How many rows of the picture to unfold at a time, so that the unfolded matrix stays in a core's
    /// second-level cache (512 KiB to 2 MiB on desktop processors) beside the operands.
    pub fn rows_per_tile(&self) -> usize {
        const TILE_VALUES: usize = 128 * 1024; // 512 KiB
        (TILE_VALUES / (self.patch_len() * self.width)).clamp(1, self.height)
    }
}

/// Unfolds the patches around the pixels of `rows` of one image `(c_in, height, width)`, zero outside.
///
/// `cols` becomes `(c_in · kernel², rows.len() · width)`, row-major.
pub(super) fn im2col(image: &[f32], shape: &ConvShape, rows: Range<usize>, cols: &mut [f32]) {
    let ConvShape {
        height,
        width,
        kernel,
        ..
    } = *shape;
    let padding = kernel / 2;
    let n_cols = rows.len() * width;
    assert_eq!(image.len(), shape.c_in * shape.plane_len());
    assert_eq!(cols.len(), shape.patch_len() * n_cols);

    for (patch_idx, out) in cols.chunks_exact_mut(n_cols).enumerate() {
        let channel = patch_idx / (kernel * kernel);
        let (ky, kx) = (patch_idx / kernel % kernel, patch_idx % kernel);
        let plane = &image[channel * shape.plane_len()..][..shape.plane_len()];
        // Columns of the picture that this kernel column sees, in source and destination.
        let dst_start = padding.saturating_sub(kx).min(width);
        let dst_end = (width + padding)
            .saturating_sub(kx)
            .min(width)
            .max(dst_start);
        let src_start = (dst_start + kx).saturating_sub(padding).min(width);
        for (y, out_row) in rows.clone().zip(out.chunks_exact_mut(width)) {
            match (y + ky).checked_sub(padding) {
                Some(src_y) if src_y < height => {
                    let src_row = &plane[src_y * width..][..width];
                    out_row[..dst_start].fill(0.0);
                    out_row[dst_start..dst_end]
                        .copy_from_slice(&src_row[src_start..src_start + dst_end - dst_start]);
                    out_row[dst_end..].fill(0.0);
                }
                _ => out_row.fill(0.0),
            }
        }
    }
}

/// Lends a scratch buffer of `len` values that the thread keeps: unfolding allocates nothing per image.
/// Its content is unspecified.
pub(super) fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    }
    // Taken out, not borrowed: work that calls here again on the same thread gets a buffer of its own.
    let mut buffer = SCRATCH.take();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    let result = work(&mut buffer[..len]);
    SCRATCH.set(buffer);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_of_a_small_picture() {
        let shape = ConvShape {
            c_in: 1,
            c_out: 1,
            height: 2,
            width: 3,
            kernel: 3,
        };
        let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut cols = vec![f32::NAN; 9 * 6];
        im2col(&image, &shape, 0..2, &mut cols);
        // Kernel position (0, 0) sees the picture shifted down and right.
        assert_eq!(&cols[..6], &[0.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
        // The middle sees the picture itself.
        assert_eq!(&cols[4 * 6..5 * 6], &image);
        // Position (2, 2) sees it shifted up and left.
        assert_eq!(&cols[8 * 6..], &[5.0, 6.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn tiles_of_rows_equal_the_whole() {
        let shape = ConvShape {
            c_in: 2,
            c_out: 1,
            height: 5,
            width: 4,
            kernel: 5,
        };
        let image: Vec<f32> = (0..40).map(|value| value as f32).collect();
        let mut whole = vec![0.0; shape.patch_len() * 20];
        im2col(&image, &shape, 0..5, &mut whole);
        let mut tile = vec![f32::NAN; shape.patch_len() * 8];
        im2col(&image, &shape, 2..4, &mut tile);
        for (row, tile_row) in whole.chunks(20).zip(tile.chunks(8)) {
            assert_eq!(&row[8..16], tile_row);
        }
    }
}
