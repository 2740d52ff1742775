//! Images between layers, and reusable buffers.

/// Channels are padded to a multiple of this: the floats of a 512-bit vector.
pub(super) const CHANNEL_STEP: usize = 16;

/// An image between two layers, `(height, width, channels)`.
#[derive(Debug, Default)]
pub struct Image {
    /// A pixel's channels are padded to whole vectors. In a vector that holds a channel, the padding is zero.
    pub(super) values: Vec<f32>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Image {
    /// Pixels, row by row, each with its channels.
    pub fn pixels(&self) -> impl Iterator<Item = &[f32]> {
        let n_pixels = self.height * self.width;
        let pixels = self.values.chunks_exact(self.pixel_stride());
        pixels.take(n_pixels).map(|pixel| &pixel[..self.channels])
    }

    /// Pixels of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Changes the size; the contents are then unspecified.
    pub(super) fn reshape(&mut self, height: usize, width: usize, channels: usize) {
        (self.height, self.width, self.channels) = (height, width, channels);
        let len = height * self.row_len();
        grow(&mut self.values, len);
    }

    pub(super) fn pixel_stride(&self) -> usize {
        self.channels
            .next_multiple_of(CHANNEL_STEP)
            .max(CHANNEL_STEP)
    }

    pub(super) fn row_len(&self) -> usize {
        self.width * self.pixel_stride()
    }
}

/// Grows `values` to at least this length.
pub(super) fn grow(values: &mut Vec<f32>, len: usize) {
    if values.len() < len {
        values.resize(len, 0.0);
    }
}

/// Scratch memory of the layers of a network, shared by all of them.
#[derive(Debug, Default)]
pub struct Buffers {
    /// Inputs of a product.
    pub(super) inputs: Vec<f32>,
    /// Residuals at half the size.
    pub(super) pooled: Vec<f32>,
    /// A row outside the image.
    pub(super) zeros: Vec<f32>,
}

/// Rows or columns of zeros before an image under TensorFlow's "same" padding.
pub(super) fn padding_before(side: usize, kernel: usize, stride: usize) -> usize {
    let reach = (side.div_ceil(stride) - 1) * stride + kernel;
    reach.saturating_sub(side) / 2
}
