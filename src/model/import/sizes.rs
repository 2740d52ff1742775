//! Infers the sizes of an architecture from a file's tensors.
//!
//! An architecture declares its weights for given sizes ([`Architecture::weight_shapes`]). Here that is inverted, without
//! knowledge of any architecture. A size is changed to see which layer's outputs change with it; that layer's outputs in
//! the file give the size. Sizes that show in no outputs, such as the side of the image before the first linear layer, are
//! found by trial.

use serde_json::Value;

use super::matching::NamedShape;
use crate::{
    expression::N_EXPRESSIONS,
    model::{net::Architecture, preprocess::InputSpec},
};

/// The maximum length of a list of layers, such as a head's.
const MAX_LISTED: usize = 4;
/// The maximum side of a pooled image that is tried.
const MAX_POOLED_SIDE: usize = 16;
/// The maximum side of an input that is tried, px.
const MAX_INPUT_SIDE_PX: usize = 512;
/// The step between the sides that are tried, px; every network can halve it three times.
const INPUT_SIDE_STEP_PX: usize = 8;
/// An input side that suits every network, px, for sizes that do not depend on it.
const ANY_INPUT_SIDE_PX: usize = 192;
/// No network has larger layers, and products of such numbers do not overflow.
const MAX_DIMENSION: usize = 1 << 24;

/// The shapes that distinguish architectures, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// `(outputs, inputs, height, width)` of each convolution.
    convolutions: Vec<[usize; 4]>,
    /// `(outputs, inputs)` of each linear layer.
    linears: Vec<[usize; 2]>,
}

impl Layers {
    /// The layers of a file's tensors.
    pub fn of(tensors: &[NamedShape]) -> Self {
        let shapes = tensors.iter().map(|t| (t.name.as_str(), &t.shape[..]));
        Self::from_shapes(shapes)
    }

    /// The layers of one of our networks.
    pub fn of_network(architecture: &Architecture, input: &InputSpec) -> Self {
        let shapes = architecture.weight_shapes(input, N_EXPRESSIONS);
        Self::from_shapes(
            shapes
                .iter()
                .map(|(name, shape)| (name.as_str(), &shape[..])),
        )
    }

    fn from_shapes<'a>(shapes: impl Iterator<Item = (&'a str, &'a [usize])> + Clone) -> Self {
        // Not every matrix is a layer: a mean image may be among the weights.
        let shapes = shapes
            .filter(|(name, _)| name.rsplit('.').next() == Some("weight"))
            .map(|(_, shape)| shape)
            .filter(|shape| shape.iter().all(|side| *side <= MAX_DIMENSION));
        Self {
            convolutions: shapes.clone().filter_map(|s| s.try_into().ok()).collect(),
            linears: shapes.filter_map(|s| s.try_into().ok()).collect(),
        }
    }

    /// The numbers of convolutions and of linear layers.
    pub fn counts(&self) -> (usize, usize) {
        (self.convolutions.len(), self.linears.len())
    }

    /// Input channels of the first convolution.
    pub fn n_channels(&self) -> Option<usize> {
        self.convolutions.first().map(|[_, inputs, ..]| *inputs)
    }

    /// Outputs of the last linear layer.
    pub fn n_classes(&self) -> Option<usize> {
        self.linears.last().map(|[outputs, _]| *outputs)
    }

    /// Outputs of each layer.
    fn outputs(&self) -> impl Iterator<Item = usize> {
        let convolutions = self.convolutions.iter().map(|[outputs, ..]| *outputs);
        convolutions.chain(self.linears.iter().map(|[outputs, _]| *outputs))
    }

    /// Whether the linear layers are the same, apart from the number of classes.
    fn has_linears_of(&self, other: &Self) -> bool {
        let inputs = |layers: &Self| layers.linears.iter().map(|[_, n]| *n).collect::<Vec<_>>();
        inputs(self) == inputs(other)
    }
}

/// The architecture of the same name as `usual` with the sizes that `file` implies, and its input.
///
/// # Errors
/// Why there are no such sizes, as the end of a sentence.
pub fn infer(
    usual: &Architecture,
    file: &Layers,
    input: &InputSpec,
) -> Result<(Architecture, InputSpec), String> {
    let description = serde_json::to_value(usual).map_err(|error| error.to_string())?;
    let with_its_layers = lengths(description)
        .into_iter()
        .filter_map(Sizes::new)
        .find(|sizes| sizes.layers.counts() == file.counts());
    let Some(sizes) = with_its_layers else {
        let (n_convolutions, n_linears) = file.counts();
        let ours = Layers::of_network(usual, input).counts();
        return Err(format!(
            "it has {n_convolutions} convolutions and {n_linears} linear layers instead of {} and {}",
            ours.0, ours.1
        ));
    };
    let (sizes, open) = sizes.by_outputs(file)?;
    sizes.by_trying(&open, file, input)
}

/// A square image of this side.
fn square(side: usize, input: &InputSpec) -> InputSpec {
    InputSpec {
        width: side,
        height: side,
        ..*input
    }
}

/// An architecture with its description, whose sizes can be changed.
struct Sizes {
    description: Value,
    architecture: Architecture,
    /// For images of [`ANY_INPUT_SIDE_PX`].
    layers: Layers,
}

impl Sizes {
    /// `None` if there is no such architecture.
    fn new(description: Value) -> Option<Self> {
        let architecture: Architecture = serde_json::from_value(description.clone()).ok()?;
        let input = square(ANY_INPUT_SIDE_PX, &InputSpec::FER_2013);
        if architecture.objection_to(&input).is_some() {
            return None;
        }
        Some(Self {
            layers: Layers::of_network(&architecture, &input),
            architecture,
            description,
        })
    }

    fn get(&self, pointer: &str) -> Option<u64> {
        self.description.pointer(pointer).and_then(Value::as_u64)
    }

    fn with(&self, pointer: &str, size: u64) -> Option<Self> {
        let mut description = self.description.clone();
        *description.pointer_mut(pointer)? = size.into();
        Self::new(description)
    }

    /// Sets the sizes that show in the file's outputs. Also returns the others that affect the weights.
    fn by_outputs(&self, file: &Layers) -> Result<(Self, Vec<String>), String> {
        let mut description = self.description.clone();
        let mut open = Vec::new();
        for pointer in integers(&self.description) {
            let size = self.get(&pointer).unwrap_or(0);
            let doubled = self.with(&pointer, (2 * size).max(1));
            let Some(doubled) = doubled.filter(|d| d.layers.counts() == self.layers.counts())
            else {
                continue; // It sets the number of layers, which is right already.
            };
            let outputs = self.layers.outputs().zip(doubled.layers.outputs());
            let changed = outputs
                .zip(file.outputs())
                .find(|((before, after), _)| before != after);
            match changed {
                Some(((before, _), found)) => {
                    // Outputs are a multiple of the size.
                    let found = found as u64 * size;
                    let fits = found > 0 && found.is_multiple_of(before as u64);
                    let place = description.pointer_mut(&pointer).filter(|_| fits);
                    let place = place.ok_or_else(|| self.other_sizes())?;
                    *place = (found / before as u64).into();
                }
                None if doubled.layers != self.layers => open.push(pointer),
                None => {}
            }
        }
        let sizes = Self::new(description).ok_or_else(|| self.other_sizes())?;
        Ok((sizes, open))
    }

    fn other_sizes(&self) -> String {
        let name = self.architecture.name();
        format!("its layers have sizes that no {name} network has")
    }

    /// Tries the sizes in `open`, one at a time, and the side of the input, until the linear layers fit.
    fn by_trying(
        &self,
        open: &[String],
        file: &Layers,
        input: &InputSpec,
    ) -> Result<(Architecture, InputSpec), String> {
        let mut inputs = vec![*input];
        let twice = square(2 * ANY_INPUT_SIDE_PX, input);
        if Layers::of_network(&self.architecture, &twice) != self.layers {
            let sides = (INPUT_SIDE_STEP_PX..=MAX_INPUT_SIDE_PX).step_by(INPUT_SIDE_STEP_PX);
            inputs.extend(sides.map(|side| square(side, input)));
        }
        let pooled = open.iter().flat_map(|pointer| {
            let sides = 1..=MAX_POOLED_SIDE as u64;
            sides.filter_map(move |side| self.with(pointer, side))
        });
        let architectures = std::iter::once(self.architecture.clone())
            .chain(pooled.map(|sizes| sizes.architecture));
        for architecture in architectures {
            for input in &inputs {
                let layers = Layers::of_network(&architecture, input);
                if layers.has_linears_of(file) && architecture.objection_to(input).is_none() {
                    return Ok((architecture, *input));
                }
            }
        }
        let n_inputs = file.linears.first().map_or(0, |[_, n_inputs]| *n_inputs);
        Err(format!(
            "its first linear layer takes {n_inputs} values, which no square image gives"
        ))
    }
}

/// JSON pointers to the integers in a value.
fn integers(value: &Value) -> Vec<String> {
    places(value, &|value| value.as_u64().is_some())
}

/// JSON pointers to the values that `is_wanted`.
fn places(value: &Value, is_wanted: &dyn Fn(&Value) -> bool) -> Vec<String> {
    if is_wanted(value) {
        return vec![String::new()];
    }
    let below = |key: &str, value: &Value| {
        let places = places(value, is_wanted).into_iter();
        places
            .map(|place| format!("/{key}{place}"))
            .collect::<Vec<_>>()
    };
    match value {
        Value::Object(fields) => fields.iter().flat_map(|(k, v)| below(k, v)).collect(),
        Value::Array(items) => (0..)
            .zip(items)
            .flat_map(|(index, item): (usize, _)| below(&index.to_string(), item))
            .collect(),
        _ => Vec::new(),
    }
}

/// A description with its lists of integers as they are, and then with all other lengths.
fn lengths(description: Value) -> Vec<Value> {
    let is_list = |value: &Value| {
        let items = value.as_array();
        items.is_some_and(|items| items.iter().all(|item| item.as_u64().is_some()))
    };
    let lists = places(&description, &is_list);
    let mut descriptions = vec![description];
    for list in lists {
        let with_length = |description: &Value, length: usize| {
            let mut description = description.clone();
            if let Some(Value::Array(items)) = description.pointer_mut(&list) {
                items.resize(length, 64.into()); // Any size: the right one is found later.
            }
            description
        };
        let others: Vec<Value> = descriptions
            .iter()
            .flat_map(|description| {
                (0..=MAX_LISTED).map(move |length| with_length(description, length))
            })
            .collect();
        descriptions.extend(others);
    }
    descriptions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::net::{
        CustomCnnConfig, HeadConfig, ThreeBlockConfig, VggConfig, VggFocalConfig,
    };

    fn head(hidden: &[usize]) -> HeadConfig {
        HeadConfig {
            hidden: hidden.to_vec(),
            dropout: 0.0,
        }
    }

    /// Every architecture with unusual sizes.
    fn unusual() -> Vec<(Architecture, usize)> {
        let vgg = |pooled_side, hidden: &[usize]| VggConfig {
            pooled_side,
            head: head(hidden),
        };
        let channels = [5, 12, 9];
        vec![
            (
                Architecture::ThreeBlock(ThreeBlockConfig {
                    channels,
                    hidden: 11,
                    ..ThreeBlockConfig::default()
                }),
                64,
            ),
            (
                Architecture::CustomCnn(CustomCnnConfig {
                    channels,
                    hidden: 11,
                    ..CustomCnnConfig::default()
                }),
                40,
            ),
            (
                Architecture::VggFocal(VggFocalConfig {
                    channels: [5, 12, 9, 8],
                    hidden: [11, 13],
                    ..VggFocalConfig::default()
                }),
                96,
            ),
            (Architecture::Resnet18(head(&[])), 48),
            (Architecture::Resnet18(head(&[256])), 48),
            (Architecture::Resnet50(head(&[10, 20, 30])), 48),
            (Architecture::Vgg16(vgg(7, &[4096, 4096])), 48),
            (Architecture::Vgg19(vgg(1, &[])), 48),
            (Architecture::Densenet121(head(&[128])), 48),
        ]
    }

    /// Dropout leaves no trace in the weights, so the usual rate is taken.
    #[test]
    fn sizes_are_found_from_shapes() {
        let mut names = Vec::new();
        for (expected, side) in unusual() {
            let input = InputSpec {
                width: side,
                height: side,
                ..InputSpec::FER_2013
            };
            let file = Layers::of_network(&expected, &input);
            let usual = Architecture::usual();
            let usual = usual.iter().find(|usual| usual.name() == expected.name());
            let (found, found_input) = infer(usual.unwrap(), &file, &InputSpec::FER_2013).unwrap();
            assert_eq!(
                found.weight_shapes(&found_input, N_EXPRESSIONS),
                expected.weight_shapes(&input, N_EXPRESSIONS)
            );
            assert_eq!(found_input, input, "{}", expected.name());
            names.push(expected.name());
        }
        for usual in Architecture::usual() {
            assert!(names.contains(&usual.name()), "{} is tried", usual.name());
        }
    }

    #[test]
    fn sizes_that_contradict_each_other_are_refused() {
        let usual = Architecture::ThreeBlock(ThreeBlockConfig::default());
        let file = Layers {
            convolutions: vec![[8, 1, 3, 3], [8, 8, 3, 3], [8, 8, 3, 3]],
            linears: vec![[16, 8 * 35], [7, 16]],
        };
        let reason = infer(&usual, &file, &InputSpec::FER_2013).unwrap_err();
        assert!(reason.contains("takes 280 values"), "{reason}");
        let deeper = Layers {
            linears: vec![[7, 8]],
            ..file
        };
        let reason = infer(&usual, &deeper, &InputSpec::FER_2013).unwrap_err();
        assert!(reason.contains("3 convolutions and 1 linear"), "{reason}");
    }
}
