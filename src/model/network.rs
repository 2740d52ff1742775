//! What a network must be able to do, and the list of architectures that checkpoints can name.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    preprocess::InputSpec,
    three_block::{FoldedThreeBlock, ThreeBlock, ThreeBlockConfig},
};

/// A network for inference.
pub trait InferenceNet: Send {
    /// Inputs `(b, channels, height, width)` to logits `(b, n_classes)`.
    ///
    /// # Errors
    /// If the input has another shape than the network was made for.
    fn forward(&self, xs: &Tensor) -> Result<Tensor>;
}

/// A network for training.
pub trait TrainableNet {
    /// Inputs `(b, channels, height, width)` to logits `(b, n_classes)`, by the batch's own statistics.
    ///
    /// `keep(shape, rate)` makes a dropout mask: 0 with probability `rate`, else `1 / (1 - rate)`. It comes from
    /// outside so that a run can be repeated: candle's CPU random numbers cannot be seeded.
    ///
    /// # Errors
    /// If the input has another shape than the network was made for.
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor>;
}

/// An architecture with its hyper-parameters, as checkpoints store it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "architecture",
    content = "hyperparameters",
    rename_all = "kebab-case"
)]
pub enum Architecture {
    /// See [`super::three_block`].
    ThreeBlock(ThreeBlockConfig),
}

impl Architecture {
    /// The name in checkpoints and on the screen.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ThreeBlock(_) => "three-block",
        }
    }

    /// Why this network cannot take inputs of this kind, if so.
    pub fn objection_to(&self, input: &InputSpec) -> Option<String> {
        match self {
            Self::ThreeBlock(_)
                if !input.width.is_multiple_of(8) || !input.height.is_multiple_of(8) =>
            {
                Some(format!(
                    "its input size {}×{} is not a multiple of 8, which this architecture needs",
                    input.width, input.height
                ))
            }
            Self::ThreeBlock(_) => None,
        }
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::ThreeBlock(config) => config.weight_shapes(input, n_classes),
        }
    }

    /// Builds the network for inference from finished weights.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn inference(
        &self,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Box<dyn InferenceNet>> {
        match self {
            Self::ThreeBlock(_) => Ok(Box::new(FoldedThreeBlock::new(weights, device)?)),
        }
    }

    /// Builds the network for training, its weights taken from or made in `vb`.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn trainable(
        &self,
        input: &InputSpec,
        n_classes: usize,
        vb: &VarBuilder,
    ) -> Result<Box<dyn TrainableNet>> {
        match self {
            Self::ThreeBlock(config) => {
                Ok(Box::new(ThreeBlock::new(config, input, n_classes, vb)?))
            }
        }
    }
}
