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

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    kernels::{FoldedConv, Precision},
    layers::{
        After, ConvNorm, ConvSize, FinishedWeights, Linear, WeightShapes, channels_last, dropout,
        dropout2d, flatten,
    },
    network::{InferenceNet, TrainableNet},
    preprocess::InputSpec,
};

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
    /// Input sides must be a multiple of this: every block halves them.
    pub const SIDE_STEP: usize = 8;

    /// Values that the last block leaves for an input of this size.
    fn n_features(&self, input: &InputSpec) -> usize {
        self.channels[2] * (input.height / 8) * (input.width / 8)
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = WeightShapes::default();
        let mut c_in = input.channels;
        for (block, c_out) in (1..).zip(self.channels) {
            shapes.conv(&format!("block{block}.conv"), c_out, c_in, KERNEL);
            shapes.norm(&format!("block{block}.bn"), c_out);
            c_in = c_out;
        }
        shapes.linear("fc1", self.hidden, self.n_features(input));
        shapes.linear("fc2", n_classes, self.hidden);
        shapes.0
    }
}

/// The network while it is trained.
pub struct ThreeBlock {
    blocks: [ConvNorm; 3],
    fc1: Linear,
    fc2: Linear,
    config: ThreeBlockConfig,
    precision: Precision,
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
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let [c1, c2, c3] = config.channels;
        let block = |name: &str, c_in: usize, c_out: usize| {
            let vb = vb.pp(name);
            let size = ConvSize::new(c_in, c_out, KERNEL);
            ConvNorm::new(
                size,
                After::ReluPool,
                precision,
                &vb.pp("conv"),
                &vb.pp("bn"),
            )
        };
        Ok(Self {
            blocks: [
                block("block1", input.channels, c1)?,
                block("block2", c1, c2)?,
                block("block3", c2, c3)?,
            ],
            fc1: Linear::new(config.hidden, config.n_features(input), &vb.pp("fc1"))?,
            fc2: Linear::new(n_classes, config.hidden, &vb.pp("fc2"))?,
            config: config.clone(),
            precision,
        })
    }
}

impl TrainableNet for ThreeBlock {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for block in &self.blocks {
            xs = block.forward_train(&xs)?; // … (b, 6, 6, 256)
        }
        let xs = dropout2d(&xs, self.config.dropout2d, keep)?;
        let xs = self.fc1.forward(&flatten(&xs)?, self.precision)?.relu()?; // (b, 512)
        let xs = dropout(&xs, self.config.dropout, keep)?;
        self.fc2.forward(&xs, self.precision) // (b, n_classes)
    }
}

/// The network for inference, batch normalisation folded away.
pub struct FoldedThreeBlock {
    blocks: [FoldedConv; 3],
    fc1: Linear,
    fc2: Linear,
}

impl FoldedThreeBlock {
    /// Folds finished weights, which must have the names and shapes of [`ThreeBlockConfig::weight_shapes`], and puts
    /// them on `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(weights: &HashMap<String, Tensor>, device: &Device) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        let fold = |block: &str| {
            let (conv, norm) = (format!("{block}.conv"), format!("{block}.bn"));
            weights.conv_norm(&conv, &norm, 1, After::ReluPool)
        };
        let channels = weights.get("block3.conv.weight")?.dim(0)?;
        Ok(Self {
            blocks: [fold("block1")?, fold("block2")?, fold("block3")?],
            fc1: weights.linear_of_image("fc1", channels)?,
            fc2: weights.linear("fc2")?,
        })
    }
}

impl InferenceNet for FoldedThreeBlock {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for block in &self.blocks {
            xs = block.forward(&xs)?; // … (b, 6, 6, 256)
        }
        let xs = xs.flatten_from(1)?;
        let xs = self.fc1.forward(&xs, Precision::F32)?.relu()?; // (b, 512)
        self.fc2.forward(&xs, Precision::F32) // (b, n_classes)
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
            Precision::F32,
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
        let net = ThreeBlock::new(&config, &input, 7, Precision::F32, &vb).unwrap();
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
