//! The settings of the loss, of the second head, and of learning from other networks.

use fervis::expression::N_EXPRESSIONS;
use serde::{Deserialize, Serialize};

/// The settings of the loss. The default is cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossSettings {
    /// Focal loss: reduces the weight of images that are already right. 0 is cross-entropy, 2 the value of the paper (Lin et
    /// al. 2017, arXiv:1708.02002).
    pub focal_gamma: f64,
    /// Spreads this share of each target evenly over all classes (Szegedy et al. 2016, arXiv:1512.00567).
    pub label_smoothing: f32,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// Share of each target that comes from the distribution of FER+'s votes, if the image has votes.
    pub votes_share: f32,
}

/// How much each class counts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All equally.
    #[default]
    Even,
    /// By the number of images over (number of classes with images × images of the class): scikit-learn's `balanced`.
    Balanced,
    /// As given, in the order of FER-2013.
    Given([f64; N_EXPRESSIONS]),
}

/// The settings of the second head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuxiliarySettings {
    /// Weight of the second head's loss.
    pub weight: f64,
}

/// The settings of learning from other networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillationSettings {
    /// Share of the loss that compares with the teachers; the rest compares with the labels.
    pub share: f64,
    /// Divides the logits of teachers and student before softmax.
    pub temperature: f64,
    /// Whether the teachers also see the mirror image; both answers are averaged.
    #[serde(default)]
    pub mirrored: bool,
    /// Weight of each teacher, in the order in which they are given. With weights, *probabilities* are averaged, each at the
    /// temperature of its checkpoint, like an ensemble of calibrated networks. Without, logits are averaged equally.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Whether the teachers see each image without augmentation, once before the run, instead of what the student sees.
    #[serde(default)]
    pub clean: bool,
}
