//! The steps of one epoch.

use std::{sync::Arc, time::Instant};

use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use fervis::model::net::TrainableNet;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    data::{
        loader::{Batch, Batches, Epoch, LoaderConfig},
        target::Target,
    },
    random::SplitMix64,
    recipe::schedule::SchedulePosition,
    report::tensorboard::EventFile,
    train::{
        job::Job,
        loss::{Loss, mixed},
        progress::EpochProgress,
        state::RunState,
    },
};

/// First number of the random key of dropout; see [`crate::data::loader`] for the others.
const DROPOUT_KEY: u64 = 4;
/// Steps between two points of the curves by step in TensorBoard.
const STEPS_PER_EVENT: usize = 20;

/// What all steps have in common.
pub(super) struct Stepper<'a> {
    pub(super) job: &'a Job<'a>,
    /// The images to learn from.
    pub(super) rows: &'a [usize],
    pub(super) network: &'a TrainableNet,
    pub(super) loss: &'a Loss,
    /// The teachers' answers for each image, if they see images without augmentation.
    pub(super) clean_targets: Option<Vec<Target>>,
}

/// How an epoch ended.
pub(super) enum EpochEnd {
    /// All steps are done.
    Whole {
        /// Learning rate of the last step.
        learning_rate: f64,
    },
    /// The user interrupted it; [`crate::train::progress::RunProgress::partial`] says how far it got.
    Interrupted,
}

impl Stepper<'_> {
    /// Runs the remaining steps of the current epoch and updates `state.progress.partial`.
    ///
    /// # Errors
    /// If the loss is no longer a number.
    pub(super) fn run(
        &self,
        state: &mut RunState,
        events: &mut EventFile,
        stop: &dyn Fn() -> bool,
    ) -> Result<EpochEnd> {
        let epoch = state.progress.history.len();
        let before = state.progress.partial;
        let batches = self.batches(state, before.n_steps)?;
        let n_steps = before.n_steps + batches.len();
        let bar = ProgressBar::new(n_steps as u64)
            .with_style(bar_style())
            .with_position(before.n_steps as u64)
            .with_message(format!("epoch {}", epoch + 1));
        let start = Instant::now();
        let mut learning_rate = 0.0;
        for batch in batches {
            let number = state.progress.partial.n_steps;
            if stop() {
                bar.abandon();
                return Ok(EpochEnd::Interrupted);
            }
            learning_rate = self.learning_rate(state, number, n_steps);
            let value = self.step(state, &batch, number, learning_rate)?;
            let partial = &mut state.progress.partial;
            *partial = EpochProgress {
                n_steps: number + 1,
                n_images: partial.n_images + batch.len(),
                loss_sum: partial.loss_sum + value * batch.len() as f64,
                seconds: before.seconds + start.elapsed().as_secs_f64(),
            };
            bar.inc(1);
            let mean = partial.loss_sum / partial.n_images as f64;
            bar.set_message(format!("epoch {}  loss {mean:.4}", epoch + 1));
            if number.is_multiple_of(STEPS_PER_EVENT) {
                let at = (epoch * n_steps + number) as u64;
                events.scalar("step/loss", at, value)?;
                events.scalar("step/learning_rate", at, learning_rate)?;
            }
        }
        bar.finish_and_clear();
        Ok(EpochEnd::Whole { learning_rate })
    }

    /// The batches of the current epoch, from step `first` on.
    pub(super) fn batches(&self, state: &RunState, first: usize) -> Result<Batches> {
        let recipe = self.job.recipe;
        Ok(Batches::training(
            Arc::clone(self.job.dataset),
            self.rows,
            recipe.augment,
            recipe.normalization(),
            Epoch {
                seed: recipe.seed,
                number: state.progress.history.len() as u64,
                first_batch: first,
            },
            LoaderConfig {
                batch_size: recipe.batch_size,
                side_px: recipe.side_px_at(state.progress.share[0]),
                sampler: recipe.sampler,
                ..LoaderConfig::default()
            },
        )?)
    }

    /// The learning rate of step `number` of `n_steps`.
    fn learning_rate(&self, state: &RunState, number: usize, n_steps: usize) -> f64 {
        let [start, end] = state.progress.share;
        let step = (end - start) / n_steps as f64;
        let at = SchedulePosition {
            epoch: state.progress.history.len(),
            done: start + step * number as f64,
            step,
        };
        let schedule = &self.job.recipe.schedule;
        schedule.rate(state.progress.learning_rate, at)
    }

    /// Runs one step. Returns the loss before it.
    pub(super) fn step(
        &self,
        state: &mut RunState,
        batch: &Batch,
        number: usize,
        learning_rate: f64,
    ) -> Result<f64> {
        let Job { recipe, device, .. } = self.job;
        let epoch = state.progress.history.len();
        let side = recipe.side_px_at(state.progress.share[0]);
        let shape = (batch.len(), 1, side, side);
        let images = Tensor::from_slice(&batch.images, shape, device)?;
        let key = [DROPOUT_KEY, recipe.seed, epoch as u64, number as u64];
        let mut rng = SplitMix64::from_key(&key);
        let mut keep = |shape: &[usize], rate: f32| dropout_mask(shape, rate, &mut rng, device);
        let logits = self.network.forward_train(&images, &mut keep)?;
        let teachers = match (
            &self.clean_targets,
            &self.job.teachers,
            &recipe.distillation,
        ) {
            (Some(targets), ..) => {
                let of_batch = batch.indices.iter().map(|&index| targets[index]);
                Some(mixed(of_batch.collect(), batch))
            }
            (None, Some(teachers), Some(settings)) => {
                Some(teachers.targets(&batch.images, recipe.normalization(), settings)?)
            }
            _ => None,
        };
        let loss = self.loss.of_batch(&logits, batch, teachers.as_deref())?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        ensure!(
            value.is_finite(),
            "the loss is no longer a number (epoch {}, step {}): the learning rate {learning_rate:e} is probably too \
             high. The last saved state is kept; lower the rate in the recipe",
            epoch + 1,
            number + 1,
        );
        state
            .optimizer
            .step(&loss.backward()?, learning_rate, epoch)?;
        if let Some(ema) = &mut state.ema {
            ema.update()?;
        }
        Ok(value)
    }
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}  {wide_bar} {pos}/{len} steps, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// 0 with probability `rate`, else `1 / (1 - rate)`.
fn dropout_mask(
    shape: &[usize],
    rate: f32,
    rng: &mut SplitMix64,
    device: &Device,
) -> candle_core::Result<Tensor> {
    let n_values: usize = shape.iter().product();
    let kept = 1.0 / (1.0 - rate);
    let mask: Vec<f32> = (0..n_values)
        .map(|_| if rng.unit() < rate { 0.0 } else { kept })
        .collect();
    Tensor::from_vec(mask, shape, device)
}
