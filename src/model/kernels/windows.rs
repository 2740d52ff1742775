//! Square windows over images, a fixed stride apart.

use candle_core::{Result, Tensor};

/// Windows over images `(b, h, w, c)`, which may reach beyond the border.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Side of a window, px.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels that the first window reaches beyond the border.
    pub padding: usize,
}

impl Windows {
    /// Windows along a side of the image. Those that do not fit are left out.
    fn along(&self, side: usize) -> usize {
        (side + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Rows of windows.
    pub fn n_rows(&self) -> usize {
        self.along(self.height)
    }

    /// Windows per row.
    pub fn n_columns(&self) -> usize {
        self.along(self.width)
    }

    /// Values of an image.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The pixels along a side of the image that a window covers.
    pub fn span(&self, window: usize, side: usize) -> std::ops::Range<usize> {
        let first = window * self.stride;
        first.saturating_sub(self.padding)..(first + self.kernel - self.padding).min(side)
    }

    /// The values under each tap of the kernel, in order, with candle's operations: one tensor `(b, rows, columns, c)` for
    /// each. `padded` are the images padded on all sides.
    pub fn taps_by_candle(&self, padded: &Tensor) -> Result<Vec<Tensor>> {
        let every = |first: usize, n: usize| {
            let positions: Vec<u32> = (0..n).map(|i| (first + i * self.stride) as u32).collect();
            Tensor::new(positions, padded.device())
        };
        let taps = (0..self.kernel * self.kernel).map(|tap| {
            padded
                .index_select(&every(tap / self.kernel, self.n_rows())?, 1)?
                .index_select(&every(tap % self.kernel, self.n_columns())?, 2)
        });
        taps.collect()
    }
}
