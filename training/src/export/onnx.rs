//! A network as an ONNX file.
//!
//! The input is `input`, normalized luma `(batch, 1, height, width)`, and the output `logits`, `(batch, labels)`, before the
//! temperature. The file's metadata says what a program must know about both: `fervis` is the description of the
//! checkpoint, `labels` and `input` are the parts of it that every user needs.

use anyhow::{Result, ensure};
use candle_core::{Device, Tensor};
use fervis::model::{
    checkpoint::Checkpoint,
    net::graph::{Node, Op},
};
use serde_json::json;

use super::{bytes_of, protobuf::Message, weight};

/// The version of the file format (`IR_VERSION`), and of the operations. Both are of 2022: every runtime in use has them.
const IR_VERSION: i64 = 8;
const OPSET_VERSION: i64 = 17;

/// Protocol buffers hold no more.
const MAX_BYTES: usize = i32::MAX as usize;

/// `TensorProto.DataType`.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// The file of a network.
///
/// # Errors
/// If a weight is missing, or the file would be larger than ONNX allows.
pub fn to_bytes(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let metadata = &checkpoint.metadata;
    let (input, n_labels) = (&metadata.input, metadata.labels.len());
    let graph = metadata.architecture.graph(input, n_labels);
    let mut writer = Writer {
        checkpoint,
        nodes: Vec::new(),
        initializers: Vec::new(),
        n_values: 1,
        names: vec!["input".to_owned()],
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        let is_last = index + 1 == graph.nodes.len();
        writer.node(node, is_last)?;
    }
    let image =
        ["batch", "", "", ""]
            .into_iter()
            .zip([0, input.channels, input.height, input.width]);
    let rows = ["batch", ""].into_iter().zip([0, n_labels]);
    // GraphProto: 1 node, 2 name, 5 initializer, 11 input, 12 output.
    let graph = Message::default()
        .messages(1, writer.nodes)
        .bytes(2, &metadata.name)
        .messages(5, writer.initializers)
        .bytes(11, value_info("input", image))
        .bytes(12, value_info("logits", rows));
    let n_bytes = graph.as_ref().len();
    ensure!(
        n_bytes < MAX_BYTES - (1 << 20),
        "an ONNX file holds up to 2 GB, and this network has {} GB of weights; export it with --format torch",
        n_bytes >> 30
    );
    let properties = [
        ("fervis", serde_json::to_string(metadata)?),
        ("labels", metadata.labels.join(", ")),
        ("input", input_in_words(checkpoint)),
        ("license", metadata.license.clone()),
    ];
    // StringStringEntryProto: 1 key, 2 value.
    let properties = properties
        .into_iter()
        .map(|(key, value)| Message::default().bytes(1, key).bytes(2, value));
    // ModelProto: 1 ir_version, 2 producer_name, 3 producer_version, 7 graph, 8 opset_import (2 version), 14
    // metadata_props.
    let model = Message::default()
        .int(1, IR_VERSION)
        .bytes(2, "fervis-train")
        .bytes(3, env!("CARGO_PKG_VERSION"))
        .bytes(7, graph)
        .bytes(8, Message::default().int(2, OPSET_VERSION))
        .messages(14, properties);
    Ok(model.into_bytes())
}

/// What the network takes, for people.
fn input_in_words(checkpoint: &Checkpoint) -> String {
    let input = &checkpoint.metadata.input;
    let (crop, filter) = (&input.crop, json!(input.resize_filter));
    format!(
        "luma (ITU-R BT.601, 0 to 255) of the face, a square of {} times the longer side of its box, {} sides below the \
         box's center, resized to {}×{} ({}); then (luma / 255 - {}) / {}. Divide the logits by {} before softmax.",
        crop.scale,
        crop.shift_y,
        input.width,
        input.height,
        filter.as_str().unwrap_or_default(),
        input.mean,
        input.std,
        checkpoint.metadata.temperature
    )
}

/// `ValueInfoProto` of f32: each side of the shape is its name or, if that is empty, its length.
fn value_info<'a>(name: &str, shape: impl Iterator<Item = (&'a str, usize)>) -> Message {
    // TensorShapeProto.Dimension: 1 dim_value, 2 dim_param.
    let sides = shape.map(|(name, len)| match name {
        "" => Message::default().int(1, len as i64),
        name => Message::default().bytes(2, name),
    });
    let shape = Message::default().messages(1, sides);
    // TypeProto.Tensor: 1 elem_type, 2 shape; TypeProto: 1 tensor_type; ValueInfoProto: 1 name, 2 type.
    let tensor = Message::default().int(1, FLOAT).bytes(2, shape);
    Message::default()
        .bytes(1, name)
        .bytes(2, Message::default().bytes(1, tensor))
}

/// A setting of an operation.
enum Setting {
    Int(i64),
    Float(f32),
    Ints(Vec<usize>),
}

/// Nodes and weights that are already written.
struct Writer<'a> {
    checkpoint: &'a Checkpoint,
    nodes: Vec<Message>,
    initializers: Vec<Message>,
    n_values: usize,
    /// The ONNX name of each value of the graph.
    names: Vec<String>,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node, is_last: bool) -> Result<()> {
        let inputs: Vec<String> = node
            .inputs
            .iter()
            .map(|number| self.names[*number].clone())
            .collect();
        let output = match &node.op {
            Op::Conv {
                name,
                kernel,
                stride,
                bias,
                gray,
                ..
            } => {
                let kernels = weight(self.checkpoint, &format!("{name}.weight"))?;
                // One channel that counts as several equal ones.
                let kernels = if *gray {
                    kernels.sum_keepdim(1)?
                } else {
                    kernels
                };
                let mut inputs = inputs;
                inputs.push(self.tensor(&format!("{name}.weight"), &kernels)?);
                if *bias {
                    inputs.push(self.stored(name, "bias")?);
                }
                let settings = [
                    ("kernel_shape", Setting::Ints(vec![*kernel; 2])),
                    ("pads", Setting::Ints(vec![*kernel / 2; 4])),
                    ("strides", Setting::Ints(vec![*stride; 2])),
                ];
                self.push("Conv", &inputs, &settings)
            }
            Op::BatchNorm { name, epsilon, .. } => {
                let mut inputs = inputs;
                for part in ["weight", "bias", "running_mean", "running_var"] {
                    inputs.push(self.stored(name, part)?);
                }
                let epsilon = [("epsilon", Setting::Float(*epsilon))];
                self.push("BatchNormalization", &inputs, &epsilon)
            }
            Op::Linear { name, .. } => {
                let mut inputs = inputs;
                inputs.push(self.stored(name, "weight")?);
                inputs.push(self.stored(name, "bias")?);
                self.push("Gemm", &inputs, &[("transB", Setting::Int(1))])
            }
            Op::Relu => self.push("Relu", &inputs, &[]),
            Op::Sigmoid => self.push("Sigmoid", &inputs, &[]),
            // Nothing is dropped in inference.
            Op::Dropout(_) | Op::Dropout2d(_) => inputs[0].clone(),
            Op::Flatten => self.push("Flatten", &inputs, &[]),
            Op::Mean => {
                let means = self.push("GlobalAveragePool", &inputs, &[]);
                self.push("Flatten", &[means], &[])
            }
            Op::AdaptiveAvgPool {
                side,
                height,
                width,
            } => self.adaptive_avg_pool(&inputs[0], *side, *height, *width)?,
            Op::AvgPool { side } => {
                let side = vec![*side; 2];
                let settings = [
                    ("kernel_shape", Setting::Ints(side.clone())),
                    ("strides", Setting::Ints(side)),
                ];
                self.push("AveragePool", &inputs, &settings)
            }
            Op::MaxPool {
                side,
                stride,
                padding,
            } => {
                let settings = [
                    ("kernel_shape", Setting::Ints(vec![*side; 2])),
                    ("pads", Setting::Ints(vec![*padding; 4])),
                    ("strides", Setting::Ints(vec![*stride; 2])),
                ];
                self.push("MaxPool", &inputs, &settings)
            }
            Op::Add => self.push("Add", &inputs, &[]),
            Op::Concat => self.push("Concat", &inputs, &[("axis", Setting::Int(1))]),
            Op::Scale => {
                let axes = self.image_axes();
                let factors = self.push("Unsqueeze", &[inputs[1].clone(), axes], &[]);
                self.push("Mul", &[inputs[0].clone(), factors], &[])
            }
        };
        if is_last {
            self.push_named("Identity", &[output], "logits", &[]);
            self.names.push("logits".to_owned());
        } else {
            self.names.push(output);
        }
        Ok(())
    }

    /// ONNX has no such pooling, but it is linear: one matrix for the rows and one for the columns.
    fn adaptive_avg_pool(
        &mut self,
        input: &str,
        side: usize,
        height: usize,
        width: usize,
    ) -> Result<String> {
        if (height, width) == (side, side) {
            return Ok(input.to_owned());
        }
        let means = |len: usize| -> Result<Tensor> {
            let mut matrix = vec![0.0f32; side * len];
            for area in 0..side {
                let (start, end) = (area * len / side, ((area + 1) * len).div_ceil(side));
                matrix[area * len..][start..end].fill(1.0 / (end - start) as f32);
            }
            Ok(Tensor::from_vec(matrix, (side, len), &Device::Cpu)?)
        };
        let rows = self.tensor(&format!("rows_of_{input}"), &means(height)?)?;
        let columns = means(width)?.t()?.contiguous()?;
        let columns = self.tensor(&format!("columns_of_{input}"), &columns)?;
        let fewer_rows = self.push("MatMul", &[rows, input.to_owned()], &[]);
        Ok(self.push("MatMul", &[fewer_rows, columns], &[]))
    }

    /// The axes of rows and columns, as a tensor; there is one for the whole file.
    fn image_axes(&mut self) -> String {
        let name = "image_axes";
        let axes: Vec<u8> = [2i64, 3]
            .iter()
            .flat_map(|axis| axis.to_le_bytes())
            .collect();
        let tensor = tensor_proto(name, &[2], INT64, &axes);
        if !self.initializers.contains(&tensor) {
            self.initializers.push(tensor);
        }
        name.to_owned()
    }

    /// A weight as the checkpoint has it.
    fn stored(&mut self, name: &str, part: &str) -> Result<String> {
        let name = format!("{name}.{part}");
        let tensor = weight(self.checkpoint, &name)?;
        self.tensor(&name, &tensor)
    }

    fn tensor(&mut self, name: &str, tensor: &Tensor) -> Result<String> {
        let proto = tensor_proto(name, tensor.dims(), FLOAT, &bytes_of(tensor)?);
        self.initializers.push(proto);
        Ok(name.to_owned())
    }

    /// Adds a node, and returns the name of what it makes.
    fn push(&mut self, op: &str, inputs: &[String], settings: &[(&str, Setting)]) -> String {
        let output = format!("{}_{}", op.to_lowercase(), self.n_values);
        self.push_named(op, inputs, &output, settings);
        output
    }

    fn push_named(
        &mut self,
        op: &str,
        inputs: &[String],
        output: &str,
        settings: &[(&str, Setting)],
    ) {
        self.n_values += 1;
        // AttributeProto: 1 name, 2 f, 3 i, 8 ints, 20 type (1 float, 2 int, 7 ints).
        let attribute = |(name, value): &(&str, Setting)| {
            let named = Message::default().bytes(1, name);
            match value {
                Setting::Float(value) => named.float(2, *value).int(20, 1),
                Setting::Int(value) => named.int(3, *value).int(20, 2),
                Setting::Ints(values) => named.ints(8, values.iter().copied()).int(20, 7),
            }
        };
        // NodeProto: 1 input, 2 output, 3 name, 4 op_type, 5 attribute.
        let node = inputs
            .iter()
            .fold(Message::default(), |node, input| node.bytes(1, input))
            .bytes(2, output)
            .bytes(3, output)
            .bytes(4, op)
            .messages(5, settings.iter().map(attribute));
        self.nodes.push(node);
    }
}

/// `TensorProto`: 1 dims, 2 data_type, 8 name, 9 raw_data.
fn tensor_proto(name: &str, shape: &[usize], data_type: i64, bytes: &[u8]) -> Message {
    Message::default()
        .ints(1, shape.iter().copied())
        .int(2, data_type)
        .bytes(8, name)
        .bytes(9, bytes)
}
