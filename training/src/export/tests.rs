//! What exports hold, read back without the code that wrote it.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor};
use fervis::model::{
    checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
    import::{ImportOptions, import},
    net::{Architecture, CompactConfig, HeadConfig, ThreeBlockConfig, VggConfig},
    preprocess::InputSpec,
};

use super::{onnx, python, pytorch};

/// Values from -0.5 to 0.5 that a network may have as weights; variances are positive.
fn values(name: &str, n: usize) -> Vec<f32> {
    let seed = name.bytes().map(u32::from).sum::<u32>();
    let value = |index: u32| {
        let hash = index.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 8;
        hash as f32 / (1 << 24) as f32 - 0.5
    };
    let positive = if name.ends_with("running_var") {
        1.0
    } else {
        0.0
    };
    (0..n as u32).map(|index| value(index) + positive).collect()
}

fn checkpoint(architecture: Architecture, side: usize) -> Checkpoint {
    let input = InputSpec {
        width: side,
        height: side,
        ..InputSpec::FER_2013
    };
    let labels = [
        "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral",
    ];
    let weights: HashMap<String, Tensor> = architecture
        .weight_shapes(&input, labels.len())
        .into_iter()
        .map(|(name, shape)| {
            let values = values(&name, shape.iter().product());
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            (name, tensor)
        })
        .collect();
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: "small".to_owned(),
        architecture,
        labels: labels.map(str::to_owned).to_vec(),
        input,
        temperature: 1.5,
        uncertain_below: 0.0,
        training: serde_json::Value::Null,
        metrics: BTreeMap::new(),
        license: "MIT".to_owned(),
    };
    let bytes = Checkpoint::to_bytes(&metadata, &weights).unwrap();
    Checkpoint::parse(&bytes, "small").unwrap()
}

/// A network with a residual block and squeeze and excitation.
fn small() -> Checkpoint {
    let config = CompactConfig {
        channels: vec![2, 4],
        convolutions: vec![1, 3],
        residual: true,
        squeeze: 2,
        ..CompactConfig::default()
    };
    checkpoint(Architecture::Compact(config), 8)
}

/// The fields of a protocol buffer: number, and the varint or the bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let (number, content) = match tag & 7 {
            0 => (varint(&mut bytes), &[][..]),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (content, rest) = bytes.split_at(length);
                bytes = rest;
                (0, content)
            }
            5 => {
                let (content, rest) = bytes.split_at(4);
                bytes = rest;
                (0, content)
            }
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, number, content));
    }
    fields
}

fn all(message: &[u8], field: u64) -> Vec<&[u8]> {
    let fields = fields(message).into_iter();
    fields
        .filter(|(f, ..)| *f == field)
        .map(|(.., content)| content)
        .collect()
}

fn texts(message: &[u8], field: u64) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    all(message, field).into_iter().map(text).collect()
}

/// `training/compare_exports.py` checks that such a file gives the same logits in ONNX Runtime.
#[test]
fn an_onnx_file_holds_the_operations_in_order() {
    let checkpoint = small();
    let file = onnx::to_bytes(&checkpoint).unwrap();
    let [graph] = all(&file, 7)[..] else {
        panic!("one graph")
    };
    let nodes: Vec<String> = all(graph, 1)
        .into_iter()
        .map(|node| {
            let weights = texts(node, 1).into_iter().filter(|name| name.contains('.'));
            let weights: Vec<String> = weights.map(|name| format!(" {name}")).collect();
            format!("{}{}", texts(node, 4)[0], weights.concat())
        })
        .collect();
    let norm = |name: &str| {
        let parts = ["weight", "bias", "running_mean", "running_var"];
        format!(
            "BatchNormalization{}",
            parts.map(|part| format!(" {name}.{part}")).concat()
        )
    };
    let gate = |stage: &str| {
        [
            "GlobalAveragePool".to_owned(),
            "Flatten".to_owned(),
            format!("Gemm {stage}.squeeze.weight {stage}.squeeze.bias"),
            "Relu".to_owned(),
            format!("Gemm {stage}.excite.weight {stage}.excite.bias"),
            "Sigmoid".to_owned(),
            "Unsqueeze".to_owned(),
            "Mul".to_owned(),
        ]
    };
    let plain = |ops: &[&str]| ops.iter().map(|op| (*op).to_owned()).collect::<Vec<_>>();
    let expected = [
        vec!["Conv stage1.conv1.weight".to_owned(), norm("stage1.bn1")],
        plain(&["Relu", "MaxPool"]),
        gate("stage1").to_vec(),
        vec!["Conv stage2.conv1.weight".to_owned(), norm("stage2.bn1")],
        plain(&["Relu"]),
        vec!["Conv stage2.conv2.weight".to_owned(), norm("stage2.bn2")],
        plain(&["Relu"]),
        vec!["Conv stage2.conv3.weight".to_owned(), norm("stage2.bn3")],
        plain(&["Add", "Relu"]),
        gate("stage2").to_vec(),
        plain(&[
            "GlobalAveragePool",
            "Flatten",
            "Gemm fc.weight fc.bias",
            "Identity",
        ]),
    ];
    assert_eq!(nodes, expected.concat());
    let weights: HashMap<String, &[u8]> = all(graph, 5)
        .into_iter()
        .map(|tensor| (texts(tensor, 8).remove(0), all(tensor, 9)[0]))
        .collect();
    assert_eq!(
        weights.len(),
        checkpoint.weights.len() + 1,
        "and the axes of images"
    );
    for (name, tensor) in &checkpoint.weights {
        let (found, _) = weights[name].as_chunks::<4>();
        let found: Vec<f32> = found
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        assert_eq!(
            found,
            tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            "{name}"
        );
    }
    let properties: HashMap<String, String> = all(&file, 14)
        .into_iter()
        .map(|property| (texts(property, 1).remove(0), texts(property, 2).remove(0)))
        .collect();
    let described: Metadata = serde_json::from_str(&properties["fervis"]).unwrap();
    assert_eq!(described, checkpoint.metadata);
    assert!(properties["input"].contains("(luma / 255 - 0.5) / 0.5. Divide the logits by 1.5"));
}

/// The first kernels of torchvision's networks count a gray image as three equal channels. ONNX gets their sum, and areas
/// that the pooled image does not divide into get matrices.
#[test]
fn gray_kernels_are_summed_and_pooling_to_any_side_is_two_products() {
    let head = HeadConfig {
        hidden: vec![3],
        dropout: 0.5,
    };
    let config = VggConfig {
        pooled_side: 2,
        head,
    };
    let checkpoint = checkpoint(Architecture::Vgg16(config), 96);
    let file = onnx::to_bytes(&checkpoint).unwrap();
    let graph = all(&file, 7)[0];
    let tensors: HashMap<String, &[u8]> = all(graph, 5)
        .into_iter()
        .map(|tensor| (texts(tensor, 8).remove(0), tensor))
        .collect();
    let floats = |name: &str| -> Vec<f32> {
        let (found, _) = all(tensors[name], 9)[0].as_chunks::<4>();
        found
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect()
    };
    let stored = &checkpoint.weights["features.0.weight"];
    let stored: Vec<f32> = stored.flatten_all().unwrap().to_vec1().unwrap();
    assert!((floats("features.0.weight")[0] - (stored[0] + stored[9] + stored[18])).abs() < 1e-6);
    // 96 px leave an image of 3×3: rows 0 and 1, and rows 1 and 2.
    let rows = tensors
        .keys()
        .find(|name| name.starts_with("rows_of"))
        .unwrap();
    assert_eq!(floats(rows), [0.5, 0.5, 0.0, 0.0, 0.5, 0.5]);
}

#[test]
fn a_state_dict_holds_the_weights() {
    let config = ThreeBlockConfig {
        channels: [2, 3, 4],
        hidden: 5,
        ..ThreeBlockConfig::default()
    };
    let checkpoint = checkpoint(Architecture::ThreeBlock(config), 16);
    let file = pytorch::to_bytes(&checkpoint).unwrap();
    let options = ImportOptions {
        architecture: Some("three-block".to_owned()),
        ..ImportOptions::default()
    };
    let read = import(&file, "network.pt", &options).unwrap().checkpoint;
    assert_eq!(read.weights.len(), checkpoint.weights.len());
    for (name, tensor) in &checkpoint.weights {
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(read.weights[name].dims(), tensor.dims(), "{name}");
        assert_eq!(values(&read.weights[name]), values(tensor), "{name}");
    }
}

/// The module as a whole; PyTorch ran it when it was last changed. `UPDATE_REFERENCE=1` writes it anew.
#[test]
fn a_python_module_reads_as_a_person_would_write_it() {
    let module = python::module(&small(), "small.pt");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/export/reference.py");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, &module).unwrap();
    }
    assert_eq!(module, std::fs::read_to_string(path).unwrap());
}
