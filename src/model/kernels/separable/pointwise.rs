//! Pointwise convolutions: the heads of a network.

use super::{
    columns::{Columns, Inputs, Slope},
    image::{Buffers, Image, grow},
};
use crate::model::kernels::{
    cpu::{Simd, simd},
    microkernel::pointwise::{Neighbors, lanes},
};

/// A product over the channels of each pixel, or over the channels of all pixels together.
pub struct Pointwise(Columns);

impl Pointwise {
    /// Takes weights `(c_out, c_in)` and biases `(c_out,)`. For [`run_whole`](Self::run_whole), takes kernels
    /// `(c_out, c_in, h, w)` as large as the image.
    ///
    /// # Panics
    /// If the sizes do not fit together.
    pub fn new(weight: &[f32], c_in: usize, bias: &[f32], slope: Slope<'_>) -> Self {
        Self::with_simd(simd(), weight, c_in, bias, slope)
    }

    pub(super) fn with_simd(
        simd: Simd,
        weight: &[f32],
        c_in: usize,
        bias: &[f32],
        slope: Slope<'_>,
    ) -> Self {
        let n_inputs = weight.len() / bias.len();
        let n_pixels = n_inputs / c_in;
        assert_eq!(weight.len(), bias.len() * c_in * n_pixels);
        let columns = Columns::new(simd, n_inputs, bias, slope, |input, column| {
            weight[(column * c_in + input % c_in) * n_pixels + input / c_in]
        });
        Self(columns)
    }

    /// Multiplies each pixel.
    ///
    /// # Panics
    /// If the image has other channels.
    pub fn run(&self, image: &Image, out: &mut Image, buffers: &mut Buffers) {
        let Self(columns) = self;
        assert_eq!(image.channels, columns.n_inputs);
        out.reshape(image.height, image.width, columns.n_columns);
        let n_pixels = image.height * image.width;
        let lanes = lanes(columns.simd);
        grow(&mut buffers.inputs, columns.grouped_len(n_pixels));
        for (pixel, channels) in image.pixels().enumerate() {
            for (group, channels) in channels.chunks(lanes).enumerate() {
                let first = (group * n_pixels + pixel) * lanes;
                buffers.inputs[first..][..channels.len()].copy_from_slice(channels);
            }
        }
        let inputs = columns.grouped(&buffers.inputs, n_pixels);
        let out_stride = out.pixel_stride();
        columns.multiply(inputs, None, &mut out.values, out_stride);
    }

    /// Multiplies all pixels together, to one pixel.
    ///
    /// # Panics
    /// If the image has another size, or channels that are not whole vectors.
    pub fn run_whole(&self, image: &Image, out: &mut Image) {
        assert_eq!(image.channels, image.pixel_stride());
        assert_eq!(image.height * image.row_len(), self.0.n_inputs);
        out.reshape(1, 1, self.0.n_columns);
        let inputs = Inputs {
            values: &image.values,
            n_pixels: 1,
            neighbors: Neighbors::Vector,
            segment_len: self.0.n_inputs,
            segment_stride: 0,
        };
        let out_stride = out.pixel_stride();
        self.0.multiply(inputs, None, &mut out.values, out_stride);
    }
}
