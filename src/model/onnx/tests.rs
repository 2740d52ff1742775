//! Small networks against ONNX Runtime, and files that nobody should run.
//!
//! This made the files in `golden/` and printed the values below:
//!
//! ```python
//! import numpy as np, onnx, onnxruntime as ort
//! from onnx import TensorProto as T, helper as h, numpy_helper as n
//!
//! def noise(seed, *shape):
//!     i = np.arange(np.prod(shape), dtype=np.uint32)
//!     return ((i * 2654435761 + seed * 40503) % 65521 / 65521 - 0.5).astype(np.float32).reshape(shape)
//!
//! def save(name, nodes, weights, shape, n_out, metadata, external=False):
//!     graph = h.make_graph(nodes, "net", [h.make_tensor_value_info("x", T.FLOAT, shape)],
//!         [h.make_tensor_value_info("y", T.FLOAT, ["N", n_out])], [n.from_array(v, k) for k, v in weights.items()])
//!     model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
//!     h.set_model_props(model, metadata)
//!     onnx.save(model, name, save_as_external_data=external, location=name + ".data", size_threshold=0)
//!     return ort.InferenceSession(name)
//!
//! f = lambda v: [float("%.5g" % x) for x in v.ravel()]
//! luma = (np.arange(144) % 251 / 250).astype(np.float32)
//! conv, out = noise(1, 4, 1, 3, 3), noise(2, 8, 144)
//! nodes = [h.make_node("Conv", ["x", "conv"], ["a"], pads=[1, 1, 1, 1]), h.make_node("Relu", ["a"], ["b"]),
//!     h.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]), h.make_node("Flatten", ["c"], ["d"]),
//!     h.make_node("Gemm", ["d", "out"], ["y"], transB=1)]
//! for name, external in [("gray.onnx", False), ("beside.onnx", True)]:
//!     s = save(name, nodes, {"conv": conv, "out": out}, ["N", 1, 12, 12], 8, {}, external)
//!     print(name, f(s.run(None, {"x": ((luma - 0.5) / 0.5).reshape(1, 1, 12, 12)})[0]))
//!
//! rgb = (np.arange(300) % 251 / 250).astype(np.float32).reshape(3, 10, 10)
//! nodes = [h.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), h.make_node("Conv", ["t", "conv"], ["a"]),
//!     h.make_node("Relu", ["a"], ["b"]), h.make_node("GlobalAveragePool", ["b"], ["c"]), h.make_node("Flatten", ["c"], ["d"]),
//!     h.make_node("Gemm", ["d", "out"], ["e"], transB=1), h.make_node("Softmax", ["e"], ["y"], axis=1)]
//! s = save("color.onnx", nodes, {"conv": noise(3, 6, 3, 3, 3), "out": noise(4, 5, 6) * 2}, [1, 10, 10, 3], 5,
//!     {"author": "Ultralytics", "names": "{0: 'calm', 1: 'glad', 2: 'sad', 3: 'afraid', 4: 'angry'}"})
//! print("color rgb", f(s.run(None, {"x": rgb.transpose(1, 2, 0)[None]})[0]))
//! mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
//! x = ((rgb.transpose(1, 2, 0)[..., ::-1] - mean[::-1]) / std[::-1]).astype(np.float32)[None]
//! print("color bgr imagenet", f(s.run(None, {"x": x})[0]))
//! ```

use std::path::Path;

use super::*;
use crate::model::assumptions::KnownOrder;

const GRAY: &[u8] = include_bytes!("golden/gray.onnx");
const BESIDE: &[u8] = include_bytes!("golden/beside.onnx");
const COLOR: &[u8] = include_bytes!("golden/color.onnx");

const GRAY_LOGITS: [f32; 8] = [
    0.066_876, -0.641_58, 1.5833, -0.371_34, -0.614_91, 0.6286, -0.611_77, 1.1102,
];

fn gradient(n: usize) -> Vec<f32> {
    (0..n).map(|index| (index % 251) as f32 / 250.0).collect()
}

fn said(texts: &[&str]) -> Settings {
    Settings::parse(texts).unwrap()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found}, not {expected}");
    }
}

#[test]
fn a_gray_network_gives_onnx_runtimes_logits() {
    let loaded = load(GRAY, None, "gray.onnx", &Settings::default()).unwrap();
    assert_eq!(
        (
            loaded.input.width,
            loaded.input.height,
            loaded.input.channels
        ),
        (12, 12, 1)
    );
    assert_eq!(loaded.n_parameters, 4 * 9 + 8 * 144);
    let two = [gradient(144), gradient(144)].concat();
    let rows = loaded.network.forward(&two).unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_close(&row, &GRAY_LOGITS);
    }
    // Nobody says what eight outputs mean.
    assert_eq!(loaded.labels[1], "contempt");
    assert_eq!(
        loaded.assumed.to_string(),
        "Assumed: grayscale 12×12, -1…1, alphabetical order"
    );
}

/// PyTorch's exporter puts weights into a file beside.
#[test]
fn weights_beside_the_network_are_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/onnx/golden");
    let loaded = load(BESIDE, Some(&folder), "beside.onnx", &Settings::default()).unwrap();
    assert_close(
        &loaded.network.forward(&gradient(144)).unwrap()[0],
        &GRAY_LOGITS,
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let missing = load(
        BESIDE,
        Some(elsewhere.path()),
        "beside.onnx",
        &Settings::default(),
    );
    let error = crate::error_text::error_text(&missing.err().unwrap());
    assert!(
        error.starts_with("beside.onnx cannot be used: it cannot be run: "),
        "{error}"
    );
    std::fs::write(elsewhere.path().join("beside.onnx.data"), [0; 100]).unwrap();
    let cut = load(
        BESIDE,
        Some(elsewhere.path()),
        "beside.onnx",
        &Settings::default(),
    );
    let error = crate::error_text::error_text(&cut.err().unwrap());
    assert!(
        error.contains("beside.onnx.data") && error.contains("cut off"),
        "{error}"
    );
}

#[test]
fn colors_axes_and_probabilities_are_what_the_network_takes_and_gives() {
    let loaded = load(COLOR, None, "color.onnx", &Settings::default()).unwrap();
    assert_eq!(loaded.labels, ["calm", "glad", "sad", "afraid", "angry"]);
    assert!(!loaded.assumed.is_a_guess(), "{}", loaded.assumed);
    assert_eq!(
        loaded.assumed.settings.outputs,
        Some(Outputs::Probabilities)
    );
    let expected = [0.225_15, 0.245_04, 0.181_79, 0.199_55, 0.148_47];
    let row = &loaded.network.forward(&gradient(300)).unwrap()[0];
    assert_close(row, &expected.map(f32::ln));

    let imagenet = said(&[
        "color=bgr",
        "mean=0.485,0.456,0.406",
        "std=0.229,0.224,0.225",
    ]);
    let loaded = load(COLOR, None, "color.onnx", &imagenet).unwrap();
    let expected: [f32; 5] = [0.096_369, 0.483_04, 0.063_108, 0.315_83, 0.041_658];
    let row = &loaded.network.forward(&gradient(300)).unwrap()[0];
    assert_close(row, &expected.map(f32::ln));
}

#[test]
fn what_people_say_counts_and_contradictions_are_named() {
    let loaded = load(
        GRAY,
        None,
        "gray.onnx",
        &said(&["labels=ferplus", "mean=0", "std=1"]),
    );
    let loaded = loaded.unwrap();
    assert_eq!(loaded.labels[7], "contempt");
    assert_eq!(
        loaded.assumed.to_string(),
        "As set: grayscale 12×12, 0…1, FER+ order"
    );
    let refused = |texts: &[&str], words: &str| {
        let error = load(GRAY, None, "gray.onnx", &said(texts))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(words), "{error}, not {words}");
    };
    refused(&["labels=fer2013"], "the order “FER-2013” has no 8 labels");
    refused(&["labels=a,b,c,d,e,f,g,h,i"], "8 outputs, but 9 labels");
    refused(&["width=64"], "has a width of 12 px, but 64 was given");
}

#[test]
fn families_are_recognized_by_their_shapes() {
    let check = |shape: [usize; 4], n_outputs: usize, name: Option<&str>, order: KnownOrder| {
        let channels_last = shape[3] < 4;
        let (channels, side) = if channels_last {
            (shape[3], shape[1])
        } else {
            (shape[1], shape[2])
        };
        let size = proto::InputSize {
            shape,
            channels,
            width: side,
            height: side,
            channels_last,
        };
        let family = families::recognize(&size, n_outputs);
        assert_eq!(family.as_ref().map(|family| family.name), name, "{shape:?}");
        if let Some(family) = family {
            assert_eq!(family.order, order);
            assert!(family.order.names(family.n_labels).is_some());
        }
    };
    check([1, 1, 64, 64], 8, Some("FER+"), KnownOrder::Ferplus);
    check(
        [1, 64, 64, 1],
        7,
        Some("mini-XCEPTION"),
        KnownOrder::Fer2013,
    );
    check(
        [1, 3, 224, 224],
        8,
        Some("HSEmotion"),
        KnownOrder::Alphabetical,
    );
    check(
        [1, 3, 112, 112],
        10,
        Some("HSEmotion"),
        KnownOrder::Alphabetical,
    );
    check([1, 3, 64, 64], 7, None, KnownOrder::Fer2013);
    check([1, 1, 48, 48], 7, None, KnownOrder::Fer2013);
}

/// Every cut of a file, and many changed bytes: a sentence or a network, never a panic.
#[test]
fn damaged_files_are_refused_in_a_sentence() {
    let try_bytes = |bytes: &[u8]| {
        if let Err(error) = load(bytes, None, "net.onnx", &Settings::default()) {
            let text = error.to_string();
            assert!(
                text.starts_with("net.onnx cannot be used: ") && text.len() < 400,
                "{text}"
            );
        }
    };
    for end in (0..COLOR.len()).step_by(7) {
        try_bytes(&COLOR[..end]);
    }
    let mut seed = 7u32;
    for _ in 0..300 {
        let mut bytes = COLOR.to_vec();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (seed >> 8) as usize % bytes.len();
            bytes[at] ^= (seed >> 3) as u8 | 1;
        }
        try_bytes(&bytes);
    }
}

/// A graph with these nodes (operator, inputs, output) between `x` (1×1×12×12) and `y` (1×8), and tensors of whole numbers.
fn graph(nodes: &[(&str, &[&str], &str)], shapes: &[(&str, &[i64])]) -> Vec<u8> {
    use prost_free::*;
    let mut graph = Vec::new();
    for (op, inputs, output) in nodes {
        let mut node = Vec::new();
        for input in *inputs {
            field(&mut node, 1, input.as_bytes());
        }
        field(&mut node, 2, output.as_bytes());
        field(&mut node, 4, op.as_bytes());
        field(&mut graph, 1, &node);
    }
    for (name, values) in shapes {
        let mut tensor = Vec::new();
        number(&mut tensor, 1, values.len() as u64);
        number(&mut tensor, 2, 7);
        field(&mut tensor, 8, name.as_bytes());
        let raw: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        field(&mut tensor, 9, &raw);
        field(&mut graph, 5, &tensor);
    }
    for (place, name, sides) in [(11, "x", &[1, 1, 12, 12][..]), (12, "y", &[1, 8])] {
        let mut shape = Vec::new();
        for side in sides {
            let mut dim = Vec::new();
            number(&mut dim, 1, *side);
            field(&mut shape, 1, &dim);
        }
        let mut tensor = Vec::new();
        number(&mut tensor, 1, 1);
        field(&mut tensor, 2, &shape);
        let mut kind = Vec::new();
        field(&mut kind, 1, &tensor);
        let mut info = Vec::new();
        field(&mut info, 1, name.as_bytes());
        field(&mut info, 2, &kind);
        field(&mut graph, place, &info);
    }
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    field(&mut model, 7, &graph);
    let mut opset = Vec::new();
    number(&mut opset, 2, 17);
    field(&mut model, 8, &opset);
    model
}

/// As much of protocol buffers as [`graph`] writes.
mod prost_free {
    fn varint(bytes: &mut Vec<u8>, mut value: u64) {
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
    }

    pub fn number(bytes: &mut Vec<u8>, field: u64, value: u64) {
        varint(bytes, field << 3);
        varint(bytes, value);
    }

    pub fn field(bytes: &mut Vec<u8>, field: u64, content: &[u8]) {
        varint(bytes, field << 3 | 2);
        varint(bytes, content.len() as u64);
        bytes.extend_from_slice(content);
    }
}

#[test]
fn files_that_ask_for_too_much_are_refused_before_they_get_it() {
    let refused = |nodes: &[(&str, &[&str], &str)], shapes: &[(&str, &[i64])], words: &str| {
        let file = graph(nodes, shapes);
        let error = load(&file, None, "net.onnx", &Settings::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(words), "{error}, not {words}");
    };
    let huge: (&str, &[i64]) = ("shape", &[1 << 20, 1 << 20]);
    refused(&[("Loop", &["x"], "y")], &[], "a loop or a branch (“Loop”)");
    refused(&[("FooBar", &["x"], "y")], &[], "the operator “FooBar”");
    refused(
        &[("ConstantOfShape", &["shape"], "y")],
        &[huge],
        "too large to run live",
    );
    refused(
        &[("Expand", &["x", "shape"], "y")],
        &[huge],
        "too large to run live",
    );
    refused(
        &[("Relu", &["z"], "y")],
        &[],
        "uses “z”, which it does not have",
    );
    refused(
        &[("Relu", &["x"], "y")],
        &[],
        "not a classifier of faces: its output has 144",
    );
    let many = vec![("Relu", &["x"][..], "y"); 20_001];
    refused(&many, &[], "20001 operations");
}
