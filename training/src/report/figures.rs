//! The figures of a run, epoch by epoch: the contents of `epochs.csv` and `metrics.json`.

use serde::{Deserialize, Serialize};

use crate::{evaluate::metrics::Metrics, recipe::SelectionMetric};

/// Figures of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFigures {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean loss over the augmented training images, with dropout.
    pub training_loss: f64,
    /// Mean cross-entropy on PublicTest.
    pub public_loss: f64,
    /// Accuracy on PublicTest.
    pub public_accuracy: f64,
    /// Macro-F1 on PublicTest.
    pub public_macro_f1: f64,
    /// Agreement with FER+ on PublicTest, if votes were given.
    #[serde(default)]
    pub public_agreement: Option<f64>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Wall time of the epoch with validation, seconds.
    pub seconds: f64,
    /// Training images per second, without validation.
    pub images_per_second: f64,
}

impl EpochFigures {
    /// The figure by which epochs are compared.
    pub fn of(&self, metric: SelectionMetric) -> f64 {
        match metric {
            SelectionMetric::MacroF1 => self.public_macro_f1,
            SelectionMetric::Accuracy => self.public_accuracy,
            SelectionMetric::Loss => self.public_loss,
            // Without votes all epochs are equal; the trainer refuses such a run.
            SelectionMetric::FerplusAgreement => self.public_agreement.unwrap_or_default(),
        }
    }

    /// Whether this epoch is better than another one.
    pub fn is_better_than(&self, other: &Self, metric: SelectionMetric) -> bool {
        match metric {
            SelectionMetric::Loss => self.of(metric) < other.of(metric),
            _ => self.of(metric) > other.of(metric),
        }
    }
}

/// The figures of a whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFigures {
    /// The best epoch so far.
    pub best: Option<EpochFigures>,
    /// The figures on PublicTest in that epoch.
    pub best_public_test: Option<Metrics>,
    /// All finished epochs.
    pub epochs: Vec<EpochFigures>,
    /// The recipe's name.
    pub recipe: String,
    /// Wall time, seconds.
    pub seconds: f64,
    /// The run's seed.
    pub seed: u64,
    /// The figure by which the best epoch was selected.
    pub selected_by: String,
}
