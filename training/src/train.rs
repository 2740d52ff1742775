//! The training loop.
//!
//! A run is decided by its recipe, its data and the number of threads: interrupted and resumed it ends with the same
//! weights, bit for bit. Networks are selected on PublicTest; PrivateTest is never looked at here.

use std::{
    collections::{BTreeMap, HashMap},
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
        Classifier,
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
        network::TrainableNet,
    },
};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    augment::View,
    dataset::{Dataset, Split},
    evaluate::logits_of,
    init::{randomize, sorted},
    loader::{Batches, Epoch, LoaderConfig},
    metrics::Metrics,
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
        let public = validate(recipe, dataset, device, &vars)?;
        let public_loss = public.negative_log_likelihood;
        let figures = EpochFigures {
            epoch: epoch + 1,
            training_loss,
            public_loss,
            public_accuracy: public.accuracy,
            public_macro_f1: public.macro_f1,
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

/// Figures on PublicTest, by the network as the application runs it.
fn validate(
    recipe: &Recipe,
    dataset: &Arc<Dataset>,
    device: &Device,
    vars: &VarMap,
) -> Result<Metrics> {
    let indices = dataset.split(Split::PublicTest);
    ensure!(
        !indices.is_empty(),
        "the data has no PublicTest images to select on"
    );
    let metadata = describe(recipe, serde_json::Value::Null, BTreeMap::new());
    let checkpoint = Checkpoint {
        metadata,
        weights: weights(vars),
        sha256: String::new(),
    };
    let mut classifier = Classifier::new(checkpoint, recipe.name.clone(), None, device)?;
    let logits = logits_of(&mut classifier, dataset, indices, View::PLAIN)?;
    Ok(Metrics::from_logits(
        &logits,
        &dataset.labels_of(indices),
        1.0,
    ))
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
    let training = serde_json::json!({
        "data": "FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414)",
        "split": "trained on Training, selected on PublicTest by macro-F1",
        "epoch": figures.epoch,
        "recipe": serde_json::to_value(recipe)?,
    });
    let metrics = BTreeMap::from([
        ("PublicTest accuracy".to_owned(), figures.public_accuracy),
        ("PublicTest macro-F1".to_owned(), figures.public_macro_f1),
    ]);
    let metadata = describe(recipe, training, metrics);
    Checkpoint::write(&metadata, &weights(vars), &folder.best_path())
        .context("saving the best checkpoint")
}

/// The description of a network trained by `recipe`.
fn describe(
    recipe: &Recipe,
    training: serde_json::Value,
    metrics: BTreeMap<String, f64>,
) -> Metadata {
    Metadata {
        format_version: FORMAT_VERSION,
        name: recipe.name.clone(),
        architecture: recipe.network.clone(),
        labels: Expression::ALL
            .map(|expression| expression.name().to_owned())
            .to_vec(),
        input: recipe.input,
        temperature: 1.0,
        training,
        metrics,
        license: "MIT OR Apache-2.0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fervis::model::{network::Architecture, three_block::ThreeBlockConfig};

    use super::*;
    use crate::dataset::tests::synthetic;

    fn recipe(max_epochs: usize) -> Recipe {
        let network = ThreeBlockConfig {
            channels: [2, 2, 2],
            hidden: 4,
            ..ThreeBlockConfig::default()
        };
        Recipe {
            network: Architecture::ThreeBlock(network),
            batch_size: 8,
            max_epochs,
            ..Recipe::default()
        }
    }

    fn run(recipe: &Recipe, folder: &Path) -> (Outcome, Progress) {
        let dataset = Arc::new(synthetic(20));
        let stop = AtomicBool::new(false);
        train(recipe, &dataset, folder, &Device::Cpu, &stop).unwrap()
    }

    /// The tensors of a run's state, without the header, which holds wall times.
    fn state(folder: &Path) -> Vec<(String, Vec<f32>)> {
        let bytes = fs::read(folder.join("state.safetensors")).unwrap();
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
        let mut state: Vec<_> = tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), flat(tensor)))
            .collect();
        state.sort_by(|(a, _), (b, _)| a.cmp(b));
        state
    }

    #[test]
    fn a_resumed_run_ends_with_the_same_weights_bit_for_bit() {
        let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (outcome, _) = run(&recipe(3), whole.path());
        assert_eq!(
            outcome,
            Outcome::Finished("all 3 epochs are done".to_owned())
        );
        run(&recipe(1), parted.path());
        assert_ne!(state(whole.path()), state(parted.path()));
        let (_, progress) = run(&recipe(3), parted.path());
        assert_eq!(progress.history.len(), 3);
        assert_eq!(state(whole.path()), state(parted.path()));
    }

    #[test]
    fn an_interrupted_epoch_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let dataset = Arc::new(synthetic(20));
        let stop = AtomicBool::new(true);
        let (outcome, progress) =
            train(&recipe(2), &dataset, folder.path(), &Device::Cpu, &stop).unwrap();
        assert_eq!(outcome, Outcome::Interrupted);
        assert!(progress.history.is_empty());
        assert!(!folder.path().join("state.safetensors").exists());
    }

    #[test]
    fn another_recipe_or_other_data_cannot_go_on() {
        let folder = tempfile::tempdir().unwrap();
        run(&recipe(1), folder.path());
        let refused = |recipe: &Recipe, dataset: Dataset| {
            let stop = AtomicBool::new(false);
            let dataset = Arc::new(dataset);
            let result = train(recipe, &dataset, folder.path(), &Device::Cpu, &stop);
            result.unwrap_err().to_string()
        };
        let other = Recipe {
            seed: 1,
            ..recipe(2)
        };
        assert!(refused(&other, synthetic(20)).contains("another recipe"));
        assert!(refused(&recipe(2), synthetic(21)).contains("other data"));
    }
}
