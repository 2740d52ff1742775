//! Every network: declared against made weights, folded against trained, and the limits on sizes.

mod compact;

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use serde_json::Value;

use super::{limits::limit_of, *};
use crate::model::{kernels::Precision, preprocess::InputSpec};

fn tiny() -> (Architecture, InputSpec) {
    let config = ThreeBlockConfig {
        channels: [2, 3, 4],
        hidden: 5,
        dropout2d: 0.0,
        dropout: 0.0,
    };
    let input = InputSpec {
        width: 16,
        height: 16,
        ..InputSpec::FER_2013
    };
    (Architecture::ThreeBlock(config), input)
}

fn all() -> Vec<Architecture> {
    let mut all = Architecture::usual().to_vec();
    all.push(Architecture::Compact(CompactConfig::default()));
    all
}

fn keep_all(shape: &[usize], _: f32) -> candle_core::Result<Tensor> {
    Tensor::ones(shape, DType::F32, &Device::Cpu)
}

/// The weights that a network in training holds, by name.
fn weights(vars: &VarMap) -> HashMap<String, Tensor> {
    let vars = vars.data().lock().unwrap();
    vars.iter()
        .map(|(name, var)| (name.clone(), var.as_tensor().clone()))
        .collect()
}

/// That a network makes exactly the weights that it declares.
fn check_shapes(architecture: &Architecture, input: &InputSpec, n_classes: usize) {
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    architecture
        .trainable(input, n_classes, Precision::F32, &vb)
        .unwrap();
    let made = weights(&vars).into_iter();
    let mut made: Vec<_> = made
        .map(|(name, var)| (name, var.dims().to_vec()))
        .collect();
    let mut declared = architecture.weight_shapes(input, n_classes);
    made.sort();
    declared.sort();
    assert_eq!(made, declared, "{architecture:?}");
}

#[test]
fn the_reference_network_has_the_published_size() {
    let network = Architecture::ThreeBlock(ThreeBlockConfig::default());
    // 576 + 73,728 + 294,912 convolution, 1,792 normalization, 4,719,104 + 3,591 linear.
    assert_eq!(network.n_weights(&InputSpec::FER_2013, 7), 5_093_703);
}

#[test]
fn declared_shapes_are_the_ones_that_are_made() {
    let (network, input) = tiny();
    check_shapes(&network, &input, 7);
}

/// After enough steps on one batch the running estimates are the batch's own, and then training and folded
/// inference must agree.
#[test]
fn folding_changes_nothing() {
    let (network, input) = tiny();
    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let net = network.trainable(&input, 7, Precision::F32, &vb).unwrap();
    let xs = Tensor::randn(0f32, 1.0, (512, 1, 16, 16), &Device::Cpu).unwrap();
    let mut trained = net.forward_train(&xs, &mut keep_all).unwrap();
    for _ in 0..150 {
        trained = net.forward_train(&xs, &mut keep_all).unwrap();
    }
    let folded = network
        .inference(&input, 7, &weights(&vars), &Device::Cpu)
        .unwrap()
        .forward(&xs)
        .unwrap();
    let gap = (trained - folded).unwrap().abs().unwrap();
    let gap = gap.max_all().unwrap().to_scalar::<f32>().unwrap();
    assert!(gap < 1e-2, "{gap}");
}

#[test]
fn a_missing_weight_is_named() {
    let (network, input) = tiny();
    let error = network.inference(&input, 7, &HashMap::new(), &Device::Cpu);
    let error = error.err().unwrap().to_string();
    assert!(
        error.contains("block1.bn.running_var is missing"),
        "{error}"
    );
}

/// Names of all numbers in a description.
fn names(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                names(value, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, name, found)),
        Value::Number(_) => found.push(name.to_owned()),
        _ => {}
    }
}

#[test]
fn every_size_of_every_architecture_has_a_limit_and_the_usual_ones_are_within() {
    for architecture in all() {
        assert_eq!(architecture.out_of_range(), None, "{}", architecture.name());
        let description = serde_json::to_value(&architecture).unwrap();
        let mut found = Vec::new();
        names(&description["hyperparameters"], "", &mut found);
        assert!(!found.is_empty());
        for name in found {
            assert!(limit_of(&name).is_some(), "{name} has no limit");
        }
    }
}

#[test]
fn what_is_out_of_range_is_named() {
    let check = |architecture: Architecture, key: &str, problem: &str| {
        let found = architecture.out_of_range().unwrap();
        assert_eq!((found.key.as_str(), found.problem.as_str()), (key, problem));
        let objection = architecture.objection_to(&InputSpec::FER_2013).unwrap();
        assert!(objection.contains(key), "{objection}");
    };
    let three_block = |change: &dyn Fn(&mut ThreeBlockConfig)| {
        let mut config = ThreeBlockConfig::default();
        change(&mut config);
        Architecture::ThreeBlock(config)
    };
    check(
        three_block(&|c| c.channels[1] = 0),
        "channels[1]",
        "is 0, but must be between 1 and 4096",
    );
    check(
        three_block(&|c| c.hidden = usize::MAX),
        "hidden",
        "is 18446744073709551615, but must be between 1 and 16384",
    );
    check(
        three_block(&|c| c.dropout = f32::NAN),
        "dropout",
        "is not a number, but must be at least 0 and below 1",
    );
    check(
        three_block(&|c| c.dropout2d = f32::INFINITY),
        "dropout2d",
        "is not a number, but must be at least 0 and below 1",
    );
    check(
        three_block(&|c| c.dropout = -0.1),
        "dropout",
        "is -0.1, but must be at least 0 and below 1",
    );
    let vgg = |pooled_side, hidden: Vec<usize>| {
        let head = HeadConfig {
            hidden,
            dropout: 0.0,
        };
        Architecture::Vgg16(VggConfig { pooled_side, head })
    };
    check(
        vgg(0, vec![]),
        "pooled_side",
        "is 0, but must be between 1 and 16",
    );
    check(
        vgg(1, vec![8, 0]),
        "head.hidden[1]",
        "is 0, but must be between 1 and 16384",
    );
    check(
        vgg(1, vec![8; 9]),
        "head.hidden",
        "has 9 entries, but must have at most 8",
    );
}
