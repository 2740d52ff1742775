//! Preprocessing and the three-block network against values made independently, with numpy 2.4, by this script:
//!
//! ```python
//! import numpy as np
//! y, x = np.mgrid[0:30, 0:40]
//! rgb = np.stack([(5*x + 2*y) % 256, (3*x + y*y) % 256, (x*y + 40) % 256]).astype(np.int64)
//! luma = (19595*rgb[0] + 38470*rgb[1] + 7471*rgb[2] + 0x8000 >> 16).astype(float)  # BT.601, as Pillow's "L".
//! def axis(start, extent, n_in, n_out=16):  # (n_out, n_in), Pillow's bilinear; n_in pixels exist.
//!     step = extent / n_out; wide = max(step, 1); m = np.zeros((n_out, n_in))
//!     for i in range(n_out):
//!         center = start + (i + 0.5) * step
//!         for j in range(n_in): m[i, j] = max(0, 1 - abs(j + 0.5 - center) / wide)
//!         if not m[i].any(): m[i, min(max(int(center), 0), n_in - 1)] = 1  # Outside: the border is repeated.
//!         m[i] /= m[i].sum()
//!     return m
//! def preprocess(left, top, width, height):  # Crop scale 1.1, shifted down by 0.05 of the box; mean 0.4, std 0.3.
//!     side = max(width, height); square = 1.1 * side
//!     cx, cy = left + width / 2, top + height / 2 + 0.05 * side
//!     out = axis(cy - square/2, square, 30) @ luma @ axis(cx - square/2, square, 40).T
//!     return (out / 255 - 0.4) / 0.3
//! def weights(t, *shape): return np.sin(0.37 * np.arange(np.prod(shape))**2 + t).reshape(shape).astype(np.float32).astype(float)
//! def block(xs, t, c_out):
//!     c_in, h, w = xs.shape
//!     kernel = (2 / np.sqrt(9 * c_in)) * weights(t, c_out, c_in, 3, 3)
//!     padded = np.pad(xs, ((0, 0), (1, 1), (1, 1)))
//!     ys = sum(np.einsum("oi,ihw->ohw", kernel[:, :, a, b], padded[:, a:a+h, b:b+w]) for a in range(3) for b in range(3))
//!     gamma, beta = 1 + 0.3 * weights(t + 1, c_out), 0.2 * weights(t + 2, c_out)
//!     mean, var = 0.2 * weights(t + 3, c_out), 1 + 0.5 * weights(t + 4, c_out)
//!     ys = (ys - mean[:, None, None]) / np.sqrt(var + 1e-5)[:, None, None] * gamma[:, None, None] + beta[:, None, None]
//!     return np.maximum(ys, 0).reshape(c_out, h // 2, 2, w // 2, 2).max((2, 4))
//! def linear(xs, t, n_out): return (2 / np.sqrt(xs.size)) * weights(t, n_out, xs.size) @ xs + 0.1 * weights(t + 1, n_out)
//! def network(image):
//!     xs = block(block(block(image[None], 0, 3), 5, 4), 10, 5).ravel()
//!     return linear(np.maximum(linear(xs, 15, 6), 0), 17, 7)
//! for face in [(6.5, 3.25, 20, 22), (25, -4, 18, 18)]:
//!     image = preprocess(*face); logits = network(image)
//!     softmax = np.exp(logits / 1.7) / np.exp(logits / 1.7).sum()
//!     for name, values in [("input", image.diagonal()), ("logits", logits), ("softmax", softmax)]:
//!         print(face, name, values.round(6).tolist())
//! ```
//!
//! The weights here come from the same formula; the number of each is its position among the checkpoint's tensors.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use candle_core::{Device, Tensor};
use fervis::{
    bounding_box::BoundingBox,
    expression::{Expression, Logits},
    frame::{Frame, FrameId, Resolution},
    model::{
        CheckpointChoice, Classifier, ComputeDevice, DeviceChoice, Views,
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
        net::{Architecture, ThreeBlockConfig},
        preprocess::{CropGeometry, FaceRegion, InputSpec, Preprocessor},
    },
};

const TOLERANCE: f32 = 1e-4;

/// What the script prints for one face.
struct Golden {
    face: BoundingBox,
    /// The diagonal of the network's input.
    input: [f32; 16],
    logits: [f32; 7],
    softmax: [f32; 7],
}

const GOLDEN: [Golden; 2] = [
    Golden {
        face: BoundingBox::new(6.5, 3.25, 20.0, 22.0),
        input: [
            -0.924377, -0.731703, -0.486362, -0.213911, 0.11916, 0.472679, 0.890718, 0.684043,
            -0.51371, 0.000485, 0.594584, 1.190397, 0.230856, 0.199816, 0.968959, 0.940967,
        ],
        logits: [
            -0.869674, -2.24354, 0.491014, -2.001264, -0.403589, -2.238478, -0.65811,
        ],
        softmax: [
            0.141222, 0.06294, 0.314423, 0.07258, 0.185769, 0.063128, 0.159938,
        ],
    },
    // Beyond the frame at the top and on the right.
    Golden {
        face: BoundingBox::new(25.0, -4.0, 18.0, 18.0),
        input: [
            -0.237044, -0.190706, -0.145176, -0.08084, 0.033977, 0.194638, 0.361139, 0.561379,
            0.752986, 0.70976, 0.986592, 1.289715, 1.404887, -0.06422, -0.05622, 0.270633,
        ],
        logits: [
            -1.097127, -1.740663, 0.883317, -1.6988, -0.658978, -1.612062, -0.175337,
        ],
        softmax: [
            0.107008, 0.073285, 0.343048, 0.075112, 0.138468, 0.079044, 0.184036,
        ],
    },
];

fn metadata() -> Metadata {
    Metadata {
        format_version: FORMAT_VERSION,
        name: "golden".to_owned(),
        architecture: Architecture::ThreeBlock(ThreeBlockConfig {
            channels: [3, 4, 5],
            hidden: 6,
            ..ThreeBlockConfig::default()
        }),
        labels: Expression::ALL
            .map(|expression| expression.name().to_owned())
            .to_vec(),
        input: InputSpec {
            width: 16,
            height: 16,
            mean: 0.4,
            std: 0.3,
            crop: CropGeometry {
                scale: 1.1,
                shift_y: 0.05,
            },
            ..InputSpec::FER_2013
        },
        temperature: 1.7,
        uncertain_below: 0.0,
        training: serde_json::Value::Null,
        metrics: [].into(),
        license: "MIT OR Apache-2.0".to_owned(),
    }
}

/// The script's weights, by their names in the checkpoint format.
fn weights() -> HashMap<String, Tensor> {
    let metadata = metadata();
    let shapes = metadata.architecture.weight_shapes(&metadata.input, 7);
    shapes
        .into_iter()
        .enumerate()
        .map(|(number, (name, shape))| {
            let fan_in: usize = shape[1..].iter().product();
            let (offset, factor) = match name.rsplit_once('.').unwrap() {
                (layer, "weight") if layer.ends_with(".bn") => (1.0, 0.3),
                (_, "weight") => (0.0, 2.0 / (fan_in as f64).sqrt()),
                (_, "running_var") => (1.0, 0.5),
                (layer, "bias") if !layer.ends_with(".bn") => (0.0, 0.1),
                _ => (0.0, 0.2),
            };
            let values: Vec<f32> = (0..shape.iter().product())
                .map(|index: usize| {
                    let sine = (0.37 * (index * index) as f64 + number as f64).sin() as f32;
                    (offset + factor * f64::from(sine)) as f32
                })
                .collect();
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
            (name, tensor)
        })
        .collect()
}

/// Loads the network from a file, as a user's checkpoint.
fn classifier(metadata: &Metadata) -> Classifier {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("golden.safetensors");
    Checkpoint::write(metadata, &weights(), &path).unwrap();
    let device = ComputeDevice::start(DeviceChoice::Cpu);
    Classifier::load(&CheckpointChoice::File(path), &device).unwrap()
}

fn frame() -> Frame {
    let size = Resolution::new(40, 30);
    let rgba: Vec<u8> = (0..size.height_px)
        .flat_map(|y| (0..size.width_px).map(move |x| (x, y)))
        .flat_map(|(x, y)| [5 * x + 2 * y, 3 * x + y * y, x * y + 40, 255])
        .map(|value| (value % 256) as u8)
        .collect();
    Frame::new(
        FrameId(0),
        Instant::now(),
        Duration::ZERO,
        size,
        rgba.into(),
    )
}

fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < TOLERANCE,
            "{what}, value {index}: {found} instead of {expected}"
        );
    }
}

#[test]
fn preprocessing_agrees_with_numpy() {
    let spec = metadata().input;
    for golden in &GOLDEN {
        let mut input = Vec::new();
        Preprocessor::default().append(&frame(), &golden.face.into(), &spec, &mut input);
        let diagonal: Vec<f32> = input.iter().step_by(spec.width + 1).copied().collect();
        assert_close("input", &diagonal, &golden.input);
    }
}

#[test]
fn logits_and_probabilities_agree_with_numpy() {
    let mut classifier = classifier(&metadata());
    let faces = GOLDEN.map(|golden| FaceRegion::from(golden.face));
    let logits = classifier
        .classify(&frame(), &faces, Views::Single)
        .unwrap();
    assert_eq!(logits.len(), GOLDEN.len());
    let temperature = classifier.info().temperature;
    for (logits, golden) in logits.iter().zip(&GOLDEN) {
        assert_close("logits", &logits.0, &golden.logits);
        let softmax = logits.softmax(temperature);
        assert_close("softmax", &softmax.0, &golden.softmax);
    }
}

#[test]
fn labels_give_the_order_of_the_outputs() {
    let mut reversed = metadata();
    reversed.labels.reverse();
    let faces = GOLDEN.map(|golden| FaceRegion::from(golden.face));
    let logits = classifier(&reversed)
        .classify(&frame(), &faces, Views::Single)
        .unwrap();
    for (logits, golden) in logits.iter().zip(&GOLDEN) {
        let mut expected = golden.logits;
        expected.reverse();
        assert_close("logits", &logits.0, &expected);
    }
}

/// Flip averaging is the mean of the logits of the input and of the input with every row reversed.
#[test]
fn two_views_are_the_mean_of_both() {
    let mut classifier = classifier(&metadata());
    let (frame, spec) = (frame(), metadata().input);
    let faces = GOLDEN.map(|golden| FaceRegion::from(golden.face));
    let both = classifier.classify(&frame, &faces, Views::Flip).unwrap();
    assert_eq!(both.len(), GOLDEN.len());
    let mut preprocessor = Preprocessor::default();
    for (both, golden) in both.iter().zip(&GOLDEN) {
        let mut input = Vec::new();
        preprocessor.append(&frame, &golden.face.into(), &spec, &mut input);
        let rows = input.chunks_exact(spec.width);
        let mirrored = rows.flat_map(|row| row.iter().rev().copied()).collect();
        let mirrored = classifier.logits(mirrored).unwrap()[0];
        assert_ne!(
            mirrored,
            golden.logits.into(),
            "the faces are not symmetric"
        );
        let mean: [f32; 7] = std::array::from_fn(|i| 0.5 * (golden.logits[i] + mirrored.0[i]));
        assert_close("logits", &both.0, &mean);
    }
}

/// A batch gives the same as its faces one by one.
#[test]
fn classifying_is_preprocessing_and_the_network() {
    let mut classifier = classifier(&metadata());
    let frame = frame();
    let faces = GOLDEN.map(|golden| FaceRegion::from(golden.face));
    let batch = classifier.classify(&frame, &faces, Views::Single).unwrap();
    let mut preprocessor = Preprocessor::default();
    for (logits, face) in batch.iter().zip(&faces) {
        let mut input = Vec::new();
        preprocessor.append(&frame, face, &metadata().input, &mut input);
        let by_hand: Vec<Logits> = classifier.logits(input).unwrap();
        assert_close("logits", &logits.0, &by_hand[0].0);
    }
    assert!(
        classifier
            .classify(&frame, &[], Views::Single)
            .unwrap()
            .is_empty()
    );
}
