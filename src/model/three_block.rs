//! The reference network: three convolution blocks and two linear layers.
//!
//! ```text
//! (b, 1, 48, 48) ─ [conv 3×3 64 → BN → ReLU → max-pool] ─ [128] ─ [256] ─ Dropout2d 0.25
//!                ─ flatten 9216 ─ linear 512 → ReLU → Dropout 0.5 ─ linear 7
//! ```
//!
//! [`ThreeBlock`] trains. [`FoldedThreeBlock`] infers: batch normalisation is folded into the convolutions, so it must
//! be built from finished weights and never sees a gradient. The names of the weights are part of the checkpoint
//! format (`block1.conv.weight`, `block1.bn.running_mean`, …, `fc2.bias`).

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{Init, VarBuilder};
use serde::{Deserialize, Serialize};

use super::{
    kernels::{conv_relu_pool, conv2d, norm_relu_pool},
    network::{InferenceNet, TrainableNet},
    preprocess::InputSpec,
};

/// Added to the variance before its root, PyTorch's default.
const BATCH_NORM_EPSILON: f32 = 1e-5;
/// Weight of the newest batch in the running estimates, PyTorch's default.
const BATCH_NORM_MOMENTUM: f64 = 0.1;
const KERNEL: usize = 3;

/// Sizes of the network, stored in the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreeBlockConfig {
    /// Channels after each block.
    pub channels: [usize; 3],
    /// Width of the hidden linear layer.
    pub hidden: usize,
    /// Share of whole channels dropped after the last block, in training.
    pub dropout2d: f32,
    /// Share of hidden values dropped, in training.
    pub dropout: f32,
}

impl Default for ThreeBlockConfig {
    fn default() -> Self {
        Self {
            channels: [64, 128, 256],
            hidden: 512,
            dropout2d: 0.25,
            dropout: 0.5,
        }
    }
}

impl ThreeBlockConfig {
    /// Values that the last block leaves for an input of this size.
    fn n_features(&self, input: &InputSpec) -> usize {
        self.channels[2] * (input.height / 8) * (input.width / 8)
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = Vec::new();
        let mut c_in = input.channels;
        for (block, c_out) in (1..).zip(self.channels) {
            shapes.push((
                format!("block{block}.conv.weight"),
                vec![c_out, c_in, KERNEL, KERNEL],
            ));
            for name in ["weight", "bias", "running_mean", "running_var"] {
                shapes.push((format!("block{block}.bn.{name}"), vec![c_out]));
            }
            c_in = c_out;
        }
        for (name, rows, columns) in [
            ("fc1", self.hidden, self.n_features(input)),
            ("fc2", n_classes, self.hidden),
        ] {
            shapes.push((format!("{name}.weight"), vec![rows, columns]));
            shapes.push((format!("{name}.bias"), vec![rows]));
        }
        shapes
    }
}

/// One block while it is trained.
struct Block {
    conv_weight: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Var,
    running_var: Var,
}

impl Block {
    fn new(c_in: usize, c_out: usize, vb: &VarBuilder) -> Result<Self> {
        let conv_weight = vb.get((c_out, c_in, KERNEL, KERNEL), "conv.weight")?;
        let bn = vb.pp("bn");
        Ok(Self {
            conv_weight,
            gamma: bn.get_with_hints(c_out, "weight", Init::Const(1.0))?,
            beta: bn.get_with_hints(c_out, "bias", Init::Const(0.0))?,
            running_mean: Var::from_tensor(&bn.get_with_hints(
                c_out,
                "running_mean",
                Init::Const(0.0),
            )?)?,
            running_var: Var::from_tensor(&bn.get_with_hints(
                c_out,
                "running_var",
                Init::Const(1.0),
            )?)?,
        })
    }

    /// `(b, c_in, h, w)` to `(b, c_out, h/2, w/2)`; moves the running estimates.
    fn forward_train(&self, xs: &Tensor) -> Result<Tensor> {
        let xs = conv2d(xs, &self.conv_weight)?;
        let (ys, batch) = norm_relu_pool(&xs, &self.gamma, &self.beta, BATCH_NORM_EPSILON)?;
        // The running variance estimates the data's, so it is corrected for the batch's size, as PyTorch does.
        let correction = batch.n_values as f32 / (batch.n_values - 1).max(1) as f32;
        let unbiased: Vec<f32> = batch
            .variance
            .iter()
            .map(|variance| variance * correction)
            .collect();
        blend(&self.running_mean, &batch.mean)?;
        blend(&self.running_var, &unbiased)?;
        Ok(ys)
    }
}

/// Moves a running estimate a step towards the newest value.
fn blend(running: &Var, newest: &[f32]) -> Result<()> {
    let newest = Tensor::from_slice(newest, running.dims(), running.device())?;
    let kept = (running.as_detached_tensor() * (1.0 - BATCH_NORM_MOMENTUM))?;
    running.set(&(kept + (newest * BATCH_NORM_MOMENTUM)?)?)
}

/// The network while it is trained.
pub struct ThreeBlock {
    blocks: [Block; 3],
    fc1: (Tensor, Tensor),
    fc2: (Tensor, Tensor),
    config: ThreeBlockConfig,
}

impl ThreeBlock {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        config: &ThreeBlockConfig,
        input: &InputSpec,
        n_classes: usize,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let [c1, c2, c3] = config.channels;
        let linear = |name: &str, rows: usize, columns: usize| -> Result<(Tensor, Tensor)> {
            let vb = vb.pp(name);
            Ok((vb.get((rows, columns), "weight")?, vb.get(rows, "bias")?))
        };
        Ok(Self {
            blocks: [
                Block::new(input.channels, c1, &vb.pp("block1"))?,
                Block::new(c1, c2, &vb.pp("block2"))?,
                Block::new(c2, c3, &vb.pp("block3"))?,
            ],
            fc1: linear("fc1", config.hidden, config.n_features(input))?,
            fc2: linear("fc2", n_classes, config.hidden)?,
            config: config.clone(),
        })
    }
}

impl TrainableNet for ThreeBlock {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = xs.clone(); // (b, 1, 48, 48)
        for block in &self.blocks {
            xs = block.forward_train(&xs)?; // … (b, 256, 6, 6)
        }
        let (batch, channels, _, _) = xs.dims4()?;
        let xs = xs.broadcast_mul(&keep(&[batch, channels, 1, 1], self.config.dropout2d)?)?;
        let xs = linear(&xs.flatten_from(1)?, &self.fc1)?.relu()?; // (b, 512)
        let xs = (&xs * keep(xs.dims(), self.config.dropout)?)?;
        linear(&xs, &self.fc2) // (b, n_classes)
    }
}

/// `xs · weightᵀ + bias`, computed as `(weight · xsᵀ)ᵀ`: this way round the gradient of the weight, the largest tensor of
/// the network, comes out contiguous and need not be copied.
fn linear(xs: &Tensor, (weight, bias): &(Tensor, Tensor)) -> Result<Tensor> {
    weight.matmul(&xs.t()?)?.t()?.broadcast_add(bias)
}

/// The network for inference, batch normalisation folded away.
pub struct FoldedThreeBlock {
    blocks: [(Tensor, Tensor); 3],
    fc1: (Tensor, Tensor),
    fc2: (Tensor, Tensor),
}

impl FoldedThreeBlock {
    /// Folds finished weights, which must have the names and shapes of [`ThreeBlockConfig::weight_shapes`], and puts
    /// them on `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(weights: &HashMap<String, Tensor>, device: &Device) -> Result<Self> {
        let get = |name: &str| match weights.get(name) {
            Some(weight) => weight.to_dtype(candle_core::DType::F32),
            None => candle_core::bail!("weight {name} is missing"),
        };
        let fold = |block: &str| -> Result<(Tensor, Tensor)> {
            let variance = get(&format!("{block}.bn.running_var"))?;
            let scale = (get(&format!("{block}.bn.weight"))?
                / (variance + f64::from(BATCH_NORM_EPSILON))?.sqrt()?)?;
            let shifted_mean = (get(&format!("{block}.bn.running_mean"))? * &scale)?;
            let bias = (get(&format!("{block}.bn.bias"))? - shifted_mean)?;
            let conv = get(&format!("{block}.conv.weight"))?;
            let weight = conv.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
            Ok((weight.to_device(device)?, bias.to_device(device)?))
        };
        let linear = |name: &str| -> Result<(Tensor, Tensor)> {
            let weight = get(&format!("{name}.weight"))?.to_device(device)?;
            Ok((weight, get(&format!("{name}.bias"))?.to_device(device)?))
        };
        Ok(Self {
            blocks: [fold("block1")?, fold("block2")?, fold("block3")?],
            fc1: linear("fc1")?,
            fc2: linear("fc2")?,
        })
    }
}

impl InferenceNet for FoldedThreeBlock {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = xs.clone(); // (b, 1, 48, 48)
        for (weight, bias) in &self.blocks {
            xs = conv_relu_pool(&xs, weight, bias)?; // … (b, 256, 6, 6)
        }
        let xs = linear(&xs.flatten_from(1)?, &self.fc1)?.relu()?; // (b, 512)
        linear(&xs, &self.fc2) // (b, n_classes)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::DType;
    use candle_nn::VarMap;

    use super::*;

    fn tiny() -> (ThreeBlockConfig, InputSpec) {
        let config = ThreeBlockConfig {
            channels: [2, 3, 4],
            hidden: 5,
            dropout2d: 0.0,
            dropout: 0.0,
        };
        (
            config,
            InputSpec {
                width: 16,
                height: 16,
                ..InputSpec::FER_2013
            },
        )
    }

    #[test]
    fn the_default_network_has_the_published_size() {
        let shapes = ThreeBlockConfig::default().weight_shapes(&InputSpec::FER_2013, 7);
        let n_values: usize = shapes
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        // 576 + 73,728 + 294,912 convolution, 1,792 normalisation, 4,719,104 + 3,591 linear.
        assert_eq!(n_values, 5_093_703);
    }

    #[test]
    fn declared_shapes_are_the_ones_that_are_made() {
        let (config, input) = tiny();
        let vars = VarMap::new();
        ThreeBlock::new(
            &config,
            &input,
            7,
            &VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu),
        )
        .unwrap();
        let mut made: Vec<_> = vars
            .data()
            .lock()
            .unwrap()
            .iter()
            .map(|(name, var)| (name.clone(), var.dims().to_vec()))
            .collect();
        let mut declared = config.weight_shapes(&input, 7);
        made.sort();
        declared.sort();
        assert_eq!(made, declared);
    }

    /// After enough steps on one batch the running estimates are the batch's own, and then training and folded
    /// inference must agree.
    #[test]
    fn folding_changes_nothing() {
        let (config, input) = tiny();
        let vars = VarMap::new();
        let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
        let net = ThreeBlock::new(&config, &input, 7, &vb).unwrap();
        let xs = Tensor::randn(0f32, 1.0, (512, 1, 16, 16), &Device::Cpu).unwrap();
        let mut keep_all = |shape: &[usize], _: f32| Tensor::ones(shape, DType::F32, &Device::Cpu);
        let mut trained = net.forward_train(&xs, &mut keep_all).unwrap();
        for _ in 0..150 {
            trained = net.forward_train(&xs, &mut keep_all).unwrap();
        }
        let weights: HashMap<_, _> = vars
            .data()
            .lock()
            .unwrap()
            .iter()
            .map(|(name, var)| (name.clone(), var.as_detached_tensor()))
            .collect();
        let folded = FoldedThreeBlock::new(&weights, &Device::Cpu)
            .unwrap()
            .forward(&xs)
            .unwrap();
        let gap = (trained - folded)
            .unwrap()
            .abs()
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        assert!(gap < 1e-2, "{gap}");
    }
}
