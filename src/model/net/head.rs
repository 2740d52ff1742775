//! The linear layers that turn features into classes.

use serde::{Deserialize, Serialize};

use super::layer::{Layer, LinearSpec};

/// Sizes of a head, stored in the checkpoint.
///
/// Without hidden layers its weights are named as in torchvision, for example `fc.weight`. With them they are numbered
/// as in PyTorch's `Sequential(Linear, ReLU, Dropout, …, Linear)`: `fc.0.weight`, `fc.3.weight`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Widths of the hidden layers, each with ReLU.
    pub hidden: Vec<usize>,
    /// Share of hidden values dropped after each, in training, 0 to 1.
    pub dropout: f32,
}

impl HeadConfig {
    /// Features `(b, n_features)` to logits `(b, n_classes)`.
    pub(super) fn layers(&self, name: &str, n_features: usize, n_classes: usize) -> Vec<Layer> {
        if self.hidden.is_empty() {
            return vec![Layer::Linear(LinearSpec::new(name, n_features, n_classes))];
        }
        let mut layers = Vec::new();
        let mut n_in = n_features;
        for (number, &n_out) in self.hidden.iter().chain([&n_classes]).enumerate() {
            if number > 0 {
                layers.extend([Layer::Relu, Layer::Dropout(self.dropout)]);
            }
            let name = format!("{name}.{}", 3 * number);
            layers.push(Layer::Linear(LinearSpec::new(name, n_in, n_out)));
            n_in = n_out;
        }
        layers
    }
}
