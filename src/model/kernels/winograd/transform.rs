//! The transforms of squares and kernels, sixteen channels at a time.
//!
//! Every loop runs over consecutive channels, so that the compiler vectorizes it. A square is transformed along its columns,
//! then along its rows.

#![expect(
    clippy::needless_range_loop,
    reason = "rows and columns of small squares are named by their indices, and one index serves several arrays"
)]

use std::ops::{Add, Mul, Sub};

use crate::model::kernels::cpu::multiversion;

/// Side of the kernels.
pub(super) const KERNEL: usize = 3;
/// Elements along a side of the largest transformed square.
pub(super) const MAX_SIDE: usize = 6;

/// An image `(height, width, channels)`, or several of the same size.
#[derive(Clone, Copy)]
pub(super) struct Image<'a> {
    pub values: &'a [f32],
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

/// What follows the convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Finish {
    /// 0 for ReLU, minus infinity for none.
    pub floor: f32,
    /// Whether the largest of each 2×2 square is kept.
    pub pool: bool,
}

/// Floats that are computed together: those of a 512-bit vector.
#[derive(Clone, Copy)]
pub(super) struct Lanes([f32; Self::N]);

impl Lanes {
    pub const N: usize = 16;
    const ZERO: Self = Self([0.0; Self::N]);

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        match values.first_chunk() {
            Some(values) => Self(*values),
            None => Self::ZERO,
        }
    }

    #[inline(always)]
    fn map2(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut result = Self::ZERO;
        for lane in 0..Self::N {
            result.0[lane] = f(self.0[lane], other.0[lane]);
        }
        result
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        self.map2(other, |a, b| if a > b { a } else { b })
    }
}

impl Add for Lanes {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.map2(other, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.map2(other, |a, b| a - b)
    }
}

impl Mul<f32> for Lanes {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self.map2(self, |a, _| a * factor)
    }
}

/// The transforms along one side, for squares of one size.
pub(super) trait Scheme {
    /// Results along a side.
    const SIDE: usize;
    /// The transform of pixels, `Bᵀ`.
    fn pixels(d: &[Lanes; MAX_SIDE]) -> [Lanes; MAX_SIDE];
    /// The inverse transform of sums, `Aᵀ`.
    fn sums(m: &[Lanes; MAX_SIDE]) -> [Lanes; MAX_SIDE];
    /// The transform of kernels, `G`.
    fn kernel(g: [f64; KERNEL]) -> [f64; MAX_SIDE];
}

/// 2×2 results of 4×4 pixels.
pub(super) struct Two;

impl Scheme for Two {
    const SIDE: usize = 2;

    #[inline(always)]
    fn pixels(d: &[Lanes; MAX_SIDE]) -> [Lanes; MAX_SIDE] {
        let mut t = [Lanes::ZERO; MAX_SIDE];
        t[0] = d[0] - d[2];
        t[1] = d[1] + d[2];
        t[2] = d[2] - d[1];
        t[3] = d[1] - d[3];
        t
    }

    #[inline(always)]
    fn sums(m: &[Lanes; MAX_SIDE]) -> [Lanes; MAX_SIDE] {
        let mut t = [Lanes::ZERO; MAX_SIDE];
        t[0] = m[0] + m[1] + m[2];
        t[1] = m[1] - m[2] - m[3];
        t
    }

    fn kernel([a, b, c]: [f64; KERNEL]) -> [f64; MAX_SIDE] {
        [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c, 0.0, 0.0]
    }
}

/// 4×4 results of 6×6 pixels.
pub(super) struct Four;

impl Scheme for Four {
    const SIDE: usize = 4;

    #[inline(always)]
    fn pixels(d: &[Lanes; MAX_SIDE]) -> [Lanes; MAX_SIDE] {
        let even = d[4] - d[2] * 4.0;
        let odd = d[3] - d[1] * 4.0;
        let outer = d[4] - d[2];
        let inner = (d[3] - d[1]) * 2.0;
        [
            d[0] * 4.0 - d[2] * 5.0 + d[4],
            even + odd,
            even - odd,
            outer + inner,
            outer - inner,
            d[1] * 4.0 - d[3] * 5.0 + d[5],
        ]
    }

    #[inline(always)]
    fn sums(m: &[Lanes; MAX_SIDE]) -> [Lanes; MAX_SIDE] {
        let (a, b) = (m[1] + m[2], m[1] - m[2]);
        let (c, d) = (m[3] + m[4], m[3] - m[4]);
        let mut t = [Lanes::ZERO; MAX_SIDE];
        t[0] = m[0] + a + c;
        t[1] = b + d * 2.0;
        t[2] = a + c * 4.0;
        t[3] = b + d * 8.0 + m[5];
        t
    }

    fn kernel([a, b, c]: [f64; KERNEL]) -> [f64; MAX_SIDE] {
        [
            a / 4.0,
            -(a + b + c) / 6.0,
            -(a - b + c) / 6.0,
            (a + 2.0 * b + 4.0 * c) / 24.0,
            (a - 2.0 * b + 4.0 * c) / 24.0,
            c,
        ]
    }
}

/// A kernel's elements, row by row: as many as the scheme has, then zeros.
pub(super) fn transform_kernel<S: Scheme>(kernel: &[f32]) -> [f32; MAX_SIDE * MAX_SIDE] {
    let at = |row: usize, column: usize| f64::from(kernel[row * KERNEL + column]);
    let columns: [[f64; MAX_SIDE]; KERNEL] =
        std::array::from_fn(|x| S::kernel(std::array::from_fn(|y| at(y, x))));
    let n = S::SIDE + KERNEL - 1;
    let mut numbers = [0.0; MAX_SIDE * MAX_SIDE];
    for (y, numbers) in numbers.chunks_exact_mut(n).take(n).enumerate() {
        let row = S::kernel(std::array::from_fn(|x| columns[x][y]));
        for (number, value) in numbers.iter_mut().zip(row) {
            *number = value as f32;
        }
    }
    numbers
}

multiversion! {
    /// Transforms the square of an image whose results start at `corner`; pixels beyond the border are zero.
    pub(super) fn take<S: Scheme>(image: Image<'_>, corner: [usize; 2], out: &mut [f32], stride: usize) {
        let n = S::SIDE + KERNEL - 1;
        for channel in (0..image.channels).step_by(Lanes::N) {
            // Columns first: `columns[x][i]`.
            let mut columns = [[Lanes::ZERO; MAX_SIDE]; MAX_SIDE];
            for x in 0..n {
                let mut pixels = [Lanes::ZERO; MAX_SIDE];
                for y in 0..n {
                    // Counted from one pixel outside the image.
                    let (row, column) = (corner[0] + y, corner[1] + x);
                    if (1..=image.height).contains(&row) && (1..=image.width).contains(&column) {
                        let pixel = (row - 1) * image.width + column - 1;
                        pixels[y] = Lanes::load(&image.values[pixel * image.channels + channel..]);
                    }
                }
                columns[x] = S::pixels(&pixels);
            }
            for y in 0..n {
                let mut row = [Lanes::ZERO; MAX_SIDE];
                for x in 0..n {
                    row[x] = columns[x][y];
                }
                let row = S::pixels(&row);
                for x in 0..n {
                    let first = (y * n + x) * stride + channel;
                    out[first..first + Lanes::N].copy_from_slice(&row[x].0);
                }
            }
        }
    }
}

multiversion! {
    /// Transforms sums back, which are `stride` apart from element to element, and finishes them: pixel by pixel, all channels
    /// of `bias`.
    pub(super) fn put<S: Scheme>(sums: &[f32], stride: usize, bias: &[f32], finish: Finish, out: &mut [f32]) {
        let n = S::SIDE + KERNEL - 1;
        let floor = Lanes([finish.floor; Lanes::N]);
        for channel in (0..bias.len()).step_by(Lanes::N) {
            let mut columns = [[Lanes::ZERO; MAX_SIDE]; MAX_SIDE];
            for x in 0..n {
                let mut numbers = [Lanes::ZERO; MAX_SIDE];
                for y in 0..n {
                    numbers[y] = Lanes::load(&sums[(y * n + x) * stride + channel..]);
                }
                columns[x] = S::sums(&numbers);
            }
            let bias_here = Lanes::load(&bias[channel..]);
            let mut results = [[Lanes::ZERO; MAX_SIDE]; MAX_SIDE];
            for y in 0..S::SIDE {
                let mut row = [Lanes::ZERO; MAX_SIDE];
                for x in 0..n {
                    row[x] = columns[x][y];
                }
                results[y] = S::sums(&row);
            }
            if finish.pool {
                for y in 0..S::SIDE / 2 {
                    for x in 0..S::SIDE / 2 {
                        let upper = results[2 * y][2 * x].larger(results[2 * y][2 * x + 1]);
                        let lower = results[2 * y + 1][2 * x].larger(results[2 * y + 1][2 * x + 1]);
                        let best = (upper.larger(lower) + bias_here).larger(floor);
                        let first = (y * (S::SIDE / 2) + x) * bias.len() + channel;
                        out[first..first + Lanes::N].copy_from_slice(&best.0);
                    }
                }
            } else {
                for y in 0..S::SIDE {
                    for x in 0..S::SIDE {
                        let value = (results[y][x] + bias_here).larger(floor);
                        let first = (y * S::SIDE + x) * bias.len() + channel;
                        out[first..first + Lanes::N].copy_from_slice(&value.0);
                    }
                }
            }
        }
    }
}
