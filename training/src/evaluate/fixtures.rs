//! Networks so small that their answers can be computed by hand.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use fervis::{
    expression::Expression,
    model::{
        Classifier,
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
        net::{Architecture, CompactConfig},
        preprocess::InputSpec,
    },
};

/// A network with one channel whose logits are the mean of the image after ReLU, times 1, 2, … 7.
pub(crate) fn teacher(mean: f32, std: f32, factor: f64) -> Classifier {
    built(4, mean, std, factor, 1.0)
}

/// The same network, which sees the pixel `tap` of the 3×3 around each pixel; 4 is the center.
pub(crate) fn looking(tap: usize, mean: f32, std: f32, factor: f64) -> Classifier {
    built(tap, mean, std, factor, 1.0)
}

pub(crate) fn built(tap: usize, mean: f32, std: f32, factor: f64, temperature: f32) -> Classifier {
    let config = CompactConfig {
        channels: vec![1],
        convolutions: vec![1],
        dropout: 0.0,
        ..CompactConfig::default()
    };
    let input = InputSpec {
        width: 8,
        height: 8,
        mean,
        std,
        ..InputSpec::FER_2013
    };
    let network = Architecture::Compact(config);
    let mut weights: HashMap<String, Tensor> = network
        .weight_shapes(&input, 7)
        .into_iter()
        .map(|(name, shape)| {
            let ones = name.ends_with("running_var") || name.ends_with("bn1.weight");
            let value = if ones { 1.0 } else { 0.0 };
            (
                name,
                Tensor::full(value, shape, &Device::Cpu)
                    .unwrap()
                    .to_dtype(DType::F32)
                    .unwrap(),
            )
        })
        .collect();
    let mut kernel = [0f32; 9];
    kernel[tap] = 1.0;
    let kernel = Tensor::from_slice(&kernel, (1, 1, 3, 3), &Device::Cpu).unwrap();
    weights.insert("stage1.conv1.weight".to_owned(), kernel);
    let head = Tensor::arange(1f32, 8.0, &Device::Cpu).unwrap();
    let head = (head.reshape((7, 1)).unwrap() * factor).unwrap();
    weights.insert("fc.weight".to_owned(), head);
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: "teacher".to_owned(),
        architecture: network,
        labels: Expression::ALL.map(|e| e.name().to_owned()).to_vec(),
        input,
        temperature,
        uncertain_below: 0.0,
        training: serde_json::Value::Null,
        metrics: [].into(),
        license: "none".to_owned(),
    };
    let checkpoint = Checkpoint {
        metadata,
        weights,
        sha256: format!("{mean}{std}{factor}"),
        assumed: None,
    };
    Classifier::new(checkpoint, "teacher".to_owned(), None, &Device::Cpu).unwrap()
}
