//! VGG-16 and VGG-19, with torchvision's names of the weights, so that its files can be taken as first weights.
//!
//! ```text
//! (b, 1, h, w) ─ five stages of [conv 3×3 → ReLU] × 2 to 4 and max-pool ─ adaptive mean ─ flatten ─ head
//! ```
//!
//! The first kernels keep their three input channels, and a gray image counts as three equal channels. Source: Simonyan and
//! Zisserman 2015, arXiv:1409.1556.

use serde::{Deserialize, Serialize};

use super::{
    head::HeadConfig,
    layer::{ConvSpec, Layer},
};

const STAGE_CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Convolutions of each stage of VGG-16.
pub(super) const SIXTEEN: [usize; 5] = [2, 2, 3, 3, 3];
/// Convolutions of each stage of VGG-19.
pub(super) const NINETEEN: [usize; 5] = [2, 2, 4, 4, 4];

/// Sizes of what follows the convolutions, stored in the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VggConfig {
    /// Side of the image that is flattened; areas are averaged, or pixels repeated, to reach it. 7 in torchvision,
    /// where inputs of 224 pixels have it by themselves; inputs of 48 leave 1.
    pub pooled_side: usize,
    /// The linear layers.
    pub head: HeadConfig,
}

impl VggConfig {
    pub(super) fn layers(&self, n_convolutions: [usize; 5], n_classes: usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        // Numbers in torchvision's list, where ReLU and pooling count too.
        let (mut number, mut c_in) = (0, 3);
        for (c_out, n) in STAGE_CHANNELS.into_iter().zip(n_convolutions) {
            for _ in 0..n {
                let conv = ConvSpec::new(format!("features.{number}"), c_in, c_out, 3);
                layers.push(Layer::Conv {
                    conv: if number == 0 { conv.gray() } else { conv },
                    bias: true,
                    relu: true,
                });
                number += 2;
                c_in = c_out;
            }
            layers.push(Layer::MaxPool {
                side: 2,
                stride: 2,
                padding: 0,
            }); // … (b, h/32, w/32, 512)
            number += 1;
        }
        layers.extend([Layer::AdaptiveAvgPool(self.pooled_side), Layer::Flatten]);
        let n_features = c_in * self.pooled_side * self.pooled_side;
        layers.extend(self.head.layers("classifier", n_features, n_classes));
        layers
    }
}
