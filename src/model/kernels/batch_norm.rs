//! Batch normalization that does not follow a convolution, with optional ReLU and 2×2 maximum pooling: in training with
//! gradients, and folded for inference.
//!
//! Right after a convolution use [`conv_norm`](super::conv_norm()), which stores no tensor in between.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    norm::{self, Affine, ChannelSums},
    rows::Batch,
    runs::run_len,
    scale_shift::{BatchStatistics, ScaleShift},
    slices::{contiguous_f32, is_cpu_f32, with_f32},
};

/// Options of a normalization.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormConfig {
    /// Added to the variance before its root.
    pub epsilon: f32,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Whether 2×2 maximum pooling follows.
    pub pool: bool,
}

/// Normalizes each channel of `xs`, `(b, h, w, c)` or `(b, c)`, by the batch's own mean and variance, scales it by the
/// first row of `affine` `(2, c)`, shifts it by the second, and applies ReLU and pooling as configured. Returns
/// `(b, h', w', c)` or `(b, c)`, and the batch's statistics. Differentiable in both tensors.
///
/// Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
///
/// # Errors
/// If the shapes do not fit together, or pooling is asked for `(b, c)` or an odd height or width.
pub fn batch_norm(
    xs: &Tensor,
    affine: &Tensor,
    config: BatchNormConfig,
) -> Result<(Tensor, Arc<BatchStatistics>)> {
    if let (2, false) = (xs.rank(), config.pool) {
        let (batch, channels) = xs.dims2()?;
        let (ys, statistics) = batch_norm(&xs.reshape((1, 1, batch, channels))?, affine, config)?;
        return Ok((ys.reshape((batch, channels))?, statistics));
    }
    check(xs, affine.dims() == [2, xs.dim(D::Minus1)?], config.pool)?;
    if !is_cpu_f32(xs) {
        return by_candle(xs, affine, config.epsilon, config.relu, config.pool);
    }
    let statistics = Arc::new(OnceLock::new());
    let op = BatchNorm {
        config,
        statistics: Arc::clone(&statistics),
    };
    let ys = xs.contiguous()?.apply_op2(&affine.contiguous()?, op)?;
    match statistics.get() {
        Some(statistics) => Ok((ys, Arc::clone(statistics))),
        None => bail!("the forward pass left no statistics"),
    }
}

fn check(xs: &Tensor, channels_fit: bool, pool: bool) -> Result<()> {
    let (_, height, width, _) = xs.dims4()?;
    let even = height.is_multiple_of(2) && width.is_multiple_of(2);
    if !channels_fit || pool && !even {
        bail!("cannot normalize {:?}", xs.shape())
    }
    Ok(())
}

/// The same with candle's operations, for other devices.
pub(super) fn by_candle(
    xs: &Tensor,
    affine: &Tensor,
    epsilon: f32,
    relu: bool,
    pool: bool,
) -> Result<(Tensor, Arc<BatchStatistics>)> {
    let (batch, height, width, channels) = xs.dims4()?;
    let n_values = batch * height * width;
    let values = xs.contiguous()?.reshape((n_values, channels))?;
    let mean = values.mean_keepdim(0)?;
    let centered = values.broadcast_sub(&mean)?;
    let variance = centered.sqr()?.mean_keepdim(0)?;
    let normalized = centered.broadcast_div(&(&variance + f64::from(epsilon))?.sqrt()?)?;
    let ys = normalized
        .broadcast_mul(&affine.get(0)?)?
        .broadcast_add(&affine.get(1)?)?
        .reshape((batch, height, width, channels))?;
    let statistics = BatchStatistics {
        mean: mean.flatten_all()?.to_vec1()?,
        variance: variance.flatten_all()?.to_vec1()?,
        n_values,
    };
    Ok((finish_by_candle(ys, relu, pool)?, Arc::new(statistics)))
}

pub(super) fn finish_by_candle(ys: Tensor, relu: bool, pool: bool) -> Result<Tensor> {
    let ys = if relu { ys.relu()? } else { ys };
    if !pool {
        return Ok(ys);
    }
    // Not `max_pool2d`: in candle 0.11 its gradient is a quarter of the true one where a square has one maximum.
    let (batch, height, width, channels) = ys.dims4()?;
    ys.reshape(&[batch, height / 2, 2, width / 2, 2, channels][..])?
        .max(4)?
        .max(2)
}

fn batch_of(shape: &Shape) -> Result<Batch> {
    let (n_images, height, width, channels) = shape.dims4()?;
    Ok(Batch {
        n_images,
        height,
        width,
        channels,
    })
}

struct BatchNorm {
    config: BatchNormConfig,
    statistics: Arc<OnceLock<Arc<BatchStatistics>>>,
}

impl CustomOp2 for BatchNorm {
    fn name(&self) -> &'static str {
        "fervis-batch-norm"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        affine: &CpuStorage,
        affine_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let batch = batch_of(xs_layout.shape())?;
        let xs = contiguous_f32(xs, xs_layout)?;
        let affine = contiguous_f32(affine, affine_layout)?;
        let statistics = statistics_of(xs, batch);
        let scale_shift =
            ScaleShift::new(&statistics, affine, self.config.epsilon, self.config.relu);
        let (ys, shape) = batch.finish(xs, scale_shift.affine(), self.config.pool);
        // Set once: candle calls the forward pass once per operation.
        self.statistics.set(Arc::new(statistics)).ok();
        Ok((CpuStorage::F32(ys), shape.into()))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        affine: &Tensor,
        _ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some(statistics) = self.statistics.get() else {
            bail!("backward before forward")
        };
        let grad_ys = grad_ys.contiguous()?;
        let batch = batch_of(xs.shape())?;
        let (grad_xs, grad_affine) = with_f32([xs, affine, &grad_ys], |[xs, affine, grads]| {
            self.gradients(xs, batch, affine, statistics, grads)
        })?;
        Ok((
            Some(Tensor::from_vec(grad_xs, xs.shape(), xs.device())?),
            Some(Tensor::from_vec(grad_affine, affine.shape(), xs.device())?),
        ))
    }
}

/// Mean and variance of each channel.
fn statistics_of(xs: &[f32], batch: Batch) -> BatchStatistics {
    let (channels, row_len) = (batch.channels, batch.row_len());
    let sums: Vec<ChannelSums> = xs
        .par_chunks(run_len(batch.n_images, 1) * batch.height * row_len)
        .map(|xs| {
            let mut sums = ChannelSums::new(channels);
            xs.chunks_exact(row_len).for_each(|row| sums.values(row));
            sums
        })
        .collect();
    let sums = ChannelSums::total(sums, channels);
    BatchStatistics::from_sums(&sums, xs.len() / channels)
}

impl BatchNorm {
    /// The gradients of the values, and of scale and shift.
    fn gradients(
        &self,
        xs: &[f32],
        batch: Batch,
        affine: &[f32],
        statistics: &BatchStatistics,
        grads: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let BatchNormConfig {
            epsilon,
            relu,
            pool,
        } = self.config;
        let scale_shift = ScaleShift::new(statistics, affine, epsilon, relu);
        let affine = scale_shift.affine();
        let sums = batch.gradient_sums(xs, grads, affine, pool);
        let response = scale_shift.response(statistics, &sums);
        let feedback = response.feedback();
        let (row_len, channels) = (batch.row_len(), batch.channels);
        let [rows_len, grads_len] = batch.pooled_lens(pool);
        let mut grad_xs = vec![0.0; xs.len()];
        grad_xs
            .par_chunks_exact_mut(rows_len)
            .zip(xs.par_chunks_exact(rows_len))
            .zip(grads.par_chunks_exact(grads_len))
            .for_each(|((out, rows), grads)| {
                if pool {
                    let (upper, lower) = rows.split_at(row_len);
                    let (out_upper, out_lower) = out.split_at_mut(row_len);
                    norm::pooled_gradient(
                        [upper, lower],
                        grads,
                        affine,
                        feedback,
                        out_upper,
                        out_lower,
                        channels,
                    );
                } else {
                    norm::gradient(rows, grads, affine, feedback, out, channels);
                }
            });
        (grad_xs, response.affine)
    }
}

/// Normalization by the running estimates: a scale and a shift for each channel, then optional ReLU and pooling.
#[derive(Debug, Clone)]
pub struct FoldedNorm {
    scale: Tensor,
    shift: Tensor,
    relu: bool,
    pool: bool,
}

impl FoldedNorm {
    /// Takes scales and shifts `(c,)`.
    ///
    /// # Errors
    /// If they are not two vectors of the same length.
    pub fn new(scale: &Tensor, shift: &Tensor, relu: bool, pool: bool) -> Result<Self> {
        if scale.dims1()? != shift.dims1()? {
            bail!("{:?} scales and {:?} shifts", scale.shape(), shift.shape())
        }
        Ok(Self {
            scale: scale.clone(),
            shift: shift.clone(),
            relu,
            pool,
        })
    }

    /// `(b, h, w, c)` to `(b, h', w', c)`. Not differentiable.
    ///
    /// # Errors
    /// If `xs` has other channels, or the images to pool have an odd height or width.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        check(xs, self.scale.dims() == [xs.dim(D::Minus1)?], self.pool)?;
        if !is_cpu_f32(xs) {
            let ys = xs.broadcast_mul(&self.scale)?.broadcast_add(&self.shift)?;
            return finish_by_candle(ys, self.relu, self.pool);
        }
        xs.contiguous()?.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for FoldedNorm {
    fn name(&self) -> &'static str {
        "fervis-folded-norm"
    }

    fn cpu_fwd(&self, xs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let xs = contiguous_f32(xs, layout)?;
        let batch = batch_of(layout.shape())?;
        let (ys, shape) = with_f32([&self.scale, &self.shift], |[scale, shift]| {
            let affine = Affine {
                scale,
                shift,
                floor: if self.relu { 0.0 } else { f32::NEG_INFINITY },
            };
            batch.finish(xs, affine, self.pool)
        })?;
        Ok((CpuStorage::F32(ys), shape.into()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::super::test_support::{assert_close, random};
    use super::*;

    const CONFIG: BatchNormConfig = BatchNormConfig {
        epsilon: 1e-5,
        relu: false,
        pool: false,
    };

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for shape in [(3, 4, 6, 5), (1, 2, 8, 16), (5, 6, 4, 33)] {
            for (relu, pool) in [(true, true), (true, false), (false, true), (false, false)] {
                let config = BatchNormConfig {
                    relu,
                    pool,
                    ..CONFIG
                };
                let xs = Var::from_tensor(&random(shape, 1)).unwrap();
                let affine = Var::from_tensor(&random((2, shape.3), 2)).unwrap(); // Negative scales too.
                let (ys, statistics) = batch_norm(&xs, &affine, config).unwrap();
                let (expected, expected_statistics) =
                    by_candle(&xs, &affine, config.epsilon, relu, pool).unwrap();
                assert_close(&ys, &expected, 1e-4);
                let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
                for (found, expected) in [
                    (&statistics.mean, &expected_statistics.mean),
                    (&statistics.variance, &expected_statistics.variance),
                ] {
                    assert_close(&tensor(found), &tensor(expected), 1e-5);
                }
                assert_eq!(statistics.n_values, expected_statistics.n_values);
                let seen = random(ys.shape(), 3);
                let gradients =
                    |ys: &Tensor| (ys * &seen).unwrap().sum_all().unwrap().backward().unwrap();
                let (grads, expected_grads) = (gradients(&ys), gradients(&expected));
                for var in [&xs, &affine] {
                    assert_close(
                        grads.get(var).unwrap(),
                        expected_grads.get(var).unwrap(),
                        1e-3,
                    );
                }
            }
        }
    }

    #[test]
    fn rows_of_features_are_normalized_over_the_batch() {
        let (xs, affine) = (random((6, 5), 1), random((2, 5), 2));
        let (ys, statistics) = batch_norm(&xs, &affine, CONFIG).unwrap();
        let images = xs.reshape((6, 1, 1, 5)).unwrap();
        let (expected, _) = by_candle(&images, &affine, CONFIG.epsilon, false, false).unwrap();
        assert_close(&ys, &expected.reshape((6, 5)).unwrap(), 1e-5);
        assert_eq!(statistics.n_values, 6);
    }

    #[test]
    fn running_estimates_scale_and_shift() {
        let (xs, scale, shift) = (random((2, 4, 6, 5), 1), random(5, 2), random(5, 3));
        for (relu, pool) in [(true, true), (true, false), (false, true), (false, false)] {
            let norm = FoldedNorm::new(&scale, &shift, relu, pool).unwrap();
            let expected = xs
                .broadcast_mul(&scale)
                .unwrap()
                .broadcast_add(&shift)
                .unwrap();
            let expected = finish_by_candle(expected, relu, pool).unwrap();
            assert_close(&norm.forward(&xs).unwrap(), &expected, 1e-6);
        }
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let pool = BatchNormConfig {
            pool: true,
            ..CONFIG
        };
        assert!(batch_norm(&random((1, 2, 2, 3), 1), &random((2, 4), 1), CONFIG).is_err());
        assert!(batch_norm(&random((1, 3, 2, 3), 1), &random((2, 3), 1), pool).is_err());
        assert!(batch_norm(&random((4, 3), 1), &random((2, 3), 1), pool).is_err());
    }
}
