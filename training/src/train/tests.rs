//! Complete runs of a tiny network on made-up images.

use std::{cell::Cell, fs, path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use fervis::model::{
    checkpoint::Checkpoint,
    import::{Pretrained, read_pretrained},
    net::{Architecture, HeadConfig, ThreeBlockConfig},
};

use super::{
    distillation::Teachers,
    job::Job,
    progress::RunProgress,
    run::{RunOutcome, train},
};
use crate::{
    augment::AugmentConfig,
    data::{
        dataset::{Dataset, tests::synthetic},
        ferplus::{FerPlus, Votes},
        sampler::Sampler,
    },
    evaluate::fixtures::teacher,
    recipe::{
        EmaSettings, Recipe, ResizingStage,
        loss::{AuxiliarySettings, ClassWeights, DistillationSettings, LossSettings},
        optimizer::{GroupSettings, OptimizerSettings, SgdSettings},
        schedule::{Cosine, RateSchedule},
        tests::three_block,
    },
};

mod faults;

fn recipe(max_epochs: usize) -> Recipe {
    let network = ThreeBlockConfig {
        channels: [2, 2, 2],
        hidden: 4,
        ..ThreeBlockConfig::default()
    };
    Recipe {
        network: Architecture::ThreeBlock(network),
        batch_size: 4,
        max_epochs,
        ..three_block()
    }
}

/// A recipe with every feature that has a state.
fn rich(max_epochs: usize) -> Recipe {
    Recipe {
        sampler: Sampler::Balanced,
        augment: AugmentConfig {
            mixup_alpha: 0.4,
            ..AugmentConfig::default()
        },
        loss: LossSettings {
            focal_gamma: 2.0,
            label_smoothing: 0.1,
            class_weights: ClassWeights::Balanced,
            votes_share: 0.3,
        },
        optimizer: OptimizerSettings::Sgd(SgdSettings {
            learning_rate: 0.05,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 5e-4,
            decay_biases_and_norms: false,
        }),
        groups: vec![GroupSettings {
            prefixes: vec!["block1.".to_owned()],
            learning_rate_factor: 0.5,
            weight_decay: None,
            frozen_epochs: 1,
            if_pretrained: false,
        }],
        schedule: RateSchedule::Cosine(Cosine {
            warmup: 0.2,
            final_factor: 0.01,
        }),
        ema: Some(EmaSettings { decay: 0.9 }),
        auxiliary: Some(AuxiliarySettings { weight: 0.5 }),
        ..recipe(max_epochs)
    }
}

fn try_run(
    recipe: &Recipe,
    dataset: Dataset,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<(RunOutcome, RunProgress)> {
    let more = More::default();
    try_run_with(&more, recipe, dataset, folder, stop)
}

/// The optional inputs of a run.
#[derive(Default)]
struct More {
    budget: Option<Duration>,
    pretrained: Option<Pretrained>,
    is_taught: bool,
}

fn try_run_with(
    more: &More,
    recipe: &Recipe,
    dataset: Dataset,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<(RunOutcome, RunProgress)> {
    let votes = Votes {
        by_expression: [1; 7],
        ..Votes::default()
    };
    let votes = FerPlus::new(vec![votes; dataset.len()]);
    let job = Job {
        recipe,
        dataset: &Arc::new(dataset),
        votes: Some(Arc::new(votes)),
        teachers: more
            .is_taught
            .then(|| Teachers::new(vec![teacher(0.5, 0.25, 1.0)])),
        device: &Device::Cpu,
        budget: more.budget,
        pretrained: more.pretrained.clone(),
    };
    train(&job, folder, stop)
}

fn run(recipe: &Recipe, folder: &Path) -> (RunOutcome, RunProgress) {
    try_run(recipe, synthetic(20), folder, &|| false).unwrap()
}

/// The tensors of a run's state, without the header, which holds wall times.
fn state(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let bytes = fs::read(folder.join("state.safetensors")).unwrap();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let flat = |tensor: &Tensor| {
        let tensor = tensor.to_dtype(DType::F32).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    };
    let mut state: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), flat(tensor)))
        .collect();
    state.sort_by(|(a, _), (b, _)| a.cmp(b));
    state
}

/// Checks that the states of two runs are equal, bit for bit.
#[track_caller]
fn check_same(a: &Path, b: &Path) {
    let (a, b) = (state(a), state(b));
    assert_eq!(a.len(), b.len());
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn a_resumed_run_ends_with_the_same_weights_bit_for_bit() {
    let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (outcome, _) = run(&recipe(3), whole.path());
    assert_eq!(
        outcome,
        RunOutcome::Finished("all 3 epochs are done".to_owned())
    );
    run(&recipe(1), parted.path());
    assert_ne!(state(whole.path()), state(parted.path()));
    let (_, progress) = run(&recipe(3), parted.path());
    assert_eq!(progress.history.len(), 3);
    check_same(whole.path(), parted.path());
}

/// Interrupts the run after every second step, also between epochs. Returns how often.
fn run_in_pieces(more: &More, recipe: &Recipe, n_images: usize, folder: &Path) -> usize {
    let n_interruptions = (0..).find(|_| {
        let n_asked = Cell::new(0);
        let stop = || n_asked.replace(n_asked.get() + 1) == 2;
        let run = try_run_with(more, recipe, synthetic(n_images), folder, &stop);
        run.unwrap().0 != RunOutcome::Interrupted
    });
    n_interruptions.unwrap()
}

#[test]
fn a_run_interrupted_within_epochs_ends_the_same_bit_for_bit() {
    for recipe in [recipe(3), rich(3)] {
        let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_, expected) = run(&recipe, whole.path());
        // 15 steps; the last part has the fifteenth.
        let n_pieces = run_in_pieces(&More::default(), &recipe, 20, parted.path());
        assert_eq!(n_pieces, 7);
        check_same(whole.path(), parted.path());
        let (_, progress) = run(&recipe, parted.path());
        for (a, b) in expected.history.iter().zip(&progress.history) {
            assert_eq!(a.training_loss, b.training_loss);
            assert_eq!(a.public_loss, b.public_loss);
        }
        let best = |folder: &Path| Checkpoint::read(&folder.join("best.safetensors")).unwrap();
        assert_eq!(
            best(whole.path()).metadata.metrics,
            best(parted.path()).metadata.metrics
        );
    }
}

/// The teacher sees 8×8 pixels, which is allowed only for clean images, and mixup blends its answers like the images.
#[test]
fn an_interrupted_run_with_clean_teachers_ends_the_same_bit_for_bit() {
    let taught = |share: f64| Recipe {
        distillation: Some(DistillationSettings {
            share,
            temperature: 1.0,
            mirrored: true,
            weights: vec![1.0],
            clean: true,
        }),
        ..rich(2)
    };
    let more = More {
        is_taught: true,
        ..More::default()
    };
    let [whole, parted, other] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    try_run_with(&more, &taught(0.6), synthetic(20), whole.path(), &|| false).unwrap();
    assert_eq!(run_in_pieces(&more, &taught(0.6), 20, parted.path()), 4);
    check_same(whole.path(), parted.path());
    try_run_with(&more, &taught(0.0), synthetic(20), other.path(), &|| false).unwrap();
    assert_ne!(state(whole.path()), state(other.path()));
}

/// The number of epochs depends on the clock, so the budget leaves no choice.
#[test]
fn a_run_with_a_budget_interrupted_ends_the_same_bit_for_bit() {
    let more = More {
        budget: Some(Duration::from_millis(1)),
        ..More::default()
    };
    let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recipe = rich(30);
    try_run_with(&more, &recipe, synthetic(20), whole.path(), &|| false).unwrap();
    assert_eq!(run_in_pieces(&more, &recipe, 20, parted.path()), 2);
    check_same(whole.path(), parted.path());
}

/// Images of 32×32 in the first epoch and of 48×48 in the second, for a network that accepts any size.
#[test]
fn a_run_interrupted_while_its_images_grow_ends_the_same_bit_for_bit() {
    let recipe = Recipe {
        network: Architecture::Resnet18(HeadConfig::default()),
        progressive_resizing: vec![ResizingStage {
            side_px: 32,
            until: 0.5,
        }],
        batch_size: 2,
        ..recipe(2)
    };
    let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    try_run(&recipe, synthetic(5), whole.path(), &|| false).unwrap();
    // Six steps; the two of the first part are within the first epoch.
    assert_eq!(
        run_in_pieces(&More::default(), &recipe, 5, parted.path()),
        2
    );
    check_same(whole.path(), parted.path());
}

#[test]
fn the_seed_decides_the_weights() {
    let [first, again, other] = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    run(&rich(2), first.path());
    run(&rich(2), again.path());
    check_same(first.path(), again.path());
    let another = Recipe { seed: 1, ..rich(2) };
    run(&another, other.path());
    assert_ne!(state(first.path()), state(other.path()));
}

/// The weights of a run without those of the last layer.
fn pretrained_of(folder: &Path) -> Pretrained {
    let best = Checkpoint::read(&folder.join("best.safetensors")).unwrap();
    let mut weights = best.weights;
    weights.retain(|name, _| !name.starts_with("fc2"));
    let bytes = safetensors::serialize(&weights, None).unwrap();
    let recipe = recipe(1);
    read_pretrained(
        &bytes,
        "first.pth",
        &recipe.network,
        &recipe.input_spec(),
        7,
    )
    .unwrap()
}

#[test]
fn a_run_starts_from_the_given_weights() {
    let [first, second] = [0, 1].map(|_| tempfile::tempdir().unwrap());
    run(&recipe(2), first.path());
    let more = More {
        pretrained: Some(pretrained_of(first.path())),
        ..More::default()
    };
    // In the first epoch the features are frozen; only the running estimates change.
    let frozen = |if_pretrained| Recipe {
        groups: vec![GroupSettings {
            prefixes: vec!["block".to_owned(), "fc1.".to_owned()],
            learning_rate_factor: 1.0,
            weight_decay: None,
            frozen_epochs: 1,
            if_pretrained,
        }],
        ..recipe(1)
    };
    let recipe = frozen(true);
    try_run_with(&more, &recipe, synthetic(20), second.path(), &|| false).unwrap();
    let kernels = |folder: &Path| {
        let state = state(folder);
        let named = state
            .into_iter()
            .find(|(name, _)| name == "block1.conv.weight");
        named.unwrap().1
    };
    let best = Checkpoint::read(&first.path().join("best.safetensors")).unwrap();
    let begun_with = best.weights["block1.conv.weight"].flatten_all().unwrap();
    assert_eq!(kernels(second.path()), begun_with.to_vec1::<f32>().unwrap());
    let log = fs::read_to_string(second.path().join("log.txt")).unwrap();
    assert!(log.contains("taken from first.pth; new: fc2"), "{log}");
    let best = Checkpoint::read(&second.path().join("best.safetensors")).unwrap();
    assert_eq!(best.metadata.training["begun with"]["file"], "first.pth");
    // Resuming needs the same file.
    let longer = Recipe {
        max_epochs: 2,
        ..recipe.clone()
    };
    let error = try_run(&longer, synthetic(20), second.path(), &|| false).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("started from the weights of first.pth"),
        "{error}"
    );
    try_run_with(&more, &longer, synthetic(20), second.path(), &|| false).unwrap();
    // With random weights the group does not apply.
    let third = tempfile::tempdir().unwrap();
    run(&recipe, third.path());
    let fourth = tempfile::tempdir().unwrap();
    run(&frozen(false), fourth.path());
    assert_ne!(kernels(third.path()), kernels(fourth.path()));
}

#[test]
fn a_run_interrupted_before_its_first_step_can_be_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, progress) = try_run(&recipe(1), synthetic(20), folder.path(), &|| true).unwrap();
    assert_eq!(outcome, RunOutcome::Interrupted);
    assert!(progress.history.is_empty());
    assert_eq!(run(&recipe(1), folder.path()).1.history.len(), 1);
}

#[test]
fn a_run_cannot_be_resumed_with_another_recipe_or_other_data() {
    let folder = tempfile::tempdir().unwrap();
    run(&recipe(1), folder.path());
    let refused = |recipe: &Recipe, dataset: Dataset| {
        let result = try_run(recipe, dataset, folder.path(), &|| false);
        result.unwrap_err().to_string()
    };
    let other = Recipe {
        seed: 1,
        ..recipe(2)
    };
    assert!(refused(&other, synthetic(20)).contains("another recipe"));
    assert!(refused(&recipe(2), synthetic(21)).contains("other data"));
}

#[test]
fn a_run_saves_its_figures() {
    let folder = tempfile::tempdir().unwrap();
    run(&rich(2), folder.path());
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("epochs.csv").lines().count(), 3);
    assert!(read("curves.svg").contains("<polyline"));
    assert!(read("confusion.svg").contains("<rect"));
    assert!(read("log.txt").contains("finished: all 2 epochs are done"));
    let metrics: serde_json::Value = serde_json::from_str(&read("metrics.json")).unwrap();
    assert_eq!(metrics["epochs"].as_array().unwrap().len(), 2);
    assert!(metrics["best_public_test"]["confusion"].is_object());
}

/// A rate that makes the weights overflow ends the run, and the last saved state stays.
#[test]
fn a_loss_that_is_not_a_number_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let wild = |max_epochs| Recipe {
        optimizer: OptimizerSettings::Sgd(SgdSettings {
            learning_rate: 1e30,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            decay_biases_and_norms: true,
        }),
        groups: vec![GroupSettings {
            prefixes: vec!["block".to_owned(), "fc".to_owned()],
            learning_rate_factor: 1.0,
            weight_decay: None,
            frozen_epochs: 1,
            if_pretrained: false,
        }],
        ..recipe(max_epochs)
    };
    run(&wild(1), folder.path());
    let before = state(folder.path());
    let error = try_run(&wild(3), synthetic(20), folder.path(), &|| false).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("no longer a number"), "{error}");
    assert!(error.contains("is kept"), "{error}");
    assert_eq!(state(folder.path()), before);
}

#[test]
fn the_smallest_budget_still_gives_one_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job {
        recipe: &recipe(30),
        dataset: &Arc::new(synthetic(20)),
        votes: None,
        teachers: None,
        device: &Device::Cpu,
        budget: Some(Duration::from_millis(1)),
        pretrained: None,
    };
    let (outcome, progress) = train(&job, folder.path(), &|| false).unwrap();
    assert_eq!(progress.history.len(), 1);
    let reason = "the time is up; epochs done: 1".to_owned();
    assert_eq!(outcome, RunOutcome::Finished(reason));
    // The rehearsal leaves no trace.
    let plain = tempfile::tempdir().unwrap();
    run(&recipe(1), plain.path());
    check_same(folder.path(), plain.path());
}

#[test]
fn required_votes_must_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job {
        recipe: &rich(1),
        dataset: &Arc::new(synthetic(20)),
        votes: None,
        teachers: None,
        device: &Device::Cpu,
        budget: None,
        pretrained: None,
    };
    let error = train(&job, folder.path(), &|| false).unwrap_err();
    assert!(error.to_string().contains("--votes"), "{error}");
}
