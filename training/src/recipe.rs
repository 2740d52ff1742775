//! Everything that decides the outcome of a run, saved beside its weights before it starts.

use fervis::model::{network::Architecture, preprocess::InputSpec, three_block::ThreeBlockConfig};
use serde::{Deserialize, Serialize};

use crate::augment::{AugmentConfig, Normalization};

/// A recipe. The default is the `three-block` network's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the run and of its checkpoint.
    pub name: String,
    /// The network.
    pub network: Architecture,
    /// What the network is fed with.
    pub input: InputSpec,
    /// Random variations of the training images.
    pub augment: AugmentConfig,
    /// Images a step.
    pub batch_size: usize,
    /// AdamW's first learning rate.
    pub learning_rate: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// When the learning rate falls.
    pub plateau: PlateauConfig,
    /// The run ends after this many epochs at the latest.
    pub max_epochs: usize,
    /// The run ends when the macro-F1 on PublicTest has not risen for this many epochs.
    pub early_stopping_patience: usize,
    /// Decides first weights, order, augmentation and dropout.
    pub seed: u64,
}

/// The learning rate falls when the loss on PublicTest no longer does (PyTorch's `ReduceLROnPlateau`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlateauConfig {
    /// Multiplies the learning rate.
    pub factor: f64,
    /// After more than this many epochs without a lower loss.
    pub patience: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            name: "three-block".to_owned(),
            network: Architecture::ThreeBlock(ThreeBlockConfig::default()),
            input: InputSpec::FER_2013,
            augment: AugmentConfig::default(),
            batch_size: 64,
            learning_rate: 1e-3,
            weight_decay: 1e-4,
            plateau: PlateauConfig {
                factor: 0.3,
                patience: 1,
            },
            max_epochs: 60,
            early_stopping_patience: 7,
            seed: 2013,
        }
    }
}

impl Recipe {
    /// How pixels become input, for the loader.
    pub fn normalization(&self) -> Normalization {
        Normalization {
            mean: self.input.mean,
            std: self.input.std,
        }
    }
}
