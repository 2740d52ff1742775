//! Losses against values computed by hand, and gradients against finite differences.

use candle_core::Var;

use super::*;
use crate::{augment::mixup::Mixed, data::ferplus::Votes, recipe::tests::three_block};

const LOGITS: [f32; 14] = [
    1.0, 0.0, -0.5, 2.0, 0.3, 0.1, 0.0, //
    0.2, 1.5, 0.0, -1.0, 0.7, 0.0, 0.4,
];
/// `ln Σ exp` of the two rows.
const LOG_SUMS: [f64; 2] = [2.719_247, 2.448_981];

fn batch(labels: [u32; 2]) -> Batch {
    Batch {
        images: Vec::new(),
        labels: labels.to_vec(),
        indices: vec![0, 1],
        mixed: None,
    }
}

fn loss(settings: LossSettings, votes: Option<FerPlus>) -> Loss {
    let recipe = Recipe {
        loss: settings,
        ..three_block()
    };
    Loss::new(&recipe, [1, 2, 3, 4, 0, 6, 7].into(), votes.map(Arc::new))
}

fn value(loss: &Loss, batch: &Batch) -> f64 {
    let logits = Tensor::new(&LOGITS, &Device::Cpu).unwrap();
    let loss = loss.of_batch(&logits.reshape((2, 7)).unwrap(), batch, None);
    loss.unwrap().to_scalar::<f32>().unwrap().into()
}

/// `-ln p` of a class in a row.
fn surprise(row: usize, class: usize) -> f64 {
    let sum: f64 = (0..7).map(|c| f64::from(LOGITS[row * 7 + c]).exp()).sum();
    sum.ln() - f64::from(LOGITS[row * 7 + class])
}

#[track_caller]
fn check(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() < 1e-5,
        "{value} instead of {expected}"
    );
}

#[test]
fn cross_entropy_agrees_with_values_by_hand() {
    for (row, expected) in LOG_SUMS.into_iter().enumerate() {
        check(surprise(row, 4) + f64::from(LOGITS[row * 7 + 4]), expected);
    }
    let plain = value(&loss(LossSettings::default(), None), &batch([3, 1]));
    check(plain, ((LOG_SUMS[0] - 2.0) + (LOG_SUMS[1] - 1.5)) / 2.0);
}

#[test]
fn the_general_form_includes_cross_entropy() {
    let batch = batch([0, 6]);
    let loss = loss(LossSettings::default(), None);
    let logits = Tensor::new(&LOGITS, &Device::Cpu).unwrap();
    let logits = logits.reshape((2, 7)).unwrap();
    let general = loss.of_targets(&logits, &loss.targets(&batch)).unwrap();
    check(
        general.to_scalar::<f32>().unwrap().into(),
        value(&loss, &batch),
    );
}

#[test]
fn smoothing_spreads_a_share_evenly() {
    let settings = LossSettings {
        label_smoothing: 0.1,
        ..Default::default()
    };
    let smoothed = |row: usize, label: usize| {
        let mean: f64 = (0..7).map(|c| surprise(row, c)).sum::<f64>() / 7.0;
        0.9 * surprise(row, label) + 0.1 * mean
    };
    let expected = (smoothed(0, 3) + smoothed(1, 1)) / 2.0;
    check(value(&loss(settings, None), &batch([3, 1])), expected);
}

#[test]
fn focal_loss_reduces_the_weight_of_right_answers() {
    let settings = LossSettings {
        focal_gamma: 2.0,
        ..Default::default()
    };
    let focal = |row: usize, label: usize| {
        let surprise = surprise(row, label);
        (1.0 - (-surprise).exp()).powi(2) * surprise
    };
    let expected = (focal(0, 3) + focal(1, 0)) / 2.0;
    check(value(&loss(settings, None), &batch([3, 0])), expected);
}

/// PyTorch's `CrossEntropyLoss(weight=w)` divides by the sum of the labels' weights.
#[test]
fn class_weights_are_pytorchs() {
    let expected = |w: [f64; 2]| (w[0] * surprise(0, 3) + w[1] * surprise(1, 1)) / (w[0] + w[1]);
    let given = LossSettings {
        class_weights: ClassWeights::Given([1.0, 2.0, 1.0, 0.5, 1.0, 1.0, 1.0]),
        ..Default::default()
    };
    check(
        value(&loss(given, None), &batch([3, 1])),
        expected([0.5, 2.0]),
    );
    let balanced = LossSettings {
        class_weights: ClassWeights::Balanced,
        ..Default::default()
    };
    // 23 images, 4 of class 3 and 2 of class 1.
    let weights = [23.0 / (7.0 * 4.0), 23.0 / (7.0 * 2.0)];
    check(
        value(&loss(balanced, None), &batch([3, 1])),
        expected(weights),
    );
}

#[test]
fn votes_take_their_share_if_there_are_any() {
    let settings = LossSettings {
        votes_share: 0.5,
        ..Default::default()
    };
    let votes = votes_of_two();
    let expected = (0.75 * surprise(0, 3) + 0.25 * surprise(0, 0) + surprise(1, 1)) / 2.0;
    check(
        value(&loss(settings, Some(votes)), &batch([3, 1])),
        expected,
    );
}

#[test]
fn blended_images_have_blended_targets() {
    let mixed = Batch {
        mixed: Some(Mixed {
            partners: vec![1, 0],
            share: 0.7,
        }),
        ..batch([3, 1])
    };
    let expected = (0.7 * surprise(0, 3) + 0.3 * surprise(0, 1)) / 2.0
        + (0.7 * surprise(1, 1) + 0.3 * surprise(1, 3)) / 2.0;
    check(
        value(&loss(LossSettings::default(), None), &mixed),
        expected,
    );
}

#[test]
fn gradients_agree_with_finite_differences() {
    let settings = LossSettings {
        focal_gamma: 2.0,
        label_smoothing: 0.1,
        class_weights: ClassWeights::Balanced,
        votes_share: 0.0,
    };
    let (loss, batch) = (loss(settings, None), batch([3, 6]));
    let at = |logits: &[f32]| {
        let tensor = Tensor::from_slice(logits, (2, 7), &Device::Cpu).unwrap();
        f64::from(
            loss.of_batch(&tensor, &batch, None)
                .unwrap()
                .to_scalar::<f32>()
                .unwrap(),
        )
    };
    let logits = Var::from_slice(&LOGITS, (2, 7), &Device::Cpu).unwrap();
    let grads = loss
        .of_batch(&logits, &batch, None)
        .unwrap()
        .backward()
        .unwrap();
    let grads: Vec<f32> = grads
        .get(&logits)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap();
    for (i, grad) in grads.into_iter().enumerate() {
        let moved = |by: f32| {
            let mut logits = LOGITS;
            logits[i] += by;
            at(&logits)
        };
        let difference = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        assert!(
            (f64::from(grad) - difference).abs() < 1e-4,
            "{grad} {difference}"
        );
    }
}

/// Certain answers, right or wrong, still have a finite loss and gradient.
#[test]
fn extreme_logits_stay_finite() {
    let settings = LossSettings {
        focal_gamma: 2.0,
        ..Default::default()
    };
    let loss = loss(settings, None);
    let mut extreme = [0.0_f32; 14];
    (extreme[3], extreme[8]) = (500.0, 500.0);
    let logits = Var::from_slice(&extreme, (2, 7), &Device::Cpu).unwrap();
    let value = loss.of_batch(&logits, &batch([3, 0]), None).unwrap();
    assert!((value.to_scalar::<f32>().unwrap() - 250.0).abs() < 1e-2);
    let grads = value.backward().unwrap();
    let grads: Vec<f32> = grads
        .get(&logits)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap();
    assert!(grads.iter().all(|grad| grad.is_finite()), "{grads:?}");
}

fn votes_of_two() -> FerPlus {
    let half = Votes {
        by_expression: [5, 0, 0, 5, 0, 0, 0],
        ..Votes::default()
    };
    let nobody = Votes {
        contempt: 10,
        ..Votes::default()
    };
    FerPlus::new(vec![half, nobody])
}

/// The first head's loss is by labels; the second's is the mean over the one image that has votes.
#[test]
fn a_second_head_learns_the_votes() {
    let recipe = Recipe {
        auxiliary: Some(AuxiliarySettings { weight: 0.5 }),
        ..three_block()
    };
    let loss = Loss::new(&recipe, [1; 7].into(), Some(Arc::new(votes_of_two())));
    let rows = Tensor::new(&LOGITS, &Device::Cpu)
        .unwrap()
        .reshape((2, 7))
        .unwrap();
    let swapped = Tensor::cat(&[rows.get(1).unwrap(), rows.get(0).unwrap()], 0).unwrap();
    let logits = Tensor::cat(&[rows, swapped.reshape((2, 7)).unwrap()], 1).unwrap();
    let found = loss.of_batch(&logits, &batch([3, 1]), None).unwrap();
    let labels = (surprise(0, 3) + surprise(1, 1)) / 2.0;
    let votes = (surprise(1, 0) + surprise(1, 3)) / 2.0;
    check(
        found.to_scalar::<f32>().unwrap().into(),
        labels + 0.5 * votes,
    );
}

#[test]
fn teachers_take_their_share() {
    let recipe = Recipe {
        distillation: Some(DistillationSettings {
            share: 0.25,
            temperature: 2.0,
            mirrored: false,
            weights: Vec::new(),
            clean: false,
        }),
        ..three_block()
    };
    let loss = Loss::new(&recipe, [1; 7].into(), None);
    let logits = Tensor::new(&LOGITS, &Device::Cpu)
        .unwrap()
        .reshape((2, 7))
        .unwrap();
    let target = [0.5, 0.2, 0.1, 0.1, 0.1, 0.0, 0.0_f32];
    let teachers = [Target::from(target); 2];
    let teachers = Some(&teachers[..]);
    let found = loss.of_batch(&logits, &batch([3, 1]), teachers).unwrap();
    let soft = |row: usize| -> f64 {
        let logit = |class: usize| f64::from(LOGITS[row * 7 + class]) / 2.0;
        let log_sum = (0..7).map(|class| logit(class).exp()).sum::<f64>().ln();
        (0..7)
            .map(|class| f64::from(target[class]) * (log_sum - logit(class)))
            .sum()
    };
    let labels = (surprise(0, 3) + surprise(1, 1)) / 2.0;
    let soft = (soft(0) + soft(1)) / 2.0;
    check(
        found.to_scalar::<f32>().unwrap().into(),
        0.75 * labels + 0.25 * 4.0 * soft,
    );
}
