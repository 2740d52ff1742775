//! The training loop: runs epochs, measures the network, and saves the state between them.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Tensor};
use candle_nn::{VarBuilder, VarMap};
use fervis::{
    expression::Labels,
    model::{Classifier, Precision, checkpoint::Checkpoint},
};

use super::{
    checkpoint::{describe, save_best},
    epoch::{EpochEnd, Stepper},
    resume::{on_resuming, refuse_idle_epochs},
};
use crate::{
    augment::View,
    data::{
        dataset::{Split, SplitOrigin},
        ferplus::FerPlus,
        rows,
        target::Target,
    },
    evaluate::{agreement::Agreement, logits::logits_of, metrics::Metrics},
    recipe::{loss::ClassWeights, optimizer::GroupSettings},
    report::{
        figures::EpochFigures, run_folder::RunFolder, run_log::RunLog, tensorboard::EventFile,
    },
    train::{
        auxiliary,
        distillation::Teachers,
        ema::Ema,
        init::randomize,
        job::Job,
        loss::Loss,
        optimizer::Optimizer,
        origin::Origin,
        progress::RunProgress,
        state::RunState,
        variables::{ensure_finite, overwrite, snapshot},
    },
};

/// Steps that are timed before a run with a budget, after as many for warming up.
const N_REHEARSED_STEPS: usize = 4;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RunOutcome {
    /// By its recipe or budget; holds the reason.
    Finished(String),
    /// By the user; it resumes at the same step.
    Interrupted,
}

/// Trains a network, or resumes the run in `folder`.
///
/// `stop` is called before every step. Messages go to the terminal and the log, results to `folder`.
///
/// # Errors
/// If the folder cannot be written or holds another run, the recipe does not fit the data or the network, or the loss
/// is no longer a number.
pub fn train(
    job: &Job,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<(RunOutcome, RunProgress)> {
    let (recipe, dataset) = (job.recipe, job.dataset);
    for split in [Split::Training, Split::PublicTest] {
        let is_there = !dataset.split(split).is_empty();
        ensure!(
            is_there,
            "the data has no {} images; training needs Training and PublicTest",
            split.name()
        );
    }
    ensure!(
        !recipe.needs_votes() || job.votes.is_some(),
        "the recipe {} needs FER+'s votes; give fer2013new.csv with --votes",
        recipe.name
    );
    let has_weights = matches!(recipe.loss.class_weights, ClassWeights::Given(_));
    ensure!(
        !has_weights || dataset.classes() == Labels::FER_2013,
        "the recipe {} gives weights for FER-2013's seven expressions, but the data has the classes {}; set \
         loss.class_weights to even or balanced",
        recipe.name,
        dataset.classes().list()
    );
    let none = Teachers::new(Vec::new());
    if recipe.distillation.is_some() {
        job.teachers
            .as_ref()
            .unwrap_or(&none)
            .check(recipe, dataset.classes())?;
    }
    let folder = RunFolder::at(folder);
    folder.create()?;
    let _lock = folder.lock()?;
    let rows = rows::training_rows(recipe.rows, dataset, job.votes.as_deref())?;
    let teachers = job.teachers.as_ref().map_or(0, Teachers::fingerprint);
    let fingerprint = rows::fingerprint(dataset, &rows) ^ teachers;
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, job.device);
    let precision = Precision::fastest();
    let n_outputs = auxiliary::n_outputs(recipe.auxiliary, dataset.classes().len());
    let network = recipe
        .network
        .trainable(&recipe.input_spec(), n_outputs, precision, &vb)?;
    randomize(&vars, recipe.first_weights, recipe.seed)?;
    if let Some(pretrained) = &job.pretrained {
        let weights = auxiliary::both_heads(&pretrained.weights, &vars)?;
        overwrite(&vars, &weights)?;
    }
    let groups = groups_of(job);
    let new_ema = |ema: &crate::recipe::EmaSettings| Ema::new(&vars, ema.decay);
    let mut state = RunState {
        optimizer: Optimizer::new(&vars, &recipe.optimizer, &groups)?,
        ema: recipe.ema.as_ref().map(new_ema).transpose()?,
        progress: RunProgress::new(recipe),
        events_len: 0,
        pretrained: job.pretrained.as_ref().map(Origin::of),
        vars,
    };
    let restored = if folder.has_state() {
        Some(state.restore(&folder, recipe, fingerprint)?)
    } else {
        folder.save_recipe(recipe)?;
        None
    };
    let mut log = RunLog::open(&folder.log_path()).context("opening the log")?;
    match (restored, &job.pretrained) {
        (Some(restored), _) => {
            refuse_idle_epochs(job, &state.progress)?;
            for line in on_resuming(job, restored, &state.progress) {
                log.say(&line);
            }
        }
        (None, Some(pretrained)) => log.say(&pretrained.to_string()),
        (None, None) => {}
    }
    if dataset.split_origin() != SplitOrigin::Given {
        log.say(&dataset.split_origin().to_string());
    }
    let mut events = EventFile::open(&folder.events_path(), state.events_len)
        .context("opening TensorBoard's file")?;
    log.say(&format!("learning from {}", rows::describe(dataset, &rows)));
    let class_counts = dataset.class_counts(&rows);
    let loss = Loss::new(recipe, class_counts, job.votes.clone());
    let stepper = Stepper {
        job,
        rows: &rows,
        network: &network,
        loss: &loss,
        clean_targets: clean_targets(job, &rows, &mut log)?,
    };
    let expected = match job.budget {
        Some(_) if state.progress.history.is_empty() => rehearse(&stepper, &mut state)?,
        _ => 0.0,
    };
    loop {
        if let Some(reason) = state.progress.reason_to_stop(recipe, job.budget) {
            log.say(&format!("finished: {reason}"));
            folder.save_figures(&state.progress.figures(recipe))?;
            return Ok((RunOutcome::Finished(reason), state.progress));
        }
        if state.progress.partial.n_steps == 0 {
            let n_left = state.progress.n_epochs_left(recipe, job.budget, expected);
            state.progress.plan(n_left);
        }
        let end = stepper.run(&mut state, &mut events, stop)?;
        ensure_finite(&state.vars)?;
        let learning_rate = match end {
            EpochEnd::Whole { learning_rate } => learning_rate,
            EpochEnd::Interrupted => {
                let partial = state.progress.partial;
                state.events_len = events.len();
                state.save(&folder, recipe, fingerprint)?;
                folder.save_figures(&state.progress.figures(recipe))?;
                let epoch = state.progress.history.len() + 1;
                let n_steps = partial.n_steps;
                log.say(&format!(
                    "interrupted in epoch {epoch} after {n_steps} steps"
                ));
                return Ok((RunOutcome::Interrupted, state.progress));
            }
        };
        let is_best = finish_epoch(job, &mut state, learning_rate, &mut log, &mut events)?;
        if is_best {
            save_best(job, &state, &folder)?;
        }
        state.events_len = events.len();
        state.save(&folder, recipe, fingerprint)?;
        folder.save_figures(&state.progress.figures(recipe))?;
    }
}

/// The teachers' answers for the training images without augmentation, if the recipe asks for that.
fn clean_targets(job: &Job, rows: &[usize], log: &mut RunLog) -> Result<Option<Vec<Target>>> {
    let settings = job.recipe.distillation.as_ref();
    match (settings.filter(|settings| settings.clean), &job.teachers) {
        (Some(settings), Some(teachers)) => {
            log.say("running the teachers on every image without augmentation, once");
            Ok(Some(teachers.clean_targets(job.dataset, rows, settings)?))
        }
        _ => Ok(None),
    }
}

/// Measures and records a finished epoch. Returns whether it is the best so far.
fn finish_epoch(
    job: &Job,
    state: &mut RunState,
    learning_rate: f64,
    log: &mut RunLog,
    events: &mut EventFile,
) -> Result<bool> {
    let start = Instant::now();
    let (public, agreement) = validate(job, &state.finished_weights(job.recipe)?)?;
    let partial = state.progress.partial;
    let figures = EpochFigures {
        epoch: state.progress.history.len() + 1,
        training_loss: partial.loss_sum / partial.n_images.max(1) as f64,
        public_loss: public.negative_log_likelihood,
        public_accuracy: public.accuracy,
        public_macro_f1: public.macro_f1,
        public_agreement: agreement,
        learning_rate,
        seconds: partial.seconds + start.elapsed().as_secs_f64(),
        images_per_second: partial.n_images as f64 / partial.seconds.max(1e-9),
    };
    ensure!(
        figures.public_loss.is_finite(),
        "the loss on PublicTest is no longer a number (epoch {}): the learning rate {learning_rate:e} is probably too \
         high. The last saved state is kept; lower the rate in the recipe",
        figures.epoch
    );
    let is_best = state.progress.note(figures, public, job.recipe);
    let n_left = state.progress.n_epochs_left(job.recipe, job.budget, 0.0);
    let with_voters = match agreement {
        Some(agreement) => format!("  agreement with FER+ {:.2} %", agreement * 100.0),
        None => String::new(),
    };
    log.say(&format!(
        "epoch {:>3}  training loss {:.4}  PublicTest loss {:.4}  accuracy {:.2} %  macro-F1 {:.2} %{with_voters}  rate {:.1e}  \
         {:.0} s, {:.0} images/s, {} left at most{}",
        figures.epoch,
        figures.training_loss,
        figures.public_loss,
        figures.public_accuracy * 100.0,
        figures.public_macro_f1 * 100.0,
        figures.learning_rate,
        figures.seconds,
        figures.images_per_second,
        indicatif::HumanDuration(Duration::from_secs_f64(figures.seconds * n_left as f64)),
        if is_best { "  best" } else { "" },
    ));
    let at = figures.epoch as u64;
    let with_voters = agreement.map(|agreement| ("epoch/public_agreement", agreement));
    let tags = [
        ("epoch/training_loss", figures.training_loss),
        ("epoch/public_loss", figures.public_loss),
        ("epoch/public_accuracy", figures.public_accuracy),
        ("epoch/public_macro_f1", figures.public_macro_f1),
        ("epoch/learning_rate", figures.learning_rate),
        ("epoch/images_per_second", figures.images_per_second),
    ];
    for (tag, value) in tags.into_iter().chain(with_voters) {
        events
            .scalar(tag, at, value)
            .context("writing TensorBoard's file")?;
    }
    Ok(is_best)
}

/// The expected duration of an epoch, seconds, from a few steps that are then undone.
fn rehearse(stepper: &Stepper, state: &mut RunState) -> Result<f64> {
    let kept = snapshot(&state.vars)?;
    let mut rehearsal = RunState {
        vars: state.vars.clone(),
        optimizer: Optimizer::new(&state.vars, &stepper.job.recipe.optimizer, &[])?,
        ema: None,
        progress: state.progress.clone(),
        events_len: 0,
        pretrained: None,
    };
    let batches = stepper.batches(&rehearsal, 0)?;
    let n_steps = batches.len();
    let (mut seconds, mut n_timed) = (0.0, 0);
    let mut start = Instant::now();
    for (number, batch) in batches.take(2 * N_REHEARSED_STEPS).enumerate() {
        // A rate of 0 takes as long as any other and does not change the weights.
        stepper.step(&mut rehearsal, &batch, number, 0.0)?;
        if number >= N_REHEARSED_STEPS || n_steps <= N_REHEARSED_STEPS {
            seconds += start.elapsed().as_secs_f64();
            n_timed += 1;
        }
        start = Instant::now();
    }
    let start = Instant::now();
    validate(
        stepper.job,
        &rehearsal.finished_weights(stepper.job.recipe)?,
    )?;
    let validation = start.elapsed().as_secs_f64();
    overwrite(&state.vars, &kept)?;
    Ok(seconds / f64::from(n_timed.max(1)) * n_steps as f64 + validation)
}

/// The groups of the recipe that apply to this run.
fn groups_of(job: &Job) -> Vec<GroupSettings> {
    let groups = job.recipe.groups.iter();
    groups
        .filter(|group| !group.if_pretrained || job.pretrained.is_some())
        .cloned()
        .collect()
}

/// Metrics on PublicTest, with the network as the application runs it, and the agreement with FER+ if there are votes.
fn validate(job: &Job, weights: &HashMap<String, Tensor>) -> Result<(Metrics, Option<f64>)> {
    let indices = job.dataset.split(Split::PublicTest);
    let checkpoint = Checkpoint {
        metadata: describe(
            job.recipe,
            job.dataset.classes(),
            serde_json::Value::Null,
            BTreeMap::new(),
        ),
        weights: weights.clone(),
        sha256: String::new(),
        assumed: None,
    };
    let mut classifier = Classifier::new(checkpoint, job.recipe.name.clone(), None, job.device)?;
    let logits = logits_of(&mut classifier, job.dataset, indices, View::PLAIN)?;
    let labels = job.dataset.labels_of(indices);
    let agreement = |votes: &Arc<FerPlus>| {
        let agreement = Agreement::measure(votes, job.dataset, indices, &logits, 1.0);
        agreement.accuracy
    };
    let agreement = job.votes.as_ref().map(agreement);
    Ok((Metrics::from_logits(&logits, &labels, 1.0), agreement))
}
