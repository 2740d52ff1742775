//! Blocks of a separable convolution with a residual.

use super::{
    columns::{Columns, Layer, Residual, Slope},
    image::{Buffers, Image, grow, padding_before},
};
use crate::model::kernels::{
    cpu::{Simd, simd},
    microkernel::{
        depthwise::{DepthwiseRow, KERNEL, N_WEIGHTS, PoolRow, depthwise_row, pool_row},
        pointwise::lanes,
    },
};

/// Pixels that go through a block together: their inputs fit in the first-level cache.
const PIXELS_AT_A_TIME: usize = 192;

/// A separable convolution with a residual: the input is added to the result, after 2×2 maximum pooling where the
/// convolution has stride 2. To channels that the input does not have, nothing is added.
pub struct Separable {
    c_in: usize,
    stride: usize,
    /// `[vector][bias and kernel][lane]`.
    depthwise: Vec<f32>,
    columns: Columns,
}

impl Separable {
    /// Takes depthwise kernels `(c_in, 3, 3)` and pointwise weights `(c_out, c_in)` with their biases. `stride` is 1 or 2.
    ///
    /// # Panics
    /// If the sizes do not fit together.
    pub fn new(
        depthwise: Layer<'_>,
        pointwise: Layer<'_>,
        slope: Slope<'_>,
        stride: usize,
    ) -> Self {
        Self::with_simd(simd(), depthwise, pointwise, slope, stride)
    }

    pub(super) fn with_simd(
        simd: Simd,
        depthwise: Layer<'_>,
        pointwise: Layer<'_>,
        slope: Slope<'_>,
        stride: usize,
    ) -> Self {
        let (c_in, c_out) = (depthwise.bias.len(), pointwise.bias.len());
        let n_taps = KERNEL * KERNEL;
        assert_eq!(depthwise.weight.len(), c_in * n_taps);
        assert_eq!(pointwise.weight.len(), c_out * c_in);
        assert!((1..=c_out).contains(&c_in) && (1..=2).contains(&stride));
        let lanes = lanes(simd);
        let weights = (0..c_in.div_ceil(lanes) * N_WEIGHTS * lanes).map(|at| {
            let (channel, weight) = (
                at / (N_WEIGHTS * lanes) * lanes + at % lanes,
                at / lanes % N_WEIGHTS,
            );
            match (channel < c_in, weight) {
                (false, _) => 0.0,
                (true, 0) => depthwise.bias[channel],
                (true, _) => depthwise.weight[channel * n_taps + weight - 1],
            }
        });
        Self {
            c_in,
            stride,
            depthwise: weights.collect(),
            columns: Columns::new(simd, c_in, pointwise.bias, slope, |input, column| {
                pointwise.weight[column * c_in + input]
            }),
        }
    }

    /// Convolves an image.
    ///
    /// # Panics
    /// If the image is empty or has other channels.
    pub fn run(&self, image: &Image, out: &mut Image, buffers: &mut Buffers) {
        assert!(image.channels == self.c_in && image.height * image.width > 0);
        let [height_out, width_out] =
            [image.height, image.width].map(|side| side.div_ceil(self.stride));
        out.reshape(height_out, width_out, self.columns.n_columns);
        let stride = image.pixel_stride();
        let (out_stride, out_row_len) = (out.pixel_stride(), out.row_len());
        let n_rows = (PIXELS_AT_A_TIME / width_out).clamp(1, height_out);
        let n_pixels = n_rows * width_out;
        grow(&mut buffers.inputs, self.columns.grouped_len(n_pixels));
        grow(&mut buffers.pooled, n_pixels * stride);
        grow(&mut buffers.zeros, image.row_len());
        let bands = out.values[..height_out * out_row_len].chunks_mut(n_rows * out_row_len);
        for (band, out) in bands.enumerate() {
            let first = band * n_rows;
            let n_rows = out.len() / out_row_len;
            let n_pixels = n_rows * width_out;
            for row in 0..n_rows {
                let place = (row * width_out, n_pixels);
                self.depthwise_row(
                    image,
                    first + row,
                    place,
                    &mut buffers.inputs,
                    &buffers.zeros,
                );
                if self.stride > 1 {
                    self.pool_row(image, first + row, row * width_out, &mut buffers.pooled);
                }
            }
            let values = if self.stride > 1 {
                &buffers.pooled
            } else {
                &image.values[first * image.row_len()..]
            };
            let residual = Residual {
                values,
                len: self.c_in,
                stride,
            };
            let inputs = self.columns.grouped(&buffers.inputs, n_pixels);
            self.columns
                .multiply(inputs, Some(residual), out, out_stride);
        }
    }

    /// Computes a row of the depthwise convolution, whose first output is pixel `first` of `n_pixels`.
    #[expect(unsafe_code, reason = "micro-kernels take pointers")]
    fn depthwise_row(
        &self,
        image: &Image,
        y_out: usize,
        (first, n_pixels): (usize, usize),
        out: &mut [f32],
        zeros: &[f32],
    ) {
        let [above, before] =
            [image.height, image.width].map(|side| padding_before(side, KERNEL, self.stride));
        let row_len = image.row_len();
        let rows = std::array::from_fn(|y| {
            let row = (y_out * self.stride + y).wrapping_sub(above);
            let values = if row < image.height {
                &image.values[row * row_len..][..row_len]
            } else {
                &zeros[..row_len]
            };
            values.as_ptr()
        });
        let lanes = lanes(self.columns.simd);
        let n_out = image.width.div_ceil(self.stride);
        assert!(first + n_out <= n_pixels);
        let out = &mut out[..self.columns.grouped_len(n_pixels)][first * lanes..];
        let row = DepthwiseRow {
            rows,
            width: image.width,
            pixel_stride: image.pixel_stride(),
            n_vectors: self.c_in.div_ceil(lanes),
            weights: self.depthwise.as_ptr(),
            stride: self.stride,
            padding: before,
            out: out.as_mut_ptr(),
            n_out,
            group_stride: n_pixels * lanes,
        };
        // SAFETY: `simd` comes from the processor; rows and outputs are slices of the right lengths, and the weights are
        // padded to whole vectors.
        unsafe { depthwise_row(self.columns.simd, &row) }
    }

    /// Computes a row of the residual at half the size, whose first output is pixel `first`.
    #[expect(unsafe_code, reason = "micro-kernels take pointers")]
    fn pool_row(&self, image: &Image, y_out: usize, first: usize, out: &mut [f32]) {
        let row_len = image.row_len();
        let rows = [2 * y_out, 2 * y_out + 1].map(|row| {
            let row = row.min(image.height - 1);
            image.values[row * row_len..][..row_len].as_ptr()
        });
        let pixel_stride = image.pixel_stride();
        let n_out = image.width.div_ceil(2);
        let out = &mut out[first * pixel_stride..][..n_out * pixel_stride];
        let row = PoolRow {
            rows,
            width: image.width,
            pixel_stride,
            out: out.as_mut_ptr(),
        };
        // SAFETY: as above.
        unsafe { pool_row(self.columns.simd, &row) }
    }
}
