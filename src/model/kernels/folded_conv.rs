//! Convolution, bias, ReLU and 2×2 maximum pooling in one pass, for inference.
//!
//! The kernels are packed once, for the size of the first images: the fastest method depends on it (`winograd`). The
//! full-size result of the convolution exists only in a buffer of the thread.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
};

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::{
    conv2d,
    convolution::{Scratch, pack_kernels},
    grid::ConvShape,
    norm::{Affine, add_bias, normalize_and_pool},
    panels::Panels,
    patches::by_patches,
    slices::{contiguous_f32, is_cpu_f32, with_f32},
    winograd::{Finish, Winograd, best},
};

thread_local! {
    static SCRATCH: RefCell<Scratch<f32>> = RefCell::default();
}

/// Options of a convolution for inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldedConvConfig {
    /// Pixels from one output to the next.
    pub stride: usize,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Whether 2×2 maximum pooling follows.
    pub pool: bool,
}

impl FoldedConvConfig {
    /// Stride 1 and ReLU.
    pub const RELU: Self = Self {
        stride: 1,
        relu: true,
        pool: false,
    };
    /// Stride 1, ReLU and pooling.
    pub const RELU_POOL: Self = Self {
        pool: true,
        ..Self::RELU
    };

    fn floor(self) -> f32 {
        if self.relu { 0.0 } else { f32::NEG_INFINITY }
    }

    fn rows_per_result(self) -> usize {
        if self.pool { 2 } else { 1 }
    }
}

/// A convolution for inference, with normalization folded into its weights.
pub struct FoldedConv {
    weight: Tensor,
    bias: Tensor,
    config: FoldedConvConfig,
    /// On the CPU: the packed kernels, from the first image on.
    packed: OnceLock<Arc<Packed>>,
}

/// A layer packed for the CPU.
enum Packed {
    Plain(Plain),
    Winograd(Winograd, FoldedConvConfig),
}

struct Plain {
    kernels: Panels<f32>,
    /// Height and width are those of the images that are convolved.
    shape: ConvShape,
    /// All 1.
    scale: Vec<f32>,
    bias: Vec<f32>,
    config: FoldedConvConfig,
}

impl FoldedConv {
    /// Takes kernels `(c_out, c_in, k, k)` and biases `(c_out,)`.
    ///
    /// # Errors
    /// If the shapes do not fit together or `k` is even.
    pub fn new(weight: &Tensor, bias: &Tensor, config: FoldedConvConfig) -> Result<Self> {
        let (c_out, _, kernel, kernel_width) = weight.dims4()?;
        if kernel != kernel_width || kernel % 2 == 0 || bias.dims() != [c_out] {
            bail!(
                "no convolution has kernels {:?} and biases {:?}",
                weight.shape(),
                bias.shape()
            )
        }
        Ok(Self {
            weight: weight.contiguous()?,
            bias: bias.contiguous()?,
            config,
            packed: OnceLock::new(),
        })
    }

    /// Convolves `xs` `(b, h, w, c_in)` with zero padding `k / 2`, adds the biases, and applies ReLU and pooling as
    /// configured: `(b, h', w', c_out)`. Not differentiable.
    ///
    /// # Errors
    /// If `xs` has other channels, or the images to pool have an odd height or width.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let (_, height, width, channels) = xs.dims4()?;
        let (_, c_in, kernel, _) = self.weight.dims4()?;
        let stride = self.config.stride;
        let results = |side: usize| side.div_ceil(stride);
        let even = results(height).is_multiple_of(2) && results(width).is_multiple_of(2);
        if channels != c_in || self.config.pool && !even {
            bail!(
                "cannot convolve {:?} with kernels {:?} as {:?}",
                xs.shape(),
                self.weight.shape(),
                self.config
            )
        }
        if !is_cpu_f32(&self.weight) || !is_cpu_f32(xs) {
            return self.by_candle(xs);
        }
        let packed = self.packed(height, width)?;
        let xs = if stride == 1 {
            xs.contiguous()?
        } else {
            by_patches(xs, kernel, stride)?
        };
        xs.apply_op1_no_bwd(&Op(packed))
    }

    /// The packed layer; if there is none yet, it is packed for images of this size.
    fn packed(&self, height: usize, width: usize) -> Result<Arc<Packed>> {
        if let Some(packed) = self.packed.get() {
            return Ok(Arc::clone(packed));
        }
        let packed = Packed::new(&self.weight, &self.bias, self.config, height, width)?;
        Ok(Arc::clone(self.packed.get_or_init(|| Arc::new(packed))))
    }

    /// The same with candle's operations, for other devices.
    #[expect(clippy::disallowed_methods, reason = "nothing asks for its gradient")]
    fn by_candle(&self, xs: &Tensor) -> Result<Tensor> {
        let FoldedConvConfig { stride, relu, pool } = self.config;
        let ys = conv2d::by_candle(xs, &self.weight, Some(&self.bias), stride, relu)?;
        if pool {
            ys.permute((0, 3, 1, 2))?
                .contiguous()?
                .max_pool2d(2)?
                .permute((0, 2, 3, 1))?
                .contiguous()
        } else {
            Ok(ys)
        }
    }
}

impl Packed {
    fn new(
        weight: &Tensor,
        bias: &Tensor,
        config: FoldedConvConfig,
        height: usize,
        width: usize,
    ) -> Result<Self> {
        let (_, c_in, kernel, _) = weight.dims4()?;
        let fits = kernel == 3 && config.stride == 1 && Winograd::takes(c_in);
        if let Some(square) = best(height, width).filter(|_| fits) {
            let bias = bias.to_vec1::<f32>()?;
            let winograd = with_f32([weight], |[weight]| {
                Winograd::new(weight, &bias, c_in, square)
            })?;
            return Ok(Self::Winograd(winograd, config));
        }
        Ok(Self::Plain(Plain::new(weight, bias, config)?))
    }

    /// Images `(b, height, width, c_in)` to results, and the results' height, width and channels.
    fn convolve(&self, xs: &[f32], height: usize, width: usize) -> (Vec<f32>, [usize; 3]) {
        let (ys, config, c_out) = match self {
            Self::Plain(plain) => (
                plain.convolve(xs, height, width),
                plain.config,
                plain.shape.c_out,
            ),
            Self::Winograd(winograd, config) => {
                let finish = Finish {
                    floor: config.floor(),
                    pool: config.pool,
                };
                let ys = winograd.convolve(xs, height, width, finish);
                (ys, *config, winograd.c_out())
            }
        };
        let shrink = config.rows_per_result();
        (ys, [height / shrink, width / shrink, c_out])
    }
}

impl Plain {
    fn new(weight: &Tensor, bias: &Tensor, config: FoldedConvConfig) -> Result<Self> {
        let weight = if config.stride == 1 {
            weight.clone()
        } else {
            conv2d::kernels_of_patches(weight)?
        };
        let (c_out, c_in, kernel, _) = weight.dims4()?;
        let shape = ConvShape {
            c_in,
            c_out,
            height: 0,
            width: 0,
            kernel,
        };
        Ok(Self {
            kernels: with_f32([&weight], |[weight]| pack_kernels(weight, &shape))?,
            shape,
            scale: vec![1.0; c_out],
            bias: bias.to_vec1()?,
            config,
        })
    }

    fn convolve(&self, xs: &[f32], height: usize, width: usize) -> Vec<f32> {
        let Self {
            kernels,
            shape,
            scale,
            bias,
            config,
        } = self;
        let affine = Affine {
            scale,
            shift: bias,
            floor: config.floor(),
        };
        let rows_per_result = config.rows_per_result();
        let (height_out, width_out) = (height / rows_per_result, width / rows_per_result);
        let (row_len, out_row_len) = (width * shape.c_in, width_out * shape.c_out);
        let (image_len, out_len) = (height * row_len, height_out * out_row_len);
        let batch = xs.len() / image_len;
        let mut ys = vec![0.0; batch * out_len];
        // All threads share a single face, in bands of rows; several faces take one thread each.
        let n_bands = if batch < rayon::current_num_threads() {
            rayon::current_num_threads()
        } else {
            1
        };
        let band_rows = height_out.div_ceil(n_bands);
        let images = xs.chunks_exact(image_len).zip(ys.chunks_exact_mut(out_len));
        let bands: Vec<_> = images
            .flat_map(|(image, out)| {
                let bands = out.chunks_mut(band_rows * out_row_len).enumerate();
                bands.map(move |(band, out)| (image, rows_per_result * band * band_rows, out))
            })
            .collect();
        let margin = shape.kernel / 2;
        bands.into_par_iter().for_each(|(image, first, out)| {
            let n_rows = out.len() / out_row_len * rows_per_result;
            // Only the rows that the kernels reach are laid out. Where that cuts the image, the results at the cut are
            // wrong, but they are not used.
            let reached = first.saturating_sub(margin)..(first + n_rows + margin).min(height);
            let shape = ConvShape {
                height: reached.len(),
                width,
                ..*shape
            };
            let image = &image[reached.start * row_len..reached.end * row_len];
            let first = first - reached.start;
            SCRATCH.with_borrow_mut(|scratch| {
                let flat = scratch.convolve_rows(image, kernels, &shape, first..first + n_rows);
                for (index, out) in out.chunks_exact_mut(out_row_len).enumerate() {
                    if config.pool {
                        let rows = [flat.row(2 * index), flat.row(2 * index + 1)];
                        normalize_and_pool(rows, flat.stride, affine, out);
                    } else {
                        add_bias(flat.row(index), flat.stride, bias, affine.floor, out);
                    }
                }
            });
        });
        ys
    }
}

struct Op(Arc<Packed>);

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "fervis-folded-conv"
    }

    fn cpu_fwd(&self, xs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, height, width, _) = layout.shape().dims4()?;
        let xs = contiguous_f32(xs, layout)?;
        let (ys, [height, width, c_out]) = self.0.convolve(xs, height, width);
        Ok((
            CpuStorage::F32(ys),
            Shape::from((batch, height, width, c_out)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{assert_close, random};
    use super::*;

    fn check(
        xs: (usize, usize, usize, usize),
        c_out: usize,
        kernel: usize,
        config: FoldedConvConfig,
    ) {
        let (_, _, _, c_in) = xs;
        let xs = random(xs, 1);
        let weight = random((c_out, c_in, kernel, kernel), 2);
        let bias = random(c_out, 3);
        let conv = FoldedConv::new(&weight, &bias, config).unwrap();
        assert_close(
            &conv.forward(&xs).unwrap(),
            &conv.by_candle(&xs).unwrap(),
            1e-4,
        );
    }

    #[test]
    fn agrees_with_candle_over_many_shapes() {
        for (xs, c_out, kernel) in [
            ((1, 2, 2, 1), 1, 3),
            ((3, 48, 48, 1), 8, 3),
            ((1, 6, 10, 5), 7, 3),
            ((2, 8, 8, 16), 20, 5),
            ((1, 12, 12, 64), 32, 3),
            ((4, 4, 4, 3), 2, 1),
        ] {
            check(xs, c_out, kernel, FoldedConvConfig::RELU_POOL);
            check(xs, c_out, kernel, FoldedConvConfig::RELU);
        }
        let strided = FoldedConvConfig {
            stride: 2,
            relu: false,
            pool: false,
        };
        for (xs, c_out, kernel) in [
            ((1, 12, 12, 3), 5, 7),
            ((3, 7, 5, 20), 16, 3),
            ((2, 5, 6, 4), 3, 1),
        ] {
            check(xs, c_out, kernel, strided);
        }
        check((1, 9, 7, 4), 5, 3, FoldedConvConfig::RELU);
    }

    #[test]
    fn wrong_shapes_are_errors() {
        let new = |weight: (usize, usize, usize, usize), n_biases: usize| {
            FoldedConv::new(
                &random(weight, 1),
                &random(n_biases, 1),
                FoldedConvConfig::RELU_POOL,
            )
        };
        assert!(new((2, 1, 2, 2), 2).is_err());
        assert!(new((2, 1, 3, 3), 3).is_err());
        let conv = new((2, 3, 3, 3), 2).unwrap();
        assert!(conv.forward(&random((1, 4, 4, 2), 1)).is_err());
        assert!(conv.forward(&random((1, 3, 4, 3), 1)).is_err());
    }
}
