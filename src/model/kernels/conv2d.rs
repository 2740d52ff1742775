//! 2-D convolution with gradients: unfolded tiles times weights, images spread over the cores.
//!
//! Stride 1 and "same" padding only, which is all that our networks' convolutions use.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use gemm::Parallelism;
use rayon::prelude::*;

use super::{
    im2col::{ConvShape, im2col, with_scratch},
    matmul::{MatRef, matmul},
    slices::{contiguous_f32, is_cpu_f32, with_f32},
};

/// Convolves `xs` `(b, c_in, h, w)` with `weight` `(c_out, c_in, k, k)`, stride 1, zero padding `k / 2`.
/// Returns `(b, c_out, h, w)`. Differentiable in both arguments.
///
/// # Errors
/// If the shapes do not fit together or `k` is even.
pub fn conv2d(xs: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (_, c_in, _, _) = xs.dims4()?;
    let (_, weight_c_in, kernel, kernel_width) = weight.dims4()?;
    if c_in != weight_c_in || kernel != kernel_width || kernel % 2 == 0 {
        bail!(
            "cannot convolve {:?} with kernels {:?}",
            xs.shape(),
            weight.shape()
        )
    }
    if is_cpu_f32(xs) && is_cpu_f32(weight) {
        xs.contiguous()?.apply_op2(&weight.contiguous()?, Conv2d)
    } else {
        xs.conv2d(weight, kernel / 2, 1, 1, 1)
    }
}

/// Sizes of `xs` convolved with `weight`, and the batch size.
fn shape_of(xs: &Shape, weight: &Shape) -> Result<(usize, ConvShape)> {
    let (batch, c_in, height, width) = xs.dims4()?;
    let (c_out, _, kernel, _) = weight.dims4()?;
    Ok((
        batch,
        ConvShape {
            c_in,
            c_out,
            height,
            width,
            kernel,
        },
    ))
}

struct Conv2d;

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "fervis-conv2d"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, shape) = shape_of(xs_layout.shape(), weight_layout.shape())?;
        let ys = forward(
            contiguous_f32(xs, xs_layout)?,
            contiguous_f32(weight, weight_layout)?,
            batch,
            &shape,
        );
        let ys_shape = Shape::from((batch, shape.c_out, shape.height, shape.width));
        Ok((CpuStorage::F32(ys), ys_shape))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        weight: &Tensor,
        _ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, shape) = shape_of(xs.shape(), weight.shape())?;
        let grad_ys = grad_ys.contiguous()?;
        // The first layer's input is data: its gradient would be the dearest of all, for nothing.
        let grad_xs = xs
            .track_op()
            .then(|| grad_ys.apply_op2_no_bwd(weight, &InputGradient))
            .transpose()?;
        let grad_weight = with_f32(xs, |xs| {
            with_f32(&grad_ys, |grad_ys| Ok(weight_gradient(xs, grad_ys, &shape)))
        })?;
        let grad_weight = Tensor::from_vec(grad_weight, weight.shape(), weight.device())?;
        Ok((grad_xs, Some(grad_weight)))
    }
}

/// The gradient of the input: the output's gradient convolved with the kernels turned by 180°.
struct InputGradient;

impl CustomOp2 for InputGradient {
    fn name(&self) -> &'static str {
        "fervis-conv2d-input-gradient"
    }

    fn cpu_fwd(
        &self,
        grad_ys: &CpuStorage,
        grad_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, c_out, height, width) = grad_layout.shape().dims4()?;
        let (_, c_in, kernel, _) = weight_layout.shape().dims4()?;
        let shape = ConvShape {
            c_in,
            c_out,
            height,
            width,
            kernel,
        };
        let turned = turn_kernels(contiguous_f32(weight, weight_layout)?, &shape);
        let grad_xs = forward(
            contiguous_f32(grad_ys, grad_layout)?,
            &turned,
            batch,
            &shape.reversed(),
        );
        Ok((
            CpuStorage::F32(grad_xs),
            Shape::from((batch, c_in, height, width)),
        ))
    }
}

/// `(c_out, c_in, k, k)` to `(c_in, c_out, k, k)` with every kernel turned by 180°.
fn turn_kernels(weight: &[f32], shape: &ConvShape) -> Vec<f32> {
    let area = shape.kernel * shape.kernel;
    let mut turned = Vec::with_capacity(weight.len());
    for c_in in 0..shape.c_in {
        for c_out in 0..shape.c_out {
            let kernel = &weight[(c_out * shape.c_in + c_in) * area..][..area];
            turned.extend(kernel.iter().rev());
        }
    }
    turned
}

/// `(b, c_in, h, w)` to `(b, c_out, h, w)`.
fn forward(xs: &[f32], weight: &[f32], batch: usize, shape: &ConvShape) -> Vec<f32> {
    let image_len = shape.c_in * shape.plane_len();
    let out_len = shape.c_out * shape.plane_len();
    let mut ys = vec![0.0; batch * out_len];
    let convolve = |(image, out): (&[f32], &mut [f32])| {
        forward_image(image, weight, shape, out, Parallelism::None)
    };
    if batch == 1 {
        forward_image(xs, weight, shape, &mut ys, Parallelism::Rayon(0));
    } else {
        xs.par_chunks_exact(image_len)
            .zip(ys.par_chunks_exact_mut(out_len))
            .for_each(convolve);
    }
    ys
}

/// Convolves one image `(c_in, h, w)` into `out` `(c_out, h, w)`.
pub(super) fn forward_image(
    image: &[f32],
    weight: &[f32],
    shape: &ConvShape,
    out: &mut [f32],
    parallelism: Parallelism,
) {
    let weight = MatRef::row_major(weight, shape.c_out, shape.patch_len());
    for_each_tile(image, shape, |first_pixel, cols| {
        let out = &mut out[first_pixel..];
        matmul(out, shape.plane_len(), weight, cols, false, parallelism);
    });
}

/// Unfolds an image tile by tile. `visit` gets the tile's first pixel and its patches, `(patch_len, n_pixels)`.
fn for_each_tile(image: &[f32], shape: &ConvShape, mut visit: impl FnMut(usize, MatRef<'_>)) {
    let patch_len = shape.patch_len();
    let tile_rows = shape.rows_per_tile();
    with_scratch(patch_len * tile_rows * shape.width, |scratch| {
        for start in (0..shape.height).step_by(tile_rows) {
            let rows = start..(start + tile_rows).min(shape.height);
            let n_cols = rows.len() * shape.width;
            let cols = &mut scratch[..patch_len * n_cols];
            im2col(image, shape, rows, cols);
            visit(
                start * shape.width,
                MatRef::row_major(cols, patch_len, n_cols),
            );
        }
    });
}

/// The gradient of the kernels, `(c_out, c_in, k, k)`: the sum over the batch of gradient times patches.
fn weight_gradient(xs: &[f32], grad_ys: &[f32], shape: &ConvShape) -> Vec<f32> {
    let (patch_len, plane_len) = (shape.patch_len(), shape.plane_len());
    let (image_len, out_len) = (shape.c_in * plane_len, shape.c_out * plane_len);
    let batch = xs.len() / image_len;
    // One partial sum per thread over a fixed run of images, added in order: reproducible.
    let run = batch.div_ceil(rayon::current_num_threads());
    let partial_sums: Vec<Vec<f32>> = xs
        .par_chunks(run * image_len)
        .zip(grad_ys.par_chunks(run * out_len))
        .map(|(images, grads)| {
            let mut sum = vec![0.0; shape.c_out * patch_len];
            for (image, grad) in images
                .chunks_exact(image_len)
                .zip(grads.chunks_exact(out_len))
            {
                add_image_weight_gradient(image, grad, shape, &mut sum);
            }
            sum
        })
        .collect();
    let mut sums = partial_sums.into_iter();
    let mut total = sums
        .next()
        .unwrap_or_else(|| vec![0.0; shape.c_out * patch_len]);
    for sum in sums {
        total
            .iter_mut()
            .zip(sum)
            .for_each(|(total, value)| *total += value);
    }
    total
}

fn add_image_weight_gradient(image: &[f32], grad: &[f32], shape: &ConvShape, sum: &mut [f32]) {
    for_each_tile(image, shape, |first_pixel, cols| {
        let grad = MatRef::strided(
            &grad[first_pixel..],
            shape.c_out,
            cols.n_cols(),
            shape.plane_len(),
        );
        let patches = cols.transposed();
        matmul(
            sum,
            shape.patch_len(),
            grad,
            patches,
            true,
            Parallelism::None,
        );
    });
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{assert_close, random};
    use super::*;
    use candle_core::{Device, Var};

    /// Forward and both gradients against candle's own convolution.
    fn check(
        batch: usize,
        c_in: usize,
        c_out: usize,
        (height, width): (usize, usize),
        kernel: usize,
    ) {
        let xs = Var::from_tensor(&random((batch, c_in, height, width), 1)).unwrap();
        let weight = Var::from_tensor(&random((c_out, c_in, kernel, kernel), 2)).unwrap();
        let seen = random((batch, c_out, height, width), 3); // Any gradient coming from above.
        let run = |ys: Tensor| {
            let grads = (&ys * &seen)
                .unwrap()
                .sum_all()
                .unwrap()
                .backward()
                .unwrap();
            let grads = (
                grads.get(&xs).unwrap().clone(),
                grads.get(&weight).unwrap().clone(),
            );
            (ys, grads)
        };
        let (ys, (grad_xs, grad_weight)) = run(conv2d(&xs, &weight).unwrap());
        let (ys_candle, (grad_xs_candle, grad_weight_candle)) =
            run(xs.conv2d(&weight, kernel / 2, 1, 1, 1).unwrap());
        assert_close(&ys, &ys_candle, 1e-4);
        assert_close(&grad_xs, &grad_xs_candle, 1e-4);
        assert_close(&grad_weight, &grad_weight_candle, 1e-3);
    }

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        check(1, 1, 1, (3, 3), 3);
        check(3, 1, 8, (48, 48), 3);
        check(2, 5, 7, (6, 9), 3);
        check(4, 3, 2, (1, 1), 3);
        check(2, 4, 3, (7, 5), 1);
        check(2, 2, 2, (9, 8), 5);
        check(2, 64, 16, (24, 24), 3); // More than one tile of rows.
    }

    #[test]
    fn data_gets_no_gradient() {
        let xs = random((1, 1, 4, 4), 1);
        let weight = Var::from_tensor(&random((2, 1, 3, 3), 2)).unwrap();
        let grads = conv2d(&xs, &weight)
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        assert!(grads.get(&xs).is_none());
        assert!(grads.get(&weight).is_some());
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let xs = Tensor::zeros((1, 2, 4, 4), candle_core::DType::F32, &Device::Cpu).unwrap();
        for weight in [(1, 3, 3, 3), (1, 2, 2, 2), (1, 2, 3, 1)] {
            let weight = Tensor::zeros(weight, candle_core::DType::F32, &Device::Cpu).unwrap();
            assert!(conv2d(&xs, &weight).is_err());
        }
    }
}
