//! Against candle's operations, with every instruction set that this processor has.

use candle_core::{Device, Result, Tensor};

use super::{image::CHANNEL_STEP, *};
use crate::model::kernels::{
    cpu::{Simd, simd},
    test_support::{assert_close, random},
};

fn kinds() -> Vec<Simd> {
    let kinds = [
        Simd::Portable,
        #[cfg(target_arch = "aarch64")]
        Simd::Neon,
        Simd::Avx2,
        Simd::Avx512,
    ];
    kinds.into_iter().filter(|kind| *kind <= simd()).collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// From `(1, c, h, w)`. The padding after a pixel's last vector must not be read.
fn image(tensor: &Tensor) -> Image {
    let (_, channels, height, width) = tensor.dims4().unwrap();
    let mut image = Image::default();
    image.reshape(height, width, channels);
    image.values.fill(f32::NAN);
    let stride = image.pixel_stride();
    let pixels = values(&tensor.permute((0, 2, 3, 1)).unwrap());
    for (pixel, out) in pixels
        .chunks_exact(channels)
        .zip(image.values.chunks_exact_mut(stride))
    {
        out[..channels].copy_from_slice(pixel);
        // The padding of a vector that holds a channel is zero.
        out[channels..channels.next_multiple_of(CHANNEL_STEP)].fill(0.0);
    }
    image
}

/// To `(1, c, h, w)`.
fn tensor(image: &Image) -> Tensor {
    let pixels: Vec<f32> = image.pixels().flatten().copied().collect();
    let shape = (1, image.height, image.width, image.channels);
    let pixels = Tensor::from_vec(pixels, shape, &Device::Cpu).unwrap();
    pixels.permute((0, 3, 1, 2)).unwrap().contiguous().unwrap()
}

/// TensorFlow's "same" padding: enough zeros for ⌈side / stride⌉ outputs, the odd one at the end.
fn pad(xs: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let mut xs = xs.clone();
    for dim in [2, 3] {
        let side = xs.dim(dim)?;
        let n_out = side.div_ceil(stride);
        let total = ((n_out - 1) * stride + kernel).saturating_sub(side);
        xs = xs.pad_with_zeros(dim, total / 2, total - total / 2)?;
    }
    Ok(xs)
}

fn per_channel(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, (), 1, 1))
}

fn activate(xs: &Tensor, slope: &Tensor) -> Result<Tensor> {
    xs.relu()? + xs.minimum(0.0)?.broadcast_mul(&per_channel(slope)?)?
}

struct Case {
    xs: Tensor,
    depthwise: [Tensor; 2],
    pointwise: [Tensor; 2],
    slope: Tensor,
    stride: usize,
}

impl Case {
    fn new([height, width, c_in, c_out, stride]: [usize; 5]) -> Self {
        Self {
            xs: random((1, c_in, height, width), 1),
            depthwise: [random((c_in, 1, 3, 3), 2), random(c_in, 3)],
            pointwise: [random((c_out, c_in, 1, 1), 4), random(c_out, 5)],
            slope: random(c_out, 6),
            stride,
        }
    }

    fn by_candle(&self) -> Result<Tensor> {
        let (c_in, stride) = (self.xs.dim(1)?, self.stride);
        let [weight, bias] = &self.depthwise;
        let ys = pad(&self.xs, 3, stride)?.conv2d(weight, 0, stride, 1, c_in)?;
        let ys = ys.broadcast_add(&per_channel(bias)?)?;
        let [weight, bias] = &self.pointwise;
        let ys = ys
            .conv2d(weight, 0, 1, 1, 1)?
            .broadcast_add(&per_channel(bias)?)?;
        let mut residual = self.xs.clone();
        if stride == 2 {
            for dim in [2, 3] {
                let odd = residual.dim(dim)? % 2;
                residual = residual.pad_with_same(dim, 0, odd)?;
            }
            residual = residual.max_pool2d(2)?;
        }
        let new = ys.dim(1)? - c_in;
        activate(&(ys + residual.pad_with_zeros(1, 0, new)?)?, &self.slope)
    }

    fn by_block(&self, simd: Simd, out: &mut Image, buffers: &mut Buffers) -> Tensor {
        let [dw, db, pw, pb] = [
            &self.depthwise[0],
            &self.depthwise[1],
            &self.pointwise[0],
            &self.pointwise[1],
        ]
        .map(values);
        let slope = values(&self.slope);
        let layer = |weight, bias| Layer { weight, bias };
        let block = Separable::with_simd(
            simd,
            layer(&dw, &db),
            layer(&pw, &pb),
            Slope::Of(&slope),
            self.stride,
        );
        block.run(&image(&self.xs), out, buffers);
        tensor(out)
    }
}

#[test]
fn a_block_agrees_with_candle_over_many_shapes() {
    for kind in kinds() {
        // Shared by all cases: what one leaves there must not affect the next.
        let (mut out, mut buffers) = (Image::default(), Buffers::default());
        for shape in [
            [3, 3, 128, 128, 1],
            [1, 1, 1, 1, 1],
            [1, 1, 8, 9, 2],
            [5, 7, 24, 28, 1],
            [7, 5, 36, 42, 2],
            [6, 6, 32, 48, 2],
            [2, 2, 16, 16, 2],
            [1, 5, 17, 40, 2],
            [2, 1, 5, 70, 1],
            [13, 20, 88, 96, 1],
            [40, 41, 3, 3, 1],
            [33, 64, 20, 20, 2],
        ] {
            let case = Case::new(shape);
            let actual = case.by_block(kind, &mut out, &mut buffers);
            assert_close(&actual, &case.by_candle().unwrap(), 1e-4);
        }
    }
}

#[test]
fn instruction_sets_agree() {
    let case = Case::new([12, 11, 72, 80, 1]);
    let results = kinds()
        .into_iter()
        .map(|kind| case.by_block(kind, &mut Image::default(), &mut Buffers::default()));
    let results: Vec<Tensor> = results.collect();
    for result in &results[1..] {
        assert_close(result, &results[0], 1e-5);
    }
}

#[test]
fn the_first_convolution_agrees_with_candle() {
    for kind in kinds() {
        let (mut out, mut buffers) = (Image::default(), Buffers::default());
        for [height, width, c_out, kernel] in [
            [8, 8, 24, 5],
            [7, 5, 16, 3],
            [1, 1, 4, 5],
            [9, 6, 20, 3],
            [64, 50, 33, 3],
            [2, 3, 8, 2],
        ] {
            let xs = random((1, 3, height, width), 1);
            let weight = random((c_out, 3, kernel, kernel), 2);
            let (bias, slope) = (random(c_out, 3), random(c_out, 4));
            let rgb = values(&xs.permute((0, 2, 3, 1)).unwrap());
            let slopes = values(&slope);
            let stem = Stem::with_simd(kind, &values(&weight), &values(&bias), Slope::Of(&slopes));
            stem.run(&rgb, width, &mut out, &mut buffers);
            let ys = pad(&xs, kernel, 2)
                .unwrap()
                .conv2d(&weight, 0, 2, 1, 1)
                .unwrap();
            let ys = ys.broadcast_add(&per_channel(&bias).unwrap()).unwrap();
            assert_close(&tensor(&out), &activate(&ys, &slope).unwrap(), 1e-4);
        }
    }
}

#[test]
fn products_over_channels_agree_with_candle() {
    for kind in kinds() {
        let (mut out, mut buffers) = (Image::default(), Buffers::default());
        for [height, width, c_in, c_out, whole] in [
            [3, 3, 128, 32, 0],
            [1, 1, 5, 3, 0],
            [4, 5, 96, 102, 0],
            [3, 3, 32, 1404, 1],
            [1, 2, 16, 1, 1],
        ] {
            let xs = random((1, c_in, height, width), 1);
            let kernel = if whole == 1 { (height, width) } else { (1, 1) };
            let weight = random((c_out, c_in, kernel.0, kernel.1), 2);
            let bias = random(c_out, 3);
            let layer =
                Pointwise::with_simd(kind, &values(&weight), c_in, &values(&bias), Slope::One);
            if whole == 1 {
                layer.run_whole(&image(&xs), &mut out);
            } else {
                layer.run(&image(&xs), &mut out, &mut buffers);
            }
            let ys = xs.conv2d(&weight, 0, 1, 1, 1).unwrap();
            let ys = ys.broadcast_add(&per_channel(&bias).unwrap()).unwrap();
            assert_close(&tensor(&out), &ys, 1e-4);
        }
    }
}

#[test]
fn negative_values_have_their_slope() {
    for kind in kinds() {
        for (slope, expected) in [
            (Slope::Zero, [0.0, 2.0]),
            (Slope::One, [-2.0, 2.0]),
            (Slope::Of(&[0.25, 3.0]), [-0.5, 2.0]),
        ] {
            let layer = Pointwise::with_simd(kind, &[-1.0, 1.0], 1, &[0.0, 0.0], slope);
            let one = Tensor::from_vec(vec![2f32], (1, 1, 1, 1), &Device::Cpu).unwrap();
            let mut out = Image::default();
            layer.run(&image(&one), &mut out, &mut Buffers::default());
            assert_eq!(out.pixels().next().unwrap(), expected);
        }
    }
}

#[test]
#[should_panic(expected = "image.channels == self.c_in")]
fn an_image_with_other_channels_is_never_read() {
    let case = Case::new([4, 4, 16, 16, 1]);
    let mut other = Case::new([4, 4, 32, 32, 1]);
    other.xs = case.xs;
    other.by_block(simd(), &mut Image::default(), &mut Buffers::default());
}
