//! Decisions between epochs: is this the best so far, does the learning rate fall, is it time to stop.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    evaluate::metrics::Metrics,
    recipe::{
        Recipe,
        schedule::{Plateau, Schedule},
    },
    report::figures::{EpochFigures, RunFigures},
};

/// An improvement smaller than this share of the loss is none: `ReduceLROnPlateau`'s default.
const MIN_RELATIVE_GAIN: f64 = 1e-4;

/// What an unfinished epoch has come to.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Partial {
    /// Steps done.
    pub n_steps: usize,
    /// Images seen in them.
    pub n_images: usize,
    /// Sum of their losses.
    pub loss_sum: f64,
    /// Wall time of the steps.
    pub seconds: f64,
}

/// What the decisions depend on; saved with every epoch and where one is interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Learning rate as the plateau schedule has left it.
    pub learning_rate: f64,
    /// All whole epochs so far.
    pub history: Vec<EpochFigures>,
    /// The epoch under way.
    pub partial: Partial,
    /// Share of the run at the beginning and at the end of the epoch under way; the schedule follows it.
    pub share: [f64; 2],
    /// PublicTest's figures in the best epoch.
    pub best_public: Option<Metrics>,
    lowest_loss: f64,
    n_epochs_without_lower_loss: usize,
}

impl Progress {
    /// Before the first epoch.
    pub fn new(recipe: &Recipe) -> Self {
        Self {
            learning_rate: recipe.optimizer.learning_rate(),
            history: Vec::new(),
            partial: Partial::default(),
            share: [0.0; 2],
            best_public: None,
            // Not infinity: JSON has none.
            lowest_loss: f64::MAX,
            n_epochs_without_lower_loss: 0,
        }
    }

    /// The best epoch so far, by the recipe's metric; the first of equals.
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

    /// What a run's folder shows of it.
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

    /// Plans the epoch under way, before its first step, as one of `n_epochs_left`: they share what is left of the
    /// schedule evenly.
    pub fn plan(&mut self, n_epochs_left: usize) {
        let start = self.share[0];
        let end = match n_epochs_left {
            0 | 1 => 1.0,
            n => start + (1.0 - start) / n as f64,
        };
        self.share = [start, end];
    }

    /// Takes note of an epoch. Returns whether it is the best so far.
    pub fn note(&mut self, figures: EpochFigures, public: Metrics, recipe: &Recipe) -> bool {
        if figures.public_loss < self.lowest_loss * (1.0 - MIN_RELATIVE_GAIN) {
            self.lowest_loss = figures.public_loss;
            self.n_epochs_without_lower_loss = 0;
        } else {
            self.n_epochs_without_lower_loss += 1;
        }
        if let Schedule::Plateau(Plateau { factor, patience }) = recipe.schedule
            && self.n_epochs_without_lower_loss > patience
        {
            self.learning_rate *= factor;
            self.n_epochs_without_lower_loss = 0;
        }
        self.history.push(figures);
        self.partial = Partial::default();
        self.share[0] = self.share[1];
        let best = self.best(recipe).map(|best| best.epoch);
        let is_best = best == Some(figures.epoch);
        if is_best {
            self.best_public = Some(public);
        }
        is_best
    }

    /// How many more epochs there may be: up to the recipe's number, or as many as fit into the budget, the first of
    /// which is thought to take `epoch_seconds` if none is done yet.
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
        // Even the shortest run has an epoch.
        (n_left.max(0.0) as usize).max(usize::from(n_done == 0))
    }

    /// Whether the run stands between epochs at the end of a schedule that ends with it.
    pub fn is_schedule_over(&self, recipe: &Recipe) -> bool {
        let is_between_epochs = !self.history.is_empty() && self.partial.n_steps == 0;
        recipe.schedule.ends_with_the_run() && is_between_epochs && self.share[0] >= 1.0
    }

    /// Why the run ends here, if it does.
    pub fn reason_to_stop(&self, recipe: &Recipe, budget: Option<Duration>) -> Option<String> {
        let n_epochs = self.history.len();
        if self.partial.n_steps == 0 && self.n_epochs_left(recipe, budget, 0.0) == 0 {
            return Some(match budget {
                None => format!("all {} epochs are done", recipe.max_epochs),
                Some(_) => format!("the time is used up; epochs done: {n_epochs}"),
            });
        }
        if budget.is_some() && self.is_schedule_over(recipe) {
            return Some(format!(
                "the schedule is at its end, before the time is; epochs done: {n_epochs}"
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
            schedule: Schedule::Plateau(Plateau {
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

    /// Runs (loss, macro-F1) per epoch until the run stops.
    fn run(epochs: &[(f64, f64)]) -> (Progress, Option<String>) {
        let recipe = recipe();
        let mut progress = Progress::new(&recipe);
        for (index, (public_loss, public_macro_f1)) in epochs.iter().enumerate() {
            let figures = figures(index + 1, *public_loss, *public_macro_f1);
            progress.note(figures, no_metrics(), &recipe);
            if let Some(reason) = progress.reason_to_stop(&recipe, None) {
                return (progress, Some(reason));
            }
        }
        (progress, None)
    }

    /// Ten epochs of 10 s fit into 105 s; a slower one makes fewer of them, and the shares still end at 1.
    #[test]
    fn a_budget_decides_how_many_epochs_there_are() {
        let (recipe, budget) = (recipe(), Some(Duration::from_secs(105)));
        let mut progress = Progress::new(&recipe);
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
        assert!(reason.starts_with("the time is used up"), "{reason}");
        assert!(
            (progress.share[1] - 1.0).abs() < 0.2,
            "{:?}",
            progress.share
        );
    }

    #[test]
    fn without_a_budget_the_shares_are_even() {
        let mut progress = Progress::new(&recipe());
        for epoch in 0..8 {
            // Twice, as when it is interrupted before its first step.
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
            let mut progress = Progress::new(&recipe);
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
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), progress);
        let fresh = Progress::new(&recipe());
        let json = serde_json::to_string(&fresh).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), fresh);
    }
}
