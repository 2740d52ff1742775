//! Files that PyTorch 2.15 wrote, whole, altered and broken.
//!
//! The fixtures and the golden logits come from:
//!
//! ```python
//! import torch
//! from torch import nn
//! torch.manual_seed(2013)
//! block = lambda i, o: [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
//! net = nn.Sequential(*block(1, 2), *block(2, 3), *block(3, 2), nn.Flatten(), nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 7))
//! net(torch.randn(64, 1, 8, 8))  # moves the running estimates
//! net.eval()
//! state = nn.DataParallel(net).state_dict()
//! state["module.13.weight"] = state["module.13.weight"].t().contiguous().t()
//! state["module.15.weight"] = state["module.15.weight"].t().contiguous().t()
//! state["module.13.bias"] = state["module.13.bias"].double()
//! torch.save({"epoch": 3, "optimizer": torch.optim.Adam(net.parameters()).state_dict(), "state_dict": state}, "zip.pth")
//! torch.save(net.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
//! torch.save(net, "module.pth")
//! print(net(torch.arange(64.).reshape(1, 1, 8, 8) / 64).tolist())
//! ```

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;

use super::{weight_file::WeightFile, *};
use crate::{
    expression::{Expression, N_EXPRESSIONS},
    model::{
        Classifier,
        net::{Architecture, CustomCnnConfig, HeadConfig, ThreeBlockConfig},
        preprocess::InputSpec,
    },
};

mod wrappers;

const ZIP: &[u8] = include_bytes!("fixtures/zip.pth");
const LEGACY: &[u8] = include_bytes!("fixtures/legacy.pth");
const MODULE: &[u8] = include_bytes!("fixtures/module.pth");

const GOLDEN: [f32; 7] = [
    0.073_729_52,
    0.128_419_28,
    -0.051_715_404,
    -0.256_852_4,
    0.445_109_4,
    -0.006_134_629,
    -0.405_890_23,
];

fn logits(import: &Import) -> [f32; 7] {
    let name = "net".to_owned();
    let mut classifier =
        Classifier::new(import.checkpoint.clone(), name, None, &Device::Cpu).unwrap();
    let input = (0..64_u8).map(|value| f32::from(value) / 64.0).collect();
    classifier.logits(input).unwrap()[0].0[..]
        .try_into()
        .unwrap()
}

/// Zip and legacy, wrapped and bare, strided and contiguous, as a dictionary and as a pickled module: the network computes
/// what it computes in PyTorch, with the biases of its convolutions folded into the running means.
#[test]
fn an_imported_network_computes_what_pytorch_computes() {
    for (bytes, found_under) in [(ZIP, "state_dict"), (LEGACY, ""), (MODULE, "")] {
        let import = import(bytes, "/models/mine.pth", &ImportOptions::default()).unwrap();
        assert_eq!(import.weights.found_under, found_under);
        assert_eq!(
            import.weights.skipped.len(),
            3,
            "the counters of the normalizations"
        );
        assert_eq!(import.recognized.matching.folded.len(), 3);
        let metadata = &import.checkpoint.metadata;
        assert_eq!(
            (metadata.name.as_str(), metadata.temperature),
            ("mine", 1.0)
        );
        assert_eq!((metadata.input.width, metadata.input.height), (8, 8));
        for (value, golden) in logits(&import).iter().zip(GOLDEN) {
            assert!((value - golden).abs() < 1e-5, "{value} instead of {golden}");
        }
        let report = import.to_string();
        assert!(
            report.contains("block3.bn.running_mean absorbs 8.bias"),
            "{report}"
        );
        assert!(
            report.contains("fc2.weight             = 15.weight [7, 4]"),
            "{report}"
        );
    }
}

#[test]
fn what_the_file_does_not_say_comes_from_the_options() {
    let mut labels = Expression::ALL
        .map(|label| label.name().to_owned())
        .to_vec();
    labels.reverse();
    let options = ImportOptions {
        labels: Some(labels),
        input: InputSpec {
            mean: 0.25,
            ..InputSpec::FER_2013
        },
        architecture: Some("three-block".to_owned()),
        license: "MIT".to_owned(),
    };
    let import = import(LEGACY, "net", &options).unwrap();
    let mut reversed = GOLDEN;
    reversed.reverse();
    for (value, golden) in logits(&import).iter().zip(reversed) {
        assert!((value - golden).abs() < 1e-5);
    }
    assert_eq!(import.checkpoint.metadata.input.mean, 0.25);
    assert!(
        import
            .assumptions()
            .starts_with("outputs neutral, surprise")
    );
}

#[test]
fn a_pytorch_file_opens_like_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.pth");
    std::fs::write(&path, ZIP).unwrap();
    let opened = read(&path).unwrap();
    assert_eq!(opened.metadata.name, "mine");
    let ours = folder.path().join("mine.safetensors");
    Checkpoint::write(&opened.metadata, &opened.weights, &ours).unwrap();
    assert_eq!(read(&ours).unwrap().metadata, opened.metadata);
}

/// ZIP64 records stand between directory and end, 76 bytes; where the first entry of the directory takes just as many, the
/// second passed for the first.
#[test]
fn archives_are_read_whatever_the_length_of_their_names() {
    use std::io::{Cursor, Read, Write};
    use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};
    let mut original = ZipArchive::new(Cursor::new(ZIP)).unwrap();
    for length in 1..40 {
        let stem = "n".repeat(length);
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for index in 0..original.len() {
            let mut entry = original.by_index(index).unwrap();
            let name = entry.name().unwrap().into_owned();
            let name = name.split_once('/').unwrap().1.to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            writer
                .start_file(format!("{stem}/{name}"), options)
                .unwrap();
            writer.write_all(&bytes).unwrap();
        }
        let plain = writer.finish().unwrap().into_inner();
        // What PyTorch writes between the directory and its end.
        let (body, end) = plain.split_at(plain.len() - 22);
        let mut bytes = body.to_vec();
        let wide = |at: usize, n: usize| -> Vec<u8> {
            let mut wide = end[at..at + n].to_vec();
            wide.resize(8, 0);
            wide
        };
        bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x1e\x03\x2d\0\0\0\0\0\0\0\0\0");
        for (at, n) in [(8, 2), (10, 2), (12, 4), (16, 4)] {
            bytes.extend(wide(at, n));
        }
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend((body.len() as u64).to_le_bytes());
        bytes.extend([1, 0, 0, 0]);
        bytes.extend(end);
        let import = import_plainly(&bytes);
        assert!(import.is_ok(), "{length}: {}", import.unwrap_err());
    }
}

/// Weights that are changed by the import would be rounded in half precision.
#[test]
fn converted_weights_are_kept_in_f32() {
    let network = Architecture::ThreeBlock(ThreeBlockConfig::default());
    let color = InputSpec {
        channels: 3,
        ..InputSpec::FER_2013
    };
    let shapes = network.weight_shapes(&color, N_EXPRESSIONS);
    let bytes = numbered(&shapes, DType::F16, |name| {
        if name.ends_with("mean") { -1.0 } else { 0.5 }
    });
    let import = import_plainly(&bytes).unwrap();
    let dtype = |name: &str| import.checkpoint.weights[name].dtype();
    assert_eq!(dtype("block1.conv.weight"), DType::F32);
    assert_eq!(dtype("block2.conv.weight"), DType::F16);
    // A bias that is folded into a running mean.
    let half =
        |name: &str, tensor: &Tensor| (name.to_owned(), tensor.to_dtype(DType::F16).unwrap());
    let plain = import_plainly(LEGACY).unwrap();
    let mut opened = WeightFile::open(LEGACY).unwrap();
    let weights = opened.candidates[0].clone();
    let tensors: HashMap<String, Tensor> = (0..weights.tensors.len())
        .map(|index| {
            half(
                &weights.tensors[index].name,
                &opened.read(&weights, index).unwrap(),
            )
        })
        .collect();
    let bytes = safetensors::serialize(&tensors, None).unwrap();
    let folded = import_plainly(&bytes).unwrap();
    let mean = &folded.checkpoint.weights["block1.bn.running_mean"];
    assert_eq!(mean.dtype(), DType::F32);
    let values = |tensor: &Tensor| tensor.to_vec1::<f32>().unwrap();
    let expected = &plain.checkpoint.weights["block1.bn.running_mean"];
    for (value, expected) in values(mean).iter().zip(values(expected)) {
        assert!((value - expected).abs() < 1e-3);
    }
}

#[test]
fn the_same_import_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let written = |number: usize| {
        let import = import_plainly(ZIP).unwrap().checkpoint;
        let path = folder.path().join(format!("{number}.safetensors"));
        Checkpoint::write(&import.metadata, &import.weights, &path).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = written(0);
    for number in 1..6 {
        assert_eq!(written(number), first);
    }
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let message = import(bytes, "my.pth", &ImportOptions::default())
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("my.pth cannot be used: "), "{message}");
    assert!(message.contains(words), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

/// Replaces every occurrence. Both have the same length, so that nothing moves.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut changed = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            changed[at..at + to.len()].copy_from_slice(to);
        }
    }
    assert_ne!(changed, bytes);
    changed
}

#[test]
fn files_that_cannot_be_used_say_why() {
    refused(&ZIP[..ZIP.len() / 2], "cut off");
    refused(&LEGACY[..LEGACY.len() - 3], "cut off");
    refused(b"\x80\x04}.", "not one that torch.save wrote");
    let model = b"\x80\x02csklearn.svm._classes\nSVC\n)R.";
    refused(model, "a Python pickle of sklearn.svm._classes.SVC");
    refused(
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "not one that torch.save wrote",
    );
    // The last layer no longer has a weight, so it is another kind of layer.
    let renamed = replaced(LEGACY, b"15.weight", b"15.height");
    refused(
        &renamed,
        "compared with three-block, the closest: it has 3 convolutions and 1 linear layers instead of 3 and 2",
    );
    let renamed = replaced(LEGACY, b"1.running_mean", b"1.funning_mean");
    refused(
        &renamed,
        "4 missing (bn3.weight, bn3.bias, bn3.running_mean, bn3.running_var), 4 left over (1.weight,",
    );
    refused(
        &replaced(LEGACY, b"FloatStorage", b"QuantStorage"),
        "values of a type that fervis does not know",
    );
    let six = replaced(LEGACY, &[b'K', 7, b'K', 4, 0x86], &[b'K', 6, b'K', 4, 0x86]);
    let six = replaced(&six, &[b'K', 7, 0x85], &[b'K', 6, 0x85]);
    refused(
        &six,
        "with 6 outputs, but it does not say what they mean; name them in their order",
    );
    // One number of the first storage, whose checksum no longer fits. Before it stands padding: a tag and a length.
    let header = ZIP
        .windows(10)
        .position(|window| window == b"zip/data/0")
        .unwrap();
    let mut flipped = ZIP.to_vec();
    let padding = usize::from(ZIP[header + 12]);
    flipped[header + 14 + padding] ^= 1;
    refused(&flipped, "its part “zip/data/0” is missing or damaged");
    let unknown = ImportOptions {
        architecture: Some("vgg99".to_owned()),
        ..ImportOptions::default()
    };
    let message = import(ZIP, "my.pth", &unknown).unwrap_err().to_string();
    assert!(
        message.contains("“vgg99” cannot be imported; known: three-block"),
        "{message}"
    );
}

/// The file of a network whose layers are named by numbers. `value` gives what each of our tensors, by
/// its name, is filled with.
fn numbered(shapes: &[(String, Vec<usize>)], dtype: DType, value: impl Fn(&str) -> f64) -> Vec<u8> {
    let mut layers: Vec<&str> = Vec::new();
    let mut tensors = HashMap::new();
    for (name, shape) in shapes {
        let (layer, part) = name.rsplit_once('.').unwrap();
        if layers.last() != Some(&layer) {
            layers.push(layer);
        }
        let tensor = Tensor::full(value(name), shape.as_slice(), &Device::Cpu).unwrap();
        let tensor = tensor.to_dtype(dtype).unwrap();
        tensors.insert(format!("{}.{part}", layers.len()), tensor);
    }
    safetensors::serialize(&tensors, None).unwrap()
}

fn import_plainly(bytes: &[u8]) -> Result<Import, ModelError> {
    import(bytes, "my.pth", &ImportOptions::default())
}

#[test]
fn every_architecture_is_recognized_with_any_names_of_layers() {
    for usual in Architecture::usual() {
        let input = InputSpec::FER_2013;
        let shapes = usual.weight_shapes(&input, N_EXPRESSIONS);
        let bytes = numbered(&shapes, DType::F16, |_| 0.0);
        let options = ImportOptions {
            architecture: Some(usual.name().to_owned()),
            ..ImportOptions::default()
        };
        let import = import(&bytes, "my.pth", &options).unwrap();
        let metadata = &import.checkpoint.metadata;
        let found = metadata
            .architecture
            .weight_shapes(&metadata.input, N_EXPRESSIONS);
        assert_eq!(found, shapes, "{}", usual.name());
        let matching = &import.recognized.matching;
        assert_eq!(matching.matched.len(), shapes.len());
        assert!(matching.folded.is_empty());
        // Layer by layer, though several have the same shapes.
        let layers = shapes
            .iter()
            .map(|(name, _)| name.rsplit_once('.').unwrap().0);
        let mut layers: Vec<&str> = layers.collect();
        layers.dedup();
        for matched in &matching.matched {
            let (layer, part) = matched.ours.rsplit_once('.').unwrap();
            let number = 1 + layers.iter().position(|name| *name == layer).unwrap();
            assert_eq!(
                import.weights.tensors[matched.index].name,
                format!("{number}.{part}")
            );
        }
    }
}

/// Convolutions with biases, and normalizations after ReLU in one network and before it in the other.
#[test]
fn running_means_show_whether_normalization_follows_relu() {
    let custom_cnn = Architecture::CustomCnn(CustomCnnConfig {
        channels: [8, 8, 8],
        ..CustomCnnConfig::default()
    });
    let shapes = custom_cnn.weight_shapes(&InputSpec::FER_2013, N_EXPRESSIONS);
    let name_of = |mean: f64| {
        let value = |name: &str| {
            if name.ends_with("running_mean") {
                mean
            } else {
                0.5
            }
        };
        let import = import_plainly(&numbered(&shapes, DType::F32, value)).unwrap();
        let name = import.checkpoint.metadata.architecture.name();
        (name, import.recognized.also_fits)
    };
    assert_eq!(name_of(0.25), ("custom-cnn", vec![]));
    assert_eq!(name_of(-0.25), ("three-block", vec![]));
    // An untrained network: both are possible, and the report says so.
    assert_eq!(name_of(0.0), ("custom-cnn", vec!["three-block"]));
}

#[test]
fn a_network_for_color_takes_gray() {
    let network = Architecture::ThreeBlock(ThreeBlockConfig::default());
    let color = InputSpec {
        channels: 3,
        ..InputSpec::FER_2013
    };
    let shapes = network.weight_shapes(&color, N_EXPRESSIONS);
    let value = |name: &str| if name.ends_with("mean") { -1.0 } else { 0.5 };
    let import = import_plainly(&numbered(&shapes, DType::F32, value)).unwrap();
    let kernels = &import.checkpoint.weights["block1.conv.weight"];
    assert_eq!(kernels.dims(), [64, 1, 3, 3]);
    let first = kernels.flatten_all().unwrap().get(0).unwrap();
    assert_eq!(first.to_scalar::<f32>().unwrap(), 1.5);
    assert!(import.to_string().contains("summed over the colors"));
}

#[test]
fn networks_for_imagenet_are_recognized() {
    let resnet = Architecture::Resnet18(HeadConfig::default());
    let shapes = resnet.weight_shapes(&InputSpec::FER_2013, 1000);
    let bytes = numbered(&shapes, DType::F16, |_| 0.0);
    let message = import_plainly(&bytes).unwrap_err().to_string();
    assert!(
        message.contains("it is a resnet18 network for ImageNet's 1000 classes"),
        "{message}"
    );
    assert!(message.contains("--pretrained"), "{message}");
}

/// Like `torch.zeros(1).expand(16384, 4)`: a few bytes that claim to be many.
#[test]
fn a_small_file_cannot_fill_the_memory() {
    // The pickle holds shape and strides of 13.weight as (4, 2), its place in the memo, and (2, 1).
    let mut bytes = LEGACY.to_vec();
    let position = |bytes: &[u8], pattern: &[u8]| {
        let mut windows = bytes.windows(pattern.len());
        windows.position(|window| window == pattern).unwrap()
    };
    let shape = position(&bytes, &[b'K', 4, b'K', 2, 0x86]);
    let strides = shape + 5 + position(&bytes[shape + 5..], &[b'K', 2, b'K', 1, 0x86]);
    // 16,384, the widest layer there may be.
    let wide = |bytes: &mut Vec<u8>, at: usize| {
        bytes.splice(at..at + 2, [b'J', 0x00, 0x40, 0x00, 0x00]);
    };
    bytes[strides..strides + 4].copy_from_slice(&[b'K', 0, b'K', 0]);
    // Hidden values: the shape of 13.weight, 13.bias and 15.weight.
    wide(&mut bytes, shape);
    let bias = shape + position(&bytes[shape..], &[b'K', 4, 0x85]);
    wide(&mut bytes, bias);
    let next = bias + position(&bytes[bias..], &[b'K', 7, b'K', 4, 0x86]);
    wide(&mut bytes, next + 2);
    refused(&bytes, "“13.weight” is larger than the file");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any damage is an error or harmless, never a panic.
    #[test]
    fn damaged_files_never_panic(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = [ZIP, LEGACY, MODULE][which].to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let result = import(&bytes, "broken", &ImportOptions::default());
        if let Err(error) = result {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
