//! The settings of the optimizer.

use serde::{Deserialize, Serialize};

/// The optimizer and its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerSettings {
    /// Stochastic gradient descent with momentum, as in PyTorch.
    Sgd(SgdSettings),
    /// Adam (Kingma and Ba 2015, arXiv:1412.6980); the decay is part of the gradient.
    Adam(AdamSettings),
    /// Adam with decay separate from the gradient (Loshchilov and Hutter 2019, arXiv:1711.05101).
    Adamw(AdamSettings),
}

/// Constants of [`OptimizerSettings::Sgd`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SgdSettings {
    /// The schedule's highest rate.
    pub learning_rate: f64,
    /// Share of the last step that is kept, at least 0 and below 1.
    #[serde(default = "default_momentum")]
    pub momentum: f64,
    /// Nesterov momentum.
    #[serde(default)]
    pub nesterov: bool,
    /// Pulls weights toward 0.
    #[serde(default)]
    pub weight_decay: f64,
    /// Whether biases and normalization decay too.
    #[serde(default = "yes")]
    pub decay_biases_and_norms: bool,
}

/// Constants of [`OptimizerSettings::Adam`] and [`OptimizerSettings::Adamw`]; the defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamSettings {
    /// The schedule's highest rate.
    pub learning_rate: f64,
    /// Share of the gradient's running mean that is kept, at least 0 and below 1.
    #[serde(default = "default_beta1")]
    pub beta1: f64,
    /// The same for its square.
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    /// Keeps the divisor above 0.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
    /// Pulls weights toward 0.
    #[serde(default)]
    pub weight_decay: f64,
    /// Whether biases and normalization decay too.
    #[serde(default = "yes")]
    pub decay_biases_and_norms: bool,
}

/// Weights with settings of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSettings {
    /// How the names of the weights begin, such as `block1.`.
    pub prefixes: Vec<String>,
    /// Multiplies the learning rate.
    #[serde(default = "one")]
    pub learning_rate_factor: f64,
    /// Replaces that of the optimizer.
    #[serde(default)]
    pub weight_decay: Option<f64>,
    /// The weights stay unchanged for this many epochs. The running estimates of batch normalization still change, as in
    /// PyTorch.
    #[serde(default)]
    pub frozen_epochs: usize,
    /// Whether the group applies only to runs that start from the weights of a file: freezing random weights gains nothing.
    #[serde(default)]
    pub if_pretrained: bool,
}

impl OptimizerSettings {
    /// The schedule's highest rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Sgd(settings) => settings.learning_rate,
            Self::Adam(settings) | Self::Adamw(settings) => settings.learning_rate,
        }
    }

    /// Pulls weights toward 0.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Self::Sgd(settings) => settings.weight_decay,
            Self::Adam(settings) | Self::Adamw(settings) => settings.weight_decay,
        }
    }

    /// Whether biases and normalization decay too.
    pub fn decay_biases_and_norms(&self) -> bool {
        match self {
            Self::Sgd(settings) => settings.decay_biases_and_norms,
            Self::Adam(settings) | Self::Adamw(settings) => settings.decay_biases_and_norms,
        }
    }

    /// Number of running estimates per weight.
    pub(crate) fn n_moments(&self) -> usize {
        match self {
            Self::Sgd(_) => 1,
            Self::Adam(_) | Self::Adamw(_) => 2,
        }
    }
}

impl AdamSettings {
    /// PyTorch's constants with a learning rate and a decay.
    pub fn new(learning_rate: f64, weight_decay: f64) -> Self {
        Self {
            learning_rate,
            beta1: default_beta1(),
            beta2: default_beta2(),
            epsilon: default_epsilon(),
            weight_decay,
            decay_biases_and_norms: true,
        }
    }
}

fn default_momentum() -> f64 {
    0.9
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.999
}

fn default_epsilon() -> f64 {
    1e-8
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}
