//! Inputs of the golden tests, and the script that made the vectors.
//!
//! In a folder with the wheel of mediapipe 0.10.21 (`assets/convert-face-networks.py` says how to get it) and `assets`:
//!
//! ```python
//! import io, zipfile
//! import numpy as np
//! from ai_edge_litert.interpreter import Interpreter
//! from PIL import Image
//!
//! WHEEL = zipfile.ZipFile("mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl")
//! FACE = np.asarray(Image.open("assets/faces/astronaut.png").convert("RGB")).astype(np.float32)
//!
//! def formula(side, low, high):
//!     i = np.arange(side * side * 3)
//!     return low + (high - low) * ((i * 7919 + i // 64 * 104729) % 1009) / 1008
//!
//! def run(file, inputs):
//!     net = Interpreter(model_content=WHEEL.read("mediapipe/modules/" + file))
//!     net.allocate_tensors()
//!     net.set_tensor(net.get_input_details()[0]["index"], inputs.reshape(net.get_input_details()[0]["shape"]).astype(np.float32))
//!     net.invoke()
//!     return [net.get_tensor(out["index"]).reshape(-1) for out in net.get_output_details()]
//!
//! def show(values):
//!     print(", ".join(f"{value:.4f}" for value in values))
//!
//! square = np.floor(FACE[0:256, 94:350].reshape(128, 2, 128, 2, 3).mean((1, 3)) + 0.5)
//! for inputs in [formula(128, -1, 1), square / 127.5 - 1]:
//!     numbers, logits = run("face_detection/face_detection_short_range.tflite", inputs)
//!     for anchor in range(0, 896, 81):
//!         show([logits[anchor], *numbers.reshape(896, 16)[anchor]])
//!     show([np.abs(numbers).mean(), np.abs(logits).mean()])
//! for inputs in [formula(192, 0, 1), FACE[24:216, 126:318] / 255]:
//!     points, flag = run("face_landmark/face_landmark.tflite", inputs)
//!     for point in range(0, 468, 39):
//!         show(points.reshape(468, 3)[point])
//!     show([np.abs(points).mean(), flag[0]])
//! ```
//!
//! with ai-edge-litert 2.3.0, numpy 2.4 and Pillow.

use std::path::Path;

use image::RgbImage;

/// A square of pseudo-random numbers.
pub(super) fn formula(side: usize, low: f32, high: f32) -> Vec<f32> {
    let numbers = (0..side * side * 3).map(|i| (i * 7919 + i / 64 * 104_729) % 1009);
    numbers
        .map(|number| low + (high - low) * number as f32 / 1008.0)
        .collect()
}

fn portrait_image() -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/faces/astronaut.png");
    image::open(path).unwrap().into_rgb8()
}

/// 192×192 pixels around the portrait's face, 0 to 1.
pub(super) fn portrait() -> Vec<f32> {
    let image = portrait_image();
    let pixels = (24..216).flat_map(|y| (126..318).map(move |x| (x, y)));
    pixels
        .flat_map(|(x, y)| image[(x, y)].0.map(|value| f32::from(value) / 255.0))
        .collect()
}

/// 256×256 pixels around it, reduced to 128×128, -1 to 1.
pub(super) fn portrait_half() -> Vec<f32> {
    let image = portrait_image();
    let pixels = (0..128).flat_map(|y| (0..128).map(move |x| (94 + 2 * x, 2 * y)));
    let mean = |(x, y)| -> [f32; 3] {
        let four = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].map(|at| image[at].0);
        std::array::from_fn(|color| {
            let sum: f32 = four.iter().map(|pixel| f32::from(pixel[color])).sum();
            ((sum + 2.0) / 4.0).floor() / 127.5 - 1.0
        })
    };
    pixels.flat_map(mean).collect()
}

/// The mean of absolute values.
pub(super) fn mean_size(values: &[f32]) -> f32 {
    values.iter().map(|value| value.abs()).sum::<f32>() / values.len() as f32
}

/// Fails if any two differ by more than a thousandth.
pub(super) fn assert_near(actual: &[f32], expected: &[f32]) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        assert!(
            (actual - expected).abs() < 1e-3,
            "{actual} against {expected}"
        );
    }
}
