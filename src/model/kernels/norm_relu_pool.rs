//! Batch normalisation, ReLU and 2×2 maximum pooling in one pass, with gradients, for training.
//!
//! Done one after the other by candle's operations these cost more than the convolutions around them:
//! a dozen single-threaded passes over the largest tensors of the network. Here the normalised values are
//! never stored: the backward pass computes them again from the input.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::slices::{contiguous_f32, is_cpu_f32, with_f32};

/// Mean and variance of a batch, one per channel, for the running estimates that inference uses.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStatistics {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Biased variance of each channel (divided by the number of values).
    pub variance: Vec<f32>,
    /// How many values each channel had.
    pub n_values: usize,
}

/// Normalises each channel of `xs` `(b, c, h, w)` by the batch's own mean and variance, scales and shifts it by
/// `gamma` and `beta` `(c,)`, sets negative values to zero and keeps the largest of each 2×2 square.
/// Returns `(b, c, h/2, w/2)` and the batch's statistics. Differentiable in all three tensors.
///
/// Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
///
/// # Errors
/// If height or width is odd, or the channels do not agree.
pub fn norm_relu_pool(
    xs: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f32,
) -> Result<(Tensor, Arc<BatchStatistics>)> {
    let (batch, channels, height, width) = xs.dims4()?;
    if height % 2 != 0 || width % 2 != 0 || gamma.dims() != [channels] || beta.dims() != [channels]
    {
        bail!(
            "cannot normalise and pool {:?} with {:?} and {:?}",
            xs.shape(),
            gamma.shape(),
            beta.shape()
        )
    }
    if is_cpu_f32(xs) {
        let statistics = Arc::new(OnceLock::new());
        let op = NormReluPool {
            epsilon,
            statistics: Arc::clone(&statistics),
        };
        let ys = xs
            .contiguous()?
            .apply_op3(&gamma.contiguous()?, &beta.contiguous()?, op)?;
        let Some(statistics) = statistics.get() else {
            bail!("the forward pass left no statistics")
        };
        return Ok((ys, Arc::clone(statistics)));
    }
    let per_channel = xs.transpose(0, 1)?.flatten_from(1)?; // (c, b·h·w)
    let mean = per_channel.mean_keepdim(D::Minus1)?;
    let centered = per_channel.broadcast_sub(&mean)?;
    let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
    let normalised = centered.broadcast_div(&(&variance + f64::from(epsilon))?.sqrt()?)?;
    let scaled = normalised
        .broadcast_mul(&gamma.reshape((channels, 1))?)?
        .broadcast_add(&beta.reshape((channels, 1))?)?;
    let ys = scaled
        .reshape((channels, batch, height, width))?
        .transpose(0, 1)?
        .relu()?
        .max_pool2d(2)?;
    let statistics = BatchStatistics {
        mean: mean.flatten_all()?.to_vec1()?,
        variance: variance.flatten_all()?.to_vec1()?,
        n_values: batch * height * width,
    };
    Ok((ys, Arc::new(statistics)))
}

struct NormReluPool {
    epsilon: f32,
    statistics: Arc<OnceLock<Arc<BatchStatistics>>>,
}

/// `(b, c, h, w)` as numbers.
#[derive(Clone, Copy)]
struct Dims {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
}

impl Dims {
    fn of(shape: &Shape) -> Result<Self> {
        let (batch, channels, height, width) = shape.dims4()?;
        Ok(Self {
            batch,
            channels,
            height,
            width,
        })
    }

    fn plane_len(self) -> usize {
        self.height * self.width
    }

    fn pooled_len(self) -> usize {
        self.plane_len() / 4
    }
}

impl CustomOp3 for NormReluPool {
    fn name(&self) -> &'static str {
        "fervis-norm-relu-pool"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let dims = Dims::of(xs_layout.shape())?;
        let xs = contiguous_f32(xs, xs_layout)?;
        let gamma = contiguous_f32(gamma, gamma_layout)?;
        let beta = contiguous_f32(beta, beta_layout)?;
        let statistics = Arc::new(statistics(xs, dims));
        let mut ys = vec![0.0; dims.batch * dims.channels * dims.pooled_len()];
        ys.par_chunks_exact_mut(dims.pooled_len())
            .zip(xs.par_chunks_exact(dims.plane_len()))
            .enumerate()
            .for_each(|(plane_idx, (ys, xs))| {
                let channel = plane_idx % dims.channels;
                let scale = gamma[channel] * inverse_deviation(&statistics, channel, self.epsilon);
                let shift = beta[channel] - statistics.mean[channel] * scale;
                pool_plane(xs, dims.width, scale, shift, ys);
            });
        // Set once: candle calls the forward pass once per operation.
        self.statistics.set(statistics).ok();
        Ok((
            CpuStorage::F32(ys),
            Shape::from((dims.batch, dims.channels, dims.height / 2, dims.width / 2)),
        ))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let dims = Dims::of(xs.shape())?;
        let Some(statistics) = self.statistics.get() else {
            bail!("backward before forward")
        };
        let grad_ys = grad_ys.contiguous()?;
        let gradients = with_f32(xs, |xs| {
            with_f32(gamma, |gamma| {
                with_f32(beta, |beta| {
                    with_f32(&grad_ys, |grad_ys| {
                        Ok(backward(
                            xs,
                            gamma,
                            beta,
                            grad_ys,
                            dims,
                            statistics,
                            self.epsilon,
                        ))
                    })
                })
            })
        })?;
        let device = xs.device();
        Ok((
            Some(Tensor::from_vec(gradients.xs, xs.shape(), device)?),
            Some(Tensor::from_vec(gradients.gamma, gamma.shape(), device)?),
            Some(Tensor::from_vec(gradients.beta, beta.shape(), device)?),
        ))
    }
}

fn inverse_deviation(statistics: &BatchStatistics, channel: usize, epsilon: f32) -> f32 {
    1.0 / (statistics.variance[channel] + epsilon).sqrt()
}

/// Mean and variance per channel. A plane's sums are taken in f32 in eight lanes, planes are added in f64.
fn statistics(xs: &[f32], dims: Dims) -> BatchStatistics {
    let n_values = dims.batch * dims.plane_len();
    let (mean, variance) = (0..dims.channels)
        .into_par_iter()
        .map(|channel| {
            let planes = || channel_planes(xs, dims, channel);
            let mean = planes()
                .map(|plane| f64::from(sum(plane, |x| x)))
                .sum::<f64>()
                / n_values as f64;
            let center = mean as f32;
            let squares =
                planes().map(|plane| f64::from(sum(plane, |x| (x - center) * (x - center))));
            (center, (squares.sum::<f64>() / n_values as f64) as f32)
        })
        .unzip();
    BatchStatistics {
        mean,
        variance,
        n_values,
    }
}

fn channel_planes(values: &[f32], dims: Dims, channel: usize) -> impl Iterator<Item = &[f32]> {
    values
        .chunks_exact(dims.plane_len())
        .skip(channel)
        .step_by(dims.channels)
}

/// Sum of `map` over the values, in eight lanes so that the compiler can use vector registers.
fn sum(values: &[f32], map: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0f32; 8];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += map(*value);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|value| map(*value)).sum::<f32>()
}

/// Scale, shift, ReLU and 2×2 maximum of one plane.
fn pool_plane(xs: &[f32], width: usize, scale: f32, shift: f32, ys: &mut [f32]) {
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
            let at = |x: f32| x * scale + shift;
            *out = at(upper[0])
                .max(at(upper[1]))
                .max(at(lower[0]))
                .max(at(lower[1]))
                .max(0.0);
        }
    }
}

struct Gradients {
    xs: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

fn backward(
    xs: &[f32],
    gamma: &[f32],
    beta: &[f32],
    grad_ys: &[f32],
    dims: Dims,
    statistics: &BatchStatistics,
    epsilon: f32,
) -> Gradients {
    let affine = |channel: usize| {
        let scale = gamma[channel] * inverse_deviation(statistics, channel, epsilon);
        (scale, beta[channel] - statistics.mean[channel] * scale)
    };
    // First pass: what reaches the normalised values, summed per channel (these are gamma's and beta's gradients).
    let (grad_gamma, grad_beta): (Vec<f32>, Vec<f32>) = (0..dims.channels)
        .into_par_iter()
        .map(|channel| {
            let (scale, shift) = affine(channel);
            let inverse_deviation = inverse_deviation(statistics, channel, epsilon);
            let mean = statistics.mean[channel];
            let grads = grad_ys
                .chunks_exact(dims.pooled_len())
                .skip(channel)
                .step_by(dims.channels);
            let (mut sum_grad, mut sum_grad_normalised) = (0.0f64, 0.0f64);
            for (plane, grads) in channel_planes(xs, dims, channel).zip(grads) {
                let (mut plane_grad, mut plane_grad_normalised) = (0.0f32, 0.0f32);
                for_each_winner(plane, grads, dims.width, scale, shift, |_, x, grad| {
                    plane_grad += grad;
                    plane_grad_normalised += grad * (x - mean) * inverse_deviation;
                });
                sum_grad += f64::from(plane_grad);
                sum_grad_normalised += f64::from(plane_grad_normalised);
            }
            (sum_grad_normalised as f32, sum_grad as f32)
        })
        .unzip();
    // Second pass: through the normalisation, which ties every value of a channel to all others.
    let n_values = statistics.n_values as f32;
    let mut grad_xs = vec![0.0; xs.len()];
    grad_xs
        .par_chunks_exact_mut(dims.plane_len())
        .zip(xs.par_chunks_exact(dims.plane_len()))
        .zip(grad_ys.par_chunks_exact(dims.pooled_len()))
        .enumerate()
        .for_each(|(plane_idx, ((grad_xs, xs), grads))| {
            let channel = plane_idx % dims.channels;
            let (scale, shift) = affine(channel);
            let inverse_deviation = inverse_deviation(statistics, channel, epsilon);
            let slope = -scale * grad_gamma[channel] * inverse_deviation / n_values;
            let offset = -scale * grad_beta[channel] / n_values - slope * statistics.mean[channel];
            for (grad_x, x) in grad_xs.iter_mut().zip(xs) {
                *grad_x = x * slope + offset;
            }
            for_each_winner(xs, grads, dims.width, scale, shift, |index, _, grad| {
                grad_xs[index] += scale * grad;
            });
        });
    Gradients {
        xs: grad_xs,
        gamma: grad_gamma,
        beta: grad_beta,
    }
}

/// Calls `visit(index, x, gradient)` for the value of each 2×2 square that the gradient flows to: the first
/// largest one, if the ReLU let it pass.
fn for_each_winner(
    xs: &[f32],
    grads: &[f32],
    width: usize,
    scale: f32,
    shift: f32,
    mut visit: impl FnMut(usize, f32, f32),
) {
    let at = |x: f32| x * scale + shift;
    for (pooled_y, grads) in grads.chunks_exact(width / 2).enumerate() {
        let top = 2 * pooled_y * width;
        let square_rows = &xs[top..top + 2 * width];
        for (pooled_x, grad) in grads.iter().enumerate() {
            let left = 2 * pooled_x;
            let mut winner = left;
            let mut best = at(square_rows[left]);
            for candidate in [left + 1, left + width, left + width + 1] {
                let value = at(square_rows[candidate]);
                if value > best {
                    (winner, best) = (candidate, value);
                }
            }
            if best > 0.0 {
                visit(top + winner, square_rows[winner], *grad);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{assert_close, random};
    use super::*;
    use candle_core::Var;

    const EPSILON: f32 = 1e-5;

    /// The same by candle's own operations.
    fn by_candle(xs: &Tensor, gamma: &Tensor, beta: &Tensor) -> Tensor {
        let channels = xs.dims()[1];
        let shape = (1, channels, 1, 1);
        let mean = xs.mean_keepdim((0, 2, 3)).unwrap();
        let centered = xs.broadcast_sub(&mean).unwrap();
        let variance = centered.sqr().unwrap().mean_keepdim((0, 2, 3)).unwrap();
        let deviation = (variance + f64::from(EPSILON)).unwrap().sqrt().unwrap();
        let normalised = centered.broadcast_div(&deviation).unwrap();
        let scaled = normalised
            .broadcast_mul(&gamma.reshape(shape).unwrap())
            .unwrap();
        let shifted = scaled.broadcast_add(&beta.reshape(shape).unwrap()).unwrap();
        // Not `max_pool2d`: in candle 0.11 its gradient is a quarter of the true one where a square has one winner.
        let (batch, channels, height, width) = xs.dims4().unwrap();
        let squares = shifted
            .relu()
            .unwrap()
            .reshape(&[batch, channels, height / 2, 2, width / 2, 2][..])
            .unwrap();
        squares.max(5).unwrap().max(3).unwrap()
    }

    fn check(batch: usize, channels: usize, height: usize, width: usize) {
        let xs = Var::from_tensor(&random((batch, channels, height, width), 1)).unwrap();
        let gamma = Var::from_tensor(&random(channels, 2)).unwrap(); // Negative ones too.
        let beta = Var::from_tensor(&random(channels, 3)).unwrap();
        let seen = random((batch, channels, height / 2, width / 2), 4);
        let gradients = |ys: &Tensor| (ys * &seen).unwrap().sum_all().unwrap().backward().unwrap();
        let (ys, statistics) = norm_relu_pool(&xs, &gamma, &beta, EPSILON).unwrap();
        let expected = by_candle(&xs, &gamma, &beta);
        assert_close(&ys, &expected, 1e-4);
        assert_eq!(statistics.n_values, batch * height * width);
        let (grads, expected_grads) = (gradients(&ys), gradients(&expected));
        for var in [&xs, &gamma, &beta] {
            assert_close(
                grads.get(var).unwrap(),
                expected_grads.get(var).unwrap(),
                2e-3,
            );
        }
    }

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        check(1, 1, 2, 2);
        check(4, 3, 6, 10);
        check(2, 8, 12, 12);
        check(3, 5, 48, 48);
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        let (gamma, beta) = (random(2, 2), random(2, 3));
        let base = random((2, 2, 4, 4), 5);
        let seen = random((2, 2, 2, 2), 6);
        let loss = |xs: &Tensor| {
            (norm_relu_pool(xs, &gamma, &beta, EPSILON).unwrap().0 * &seen)
                .unwrap()
                .sum_all()
                .unwrap()
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
                let moved = Tensor::from_vec(values, base.shape(), base.device()).unwrap();
                loss(&moved).to_scalar::<f32>().unwrap()
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
    fn odd_sizes_are_errors() {
        let xs = random((1, 1, 3, 4), 1);
        assert!(norm_relu_pool(&xs, &random(1, 1), &random(1, 1), EPSILON).is_err());
    }
}
