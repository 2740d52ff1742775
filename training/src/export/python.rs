//! A network as a Python module that a person can read: its layers by name, and what they do in order.
//!
//! Values are held in the variables `x`, `y`, `z` … Each line takes the first one whose value is no longer needed, as a
//! person would.

use std::fmt::Write;

use fervis::model::{
    checkpoint::Checkpoint,
    net::graph::{Graph, Node, Op},
};
use serde_json::json;

/// The module. `weights` is the name of the file of weights beside it.
pub fn module(checkpoint: &Checkpoint, weights: &str) -> String {
    let metadata = &checkpoint.metadata;
    let graph = metadata
        .architecture
        .graph(&metadata.input, metadata.labels.len());
    let class = class_name(metadata.architecture.name());
    let input = &metadata.input;
    let filter = json!(input.resize_filter);
    format!(
        r#""""The network {name} in PyTorch, written by fervis-train export.

    network = load()
    logits = network(prepare(crop))
    probabilities = torch.softmax(logits / TEMPERATURE, 1)

`crop` is a face: a square of {scale} times the longer side of its box, {shift} sides below the box's center, as luma
(ITU-R BT.601, 0 to 255) of {width}×{height} pixels ({filter}). The logits are in the order of LABELS.
License of the weights: {license}
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

LABELS = {labels}
WIDTH, HEIGHT = {width}, {height}
MEAN, STD = {mean:?}, {std:?}
TEMPERATURE = {temperature:?}
WEIGHTS = Path(__file__).with_name({weights})


class {class}(nn.Module):
    """Images (b, {channels}, {height}, {width}) to logits (b, {n_labels})."""

    def __init__(self):
        super().__init__()
{layers}
    def forward(self, x):
{forward}

def prepare(luma):
    """Luma from 0 to 255, (HEIGHT, WIDTH) or (b, HEIGHT, WIDTH), as the network takes it."""
    luma = torch.as_tensor(luma, dtype=torch.float32).reshape(-1, 1, HEIGHT, WIDTH)
    return (luma / 255 - MEAN) / STD


def load(path=WEIGHTS):
    """The network with its weights, for inference."""
    network = {class}()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()
"#,
        name = metadata.name.replace(['\\', '"'], "_"),
        license = metadata.license.replace(['\\', '"'], "_"),
        scale = input.crop.scale,
        shift = input.crop.shift_y,
        width = input.width,
        height = input.height,
        channels = input.channels,
        filter = filter.as_str().unwrap_or_default(),
        labels = list(&metadata.labels),
        n_labels = metadata.labels.len(),
        mean = input.mean,
        std = input.std,
        temperature = metadata.temperature,
        weights = json!(weights),
        layers = layers(&graph),
        forward = forward(&graph),
    )
}

/// A list of strings. JSON's strings are Python's, too.
fn list(names: &[String]) -> String {
    let quoted = names.iter().map(|name| json!(name).to_string());
    format!("[{}]", quoted.collect::<Vec<_>>().join(", "))
}

/// `vgg-focal` to `VggFocal`.
fn class_name(architecture: &str) -> String {
    let words = architecture.split('-');
    words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}

/// The layers that have weights, by the parts of their names.
#[derive(Default)]
struct Modules {
    /// What a name stands for, in the order in which they first occur.
    parts: Vec<(String, Modules)>,
    /// The module's constructor, if it has weights itself.
    made: Option<String>,
}

impl Modules {
    fn insert(&mut self, name: &str, made: String) {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        let position = self.parts.iter().position(|(part, _)| part == first);
        let position = position.unwrap_or_else(|| {
            self.parts.push((first.to_owned(), Self::default()));
            self.parts.len() - 1
        });
        let inner = &mut self.parts[position].1;
        match rest {
            "" => inner.made = Some(made),
            rest => inner.insert(rest, made),
        }
    }

    /// The expression that makes the module.
    fn expression(&self, indent: usize) -> String {
        if let Some(made) = &self.made {
            return made.clone();
        }
        let mut text = "nn.ModuleDict({\n".to_owned();
        let outer = " ".repeat(indent);
        for (name, inner) in &self.parts {
            let inner = inner.expression(indent + 4);
            let _ = writeln!(text, "{outer}    \"{name}\": {inner},");
        }
        text + &outer + "})"
    }
}

/// The lines of `__init__`.
fn layers(graph: &Graph) -> String {
    let mut modules = Modules::default();
    for node in &graph.nodes {
        if let Some((name, made)) = constructor(&node.op) {
            modules.insert(name, made);
        }
    }
    let mut text = String::new();
    for (name, inner) in &modules.parts {
        let _ = writeln!(text, "        self.{name} = {}", inner.expression(8));
    }
    text
}

/// The name and the constructor of the module that an operation needs, if it has weights.
fn constructor(op: &Op) -> Option<(&str, String)> {
    Some(match op {
        Op::Conv {
            name,
            c_in,
            c_out,
            kernel,
            stride,
            bias,
            ..
        } => {
            let mut settings = String::new();
            if *stride != 1 {
                let _ = write!(settings, ", stride={stride}");
            }
            if *kernel > 1 {
                let _ = write!(settings, ", padding={}", kernel / 2);
            }
            if !bias {
                settings.push_str(", bias=False");
            }
            (
                name,
                format!("nn.Conv2d({c_in}, {c_out}, {kernel}{settings})"),
            )
        }
        Op::BatchNorm {
            name,
            channels,
            epsilon,
            of_image,
        } => {
            let sides = if *of_image { 2 } else { 1 };
            // As short as Rust writes it, Python reads the same number.
            (
                name,
                format!("nn.BatchNorm{sides}d({channels}, eps={epsilon:e})"),
            )
        }
        Op::Linear { name, n_in, n_out } => (name, format!("nn.Linear({n_in}, {n_out})")),
        _ => return None,
    })
}

/// How a module is called in `forward`: `self.features["0"]`.
fn access(name: &str) -> String {
    let parts = name.split('.').map(|part| {
        let is_number = part.starts_with(|first: char| first.is_ascii_digit());
        if is_number {
            format!("[\"{part}\"]")
        } else {
            format!(".{part}")
        }
    });
    format!("self{}", parts.collect::<String>())
}

/// The lines of `forward`.
fn forward(graph: &Graph) -> String {
    let n_values = graph.nodes.len() + 1;
    // The last node that reads each value; the result is read by the caller.
    let mut last_use = vec![0; n_values];
    for (index, node) in graph.nodes.iter().enumerate() {
        node.inputs
            .iter()
            .for_each(|input| last_use[*input] = index);
    }
    let is_read_once = |value: usize| {
        let inputs = graph.nodes.iter().flat_map(|node| &node.inputs);
        inputs.filter(|input| **input == value).count() == 1
    };
    let mut variables = Variables::default();
    let mut expressions = vec![String::new(); n_values];
    expressions[0] = variables.take();
    let mut text = String::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let inputs: Vec<&str> = node
            .inputs
            .iter()
            .map(|input| expressions[*input].as_str())
            .collect();
        let result = expression(node, &inputs);
        let value = index + 1;
        let goes_on = graph.nodes.get(value).is_some_and(|next| {
            next.inputs == [value]
                && is_read_once(value)
                && matches!(next.op, Op::BatchNorm { .. } | Op::Relu | Op::Sigmoid)
        });
        // What was read for the last time leaves its variable.
        for input in &node.inputs {
            if last_use[*input] == index {
                variables.release(&expressions[*input]);
            }
        }
        if goes_on {
            // The variable that the expression reads is free, but nothing else is assigned before the expression is.
            expressions[value] = result;
        } else {
            let variable = variables.take();
            let _ = writeln!(text, "        {variable} = {result}");
            expressions[value] = variable;
        }
    }
    let _ = writeln!(text, "        return {}", expressions[n_values - 1]);
    text
}

/// The variables `x`, `y` and so on, and whether each holds a value that is still needed.
#[derive(Default)]
struct Variables(Vec<bool>);

impl Variables {
    fn take(&mut self) -> String {
        let free = self.0.iter().position(|is_taken| !is_taken);
        let index = free.unwrap_or(self.0.len());
        if free.is_none() {
            self.0.push(true);
        }
        self.0[index] = true;
        Self::name(index)
    }

    fn release(&mut self, name: &str) {
        let index = (0..self.0.len()).find(|index| Self::name(*index) == name);
        index.into_iter().for_each(|index| self.0[index] = false);
    }

    fn name(index: usize) -> String {
        match ["x", "y", "z"].get(index) {
            Some(name) => (*name).to_owned(),
            None => format!("x{index}"),
        }
    }
}

/// What a node computes.
fn expression(node: &Node, inputs: &[&str]) -> String {
    let first = inputs[0];
    match &node.op {
        Op::Conv {
            name, c_in, gray, ..
        } => {
            let input = if *gray {
                format!("{first}.expand(-1, {c_in}, -1, -1)")
            } else {
                first.to_owned()
            };
            format!("{}({input})", access(name))
        }
        Op::BatchNorm { name, .. } | Op::Linear { name, .. } => {
            format!("{}({first})", access(name))
        }
        Op::Relu => format!("F.relu({first})"),
        Op::Sigmoid => format!("torch.sigmoid({first})"),
        Op::Dropout(rate) => format!("F.dropout({first}, {rate}, self.training)"),
        Op::Dropout2d(rate) => format!("F.dropout2d({first}, {rate}, self.training)"),
        Op::Flatten => format!("{first}.flatten(1)"),
        Op::Mean => format!("{first}.mean((2, 3))"),
        Op::AdaptiveAvgPool { side, .. } => format!("F.adaptive_avg_pool2d({first}, {side})"),
        Op::AvgPool { side } => format!("F.avg_pool2d({first}, {side})"),
        Op::MaxPool {
            side,
            stride,
            padding,
        } => match (stride == side, padding) {
            (true, 0) => format!("F.max_pool2d({first}, {side})"),
            _ => format!("F.max_pool2d({first}, {side}, stride={stride}, padding={padding})"),
        },
        Op::Add => format!("{first} + {}", inputs[1]),
        Op::Concat => format!("torch.cat(({first}, {}), 1)", inputs[1]),
        Op::Scale => format!("{first} * {}[:, :, None, None]", inputs[1]),
    }
}
