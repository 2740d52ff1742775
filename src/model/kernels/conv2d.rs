//! Convolution without normalization in training, with optional bias and ReLU, and its gradients.

use std::marker::PhantomData;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{
    convolution::{Scratch, backward, forward},
    element::{Bf16, Precision},
    gemm::Gemm,
    grid::ConvShape,
    norm,
    patches::by_patches,
    runs::add_up,
    slices::{contiguous_f32, is_cpu_f32, with_f32},
};

/// Options of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvConfig {
    /// Pixels from one output to the next.
    pub stride: usize,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Precision of the factors.
    pub precision: Precision,
}

/// Convolves `xs` `(b, h, w, c_in)` with `weight` `(c_out, c_in, k, k)` and zero padding `k / 2`, and adds `bias`
/// `(c_out,)`: `(b, ⌈h / stride⌉, ⌈w / stride⌉, c_out)`. Differentiable in all three.
///
/// # Errors
/// If the shapes do not fit together or `k` is even.
pub fn conv2d(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: ConvConfig,
) -> Result<Tensor> {
    let (_, _, _, c_in) = xs.dims4()?;
    let (c_out, weight_c_in, kernel, kernel_width) = weight.dims4()?;
    if c_in != weight_c_in
        || kernel != kernel_width
        || kernel % 2 == 0
        || bias.is_some_and(|bias| bias.dims() != [c_out])
    {
        bail!(
            "cannot convolve {:?} with {:?} and {:?}",
            xs.shape(),
            weight.shape(),
            bias.map(Tensor::shape)
        )
    }
    if !is_cpu_f32(xs) {
        return by_candle(xs, weight, bias, config.stride, config.relu);
    }
    let (xs, weight) = without_stride(xs, weight, config.stride)?;
    let bias = match bias {
        Some(bias) => bias.contiguous()?,
        None => Tensor::zeros(c_out, xs.dtype(), xs.device())?,
    };
    let floor = if config.relu { 0.0 } else { f32::NEG_INFINITY };
    match config.precision {
        Precision::F32 => xs.apply_op3(&weight, &bias, Conv::<f32>::new(floor)),
        Precision::Bf16 => xs.apply_op3(&weight, &bias, Conv::<Bf16>::new(floor)),
    }
}

/// Turns a strided convolution into one with stride 1: the images and kernels, both contiguous, to use instead.
///
/// # Errors
/// If `weight` is not `(c_out, c_in, k, k)` or `k` is even.
pub fn without_stride(xs: &Tensor, weight: &Tensor, stride: usize) -> Result<(Tensor, Tensor)> {
    if stride == 1 {
        return Ok((xs.contiguous()?, weight.contiguous()?));
    }
    let xs = by_patches(xs, weight.dims4()?.2, stride)?;
    Ok((xs, kernels_of_patches(weight)?))
}

/// `(c_out, c_in, k, k)` to `(c_out, k · k · c_in, 1, 1)`, in the order of [`by_patches`].
pub(super) fn kernels_of_patches(weight: &Tensor) -> Result<Tensor> {
    let (c_out, c_in, kernel, _) = weight.dims4()?;
    weight
        .permute((0, 2, 3, 1))?
        .reshape((c_out, kernel * kernel * c_in, 1, 1))?
        .contiguous()
}

/// The same with candle's operations, for other devices.
pub(super) fn by_candle(
    xs: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    relu: bool,
) -> Result<Tensor> {
    let ys = xs
        .permute((0, 3, 1, 2))?
        .contiguous()?
        .conv2d(weight, weight.dims4()?.2 / 2, stride, 1, 1)?
        .permute((0, 2, 3, 1))?
        .contiguous()?;
    let ys = match bias {
        Some(bias) => ys.broadcast_add(bias)?,
        None => ys,
    };
    if relu { ys.relu() } else { Ok(ys) }
}

struct Conv<E> {
    /// The lower bound of results: 0 for ReLU, minus infinity for none.
    floor: f32,
    element: PhantomData<E>,
}

impl<E> Conv<E> {
    fn new(floor: f32) -> Self {
        Self {
            floor,
            element: PhantomData,
        }
    }
}

impl<E: Gemm> CustomOp3 for Conv<E> {
    fn name(&self) -> &'static str {
        "fervis-conv2d"
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
        let shape = ConvShape::of(xs_layout.shape(), weight_layout.shape())?;
        let xs = contiguous_f32(xs, xs_layout)?;
        let bias = contiguous_f32(bias, bias_layout)?;
        let weight = contiguous_f32(weight, weight_layout)?;
        let finish = |(): &mut (), row: &[f32], stride, out: &mut [f32]| {
            norm::add_bias(row, stride, bias, self.floor, out);
        };
        let (ys, _) = forward::<E, _, _>(xs, weight, &shape, || (), finish);
        let (batch, ..) = xs_layout.shape().dims4()?;
        Ok((
            CpuStorage::F32(ys),
            Shape::from((batch, shape.height, shape.width, shape.c_out)),
        ))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = ConvShape::of(xs.shape(), weight.shape())?;
        let requires_grad = xs.track_op();
        let grad_ys = grad_ys.contiguous()?;
        let row_len = shape.width * shape.c_out;
        let (gradients, bias_sums) =
            with_f32([xs, weight, ys, &grad_ys], |[xs, weight, ys, grad_ys]| {
                let set_gradient = |scratch: &mut Scratch<E>, first, n, sum: &mut Vec<f32>| {
                    sum.resize(shape.c_out, 0.0);
                    scratch.set_gradient(n, &shape, requires_grad, |row, out, stride| {
                        let first = (first * shape.height + row) * row_len;
                        let [ys, grads] = [ys, grad_ys].map(|values| &values[first..][..row_len]);
                        norm::bias_gradient(ys, grads, self.floor, sum, out, stride);
                    });
                };
                backward(xs, weight, &shape, requires_grad, set_gradient)
            })?;
        let grad_bias = add_up(bias_sums);
        let [grad_xs, grad_weight] = gradients.into_tensors(xs, weight)?;
        let grad_bias = Tensor::from_vec(grad_bias, bias.shape(), bias.device())?;
        Ok((grad_xs, grad_weight, Some(grad_bias)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::test_support::{assert_close, random};
    use super::*;

    /// Measures errors relative to the largest value: rounding does not depend on how small a sum turned out.
    fn assert_relatively_close(found: &Tensor, expected: &Tensor, tolerance: f32) {
        let largest = expected.abs().unwrap().max_all().unwrap();
        let scale = f64::from(largest.to_scalar::<f32>().unwrap().max(1.0));
        assert_close(
            &(found / scale).unwrap(),
            &(expected / scale).unwrap(),
            tolerance,
        );
    }

    fn check(
        xs: (usize, usize, usize, usize),
        c_out: usize,
        kernel: usize,
        config: ConvConfig,
        tolerance: f32,
    ) {
        let xs = Var::from_tensor(&random(xs, 1)).unwrap();
        let c_in = xs.dims()[3];
        let weight = Var::from_tensor(&random((c_out, c_in, kernel, kernel), 2)).unwrap();
        let bias = Var::from_tensor(&random(c_out, 3)).unwrap();
        for (requires_grad, with_bias) in [(true, true), (false, true), (true, false)] {
            let input = if requires_grad {
                xs.as_tensor().clone()
            } else {
                xs.as_detached_tensor()
            };
            let bias_used = with_bias.then_some(bias.as_tensor());
            let ys = conv2d(&input, &weight, bias_used, config).unwrap();
            let expected =
                by_candle(&input, &weight, bias_used, config.stride, config.relu).unwrap();
            assert_relatively_close(&ys, &expected, tolerance);
            let seen = random(ys.shape(), 4);
            let gradients =
                |ys: &Tensor| (ys * &seen).unwrap().sum_all().unwrap().backward().unwrap();
            let (grads, expected_grads) = (gradients(&ys), gradients(&expected));
            assert_eq!(grads.get(&xs).is_some(), requires_grad);
            for var in [&weight, &bias, &xs] {
                let (Some(grad), Some(expected)) = (grads.get(var), expected_grads.get(var)) else {
                    assert!(grads.get(var).is_none() && expected_grads.get(var).is_none());
                    continue;
                };
                assert_relatively_close(grad, expected, tolerance);
            }
        }
    }

    fn config(stride: usize, relu: bool) -> ConvConfig {
        ConvConfig {
            stride,
            relu,
            precision: Precision::F32,
        }
    }

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for relu in [false, true] {
            check((1, 1, 1, 1), 2, 3, config(1, relu), 1e-4);
            check((5, 6, 10, 3), 7, 3, config(1, relu), 1e-4);
            check((3, 12, 12, 16), 24, 3, config(1, relu), 1e-4);
            check((2, 7, 5, 20), 16, 1, config(1, relu), 1e-4);
            check((2, 8, 8, 2), 5, 5, config(1, relu), 1e-4);
        }
        check((2, 12, 12, 3), 8, 7, config(2, false), 1e-4);
        check((2, 7, 9, 20), 8, 3, config(2, true), 1e-4);
        check((2, 6, 6, 20), 8, 1, config(2, false), 1e-4);
    }

    #[test]
    fn bfloat16_agrees_within_its_precision() {
        let config = ConvConfig {
            precision: Precision::Bf16,
            ..config(1, false)
        };
        check((3, 12, 12, 32), 48, 3, config, 3e-2);
        check((5, 6, 10, 3), 7, 3, config, 3e-2);
    }

    #[test]
    fn wrong_shapes_are_errors() {
        for (xs, weight, n_biases) in [
            ((1, 4, 4, 2), (4, 3, 3, 3), 4),
            ((1, 4, 4, 2), (4, 2, 2, 2), 4),
            ((1, 4, 4, 2), (5, 2, 3, 3), 4),
        ] {
            let (xs, weight, bias) = (random(xs, 1), random(weight, 2), random(n_biases, 3));
            assert!(conv2d(&xs, &weight, Some(&bias), config(1, true)).is_err());
        }
    }
}
