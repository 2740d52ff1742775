//! Patches of an image side by side, so that a convolution with a stride is one with 1×1 kernels.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::slices::{contiguous_f32, is_cpu_f32, with_f32};

/// The `kernel`×`kernel` patch, zeros beyond the border, around every `stride`-th pixel of `xs` `(b, h, w, c)`:
/// `(b, ⌈h / stride⌉, ⌈w / stride⌉, kernel · kernel · c)`. Differentiable.
///
/// # Errors
/// If `xs` is no batch of images, or `kernel` is even.
pub fn by_patches(xs: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let (_, height, width, channels) = xs.dims4()?;
    if kernel.is_multiple_of(2) || stride == 0 {
        bail!("there are no patches of side {kernel} around every {stride}th pixel")
    }
    let op = Patches {
        height,
        width,
        channels,
        kernel,
        stride,
    };
    if is_cpu_f32(xs) {
        xs.contiguous()?.apply_op1(op)
    } else {
        op.by_candle(xs)
    }
}

#[derive(Clone, Copy)]
struct Patches {
    height: usize,
    width: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
}

impl Patches {
    fn height_out(&self) -> usize {
        self.height.div_ceil(self.stride)
    }

    fn width_out(&self) -> usize {
        self.width.div_ceil(self.stride)
    }

    fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn out_len(&self) -> usize {
        self.height_out() * self.width_out() * self.kernel * self.kernel * self.channels
    }

    /// Calls `visit(in the image, in the patches, length)` for every stretch of values that both have in one piece.
    fn for_each_stretch(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (kernel, margin) = (self.kernel, self.kernel / 2);
        for y_out in 0..self.height_out() {
            for x_out in 0..self.width_out() {
                let patch = (y_out * self.width_out() + x_out) * kernel * kernel;
                // Columns and rows of the padded image, whose first pixel is at `margin`.
                let first_x = x_out * self.stride;
                let taps_x =
                    margin.saturating_sub(first_x)..kernel.min(self.width + margin - first_x);
                for tap_y in 0..kernel {
                    let Some(y) = (y_out * self.stride + tap_y)
                        .checked_sub(margin)
                        .filter(|y| *y < self.height)
                    else {
                        continue;
                    };
                    let pixel = y * self.width + first_x + taps_x.start - margin;
                    visit(
                        pixel * self.channels,
                        (patch + tap_y * kernel + taps_x.start) * self.channels,
                        taps_x.len() * self.channels,
                    );
                }
            }
        }
    }

    /// The same by candle's operations, for other devices.
    fn by_candle(&self, xs: &Tensor) -> Result<Tensor> {
        let margin = self.kernel / 2;
        let padded = xs
            .pad_with_zeros(1, margin, margin)?
            .pad_with_zeros(2, margin, margin)?;
        let every = |first: usize, n: usize| {
            let positions: Vec<u32> = (0..n).map(|i| (first + i * self.stride) as u32).collect();
            Tensor::new(positions, xs.device())
        };
        let taps = (0..self.kernel * self.kernel).map(|tap| {
            padded
                .index_select(&every(tap / self.kernel, self.height_out())?, 1)?
                .index_select(&every(tap % self.kernel, self.width_out())?, 2)
        });
        Tensor::cat(&taps.collect::<Result<Vec<_>>>()?, 3)
    }
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "fervis-patches"
    }

    fn cpu_fwd(&self, xs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let xs = contiguous_f32(xs, layout)?;
        let batch = xs.len() / self.image_len();
        let mut patches = vec![0.0; batch * self.out_len()];
        xs.par_chunks_exact(self.image_len())
            .zip(patches.par_chunks_exact_mut(self.out_len()))
            .for_each(|(image, patches)| {
                self.for_each_stretch(|from, to, len| {
                    patches[to..][..len].copy_from_slice(&image[from..][..len]);
                });
            });
        let channels = self.kernel * self.kernel * self.channels;
        Ok((
            CpuStorage::F32(patches),
            Shape::from((batch, self.height_out(), self.width_out(), channels)),
        ))
    }

    fn bwd(&self, xs: &Tensor, _patches: &Tensor, grads: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_xs = vec![0.0; xs.elem_count()];
        with_f32(&grads.contiguous()?, |grads| {
            grad_xs
                .par_chunks_exact_mut(self.image_len())
                .zip(grads.par_chunks_exact(self.out_len()))
                .for_each(|(image, grads)| {
                    self.for_each_stretch(|to, from, len| {
                        let image = image[to..][..len].iter_mut();
                        image
                            .zip(&grads[from..][..len])
                            .for_each(|(sum, grad)| *sum += grad);
                    });
                });
            Ok(())
        })?;
        Ok(Some(Tensor::from_vec(grad_xs, xs.shape(), xs.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for (xs, kernel, stride) in [
            ((1, 1, 1, 1), 3, 2),
            ((2, 6, 9, 3), 3, 2),
            ((3, 12, 8, 1), 7, 2),
            ((2, 5, 5, 4), 1, 2),
            ((2, 4, 7, 2), 3, 1),
            ((1, 10, 10, 2), 3, 3),
        ] {
            let xs = Var::from_tensor(&random(xs, 1)).unwrap();
            let (_, height, width, channels) = xs.dims4().unwrap();
            let op = Patches {
                height,
                width,
                channels,
                kernel,
                stride,
            };
            let patches = by_patches(&xs, kernel, stride).unwrap();
            let expected = op.by_candle(&xs).unwrap();
            assert_close(&patches, &expected, 0.0);
            let seen = random(patches.shape(), 2);
            let gradient = |patches: &Tensor| {
                let grads = (patches * &seen).unwrap().sum_all().unwrap().backward();
                grads.unwrap().remove(&xs).unwrap()
            };
            assert_close(&gradient(&patches), &gradient(&expected), 1e-5);
        }
        assert!(by_patches(&random((1, 4, 4, 1), 1), 2, 1).is_err());
    }
}
