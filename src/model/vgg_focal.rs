//! A VGG-like network with batch normalisation throughout, trained with the focal loss.
//!
//! ```text
//! (b, 1, 48, 48) ─ [conv 3×3 64 → BN → ReLU → conv 64 → BN → ReLU → max-pool → Dropout 0.3] ─ [128] ─ [256] ─ [512]
//!                ─ flatten 4608 ─ [linear 512 → BN → ReLU → Dropout 0.5] ─ [256] ─ linear 7
//! ```
//!
//! The convolutions have no biases: the normalisation after each would take them away again.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    kernels::{FoldedConv, Precision},
    layers::{
        After, BatchNorm, ConvNorm, ConvSize, FinishedWeights, Linear, WeightShapes, channels_last,
        dropout, flatten,
    },
    network::{InferenceNet, TrainableNet},
    preprocess::InputSpec,
};

const KERNEL: usize = 3;

/// Sizes of the network, stored in the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VggFocalConfig {
    /// Channels of each block's two convolutions.
    pub channels: [usize; 4],
    /// Widths of the hidden linear layers.
    pub hidden: [usize; 2],
    /// Share of values dropped after each block, in training.
    pub block_dropout: f32,
    /// Share of hidden values dropped, in training.
    pub dropout: f32,
}

impl Default for VggFocalConfig {
    fn default() -> Self {
        Self {
            channels: [64, 128, 256, 512],
            hidden: [512, 256],
            block_dropout: 0.3,
            dropout: 0.5,
        }
    }
}

impl VggFocalConfig {
    /// Input sides must be a multiple of this: every block halves them.
    pub const SIDE_STEP: usize = 16;

    /// The convolutions in order: name of the block, number in it, sizes and what follows.
    fn convolutions(&self, input: &InputSpec) -> Vec<(String, usize, ConvSize, After)> {
        let mut c_in = input.channels;
        let mut convolutions = Vec::new();
        for (block, c_out) in (1..).zip(self.channels) {
            let name = format!("block{block}");
            let first = ConvSize::new(c_in, c_out, KERNEL);
            let second = ConvSize::new(c_out, c_out, KERNEL);
            convolutions.push((name.clone(), 1, first, After::Relu));
            convolutions.push((name, 2, second, After::ReluPool));
            c_in = c_out;
        }
        convolutions
    }

    /// Values that the last block leaves for an input of this size.
    fn n_features(&self, input: &InputSpec) -> usize {
        self.channels[3] * (input.height / 16) * (input.width / 16)
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = WeightShapes::default();
        for (block, number, size, _) in self.convolutions(input) {
            shapes.conv(
                &format!("{block}.conv{number}"),
                size.c_out,
                size.c_in,
                KERNEL,
            );
            shapes.norm(&format!("{block}.bn{number}"), size.c_out);
        }
        let [hidden1, hidden2] = self.hidden;
        shapes.linear("fc1", hidden1, self.n_features(input));
        shapes.norm("bn1", hidden1);
        shapes.linear("fc2", hidden2, hidden1);
        shapes.norm("bn2", hidden2);
        shapes.linear("fc3", n_classes, hidden2);
        shapes.0
    }
}

/// The network while it is trained.
pub struct VggFocal {
    /// With what follows each.
    convolutions: Vec<(ConvNorm, After)>,
    hidden: [(Linear, BatchNorm); 2],
    fc3: Linear,
    block_dropout: f32,
    dropout: f32,
    precision: Precision,
}

impl VggFocal {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        config: &VggFocalConfig,
        input: &InputSpec,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let convolutions = config.convolutions(input).into_iter();
        let convolutions = convolutions.map(|(block, number, size, after)| {
            let vb = vb.pp(block);
            let (conv, norm) = (vb.pp(format!("conv{number}")), vb.pp(format!("bn{number}")));
            Ok((ConvNorm::new(size, after, precision, &conv, &norm)?, after))
        });
        let hidden = |number: usize, n_out: usize, n_in: usize| -> Result<(Linear, BatchNorm)> {
            Ok((
                Linear::new(n_out, n_in, &vb.pp(format!("fc{number}")))?,
                BatchNorm::new(n_out, &vb.pp(format!("bn{number}")))?,
            ))
        };
        let [hidden1, hidden2] = config.hidden;
        Ok(Self {
            convolutions: convolutions.collect::<Result<_>>()?,
            hidden: [
                hidden(1, hidden1, config.n_features(input))?,
                hidden(2, hidden2, hidden1)?,
            ],
            fc3: Linear::new(n_classes, hidden2, &vb.pp("fc3"))?,
            block_dropout: config.block_dropout,
            dropout: config.dropout,
            precision,
        })
    }
}

impl TrainableNet for VggFocal {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for (conv_norm, after) in &self.convolutions {
            xs = conv_norm.forward_train(&xs)?; // … (b, 3, 3, 512)
            if *after == After::ReluPool {
                xs = dropout(&xs, self.block_dropout, keep)?;
            }
        }
        let mut xs = flatten(&xs)?; // (b, 4608)
        for (linear, norm) in &self.hidden {
            let ys = linear.forward(&xs, self.precision)?;
            xs = dropout(&norm.forward_train(&ys, true, false)?, self.dropout, keep)?; // … (b, 256)
        }
        self.fc3.forward(&xs, self.precision) // (b, n_classes)
    }
}

/// The network for inference, batch normalisation folded away.
pub struct FoldedVggFocal {
    convolutions: Vec<FoldedConv>,
    hidden: [Linear; 2],
    fc3: Linear,
}

impl FoldedVggFocal {
    /// Folds finished weights, which must have the names and shapes of [`VggFocalConfig::weight_shapes`], and puts
    /// them on `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(weights: &HashMap<String, Tensor>, device: &Device) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        let mut convolutions = Vec::new();
        for block in 1..=4 {
            for (number, after) in [(1, After::Relu), (2, After::ReluPool)] {
                convolutions.push(weights.conv_norm(
                    &format!("block{block}.conv{number}"),
                    &format!("block{block}.bn{number}"),
                    1,
                    after,
                )?);
            }
        }
        Ok(Self {
            convolutions,
            hidden: [
                weights.linear_norm("fc1", "bn1")?,
                weights.linear_norm("fc2", "bn2")?,
            ],
            fc3: weights.linear("fc3")?,
        })
    }
}

impl InferenceNet for FoldedVggFocal {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for conv in &self.convolutions {
            xs = conv.forward(&xs)?; // … (b, 3, 3, 512)
        }
        let mut xs = flatten(&xs)?; // (b, 4608)
        for linear in &self.hidden {
            xs = linear.forward(&xs, Precision::F32)?.relu()?; // … (b, 256)
        }
        self.fc3.forward(&xs, Precision::F32) // (b, n_classes)
    }
}
