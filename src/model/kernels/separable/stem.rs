//! The first convolution of a network.

use super::{
    columns::{Columns, Inputs, Slope},
    image::{Buffers, Image, grow, padding_before},
};
use crate::model::kernels::{
    cpu::{Simd, simd},
    microkernel::pointwise::Neighbors,
};

/// Channels of the input.
const RGB: usize = 3;
const STRIDE: usize = 2;

/// The first convolution of a network: RGB, stride 2.
pub struct Stem {
    columns: Columns,
    kernel: usize,
}

impl Stem {
    /// Takes kernels `(c_out, 3, k, k)` and biases `(c_out,)`.
    ///
    /// # Panics
    /// If the sizes do not fit together.
    pub fn new(weight: &[f32], bias: &[f32], slope: Slope<'_>) -> Self {
        Self::with_simd(simd(), weight, bias, slope)
    }

    pub(super) fn with_simd(simd: Simd, weight: &[f32], bias: &[f32], slope: Slope<'_>) -> Self {
        let n_taps = weight.len() / (bias.len() * RGB);
        let kernel = n_taps.isqrt();
        assert_eq!(weight.len(), bias.len() * RGB * kernel * kernel);
        assert!(kernel >= STRIDE);
        let columns = Columns::new(simd, RGB * n_taps, bias, slope, |input, column| {
            weight[(column * RGB + input % RGB) * n_taps + input / RGB]
        });
        Self { columns, kernel }
    }

    /// Convolves interleaved RGB of `width` pixels a row.
    ///
    /// # Panics
    /// If `rgb` is empty or not whole rows.
    pub fn run(&self, rgb: &[f32], width: usize, out: &mut Image, buffers: &mut Buffers) {
        let row_len = RGB * width;
        assert!(!rgb.is_empty() && rgb.len().is_multiple_of(row_len));
        let kernel = self.kernel;
        let height = rgb.len() / row_len;
        let [height_out, width_out] = [height, width].map(|side| side.div_ceil(STRIDE));
        let [above, before] = [height, width].map(|side| padding_before(side, kernel, STRIDE));
        out.reshape(height_out, width_out, self.columns.n_columns);
        // The rows under the kernel, with their padding.
        let padded_len = RGB * ((width_out - 1) * STRIDE + kernel);
        grow(&mut buffers.inputs, kernel * padded_len);
        let padded = &mut buffers.inputs[..kernel * padded_len];
        padded.fill(0.0);
        let (out_stride, out_row_len) = (out.pixel_stride(), out.row_len());
        for (y_out, out) in out
            .values
            .chunks_exact_mut(out_row_len)
            .take(height_out)
            .enumerate()
        {
            for (y, padded) in padded.chunks_exact_mut(padded_len).enumerate() {
                let row = (y_out * STRIDE + y).wrapping_sub(above);
                let inside = &mut padded[RGB * before..][..row_len];
                match rgb.chunks_exact(row_len).nth(row) {
                    Some(row) => inside.copy_from_slice(row),
                    None => inside.fill(0.0),
                }
            }
            let inputs = Inputs {
                values: padded,
                n_pixels: width_out,
                neighbors: Neighbors::TwoRgb,
                segment_len: RGB * kernel,
                segment_stride: padded_len,
            };
            self.columns.multiply(inputs, None, out, out_stride);
        }
    }
}
