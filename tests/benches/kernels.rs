//! Our CPU kernels against candle's own operations, for the shapes of the three-block network.
//!
//! `cargo bench --bench kernels`. Both run in the same process with the same threads, so the ratio holds on a busy
//! machine too, where the times do not. A training step here is forward, loss and backward, without the optimizer.

mod timing;

use std::collections::HashMap;

use anyhow::Result;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::{
    BatchNorm, Conv2d, Conv2dConfig, Linear, Module, ModuleT, VarBuilder, VarMap, batch_norm,
    conv2d_no_bias, linear, loss::cross_entropy,
};
use fervis::{
    expression::N_EXPRESSIONS,
    model::{
        Precision,
        kernels::{self, ConvNormConfig},
        net::{Architecture, ThreeBlockConfig},
        preprocess::InputSpec,
    },
};

use self::timing::{Timing, measure};

const INPUT: InputSpec = InputSpec::FER_2013;
const BATCH: usize = 64;
const EPSILON: f32 = 1e-5;
/// Channels in and out of each block, and the side of its input.
const BLOCKS: [(usize, usize, usize); 3] = [(1, 64, 48), (64, 128, 24), (128, 256, 12)];

fn main() -> Result<()> {
    println!(
        "{:44} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "", "ours", "", "candle", "", "candle"
    );
    println!(
        "{:44} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "CPU, batch 64 unless said", "p50 ms", "p95 ms", "p50 ms", "p95 ms", "/ ours"
    );
    for precision in precisions() {
        println!("{precision:?}");
        blocks(precision)?;
        training_step(precision)?;
    }
    inference()
}

fn three_block() -> Architecture {
    Architecture::ThreeBlock(ThreeBlockConfig::default())
}

/// f32, and the precision that training uses here, if it differs.
fn precisions() -> Vec<Precision> {
    let mut precisions = vec![Precision::F32, Precision::fastest()];
    precisions.dedup();
    precisions
}

fn row(name: &str, ours: Timing, candle: Timing) {
    let ratio = candle.p50.as_secs_f64() / ours.p50.as_secs_f64();
    println!("{name:44} {ours} {candle} {ratio:7.1}");
}

fn random(shape: impl Into<candle_core::Shape>) -> Result<Tensor> {
    Ok(Tensor::randn(0f32, 1.0, shape, &Device::Cpu)?)
}

/// Measures `forward` and its gradients, after one run that returns any error.
fn forward_backward(forward: impl Fn() -> candle_core::Result<Tensor>) -> Result<Timing> {
    let run = || forward()?.sum_all()?.backward();
    run()?;
    Ok(measure(|| run().is_ok()))
}

/// Convolution, batch normalization, ReLU and pooling with all gradients.
#[expect(
    clippy::disallowed_methods,
    reason = "the time is compared, not the gradient"
)]
fn blocks(precision: Precision) -> Result<()> {
    for (block, (c_in, c_out, side)) in BLOCKS.into_iter().enumerate() {
        let weight = Var::from_tensor(&random((c_out, c_in, 3, 3))?)?;
        let affine = Var::from_tensor(&random((2, c_out))?)?;
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let norm = batch_norm(c_out, f64::from(EPSILON), vb)?;
        // Images require no gradient; the output of a block does.
        let images = |shape| -> Result<Tensor> {
            let xs = random(shape)?;
            Ok(if block == 0 {
                xs
            } else {
                Var::from_tensor(&xs)?.as_tensor().clone()
            })
        };
        let channels_last = images((BATCH, side, side, c_in))?;
        let channels_first = images((BATCH, c_in, side, side))?;
        let config = ConvNormConfig {
            epsilon: EPSILON,
            relu: true,
            pool: true,
            precision,
        };
        row(
            &format!("block {c_in} → {c_out}, {side}×{side}, with gradients"),
            forward_backward(|| {
                Ok(kernels::conv_norm(&channels_last, &weight, &affine, config)?.0)
            })?,
            forward_backward(|| {
                let xs = channels_first.conv2d(&weight, 1, 1, 1, 1)?;
                norm.forward_t(&xs, true)?.relu()?.max_pool2d(2)
            })?,
        );
    }
    Ok(())
}

fn training_step(precision: Precision) -> Result<()> {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let ours = three_block().trainable(&INPUT, N_EXPRESSIONS, precision, &vb)?;
    let stock_vars = VarMap::new();
    let stock = StockThreeBlock::new(&VarBuilder::from_varmap(
        &stock_vars,
        DType::F32,
        &Device::Cpu,
    ))?;
    let images = random((BATCH, 1, 48, 48))?;
    let labels: Vec<u32> = (0..BATCH).map(|at| (at % N_EXPRESSIONS) as u32).collect();
    let labels = Tensor::new(labels, &Device::Cpu)?;
    let mut keep_all = |shape: &[usize], _: f32| Tensor::ones(shape, DType::F32, &Device::Cpu);
    let mut our_step = || {
        let logits = ours.forward_train(&images, &mut keep_all)?;
        cross_entropy(&logits, &labels)?.backward()
    };
    let stock_step = || cross_entropy(&stock.forward(&images, true)?, &labels)?.backward();
    our_step()?;
    stock_step()?;
    let our_timing = measure(|| our_step().is_ok());
    let stock_timing = measure(|| stock_step().is_ok());
    row("three-block, training step", our_timing, stock_timing);
    for (what, timing) in [("ours", our_timing), ("candle", stock_timing)] {
        let images_per_second = BATCH as f64 / timing.p50.as_secs_f64();
        println!("  {what}: {images_per_second:.0} images/s");
    }
    Ok(())
}

fn inference() -> Result<()> {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    three_block().trainable(&INPUT, N_EXPRESSIONS, Precision::F32, &vb)?;
    let stock_vars = VarMap::new();
    let stock = StockThreeBlock::new(&VarBuilder::from_varmap(
        &stock_vars,
        DType::F32,
        &Device::Cpu,
    ))?;
    let data = vars
        .data()
        .lock()
        .map_err(|_| anyhow::anyhow!("a panic before"))?;
    // As training stores the weights, and as the bundled checkpoints do.
    for dtype in [DType::F32, DType::F16] {
        let weights = data.iter().map(|(name, var)| {
            let weight = var.as_detached_tensor().to_dtype(dtype)?;
            Ok((name.clone(), weight))
        });
        let weights: HashMap<String, Tensor> = weights.collect::<Result<_>>()?;
        let folded = three_block().inference(&INPUT, N_EXPRESSIONS, &weights, &Device::Cpu)?;
        for n_faces in [1, 4] {
            let faces = random((n_faces, 1, 48, 48))?;
            folded.forward(&faces)?;
            stock.forward(&faces, false)?;
            row(
                &format!("three-block, weights in {dtype:?}, faces: {n_faces}"),
                measure(|| folded.forward(&faces).is_ok()),
                measure(|| stock.forward(&faces, false).is_ok()),
            );
        }
    }
    Ok(())
}

/// The same network written with candle's own layers.
struct StockThreeBlock {
    blocks: Vec<(Conv2d, BatchNorm)>,
    fc1: Linear,
    fc2: Linear,
}

impl StockThreeBlock {
    fn new(vb: &VarBuilder) -> candle_core::Result<Self> {
        let same = Conv2dConfig {
            padding: 1,
            ..Conv2dConfig::default()
        };
        let block = |(number, (c_in, c_out, _)): (usize, (usize, usize, usize))| {
            let vb = vb.pp(number);
            let conv = conv2d_no_bias(c_in, c_out, 3, same, vb.pp("conv"))?;
            Ok((conv, batch_norm(c_out, f64::from(EPSILON), vb.pp("bn"))?))
        };
        Ok(Self {
            blocks: BLOCKS
                .into_iter()
                .enumerate()
                .map(block)
                .collect::<candle_core::Result<_>>()?,
            fc1: linear(256 * 6 * 6, 512, vb.pp("fc1"))?,
            fc2: linear(512, N_EXPRESSIONS, vb.pp("fc2"))?,
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the time is compared, not the gradient"
    )]
    fn forward(&self, xs: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        let mut xs = xs.clone();
        for (conv, norm) in &self.blocks {
            let ys = norm.forward_t(&conv.forward(&xs)?, train)?;
            xs = ys.relu()?.max_pool2d(2)?;
        }
        let xs = self.fc1.forward(&xs.flatten_from(1)?)?.relu()?;
        self.fc2.forward(&xs)
    }
}
