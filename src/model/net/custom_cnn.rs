//! A small network whose blocks normalize after ReLU.
//!
//! ```text
//! (b, 1, 48, 48) ─ [conv 3×3 64 → ReLU → BN → max-pool] ─ [128] ─ [256] ─ flatten 9216
//!                ─ linear 512 (no activation) → Dropout 0.3 ─ linear 7
//! ```
//!
//! Normalization after ReLU cannot be folded into the convolution before it, nor into the one after it, which pads
//! with zeros. In inference it stays a factor and a shift for each channel, in one pass with the pooling.

use serde::{Deserialize, Serialize};

use super::layer::{ConvSpec, Layer, LinearSpec, NormSpec};
use crate::model::preprocess::InputSpec;

with_defaults! {
    /// Sizes of the network, stored in the checkpoint.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct CustomCnnConfig {
        /// Channels after each block.
        pub channels: [usize; 3] = [64, 128, 256],
        /// Width of the hidden linear layer.
        pub hidden: usize = 512,
        /// Share of hidden values dropped, in training.
        pub dropout: f32 = 0.3,
    }
}

impl CustomCnnConfig {
    /// Input sides must be a multiple of this: every block halves them.
    pub(super) const SIDE_STEP: usize = 8;

    pub(super) fn layers(&self, input: &InputSpec, n_classes: usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut c_in = input.channels;
        for (block, c_out) in (1..).zip(self.channels) {
            layers.extend([
                Layer::Conv {
                    conv: ConvSpec::new(format!("conv{block}"), c_in, c_out, 3),
                    bias: true,
                    relu: true,
                },
                Layer::Norm {
                    norm: NormSpec::new(format!("bn{block}"), c_out),
                    relu: false,
                    pool: true,
                }, // … (b, 6, 6, 256)
            ]);
            c_in = c_out;
        }
        let n_pixels = (input.height / Self::SIDE_STEP) * (input.width / Self::SIDE_STEP);
        let fc1 = LinearSpec::new("fc1", c_in * n_pixels, self.hidden);
        layers.extend([
            Layer::LinearOfImage(fc1, c_in), // (b, 512)
            Layer::Dropout(self.dropout),
            Layer::Linear(LinearSpec::new("fc2", self.hidden, n_classes)),
        ]);
        layers
    }
}
