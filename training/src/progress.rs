//! Decisions between epochs: is this the best so far, does the learning rate fall, is it time to stop.

use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;

/// An improvement smaller than this share of the loss is none: `ReduceLROnPlateau`'s default.
const MIN_RELATIVE_GAIN: f64 = 1e-4;

/// Figures of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFigures {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the training images, as augmented, with dropout.
    pub training_loss: f64,
    /// Mean cross-entropy on PublicTest.
    pub public_loss: f64,
    /// Accuracy on PublicTest.
    pub public_accuracy: f64,
    /// Macro-F1 on PublicTest.
    pub public_macro_f1: f64,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// Wall time of the epoch.
    pub seconds: f64,
}

/// What the decisions depend on; saved with every epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Learning rate of the next epoch.
    pub learning_rate: f64,
    /// All epochs so far.
    pub history: Vec<EpochFigures>,
    lowest_loss: f64,
    n_epochs_without_lower_loss: usize,
}

impl Progress {
    /// Before the first epoch.
    pub fn new(recipe: &Recipe) -> Self {
        Self {
            learning_rate: recipe.learning_rate,
            history: Vec::new(),
            // Not infinity: JSON has none.
            lowest_loss: f64::MAX,
            n_epochs_without_lower_loss: 0,
        }
    }

    /// The best epoch so far, by macro-F1 on PublicTest; the first of equals.
    pub fn best(&self) -> Option<&EpochFigures> {
        let better = |best: &'_ EpochFigures, next: &EpochFigures| {
            next.public_macro_f1 > best.public_macro_f1
        };
        self.history
            .iter()
            .reduce(|best, next| if better(best, next) { next } else { best })
    }

    /// Takes note of an epoch. Returns whether it is the best so far.
    pub fn note(&mut self, figures: EpochFigures, recipe: &Recipe) -> bool {
        if figures.public_loss < self.lowest_loss * (1.0 - MIN_RELATIVE_GAIN) {
            self.lowest_loss = figures.public_loss;
            self.n_epochs_without_lower_loss = 0;
        } else {
            self.n_epochs_without_lower_loss += 1;
        }
        if self.n_epochs_without_lower_loss > recipe.plateau.patience {
            self.learning_rate *= recipe.plateau.factor;
            self.n_epochs_without_lower_loss = 0;
        }
        self.history.push(figures);
        self.best().is_some_and(|best| best.epoch == figures.epoch)
    }

    /// Why the run ends here, if it does.
    pub fn reason_to_stop(&self, recipe: &Recipe) -> Option<String> {
        let n_epochs = self.history.len();
        if n_epochs >= recipe.max_epochs {
            return Some(format!("all {} epochs are done", recipe.max_epochs));
        }
        let best = self.best()?;
        (n_epochs - best.epoch >= recipe.early_stopping_patience)
            .then(|| format!("macro-F1 has not risen since epoch {}", best.epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::PlateauConfig;

    fn recipe() -> Recipe {
        Recipe {
            plateau: PlateauConfig {
                factor: 0.3,
                patience: 1,
            },
            max_epochs: 8,
            early_stopping_patience: 3,
            ..Recipe::default()
        }
    }

    /// Runs (loss, macro-F1) per epoch until the run stops.
    fn run(epochs: &[(f64, f64)]) -> (Progress, Option<String>) {
        let recipe = recipe();
        let mut progress = Progress::new(&recipe);
        for (index, (public_loss, public_macro_f1)) in epochs.iter().enumerate() {
            let figures = EpochFigures {
                epoch: index + 1,
                training_loss: 1.0,
                public_loss: *public_loss,
                public_accuracy: 0.5,
                public_macro_f1: *public_macro_f1,
                learning_rate: progress.learning_rate,
                seconds: 1.0,
            };
            progress.note(figures, &recipe);
            if let Some(reason) = progress.reason_to_stop(&recipe) {
                return (progress, Some(reason));
            }
        }
        (progress, None)
    }

    #[test]
    fn the_rate_falls_after_more_than_one_epoch_without_a_lower_loss() {
        let (progress, _) = run(&[(1.0, 0.1), (1.0, 0.2)]);
        assert_eq!(progress.learning_rate, 1e-3);
        let (progress, _) = run(&[(1.0, 0.1), (1.0, 0.2), (0.99999, 0.3)]);
        assert!((progress.learning_rate - 3e-4).abs() < 1e-12);
        let (progress, _) = run(&[(1.0, 0.1), (1.0, 0.2), (0.9, 0.3), (1.1, 0.4)]);
        assert_eq!(progress.learning_rate, 1e-3);
    }

    #[test]
    fn the_run_stops_early_or_at_the_end() {
        let (progress, reason) = run(&[(1.0, 0.5), (0.9, 0.4), (0.8, 0.5), (0.7, 0.3), (0.6, 0.9)]);
        assert_eq!(progress.best().map(|best| best.epoch), Some(1));
        assert_eq!(
            reason.as_deref(),
            Some("macro-F1 has not risen since epoch 1")
        );
        let rising: Vec<_> = (1..20).map(|epoch| (1.0, f64::from(epoch))).collect();
        let (progress, reason) = run(&rising);
        assert_eq!(progress.history.len(), 8);
        assert_eq!(reason.as_deref(), Some("all 8 epochs are done"));
    }

    #[test]
    fn progress_survives_json() {
        let (progress, _) = run(&[(1.0, 0.1), (0.5, 0.2)]);
        let json = serde_json::to_string(&progress).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), progress);
        let fresh = Progress::new(&recipe());
        let json = serde_json::to_string(&fresh).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), fresh);
    }
}
