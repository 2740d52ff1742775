//! The end of a residual block: sum, ReLU and optional 2×2 maximum pooling in one pass, with gradients.
//!
//! Candle would pass over the images three times forward and three times backward on one thread. Here the sums are never
//! stored, and with pooling no full-size image is.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    batch_norm::finish_by_candle,
    cpu::multiversion,
    slices::{contiguous_f32, is_cpu_f32, with_f32},
};

/// Adds two batches of images `(b, h, w, c)`, applies ReLU and, with `pool`, 2×2 maximum pooling: `(b, h', w', c)`.
/// Differentiable in both; with pooling the gradient flows to the first maximum.
///
/// # Errors
/// If the shapes differ, or the images to pool have an odd height or width.
pub fn add_relu(xs: &Tensor, residual: &Tensor, pool: bool) -> Result<Tensor> {
    let (_, height, width, _) = xs.dims4()?;
    let even = height.is_multiple_of(2) && width.is_multiple_of(2);
    if xs.dims() != residual.dims() || pool && !even {
        bail!("cannot add {:?} to {:?}", residual.shape(), xs.shape())
    }
    if !is_cpu_f32(xs) {
        return finish_by_candle((xs + residual)?, true, pool);
    }
    xs.contiguous()?
        .apply_op2(&residual.contiguous()?, AddRelu { pool })
}

struct AddRelu {
    pool: bool,
}

impl CustomOp2 for AddRelu {
    fn name(&self) -> &'static str {
        "fervis-add-relu"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, height, width, channels) = layout.shape().dims4()?;
        let xs = contiguous_f32(xs, layout)?;
        let residual = contiguous_f32(residual, residual_layout)?;
        let row_len = width * channels;
        if !self.pool {
            let mut ys = vec![0.0; xs.len()];
            ys.par_chunks_exact_mut(row_len)
                .zip(xs.par_chunks_exact(row_len))
                .zip(residual.par_chunks_exact(row_len))
                .with_min_len(height)
                .for_each(|((ys, xs), residual)| sum(xs, residual, ys));
            return Ok((CpuStorage::F32(ys), layout.shape().clone()));
        }
        let mut ys = vec![0.0; xs.len() / 4];
        ys.par_chunks_exact_mut(row_len / 2)
            .zip(xs.par_chunks_exact(2 * row_len))
            .zip(residual.par_chunks_exact(2 * row_len))
            .with_min_len(height / 2)
            .for_each(|((ys, xs), residual)| pooled_sum(xs, residual, channels, ys));
        let shape = Shape::from((batch, height / 2, width / 2, channels));
        Ok((CpuStorage::F32(ys), shape))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        residual: &Tensor,
        ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, height, width, channels) = xs.dims4()?;
        let grad_ys = grad_ys.contiguous()?;
        let row_len = width * channels;
        let mut grad = vec![0.0; xs.elem_count()];
        if self.pool {
            with_f32([xs, residual, &grad_ys], |[xs, residual, grads]| {
                grad.par_chunks_exact_mut(2 * row_len)
                    .zip(xs.par_chunks_exact(2 * row_len))
                    .zip(residual.par_chunks_exact(2 * row_len))
                    .zip(grads.par_chunks_exact(row_len / 2))
                    .with_min_len(height / 2)
                    .for_each(|(((out, xs), residual), grads)| {
                        pooled_gradient(xs, residual, grads, channels, out);
                    });
            })?;
        } else {
            with_f32([ys, &grad_ys], |[ys, grads]| {
                grad.par_chunks_exact_mut(row_len)
                    .zip(ys.par_chunks_exact(row_len))
                    .zip(grads.par_chunks_exact(row_len))
                    .with_min_len(height)
                    .for_each(|((out, ys), grads)| gradient(ys, grads, out));
            })?;
        }
        let grad = Tensor::from_vec(grad, xs.shape(), xs.device())?;
        Ok((Some(grad.clone()), Some(grad)))
    }
}

multiversion! {
    fn sum(xs: &[f32], residual: &[f32], ys: &mut [f32]) {
        for ((y, x), s) in ys.iter_mut().zip(xs).zip(residual) {
            *y = (x + s).max(0.0);
        }
    }
}

multiversion! {
    fn gradient(ys: &[f32], grads: &[f32], out: &mut [f32]) {
        for ((out, y), grad) in out.iter_mut().zip(ys).zip(grads) {
            *out = if *y > 0.0 { *grad } else { 0.0 };
        }
    }
}

multiversion! {
    /// Sums two rows of pixels and pools them to one.
    fn pooled_sum(xs: &[f32], residual: &[f32], channels: usize, ys: &mut [f32]) {
        for (square, ys) in ys.chunks_exact_mut(channels).enumerate() {
            for at in pixels(square, channels, xs.len()) {
                let (xs, residual) = (&xs[at..][..channels], &residual[at..][..channels]);
                for i in 0..channels {
                    // The results start as zeros, which is the ReLU.
                    ys[i] = ys[i].max(xs[i] + residual[i]);
                }
            }
        }
    }
}

multiversion! {
    fn pooled_gradient(xs: &[f32], residual: &[f32], grads: &[f32], channels: usize, out: &mut [f32]) {
        for (square, grads) in grads.chunks_exact(channels).enumerate() {
            let [a, b, c, d] = pixels(square, channels, xs.len());
            for i in 0..channels {
                let value = |at: usize| xs[at + i] + residual[at + i];
                let values = [value(a), value(b), value(c), value(d)];
                let largest = values[0].max(values[1]).max(values[2]).max(values[3]);
                let mut grad = if largest > 0.0 { grads[i] } else { 0.0 };
                for (at, value) in [a, b, c, d].into_iter().zip(values) {
                    if value == largest {
                        out[at + i] = grad;
                        grad = 0.0; // Only the first of equals.
                    }
                }
            }
        }
    }
}

/// The offsets of the four pixels of a square in two rows of pixels of `len` values together.
fn pixels(square: usize, channels: usize, len: usize) -> [usize; 4] {
    let first = 2 * square * channels;
    let below = first + len / 2;
    [first, first + channels, below, below + channels]
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for shape in [(3, 4, 6, 5), (1, 2, 8, 16), (5, 6, 4, 33), (2, 2, 2, 1)] {
            for pool in [false, true] {
                let xs = Var::from_tensor(&random(shape, 1)).unwrap();
                let residual = Var::from_tensor(&random(shape, 2)).unwrap();
                let ys = add_relu(&xs, &residual, pool).unwrap();
                let sum = (xs.as_tensor() + residual.as_tensor()).unwrap();
                let expected = finish_by_candle(sum, true, pool).unwrap();
                assert_close(&ys, &expected, 1e-6);
                let seen = random(ys.shape(), 3);
                let gradients =
                    |ys: &Tensor| (ys * &seen).unwrap().sum_all().unwrap().backward().unwrap();
                let (grads, expected) = (gradients(&ys), gradients(&expected));
                for var in [&xs, &residual] {
                    let of = |grads: &candle_core::backprop::GradStore| grads.get(var).cloned();
                    assert_close(&of(&grads).unwrap(), &of(&expected).unwrap(), 1e-6);
                }
            }
        }
    }

    /// Candle divides the gradient among equal values; here the first gets it, as in PyTorch.
    #[test]
    fn the_first_of_equals_gets_the_gradient() {
        let xs = Var::from_tensor(
            &Tensor::ones(
                (1, 2, 2, 1),
                candle_core::DType::F32,
                &candle_core::Device::Cpu,
            )
            .unwrap(),
        )
        .unwrap();
        let ys = add_relu(&xs, &xs.zeros_like().unwrap(), true).unwrap();
        let grads = ys.sum_all().unwrap().backward().unwrap();
        let grads = grads.get(&xs).unwrap().flatten_all().unwrap();
        assert_eq!(grads.to_vec1::<f32>().unwrap(), [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let add =
            |a: (usize, usize, usize, usize), b, pool| add_relu(&random(a, 1), &random(b, 2), pool);
        assert!(add((1, 2, 2, 3), (1, 2, 2, 4), false).is_err());
        assert!(add((1, 3, 2, 3), (1, 3, 2, 3), true).is_err());
        assert!(add((1, 3, 2, 3), (1, 3, 2, 3), false).is_ok());
    }
}
