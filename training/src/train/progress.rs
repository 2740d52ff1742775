//! The progress of a run and the decisions between epochs: the best epoch, the learning rate, and when to stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    evaluate::metrics::Metrics,
    recipe::{
        Recipe,
        schedule::{Plateau, RateSchedule},
    },
    report::figures::{EpochFigures, RunFigures},
};

/// A smaller relative improvement of the loss does not count: the default of `ReduceLROnPlateau`.
const MIN_RELATIVE_GAIN: f64 = 1e-4;

/// The progress of the current epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EpochProgress {
    /// Steps done.
    pub n_steps: usize,
    /// Images in these steps.
    pub n_images: usize,
    /// Sum of the images' losses.
    pub loss_sum: f64,
    /// Wall time of the steps, seconds.
    pub seconds: f64,
}

/// The progress of a run; saved after every epoch and when the run is interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunProgress {
    /// Highest learning rate, as reduced by the plateau schedule.
    pub learning_rate: f64,
    /// All finished epochs.
    pub history: Vec<EpochFigures>,
    /// The current epoch.
    pub partial: EpochProgress,
    /// Share of the run at the start and at the end of the current epoch; the schedule follows it.
    pub share: [f64; 2],
    /// Metrics on PublicTest in the best epoch.
    pub best_public: Option<Metrics>,
    lowest_loss: f64,
    n_epochs_without_lower_loss: usize,
}

impl RunProgress {
    /// The progress before the first epoch.
    pub fn new(recipe: &Recipe) -> Self {
        Self {
            learning_rate: recipe.optimizer.learning_rate(),
            history: Vec::new(),
            partial: EpochProgress::default(),
            share: [0.0; 2],
            best_public: None,
            // Not infinity, which JSON does not have.
            lowest_loss: f64::MAX,
            n_epochs_without_lower_loss: 0,
        }
    }

    /// The best epoch so far by the recipe's metric; the first of equals.
    pub fn best(&self, recipe: &Recipe) -> Option<&EpochFigures> {
        let metric = recipe.selection.metric;
        self.history.iter().reduce(|best, next| {
            if next.is_better_than(best, metric) {
                next
            } else {
                best
            }
        })
    }

    /// The figures for the folder of the run.
    pub fn figures(&self, recipe: &Recipe) -> RunFigures {
        RunFigures {
            best: self.best(recipe).copied(),
            best_public_test: self.best_public.clone(),
            epochs: self.history.clone(),
            recipe: recipe.name.clone(),
            seconds: self.seconds(),
            seed: recipe.seed,
            selected_by: recipe.selection.metric.name().to_owned(),
        }
    }

    /// Wall time so far, seconds.
    pub fn seconds(&self) -> f64 {
        let epochs: f64 = self.history.iter().map(|figures| figures.seconds).sum();
        epochs + self.partial.seconds
    }

    /// Plans the current epoch, before its first step, as one of `n_epochs_left`, which share the rest of the schedule
    /// equally.
    pub fn plan(&mut self, n_epochs_left: usize) {
        let start = self.share[0];
        let end = match n_epochs_left {
            0 | 1 => 1.0,
            n => start + (1.0 - start) / n as f64,
        };
        self.share = [start, end];
    }

    /// Records a finished epoch. Returns whether it is the best so far.
    pub fn note(&mut self, figures: EpochFigures, public: Metrics, recipe: &Recipe) -> bool {
        if figures.public_loss < self.lowest_loss * (1.0 - MIN_RELATIVE_GAIN) {
            self.lowest_loss = figures.public_loss;
            self.n_epochs_without_lower_loss = 0;
        } else {
            self.n_epochs_without_lower_loss += 1;
        }
        if let RateSchedule::Plateau(Plateau { factor, patience }) = recipe.schedule
            && self.n_epochs_without_lower_loss > patience
        {
            self.learning_rate *= factor;
            self.n_epochs_without_lower_loss = 0;
        }
        self.history.push(figures);
        self.partial = EpochProgress::default();
        self.share[0] = self.share[1];
        let best = self.best(recipe).map(|best| best.epoch);
        let is_best = best == Some(figures.epoch);
        if is_best {
            self.best_public = Some(public);
        }
        is_best
    }

    /// How many epochs remain: up to the recipe's number, or as many as fit into the budget. Before the first epoch is done,
    /// each is assumed to take `epoch_seconds`.
    pub fn n_epochs_left(
        &self,
        recipe: &Recipe,
        budget: Option<Duration>,
        epoch_seconds: f64,
    ) -> usize {
        let n_done = self.history.len();
        let Some(budget) = budget else {
            return recipe.max_epochs.saturating_sub(n_done);
        };
        let last = self.history.last().map(|figures| figures.seconds);
        let left = budget.as_secs_f64() - self.seconds();
        let n_left = (left / last.unwrap_or(epoch_seconds).max(1e-3)).floor();
        // Even the shortest run has one epoch.
        (n_left.max(0.0) as usize).max(usize::from(n_done == 0))
    }

    /// Whether the run is between epochs and its schedule has ended.
    pub fn is_schedule_over(&self, recipe: &Recipe) -> bool {
        let is_between_epochs = !self.history.is_empty() && self.partial.n_steps == 0;
        recipe.schedule.ends_with_the_run() && is_between_epochs && self.share[0] >= 1.0
    }

    /// Why the run ends now, if it does.
    pub fn reason_to_stop(&self, recipe: &Recipe, budget: Option<Duration>) -> Option<String> {
        let n_epochs = self.history.len();
        if self.partial.n_steps == 0 && self.n_epochs_left(recipe, budget, 0.0) == 0 {
            return Some(match budget {
                None => format!("all {} epochs are done", recipe.max_epochs),
                Some(_) => format!("the time is up; epochs done: {n_epochs}"),
            });
        }
        if budget.is_some() && self.is_schedule_over(recipe) {
            return Some(format!(
                "the schedule ended before the time was up; epochs done: {n_epochs}"
            ));
        }
        let best = self.best(recipe)?;
        let metric = recipe.selection.metric;
        (n_epochs - best.epoch >= recipe.selection.patience).then(|| {
            let name = metric.name();
            format!("{name} has not improved since epoch {}", best.epoch)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Selection, SelectionMetric, tests::three_block};

    fn recipe() -> Recipe {
        Recipe {
            schedule: RateSchedule::Plateau(Plateau {
                factor: 0.3,
                patience: 1,
            }),
            max_epochs: 8,
            selection: Selection {
                metric: SelectionMetric::MacroF1,
                patience: 3,
            },
            ..three_block()
        }
    }

    fn figures(epoch: usize, public_loss: f64, public_macro_f1: f64) -> EpochFigures {
        EpochFigures {
            epoch,
            training_loss: 1.0,
            public_loss,
            public_accuracy: 1.0 / epoch as f64,
            public_macro_f1,
            public_agreement: Some(1.0 - public_macro_f1),
            learning_rate: 1e-3,
            seconds: 10.0,
            images_per_second: 1.0,
        }
    }

    fn no_metrics() -> Metrics {
        Metrics::from_logits(&[], &[], 1.0)
    }

    /// Records epochs with these (loss, macro-F1) until the run stops.
    fn run(epochs: &[(f64, f64)]) -> (RunProgress, Option<String>) {
        let recipe = recipe();
        let mut progress = RunProgress::new(&recipe);
        for (index, (public_loss, public_macro_f1)) in epochs.iter().enumerate() {
            let figures = figures(index + 1, *public_loss, *public_macro_f1);
            progress.note(figures, no_metrics(), &recipe);
            if let Some(reason) = progress.reason_to_stop(&recipe, None) {
                return (progress, Some(reason));
            }
        }
        (progress, None)
    }

    /// Ten epochs of 10 s fit into 105 s; a slower one leaves time for fewer, and the shares still end at 1.
    #[test]
    fn a_budget_decides_the_number_of_epochs() {
        let (recipe, budget) = (recipe(), Some(Duration::from_secs(105)));
        let mut progress = RunProgress::new(&recipe);
        assert_eq!(progress.n_epochs_left(&recipe, budget, 1000.0), 1);
        let mut n_left = progress.n_epochs_left(&recipe, budget, 10.5);
        assert_eq!(n_left, 10);
        let mut epoch = 0;
        while n_left > 0 {
            progress.plan(n_left);
            epoch += 1;
            let slow = EpochFigures {
                seconds: if epoch == 3 { 30.0 } else { 10.0 },
                ..figures(epoch, 1.0 / epoch as f64, epoch as f64)
            };
            progress.note(slow, no_metrics(), &recipe);
            n_left = progress.n_epochs_left(&recipe, budget, 0.0);
        }
        assert!(progress.seconds() <= 105.0);
        let reason = progress.reason_to_stop(&recipe, budget).unwrap();
        assert!(reason.starts_with("the time is up"), "{reason}");
        assert!(
            (progress.share[1] - 1.0).abs() < 0.2,
            "{:?}",
            progress.share
        );
    }

    #[test]
    fn without_a_budget_the_shares_are_equal() {
        let mut progress = RunProgress::new(&recipe());
        for epoch in 0..8 {
            // Twice, as after an interruption before the first step.
            progress.plan(8 - epoch);
            progress.plan(8 - epoch);
            let expected = [epoch as f64 / 8.0, (epoch + 1) as f64 / 8.0];
            for (share, expected) in progress.share.iter().zip(expected) {
                assert!((share - expected).abs() < 1e-12);
            }
            progress.note(figures(epoch + 1, 1.0, 0.5), no_metrics(), &recipe());
        }
    }

    #[test]
    fn the_metric_decides_what_is_best() {
        let epochs = [
            figures(1, 0.9, 0.5),
            figures(2, 0.7, 0.4),
            figures(3, 0.8, 0.6),
        ];
        for (metric, best) in [
            (SelectionMetric::MacroF1, 3),
            (SelectionMetric::Accuracy, 1),
            (SelectionMetric::Loss, 2),
            (SelectionMetric::FerplusAgreement, 2),
        ] {
            let recipe = Recipe {
                selection: Selection {
                    metric,
                    patience: 5,
                },
                ..recipe()
            };
            let mut progress = RunProgress::new(&recipe);
            for figures in epochs {
                progress.note(figures, no_metrics(), &recipe);
            }
            assert_eq!(
                progress.best(&recipe).map(|figures| figures.epoch),
                Some(best)
            );
        }
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
        assert_eq!(progress.best(&recipe()).map(|best| best.epoch), Some(1));
        assert_eq!(
            reason.as_deref(),
            Some("macro-F1 has not improved since epoch 1")
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
        assert_eq!(
            serde_json::from_str::<RunProgress>(&json).unwrap(),
            progress
        );
        let fresh = RunProgress::new(&recipe());
        let json = serde_json::to_string(&fresh).unwrap();
        assert_eq!(serde_json::from_str::<RunProgress>(&json).unwrap(), fresh);
    }
}
