//! Pooling that is not part of a block: overlapping maxima or maxima of images with odd sides, and means.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    slices::{contiguous_f32, is_cpu_f32, with_f32},
    windows::Windows,
};

/// The maximum of each `kernel`×`kernel` window of `xs` `(b, h, w, c)`, the windows `stride` pixels apart. Windows reach
/// `padding` pixels beyond the border, where there are no values. Windows that do not fit are left out, as in PyTorch.
/// Differentiable: the gradient flows to the first maximum.
///
/// # Errors
/// If no window fits, or one could lie entirely beyond the border.
pub fn max_pool(xs: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Tensor> {
    let (_, height, width, channels) = xs.dims4()?;
    let smallest = height.min(width) + 2 * padding;
    if stride == 0 || kernel > smallest || padding > kernel / 2 {
        bail!(
            "cannot pool {:?} by windows of {kernel}×{kernel}",
            xs.shape()
        )
    }
    let op = MaxPool(Windows {
        height,
        width,
        channels,
        kernel,
        stride,
        padding,
    });
    if is_cpu_f32(xs) {
        xs.contiguous()?.apply_op1(op)
    } else {
        op.by_candle(xs)
    }
}

/// The mean of each `side`×`side` square of `xs` `(b, h, w, c)`; a remainder at the border is left out. Differentiable.
///
/// # Errors
/// If the images are smaller than a square.
pub fn avg_pool(xs: &Tensor, side: usize) -> Result<Tensor> {
    let (batch, height, width, channels) = xs.dims4()?;
    let (rows, columns) = (height / side, width / side);
    xs.narrow(1, 0, rows * side)?
        .narrow(2, 0, columns * side)?
        .contiguous()?
        .reshape(&[batch, rows, side, columns, side, channels][..])?
        .mean(4)?
        .mean(2)
}

/// Means of `xs` `(b, h, w, c)` over areas that divide it into `side`×`side`, as evenly as pixels allow (PyTorch's
/// `AdaptiveAvgPool2d`). The pixels of a smaller image are repeated. Differentiable.
///
/// # Errors
/// If `xs` is not a batch of images.
pub fn adaptive_avg_pool(xs: &Tensor, side: usize) -> Result<Tensor> {
    let (_, height, width, _) = xs.dims4()?;
    if (height, width) == (side, side) {
        return Ok(xs.clone());
    }
    let shrink = |xs: &Tensor, dim: usize, len: usize| {
        let areas = (0..side).map(|area| {
            let (start, end) = (area * len / side, ((area + 1) * len).div_ceil(side));
            xs.narrow(dim, start, end - start)?.mean_keepdim(dim)
        });
        Tensor::cat(&areas.collect::<Result<Vec<_>>>()?, dim)
    };
    shrink(&shrink(xs, 1, height)?, 2, width)
}

struct MaxPool(Windows);

impl MaxPool {
    /// Values of an image's results.
    fn out_len(&self) -> usize {
        self.0.n_rows() * self.0.n_columns() * self.0.channels
    }

    /// Calls `visit(result, pixel)` for each result and each pixel of its window, in order, with the offsets of their first
    /// channels.
    fn for_each_pixel(&self, mut visit: impl FnMut(usize, usize)) {
        let windows = &self.0;
        let (columns, channels) = (windows.n_columns(), windows.channels);
        for row in 0..windows.n_rows() {
            for column in 0..columns {
                for y in windows.span(row, windows.height) {
                    for x in windows.span(column, windows.width) {
                        visit(
                            (row * columns + column) * channels,
                            (y * windows.width + x) * channels,
                        );
                    }
                }
            }
        }
    }

    /// The same with candle's operations, for other devices. Repeating a border pixel changes no maximum, because every
    /// window that covers the copy covers the pixel too.
    fn by_candle(&self, xs: &Tensor) -> Result<Tensor> {
        let padding = self.0.padding;
        let padded = xs
            .pad_with_same(1, padding, padding)?
            .pad_with_same(2, padding, padding)?;
        let taps = self.0.taps_by_candle(&padded)?.into_iter();
        let largest = taps.map(Ok).reduce(|largest, tap| largest?.maximum(&tap?));
        largest.unwrap_or_else(|| bail!("a window of 0×0 has no maximum"))
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "fervis-max-pool"
    }

    fn cpu_fwd(&self, xs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let xs = contiguous_f32(xs, layout)?;
        let (image_len, channels) = (self.0.image_len(), self.0.channels);
        let batch = xs.len() / image_len;
        let mut ys = vec![f32::NEG_INFINITY; batch * self.out_len()];
        xs.par_chunks_exact(image_len)
            .zip(ys.par_chunks_exact_mut(self.out_len()))
            .for_each(|(image, ys)| {
                self.for_each_pixel(|result, pixel| {
                    let ys = ys[result..][..channels].iter_mut();
                    for (y, x) in ys.zip(&image[pixel..][..channels]) {
                        *y = if *x > *y { *x } else { *y };
                    }
                });
            });
        let (rows, columns) = (self.0.n_rows(), self.0.n_columns());
        Ok((
            CpuStorage::F32(ys),
            Shape::from((batch, rows, columns, channels)),
        ))
    }

    fn bwd(&self, xs: &Tensor, ys: &Tensor, grad_ys: &Tensor) -> Result<Option<Tensor>> {
        let mut grad_xs = vec![0.0; xs.elem_count()];
        let mut passed = vec![false; ys.elem_count()];
        let (image_len, out_len) = (self.0.image_len(), self.out_len());
        with_f32([xs, ys, &grad_ys.contiguous()?], |[xs, ys, grad_ys]| {
            grad_xs
                .par_chunks_exact_mut(image_len)
                .zip(xs.par_chunks_exact(image_len))
                .zip(ys.par_chunks_exact(out_len))
                .zip(grad_ys.par_chunks_exact(out_len))
                .zip(passed.par_chunks_exact_mut(out_len))
                .for_each(|((((grad_xs, xs), ys), grad_ys), passed)| {
                    self.for_each_pixel(|result, pixel| {
                        for channel in 0..self.0.channels {
                            let (from, to) = (result + channel, pixel + channel);
                            if !passed[from] && xs[to] == ys[from] {
                                grad_xs[to] += grad_ys[from];
                                passed[from] = true;
                            }
                        }
                    });
                });
        })?;
        Ok(Some(Tensor::from_vec(grad_xs, xs.shape(), xs.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::super::test_support::{assert_close, random};
    use super::*;

    #[test]
    fn maxima_agree_with_candle_over_many_shapes() {
        for (shape, kernel, stride, padding) in [
            ((2, 4, 6, 3), 2, 2, 0),
            ((1, 3, 3, 5), 2, 2, 0),
            ((2, 12, 9, 4), 3, 2, 1),
            ((1, 1, 2, 1), 3, 2, 1),
        ] {
            let xs = Var::from_tensor(&random(shape, 1)).unwrap();
            let (_, height, width, channels) = shape;
            let op = MaxPool(Windows {
                height,
                width,
                channels,
                kernel,
                stride,
                padding,
            });
            let ys = max_pool(&xs, kernel, stride, padding).unwrap();
            let expected = op.by_candle(&xs).unwrap();
            assert_close(&ys, &expected, 0.0);
            // Candle divides the gradient between a border pixel and its copies; it all returns to the pixel.
            let seen = random(ys.shape(), 2);
            let gradient = |ys: &Tensor| {
                let grads = (ys * &seen).unwrap().sum_all().unwrap().backward();
                grads.unwrap().remove(&xs).unwrap()
            };
            assert_close(&gradient(&ys), &gradient(&expected), 1e-5);
        }
        assert!(max_pool(&random((1, 1, 1, 1), 1), 2, 2, 0).is_err());
    }

    #[test]
    fn equal_values_pass_one_gradient() {
        let xs = Var::ones((1, 2, 2, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
        let ys = max_pool(&xs, 2, 2, 0).unwrap();
        let grads = ys.sum_all().unwrap().backward().unwrap();
        let grad = grads.get(&xs).unwrap().flatten_all().unwrap();
        assert_eq!(grad.to_vec1::<f32>().unwrap(), [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn means_agree_with_pytorch() {
        let xs = Tensor::arange(0f32, 15.0, &Device::Cpu)
            .unwrap()
            .reshape((1, 3, 5, 1))
            .unwrap();
        let values = |ys: Tensor| ys.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(avg_pool(&xs, 2).unwrap()), [3.0, 5.0]);
        // F.adaptive_avg_pool2d(torch.arange(15.).reshape(1, 1, 3, 5), 2)
        assert_eq!(
            values(adaptive_avg_pool(&xs, 2).unwrap()),
            [3.5, 5.5, 8.5, 10.5]
        );
        let one = xs.narrow(1, 0, 1).unwrap().narrow(2, 1, 1).unwrap();
        assert_eq!(values(adaptive_avg_pool(&one, 2).unwrap()), [1.0; 4]);
    }
}
