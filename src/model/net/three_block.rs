//! The reference network: three convolution blocks and two linear layers.
//!
//! ```text
//! (b, 1, 48, 48) ─ [conv 3×3 64 → BN → ReLU → max-pool] ─ [128] ─ [256] ─ Dropout2d 0.25
//!                ─ flatten 9216 ─ linear 512 → ReLU → Dropout 0.5 ─ linear 7
//! ```

use serde::{Deserialize, Serialize};

use super::layer::{After, ConvSpec, Layer, LinearSpec, NormSpec};
use crate::model::preprocess::InputSpec;

with_defaults! {
    /// Sizes of the network, stored in the checkpoint.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct ThreeBlockConfig {
        /// Channels after each block.
        pub channels: [usize; 3] = [64, 128, 256],
        /// Width of the hidden linear layer.
        pub hidden: usize = 512,
        /// Share of whole channels dropped after the last block, in training.
        pub dropout2d: f32 = 0.25,
        /// Share of hidden values dropped, in training.
        pub dropout: f32 = 0.5,
    }
}

impl ThreeBlockConfig {
    /// Input sides must be a multiple of this: every block halves them.
    pub(super) const SIDE_STEP: usize = 8;

    pub(super) fn layers(&self, input: &InputSpec, n_classes: usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut c_in = input.channels;
        for (block, c_out) in (1..).zip(self.channels) {
            let conv = ConvSpec::new(format!("block{block}.conv"), c_in, c_out, 3);
            let norm = NormSpec::new(format!("block{block}.bn"), c_out);
            layers.push(Layer::ConvNorm(conv, norm, After::ReluPool)); // … (b, 6, 6, 256)
            c_in = c_out;
        }
        let n_pixels = (input.height / Self::SIDE_STEP) * (input.width / Self::SIDE_STEP);
        let fc1 = LinearSpec::new("fc1", c_in * n_pixels, self.hidden);
        layers.extend([
            Layer::Dropout2d(self.dropout2d),
            Layer::LinearOfImage(fc1, c_in), // (b, 512)
            Layer::Relu,
            Layer::Dropout(self.dropout),
            Layer::Linear(LinearSpec::new("fc2", self.hidden, n_classes)),
        ]);
        layers
    }
}
