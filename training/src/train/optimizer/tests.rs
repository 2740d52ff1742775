//! The optimizers against candle's, against values computed by hand, and against themselves after an interruption.

use candle_core::DType;
use candle_nn::{Optimizer as _, VarBuilder};

use super::*;
use crate::recipe::optimizer::{AdamSettings, SgdSettings};

const ADAMW: OptimizerSettings = OptimizerSettings::Adamw(AdamSettings {
    learning_rate: 0.05,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weight_decay: 0.01,
    decay_biases_and_norms: true,
});

fn sgd(momentum: f64, nesterov: bool, weight_decay: f64) -> OptimizerSettings {
    OptimizerSettings::Sgd(SgdSettings {
        learning_rate: 0.1,
        momentum,
        nesterov,
        weight_decay,
        decay_biases_and_norms: true,
    })
}

/// `fc.bias` and `fc.weight` with increasing values.
fn vars() -> VarMap {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    vb.get((3, 4), "fc.weight").unwrap();
    vb.get(3, "fc.bias").unwrap();
    for (_, var) in sorted(&vars) {
        let n = var.elem_count() as f32;
        let values = Tensor::arange(0f32, n, &Device::Cpu).unwrap();
        var.set(&values.reshape(var.shape()).unwrap()).unwrap();
    }
    vars
}

/// Gradients of the sum of sin(factor · w²) over all weights.
fn grads(vars: &VarMap, factor: f64) -> GradStore {
    let term = |var: &Var| (var.sqr()? * factor)?.sin()?.sum_all();
    let [(_, bias), (_, weight)] = &sorted(vars)[..] else {
        panic!("two variables")
    };
    (term(bias).unwrap() + term(weight).unwrap())
        .unwrap()
        .backward()
        .unwrap()
}

fn values(vars: &VarMap) -> Vec<Vec<f32>> {
    let flat = |var: &Var| var.flatten_all().unwrap().to_vec1().unwrap();
    sorted(vars).iter().map(|(_, var)| flat(var)).collect()
}

fn steps(optimizer: &mut Optimizer, vars: &VarMap, range: std::ops::Range<u32>) {
    for step in range {
        let factor = 0.1 + f64::from(step) * 0.01;
        optimizer.step(&grads(vars, factor), 0.05, 0).unwrap();
    }
}

#[track_caller]
fn check_close(ours: &[Vec<f32>], theirs: &[Vec<f32>]) {
    for (a, b) in ours.iter().flatten().zip(theirs.iter().flatten()) {
        assert!((a - b).abs() < 1e-4, "{a} against {b}");
    }
}

#[test]
fn adamw_agrees_with_candles_own() {
    let (ours, theirs) = (vars(), vars());
    let mut optimizer = Optimizer::new(&ours, &ADAMW, &[]).unwrap();
    let params = candle_nn::ParamsAdamW {
        lr: 0.05,
        weight_decay: 0.01,
        ..Default::default()
    };
    let mut reference = candle_nn::AdamW::new(theirs.all_vars(), params).unwrap();
    steps(&mut optimizer, &ours, 0..20);
    for step in 0..20 {
        let factor = 0.1 + f64::from(step) * 0.01;
        reference.step(&grads(&theirs, factor)).unwrap();
    }
    check_close(&values(&ours), &values(&theirs));
}

#[test]
fn plain_sgd_agrees_with_candles_own() {
    let (ours, theirs) = (vars(), vars());
    let mut optimizer = Optimizer::new(&ours, &sgd(0.0, false, 0.0), &[]).unwrap();
    let mut reference = candle_nn::SGD::new(theirs.all_vars(), 0.05).unwrap();
    steps(&mut optimizer, &ours, 0..10);
    for step in 0..10 {
        let factor = 0.1 + f64::from(step) * 0.01;
        reference.step(&grads(&theirs, factor)).unwrap();
    }
    check_close(&values(&ours), &values(&theirs));
}

/// One weight of 1 with the gradients 0.5 and then 0.25, at a rate of 0.1.
fn two_steps(settings: OptimizerSettings) -> f32 {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    vb.get_with_hints((1, 1), "w", candle_nn::Init::Const(1.0))
        .unwrap();
    let mut optimizer = Optimizer::new(&vars, &settings, &[]).unwrap();
    let weight = sorted(&vars)[0].1.clone();
    for gradient in [0.5, 0.25] {
        let loss = (weight.as_tensor() * gradient).unwrap().sum_all().unwrap();
        optimizer.step(&loss.backward().unwrap(), 0.1, 0).unwrap();
    }
    values(&vars)[0][0]
}

/// By hand from the formulas in PyTorch's documentation of `SGD` and `Adam`.
#[test]
fn two_steps_agree_with_pytorchs_formulas() {
    // b₁ = 0.5, w = 1 - 0.1 · 0.5 = 0.95; b₂ = 0.9 · 0.5 + 0.25 = 0.7, w = 0.95 - 0.07.
    let momentum = (sgd(0.9, false, 0.0), 0.88);
    // Nesterov: 0.5 + 0.9 · 0.5 = 0.95, w = 0.905; 0.25 + 0.9 · 0.7 = 0.88, w = 0.905 - 0.088.
    let nesterov = (sgd(0.9, true, 0.0), 0.817);
    // Decay 0.1: g = 0.6, w = 0.94; g = 0.344, b = 0.9 · 0.6 + 0.344 = 0.884, w = 0.94 - 0.0884.
    let decayed = (sgd(0.9, false, 0.1), 0.8516);
    // Adam with decay 0.1: g = 0.6, w = 1 - 0.1 = 0.9; g = 0.25 + 0.09 = 0.34; m = 0.09 · 0.6 + 0.1 · 0.34 = 0.088,
    // v = 0.001 · (0.999 · 0.36 + 0.1156) = 0.00047524; m̂ = 0.088 / 0.19, v̂ = v / 0.001999;
    // w = 0.9 - 0.1 · 0.463158 / 0.487587.
    let settings = AdamSettings::new(0.1, 0.1);
    let adam = (OptimizerSettings::Adam(settings), 0.805_010);
    // AdamW with decay 0.1: w = 0.99 - 0.1 = 0.89; m = 0.07, v = 0.001 · (0.24975 + 0.0625) = 0.00031225;
    // w = 0.89 · 0.99 - 0.1 · (0.07 / 0.19) / √(v / 0.001999).
    let adamw = (OptimizerSettings::Adamw(settings), 0.787_882);
    for (settings, expected) in [momentum, nesterov, decayed, adam, adamw] {
        let weight = two_steps(settings);
        assert!(
            (weight - expected).abs() < 2e-5,
            "{settings:?}: {weight} instead of {expected}"
        );
    }
}

#[test]
fn a_saved_state_continues_the_same_way() {
    let adam = OptimizerSettings::Adam(AdamSettings::new(0.05, 0.01));
    for settings in [ADAMW, adam, sgd(0.9, true, 0.01)] {
        let (whole, parted) = (vars(), vars());
        let mut optimizer = Optimizer::new(&whole, &settings, &[]).unwrap();
        steps(&mut optimizer, &whole, 0..4);
        let mut first = Optimizer::new(&parted, &settings, &[]).unwrap();
        steps(&mut first, &parted, 0..2);
        let mut second = Optimizer::new(&parted, &settings, &[]).unwrap();
        second.restore(&first.state().unwrap()).unwrap();
        steps(&mut second, &parted, 2..4);
        assert_eq!(values(&whole), values(&parted));
        let mut missing = first.state().unwrap();
        missing.remove("optimizer.mean.fc.weight");
        assert!(second.restore(&missing).is_err());
    }
}

#[test]
fn groups_have_their_own_rates_decays_and_frozen_epochs() {
    let group = GroupSettings {
        prefixes: vec!["fc.w".to_owned()],
        learning_rate_factor: 0.5,
        weight_decay: None,
        frozen_epochs: 2,
        if_pretrained: false,
    };
    let plain = sgd(0.0, false, 0.0);
    let vars = vars();
    let mut optimizer = Optimizer::new(&vars, &plain, std::slice::from_ref(&group)).unwrap();
    let change = |optimizer: &mut Optimizer, epoch: usize| {
        let before = values(&vars);
        optimizer.step(&grads(&vars, 0.2), 0.1, epoch).unwrap();
        let after = values(&vars);
        [0, 1].map(|var: usize| {
            let pairs = before[var].iter().zip(&after[var]);
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        })
    };
    let [bias, weight] = change(&mut optimizer, 1);
    assert!(bias > 0.0 && weight == 0.0);
    assert!(change(&mut optimizer, 2)[1] > 0.0);

    // The first weights differ only in the rate.
    let step = |groups: &[GroupSettings]| {
        let vars = self::vars();
        let mut optimizer = Optimizer::new(&vars, &plain, groups).unwrap();
        optimizer.step(&grads(&vars, 0.2), 0.1, 2).unwrap();
        values(&vars)[1][1] - 1.0
    };
    let (whole, half) = (step(&[]), step(std::slice::from_ref(&group)));
    assert!((whole - 2.0 * half).abs() < 1e-6, "{whole} {half}");

    let unknown = GroupSettings {
        prefixes: vec!["conv9".to_owned()],
        ..group
    };
    let error = Optimizer::new(&vars, &plain, &[unknown]).err().unwrap();
    assert!(error.to_string().contains("conv9"), "{error}");
}

#[test]
fn biases_can_be_excluded_from_the_decay() {
    let settings = OptimizerSettings::Sgd(SgdSettings {
        learning_rate: 0.1,
        momentum: 0.0,
        nesterov: false,
        weight_decay: 0.5,
        decay_biases_and_norms: false,
    });
    let (spared, free) = (vars(), vars());
    let mut optimizer = Optimizer::new(&spared, &settings, &[]).unwrap();
    optimizer.step(&grads(&spared, 0.2), 0.1, 0).unwrap();
    let mut optimizer = Optimizer::new(&free, &sgd(0.0, false, 0.0), &[]).unwrap();
    optimizer.step(&grads(&free, 0.2), 0.1, 0).unwrap();
    let (spared, free) = (values(&spared), values(&free));
    assert_eq!(spared[0], free[0]);
    assert_ne!(spared[1], free[1]);
}

/// A weight that thaws in the hundredth step changes by the learning rate, like any weight in its first step.
#[test]
fn a_thawed_weight_starts_with_its_first_step() {
    let group = GroupSettings {
        prefixes: vec!["fc.w".to_owned()],
        learning_rate_factor: 1.0,
        weight_decay: Some(0.0),
        frozen_epochs: 1,
        if_pretrained: false,
    };
    let vars = vars();
    let mut optimizer = Optimizer::new(&vars, &ADAMW, &[group]).unwrap();
    (0..100).for_each(|_| optimizer.step(&grads(&vars, 0.2), 0.05, 0).unwrap());
    let before = values(&vars)[1][1];
    optimizer.step(&grads(&vars, 0.2), 0.05, 1).unwrap();
    let moved = (values(&vars)[1][1] - before).abs();
    assert!((moved - 0.05).abs() < 1e-4, "{moved}");
}
