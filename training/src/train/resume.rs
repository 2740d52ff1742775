//! A run that goes on: what would be in vain, and what its user should know.

use anyhow::{Result, bail};

use crate::{
    recipe::schedule::Position,
    train::{job::Job, progress::Progress, state::Restored},
};

/// A learning rate below this share of the highest moves nothing.
const IDLE_SHARE: f64 = 1e-3;

/// The rate of the last step of a run whose schedule ends with it.
fn last_rate(job: &Job, progress: &Progress) -> f64 {
    let end = Position {
        epoch: progress.history.len(),
        done: 1.0,
        step: 0.0,
    };
    job.recipe.schedule.rate(progress.learning_rate, end)
}

/// Refuses more epochs for a run whose schedule has brought the rate to nothing: they would leave the weights as they
/// are.
pub(super) fn refuse_idle_epochs(job: &Job, progress: &Progress) -> Result<()> {
    let n_left = progress.n_epochs_left(job.recipe, job.budget, 0.0);
    let rate = last_rate(job, progress);
    if progress.is_schedule_over(job.recipe)
        && n_left > 0
        && job.budget.is_none()
        && rate < IDLE_SHARE * progress.learning_rate
    {
        bail!(
            "the run's schedule ended with its {} epochs at a learning rate of {rate:.0e}, and {n_left} more at that rate would \
             change nothing; begin a new run with its weights: --pretrained and its best.safetensors, and another folder \
             for --out",
            progress.history.len()
        );
    }
    Ok(())
}

/// What a user should know of a run that goes on.
pub(super) fn on_resuming(job: &Job, restored: Restored, progress: &Progress) -> Vec<String> {
    let mut lines = Vec::new();
    if !restored.was_checked {
        lines.push(
            "the state is of an earlier version and has no checksum, so damage to it would not be found".to_owned(),
        );
    }
    let n_left = progress.n_epochs_left(job.recipe, job.budget, 0.0);
    if progress.is_schedule_over(job.recipe) && n_left > 0 && job.budget.is_none() {
        lines.push(format!(
            "the schedule is at its end: the {n_left} further epochs train at its last learning rate, {:.1e}",
            last_rate(job, progress)
        ));
    } else if restored.max_epochs != job.recipe.max_epochs && job.budget.is_none() && n_left > 0 {
        lines.push(format!(
            "the run is to have up to {} epochs instead of {}; what is left of its schedule is spread over the {n_left} left",
            job.recipe.max_epochs, restored.max_epochs
        ));
    }
    lines
}
