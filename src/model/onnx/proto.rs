//! What an ONNX file says about itself.

use std::collections::HashMap;

use tract_onnx::{
    pb::{
        ModelProto, NodeProto, TensorProto, ValueInfoProto, attribute_proto::AttributeType,
        tensor_proto::DataType, tensor_shape_proto::dimension, type_proto,
    },
    prelude::Framework,
};

use super::{Color, InputSpec, Order, PerChannel, Settings};
use crate::{model::import::labels::names_in_metadata, panics};

/// The key of the description that `fervis-train export` writes, as in checkpoints.
const DESCRIPTION: &str = "fervis";

/// A decoded file.
pub struct OnnxFile {
    /// The message.
    pub proto: ModelProto,
    /// What its metadata says.
    pub stated: Settings,
    /// The input and the threshold for “uncertain”, if `fervis-train export` wrote it.
    pub input: Option<InputSpec>,
    pub uncertain_below: f32,
    /// Number of its weights.
    pub n_parameters: usize,
    /// The shape of its input; `None` for sides that it leaves open.
    dims: [Option<usize>; 4],
}

/// The input of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputSize {
    /// As the network takes it, for one face.
    pub shape: [usize; 4],
    pub channels: usize,
    pub width: usize,
    pub height: usize,
    /// Whether the channels are the last axis, as Keras has them.
    pub channels_last: bool,
}

impl OnnxFile {
    /// Decodes the bytes of a file. The error is the end of a sentence.
    pub fn open(bytes: &[u8]) -> Result<Self, String> {
        let decoded = panics::catch(|| tract_onnx::onnx().proto_model_for_read(&mut &*bytes));
        let damaged = "it is damaged or cut off; get it again";
        let Some(Ok(proto)) = decoded else {
            return Err(damaged.to_owned());
        };
        let Some(graph) = &proto.graph else {
            return Err(damaged.to_owned());
        };
        let is_weight = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs: Vec<&ValueInfoProto> = graph
            .input
            .iter()
            .filter(|input| !is_weight(&input.name))
            .collect();
        let [input] = inputs[..] else {
            return Err(format!(
                "it has {} inputs; fervis runs networks that take one image",
                inputs.len()
            ));
        };
        let dims = dims(input)?;
        let volume = |tensor: &TensorProto| {
            let sides = tensor.dims.iter().map(|side| (*side).max(0) as usize);
            sides.fold(1, usize::saturating_mul)
        };
        let n_parameters = graph
            .initializer
            .iter()
            .map(volume)
            .fold(0, usize::saturating_add);
        let properties = proto.metadata_props.iter();
        let properties: HashMap<String, String> = properties
            .map(|property| (property.key.clone(), property.value.clone()))
            .collect();
        let description = properties.get(DESCRIPTION);
        let described: Option<Described> =
            description.and_then(|text| serde_json::from_str(text).ok());
        let described = described.filter(|described| described.settings().check().is_ok());
        Ok(Self {
            stated: match &described {
                Some(described) => described.settings(),
                None => stated(&properties),
            },
            input: described.as_ref().map(|described| described.input),
            uncertain_below: described.map_or(0.0, |described| described.uncertain_below),
            n_parameters,
            dims,
            proto,
        })
    }

    /// The operations of the graph.
    pub fn nodes(&self) -> &[NodeProto] {
        self.proto.graph.as_ref().map_or(&[], |graph| &graph.node)
    }

    /// The products of the values of all tensors of whole numbers that may be shapes: those of up to `max_rank` values.
    pub fn shape_volumes(&self, max_rank: usize) -> impl Iterator<Item = u64> + '_ {
        let graph = self.proto.graph.iter();
        let weights = graph.flat_map(|graph| &graph.initializer);
        let attributes = self.nodes().iter().flat_map(|node| &node.attribute);
        let constants = attributes
            .clone()
            .filter(|attribute| attribute.r#type == AttributeType::Tensor as i32)
            .filter_map(|attribute| attribute.t.as_ref());
        let tensors = weights.chain(constants).map(whole_numbers);
        let lists = attributes.map(|attribute| attribute.ints.clone());
        let product = |numbers: Vec<i64>| {
            let sizes = numbers
                .iter()
                .filter(|size| **size != 0)
                .map(|size| size.unsigned_abs());
            sizes.fold(1, u64::saturating_mul)
        };
        tensors
            .chain(lists)
            .filter(move |numbers| numbers.len() <= max_rank)
            .map(product)
    }

    /// The size of the input, where `said` decides what the file leaves open. The error is the end of a sentence.
    pub fn input_size(&self, said: &Settings) -> Result<InputSize, String> {
        let [_, second, third, fourth] = self.dims;
        let is_channels = |side: Option<usize>| matches!(side, Some(1 | 3));
        let channels_last = !is_channels(second) && is_channels(fourth);
        let (channels, height, width) = if channels_last {
            (fourth, second, third)
        } else {
            (second, third, fourth)
        };
        let channels = channels.unwrap_or(match said.color {
            Some(Color::Gray) | None => 1,
            Some(_) => 3,
        });
        if ![1, 3].contains(&channels) {
            return Err(format!(
                "it takes {channels} channels; fervis gives networks one (gray) or three (color)"
            ));
        }
        let side = |what: &str, stated: Option<usize>, said: Option<usize>| match (stated, said) {
            (Some(stated), Some(said)) if stated != said => Err(format!(
                "its input has a {what} of {stated} px, but {said} was given"
            )),
            (Some(side), _) | (None, Some(side)) => Ok(side),
            (None, None) => Err(format!(
                "it leaves the {what} of its input open; say it in the file beside it or with --assume {what}=64"
            )),
        };
        let (height, width) = (
            side("height", height, said.height)?,
            side("width", width, said.width)?,
        );
        if !(1..=1024).contains(&height) || !(1..=1024).contains(&width) {
            return Err(format!("its input size {width}×{height} is out of range"));
        }
        let shape = if channels_last {
            [1, height, width, channels]
        } else {
            [1, channels, height, width]
        };
        Ok(InputSize {
            shape,
            channels,
            width,
            height,
            channels_last,
        })
    }
}

/// The four sides of an input of f32. The error is the end of a sentence.
fn dims(input: &ValueInfoProto) -> Result<[Option<usize>; 4], String> {
    let tensor = match input.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => tensor,
        None => return Err("it does not say what its input is".to_owned()),
    };
    if tensor.elem_type != DataType::Float as i32 {
        return Err(
            "its input is not of 32-bit floating point; export it with float32 inputs".to_owned(),
        );
    }
    let sides = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
    let sides: Vec<Option<usize>> = sides
        .iter()
        .map(|side| match side.value {
            Some(dimension::Value::DimValue(side)) => usize::try_from(side).ok().filter(|s| *s > 0),
            _ => None,
        })
        .collect();
    let n_sides = sides.len();
    <[Option<usize>; 4]>::try_from(sides).map_err(|_| {
        format!(
            "its input has {n_sides} dimensions; an image has four: batch, channels, height, width"
        )
    })
}

/// The numbers of a tensor of 64-bit whole numbers; none of others.
fn whole_numbers(tensor: &TensorProto) -> Vec<i64> {
    if tensor.data_type != DataType::Int64 as i32 {
        return Vec::new();
    }
    let raw = tensor.raw_data.as_chunks::<8>().0.iter();
    let raw = raw.map(|bytes| i64::from_le_bytes(*bytes));
    tensor.int64_data.iter().copied().chain(raw).collect()
}

/// The part of a checkpoint's description that a network needs to run.
#[derive(serde::Deserialize)]
struct Described {
    labels: Vec<String>,
    input: InputSpec,
    temperature: f32,
    #[serde(default)]
    uncertain_below: f32,
}

impl Described {
    fn settings(&self) -> Settings {
        let Self {
            labels,
            input,
            temperature,
            ..
        } = self;
        Settings {
            labels: Some(Order::Names(labels.clone())),
            color: Some(Color::Gray),
            mean: Some(PerChannel::One(input.mean)),
            std: Some(PerChannel::One(input.std)),
            temperature: Some(*temperature),
            ..Settings::default()
        }
    }
}

/// What a file that we did not write says: names of the outputs under a usual key.
fn stated(properties: &HashMap<String, String>) -> Settings {
    // Ultralytics scales colors to 0 to 1 and does nothing else.
    let is_yolo = properties
        .get("author")
        .is_some_and(|author| author == "Ultralytics");
    Settings {
        labels: names_in_metadata(properties).map(Order::Names),
        mean: is_yolo.then_some(PerChannel::One(0.0)),
        std: is_yolo.then_some(PerChannel::One(1.0)),
        ..Settings::default()
    }
}
