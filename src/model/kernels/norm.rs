//! The element-wise half of a block: statistics, normalization, ReLU and pooling, one row of pixels at a time.
//!
//! A pixel's channels are contiguous, so the compiler vectorizes every loop here.

use super::{cpu::multiversion, element::Element};

/// The scale, shift and lower bound of each channel.
#[derive(Clone, Copy)]
pub(super) struct Affine<'a> {
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    /// 0 for ReLU, minus infinity for none.
    pub floor: f32,
}

/// Two sums per channel.
///
/// The values of a row are summed in f32, rows in f64: the variance is a difference of two sums.
#[derive(Debug, Clone)]
pub(super) struct ChannelSums {
    pub first: Vec<f64>,
    pub second: Vec<f64>,
    row_first: Vec<f32>,
    row_second: Vec<f32>,
}

impl ChannelSums {
    pub fn new(channels: usize) -> Self {
        Self {
            first: vec![0.0; channels],
            second: vec![0.0; channels],
            row_first: vec![0.0; channels],
            row_second: vec![0.0; channels],
        }
    }

    /// Has `add` sum a row into two rows of zeros, and adds those.
    fn add_row(&mut self, add: impl FnOnce(&mut [f32], &mut [f32])) {
        self.row_first.fill(0.0);
        self.row_second.fill(0.0);
        add(&mut self.row_first, &mut self.row_second);
        for (sum, row) in [
            (&mut self.first, &self.row_first),
            (&mut self.second, &self.row_second),
        ] {
            sum.iter_mut()
                .zip(row)
                .for_each(|(sum, row)| *sum += f64::from(*row));
        }
    }

    /// The total of the sums of several runs.
    pub fn total(sums: impl IntoIterator<Item = Self>, channels: usize) -> Self {
        let mut total = Self::new(channels);
        for sums in sums {
            for (total, sum) in [
                (&mut total.first, sums.first),
                (&mut total.second, sums.second),
            ] {
                total
                    .iter_mut()
                    .zip(sum)
                    .for_each(|(total, sum)| *total += sum);
            }
        }
        total
    }

    /// Stores a row of results, `stride` values per pixel, as pixels of `E`, and adds values and squares.
    pub fn store_row<E: Element>(&mut self, row: &[f32], stride: usize, out: &mut [E]) {
        self.add_row(|sum, square| store_row(row, stride, out, sum, square));
    }

    /// Adds a row of values and their squares.
    pub fn values(&mut self, row: &[f32]) {
        self.add_row(|sum, square| add_values(row, sum, square));
    }

    /// Adds the gradients that pass ReLU and pooling, and their products with the values that they flow to.
    pub fn pooled_gradient<E: Element>(
        &mut self,
        rows: [&[E]; 2],
        grads: &[f32],
        affine: Affine<'_>,
    ) {
        self.add_row(|sum, product| add_pooled_gradient(rows, grads, affine, sum, product));
    }

    /// The same without pooling.
    pub fn gradient<E: Element>(&mut self, row: &[E], grads: &[f32], affine: Affine<'_>) {
        self.add_row(|sum, product| add_gradient(row, grads, affine, sum, product));
    }
}

multiversion! {
    fn store_row<E: Element>(row: &[f32], stride: usize, out: &mut [E], sum: &mut [f32], square: &mut [f32]) {
        let n = sum.len();
        let square = &mut square[..n];
        for (pixel, out) in row.chunks_exact(stride).zip(out.chunks_exact_mut(n)) {
            let pixel = &pixel[..n];
            for i in 0..n {
                let value = pixel[i];
                out[i] = E::from_f32(value);
                sum[i] += value;
                square[i] += value * value;
            }
        }
    }
}

multiversion! {
    fn add_values(row: &[f32], sum: &mut [f32], square: &mut [f32]) {
        let n = sum.len();
        let square = &mut square[..n];
        for pixel in row.chunks_exact(n) {
            for i in 0..n {
                sum[i] += pixel[i];
                square[i] += pixel[i] * pixel[i];
            }
        }
    }
}

/// The larger number, in one instruction, unlike `f32::max`.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Pixel `x` of a row.
#[inline(always)]
fn pixel<E>(row: &[E], x: usize, n: usize) -> &[E] {
    &row[x * n..][..n]
}

multiversion! {
    /// Scale, shift and ReLU of a row.
    pub(super) fn normalize<E: Element>(row: &[E], affine: Affine<'_>, out: &mut [f32]) {
        let n = affine.scale.len();
        let shift = &affine.shift[..n];
        for (pixel, out) in row.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
            for i in 0..n {
                out[i] = larger(pixel[i].to_f32() * affine.scale[i] + shift[i], affine.floor);
            }
        }
    }
}

multiversion! {
    /// Bias and ReLU (`floor`: 0, or minus infinity for none) of a row of results, `stride` values per pixel.
    pub(super) fn add_bias(row: &[f32], stride: usize, bias: &[f32], floor: f32, out: &mut [f32]) {
        let n = bias.len();
        for (pixel, out) in row.chunks_exact(stride).zip(out.chunks_exact_mut(n)) {
            let pixel = &pixel[..n];
            for i in 0..n {
                out[i] = larger(pixel[i] + bias[i], floor);
            }
        }
    }
}

multiversion! {
    /// The gradient of a row of such results, `stride` values per pixel; also added to `sum`, for the bias.
    pub(super) fn bias_gradient(ys: &[f32], grads: &[f32], floor: f32, sum: &mut [f32], out: &mut [f32], stride: usize) {
        let n = sum.len();
        for ((ys, grads), out) in ys.chunks_exact(n).zip(grads.chunks_exact(n)).zip(out.chunks_exact_mut(stride)) {
            let out = &mut out[..n];
            for i in 0..n {
                let passed = if ys[i] > floor { grads[i] } else { 0.0 };
                sum[i] += passed;
                out[i] = passed;
            }
        }
    }
}

multiversion! {
    /// Scale, shift, ReLU and 2×2 maximum of two rows, `stride` values per pixel.
    pub(super) fn normalize_and_pool<E: Element>(rows: [&[E]; 2], stride: usize, affine: Affine<'_>, out: &mut [f32]) {
        let n = affine.scale.len();
        let shift = &affine.shift[..n];
        for (x, out) in out.chunks_exact_mut(n).enumerate() {
            let square = [
                &rows[0][2 * x * stride..][..n], &rows[0][(2 * x + 1) * stride..][..n],
                &rows[1][2 * x * stride..][..n], &rows[1][(2 * x + 1) * stride..][..n],
            ];
            for i in 0..n {
                let at = |corner: usize| square[corner][i].to_f32() * affine.scale[i] + shift[i];
                let best = larger(larger(at(0), at(1)), larger(at(2), at(3)));
                out[i] = larger(best, affine.floor);
            }
        }
    }
}

multiversion! {
    fn add_pooled_gradient<E: Element>(rows: [&[E]; 2], grads: &[f32], affine: Affine<'_>, sum: &mut [f32], product: &mut [f32]) {
        let n = sum.len();
        let (scale, shift, product) = (&affine.scale[..n], &affine.shift[..n], &mut product[..n]);
        for (x, grads) in grads.chunks_exact(n).enumerate() {
            let (a, b) = (pixel(rows[0], 2 * x, n), pixel(rows[0], 2 * x + 1, n));
            let (c, d) = (pixel(rows[1], 2 * x, n), pixel(rows[1], 2 * x + 1, n));
            for i in 0..n {
                let values = [a[i].to_f32(), b[i].to_f32(), c[i].to_f32(), d[i].to_f32()];
                let at = values.map(|value| value * scale[i] + shift[i]);
                let best = larger(larger(at[0], at[1]), larger(at[2], at[3]));
                let passed = if best > affine.floor { grads[i] } else { 0.0 };
                let winner = if at[2] == best { values[2] } else { values[3] };
                let winner = if at[1] == best { values[1] } else { winner };
                let winner = if at[0] == best { values[0] } else { winner };
                sum[i] += passed;
                product[i] += passed * winner;
            }
        }
    }
}

multiversion! {
    fn add_gradient<E: Element>(row: &[E], grads: &[f32], affine: Affine<'_>, sum: &mut [f32], product: &mut [f32]) {
        let n = sum.len();
        let (scale, shift, product) = (&affine.scale[..n], &affine.shift[..n], &mut product[..n]);
        for (pixel, grads) in row.chunks_exact(n).zip(grads.chunks_exact(n)) {
            for i in 0..n {
                let value = pixel[i].to_f32();
                let passed = if value * scale[i] + shift[i] > affine.floor { grads[i] } else { 0.0 };
                sum[i] += passed;
                product[i] += passed * value;
            }
        }
    }
}

/// The gradient that reaches every value through the mean and variance of its channel: `value · slope + offset`.
#[derive(Clone, Copy)]
pub(super) struct Feedback<'a> {
    pub slope: &'a [f32],
    pub offset: &'a [f32],
}

multiversion! {
    /// The gradient of two rows of values, `stride` values per pixel. It flows to the first maximum of each square.
    pub(super) fn pooled_gradient<E: Element>(
        rows: [&[E]; 2],
        grads: &[f32],
        affine: Affine<'_>,
        feedback: Feedback<'_>,
        upper: &mut [f32],
        lower: &mut [f32],
        stride: usize,
    ) {
        let n = affine.scale.len();
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        let (slope, offset) = (&feedback.slope[..n], &feedback.offset[..n]);
        for (x, grads) in grads.chunks_exact(n).enumerate() {
            let (a, b) = (pixel(rows[0], 2 * x, n), pixel(rows[0], 2 * x + 1, n));
            let (c, d) = (pixel(rows[1], 2 * x, n), pixel(rows[1], 2 * x + 1, n));
            let (out_a, out_b) = upper[2 * x * stride..].split_at_mut(stride);
            let (out_c, out_d) = lower[2 * x * stride..].split_at_mut(stride);
            let (out_a, out_b, out_c, out_d) = (&mut out_a[..n], &mut out_b[..n], &mut out_c[..n], &mut out_d[..n]);
            for i in 0..n {
                let values = [a[i].to_f32(), b[i].to_f32(), c[i].to_f32(), d[i].to_f32()];
                let at = values.map(|value| value * scale[i] + shift[i]);
                let best = larger(larger(at[0], at[1]), larger(at[2], at[3]));
                let passed = if best > affine.floor { grads[i] * scale[i] } else { 0.0 };
                let to_a = at[0] == best;
                let to_b = !to_a & (at[1] == best);
                let to_c = !to_a & !to_b & (at[2] == best);
                let to_d = !to_a & !to_b & !to_c;
                let feedback_here = values.map(|value| value * slope[i] + offset[i]);
                out_a[i] = feedback_here[0] + if to_a { passed } else { 0.0 };
                out_b[i] = feedback_here[1] + if to_b { passed } else { 0.0 };
                out_c[i] = feedback_here[2] + if to_c { passed } else { 0.0 };
                out_d[i] = feedback_here[3] + if to_d { passed } else { 0.0 };
            }
        }
    }
}

multiversion! {
    /// The same without pooling, for one row.
    pub(super) fn gradient<E: Element>(
        row: &[E],
        grads: &[f32],
        affine: Affine<'_>,
        feedback: Feedback<'_>,
        out: &mut [f32],
        stride: usize,
    ) {
        let n = affine.scale.len();
        let (scale, shift) = (&affine.scale[..n], &affine.shift[..n]);
        let (slope, offset) = (&feedback.slope[..n], &feedback.offset[..n]);
        for ((pixel, grads), out) in row.chunks_exact(n).zip(grads.chunks_exact(n)).zip(out.chunks_exact_mut(stride)) {
            for i in 0..n {
                let value = pixel[i].to_f32();
                let passed = if value * scale[i] + shift[i] > affine.floor { grads[i] * scale[i] } else { 0.0 };
                out[i] = passed + value * slope[i] + offset[i];
            }
        }
    }
}
