//! The loops of [`norm`](super::norm) over whole batches of images, on all threads.

use rayon::prelude::*;

use super::{
    element::Element,
    norm::{self, Affine, ChannelSums},
    runs::run_len,
};

/// Sizes of a batch of images `(b, h, w, c)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    pub n_images: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Batch {
    /// Values of a row of pixels.
    pub fn row_len(&self) -> usize {
        self.width * self.channels
    }

    /// Values of the rows that one row of results comes from, and of that row: with 2×2 pooling two rows give one of half
    /// the width.
    pub fn pooled_lens(&self, pool: bool) -> [usize; 2] {
        let row_len = self.row_len();
        if pool {
            [2 * row_len, row_len / 2]
        } else {
            [row_len; 2]
        }
    }

    /// Applies scale, shift, ReLU and pooling to `xs`. Returns the results and their sizes `(b, h', w', c)`.
    pub fn finish<E: Element>(
        &self,
        xs: &[E],
        affine: Affine<'_>,
        pool: bool,
    ) -> (Vec<f32>, (usize, usize, usize, usize)) {
        let shrink = if pool { 2 } else { 1 };
        let (height, width) = (self.height / shrink, self.width / shrink);
        let [rows_len, out_len] = self.pooled_lens(pool);
        let mut ys = vec![0.0; self.n_images * height * out_len];
        ys.par_chunks_exact_mut(out_len)
            .zip(xs.par_chunks_exact(rows_len))
            .with_min_len(height)
            .for_each(|(ys, rows)| {
                if pool {
                    let (upper, lower) = rows.split_at(self.row_len());
                    norm::normalize_and_pool([upper, lower], self.channels, affine, ys);
                } else {
                    norm::normalize(rows, affine, ys);
                }
            });
        (ys, (self.n_images, height, width, self.channels))
    }

    /// For each channel, the sum of the gradients that pass ReLU and pooling, and of their products with the values of
    /// `xs` that they flow to.
    pub fn gradient_sums<E: Element>(
        &self,
        xs: &[E],
        grads: &[f32],
        affine: Affine<'_>,
        pool: bool,
    ) -> ChannelSums {
        let [rows_len, grads_len] = self.pooled_lens(pool);
        let run_rows = run_len(self.n_images, 1) * self.height * self.row_len() / rows_len;
        let sums: Vec<ChannelSums> = xs
            .par_chunks(run_rows * rows_len)
            .zip(grads.par_chunks(run_rows * grads_len))
            .map(|(xs, grads)| {
                let mut sums = ChannelSums::new(self.channels);
                for (rows, grads) in xs.chunks_exact(rows_len).zip(grads.chunks_exact(grads_len)) {
                    if pool {
                        let (upper, lower) = rows.split_at(self.row_len());
                        sums.pooled_gradient([upper, lower], grads, affine);
                    } else {
                        sums.gradient(rows, grads, affine);
                    }
                }
                sums
            })
            .collect();
        ChannelSums::total(sums, self.channels)
    }
}
