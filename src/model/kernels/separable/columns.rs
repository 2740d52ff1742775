//! Products of pixels and weights, with what follows them.

use super::image::CHANNEL_STEP;
use crate::model::kernels::{
    cpu::Simd,
    microkernel::pointwise::{Neighbors, Pixels, lanes, multiply, pack},
};

/// The weights of a product, and its bias and slopes.
pub(super) struct Columns {
    pub simd: Simd,
    pub n_inputs: usize,
    pub n_columns: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    slope: Vec<f32>,
}

impl Columns {
    /// Weights are `at(input, column)`.
    pub fn new(
        simd: Simd,
        n_inputs: usize,
        bias: &[f32],
        slope: Slope<'_>,
        at: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let n_columns = bias.len();
        let padded = n_columns.next_multiple_of(CHANNEL_STEP);
        let mut slope = match slope {
            Slope::Of(slopes) => slopes.to_vec(),
            Slope::Zero => vec![0.0; n_columns],
            Slope::One => vec![1.0; n_columns],
        };
        assert_eq!(slope.len(), n_columns, "one slope for each channel");
        let mut bias = bias.to_vec();
        slope.resize(padded, 0.0);
        bias.resize(padded, 0.0);
        Self {
            simd,
            n_inputs,
            n_columns,
            weights: pack(simd, n_inputs, n_columns, at),
            bias,
            slope,
        }
    }

    /// Multiplies pixels, and adds the residual to as many columns as it has.
    #[expect(unsafe_code, reason = "micro-kernels take pointers")]
    pub fn multiply(
        &self,
        inputs: Inputs<'_>,
        residual: Option<Residual<'_>>,
        out: &mut [f32],
        out_stride: usize,
    ) {
        let Inputs {
            values,
            n_pixels,
            neighbors,
            segment_len,
            segment_stride,
        } = inputs;
        let lanes = lanes(self.simd);
        let n_vectors = self.n_columns.div_ceil(lanes);
        let written = n_vectors * lanes;
        let Some(last) = n_pixels.checked_sub(1) else {
            return;
        };
        let pixel_stride = neighbors.stride(lanes);
        let last_segment = (self.n_inputs - 1) / segment_len;
        let end = last_segment * segment_stride + self.n_inputs - last_segment * segment_len;
        assert!(last * pixel_stride + segment_len.min(self.n_inputs) <= values.len());
        assert!(last * pixel_stride + end <= values.len());
        assert!(last * out_stride + written <= out.len() && written <= out_stride);
        let (residual, residual_len, residual_stride) = match residual {
            Some(Residual {
                values,
                len,
                stride,
            }) => {
                let len = len.next_multiple_of(lanes);
                assert!(len <= written && last * stride + len <= values.len());
                (values.as_ptr(), len, stride)
            }
            None => (std::ptr::null(), 0, 0),
        };
        let pixels = Pixels {
            n_pixels,
            inputs: values.as_ptr(),
            neighbors,
            n_inputs: self.n_inputs,
            segment_len,
            segment_stride,
            weights: self.weights.as_ptr(),
            n_vectors,
            bias: self.bias.as_ptr(),
            slope: self.slope.as_ptr(),
            residual,
            residual_len,
            residual_stride,
            out: out.as_mut_ptr(),
            out_stride,
        };
        // SAFETY: `simd` comes from the processor; the last pixel's inputs, residual and outputs are inside by the
        // assertions above, and weights, bias and slopes are padded to `n_inputs` and whole vectors of columns.
        unsafe { multiply(self.simd, &pixels) }
    }

    /// Inputs grouped by vectors of channels.
    pub fn grouped<'a>(&self, values: &'a [f32], n_pixels: usize) -> Inputs<'a> {
        let lanes = lanes(self.simd);
        Inputs {
            values,
            n_pixels,
            neighbors: Neighbors::Vector,
            segment_len: lanes,
            segment_stride: n_pixels * lanes,
        }
    }

    /// Floats of such inputs.
    pub fn grouped_len(&self, n_pixels: usize) -> usize {
        n_pixels * self.n_inputs.next_multiple_of(lanes(self.simd))
    }
}

/// Inputs of a product.
pub(super) struct Inputs<'a> {
    pub values: &'a [f32],
    pub n_pixels: usize,
    pub neighbors: Neighbors,
    pub segment_len: usize,
    pub segment_stride: usize,
}

/// Values that are added to a product, for each pixel.
pub(super) struct Residual<'a> {
    pub values: &'a [f32],
    /// Number of channels.
    pub len: usize,
    pub stride: usize,
}

/// The factor of a layer's negative results.
#[derive(Debug, Clone, Copy)]
pub enum Slope<'a> {
    /// ReLU.
    Zero,
    /// PReLU: a factor for each channel.
    Of(&'a [f32]),
    /// No activation.
    One,
}

/// A layer's weights and biases.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Kernels.
    pub weight: &'a [f32],
    /// One for each channel.
    pub bias: &'a [f32],
}
