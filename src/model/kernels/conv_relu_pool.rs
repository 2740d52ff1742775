//! Convolution, bias, ReLU and 2×2 maximum pooling in one pass, for inference.
//!
//! The full-size result of the convolution lives only in a scratch buffer of the thread.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use gemm::Parallelism;
use rayon::prelude::*;

use super::{
    conv2d::forward_image,
    im2col::{ConvShape, with_scratch},
    slices::{contiguous_f32, is_cpu_f32},
};

/// Convolves `xs` `(b, c_in, h, w)` with `weight` `(c_out, c_in, k, k)` (stride 1, zero padding `k / 2`), adds `bias`
/// `(c_out,)`, sets negative values to zero and keeps the largest of each 2×2 square: `(b, c_out, h/2, w/2)`.
/// Not differentiable.
///
/// # Errors
/// If the shapes do not fit together, `k` is even, or height or width is odd.
pub fn conv_relu_pool(xs: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, c_in, height, width) = xs.dims4()?;
    let (c_out, weight_c_in, kernel, kernel_width) = weight.dims4()?;
    let even = |side: usize| side.is_multiple_of(2);
    if c_in != weight_c_in
        || kernel != kernel_width
        || even(kernel)
        || !even(height)
        || !even(width)
    {
        bail!(
            "cannot convolve and pool {:?} with kernels {:?}",
            xs.shape(),
            weight.shape()
        )
    }
    if bias.dims() != [c_out] {
        bail!("{c_out} channels cannot have biases {:?}", bias.shape())
    }
    if is_cpu_f32(xs) {
        return xs.contiguous()?.apply_op3_no_bwd(
            &weight.contiguous()?,
            &bias.contiguous()?,
            &ConvReluPool,
        );
    }
    xs.conv2d(weight, kernel / 2, 1, 1, 1)?
        .broadcast_add(&bias.reshape((1, c_out, 1, 1))?)?
        .relu()?
        .max_pool2d(2)
}

struct ConvReluPool;

impl CustomOp3 for ConvReluPool {
    fn name(&self) -> &'static str {
        "fervis-conv-relu-pool"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, c_in, height, width) = xs_layout.shape().dims4()?;
        let (c_out, _, kernel, _) = weight_layout.shape().dims4()?;
        let shape = ConvShape {
            c_in,
            c_out,
            height,
            width,
            kernel,
        };
        let xs = contiguous_f32(xs, xs_layout)?;
        let weight = contiguous_f32(weight, weight_layout)?;
        let bias = contiguous_f32(bias, bias_layout)?;
        let out_len = c_out * shape.plane_len() / 4;
        let mut ys = vec![0.0; batch * out_len];
        let run = |image: &[f32], out: &mut [f32], parallelism: Parallelism| {
            with_scratch(c_out * shape.plane_len(), |full| {
                forward_image(image, weight, &shape, full, parallelism);
                for ((plane, out), bias) in full
                    .chunks_exact(shape.plane_len())
                    .zip(out.chunks_exact_mut(shape.plane_len() / 4))
                    .zip(bias)
                {
                    pool_plane(plane, width, *bias, out);
                }
            });
        };
        if batch == 1 {
            run(xs, &mut ys, Parallelism::Rayon(0));
        } else {
            xs.par_chunks_exact(c_in * shape.plane_len())
                .zip(ys.par_chunks_exact_mut(out_len))
                .for_each(|(image, out)| run(image, out, Parallelism::None));
        }
        Ok((
            CpuStorage::F32(ys),
            Shape::from((batch, c_out, height / 2, width / 2)),
        ))
    }
}

/// 2×2 maximum, bias and ReLU of one plane; adding the bias after the maximum is the same and a quarter of the work.
fn pool_plane(xs: &[f32], width: usize, bias: f32, ys: &mut [f32]) {
    for (rows, out) in xs
        .chunks_exact(2 * width)
        .zip(ys.chunks_exact_mut(width / 2))
    {
        let (upper, lower) = rows.split_at(width);
        for ((out, upper), lower) in out
            .iter_mut()
            .zip(upper.as_chunks::<2>().0)
            .zip(lower.as_chunks::<2>().0)
        {
            *out = (upper[0].max(upper[1]).max(lower[0].max(lower[1])) + bias).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for (batch, c_in, c_out, height, width, kernel) in [
            (1, 1, 4, 6, 4, 3),
            (1, 3, 8, 48, 48, 3),
            (5, 2, 3, 8, 10, 5),
            (2, 64, 16, 24, 24, 3),
        ] {
            let xs = random((batch, c_in, height, width), 1);
            let weight = random((c_out, c_in, kernel, kernel), 2);
            let bias = random(c_out, 3);
            let expected = xs
                .conv2d(&weight, kernel / 2, 1, 1, 1)
                .and_then(|ys| {
                    ys.broadcast_add(&bias.reshape((1, c_out, 1, 1))?)?
                        .relu()?
                        .max_pool2d(2)
                })
                .unwrap();
            assert_close(
                &conv_relu_pool(&xs, &weight, &bias).unwrap(),
                &expected,
                1e-4,
            );
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let (xs, weight, bias) = (
            random((1, 2, 4, 4), 1),
            random((3, 2, 3, 3), 2),
            random(3, 3),
        );
        assert!(conv_relu_pool(&xs, &weight, &bias).is_ok());
        assert!(conv_relu_pool(&random((1, 2, 3, 4), 1), &weight, &bias).is_err());
        assert!(conv_relu_pool(&xs, &random((3, 1, 3, 3), 2), &bias).is_err());
        assert!(conv_relu_pool(&xs, &weight, &random(2, 3)).is_err());
    }
}
