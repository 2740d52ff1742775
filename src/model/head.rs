//! The layers that turn features into classes, on networks whose features come from elsewhere.

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    kernels::Precision,
    layers::{FinishedWeights, Linear, WeightShapes, dropout},
};

/// Sizes of a head, stored in the checkpoint.
///
/// Without hidden layers its weights are called as in torchvision, for example `fc.weight`; with them they are numbered
/// as in PyTorch's `Sequential(Linear, ReLU, Dropout, …, Linear)`: `fc.0.weight`, `fc.3.weight`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Widths of the hidden layers, each with ReLU.
    pub hidden: Vec<usize>,
    /// Share of hidden values dropped after each, in training.
    pub dropout: f32,
}

impl HeadConfig {
    /// Name, outputs and inputs of each layer.
    fn layers(
        &self,
        name: &str,
        n_features: usize,
        n_classes: usize,
    ) -> Vec<(String, usize, usize)> {
        let n_out = self.hidden.iter().copied().chain([n_classes]);
        let n_in = [n_features].into_iter().chain(self.hidden.iter().copied());
        let sizes = n_out.zip(n_in).enumerate();
        sizes
            .map(|(number, (n_out, n_in))| (self.layer_name(name, number), n_out, n_in))
            .collect()
    }

    fn layer_name(&self, name: &str, number: usize) -> String {
        if self.hidden.is_empty() {
            name.to_owned()
        } else {
            format!("{name}.{}", 3 * number)
        }
    }

    /// Declares the weights.
    pub(super) fn declare(
        &self,
        name: &str,
        n_features: usize,
        n_classes: usize,
        shapes: &mut WeightShapes,
    ) {
        for (name, n_out, n_in) in self.layers(name, n_features, n_classes) {
            shapes.linear(&name, n_out, n_in);
        }
    }
}

/// A head, in training and finished.
pub(super) struct Head {
    layers: Vec<Linear>,
    dropout: f32,
}

impl Head {
    /// Takes the weights from `vb`, or makes them there.
    pub fn new(
        config: &HeadConfig,
        name: &str,
        n_features: usize,
        n_classes: usize,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let layers = config.layers(name, n_features, n_classes).into_iter();
        let layers = layers.map(|(name, n_out, n_in)| Linear::new(n_out, n_in, &vb.pp(name)));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            dropout: config.dropout,
        })
    }

    /// Takes finished weights.
    pub fn finished(
        config: &HeadConfig,
        name: &str,
        weights: &FinishedWeights<'_>,
    ) -> Result<Self> {
        let numbers = 0..=config.hidden.len();
        let layers = numbers.map(|number| weights.linear(&config.layer_name(name, number)));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            dropout: 0.0,
        })
    }

    /// `(b, n_features)` to `(b, n_classes)`.
    pub fn forward_train(
        &self,
        xs: &Tensor,
        precision: Precision,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = xs.clone();
        for (number, layer) in self.layers.iter().enumerate() {
            xs = layer.forward(&xs, precision)?;
            if number + 1 < self.layers.len() {
                xs = dropout(&xs.relu()?, self.dropout, keep)?;
            }
        }
        Ok(xs)
    }

    /// The same without dropout.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut keep_all = |shape: &[usize], _: f32| Tensor::ones(shape, xs.dtype(), xs.device());
        self.forward_train(xs, Precision::F32, &mut keep_all)
    }
}
