//! Convolution of a few images on one thread as matrix products: forward, and the gradients of images and kernels.
//!
//! The left factor takes one of two forms. Most layers use the images as a [`Grid`] lays them out, without a copy for each
//! tap. A layer with very few input channels, such as the first, would fill the tiles with zeros, so it gathers each
//! pixel's patch instead.

use std::ops::Range;

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{
    element::Element,
    gemm::{Gemm, Output, Rows},
    grid::{ConvShape, Grid, convert, transpose},
    panels::{PANEL_WIDTH, Panels},
    runs::{add_up, run_len},
};

/// Layers with fewer input channels gather patches.
const MIN_CHANNELS: usize = 16;
/// Images are grouped until they have this many pixels, so that sums over pixels are long. More would not fit in the
/// second-level cache.
const PIXELS_AT_A_TIME: usize = 600;

/// Images of a group.
fn images_at_a_time(shape: &ConvShape) -> usize {
    (PIXELS_AT_A_TIME / shape.n_pixels()).max(1)
}

/// Whether the layer gathers patches.
fn gathers(shape: &ConvShape) -> bool {
    shape.c_in < MIN_CHANNELS
}

/// Packs the kernels of a layer, `(c_out, c_in, k, k)`, to be multiplied by images.
pub(super) fn pack_kernels<E: Element>(weight: &[f32], shape: &ConvShape) -> Panels<E> {
    let n_taps = shape.n_taps();
    let channels = if gathers(shape) {
        shape.c_in
    } else {
        shape.c_in.next_multiple_of(E::k_step())
    };
    Panels::from_entries(n_taps * channels, shape.c_out, |k, c_out| {
        let (tap, c_in) = (k / channels, k % channels);
        if c_in < shape.c_in {
            weight[(c_out * shape.c_in + c_in) * n_taps + tap]
        } else {
            0.0
        }
    })
}

/// Packs the same kernels rotated by 180° and with inputs and outputs exchanged, to be multiplied by gradients.
pub(super) fn pack_rotated_kernels<E: Element>(weight: &[f32], shape: &ConvShape) -> Panels<E> {
    let n_taps = shape.n_taps();
    let channels = shape.c_out.next_multiple_of(E::k_step());
    Panels::from_entries(n_taps * channels, shape.c_in, |k, c_in| {
        let (tap, c_out) = (k / channels, k % channels);
        if c_out < shape.c_out {
            weight[(c_out * shape.c_in + c_in) * n_taps + n_taps - 1 - tap]
        } else {
            0.0
        }
    })
}

/// Results by grid position, gaps included.
pub(super) struct Flat<'a> {
    grid: Grid,
    first_row: usize,
    /// Values of a row of pixels.
    row_len: usize,
    values: &'a [f32],
    /// Values per position: the channels, rounded up to whole panels.
    pub stride: usize,
}

impl Flat<'_> {
    /// A row of pixels, `width · stride` values.
    pub fn row(&self, index: usize) -> &[f32] {
        let first =
            self.grid.first_of_row(self.first_row + index) - self.grid.first_of_row(self.first_row);
        &self.values[first * self.stride..][..self.row_len]
    }

    /// Copies the pixels without the gaps to `(n, h, w, c)`.
    pub fn copy_to(&self, channels: usize, out: &mut [f32]) {
        let out_len = self.row_len / self.stride * channels;
        for (index, out) in out.chunks_exact_mut(out_len).enumerate() {
            for (pixel, out) in self
                .row(index)
                .chunks_exact(self.stride)
                .zip(out.chunks_exact_mut(channels))
            {
                out.copy_from_slice(&pixel[..channels]);
            }
        }
    }
}

/// Convolves `images` `(n, h, w, c_in)` with `weight` `(c_out, c_in, k, k)` on all threads: results `(n, h, w, c_out)`, and
/// the sums in the order of the images.
///
/// `finish(sum, values, stride, out)` makes results of a row of pixels, whose values are `stride` apart. `sum` begins as
/// `new_sum()`.
pub(super) fn forward<E: Gemm, T: Clone + Default + Send, S: Send>(
    images: &[f32],
    weight: &[f32],
    shape: &ConvShape,
    new_sum: impl Fn() -> S + Sync,
    finish: impl Fn(&mut S, &[f32], usize, &mut [T]) + Sync,
) -> (Vec<T>, Vec<S>) {
    let kernels = pack_kernels::<E>(weight, shape);
    let [image_len, out_len] =
        [shape.c_in, shape.c_out].map(|channels| shape.n_pixels() * channels);
    let batch = images.len() / image_len;
    let group = images_at_a_time(shape);
    let run = run_len(batch, group);
    let mut results = vec![T::default(); batch * out_len];
    let sums = images
        .par_chunks(run * image_len)
        .zip(results.par_chunks_mut(run * out_len))
        .map(|(images, results)| {
            let mut scratch = Scratch::default();
            let mut sum = new_sum();
            let groups = images.chunks(group * image_len);
            for (images, results) in groups.zip(results.chunks_mut(group * out_len)) {
                let flat = scratch.convolve(images, &kernels, shape);
                for (row, out) in results
                    .chunks_exact_mut(shape.width * shape.c_out)
                    .enumerate()
                {
                    finish(&mut sum, flat.row(row), flat.stride, out);
                }
            }
            sum
        })
        .collect();
    (results, sums)
}

/// Gradients of a layer's images and kernels.
pub(super) struct Gradients {
    /// `(n, h, w, c_in)`, if the images require a gradient.
    images: Option<Vec<f32>>,
    /// `(c_out, c_in, k, k)`.
    kernels: Vec<f32>,
}

impl Gradients {
    /// As tensors of the shapes of the images and the kernels.
    pub fn into_tensors(self, images: &Tensor, kernels: &Tensor) -> Result<[Option<Tensor>; 2]> {
        let device = images.device();
        let grad_images = self
            .images
            .map(|grad| Tensor::from_vec(grad, images.shape(), device));
        let grad_kernels = Tensor::from_vec(self.kernels, kernels.shape(), device)?;
        Ok([grad_images.transpose()?, Some(grad_kernels)])
    }
}

/// The backward pass of a convolution of `images` `(n, h, w, c_in)` with `weight` `(c_out, c_in, k, k)`, on all threads.
///
/// `set_gradient(scratch, first_image, n_images, sum)` stores the gradient of the results of some images, by one of
/// [`Scratch`]'s methods. `sum`, zeros at first, is for anything else it sums up; those sums are returned too, in the
/// order of the images.
///
/// `requires_grad`: whether the images' own gradient is computed, which is the most expensive of all for a network's
/// first layer, where nobody needs it.
pub(super) fn backward<E: Gemm, S: Default + Send>(
    images: &[f32],
    weight: &[f32],
    shape: &ConvShape,
    requires_grad: bool,
    set_gradient: impl Fn(&mut Scratch<E>, usize, usize, &mut S) + Sync,
) -> (Gradients, Vec<S>) {
    let rotated = requires_grad.then(|| pack_rotated_kernels::<E>(weight, shape));
    let group = images_at_a_time(shape);
    let image_len = shape.n_pixels() * shape.c_in;
    let run = run_len(images.len() / image_len, group);
    let mut grad_images = requires_grad.then(|| vec![0.0; images.len()]);
    let grad_runs = grad_images
        .iter_mut()
        .flat_map(|grad| grad.chunks_mut(run * image_len));
    let mut grad_runs: Vec<&mut [f32]> = grad_runs.collect();
    grad_runs.resize_with(images.len().div_ceil(run * image_len), Default::default);
    let (kernel_sums, sums): (Vec<_>, Vec<_>) = images
        .par_chunks(run * image_len)
        .zip(grad_runs)
        .enumerate()
        .map(|(run_idx, (images, grad_images))| {
            let mut scratch = Scratch::default();
            let mut kernel_sum = vec![0.0; weight_gradient_len(shape)];
            let mut sum = S::default();
            let mut grad_images = grad_images.chunks_mut(group * image_len);
            for (group_idx, images) in images.chunks(group * image_len).enumerate() {
                let first_image = run_idx * run + group_idx * group;
                let n_images = images.len() / image_len;
                set_gradient(&mut scratch, first_image, n_images, &mut sum);
                scratch.weight_gradient(images, shape, requires_grad, &mut kernel_sum);
                if let (Some(rotated), Some(grad_images)) = (&rotated, grad_images.next()) {
                    scratch
                        .input_gradient(n_images, rotated, shape)
                        .copy_to(shape.c_in, grad_images);
                }
            }
            (kernel_sum, sum)
        })
        .unzip();
    let gradients = Gradients {
        images: grad_images,
        kernels: unpack_weight_gradient(&add_up(kernel_sums), shape),
    };
    (gradients, sums)
}

/// Buffers of one thread, kept from group to group.
pub(super) struct Scratch<E> {
    left: Vec<E>,
    flat: Vec<f32>,
    gradient: Vec<f32>,
    panels: Panels<E>,
}

impl<E> Default for Scratch<E>
where
    E: Element,
{
    fn default() -> Self {
        Self {
            left: Vec::new(),
            flat: Vec::new(),
            gradient: Vec::new(),
            panels: Panels::default(),
        }
    }
}

impl<E: Gemm> Scratch<E> {
    /// Convolves some rows of an image `(h, w, c_in)` with the kernels of [`pack_kernels`].
    pub fn convolve_rows(
        &mut self,
        image: &[f32],
        kernels: &Panels<E>,
        shape: &ConvShape,
        rows: Range<usize>,
    ) -> Flat<'_> {
        let grid = self.lay_out(image, kernels, shape);
        self.multiply(grid, rows, kernels, shape)
    }

    /// Convolves images `(n, h, w, c_in)` with the kernels of [`pack_kernels`].
    pub fn convolve(&mut self, images: &[f32], kernels: &Panels<E>, shape: &ConvShape) -> Flat<'_> {
        let grid = self.lay_out(images, kernels, shape);
        self.multiply(grid, 0..grid.n_rows(), kernels, shape)
    }

    /// Lays out images as the left factor of these kernels.
    fn lay_out(&mut self, images: &[f32], kernels: &Panels<E>, shape: &ConvShape) -> Grid {
        let n_images = images.len() / (shape.n_pixels() * shape.c_in);
        if gathers(shape) {
            let stride = kernels.k();
            let len = n_images * shape.n_pixels() * stride;
            gather_patches(
                images,
                shape,
                &mut self.left,
                |pixel, patch| pixel * stride + patch,
                len,
            );
            Grid::new(
                n_images,
                &ConvShape {
                    kernel: 1,
                    ..*shape
                },
            )
        } else {
            let grid = Grid::new(n_images, shape);
            grid.lay_out(images, kernels.k() / shape.n_taps(), &mut self.left);
            grid
        }
    }

    /// Multiplies some rows of `self.left` by `right`.
    fn multiply(
        &mut self,
        grid: Grid,
        rows: Range<usize>,
        right: &Panels<E>,
        shape: &ConvShape,
    ) -> Flat<'_> {
        let n_taps = grid.taps().count();
        let stride = right.k() / n_taps;
        let segments: Vec<usize> = grid.taps().map(|tap| tap * stride).collect();
        let first = grid.first_of_row(rows.start);
        let n_rows = grid.first_of_row(rows.end - 1) + shape.width - first;
        self.flat
            .resize((n_rows * right.n()).max(self.flat.len()), 0.0);
        let values = &self.left[first * stride..];
        let left = Rows {
            values,
            n_rows,
            stride,
            segments: &segments,
            segment_len: stride,
        };
        E::gemm(left, right, Output::set(&mut self.flat, right.n()));
        Flat {
            grid,
            first_row: rows.start,
            row_len: shape.width * right.n(),
            values: &self.flat,
            stride: right.n(),
        }
    }

    /// Stores the gradient of the results of some images, for [`weight_gradient`](Self::weight_gradient) and
    /// [`input_gradient`](Self::input_gradient). `fill(row, values, stride)` is called for each row of pixels; its values
    /// are zero before, and pixels are `stride` values apart.
    ///
    /// `requires_grad`: whether the gradient of the images will be computed.
    pub fn set_gradient(
        &mut self,
        n_images: usize,
        shape: &ConvShape,
        requires_grad: bool,
        mut fill: impl FnMut(usize, &mut [f32], usize),
    ) {
        let (grid, stride) = self.clear_gradient(n_images, shape, requires_grad);
        for row in 0..grid.n_rows() {
            let first = grid.first_of_row(row) * stride;
            fill(
                row,
                &mut self.gradient[first..][..shape.width * stride],
                stride,
            );
        }
    }

    /// The same, two rows at a time: `fill(pair, upper, lower, stride)`.
    pub fn set_gradient_pairs(
        &mut self,
        n_images: usize,
        shape: &ConvShape,
        requires_grad: bool,
        mut fill: impl FnMut(usize, &mut [f32], &mut [f32], usize),
    ) {
        let (grid, stride) = self.clear_gradient(n_images, shape, requires_grad);
        let len = shape.width * stride;
        for pair in 0..grid.n_rows() / 2 {
            let first = grid.first_of_row(2 * pair) * stride;
            let (upper, lower) = self.gradient[first..].split_at_mut(grid.row_stride() * stride);
            fill(pair, &mut upper[..len], &mut lower[..len], stride);
        }
    }

    fn clear_gradient(
        &mut self,
        n_images: usize,
        shape: &ConvShape,
        requires_grad: bool,
    ) -> (Grid, usize) {
        let grid = gradient_grid(n_images, shape, requires_grad);
        let stride = shape.c_out.next_multiple_of(PANEL_WIDTH);
        self.gradient.clear();
        self.gradient.resize(grid.n_positions() * stride, 0.0);
        (grid, stride)
    }

    /// Adds the gradient of the kernels to `sum`, `(k · k, c_in, stride)`, where `stride` is `c_out` rounded up to whole panels.
    pub fn weight_gradient(
        &mut self,
        images: &[f32],
        shape: &ConvShape,
        requires_grad: bool,
        sum: &mut [f32],
    ) {
        let n_images = images.len() / (shape.n_pixels() * shape.c_in);
        let grid = gradient_grid(n_images, shape, requires_grad);
        let n_positions = grid.n_positions();
        let out_stride = shape.c_out.next_multiple_of(PANEL_WIDTH);
        self.panels.set_rows(n_positions, shape.c_out, |position| {
            &self.gradient[position * out_stride..][..out_stride]
        });
        let k = self.panels.k();
        if gathers(shape) && !requires_grad {
            let n_rows = shape.n_taps() * shape.c_in;
            gather_patches(
                images,
                shape,
                &mut self.left,
                |pixel, patch| patch * k + pixel,
                n_rows * k,
            );
            let left = Rows::contiguous(&self.left, n_rows, k);
            E::gemm(left, &self.panels, Output::add(sum, out_stride));
            return;
        }
        let stride = k + 2 * grid.lead();
        grid.lay_out_by_channel(images, stride, &mut self.left);
        for (tap, sum) in grid
            .taps()
            .zip(sum.chunks_exact_mut(shape.c_in * out_stride))
        {
            let left = Rows {
                values: &self.left,
                n_rows: shape.c_in,
                stride,
                segments: &[tap],
                segment_len: k,
            };
            E::gemm(left, &self.panels, Output::add(sum, out_stride));
        }
    }

    /// Computes the gradient of the images with the kernels of [`pack_rotated_kernels`].
    pub fn input_gradient(
        &mut self,
        n_images: usize,
        rotated: &Panels<E>,
        shape: &ConvShape,
    ) -> Flat<'_> {
        let grid = gradient_grid(n_images, shape, true);
        let from_stride = shape.c_out.next_multiple_of(PANEL_WIDTH);
        let stride = rotated.k() / shape.n_taps();
        let lead = grid.lead();
        self.left.clear();
        self.left.resize(grid.n_padded() * stride, E::default());
        let values = &self.gradient[..grid.n_positions() * from_stride];
        if stride == from_stride {
            convert(values, &mut self.left[lead * stride..][..values.len()]);
        } else {
            let used = stride.min(from_stride);
            for (from, to) in values
                .chunks_exact(from_stride)
                .zip(self.left[lead * stride..].chunks_exact_mut(stride))
            {
                convert(&from[..used], &mut to[..used]);
            }
        }
        self.multiply(grid, 0..grid.n_rows(), rotated, shape)
    }
}

/// The layout of gradients: with gaps, unless patches are gathered.
fn gradient_grid(n_images: usize, shape: &ConvShape, requires_grad: bool) -> Grid {
    let kernel = if gathers(shape) && !requires_grad {
        1
    } else {
        shape.kernel
    };
    Grid::new(n_images, &ConvShape { kernel, ..*shape })
}

/// Reorders the sum of the weight gradients, `(k · k, c_in, stride)`, to `(c_out, c_in, k, k)`.
pub(super) fn unpack_weight_gradient(sum: &[f32], shape: &ConvShape) -> Vec<f32> {
    let stride = shape.c_out.next_multiple_of(PANEL_WIDTH);
    let n_rows = shape.n_taps() * shape.c_in;
    let mut transposed = vec![0.0; stride * n_rows];
    transpose(sum, stride, &mut transposed, n_rows);
    // (c_out, k · k, c_in)
    let mut weight = vec![0.0; shape.c_out * n_rows];
    for (from, to) in transposed
        .chunks_exact(n_rows)
        .zip(weight.chunks_exact_mut(n_rows))
    {
        transpose(from, shape.c_in, to, shape.n_taps());
    }
    weight
}

/// Values of the sum of weight gradients.
pub(super) fn weight_gradient_len(shape: &ConvShape) -> usize {
    shape.n_taps() * shape.c_in * shape.c_out.next_multiple_of(PANEL_WIDTH)
}

/// Gathers the patch of every pixel; `at(pixel, index in the patch)` says where each value goes.
fn gather_patches<E: Element>(
    images: &[f32],
    shape: &ConvShape,
    out: &mut Vec<E>,
    at: impl Fn(usize, usize) -> usize,
    len: usize,
) {
    let ConvShape {
        c_in,
        height,
        width,
        kernel,
        ..
    } = *shape;
    let margin = kernel / 2;
    out.clear();
    out.resize(len, E::default());
    for (image_idx, image) in images.chunks_exact(shape.n_pixels() * c_in).enumerate() {
        for y in 0..height {
            for tap in 0..kernel * kernel {
                let (tap_y, tap_x) = (tap / kernel, tap % kernel);
                let Some(from_y) = (y + tap_y).checked_sub(margin).filter(|y| *y < height) else {
                    continue;
                };
                for x in margin.saturating_sub(tap_x)..(width + margin - tap_x).min(width) {
                    let pixel = &image[(from_y * width + x + tap_x - margin) * c_in..][..c_in];
                    let pixel_idx = image_idx * shape.n_pixels() + y * width + x;
                    for (channel, value) in pixel.iter().enumerate() {
                        out[at(pixel_idx, tap * c_in + channel)] = E::from_f32(*value);
                    }
                }
            }
        }
    }
}
