//! A block of a network in training: convolution, batch normalization, ReLU and 2×2 maximum pooling, with gradients.
//!
//! This is one operation because the tensors between these steps are the largest of a network. The result of the
//! convolution is kept (in bfloat16 if that is the precision), and the backward pass recomputes what follows it. The
//! gradient of that result is never stored: each thread computes it for a few images, uses it while it is in the cache,
//! and discards it.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

use super::{
    batch_norm,
    convolution::{Scratch, backward, forward},
    element::{Bf16, Precision},
    gemm::Gemm,
    grid::ConvShape,
    norm::{self, ChannelSums},
    rows::Batch,
    scale_shift::{BatchStatistics, ScaleShift},
    slices::{contiguous_f32, is_cpu_f32, with_f32},
};

/// Options of a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvNormConfig {
    /// Added to the variance before its root.
    pub epsilon: f32,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Whether 2×2 maximum pooling follows.
    pub pool: bool,
    /// Precision of the convolution.
    pub precision: Precision,
}

/// Convolves `xs` `(b, h, w, c_in)` with `weight` `(c_out, c_in, k, k)`, stride 1 and zero padding `k / 2`, normalizes
/// each channel by the batch's own mean and variance, scales it by the first row of `affine` `(2, c_out)`, shifts it by
/// the second, and applies ReLU and pooling as configured. Returns `(b, h', w', c_out)` and the batch's
/// statistics. Differentiable in all three tensors.
///
/// Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
///
/// # Errors
/// If the shapes do not fit together, `k` is even, or the images to pool have an odd height or width.
pub fn conv_norm(
    xs: &Tensor,
    weight: &Tensor,
    affine: &Tensor,
    config: ConvNormConfig,
) -> Result<(Tensor, Arc<BatchStatistics>)> {
    let (_, height, width, c_in) = xs.dims4()?;
    let (c_out, weight_c_in, kernel, kernel_width) = weight.dims4()?;
    let even = height.is_multiple_of(2) && width.is_multiple_of(2);
    if c_in != weight_c_in
        || kernel != kernel_width
        || kernel % 2 == 0
        || affine.dims() != [2, c_out]
        || config.pool && !even
    {
        bail!(
            "cannot convolve and normalize {:?} with {:?} and {:?}",
            xs.shape(),
            weight.shape(),
            affine.shape()
        )
    }
    if !is_cpu_f32(xs) {
        return by_candle(xs, weight, affine, config);
    }
    let statistics = Arc::new(OnceLock::new());
    let ys = match config.precision {
        Precision::F32 => apply::<f32>(xs, weight, affine, config, &statistics),
        Precision::Bf16 => apply::<Bf16>(xs, weight, affine, config, &statistics),
    }?;
    match statistics.get() {
        Some(statistics) => Ok((ys, Arc::clone(statistics))),
        None => bail!("the forward pass left no statistics"),
    }
}

fn apply<E: Gemm>(
    xs: &Tensor,
    weight: &Tensor,
    affine: &Tensor,
    config: ConvNormConfig,
    statistics: &Arc<OnceLock<Arc<BatchStatistics>>>,
) -> Result<Tensor> {
    let op = ConvNorm::<E> {
        config,
        statistics: Arc::clone(statistics),
        convolved: OnceLock::new(),
    };
    xs.contiguous()?
        .apply_op3(&weight.contiguous()?, &affine.contiguous()?, op)
}

/// The same with candle's operations, for other devices.
fn by_candle(
    xs: &Tensor,
    weight: &Tensor,
    affine: &Tensor,
    config: ConvNormConfig,
) -> Result<(Tensor, Arc<BatchStatistics>)> {
    let padding = weight.dims()[2] / 2;
    let convolved = xs
        .permute((0, 3, 1, 2))?
        .contiguous()?
        .conv2d(weight, padding, 1, 1, 1)?;
    batch_norm::by_candle(
        &convolved.permute((0, 2, 3, 1))?,
        affine,
        config.epsilon,
        config.relu,
        config.pool,
    )
}

struct ConvNorm<E> {
    config: ConvNormConfig,
    statistics: Arc<OnceLock<Arc<BatchStatistics>>>,
    /// The convolution's result, `(b, h, w, c_out)`.
    convolved: OnceLock<Vec<E>>,
}

impl<E: Gemm> CustomOp3 for ConvNorm<E> {
    fn name(&self) -> &'static str {
        "fervis-conv-norm"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        affine: &CpuStorage,
        affine_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = ConvShape::of(xs_layout.shape(), weight_layout.shape())?;
        let xs = contiguous_f32(xs, xs_layout)?;
        let weight = contiguous_f32(weight, weight_layout)?;
        let affine = contiguous_f32(affine, affine_layout)?;
        let new_sums = || ChannelSums::new(shape.c_out);
        let (convolved, sums) =
            forward::<E, _, _>(xs, weight, &shape, new_sums, ChannelSums::store_row);
        let sums = ChannelSums::total(sums, shape.c_out);
        let batch = results(xs_layout.shape(), &shape)?;
        let n_values = batch.n_images * shape.n_pixels();
        let statistics = BatchStatistics::from_sums(&sums, n_values);
        let scale_shift =
            ScaleShift::new(&statistics, affine, self.config.epsilon, self.config.relu);
        let affine = scale_shift.affine();
        let (ys, shape) = batch.finish(&convolved, affine, self.config.pool);
        // Set once: candle calls the forward pass once per operation.
        self.convolved.set(convolved).ok();
        self.statistics.set(Arc::new(statistics)).ok();
        Ok((CpuStorage::F32(ys), shape.into()))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        weight: &Tensor,
        affine: &Tensor,
        _ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let shape = ConvShape::of(xs.shape(), weight.shape())?;
        let (Some(statistics), Some(convolved)) = (self.statistics.get(), self.convolved.get())
        else {
            bail!("backward before forward")
        };
        let ConvNormConfig {
            epsilon,
            relu,
            pool,
            ..
        } = self.config;
        let requires_grad = xs.track_op();
        let grad_ys = grad_ys.contiguous()?;
        let batch = results(xs.shape(), &shape)?;
        let row_len = batch.row_len();
        let [rows_len, grad_len] = batch.pooled_lens(pool);
        let tensors = [xs, weight, affine, &grad_ys];
        let (gradients, grad_affine) = with_f32(tensors, |[xs, weight, affine, grad_ys]| {
            let scale_shift = ScaleShift::new(statistics, affine, epsilon, relu);
            let affine = scale_shift.affine();
            let sums = batch.gradient_sums(convolved, grad_ys, affine, pool);
            let response = scale_shift.response(statistics, &sums);
            let feedback = response.feedback();
            let rows_and_grads = |index: usize| {
                let rows = &convolved[index * rows_len..][..rows_len];
                (rows, &grad_ys[index * grad_len..][..grad_len])
            };
            let set_gradient = |scratch: &mut Scratch<E>, first, n, (): &mut ()| {
                let first_row = first * shape.height;
                if pool {
                    scratch.set_gradient_pairs(
                        n,
                        &shape,
                        requires_grad,
                        |pair, upper, lower, stride| {
                            let (rows, grads) = rows_and_grads(first_row / 2 + pair);
                            let rows = rows.split_at(row_len).into();
                            norm::pooled_gradient(
                                rows, grads, affine, feedback, upper, lower, stride,
                            );
                        },
                    );
                } else {
                    scratch.set_gradient(n, &shape, requires_grad, |row, out, stride| {
                        let (row, grads) = rows_and_grads(first_row + row);
                        norm::gradient(row, grads, affine, feedback, out, stride);
                    });
                }
            };
            let (gradients, _) = backward(xs, weight, &shape, requires_grad, set_gradient);
            (gradients, response.affine)
        })?;
        let [grad_xs, grad_weight] = gradients.into_tensors(xs, weight)?;
        let grad_affine = Tensor::from_vec(grad_affine, affine.shape(), affine.device())?;
        Ok((grad_xs, grad_weight, Some(grad_affine)))
    }
}

/// The sizes of the results for images of this shape.
fn results(images: &Shape, shape: &ConvShape) -> Result<Batch> {
    let (n_images, ..) = images.dims4()?;
    Ok(Batch {
        n_images,
        height: shape.height,
        width: shape.width,
        channels: shape.c_out,
    })
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::test_support::{assert_close, random};
    use super::*;

    const EPSILON: f32 = 1e-5;

    fn check(
        xs: (usize, usize, usize, usize),
        c_out: usize,
        kernel: usize,
        config: ConvNormConfig,
        tolerance: f32,
    ) {
        let (_, height, width, c_in) = xs;
        let xs = Var::from_tensor(&random(xs, 1)).unwrap();
        let weight = Var::from_tensor(&random((c_out, c_in, kernel, kernel), 2)).unwrap();
        let affine = Var::from_tensor(&random((2, c_out), 3)).unwrap(); // Negative scales too.
        let (height, width) = if config.pool {
            (height / 2, width / 2)
        } else {
            (height, width)
        };
        let seen = random((xs.dims()[0], height, width, c_out), 4); // Any gradient of the results.
        let gradients = |ys: &Tensor| (ys * &seen).unwrap().sum_all().unwrap().backward().unwrap();
        for requires_grad in [true, false] {
            let input = if requires_grad {
                xs.as_tensor().clone()
            } else {
                xs.as_detached_tensor()
            };
            let (ys, statistics) = conv_norm(&input, &weight, &affine, config).unwrap();
            let (expected, expected_statistics) =
                by_candle(&input, &weight, &affine, config).unwrap();
            assert_close(&ys, &expected, tolerance);
            assert_eq!(statistics.n_values, expected_statistics.n_values);
            let device = &candle_core::Device::Cpu;
            let tensor = |values: &[f32]| Tensor::new(values, device).unwrap();
            assert_close(
                &tensor(&statistics.mean),
                &tensor(&expected_statistics.mean),
                tolerance,
            );
            assert_close(
                &tensor(&statistics.variance),
                &tensor(&expected_statistics.variance),
                tolerance,
            );
            let (grads, expected_grads) = (gradients(&ys), gradients(&expected));
            assert_eq!(grads.get(&xs).is_some(), requires_grad);
            for var in [&weight, &affine]
                .into_iter()
                .chain((requires_grad).then_some(&xs))
            {
                let scale = expected_grads
                    .get(var)
                    .unwrap()
                    .abs()
                    .unwrap()
                    .max_all()
                    .unwrap()
                    .to_scalar::<f32>()
                    .unwrap();
                let relative = |grad: &Tensor| (grad / f64::from(scale.max(1e-3))).unwrap();
                assert_close(
                    &relative(grads.get(var).unwrap()),
                    &relative(expected_grads.get(var).unwrap()),
                    5.0 * tolerance,
                );
            }
        }
    }

    fn config(relu: bool, pool: bool) -> ConvNormConfig {
        ConvNormConfig {
            epsilon: EPSILON,
            relu,
            pool,
            precision: Precision::F32,
        }
    }

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for (relu, pool) in [(true, true), (true, false), (false, true), (false, false)] {
            check((1, 2, 2, 1), 2, 3, config(relu, pool), 1e-3);
            check((5, 6, 10, 3), 7, 3, config(relu, pool), 1e-3);
            check((3, 12, 12, 16), 24, 3, config(relu, pool), 1e-3);
            check((2, 8, 4, 20), 16, 1, config(relu, pool), 1e-3);
            check((2, 8, 8, 2), 5, 5, config(relu, pool), 1e-3);
        }
        check((2, 48, 48, 1), 16, 3, config(true, true), 1e-3);
    }

    /// Without ReLU and pooling, where rounding may change which value is the maximum.
    #[test]
    fn bfloat16_agrees_within_its_precision() {
        let config = ConvNormConfig {
            precision: Precision::Bf16,
            ..config(false, false)
        };
        check((5, 6, 10, 3), 7, 3, config, 3e-2);
        check((3, 12, 12, 32), 48, 3, config, 3e-2);
        check((9, 24, 24, 16), 32, 3, config, 3e-2);
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let (weight, affine) = (random((3, 2, 3, 3), 1), random((2, 3), 2));
        let base = random((2, 4, 4, 2), 5);
        let seen = random((2, 2, 2, 3), 6);
        let loss = |xs: &Tensor| {
            let (ys, _) = conv_norm(xs, &weight, &affine, config(true, true)).unwrap();
            (ys * &seen).unwrap().sum_all().unwrap()
        };
        let xs = Var::from_tensor(&base).unwrap();
        let grads = loss(&xs).backward().unwrap();
        let grad = grads
            .get(&xs)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let values = base.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let step = 1e-3;
        for index in [0, 7, 21, 40, 63] {
            let moved = |by: f32| {
                let mut values = values.clone();
                values[index] += by;
                loss(&Tensor::from_vec(values, base.shape(), base.device()).unwrap())
                    .to_scalar::<f32>()
                    .unwrap()
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!(
                (slope - grad[index]).abs() < 2e-2,
                "{index}: {slope} against {}",
                grad[index]
            );
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let affine = random((2, 4), 1);
        for (xs, weight) in [
            ((1, 4, 4, 2), (4, 3, 3, 3)),
            ((1, 4, 4, 2), (4, 2, 2, 2)),
            ((1, 4, 4, 2), (5, 2, 3, 3)),
            ((1, 3, 4, 2), (4, 2, 3, 3)),
        ] {
            assert!(
                conv_norm(
                    &random(xs, 1),
                    &random(weight, 2),
                    &affine,
                    config(true, true)
                )
                .is_err()
            );
        }
    }
}
