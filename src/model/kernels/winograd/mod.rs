//! 3×3 convolutions by Winograd's minimal filtering, for inference.
//!
//! A square of 4×4 results takes 36 multiplications for each pair of channels instead of 144 (2×2 results: 16 instead of
//! 36). Squares of the image and the kernels are transformed; in that domain a convolution is an element-wise product, so
//! the sums over input channels are one matrix product for each of the 36 elements. The sums are transformed back. Source:
//! Lavin and Gray 2016, arXiv:1509.09308, whose matrices these are.
//!
//! The transformed kernels are four times as large (2×2: 1.8 times), and each call reads them all. On small images the
//! direct method, or the smaller square, is therefore faster ([`best`] decides). Results differ from the direct sums in
//! about the fifth digit, which does not matter in inference.

mod transform;

use std::{cell::RefCell, ops::Range};

use rayon::prelude::*;

pub(super) use self::transform::Finish;
use self::transform::{
    Four, Image, KERNEL, Lanes, MAX_SIDE, Scheme, Two, put, take, transform_kernel,
};
use super::{
    gemm::{Gemm, Output, Rows},
    panels::{PANEL_WIDTH, Panels},
};

/// Squares that are transformed at a time: their elements fit in the second-level cache.
const SQUARES_AT_A_TIME: usize = 48;
/// Floats between the blocks of two elements, so that they do not map to the same cache lines.
const GAP: usize = 16;
/// The minimum number of panels in one thread's share of the channels: with fewer a product is slow.
const MIN_PANELS: usize = 2;

/// The size of the squares of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Square {
    /// 2×2 results of 4×4 pixels.
    Two,
    /// 4×4 results of 6×6 pixels.
    Four,
}

impl Square {
    /// Results along a side.
    fn side(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Elements of a transformed square.
    fn n_elements(self) -> usize {
        (self.side() + KERNEL - 1).pow(2)
    }

    /// How many squares cover an image.
    fn n_squares(self, height: usize, width: usize) -> usize {
        height.div_ceil(self.side()) * width.div_ceil(self.side())
    }
}

/// The fastest square for images of this size, one at a time; `None` if the direct method is faster.
///
/// The cost of a pair of channels is the number of multiplications plus four for each element of the kernels, which come
/// from the third-level cache or from memory at a quarter of the speed at which they are multiplied.
pub(super) fn best(height: usize, width: usize) -> Option<Square> {
    let direct = KERNEL * KERNEL * (height * width + 4);
    let cost = |square: Square| square.n_elements() * (square.n_squares(height, width) + 4);
    [Square::Two, Square::Four]
        .into_iter()
        .map(|square| (cost(square), square))
        .filter(|(cost, _)| *cost < direct)
        .min_by_key(|(cost, _)| *cost)
        .map(|(_, square)| square)
}

/// A convolution with its kernels transformed.
pub(super) struct Winograd {
    square: Square,
    c_in: usize,
    c_out: usize,
    groups: Vec<Group>,
}

/// Consecutive output channels that one thread computes.
struct Group {
    channels: Range<usize>,
    /// One matrix `(c_in, channels)` for each element of a square.
    kernels: Vec<Panels<f32>>,
    /// Padded with zeros to whole panels.
    bias: Vec<f32>,
}

/// A part of the work: some squares, numbered through all images, for some groups of channels.
struct Task {
    squares: Range<usize>,
    groups: Range<usize>,
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    transformed: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Winograd {
    /// Whether layers with this many input channels can be computed this way.
    pub fn takes(c_in: usize) -> bool {
        c_in.is_multiple_of(Lanes::N)
    }

    /// Channels of the results.
    pub fn c_out(&self) -> usize {
        self.c_out
    }

    /// Transforms kernels `(c_out, c_in, 3, 3)`.
    pub fn new(weight: &[f32], bias: &[f32], c_in: usize, square: Square) -> Self {
        let c_out = bias.len();
        let n_panels = c_out.div_ceil(PANEL_WIDTH);
        let max_groups = n_panels.div_ceil(MIN_PANELS);
        let n_groups = rayon::current_num_threads().clamp(1, max_groups.max(1));
        let group_len = n_panels.div_ceil(n_groups) * PANEL_WIDTH;
        let n_elements = square.n_elements();
        // One for each pair of channels.
        let transformed: Vec<[f32; MAX_SIDE * MAX_SIDE]> = weight
            .par_chunks_exact(KERNEL * KERNEL)
            .map(|kernel| match square {
                Square::Two => transform_kernel::<Two>(kernel),
                Square::Four => transform_kernel::<Four>(kernel),
            })
            .collect();
        let groups = (0..c_out)
            .step_by(group_len)
            .map(|first| {
                let channels = first..(first + group_len).min(c_out);
                let matrix = |element: usize| {
                    Panels::from_entries(c_in, channels.len(), |k, n| {
                        transformed[(first + n) * c_in + k][element]
                    })
                };
                let mut padded = bias[channels.clone()].to_vec();
                padded.resize(channels.len().next_multiple_of(PANEL_WIDTH), 0.0);
                Group {
                    kernels: (0..n_elements).map(matrix).collect(),
                    bias: padded,
                    channels,
                }
            })
            .collect();
        Self {
            square,
            c_in,
            c_out,
            groups,
        }
    }

    /// Convolves images `(b, height, width, c_in)` to `(b, height', width', c_out)`, half the size with pooling.
    pub fn convolve(&self, xs: &[f32], height: usize, width: usize, finish: Finish) -> Vec<f32> {
        let images = Image {
            values: xs,
            height,
            width,
            channels: self.c_in,
        };
        let n_images = xs.len() / (height * width * self.c_in);
        let per_image = self.square.n_squares(height, width);
        let tasks = self.tasks(n_images, per_image);
        let results: Vec<Vec<f32>> = tasks
            .par_iter()
            .map(|task| match self.square {
                Square::Two => self.run::<Two>(task, images, finish),
                Square::Four => self.run::<Four>(task, images, finish),
            })
            .collect();
        let shrink = if finish.pool { 2 } else { 1 };
        let (height_out, width_out) = (height / shrink, width / shrink);
        let mut ys = vec![0.0; n_images * height_out * width_out * self.c_out];
        let side = self.square.side() / shrink;
        let across = width.div_ceil(self.square.side());
        let place = |image: usize, out: &mut [f32]| {
            for (task, values) in tasks.iter().zip(&results) {
                let mut rest = values.as_slice();
                for square in task.squares.clone() {
                    let (its_image, place) = (square / per_image, square % per_image);
                    let (top, left) = (place / across * side, place % across * side);
                    for group in &self.groups[task.groups.clone()] {
                        let stride = group.bias.len();
                        let (pixels, behind) = rest.split_at(side * side * stride);
                        rest = behind;
                        if its_image != image {
                            continue;
                        }
                        for (pixel, values) in pixels.chunks_exact(stride).enumerate() {
                            let (y, x) = (top + pixel / side, left + pixel % side);
                            if y < height_out && x < width_out {
                                let first = (y * width_out + x) * self.c_out;
                                let out = &mut out[first..][group.channels.clone()];
                                out.copy_from_slice(&values[..group.channels.len()]);
                            }
                        }
                    }
                }
            }
        };
        let image_len = (height_out * width_out * self.c_out).max(1);
        if n_images < rayon::current_num_threads() {
            let images = ys.chunks_exact_mut(image_len).enumerate();
            images.for_each(|(image, out)| place(image, out));
        } else {
            let images = ys.par_chunks_exact_mut(image_len).enumerate();
            images.for_each(|(image, out)| place(image, out));
        }
        ys
    }

    /// Splits the work. Many images are divided among the threads. A few images are shared by all threads, each computing
    /// its own channels and, if there are more threads than groups of channels, its own squares.
    fn tasks(&self, n_images: usize, per_image: usize) -> Vec<Task> {
        let n_threads = rayon::current_num_threads();
        let n_groups = self.groups.len();
        let n_squares = n_images * per_image;
        if n_images >= n_threads {
            let run = n_images.div_ceil(n_threads) * per_image;
            return runs(n_squares, run)
                .map(|squares| Task {
                    squares,
                    groups: 0..n_groups,
                })
                .collect();
        }
        let run = n_squares.div_ceil((n_threads / n_groups).max(1));
        let groups = 0..n_groups;
        groups
            .flat_map(|group| {
                runs(n_squares, run).map(move |squares| Task {
                    squares,
                    groups: group..group + 1,
                })
            })
            .collect()
    }

    /// The results of a task: square by square, group by group, pixel by pixel.
    fn run<S: Scheme>(&self, task: &Task, images: Image<'_>, finish: Finish) -> Vec<f32> {
        let n_elements = self.square.n_elements();
        let side = self.square.side() / if finish.pool { 2 } else { 1 };
        let groups = &self.groups[task.groups.clone()];
        let stride: usize = groups.iter().map(|group| group.bias.len()).sum();
        let mut out = vec![0.0; task.squares.len() * side * side * stride];
        let square_len = side * side * stride;
        SCRATCH.with_borrow_mut(|scratch| {
            for (block, out) in runs(task.squares.len(), SQUARES_AT_A_TIME)
                .zip(out.chunks_mut(SQUARES_AT_A_TIME * square_len))
            {
                let n_squares = block.len();
                let element_len = n_squares * self.c_in + GAP;
                let transformed = &mut scratch.transformed;
                transformed.resize((n_elements * element_len).max(transformed.len()), 0.0);
                for (index, square) in block.enumerate() {
                    let out = &mut transformed[index * self.c_in..];
                    self.take::<S>(images, task.squares.start + square, out, element_len);
                }
                let mut first_out = 0;
                for group in groups {
                    let n = group.bias.len();
                    let sums_len = n_squares * n + GAP;
                    let sums = &mut scratch.sums;
                    sums.resize((n_elements * sums_len).max(sums.len()), 0.0);
                    for (element, kernels) in group.kernels.iter().enumerate() {
                        let left = Rows::contiguous(
                            &transformed[element * element_len..],
                            n_squares,
                            self.c_in,
                        );
                        let sums = &mut sums[element * sums_len..];
                        f32::gemm(left, kernels, Output::set(sums, n));
                    }
                    for index in 0..n_squares {
                        let out = &mut out[index * square_len + first_out..];
                        let out = &mut out[..side * side * n];
                        put::<S>(&sums[index * n..], sums_len, &group.bias, finish, out);
                    }
                    first_out += side * side * n;
                }
            }
        });
        out
    }

    /// Transforms a square of an image; its elements are written `stride` apart.
    fn take<S: Scheme>(&self, images: Image<'_>, square: usize, out: &mut [f32], stride: usize) {
        let across = images.width.div_ceil(S::SIDE);
        let per_image = self.square.n_squares(images.height, images.width);
        let image_len = images.height * images.width * images.channels;
        let image = Image {
            values: &images.values[square / per_image * image_len..][..image_len],
            ..images
        };
        let place = square % per_image;
        let corner = [place / across * S::SIDE, place % across * S::SIDE];
        take::<S>(image, corner, out, stride);
    }
}

/// Runs of up to `len` that cover `0..n`.
fn runs(n: usize, len: usize) -> impl Iterator<Item = Range<usize>> {
    let len = len.max(1);
    (0..n)
        .step_by(len)
        .map(move |first| first..(first + len).min(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n)
            .map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0)
            .collect()
    }

    /// Against a direct loop.
    fn check(
        n_images: usize,
        height: usize,
        width: usize,
        c_in: usize,
        c_out: usize,
        square: Square,
    ) {
        let xs = values(n_images * height * width * c_in, 1);
        let weight = values(c_out * c_in * 9, 2);
        let bias = values(c_out, 3);
        let finish = Finish {
            floor: f32::NEG_INFINITY,
            pool: false,
        };
        let winograd = Winograd::new(&weight, &bias, c_in, square);
        let found = winograd.convolve(&xs, height, width, finish);
        assert_eq!(found.len(), n_images * height * width * c_out);
        for (index, found) in found.iter().enumerate() {
            let (pixel, channel) = (index / c_out, index % c_out);
            let (x, y) = (pixel % width, pixel / width % height);
            let image = pixel / width / height;
            let mut sum = f64::from(bias[channel]);
            for tap in 0..9 {
                let (row, column) = ((y + tap / 3).wrapping_sub(1), (x + tap % 3).wrapping_sub(1));
                if row < height && column < width {
                    for k in 0..c_in {
                        let pixel = (image * height + row) * width + column;
                        sum += f64::from(xs[pixel * c_in + k])
                            * f64::from(weight[(channel * c_in + k) * 9 + tap]);
                    }
                }
            }
            let gap = (f64::from(*found) - sum).abs();
            assert!(
                gap < 2e-4,
                "{square:?}, value {index}: {found} instead of {sum}"
            );
        }
    }

    #[test]
    fn squares_of_both_sizes_agree_with_the_direct_sum() {
        for square in [Square::Two, Square::Four] {
            check(1, 8, 8, 16, 16, square);
            check(2, 6, 10, 32, 7, square);
            check(5, 5, 3, 16, 70, square);
            check(1, 1, 1, 16, 33, square);
            check(1, 28, 32, 16, 16, square); // More squares than are transformed at a time.
        }
    }

    #[test]
    fn small_images_are_convolved_directly() {
        assert_eq!(best(24, 24), Some(Square::Four));
        assert_eq!(best(12, 12), Some(Square::Four));
        assert_eq!(best(6, 6), Some(Square::Two));
        assert_eq!(best(2, 2), None);
        assert_eq!(best(1, 1), None);
    }
}
