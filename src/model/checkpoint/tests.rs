//! Files that are valid, damaged, contradictory, or something else.

use std::fs;

use super::*;
use crate::{expression::Expression, model::import, model::net::ThreeBlockConfig};

fn tiny() -> (Metadata, HashMap<String, Tensor>) {
    let config = ThreeBlockConfig {
        channels: [1, 1, 1],
        hidden: 2,
        dropout2d: 0.0,
        dropout: 0.0,
    };
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: "tiny".to_owned(),
        architecture: Architecture::ThreeBlock(config),
        labels: Expression::ALL
            .map(|expression| expression.name().to_owned())
            .to_vec(),
        input: InputSpec {
            width: 8,
            height: 8,
            ..InputSpec::FER_2013
        },
        temperature: 1.5,
        uncertain_below: 0.45,
        training: serde_json::json!({ "data": "none" }),
        metrics: BTreeMap::from([("PublicTest accuracy".to_owned(), 0.5)]),
        license: "MIT OR Apache-2.0".to_owned(),
    };
    let weights = metadata
        .architecture
        .weight_shapes(&metadata.input, 7)
        .into_iter()
        .map(|(name, shape)| (name, Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap()))
        .collect();
    (metadata, weights)
}

fn bytes(metadata: &Metadata, weights: &HashMap<String, Tensor>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    Checkpoint::write(metadata, weights, &path).unwrap();
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no partial file is left"
    );
    fs::read(path).unwrap()
}

#[test]
fn what_is_written_is_read() {
    let (metadata, weights) = tiny();
    let read = Checkpoint::parse(&bytes(&metadata, &weights), "net").unwrap();
    assert_eq!(read.metadata, metadata);
    assert_eq!(read.weights.len(), weights.len());
    assert_eq!(read.sha256.len(), 64);
}

/// Files written before there was a threshold are read as before.
#[test]
fn without_a_threshold_nothing_is_uncertain() {
    let (mut metadata, weights) = tiny();
    metadata.uncertain_below = 0.0;
    let json = serde_json::to_string(&metadata).unwrap();
    assert!(!json.contains("uncertain"), "{json}");
    let read = Checkpoint::parse(&bytes(&metadata, &weights), "net").unwrap();
    assert_eq!(read.metadata.uncertain_below, 0.0);
}

/// The file starts with the length of its description, which may look like the start of a pickle.
#[test]
fn checkpoints_of_every_length_are_recognized() {
    let (mut metadata, weights) = tiny();
    for length in (0..256).step_by(8) {
        metadata.name = "x".repeat(length);
        let bytes = bytes(&metadata, &weights);
        let read = Checkpoint::parse(&bytes, "net").unwrap();
        assert_eq!(read.metadata.name.len(), length);
    }
}

#[track_caller]
fn refused(bytes: &[u8], words: &str) {
    let message = import::parse(bytes, "my.safetensors")
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("my.safetensors cannot be used: "),
        "{message}"
    );
    assert!(message.contains(words), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn bad_files_are_refused_with_one_sentence() {
    let (metadata, weights) = tiny();
    let good = bytes(&metadata, &weights);
    refused(&[], "it is empty");
    refused(b"PK\x03\x04 and more of a zip file", "damaged");
    refused(b"\x80\x02}.", "not one that torch.save wrote");
    refused(
        b"just some text, long enough to be read as a header length",
        "neither a safetensors file",
    );
    refused(b"<!DOCTYPE html><html>", "it is a web page");
    refused(&good[..good.len() - 3], "it is damaged or cut off");
    refused(&good[..40], "");
    let header = BTreeMap::from([("fervis".to_owned(), "{}".to_owned())]);
    let empty = serialize(&weights, &header).unwrap();
    refused(&empty, "its description is incomplete or wrong");
    let header = BTreeMap::from([("fervis-train".to_owned(), "{}".to_owned())]);
    let state = serialize(&weights, &header).unwrap();
    refused(&state, "best.safetensors beside it");
}

/// As a `.pth` of the same weights does.
#[test]
fn weights_without_a_description_open_too() {
    let (_, weights) = tiny();
    let plain = safetensors::serialize(weights.iter(), None).unwrap();
    let read = import::parse(&plain, "folder/mine.safetensors").unwrap();
    assert_eq!(read.metadata.name, "mine");
    assert_eq!(read.metadata.architecture.name(), "three-block");
    assert_eq!(read.weights.len(), weights.len());
    // The classes in the header are used.
    let classes = r#"["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]"#;
    let header = HashMap::from([
        ("format".to_owned(), "pt".to_owned()),
        ("classes".to_owned(), classes.to_owned()),
    ]);
    let named = safetensors::serialize(weights.iter(), Some(header)).unwrap();
    let read = import::parse(&named, "mine.safetensors").unwrap();
    assert_eq!(read.metadata.labels[4], "neutral");
    let other = Tensor::ones((3, 4), DType::F32, &Device::Cpu).unwrap();
    let other = safetensors::serialize([("fc.weight", &other)], None).unwrap();
    refused(&other, "its 1 tensors are not a network that fervis knows");
}

#[test]
fn the_same_checkpoint_has_the_same_bytes() {
    let (metadata, weights) = tiny();
    let once = bytes(&metadata, &weights);
    for _ in 0..8 {
        assert_eq!(bytes(&metadata, &weights), once);
    }
}

#[cfg(unix)]
#[test]
fn a_device_is_not_a_checkpoint() {
    use crate::error_text::error_text;

    let message = Checkpoint::read(Path::new("/dev/zero")).unwrap_err();
    assert_eq!(
        error_text(&message),
        "/dev/zero could not be read: it is a device, not a file"
    );
}

#[test]
fn contradictions_are_refused() {
    let (good, weights) = tiny();
    let check = |change: &dyn Fn(&mut Metadata, &mut HashMap<String, Tensor>), words: &str| {
        let (mut metadata, mut weights) = (good.clone(), weights.clone());
        change(&mut metadata, &mut weights);
        refused(&bytes(&metadata, &weights), words);
    };
    check(&|_, w| drop(w.remove("fc2.bias")), "“fc2.bias” is missing");
    check(&|m, _| m.input.width = 16, "of shape");
    check(&|m, _| m.input.width = 12, "multiple of 8");
    check(&|m, _| m.input.width = 0, "out of range");
    check(&|m, _| m.input.channels = 3, "only 1 (gray)");
    check(&|m, _| m.input.std = 0.0, "normalization");
    check(&|m, _| m.temperature = -1.0, "temperature");
    check(&|m, _| m.temperature = 1e30, "temperature");
    check(&|m, _| m.input.mean = 1e30, "normalization");
    check(&|m, _| m.input.crop.scale = 1e30, "crop");
    check(&|m, _| m.uncertain_below = 1.5, "not a probability");
    check(&|m, _| m.labels[2] = "angry".to_owned(), "twice");
    check(&|m, _| m.labels[2] = "=1".to_owned(), "must not begin");
    check(&|m, _| m.labels.truncate(1), "1 labels, but a network");
    check(&|m, _| drop(m.labels.pop()), "of shape");
    check(&|m, _| m.format_version = 99, "newer version");
    check(
        &|_, w| drop(w.insert("extra".to_owned(), w["fc2.bias"].clone())),
        "“extra”",
    );
    let nan = Tensor::full(f32::NAN, 7, &Device::Cpu).unwrap();
    check(
        &|_, w| drop(w.insert("fc2.bias".to_owned(), nan.clone())),
        "not numbers",
    );
}
