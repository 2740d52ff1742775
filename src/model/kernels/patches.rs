//! Patches of an image gathered side by side, so that a strided convolution becomes one with 1×1 kernels.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    slices::{contiguous_f32, is_cpu_f32, with_f32},
    windows::Windows,
};

/// Gathers the `kernel`×`kernel` patch around every `stride`-th pixel of `xs` `(b, h, w, c)`, with zeros beyond the border:
/// `(b, ⌈h / stride⌉, ⌈w / stride⌉, kernel · kernel · c)`. Differentiable.
///
/// # Errors
/// If `xs` is not a batch of images, or `kernel` is even.
pub fn by_patches(xs: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let (_, height, width, channels) = xs.dims4()?;
    if kernel.is_multiple_of(2) || stride == 0 {
        bail!("invalid patches: side {kernel}, stride {stride}")
    }
    let op = Patches(Windows {
        height,
        width,
        channels,
        kernel,
        stride,
        padding: kernel / 2,
    });
    if is_cpu_f32(xs) {
        xs.contiguous()?.apply_op1(op)
    } else {
        op.by_candle(xs)
    }
}

/// Windows with as much padding as gives ⌈side / stride⌉ of them along a side.
struct Patches(Windows);

impl Patches {
    /// Values of an image's patches.
    fn out_len(&self) -> usize {
        self.0.n_rows() * self.0.n_columns() * self.n_channels_out()
    }

    /// Values of a patch.
    fn n_channels_out(&self) -> usize {
        self.0.kernel * self.0.kernel * self.0.channels
    }

    /// Calls `visit(offset in the image, offset in the patches, length)` for every run of values that is contiguous in
    /// both.
    fn for_each_run(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let windows = &self.0;
        let Windows {
            kernel,
            stride,
            padding,
            channels,
            ..
        } = *windows;
        for row in 0..windows.n_rows() {
            for column in 0..windows.n_columns() {
                let patch = (row * windows.n_columns() + column) * kernel * kernel;
                let xs = windows.span(column, windows.width);
                // The tap over the first of these pixels.
                let tap_x = xs.start + padding - column * stride;
                for y in windows.span(row, windows.height) {
                    let tap_y = y + padding - row * stride;
                    visit(
                        (y * windows.width + xs.start) * channels,
                        (patch + tap_y * kernel + tap_x) * channels,
                        xs.len() * channels,
                    );
                }
            }
        }
    }

    /// The same with candle's operations, for other devices.
    fn by_candle(&self, xs: &Tensor) -> Result<Tensor> {
        let padding = self.0.padding;
        let padded = xs
            .pad_with_zeros(1, padding, padding)?
            .pad_with_zeros(2, padding, padding)?;
        Tensor::cat(&self.0.taps_by_candle(&padded)?, 3)
    }
}

impl CustomOp1 for Patches {
    fn name(&self) -> &'static str {
        "fervis-patches"
    }

    fn cpu_fwd(&self, xs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let xs = contiguous_f32(xs, layout)?;
        let image_len = self.0.image_len();
        let batch = xs.len() / image_len;
        let mut patches = vec![0.0; batch * self.out_len()];
        xs.par_chunks_exact(image_len)
            .zip(patches.par_chunks_exact_mut(self.out_len()))
            .for_each(|(image, patches)| {
                self.for_each_run(|from, to, len| {
                    patches[to..][..len].copy_from_slice(&image[from..][..len]);
                });
            });
        let (rows, columns) = (self.0.n_rows(), self.0.n_columns());
        Ok((
            CpuStorage::F32(patches),
            Shape::from((batch, rows, columns, self.n_channels_out())),
        ))
    }

    fn bwd(&self, xs: &Tensor, _patches: &Tensor, grads: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_xs = vec![0.0; xs.elem_count()];
        with_f32([&grads.contiguous()?], |[grads]| {
            grad_xs
                .par_chunks_exact_mut(self.0.image_len())
                .zip(grads.par_chunks_exact(self.out_len()))
                .for_each(|(image, grads)| {
                    self.for_each_run(|to, from, len| {
                        let image = image[to..][..len].iter_mut();
                        image
                            .zip(&grads[from..][..len])
                            .for_each(|(sum, grad)| *sum += grad);
                    });
                });
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
            let op = Patches(Windows {
                height,
                width,
                channels,
                kernel,
                stride,
                padding: kernel / 2,
            });
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
