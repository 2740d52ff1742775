//! Whole runs of a tiny network on made-up images.

use std::{cell::Cell, fs};

use fervis::model::{network::Architecture, three_block::ThreeBlockConfig};

use super::*;
use crate::{
    augment::AugmentConfig,
    auxiliary::AuxiliarySettings,
    dataset::tests::synthetic,
    ferplus::Votes,
    loss::{ClassWeights, LossSettings},
    optimizer::{GroupSettings, OptimizerSettings, SgdSettings},
    recipe::{EmaSettings, tests::three_block},
    sampler::Sampler,
    schedule::{Cosine, Schedule},
};

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

/// Everything that has a state of its own.
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
        }],
        schedule: Schedule::Cosine(Cosine {
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
) -> Result<(Outcome, Progress)> {
    let votes = Votes {
        by_expression: [1; 7],
        ..Votes::default()
    };
    let votes = FerPlus::new(vec![votes; dataset.len()]);
    let job = Job {
        recipe,
        dataset: &Arc::new(dataset),
        votes: Some(Arc::new(votes)),
        teachers: None,
        device: &Device::Cpu,
        budget: None,
    };
    train(&job, folder, stop)
}

fn run(recipe: &Recipe, folder: &Path) -> (Outcome, Progress) {
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

/// The states of two runs are the same, bit for bit.
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
        Outcome::Finished("all 3 epochs are done".to_owned())
    );
    run(&recipe(1), parted.path());
    assert_ne!(state(whole.path()), state(parted.path()));
    let (_, progress) = run(&recipe(3), parted.path());
    assert_eq!(progress.history.len(), 3);
    check_same(whole.path(), parted.path());
}

/// Interrupts the run after every two steps, also where that is between epochs. Returns how often.
fn run_in_pieces(recipe: &Recipe, folder: &Path) -> usize {
    let n_interruptions = (0..).find(|_| {
        let n_asked = Cell::new(0);
        let stop = || n_asked.replace(n_asked.get() + 1) == 2;
        let (outcome, _) = try_run(recipe, synthetic(20), folder, &stop).unwrap();
        outcome != Outcome::Interrupted
    });
    n_interruptions.unwrap()
}

#[test]
fn a_run_interrupted_within_epochs_ends_the_same_bit_for_bit() {
    for recipe in [recipe(3), rich(3)] {
        let (whole, parted) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (_, expected) = run(&recipe, whole.path());
        // 15 steps; the last piece has the fifteenth.
        assert_eq!(run_in_pieces(&recipe, parted.path()), 7);
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

#[test]
fn a_run_interrupted_before_its_first_step_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (outcome, progress) = try_run(&recipe(1), synthetic(20), folder.path(), &|| true).unwrap();
    assert_eq!(outcome, Outcome::Interrupted);
    assert!(progress.history.is_empty());
    assert_eq!(run(&recipe(1), folder.path()).1.history.len(), 1);
}

#[test]
fn another_recipe_or_other_data_cannot_go_on() {
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
fn a_run_leaves_its_figures_behind() {
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

/// A rate that makes the weights overflow ends the run, and what was saved before stays.
#[test]
fn a_loss_that_is_no_number_ends_the_run() {
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
fn a_budget_too_small_for_anything_still_gives_an_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job {
        recipe: &recipe(30),
        dataset: &Arc::new(synthetic(20)),
        votes: None,
        teachers: None,
        device: &Device::Cpu,
        budget: Some(Duration::from_millis(1)),
    };
    let (outcome, progress) = train(&job, folder.path(), &|| false).unwrap();
    assert_eq!(progress.history.len(), 1);
    let reason = "the time is used up; epochs done: 1".to_owned();
    assert_eq!(outcome, Outcome::Finished(reason));
    // The rehearsal leaves no trace.
    let plain = tempfile::tempdir().unwrap();
    run(&recipe(1), plain.path());
    check_same(folder.path(), plain.path());
}

#[test]
fn votes_that_a_recipe_needs_must_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let job = Job {
        recipe: &rich(1),
        dataset: &Arc::new(synthetic(20)),
        votes: None,
        teachers: None,
        device: &Device::Cpu,
        budget: None,
    };
    let error = train(&job, folder.path(), &|| false).unwrap_err();
    assert!(error.to_string().contains("--votes"), "{error}");
}
