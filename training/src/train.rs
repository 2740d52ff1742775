//! The training loop.
//!
//! A run is decided by its recipe, its data and the number of threads: interrupted and resumed it ends with the same
//! weights, bit for bit. Networks are selected on PublicTest; PrivateTest is never looked at here.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap, loss::cross_entropy};
use fervis::{
    expression::{Expression, N_EXPRESSIONS},
    model::{
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
        network::{InferenceNet, TrainableNet},
    },
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    augment::View,
    dataset::{Dataset, Split},
    init::{randomize, sorted},
    loader::{Batches, Epoch, LoaderConfig},
    metrics::ConfusionMatrix,
    optimizer::AdamW,
    progress::{EpochFigures, Progress},
    random::SplitMix64,
    recipe::Recipe,
    run_folder::RunFolder,
};

/// First number of the random key of dropout; see [`crate::loader`] for the others.
const DROPOUT_KEY: u64 = 4;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// By its recipe, with the reason.
    Finished(String),
    /// By the user; it can be resumed from its last whole epoch.
    Interrupted,
}

/// Trains by `recipe`, or goes on where `folder` stopped.
///
/// `stop` is looked at after every step. Progress goes to the terminal, results to `folder`.
///
/// # Errors
/// If the folder cannot be written, holds another run, or the loss stops being a number.
pub fn train(
    recipe: &Recipe,
    dataset: &Arc<Dataset>,
    folder: &Path,
    device: &Device,
    stop: &AtomicBool,
) -> Result<(Outcome, Progress)> {
    let folder = RunFolder::create(folder)?;
    let fingerprint = dataset.fingerprint();
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, device);
    let network = recipe
        .network
        .trainable(&recipe.input, N_EXPRESSIONS, &vb)?;
    randomize(&vars, recipe.seed)?;
    let mut optimizer = AdamW::new(&vars, recipe.weight_decay)?;
    let mut progress = if folder.has_state() {
        folder.restore(recipe, fingerprint, &vars, &mut optimizer)?
    } else {
        folder.save_recipe(recipe)?;
        Progress::new(recipe)
    };
    loop {
        if let Some(reason) = progress.reason_to_stop(recipe) {
            return Ok((Outcome::Finished(reason), progress));
        }
        let start = Instant::now();
        let epoch = progress.history.len();
        let learning_rate = progress.learning_rate;
        let step = TrainingStep {
            recipe,
            dataset,
            device,
            network: &*network,
            epoch,
            learning_rate,
        };
        let Some(training_loss) = step.run_epoch(&mut optimizer, stop)? else {
            return Ok((Outcome::Interrupted, progress));
        };
        let (public_loss, confusion) = validate(recipe, dataset, device, &vars)?;
        let figures = EpochFigures {
            epoch: epoch + 1,
            training_loss,
            public_loss,
            public_accuracy: confusion.accuracy(),
            public_macro_f1: confusion.macro_f1(),
            learning_rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        let is_best = progress.note(figures, recipe);
        println!(
            "epoch {:>3}  training loss {training_loss:.4}  PublicTest loss {public_loss:.4}  accuracy {:.2} %  \
             macro-F1 {:.2} %  rate {learning_rate:.1e}  {:.0} s{}",
            figures.epoch,
            figures.public_accuracy * 100.0,
            figures.public_macro_f1 * 100.0,
            figures.seconds,
            if is_best { "  best" } else { "" },
        );
        if is_best {
            save_best(recipe, &figures, &vars, &folder)?;
        }
        folder.save_state(recipe, fingerprint, &progress, &vars, &optimizer)?;
    }
}

/// What the steps of one epoch share.
struct TrainingStep<'a> {
    recipe: &'a Recipe,
    dataset: &'a Arc<Dataset>,
    device: &'a Device,
    network: &'a dyn TrainableNet,
    /// Counted from 0.
    epoch: usize,
    learning_rate: f64,
}

impl TrainingStep<'_> {
    /// One pass over the training images. Returns the mean loss, or `None` if it was interrupted.
    fn run_epoch(&self, optimizer: &mut AdamW, stop: &AtomicBool) -> Result<Option<f64>> {
        let Self {
            recipe, dataset, ..
        } = self;
        let batches = Batches::training(
            Arc::clone(dataset),
            dataset.split(Split::Training),
            recipe.augment,
            recipe.normalization(),
            Epoch {
                seed: recipe.seed,
                number: self.epoch as u64,
                first_batch: 0,
            },
            LoaderConfig {
                batch_size: recipe.batch_size,
                ..LoaderConfig::default()
            },
        )?;
        let bar = ProgressBar::new(batches.len() as u64)
            .with_style(bar_style())
            .with_message(format!("epoch {}", self.epoch + 1));
        let (mut loss_sum, mut n_images) = (0.0, 0);
        for (number, batch) in batches.enumerate() {
            if stop.load(Ordering::Relaxed) {
                bar.abandon();
                return Ok(None);
            }
            let (images, labels) = self.tensors(batch.images, &batch.labels)?;
            let mut rng =
                SplitMix64::from_key(&[DROPOUT_KEY, recipe.seed, self.epoch as u64, number as u64]);
            let mut keep =
                |shape: &[usize], rate: f32| dropout_mask(shape, rate, &mut rng, self.device);
            let loss = cross_entropy(&self.network.forward_train(&images, &mut keep)?, &labels)?;
            let value = f64::from(loss.to_scalar::<f32>()?);
            ensure!(
                value.is_finite(),
                "the loss is no longer a number (epoch {}, step {}): the learning rate {:e} is probably too high; the \
                 state of the last whole epoch was kept",
                self.epoch + 1,
                number + 1,
                self.learning_rate
            );
            optimizer.step(&loss.backward()?, self.learning_rate)?;
            loss_sum += value * batch.labels.len() as f64;
            n_images += batch.labels.len();
            bar.inc(1);
            bar.set_message(format!(
                "epoch {}  loss {:.4}",
                self.epoch + 1,
                loss_sum / n_images as f64
            ));
        }
        bar.finish_and_clear();
        Ok(Some(loss_sum / n_images.max(1) as f64))
    }

    fn tensors(&self, images: Vec<f32>, labels: &[u32]) -> Result<(Tensor, Tensor)> {
        let input = &self.recipe.input;
        let shape = (labels.len(), input.channels, input.height, input.width);
        Ok((
            Tensor::from_vec(images, shape, self.device)?,
            Tensor::new(labels, self.device)?,
        ))
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

/// Loss and confusion matrix on PublicTest, by the network as the app runs it.
fn validate(
    recipe: &Recipe,
    dataset: &Arc<Dataset>,
    device: &Device,
    vars: &VarMap,
) -> Result<(f64, ConfusionMatrix)> {
    let network: Box<dyn InferenceNet> = recipe.network.inference(&weights(vars), device)?;
    let batches = Batches::evaluation(
        Arc::clone(dataset),
        dataset.split(Split::PublicTest),
        View::PLAIN,
        recipe.normalization(),
        LoaderConfig::default(),
    )?;
    let mut confusion = ConfusionMatrix::default();
    let (mut loss_sum, mut n_images) = (0.0, 0);
    for batch in batches {
        let input = &recipe.input;
        let shape = (
            batch.labels.len(),
            input.channels,
            input.height,
            input.width,
        );
        let logits = network.forward(&Tensor::from_vec(batch.images, shape, device)?)?;
        let loss = cross_entropy(&logits, &Tensor::new(&batch.labels[..], device)?)?;
        loss_sum += f64::from(loss.to_scalar::<f32>()?) * batch.labels.len() as f64;
        n_images += batch.labels.len();
        let predicted = logits.argmax(1)?.to_vec1::<u32>()?;
        for (label, predicted) in batch.labels.iter().zip(predicted) {
            confusion.add(*label as usize, predicted as usize);
        }
    }
    Ok((loss_sum / n_images.max(1) as f64, confusion))
}

/// The weights by name, without gradients.
fn weights(vars: &VarMap) -> HashMap<String, Tensor> {
    sorted(vars)
        .into_iter()
        .map(|(name, var)| (name, var.as_detached_tensor()))
        .collect()
}

/// Writes the checkpoint of the best epoch so far.
fn save_best(
    recipe: &Recipe,
    figures: &EpochFigures,
    vars: &VarMap,
    folder: &RunFolder,
) -> Result<()> {
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: recipe.name.clone(),
        architecture: recipe.network.clone(),
        labels: Expression::ALL
            .map(|expression| expression.name().to_owned())
            .to_vec(),
        input: recipe.input,
        temperature: 1.0,
        training: serde_json::json!({
            "data": "FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414)",
            "split": "trained on Training, selected on PublicTest by macro-F1",
            "epoch": figures.epoch,
            "recipe": serde_json::to_value(recipe)?,
        }),
        metrics: [
            ("PublicTest accuracy".to_owned(), figures.public_accuracy),
            ("PublicTest macro-F1".to_owned(), figures.public_macro_f1),
        ]
        .into(),
        license: "MIT OR Apache-2.0".to_owned(),
    };
    Checkpoint::write(&metadata, &weights(vars), &folder.best_path())
        .context("saving the best checkpoint")
}
