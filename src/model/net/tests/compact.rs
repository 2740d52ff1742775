//! Every option of `compact` against the same network written in candle's own operations, in training and in inference.

use candle_core::D;

use super::*;
use crate::{
    expression::Expression,
    model::{
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
        kernels::test_support::random,
    },
};

const N_CLASSES: usize = 3;
const N_IMAGES: usize = 6;

fn input() -> InputSpec {
    InputSpec {
        width: 16,
        height: 16,
        ..InputSpec::FER_2013
    }
}

fn plain() -> CompactConfig {
    CompactConfig {
        channels: vec![4, 6, 8],
        convolutions: vec![1, 2, 2],
        dropout: 0.0,
        ..CompactConfig::default()
    }
}

/// The options, each alone and together.
fn variants() -> Vec<CompactConfig> {
    let residual = CompactConfig {
        convolutions: vec![2, 3, 4],
        residual: true,
        ..plain()
    };
    vec![
        plain(),
        CompactConfig {
            squeeze: 2,
            ..plain()
        },
        CompactConfig {
            hidden: vec![5, 4],
            ..plain()
        },
        CompactConfig {
            channels: vec![4],
            convolutions: vec![2],
            ..plain()
        },
        CompactConfig {
            squeeze: 3,
            hidden: vec![7],
            ..residual.clone()
        },
        residual,
    ]
}

fn images() -> Tensor {
    random((N_IMAGES, 1, 16, 16), 7)
}

fn architecture(config: &CompactConfig) -> Architecture {
    Architecture::Compact(config.clone())
}

/// The network with random weights.
fn network(config: &CompactConfig) -> (TrainableNet, VarMap) {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let architecture = architecture(config);
    let network = architecture.trainable(&input(), N_CLASSES, Precision::F32, &vb);
    let network = network.unwrap();
    for (seed, (name, shape)) in (1..).zip(architecture.weight_shapes(&input(), N_CLASSES)) {
        let noise = random(shape.as_slice(), seed);
        let value =
            if name.ends_with("running_var") || name.contains("bn") && name.ends_with("weight") {
                (noise * 0.3).unwrap() + 1.0
            } else {
                noise * 0.4
            };
        vars.data().lock().unwrap()[&name]
            .set(&value.unwrap())
            .unwrap();
    }
    (network, vars)
}

/// The network in candle's operations, channels first. It normalizes by the running estimates unless `train`.
struct Composed<'a> {
    config: &'a CompactConfig,
    weights: &'a HashMap<String, Tensor>,
    train: bool,
}

impl Composed<'_> {
    fn get(&self, name: &str) -> &Tensor {
        &self.weights[name]
    }

    fn conv_norm(&self, xs: &Tensor, stage: usize, number: usize) -> Tensor {
        let kernels = self.get(&format!("stage{stage}.conv{number}.weight"));
        let ys = xs.conv2d(kernels, 1, 1, 1, 1).unwrap();
        let channel = |name: &str| {
            let name = format!("stage{stage}.bn{number}.{name}");
            self.get(&name).reshape((1, (), 1, 1)).unwrap()
        };
        let (mean, variance) = if self.train {
            let mean = ys.mean_keepdim((0, 2, 3)).unwrap();
            let variance = ys.broadcast_sub(&mean).unwrap().sqr().unwrap();
            (mean, variance.mean_keepdim((0, 2, 3)).unwrap())
        } else {
            (channel("running_mean"), channel("running_var"))
        };
        let deviation = (variance + 1e-5).unwrap().sqrt().unwrap();
        ys.broadcast_sub(&mean)
            .unwrap()
            .broadcast_div(&deviation)
            .unwrap()
            .broadcast_mul(&channel("weight"))
            .unwrap()
            .broadcast_add(&channel("bias"))
            .unwrap()
    }

    fn linear(&self, xs: &Tensor, name: &str) -> Tensor {
        let weight = self.get(&format!("{name}.weight")).t().unwrap();
        let bias = self.get(&format!("{name}.bias"));
        xs.matmul(&weight).unwrap().broadcast_add(bias).unwrap()
    }

    /// Not candle's `max_pool2d`, whose gradient is wrong in 0.11.
    fn pool(xs: &Tensor) -> Tensor {
        let (b, c, h, w) = xs.dims4().unwrap();
        let squares = xs.reshape(&[b, c, h / 2, 2, w / 2, 2][..]).unwrap();
        squares.max(D::Minus1).unwrap().max(3).unwrap()
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        let config = self.config;
        let n_stages = config.channels.len();
        let mut xs = xs.clone();
        for (stage, &n) in (1..).zip(&config.convolutions) {
            xs = self.conv_norm(&xs, stage, 1).relu().unwrap();
            let mut number = 2;
            while number <= n {
                let ys = self.conv_norm(&xs, stage, number);
                number += 1;
                if !config.residual {
                    xs = ys.relu().unwrap();
                    continue;
                }
                let ys = if number <= n {
                    number += 1;
                    self.conv_norm(&ys.relu().unwrap(), stage, number - 1)
                } else {
                    ys
                };
                xs = (ys + xs).unwrap().relu().unwrap();
            }
            if stage < n_stages {
                xs = Self::pool(&xs);
            }
            if config.squeeze > 0 {
                let means = xs.mean((2, 3)).unwrap();
                let hidden = self.linear(&means, &format!("stage{stage}.squeeze"));
                let factors = self.linear(&hidden.relu().unwrap(), &format!("stage{stage}.excite"));
                let factors = (factors.neg().unwrap().exp().unwrap() + 1.0).unwrap();
                let factors = factors.recip().unwrap().unsqueeze(2).unwrap();
                xs = xs.broadcast_mul(&factors.unsqueeze(3).unwrap()).unwrap();
            }
        }
        let mut xs = xs.mean((2, 3)).unwrap();
        let n_hidden = config.hidden.len();
        for number in 0..n_hidden {
            xs = self
                .linear(&xs, &format!("fc.{}", 3 * number))
                .relu()
                .unwrap();
        }
        match n_hidden {
            0 => self.linear(&xs, "fc"),
            n => self.linear(&xs, &format!("fc.{}", 3 * n)),
        }
    }
}

#[track_caller]
fn assert_close(what: &str, found: &Tensor, expected: &Tensor, tolerance: f32) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let largest = |tensor: &Tensor| {
        let largest = tensor.abs().unwrap().max_all().unwrap();
        largest.to_scalar::<f32>().unwrap()
    };
    let gap = largest(&(found - expected).unwrap());
    assert!(
        gap <= tolerance * largest(expected).max(1e-3),
        "{what}: apart by {gap}"
    );
}

#[test]
fn the_default_network_has_the_documented_size() {
    let shapes = architecture(&CompactConfig::default()).weight_shapes(&InputSpec::FER_2013, 7);
    let of = |is: fn(&str) -> bool| -> usize {
        let shapes = shapes.iter().filter(|(name, _)| is(name));
        shapes
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    };
    // Convolutions: 9 × (32 + 32·64 + 64² + 64·128 + 128² + 128·256 + 256²).
    assert_eq!(of(|name| name.contains("conv")), 1_161_504);
    assert_eq!(
        of(|name| name.contains("bn")),
        4 * (32 + 2 * (64 + 128 + 256))
    );
    assert_eq!(of(|name| name.starts_with("fc")), 7 * 256 + 7);
}

#[test]
fn declared_shapes_are_the_ones_that_are_made() {
    for config in variants() {
        check_shapes(&architecture(&config), &input(), N_CLASSES);
    }
}

#[test]
fn training_agrees_with_candle_in_results_and_in_every_gradient() {
    for config in variants() {
        let (network, vars) = network(&config);
        let ys = network.forward_train(&images(), &mut keep_all).unwrap();
        let weights = weights(&vars);
        let composed = Composed {
            config: &config,
            weights: &weights,
            train: true,
        };
        let expected = composed.forward(&images());
        assert_close(&format!("{config:?}"), &ys, &expected, 1e-4);
        let seen = random((N_IMAGES, N_CLASSES), 3);
        let gradients = |ys: &Tensor| (ys * &seen).unwrap().sum_all().unwrap().backward().unwrap();
        let (grads, expected) = (gradients(&ys), gradients(&expected));
        for (name, weight) in &weights {
            if name.contains("running") {
                continue;
            }
            let (grad, expected) = (grads.get(weight).unwrap(), expected.get(weight).unwrap());
            assert_close(&format!("{name} of {config:?}"), grad, expected, 2e-3);
        }
    }
}

#[test]
fn folded_weights_agree_with_candle() {
    for config in variants() {
        let (_, vars) = network(&config);
        let weights = weights(&vars);
        let folded = architecture(&config)
            .inference(&input(), N_CLASSES, &weights, &Device::Cpu)
            .unwrap();
        let composed = Composed {
            config: &config,
            weights: &weights,
            train: false,
        };
        for images in [images(), images().narrow(0, 2, 1).unwrap()] {
            let found = folded.forward(&images).unwrap();
            assert_close(
                &format!("{config:?}"),
                &found,
                &composed.forward(&images),
                1e-4,
            );
        }
    }
}

/// The masks show where dropout is: after every stage but the last, before the head, and after hidden layers.
#[test]
fn dropout_is_where_it_should_be() {
    let config = CompactConfig {
        stage_dropout: 0.1,
        dropout: 0.2,
        hidden: vec![5],
        ..plain()
    };
    let (network, _) = network(&config);
    let mut requested = Vec::new();
    let mut keep = |shape: &[usize], rate: f32| {
        requested.push((shape.to_vec(), rate));
        keep_all(shape, rate)
    };
    network.forward_train(&images(), &mut keep).unwrap();
    let n = N_IMAGES;
    let expected = [
        (vec![n, 8, 8, 4], 0.1),
        (vec![n, 4, 4, 6], 0.1),
        (vec![n, 8], 0.2),
        (vec![n, 5], 0.2),
    ];
    assert_eq!(requested, expected);
}

#[test]
fn impossible_sizes_are_refused() {
    assert_eq!(plain().objection(), None);
    assert_eq!(plain().side_step(), 4);
    let check = |config: CompactConfig, words: &str| {
        let objection = config.objection().unwrap();
        assert!(objection.contains(words), "{objection}");
    };
    for (channels, convolutions, words) in [
        (vec![], vec![], "same number"),
        (vec![4, 4], vec![1], "same number"),
        (vec![4; 7], vec![1; 7], "1 to 6"),
        (vec![4, 0], vec![1, 1], "between 1 and 2048"),
        (vec![4, 4], vec![1, 1_000_000], "1 and 16 convolutions"),
    ] {
        let config = CompactConfig {
            channels,
            convolutions,
            ..plain()
        };
        check(config, words);
    }
    let squeeze = CompactConfig {
        squeeze: 5,
        ..plain()
    };
    check(squeeze, "squeeze of 5");
    let dropout = CompactConfig {
        dropout: 1.0,
        ..plain()
    };
    check(dropout, "below 1");
}

fn metadata(config: CompactConfig) -> Metadata {
    Metadata {
        format_version: FORMAT_VERSION,
        name: "tiny".to_owned(),
        architecture: Architecture::Compact(config),
        labels: Expression::ALL
            .map(|label| label.name().to_owned())
            .to_vec(),
        input: input(),
        temperature: 1.0,
        uncertain_below: 0.0,
        training: serde_json::Value::Null,
        metrics: [].into(),
        license: "none".to_owned(),
    }
}

/// Random weights for the seven expressions.
fn seven(config: &CompactConfig) -> HashMap<String, Tensor> {
    let shapes = architecture(config).weight_shapes(&input(), 7).into_iter();
    let weight = |(seed, (name, shape)): (u64, (String, Vec<usize>))| {
        let value = random(shape.as_slice(), seed);
        let value = if name.ends_with("running_var") {
            value.abs().unwrap()
        } else {
            value
        };
        (name, value)
    };
    (1..).zip(shapes).map(weight).collect()
}

#[test]
fn checkpoints_restore_the_network_that_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    for config in variants() {
        let (metadata, weights) = (metadata(config.clone()), seven(&config));
        Checkpoint::write(&metadata, &weights, &path).unwrap();
        let read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.metadata, metadata);
        let logits = |network: &Architecture, weights| {
            let network = network.inference(&input(), 7, weights, &Device::Cpu);
            let logits = network.unwrap().forward(&images()).unwrap();
            logits.to_vec2::<f32>().unwrap()
        };
        assert_eq!(
            logits(&read.metadata.architecture, &read.weights),
            logits(&metadata.architecture, &weights)
        );
    }
}

/// A description with impossible sizes is refused before anything is built.
#[test]
fn checkpoints_with_impossible_sizes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let check = |change: &dyn Fn(&mut Metadata, &mut CompactConfig), words: &str| {
        let (mut config, weights) = (plain(), seven(&plain()));
        let mut metadata = metadata(plain());
        change(&mut metadata, &mut config);
        metadata.architecture = Architecture::Compact(config);
        Checkpoint::write(&metadata, &weights, &path).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    check(&|_, c| c.convolutions = vec![usize::MAX; 3], "1 and 16");
    check(&|_, c| c.channels = vec![4, 6], "same number");
    check(&|_, c| c.squeeze = 2, "stage1.squeeze.weight");
    check(&|m, _| m.input.width = 18, "multiple of 4");
}
