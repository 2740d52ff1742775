//! A small VGG-like network, sized by its checkpoint: stages of 3×3 convolutions, a global mean, a linear layer.
//!
//! ```text
//! (b, 1, 48, 48) ─ stage 1: [conv 3×3 32 → BN → ReLU] × 1 → max-pool ─ stage 2: [64] × 2 → max-pool ─ stage 3: [128] × 2
//!                → max-pool ─ stage 4: [256] × 2 ─ global mean ─ Dropout ─ linear 7
//! ```
//!
//! The last stage has no pooling of its own, since the global mean follows. Two options are off by default. `residual`:
//! in each stage the convolutions after the first are residual blocks of two (the last may have one). `squeeze`: at the
//! end of each stage, after pooling, its channels are weighted by what is in the whole image (squeeze and excitation, Hu
//! et al. 2018, arXiv:1709.01507).
//!
//! The convolutions have no biases: the normalization after each would cancel them.

use serde::{Deserialize, Serialize};

use super::{
    head::HeadConfig,
    layer::{After, ConvSpec, Layer, LinearSpec, NormSpec},
};
use crate::model::preprocess::InputSpec;

/// Limits on what a checkpoint may ask for, so that a forged one cannot fill the memory.
const MAX_STAGES: usize = 6;
const MAX_CHANNELS: usize = 2048;
const MAX_CONVOLUTIONS: usize = 16;

with_defaults! {
    /// Sizes of the network, stored in the checkpoint.
    ///
    /// The default has 1.17 million weights and 96 million multiplications for 48×48 pixels.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct CompactConfig {
        /// Channels of each stage. Every stage but the last halves the image.
        pub channels: Vec<usize> = vec![32, 64, 128, 256],
        /// Convolutions of each stage.
        pub convolutions: Vec<usize> = vec![1, 2, 2, 2],
        /// Whether the convolutions after each stage's first are residual blocks.
        #[serde(default)]
        pub residual: bool = false,
        /// The reduction of squeeze and excitation at the end of each stage: one hidden channel for this many channels. 0 turns
        /// it off.
        #[serde(default)]
        pub squeeze: usize = 0,
        /// Share of values dropped at the end of each stage but the last, in training.
        #[serde(default)]
        pub stage_dropout: f32 = 0.0,
        /// Share of values dropped before the first linear layer and after each hidden one, in training.
        #[serde(default)]
        pub dropout: f32 = 0.4,
        /// Widths of hidden linear layers between the global mean and the last one, each with ReLU.
        #[serde(default)]
        pub hidden: Vec<usize> = Vec::new(),
    }
}

impl CompactConfig {
    /// Input sides must be a multiple of this: every stage but the last halves them.
    pub(super) fn side_step(&self) -> usize {
        1 << self.channels.len().saturating_sub(1).min(MAX_STAGES)
    }

    /// What is wrong with the sizes on their own, as a sentence without its period.
    pub(super) fn objection(&self) -> Option<String> {
        let within = |values: &[usize], max: usize| values.iter().all(|n| (1..=max).contains(n));
        let is_share = |share: f32| (0.0..1.0).contains(&share);
        let Self {
            channels,
            convolutions,
            hidden,
            squeeze,
            ..
        } = self;
        if !(1..=MAX_STAGES).contains(&channels.len()) || channels.len() != convolutions.len() {
            Some(format!(
                "it has channels for {} stages and convolutions for {}, but both need the same number, 1 to {MAX_STAGES}",
                channels.len(),
                convolutions.len()
            ))
        } else if !within(channels, MAX_CHANNELS) || !within(hidden, MAX_CHANNELS) {
            Some(format!(
                "its channels and hidden widths must be between 1 and {MAX_CHANNELS}"
            ))
        } else if hidden.len() > MAX_STAGES {
            Some(format!("it may have up to {MAX_STAGES} hidden layers"))
        } else if !within(convolutions, MAX_CONVOLUTIONS) {
            Some(format!(
                "its stages must have between 1 and {MAX_CONVOLUTIONS} convolutions"
            ))
        } else if channels.iter().any(|channels| squeeze > channels) {
            Some(format!(
                "its squeeze of {squeeze} leaves nothing of a stage's channels"
            ))
        } else if !is_share(self.dropout) || !is_share(self.stage_dropout) {
            Some("its shares of dropped values must be at least 0 and below 1".to_owned())
        } else {
            None
        }
    }

    pub(super) fn layers(&self, input: &InputSpec, n_classes: usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut c_in = input.channels;
        let n_stages = self.channels.len();
        for (stage, (&c_out, &n)) in (1..).zip(self.channels.iter().zip(&self.convolutions)) {
            let is_last = stage == n_stages;
            layers.extend(self.stage(stage, [c_in, c_out], n, !is_last)); // … (b, 6, 6, 256)
            if !is_last {
                layers.push(Layer::Dropout(self.stage_dropout));
            }
            c_in = c_out;
        }
        layers.extend([Layer::Mean, Layer::Dropout(self.dropout)]); // (b, 256)
        let head = HeadConfig {
            hidden: self.hidden.clone(),
            dropout: self.dropout,
        };
        layers.extend(head.layers("fc", c_in, n_classes));
        layers
    }

    fn stage(&self, stage: usize, channels: [usize; 2], n: usize, pool: bool) -> Vec<Layer> {
        let [c_in, c_out] = channels;
        let conv_norm = |number: usize, after: After| {
            let c_in = if number == 1 { c_in } else { c_out };
            let conv = ConvSpec::new(format!("stage{stage}.conv{number}"), c_in, c_out, 3);
            let norm = NormSpec::new(format!("stage{stage}.bn{number}"), c_out);
            Layer::ConvNorm(conv, norm, after)
        };
        let pool_after = |number: usize| pool && number == n;
        let relu = |number: usize| {
            let after = if pool_after(number) {
                After::ReluPool
            } else {
                After::Relu
            };
            conv_norm(number, after)
        };
        let mut layers: Vec<Layer> = if self.residual {
            let blocks = (2..=n).step_by(2).map(|first| {
                let end = (first + 1).min(n);
                let mut body: Vec<Layer> = (first..end).map(relu).collect();
                body.push(conv_norm(end, After::Nothing));
                Layer::Residual {
                    body,
                    projection: Vec::new(),
                    pool: pool_after(end),
                }
            });
            std::iter::once(relu(1)).chain(blocks).collect()
        } else {
            (1..=n).map(relu).collect()
        };
        if let Some(squeezed) = c_out.checked_div(self.squeeze) {
            layers.push(Layer::ChannelGate {
                squeeze: LinearSpec::new(format!("stage{stage}.squeeze"), c_out, squeezed),
                excite: LinearSpec::new(format!("stage{stage}.excite"), squeezed, c_out),
            });
        }
        layers
    }
}
