//! Linear layers, in training in bfloat16 where that is the precision.
//!
//! All three products read the weight, the largest tensor of the network, in place: rows are converted to bfloat16 as
//! they are read, and never transposed.

use std::{marker::PhantomData, ops::Range};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    dot::{Dot, MAX_INPUTS},
    element::{Bf16, Precision},
    gemm::{Gemm, Output, Rows},
    grid::{convert, transpose},
    panels::{PANEL_WIDTH, Panels},
    slices::{contiguous_f32, is_cpu_f32, with_f32},
};

/// The kernels take input widths that are a multiple of this: one step of any of them.
const WIDTH_STEP: usize = 32;
/// Columns of the input's gradient that one task computes.
const COLUMNS_PER_TASK: usize = 32 * PANEL_WIDTH;

/// `xs · weightᵀ + bias` for `xs` `(b, k)`, `weight` `(n, k)` and `bias` `(n,)`. Differentiable in all three. In
/// inference the weight may be in half precision.
///
/// # Errors
/// If the shapes do not fit together.
pub fn linear(xs: &Tensor, weight: &Tensor, bias: &Tensor, precision: Precision) -> Result<Tensor> {
    let k = xs.dims2()?.1;
    if weight.dims2()?.1 != k {
        bail!("cannot multiply {:?} with {:?}", xs.shape(), weight.shape())
    }
    if precision == Precision::Bf16 && k.is_multiple_of(WIDTH_STEP) && is_cpu_f32(xs) {
        let op = Linear::<Bf16>(PhantomData);
        return xs
            .contiguous()?
            .apply_op2(&weight.contiguous()?, op)?
            .broadcast_add(bias);
    }
    let infers = !xs.track_op() && !weight.track_op() && Dot::takes(weight.dtype());
    if infers && is_cpu_f32(xs) && xs.dims2()?.0 <= MAX_INPUTS {
        let ys = xs
            .contiguous()?
            .apply_op2_no_bwd(&weight.contiguous()?, &Dot)?;
        return ys.broadcast_add(bias);
    }
    let weight = &weight.to_dtype(xs.dtype())?;
    // Written as `(weight · xsᵀ)ᵀ`, the gradient of the weight, the largest tensor, is contiguous and need not be copied.
    weight.matmul(&xs.t()?)?.t()?.broadcast_add(bias)
}

struct Linear<E>(PhantomData<E>);

impl<E: Gemm> CustomOp2 for Linear<E> {
    fn name(&self) -> &'static str {
        "fervis-linear"
    }

    fn cpu_fwd(
        &self,
        xs: &CpuStorage,
        xs_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, k) = xs_layout.shape().dims2()?;
        let (n, _) = weight_layout.shape().dims2()?;
        let ys = forward::<E>(
            contiguous_f32(xs, xs_layout)?,
            contiguous_f32(weight, weight_layout)?,
            batch,
            n,
            k,
        );
        Ok((CpuStorage::F32(ys), Shape::from((batch, n))))
    }

    fn bwd(
        &self,
        xs: &Tensor,
        weight: &Tensor,
        _ys: &Tensor,
        grad_ys: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let ((batch, k), (n, _)) = (xs.dims2()?, weight.dims2()?);
        let grad_ys = grad_ys.contiguous()?;
        let (grad_xs, grad_weight) = with_f32([xs, weight, &grad_ys], |[xs, weight, grad_ys]| {
            (
                input_gradient::<E>(grad_ys, weight, batch, n, k),
                weight_gradient::<E>(grad_ys, xs, batch, n, k),
            )
        })?;
        Ok((
            Some(Tensor::from_vec(grad_xs, xs.shape(), xs.device())?),
            Some(Tensor::from_vec(grad_weight, weight.shape(), xs.device())?),
        ))
    }
}

/// Rows that one task converts and multiplies.
fn rows_per_task(n_rows: usize) -> usize {
    n_rows
        .div_ceil(rayon::current_num_threads())
        .next_multiple_of(PANEL_WIDTH)
}

/// `(b, n)`: the rows of the weight times the inputs, transposed.
fn forward<E: Gemm>(xs: &[f32], weight: &[f32], batch: usize, n: usize, k: usize) -> Vec<f32> {
    let inputs = Panels::<E>::from_entries(k, batch, |k_idx, image| xs[image * k + k_idx]);
    let task_rows = rows_per_task(n);
    let transposed: Vec<Vec<f32>> = weight
        .par_chunks(task_rows * k)
        .map(|weight| {
            let n_rows = weight.len() / k;
            let mut rows = vec![E::default(); weight.len()];
            convert(weight, &mut rows);
            let mut out = vec![0.0; n_rows * inputs.n()];
            let left = Rows::contiguous(&rows, n_rows, k);
            E::gemm(left, &inputs, Output::set(&mut out, inputs.n()));
            out
        })
        .collect();
    let mut ys = vec![0.0; batch * n];
    for (row, values) in transposed
        .iter()
        .flat_map(|rows| rows.chunks_exact(inputs.n()))
        .enumerate()
    {
        for (image, value) in values[..batch].iter().enumerate() {
            ys[image * n + row] = *value;
        }
    }
    ys
}

/// `(b, k)`: the gradient of the results times the weight.
fn input_gradient<E: Gemm>(
    grad_ys: &[f32],
    weight: &[f32],
    batch: usize,
    n: usize,
    k: usize,
) -> Vec<f32> {
    let stride = n.next_multiple_of(E::k_step());
    let mut rows = vec![E::default(); batch * stride];
    for (grads, row) in grad_ys.chunks_exact(n).zip(rows.chunks_exact_mut(stride)) {
        convert(grads, &mut row[..n]);
    }
    let left = Rows::contiguous(&rows, batch, stride);
    let columns: Vec<Range<usize>> = (0..k)
        .step_by(COLUMNS_PER_TASK)
        .map(|first| first..(first + COLUMNS_PER_TASK).min(k))
        .collect();
    let parts: Vec<Vec<f32>> = columns
        .par_iter()
        .map(|columns| {
            let mut panels = Panels::<E>::default();
            panels.set_rows(n, columns.len(), |row| &weight[row * k..][columns.clone()]);
            let mut out = vec![0.0; batch * columns.len()];
            E::gemm(left, &panels, Output::set(&mut out, columns.len()));
            out
        })
        .collect();
    let mut grad_xs = vec![0.0; batch * k];
    for (columns, part) in columns.into_iter().zip(parts) {
        for (from, to) in part
            .chunks_exact(columns.len())
            .zip(grad_xs.chunks_exact_mut(k))
        {
            to[columns.clone()].copy_from_slice(from);
        }
    }
    grad_xs
}

/// `(n, k)`: the transposed gradient of the results times the inputs.
fn weight_gradient<E: Gemm>(
    grad_ys: &[f32],
    xs: &[f32],
    batch: usize,
    n: usize,
    k: usize,
) -> Vec<f32> {
    let mut inputs = Panels::<E>::default();
    inputs.set_rows(batch, k, |image| &xs[image * k..][..k]);
    let stride = inputs.k();
    let mut rows = vec![E::default(); n * stride];
    transpose(grad_ys, n, &mut rows, stride);
    let task_rows = rows_per_task(n);
    let mut grad_weight = vec![0.0; n * k];
    rows.par_chunks(task_rows * stride)
        .zip(grad_weight.par_chunks_mut(task_rows * k))
        .for_each(|(rows, out)| {
            let left = Rows::contiguous(rows, rows.len() / stride, stride);
            E::gemm(left, &inputs, Output::set(out, k));
        });
    grad_weight
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn bfloat16_agrees_with_f32_within_its_precision() {
        for (batch, k, n) in [(1, 32, 7), (64, 96, 33), (5, 1056, 48), (70, 64, 16)] {
            let xs = Var::from_tensor(&random((batch, k), 1)).unwrap();
            let weight =
                Var::from_tensor(&(random((n, k), 2) / (k as f64).sqrt()).unwrap()).unwrap();
            let bias = Var::from_tensor(&random(n, 3)).unwrap();
            let seen = (random((batch, n), 4) / (batch.max(n) as f64).sqrt()).unwrap();
            let run = |precision| {
                let ys = linear(&xs, &weight, &bias, precision).unwrap();
                let grads = (&ys * &seen)
                    .unwrap()
                    .sum_all()
                    .unwrap()
                    .backward()
                    .unwrap();
                let grads = [&xs, &weight, &bias].map(|var| grads.get(var).unwrap().clone());
                (ys, grads)
            };
            let (ys, grads) = run(Precision::Bf16);
            let (expected, expected_grads) = run(Precision::F32);
            assert_close(&ys, &expected, 2e-2);
            for (grad, expected) in grads.iter().zip(&expected_grads) {
                assert_close(grad, expected, 2e-2);
            }
        }
    }

    #[test]
    fn widths_that_no_kernel_takes_are_computed_in_f32() {
        let (xs, weight, bias) = (random((2, 5), 1), random((3, 5), 2), random(3, 3));
        let ys = linear(&xs, &weight, &bias, Precision::Bf16).unwrap();
        assert_close(
            &ys,
            &linear(&xs, &weight, &bias, Precision::F32).unwrap(),
            1e-6,
        );
    }
}
