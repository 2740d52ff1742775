//! A small network whose blocks normalise after ReLU.
//!
//! ```text
//! (b, 1, 48, 48) ─ [conv 3×3 64 → ReLU → BN → max-pool] ─ [128] ─ [256] ─ flatten 9216
//!                ─ linear 512 (no activation) → Dropout 0.3 ─ linear 7
//! ```
//!
//! Normalisation after ReLU cannot be folded into the convolution before it, nor into the one after it, which pads
//! with zeros; [`FoldedCustomCnn`] keeps a factor and a shift for each channel, in one pass with the pooling.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    kernels::{ConvConfig, FoldedConv, FoldedConvConfig, FoldedNorm, Precision, conv2d},
    layers::{
        BatchNorm, ConvSize, FinishedWeights, Linear, WeightShapes, channels_last, dropout, flatten,
    },
    network::{InferenceNet, TrainableNet},
    preprocess::InputSpec,
};

const KERNEL: usize = 3;

/// Sizes of the network, stored in the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomCnnConfig {
    /// Channels after each block.
    pub channels: [usize; 3],
    /// Width of the hidden linear layer.
    pub hidden: usize,
    /// Share of hidden values dropped, in training.
    pub dropout: f32,
}

impl Default for CustomCnnConfig {
    fn default() -> Self {
        Self {
            channels: [64, 128, 256],
            hidden: 512,
            dropout: 0.3,
        }
    }
}

impl CustomCnnConfig {
    /// Input sides must be a multiple of this: every block halves them.
    pub const SIDE_STEP: usize = 8;

    /// Number, input and output channels of each block.
    fn blocks(&self, input: &InputSpec) -> [(usize, ConvSize); 3] {
        let [c1, c2, c3] = self.channels;
        [
            (1, ConvSize::new(input.channels, c1, KERNEL)),
            (2, ConvSize::new(c1, c2, KERNEL)),
            (3, ConvSize::new(c2, c3, KERNEL)),
        ]
    }

    /// Values that the last block leaves for an input of this size.
    fn n_features(&self, input: &InputSpec) -> usize {
        self.channels[2] * (input.height / 8) * (input.width / 8)
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = WeightShapes::default();
        for (block, size) in self.blocks(input) {
            shapes.conv(&format!("conv{block}"), size.c_out, size.c_in, KERNEL);
            shapes.bias(&format!("conv{block}"), size.c_out);
            shapes.norm(&format!("bn{block}"), size.c_out);
        }
        shapes.linear("fc1", self.hidden, self.n_features(input));
        shapes.linear("fc2", n_classes, self.hidden);
        shapes.0
    }
}

/// The network while it is trained.
pub struct CustomCnn {
    blocks: [Block; 3],
    fc1: Linear,
    fc2: Linear,
    dropout: f32,
    precision: Precision,
}

struct Block {
    weight: Tensor,
    bias: Tensor,
    norm: BatchNorm,
}

impl CustomCnn {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        config: &CustomCnnConfig,
        input: &InputSpec,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let block = |(block, size): (usize, ConvSize)| -> Result<Block> {
            let conv = vb.pp(format!("conv{block}"));
            Ok(Block {
                weight: size.weight(&conv)?,
                bias: conv.get(size.c_out, "bias")?,
                norm: BatchNorm::new(size.c_out, &vb.pp(format!("bn{block}")))?,
            })
        };
        let [block1, block2, block3] = config.blocks(input);
        Ok(Self {
            blocks: [block(block1)?, block(block2)?, block(block3)?],
            fc1: Linear::new(config.hidden, config.n_features(input), &vb.pp("fc1"))?,
            fc2: Linear::new(n_classes, config.hidden, &vb.pp("fc2"))?,
            dropout: config.dropout,
            precision,
        })
    }
}

impl TrainableNet for CustomCnn {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let config = ConvConfig {
            stride: 1,
            relu: true,
            precision: self.precision,
        };
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for Block { weight, bias, norm } in &self.blocks {
            let convolved = conv2d(&xs, weight, Some(bias), config)?;
            xs = norm.forward_train(&convolved, false, true)?; // … (b, 6, 6, 256)
        }
        let xs = self.fc1.forward(&flatten(&xs)?, self.precision)?; // (b, 512)
        let xs = dropout(&xs, self.dropout, keep)?;
        self.fc2.forward(&xs, self.precision) // (b, n_classes)
    }
}

/// The network for inference.
pub struct FoldedCustomCnn {
    blocks: [(FoldedConv, FoldedNorm); 3],
    fc1: Linear,
    fc2: Linear,
}

impl FoldedCustomCnn {
    /// Takes finished weights, which must have the names and shapes of [`CustomCnnConfig::weight_shapes`], to `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(weights: &HashMap<String, Tensor>, device: &Device) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        let block = |block: usize| -> Result<(FoldedConv, FoldedNorm)> {
            let weight = weights.get(&format!("conv{block}.weight"))?;
            let bias = weights.get(&format!("conv{block}.bias"))?;
            Ok((
                weights.conv(&weight, &bias, FoldedConvConfig::RELU)?,
                weights.norm(&format!("bn{block}"), false, true)?,
            ))
        };
        let channels = weights.get("conv3.weight")?.dim(0)?;
        Ok(Self {
            blocks: [block(1)?, block(2)?, block(3)?],
            fc1: weights.linear_of_image("fc1", channels)?,
            fc2: weights.linear("fc2")?,
        })
    }
}

impl InferenceNet for FoldedCustomCnn {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for (conv, norm) in &self.blocks {
            xs = norm.forward(&conv.forward(&xs)?)?; // … (b, 6, 6, 256)
        }
        let xs = self.fc1.forward(&xs.flatten_from(1)?, Precision::F32)?; // (b, 512)
        self.fc2.forward(&xs, Precision::F32) // (b, n_classes)
    }
}
