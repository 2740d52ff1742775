//! A VGG-like network with batch normalization throughout, trained with the focal loss.
//!
//! ```text
//! (b, 1, 48, 48) ─ [conv 3×3 64 → BN → ReLU → conv 64 → BN → ReLU → max-pool → Dropout 0.3] ─ [128] ─ [256] ─ [512]
//!                ─ flatten 4608 ─ [linear 512 → BN → ReLU → Dropout 0.5] ─ [256] ─ linear 7
//! ```
//!
//! The convolutions have no biases: the normalization after each would cancel them.

use serde::{Deserialize, Serialize};

use super::layer::{After, ConvSpec, Layer, LinearSpec, NormSpec};
use crate::model::preprocess::InputSpec;

with_defaults! {
    /// Sizes of the network, stored in the checkpoint.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct VggFocalConfig {
        /// Channels of each block's two convolutions.
        pub channels: [usize; 4] = [64, 128, 256, 512],
        /// Widths of the hidden linear layers.
        pub hidden: [usize; 2] = [512, 256],
        /// Share of values dropped after each block, in training.
        pub block_dropout: f32 = 0.3,
        /// Share of hidden values dropped, in training.
        pub dropout: f32 = 0.5,
    }
}

impl VggFocalConfig {
    /// Input sides must be a multiple of this: every block halves them.
    pub(super) const SIDE_STEP: usize = 16;

    pub(super) fn layers(&self, input: &InputSpec, n_classes: usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut c_in = input.channels;
        for (block, c_out) in (1..).zip(self.channels) {
            for (number, after) in [(1, After::Relu), (2, After::ReluPool)] {
                let conv = ConvSpec::new(format!("block{block}.conv{number}"), c_in, c_out, 3);
                let norm = NormSpec::new(format!("block{block}.bn{number}"), c_out);
                layers.push(Layer::ConvNorm(conv, norm, after)); // … (b, 3, 3, 512)
                c_in = c_out;
            }
            layers.push(Layer::Dropout(self.block_dropout));
        }
        layers.push(Layer::Flatten);
        let n_pixels = (input.height / Self::SIDE_STEP) * (input.width / Self::SIDE_STEP);
        let mut n_in = c_in * n_pixels;
        for (number, n_out) in (1..).zip(self.hidden) {
            let linear = LinearSpec::new(format!("fc{number}"), n_in, n_out);
            let norm = NormSpec::new(format!("bn{number}"), n_out);
            layers.push(Layer::LinearNorm(linear, norm)); // … (b, 256)
            layers.push(Layer::Dropout(self.dropout));
            n_in = n_out;
        }
        layers.push(Layer::Linear(LinearSpec::new("fc3", n_in, n_classes)));
        layers
    }
}
