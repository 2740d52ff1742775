//! Linear layers for a few inputs as dot products, with weights in f32 or half precision.
//!
//! With one face every weight is read once and used once, so memory bandwidth decides, and packing the factors would
//! only move them around. Weights that a checkpoint stores in half precision therefore stay so, which halves what is read
//! and does not change the result.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, bail};
use half::f16;
use rayon::prelude::*;

use super::{cpu::multiversion, slices::contiguous_f32};

/// With more inputs a matrix product is faster.
pub(super) const MAX_INPUTS: usize = 8;
/// Rows of the weight that are read together.
const ROWS: usize = 4;
/// Values of a row that several inputs are multiplied by while they are in the first-level cache.
const SPAN: usize = 1024;
/// Partial sums: the floats of a 512-bit vector.
const LANES: usize = 16;
/// A layer with fewer weights is not worth waking other threads for.
const MIN_SHARED_WEIGHTS: usize = 1 << 15;

/// `xs (b, k) · weightᵀ` for `weight` `(n, k)`, f32 or finite f16. Not differentiable.
pub(super) struct Dot;

impl Dot {
    /// Whether weights of this type can be used as they are.
    pub fn takes(dtype: DType) -> bool {
        matches!(dtype, DType::F32 | DType::F16)
    }
}

/// A weight as it is stored.
trait Stored: Copy + Send + Sync {
    fn to_f32(self) -> f32;
    /// Up to [`SPAN`] of them as f32, in `buffer` if they must be converted.
    fn widen<'a>(stored: &'a [Self], buffer: &'a mut [f32; SPAN]) -> &'a [f32];
}

impl Stored for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }

    fn widen<'a>(stored: &'a [Self], _buffer: &'a mut [f32; SPAN]) -> &'a [f32] {
        stored
    }
}

impl Stored for f16 {
    /// Shifts the bits to where f32 has them, then corrects the exponent by a multiplication, which is exact, also for
    /// subnormal numbers. Infinity would become a number, but checkpoints have none. Each step compiles to one vector
    /// instruction, unlike a conversion with a case for every kind of number.
    #[inline(always)]
    fn to_f32(self) -> f32 {
        /// 2¹¹², the difference of the exponent biases.
        const REBIAS: f32 = f32::from_bits((127 + 112) << 23);
        let moved = i32::from(self.to_bits().cast_signed()) << 13;
        // The shift copies the sign into the bits above the exponent; one copy is kept.
        f32::from_bits(moved.cast_unsigned() & 0x8FFF_E000) * REBIAS
    }

    fn widen<'a>(stored: &'a [Self], buffer: &'a mut [f32; SPAN]) -> &'a [f32] {
        let wide = &mut buffer[..stored.len()];
        widen(stored, wide);
        wide
    }
}

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
        let Some((start, end)) = weight_layout.contiguous_offsets() else {
            bail!("the fervis kernels need contiguous tensors")
        };
        let ys = match weight {
            CpuStorage::F32(weight) => multiply(xs, &weight[start..end], batch, n, k),
            CpuStorage::F16(weight) => multiply(xs, &weight[start..end], batch, n, k),
            _ => bail!("linear layers have weights in f32 or f16"),
        };
        Ok((CpuStorage::F32(ys), Shape::from((batch, n))))
    }
}

fn multiply<W: Stored>(xs: &[f32], weight: &[W], batch: usize, n: usize, k: usize) -> Vec<f32> {
    // (n, b) first: the results of a task's rows are then contiguous.
    let mut transposed = vec![0.0; n * batch];
    let n_tasks = match n * k {
        0..MIN_SHARED_WEIGHTS => 1,
        _ => rayon::current_num_threads(),
    };
    let task_rows = n.div_ceil(n_tasks).next_multiple_of(ROWS);
    let tasks = transposed.chunks_mut(task_rows * batch);
    let tasks = tasks.zip(weight.chunks(task_rows * k));
    if n_tasks == 1 {
        tasks.for_each(|(out, weight)| multiply_rows(xs, weight, batch, k, out));
    } else {
        let tasks: Vec<_> = tasks.collect();
        tasks
            .into_par_iter()
            .for_each(|(out, weight)| multiply_rows(xs, weight, batch, k, out));
    }
    (0..batch * n)
        .map(|index| transposed[index % n * batch + index / n])
        .collect()
}

/// Multiplies all inputs by some rows of the weight; `out` holds zeros before.
fn multiply_rows<W: Stored>(xs: &[f32], weight: &[W], batch: usize, k: usize, out: &mut [f32]) {
    let mut buffers = [[0.0; SPAN]; ROWS];
    for (out, rows) in out.chunks_mut(ROWS * batch).zip(weight.chunks(ROWS * k)) {
        let n_rows = rows.len() / k;
        let mut add = |image: usize, sums: [f32; ROWS]| {
            for (row, sum) in sums[..n_rows].iter().enumerate() {
                out[row * batch + image] += sum;
            }
        };
        // An incomplete block at the end reads its last row more than once.
        let row = |index: usize| &rows[index.min(n_rows - 1) * k..][..k];
        if batch == 1 {
            add(0, dot(xs, [row(0), row(1), row(2), row(3)]));
            continue;
        }
        for first in (0..k).step_by(SPAN) {
            let span = first..(first + SPAN).min(k);
            let [a, b, c, d] = &mut buffers;
            let rows = [
                W::widen(&row(0)[span.clone()], a),
                W::widen(&row(1)[span.clone()], b),
                W::widen(&row(2)[span.clone()], c),
                W::widen(&row(3)[span.clone()], d),
            ];
            for (image, xs) in xs.chunks_exact(k).enumerate() {
                add(image, dot(&xs[span.clone()], rows));
            }
        }
    }
}

multiversion! {
    /// The products of `xs` with each row.
    fn dot<W: Stored>(xs: &[f32], rows: [&[W]; ROWS]) -> [f32; ROWS] {
        let (chunks, xs_rest) = xs.as_chunks::<LANES>();
        let (a, b) = (rows[0].as_chunks::<LANES>().0, rows[1].as_chunks::<LANES>().0);
        let (c, d) = (rows[2].as_chunks::<LANES>().0, rows[3].as_chunks::<LANES>().0);
        let mut lanes = [[0.0f32; LANES]; ROWS];
        for ((((xs, a), b), c), d) in chunks.iter().zip(a).zip(b).zip(c).zip(d) {
            for lane in 0..LANES {
                lanes[0][lane] += xs[lane] * a[lane].to_f32();
                lanes[1][lane] += xs[lane] * b[lane].to_f32();
                lanes[2][lane] += xs[lane] * c[lane].to_f32();
                lanes[3][lane] += xs[lane] * d[lane].to_f32();
            }
        }
        let mut sums = [0.0; ROWS];
        for ((sum, lanes), row) in sums.iter_mut().zip(lanes).zip(rows) {
            let rest = xs_rest.iter().zip(&row[row.len() - xs_rest.len()..]);
            *sum = lanes.iter().sum::<f32>() + rest.map(|(x, weight)| x * weight.to_f32()).sum::<f32>();
        }
        sums
    }
}

multiversion! {
    fn widen(stored: &[f16], wide: &mut [f32]) {
        for (wide, stored) in wide.iter_mut().zip(stored) {
            *wide = Stored::to_f32(*stored);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for (batch, k, n) in [
            (1, 1, 1),
            (1, 9216, 512),
            (3, 33, 7),
            (8, 48, 10),
            (6, 300, 9),
        ] {
            let xs = random((batch, k), 1);
            let weight = random((n, k), 2);
            let ys = xs.apply_op2_no_bwd(&weight, &Dot).unwrap();
            assert_close(&ys, &xs.matmul(&weight.t().unwrap()).unwrap(), 1e-4);
            let half = weight.to_dtype(DType::F16).unwrap();
            let rounded = half.to_dtype(DType::F32).unwrap();
            let ys = xs.apply_op2_no_bwd(&half, &Dot).unwrap();
            assert_close(&ys, &xs.matmul(&rounded.t().unwrap()).unwrap(), 1e-4);
        }
    }

    #[test]
    fn every_finite_half_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            if half.is_finite() {
                let wide = Stored::to_f32(half);
                assert_eq!(wide.to_bits(), f16::to_f32(half).to_bits(), "{bits:#x}");
            }
        }
    }
}
