//! Separable convolutions of small networks, one image at a time on one thread, for inference.
//!
//! A block is a 3×3 convolution of each channel on its own, a product over channels, a residual, and a slope for negative
//! values (He et al. 2015, arXiv:1502.01852). A few rows at a time go through all of it, so what lies between the
//! two convolutions never leaves the first cache. Sides follow TensorFlow's "same" padding, which is asymmetric where a
//! stride leaves an odd number of columns over: the larger part comes after the image.
//!
//! Nothing is allocated once every image and buffer has had its size.

use super::{
    cpu::{Simd, simd},
    microkernel::{
        depthwise::{DepthwiseRow, KERNEL, N_NUMBERS, PoolRow, depthwise_row, pool_row},
        pointwise::{PIXEL_STRIDE, Pixels, lanes, multiply, pack},
    },
};

/// Channels are padded to a multiple of this: the floats of a 512-bit vector.
const CHANNEL_STEP: usize = 16;
/// Pixels that go through a block together: their inputs stay in the first cache.
const PIXELS_AT_A_TIME: usize = 192;
/// Channels of the first convolution's input.
const RGB: usize = 3;
/// Its stride.
const STEM_STRIDE: usize = 2;

/// An image between two layers, `(height, width, channels)`.
#[derive(Debug, Default)]
pub struct Image {
    /// A pixel's channels are padded to whole vectors; where a vector holds a channel, its other lanes are zero.
    values: Vec<f32>,
    height: usize,
    width: usize,
    channels: usize,
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

    /// Takes another size; what it holds is then unspecified.
    fn reshape(&mut self, height: usize, width: usize, channels: usize) {
        (self.height, self.width, self.channels) = (height, width, channels);
        let len = height * self.row_len();
        grow(&mut self.values, len);
    }

    fn pixel_stride(&self) -> usize {
        self.channels
            .next_multiple_of(CHANNEL_STEP)
            .max(CHANNEL_STEP)
    }

    fn row_len(&self) -> usize {
        self.width * self.pixel_stride()
    }
}

/// Makes room, and never less.
fn grow(values: &mut Vec<f32>, len: usize) {
    if values.len() < len {
        values.resize(len, 0.0);
    }
}

/// What the layers of a network keep between their steps; one for all of them.
#[derive(Debug, Default)]
pub struct Buffers {
    /// Inputs of a product.
    inputs: Vec<f32>,
    /// Residuals of half the size.
    pooled: Vec<f32>,
    /// A row outside the image.
    zeros: Vec<f32>,
}

/// Rows or columns of zeros before an image under TensorFlow's "same" padding.
fn padding_before(side: usize, kernel: usize, stride: usize) -> usize {
    let reach = (side.div_ceil(stride) - 1) * stride + kernel;
    reach.saturating_sub(side) / 2
}

/// The weights of a product with what follows it.
struct Columns {
    simd: Simd,
    n_inputs: usize,
    n_columns: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    slope: Vec<f32>,
}

impl Columns {
    /// Weights are `at(input, column)`. Without slopes negative results become zero.
    fn new(
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

    /// Multiplies pixels whose inputs are segments, each `STRIDE` floats after the one before, and adds residuals to as
    /// many columns as they have.
    fn multiply<const STRIDE: usize>(
        &self,
        inputs: Segments<'_>,
        residual: Option<Residual<'_>>,
        out: &mut [f32],
        out_stride: usize,
    ) {
        let Segments {
            values,
            n_pixels,
            starts,
            len,
        } = inputs;
        let n_vectors = self.n_columns.div_ceil(lanes(self.simd));
        let written = n_vectors * lanes(self.simd);
        let Some(last) = n_pixels.checked_sub(1) else {
            return;
        };
        let last_start = starts.iter().max().copied().unwrap_or(0);
        assert_eq!(starts.len() * len, self.n_inputs);
        assert!(last * STRIDE + last_start + len <= values.len());
        assert!(last * out_stride + written <= out.len() && written <= out_stride);
        let (residual, residual_len, residual_stride) = match residual {
            Some(Residual {
                values,
                len,
                stride,
            }) => {
                let len = len.next_multiple_of(lanes(self.simd));
                assert!(len <= written && last * stride + len <= values.len());
                (values.as_ptr(), len, stride)
            }
            None => (std::ptr::null(), 0, 0),
        };
        let pixels = Pixels {
            n_pixels,
            inputs: values.as_ptr(),
            segments: starts,
            segment_len: len,
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
        // SAFETY: `simd` comes from the processor; the last pixel's inputs, residual and results are inside by the
        // assertions above, and weights, bias and slopes were made for `n_inputs` and whole vectors of columns.
        unsafe { multiply::<STRIDE>(self.simd, &pixels) }
    }
}

/// Inputs of a product.
struct Segments<'a> {
    values: &'a [f32],
    n_pixels: usize,
    /// Where each segment of a pixel starts.
    starts: &'a [usize],
    len: usize,
}

/// What is added to a product, for each pixel.
struct Residual<'a> {
    values: &'a [f32],
    /// Channels it has.
    len: usize,
    stride: usize,
}

/// What negative results of a layer are multiplied by.
#[derive(Debug, Clone, Copy)]
pub enum Slope<'a> {
    /// ReLU.
    Zero,
    /// PReLU: a factor for each channel.
    Of(&'a [f32]),
    /// No activation.
    One,
}

/// The first convolution of a network: of RGB, with stride 2.
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

    fn with_simd(simd: Simd, weight: &[f32], bias: &[f32], slope: Slope<'_>) -> Self {
        let n_taps = weight.len() / (bias.len() * RGB);
        let kernel = n_taps.isqrt();
        assert_eq!(weight.len(), bias.len() * RGB * kernel * kernel);
        assert!(kernel >= STEM_STRIDE);
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
        let [height_out, width_out] = [height, width].map(|side| side.div_ceil(STEM_STRIDE));
        let [above, before] = [height, width].map(|side| padding_before(side, kernel, STEM_STRIDE));
        out.reshape(height_out, width_out, self.columns.n_columns);
        // The rows under the kernel, with their borders.
        let padded_len = RGB * ((width_out - 1) * STEM_STRIDE + kernel);
        grow(&mut buffers.inputs, kernel * padded_len);
        let padded = &mut buffers.inputs[..kernel * padded_len];
        padded.fill(0.0);
        let starts: [usize; MAX_STEM_KERNEL] = std::array::from_fn(|row| row * padded_len);
        let (out_stride, out_row_len) = (out.pixel_stride(), out.row_len());
        for (y_out, out) in out
            .values
            .chunks_exact_mut(out_row_len)
            .take(height_out)
            .enumerate()
        {
            for (y, padded) in padded.chunks_exact_mut(padded_len).enumerate() {
                let row = (y_out * STEM_STRIDE + y).wrapping_sub(above);
                let inside = &mut padded[RGB * before..][..row_len];
                match rgb.chunks_exact(row_len).nth(row) {
                    Some(row) => inside.copy_from_slice(row),
                    None => inside.fill(0.0),
                }
            }
            let inputs = Segments {
                values: padded,
                n_pixels: width_out,
                starts: &starts[..kernel],
                len: RGB * kernel,
            };
            self.columns
                .multiply::<{ RGB * STEM_STRIDE }>(inputs, None, out, out_stride);
        }
    }
}

/// Largest side of a stem's kernels.
const MAX_STEM_KERNEL: usize = 7;

/// A product over the channels of each pixel, or over those of all pixels together.
pub struct Pointwise(Columns);

impl Pointwise {
    /// Takes weights `(c_out, c_in)` and biases `(c_out,)`. Kernels `(c_out, c_in, k, k)` of images as large as they are
    /// go with [`run_whole`](Self::run_whole).
    ///
    /// # Panics
    /// If the sizes do not fit together.
    pub fn new(weight: &[f32], c_in: usize, bias: &[f32], slope: Slope<'_>) -> Self {
        Self::with_simd(simd(), weight, c_in, bias, slope)
    }

    fn with_simd(simd: Simd, weight: &[f32], c_in: usize, bias: &[f32], slope: Slope<'_>) -> Self {
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
        assert!(image.channels == self.0.n_inputs && image.channels <= PIXEL_STRIDE);
        out.reshape(image.height, image.width, self.0.n_columns);
        let n_pixels = image.height * image.width;
        grow(&mut buffers.inputs, n_pixels * PIXEL_STRIDE);
        for (pixel, inputs) in image
            .pixels()
            .zip(buffers.inputs.chunks_exact_mut(PIXEL_STRIDE))
        {
            inputs[..image.channels].copy_from_slice(pixel);
        }
        let inputs = Segments {
            values: &buffers.inputs,
            n_pixels,
            starts: &[0],
            len: image.channels,
        };
        let out_stride = out.pixel_stride();
        self.0
            .multiply::<PIXEL_STRIDE>(inputs, None, &mut out.values, out_stride);
    }

    /// Multiplies all pixels together: one pixel of results.
    ///
    /// # Panics
    /// If the image has another size, or channels that are not whole vectors.
    pub fn run_whole(&self, image: &Image, out: &mut Image) {
        assert_eq!(image.channels, image.pixel_stride());
        assert_eq!(image.height * image.row_len(), self.0.n_inputs);
        out.reshape(1, 1, self.0.n_columns);
        let inputs = Segments {
            values: &image.values,
            n_pixels: 1,
            starts: &[0],
            len: self.0.n_inputs,
        };
        let out_stride = out.pixel_stride();
        self.0
            .multiply::<PIXEL_STRIDE>(inputs, None, &mut out.values, out_stride);
    }
}

/// A separable convolution around which its input is added, made smaller by 2×2 maximum pooling where the convolution has
/// stride 2. New channels have nothing added.
pub struct Separable {
    c_in: usize,
    stride: usize,
    /// `[vector][bias and kernel][lane]`.
    depthwise: Vec<f32>,
    columns: Columns,
}

/// A layer's weights and biases.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// Kernels.
    pub weight: &'a [f32],
    /// One for each channel.
    pub bias: &'a [f32],
}

impl Separable {
    /// Takes kernels `(c_in, 3, 3)` of each channel and weights `(c_out, c_in)` with their biases. `stride` is 1 or 2.
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

    fn with_simd(
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
        assert!((1..=PIXEL_STRIDE / CHANNEL_STEP * CHANNEL_STEP).contains(&c_in));
        assert!(c_in <= c_out && (1..=2).contains(&stride));
        let lanes = lanes(simd);
        let numbers = (0..c_in.div_ceil(lanes) * N_NUMBERS * lanes).map(|at| {
            let (channel, number) = (
                at / (N_NUMBERS * lanes) * lanes + at % lanes,
                at / lanes % N_NUMBERS,
            );
            match (channel < c_in, number) {
                (false, _) => 0.0,
                (true, 0) => depthwise.bias[channel],
                (true, _) => depthwise.weight[channel * n_taps + number - 1],
            }
        });
        Self {
            c_in,
            stride,
            depthwise: numbers.collect(),
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
        grow(&mut buffers.inputs, n_pixels * PIXEL_STRIDE);
        grow(&mut buffers.pooled, n_pixels * stride);
        grow(&mut buffers.zeros, image.row_len());
        let bands = out.values[..height_out * out_row_len].chunks_mut(n_rows * out_row_len);
        for (band, out) in bands.enumerate() {
            let first = band * n_rows;
            let n_rows = out.len() / out_row_len;
            for row in 0..n_rows {
                self.depthwise_row(image, first + row, row * width_out, buffers);
                if self.stride > 1 {
                    self.pool_row(image, first + row, row * width_out, buffers);
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
            let inputs = Segments {
                values: &buffers.inputs,
                n_pixels: n_rows * width_out,
                starts: &[0],
                len: self.c_in,
            };
            self.columns
                .multiply::<PIXEL_STRIDE>(inputs, Some(residual), out, out_stride);
        }
    }

    /// A row of results of the depthwise convolution, to `buffers.inputs` from pixel `first` on.
    fn depthwise_row(&self, image: &Image, y_out: usize, first: usize, buffers: &mut Buffers) {
        let [above, before] =
            [image.height, image.width].map(|side| padding_before(side, KERNEL, self.stride));
        let row_len = image.row_len();
        let rows = std::array::from_fn(|y| {
            let row = (y_out * self.stride + y).wrapping_sub(above);
            let values = if row < image.height {
                &image.values[row * row_len..][..row_len]
            } else {
                &buffers.zeros[..row_len]
            };
            values.as_ptr()
        });
        let n_vectors = self.c_in.div_ceil(lanes(self.columns.simd));
        let n_out = image.width.div_ceil(self.stride);
        let out = &mut buffers.inputs[first * PIXEL_STRIDE..][..n_out * PIXEL_STRIDE];
        let row = DepthwiseRow {
            rows,
            width: image.width,
            pixel_stride: image.pixel_stride(),
            n_vectors,
            numbers: self.depthwise.as_ptr(),
            stride: self.stride,
            padding: before,
            out: out.as_mut_ptr(),
            n_out,
            out_stride: PIXEL_STRIDE,
        };
        // SAFETY: `simd` comes from the processor; rows and results are slices of the right lengths, and the numbers were
        // made for whole vectors.
        unsafe { depthwise_row(self.columns.simd, &row) }
    }

    /// A row of the residual in half the size, to `buffers.pooled` from pixel `first` on.
    fn pool_row(&self, image: &Image, y_out: usize, first: usize, buffers: &mut Buffers) {
        let row_len = image.row_len();
        let rows = [2 * y_out, 2 * y_out + 1].map(|row| {
            let row = row.min(image.height - 1);
            image.values[row * row_len..][..row_len].as_ptr()
        });
        let pixel_stride = image.pixel_stride();
        let n_out = image.width.div_ceil(2);
        let out = &mut buffers.pooled[first * pixel_stride..][..n_out * pixel_stride];
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

#[cfg(test)]
mod tests;
