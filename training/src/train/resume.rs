//! Resuming a run: refuses epochs that would change nothing, and tells the user what is different.

use anyhow::{Result, bail};

use crate::{
    recipe::schedule::SchedulePosition,
    train::{job::Job, progress::RunProgress, state::Restored},
};

/// A learning rate below this share of the highest changes nothing.
const IDLE_SHARE: f64 = 1e-3;

/// The rate of the last step, for a schedule that ends with the run.
fn last_rate(job: &Job, progress: &RunProgress) -> f64 {
    let end = SchedulePosition {
        epoch: progress.history.len(),
        done: 1.0,
        step: 0.0,
    };
    job.recipe.schedule.rate(progress.learning_rate, end)
}

/// Refuses more epochs for a run whose schedule has reduced the rate to almost 0: they would not change the weights.
pub(super) fn refuse_idle_epochs(job: &Job, progress: &RunProgress) -> Result<()> {
    let n_left = progress.n_epochs_left(job.recipe, job.budget, 0.0);
    let rate = last_rate(job, progress);
    if progress.is_schedule_over(job.recipe)
        && n_left > 0
        && job.budget.is_none()
        && rate < IDLE_SHARE * progress.learning_rate
    {
        bail!(
            "the run's schedule ended after {} epochs with a learning rate of {rate:.0e}, and {n_left} more at that rate would \
             change nothing; start a new run from its weights, with --pretrained BEST.safetensors and another folder for --out",
            progress.history.len()
        );
    }
    Ok(())
}

/// What the user should know about a resumed run.
pub(super) fn on_resuming(job: &Job, restored: Restored, progress: &RunProgress) -> Vec<String> {
    let mut lines = Vec::new();
    if !restored.was_checked {
        lines.push(
            "the state was saved by an earlier version and has no checksum, so damage would not be noticed".to_owned(),
        );
    }
    let n_left = progress.n_epochs_left(job.recipe, job.budget, 0.0);
    if progress.is_schedule_over(job.recipe) && n_left > 0 && job.budget.is_none() {
        lines.push(format!(
            "the schedule has ended: the {n_left} further epochs train at its last learning rate, {:.1e}",
            last_rate(job, progress)
        ));
    } else if restored.max_epochs != job.recipe.max_epochs && job.budget.is_none() && n_left > 0 {
        lines.push(format!(
            "the run now has up to {} epochs instead of {}; the rest of its schedule is spread over the remaining {n_left}",
            job.recipe.max_epochs, restored.max_epochs
        ));
    }
    lines
}
