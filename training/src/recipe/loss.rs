//! What a recipe says about the loss, and about what else is learned from.

use fervis::expression::N_EXPRESSIONS;
use serde::{Deserialize, Serialize};

/// What a recipe says about the loss. The default is cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossSettings {
    /// Plays down images that are already right: 0 is cross-entropy, 2 the paper's (Lin et al. 2017, arXiv:1708.02002).
    pub focal_gamma: f64,
    /// This share of every target is spread evenly over all classes (Szegedy et al. 2016, arXiv:1512.00567).
    pub label_smoothing: f32,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// This share of every target is the distribution of FER+'s votes, where an image has any.
    pub votes_share: f32,
}

/// How much each class counts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All alike.
    #[default]
    Even,
    /// Images divided by the number of classes that have any and by those of the class: scikit-learn's `balanced`.
    Balanced,
    /// As given, in FER-2013's order.
    Given([f64; N_EXPRESSIONS]),
}

/// What a recipe says about the second head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuxiliarySettings {
    /// Multiplies the second head's loss before it is added to the first's.
    pub weight: f64,
}

/// What a recipe says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationSettings {
    /// The teachers' share of the loss; the rest is the labels'.
    pub share: f64,
    /// Divides the logits of teachers and pupil before they become probabilities.
    pub temperature: f64,
    /// Whether the teachers look at the mirror image too, and what they say of the two is averaged.
    #[serde(default)]
    pub mirrored: bool,
    /// How much each teacher counts, in the order in which they are given. With weights their *probabilities* are averaged,
    /// each with the temperature of its checkpoint, as an ensemble of calibrated networks would answer. Without, their
    /// logits are averaged evenly.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Whether the teachers look at each image as it is stored, once before the run, instead of at what the pupil sees.
    #[serde(default)]
    pub clean: bool,
}
