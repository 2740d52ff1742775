//! Every architecture against PyTorch 2.15 and torchvision 0.29: in inference, in training, and its first gradient. This
//! script prints the expected values:
//!
//! ```python
//! import numpy as np, torch, torchvision
//! from torch import nn
//!
//! def noise(name, *shape):  # Uniform in -1 to 1.
//!     seed = 2166136261
//!     for byte in name.encode(): seed = (seed ^ byte) * 16777619 % 2**32  # FNV-1a
//!     h = (np.arange(np.prod(shape), dtype=np.uint64) * 2654435761 + seed) % 2**32
//!     h = (h ^ h >> 15) * 2246822519 % 2**32
//!     h = (h ^ h >> 13) * 3266489917 % 2**32
//!     return torch.tensor(((h >> 8).astype(np.float64) / 2**23 - 1).astype(np.float32).reshape(shape))
//!
//! class CustomCnn(nn.Module):
//!     def __init__(self, c, hidden):
//!         super().__init__()
//!         for i, (c_in, c_out) in enumerate(zip([1] + c, c), 1):
//!             setattr(self, f"conv{i}", nn.Conv2d(c_in, c_out, 3, padding=1))
//!             setattr(self, f"bn{i}", nn.BatchNorm2d(c_out))
//!         self.fc1, self.fc2 = nn.Linear(c[2] * 36, hidden), nn.Linear(hidden, 7)
//!     def forward(self, xs):
//!         for i in (1, 2, 3):
//!             conv, bn = getattr(self, f"conv{i}"), getattr(self, f"bn{i}")
//!             xs = nn.functional.max_pool2d(bn(conv(xs).relu()), 2)
//!         return self.fc2(self.fc1(xs.flatten(1)))
//!
//! class VggFocal(nn.Module):
//!     def __init__(self, c, hidden):
//!         super().__init__()
//!         for i, (c_in, c_out) in enumerate(zip([1] + c, c), 1):
//!             self.add_module(f"block{i}", nn.ModuleDict({
//!                 "conv1": nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), "bn1": nn.BatchNorm2d(c_out),
//!                 "conv2": nn.Conv2d(c_out, c_out, 3, padding=1, bias=False), "bn2": nn.BatchNorm2d(c_out)}))
//!         self.fc1, self.bn1 = nn.Linear(c[3] * 9, hidden[0]), nn.BatchNorm1d(hidden[0])
//!         self.fc2, self.bn2 = nn.Linear(*hidden), nn.BatchNorm1d(hidden[1])
//!         self.fc3 = nn.Linear(hidden[1], 7)
//!     def forward(self, xs):
//!         for i in (1, 2, 3, 4):
//!             m = getattr(self, f"block{i}")
//!             xs = m["bn2"](m["conv2"](m["bn1"](m["conv1"](xs)).relu())).relu()
//!             xs = nn.functional.max_pool2d(xs, 2)
//!         xs = self.bn1(self.fc1(xs.flatten(1))).relu()
//!         return self.fc3(self.bn2(self.fc2(xs)).relu())
//!
//! def head(n_in, *hidden):  # Dropout has no weights and no effect here, but a number in the names.
//!     layers = []
//!     for n_out in hidden: layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(0)]; n_in = n_out
//!     return nn.Sequential(*layers, nn.Linear(n_in, 7))
//!
//! def zoo(name, *hidden):
//!     if name.startswith("vgg"):
//!         net = getattr(torchvision.models, name)()
//!         net.avgpool = nn.AdaptiveAvgPool2d(2); net.classifier = head(512 * 4, *hidden)
//!     elif name.startswith("resnet"):
//!         net = getattr(torchvision.models, name)(); net.fc = head(net.fc.in_features, *hidden) if hidden else nn.Linear(net.fc.in_features, 7)
//!     else:
//!         net = getattr(torchvision.models, name)(); net.classifier = head(1024, *hidden) if hidden else nn.Linear(1024, 7)
//!     return net
//!
//! NETS = {
//!     "custom-cnn": lambda: CustomCnn([3, 4, 5], 6), "vgg-focal": lambda: VggFocal([3, 4, 5, 6], [8, 6]),
//!     "resnet18": lambda: zoo("resnet18", 6), "resnet50": lambda: zoo("resnet50"),
//!     "vgg16": lambda: zoo("vgg16", 6), "vgg19": lambda: zoo("vgg19", 6, 5), "densenet121": lambda: zoo("densenet121"),
//! }
//! for name, make in NETS.items():
//!     net, side = make(), 48
//!     for key, value in net.state_dict().items():
//!         if value.dtype != torch.float32: continue
//!         u = noise(key, *value.shape)
//!         if value.dim() > 1: u = u * np.float32((6 / value[0].numel()) ** 0.5)
//!         elif key.endswith("running_var"): u = 1 + 0.5 * u
//!         elif key.endswith("weight"): u = 1 + 0.3 * u
//!         else: u = 0.2 * u
//!         value.copy_(u)
//!     net, gray = net.double(), noise("images", 4, 1, side, side).double()
//!     xs = gray if name in ("custom-cnn", "vgg-focal") else gray.repeat(1, 3, 1, 1)
//!     finished = net.eval()(xs)[0]
//!     trained = net.train()(xs)
//!     (trained * noise("seen", 4, 7)).sum().backward()
//!     first = next(net.parameters())
//!     running = [value for key, value in net.state_dict().items() if key.endswith("running_var")]
//!     f = lambda t: ["%.5g" % v for v in t.flatten().tolist()]
//!     print(name, "finished", f(finished)); print(name, "trained", f(trained[0]))
//!     print(name, "gradient", f(first.grad.flatten()[:3]), f(first.grad.norm()), "running", [f(v[:2]) for v in running[:1]])
//! ```
//!
//! The weights here come from the same formula, under the same names.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::{VarBuilder, VarMap};
use fervis::model::{
    Precision,
    net::{Architecture, CustomCnnConfig, HeadConfig, VggConfig, VggFocalConfig},
    preprocess::InputSpec,
};

const N_IMAGES: usize = 4;
const N_CLASSES: usize = 7;

/// Of logits and running estimates, relative to the largest.
const TOLERANCE: f32 = 1e-3;
/// Of gradients, relative to their norm. In f32 a few values on the other side of ReLU's threshold than in f64 are enough to
/// change the gradient of fifty layers by 0.3 %.
const GRADIENT_TOLERANCE: f32 = 5e-3;

/// What the script prints for one network.
struct Golden {
    architecture: Architecture,
    /// Logits of the first image in inference.
    finished: [f32; N_CLASSES],
    /// The same by the batch's statistics.
    trained: [f32; N_CLASSES],
    first_weight: &'static str,
    /// The first three values of its gradient.
    gradient: [f32; 3],
    gradient_norm: f32,
    /// The first running variance, after one step: its name and first two values.
    running: Option<(&'static str, [f32; 2])>,
}

/// The script's noise: uniform in -1 to 1.
fn noise(name: &str, shape: &[usize]) -> Tensor {
    let seed = name.bytes().fold(2_166_136_261, |seed: u32, byte| {
        (seed ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    let values: Vec<f32> = (0..shape.iter().product::<usize>() as u32)
        .map(|index| {
            let hash = index.wrapping_mul(2_654_435_761).wrapping_add(seed);
            let hash = (hash ^ hash >> 15).wrapping_mul(2_246_822_519);
            let hash = (hash ^ hash >> 13).wrapping_mul(3_266_489_917);
            (f64::from(hash >> 8) / f64::from(1 << 23) - 1.0) as f32
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The script's value of a weight.
fn weight(name: &str, shape: &[usize]) -> Tensor {
    let noise = noise(name, shape);
    let (factor, offset) = if shape.len() > 1 {
        let fan_in: usize = shape[1..].iter().product();
        ((6.0 / fan_in as f64).sqrt(), 0.0)
    } else if name.ends_with("running_var") {
        (0.5, 1.0)
    } else if name.ends_with("weight") {
        (0.3, 1.0)
    } else {
        (0.2, 0.0)
    };
    noise.affine(factor, offset).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{what}: {found} instead of {expected}"
        );
    }
}

fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(1.0, |largest, value| value.abs().max(largest))
}

fn check(golden: &Golden) {
    let input = InputSpec::FER_2013;
    let name = golden.architecture.name();
    let description = serde_json::to_value(&golden.architecture).unwrap();
    assert_eq!(description["architecture"], name, "the name in checkpoints");
    let declared = golden.architecture.weight_shapes(&input, N_CLASSES);
    let weights: HashMap<String, Tensor> = declared
        .iter()
        .map(|(name, shape)| (name.clone(), weight(name, shape)))
        .collect();
    let images = noise("images", &[N_IMAGES, 1, input.height, input.width]);

    let finished = golden
        .architecture
        .inference(&input, N_CLASSES, &weights, &Device::Cpu);
    let logits = finished.unwrap().forward(&images).unwrap();
    assert_eq!(logits.dims(), [N_IMAGES, N_CLASSES]);
    assert_close(
        &format!("{name}, finished"),
        &values(&logits.get(0).unwrap()),
        &golden.finished,
        TOLERANCE * largest(&golden.finished),
    );

    let vars = VarMap::new();
    let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
    let network = golden
        .architecture
        .trainable(&input, N_CLASSES, Precision::F32, &vb)
        .unwrap();
    let vars = vars.data().lock().unwrap();
    assert_eq!(vars.len(), declared.len(), "{name}");
    for (name, var) in vars.iter() {
        assert_eq!(var.shape(), weights[name].shape(), "{name}");
        var.set(&weights[name]).unwrap();
    }
    let mut keep_all = |shape: &[usize], _: f32| Tensor::ones(shape, DType::F32, &Device::Cpu);
    let logits = network.forward_train(&images, &mut keep_all).unwrap();
    assert_close(
        &format!("{name}, in training"),
        &values(&logits.get(0).unwrap()),
        &golden.trained,
        TOLERANCE * largest(&golden.trained),
    );
    if let Some((running, expected)) = golden.running {
        let found = values(vars[running].as_tensor());
        assert_close(
            &format!("{name}, {running}"),
            &found[..2],
            &expected,
            TOLERANCE,
        );
    }

    let seen = noise("seen", &[N_IMAGES, N_CLASSES]);
    let loss = (logits * seen).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    for (weight, var) in vars.iter().filter(|(name, _)| !name.contains("running")) {
        assert!(grads.get(var).is_some(), "{name}: {weight} has no gradient");
    }
    let gradient = values(grads.get(&vars[golden.first_weight]).unwrap());
    let norm = gradient
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt();
    let what = format!("{name}, gradient");
    let tolerance = GRADIENT_TOLERANCE * golden.gradient_norm;
    assert_close(&what, &gradient[..3], &golden.gradient, tolerance);
    assert_close(&what, &[norm], &[golden.gradient_norm], tolerance);
}

#[test]
fn custom_cnn_agrees_with_pytorch() {
    check(&Golden {
        architecture: Architecture::CustomCnn(CustomCnnConfig {
            channels: [3, 4, 5],
            hidden: 6,
            ..CustomCnnConfig::default()
        }),
        finished: [-1.1579, 0.62648, -3.4751, -2.2668, -4.5493, 0.6804, -1.1053],
        trained: [1.9354, -2.337, -2.51, -2.3138, 0.32858, 1.2462, 1.0092],
        first_weight: "conv1.weight",
        gradient: [-3.1242, -12.331, 6.3528],
        gradient_norm: 63.774,
        running: Some(("bn1.running_var", [1.1698, 1.2957])),
    });
}

#[test]
fn vgg_focal_agrees_with_pytorch() {
    check(&Golden {
        architecture: Architecture::VggFocal(VggFocalConfig {
            channels: [3, 4, 5, 6],
            hidden: [8, 6],
            ..VggFocalConfig::default()
        }),
        finished: [0.77955, -1.8718, -2.0492, 2.3217, 3.7733, -2.2185, 1.3091],
        trained: [
            -0.66816, -0.39466, 0.21352, 0.051199, 0.52231, -1.2779, -0.15277,
        ],
        first_weight: "block1.conv1.weight",
        gradient: [-8.7697, -7.5345, -9.1142],
        gradient_norm: 61.142,
        running: Some(("block1.bn1.running_var", [1.3703, 1.3868])),
    });
}

fn head(hidden: &[usize]) -> HeadConfig {
    HeadConfig {
        hidden: hidden.to_vec(),
        dropout: 0.0,
    }
}

fn vgg(hidden: &[usize]) -> VggConfig {
    VggConfig {
        pooled_side: 2,
        head: head(hidden),
    }
}

#[test]
fn resnet18_agrees_with_torchvision() {
    check(&Golden {
        architecture: Architecture::Resnet18(head(&[6])),
        finished: [-5.4444, 35.039, -4.8308, 11.138, 15.351, 19.676, 17.95],
        trained: [1.1861, 1.1992, -0.34873, -2.1402, 1.8458, -0.18239, 0.991],
        first_weight: "conv1.weight",
        gradient: [-0.40208, 2.0007, -2.5046],
        gradient_norm: 157.06,
        running: Some(("bn1.running_var", [1.1972, 1.3452])),
    });
}

#[test]
fn resnet50_agrees_with_torchvision() {
    check(&Golden {
        architecture: Architecture::Resnet50(head(&[])),
        finished: [605.77, 914.2, -852.09, -878.2, -1412.5, -1019.3, 738.61],
        trained: [1.6925, -1.1543, -2.6927, 0.15352, -3.5111, -1.3993, 0.11722],
        first_weight: "conv1.weight",
        gradient: [28.166, -87.848, -8.9744],
        gradient_norm: 4948.4,
        running: Some(("bn1.running_var", [1.1972, 1.3452])),
    });
}

#[test]
fn vgg16_agrees_with_torchvision() {
    let logits = [1.2823, -1.1268, 0.27, -1.0525, 1.9869, 0.9968, 1.4678];
    check(&Golden {
        architecture: Architecture::Vgg16(vgg(&[6])),
        finished: logits,
        trained: logits,
        first_weight: "features.0.weight",
        gradient: [0.058522, -0.081632, 0.29128],
        gradient_norm: 12.58,
        running: None,
    });
}

#[test]
fn vgg19_agrees_with_torchvision() {
    let logits = [
        -1.8899, 0.12657, -0.62097, -0.0050974, 0.83654, -0.038167, 0.34233,
    ];
    check(&Golden {
        architecture: Architecture::Vgg19(vgg(&[6, 5])),
        finished: logits,
        trained: logits,
        first_weight: "features.0.weight",
        gradient: [-0.25585, -0.050514, -0.371],
        gradient_norm: 5.4848,
        running: None,
    });
}

#[test]
fn densenet121_agrees_with_torchvision() {
    check(&Golden {
        architecture: Architecture::Densenet121(head(&[])),
        finished: [
            -0.68542, -0.19995, -3.2751, -1.7486, 0.051221, 1.0375, -1.4771,
        ],
        trained: [-0.37992, 0.459, -1.0211, -1.0228, 1.1958, 1.0334, 0.1126],
        first_weight: "features.conv0.weight",
        gradient: [-15.984, 30.608, -58.631],
        gradient_norm: 4725.5,
        running: Some(("features.norm0.running_var", [0.79834, 0.75514])),
    });
}
