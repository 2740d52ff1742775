//! Linear layers for a few inputs, as dot products.
//!
//! With one face the weight is read once and every value used once: memory decides, and a product that packs its
//! factors only moves them about.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape};
use rayon::prelude::*;

use super::{cpu::multiversion, slices::contiguous_f32};

/// With more inputs a product is faster.
pub(super) const MOST_INPUTS: usize = 8;
/// Rows of the weight that are read side by side.
const ROWS: usize = 4;
/// Sums that are taken side by side: the floats of a 512-bit vector.
const LANES: usize = 16;

/// `xs (b, k) · weightᵀ` for `weight` `(n, k)`. Not differentiable.
pub(super) struct Dot;

impl CustomOp2 for Dot {
    fn name(&self) -> &'static str {
        "fervis-dot"
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
        let xs = contiguous_f32(xs, xs_layout)?;
        let weight = contiguous_f32(weight, weight_layout)?;
        // (n, b) first: a task writes the results of its rows side by side.
        let mut turned = vec![0.0; n * batch];
        let task_rows = n
            .div_ceil(rayon::current_num_threads())
            .next_multiple_of(ROWS);
        turned
            .par_chunks_mut(task_rows * batch)
            .zip(weight.par_chunks(task_rows * k))
            .for_each(|(out, weight)| {
                for (out, rows) in out.chunks_mut(ROWS * batch).zip(weight.chunks(ROWS * k)) {
                    for (image, xs) in xs.chunks_exact(k).enumerate() {
                        let n_rows = rows.len() / k;
                        // A short block at the end reads its last row again.
                        let row = |index: usize| &rows[index.min(n_rows - 1) * k..][..k];
                        let sums = dot(xs, [row(0), row(1), row(2), row(3)]);
                        for (row, sum) in sums[..n_rows].iter().enumerate() {
                            out[row * batch + image] = *sum;
                        }
                    }
                }
            });
        let ys = (0..batch * n)
            .map(|index| turned[index % n * batch + index / n])
            .collect();
        Ok((CpuStorage::F32(ys), Shape::from((batch, n))))
    }
}

multiversion! {
    /// The products of `xs` with each row.
    fn dot(xs: &[f32], rows: [&[f32]; ROWS]) -> [f32; ROWS] {
        let (xs, xs_rest) = xs.as_chunks::<LANES>();
        let (a, b) = (rows[0].as_chunks::<LANES>().0, rows[1].as_chunks::<LANES>().0);
        let (c, d) = (rows[2].as_chunks::<LANES>().0, rows[3].as_chunks::<LANES>().0);
        let mut lanes = [[0.0f32; LANES]; ROWS];
        for ((((xs, a), b), c), d) in xs.iter().zip(a).zip(b).zip(c).zip(d) {
            for lane in 0..LANES {
                lanes[0][lane] += xs[lane] * a[lane];
                lanes[1][lane] += xs[lane] * b[lane];
                lanes[2][lane] += xs[lane] * c[lane];
                lanes[3][lane] += xs[lane] * d[lane];
            }
        }
        let mut sums = [0.0; ROWS];
        for ((sum, lanes), row) in sums.iter_mut().zip(lanes).zip(rows) {
            let rest = xs_rest.iter().zip(&row[row.len() - xs_rest.len()..]);
            *sum = lanes.iter().sum::<f32>() + rest.map(|(x, weight)| x * weight).sum::<f32>();
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for (batch, k, n) in [(1, 1, 1), (1, 9216, 512), (3, 33, 7), (8, 48, 10)] {
            let xs = random((batch, k), 1);
            let weight = random((n, k), 2);
            let ys = xs.apply_op2_no_bwd(&weight, &Dot).unwrap();
            assert_close(&ys, &xs.matmul(&weight.t().unwrap()).unwrap(), 1e-4);
        }
    }
}
