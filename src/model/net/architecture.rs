//! The architectures that checkpoints and recipes can name.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    compact::CompactConfig,
    custom_cnn::CustomCnnConfig,
    densenet,
    folded::InferenceNet,
    graph::Graph,
    head::HeadConfig,
    layer::{Layer, weight_shapes},
    limits::{self, OutOfRange},
    resnet::{self, Depth},
    three_block::ThreeBlockConfig,
    train::TrainableNet,
    vgg::{self, VggConfig},
    vgg_focal::VggFocalConfig,
};
use crate::model::{kernels::Precision, preprocess::InputSpec};

/// An architecture with its hyper-parameters, as checkpoints store it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "architecture",
    content = "hyperparameters",
    rename_all = "kebab-case"
)]
pub enum Architecture {
    /// Three convolution blocks and two linear layers: the reference.
    ThreeBlock(ThreeBlockConfig),
    /// Stages of convolutions and a global mean, sized by the checkpoint: our own.
    Compact(CompactConfig),
    /// Three blocks that normalize after ReLU.
    CustomCnn(CustomCnnConfig),
    /// Four blocks of two convolutions, normalized throughout.
    VggFocal(VggFocalConfig),
    /// torchvision's ResNet-18.
    Resnet18(HeadConfig),
    /// torchvision's ResNet-50.
    Resnet50(HeadConfig),
    /// torchvision's VGG-16.
    Vgg16(VggConfig),
    /// torchvision's VGG-19.
    Vgg19(VggConfig),
    /// torchvision's DenseNet-121.
    Densenet121(HeadConfig),
}

/// Networks for photographs halve their input five times.
const MIN_PHOTO_SIDE_PX: usize = 32;

impl Architecture {
    /// The name in checkpoints and on the screen.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ThreeBlock(_) => "three-block",
            Self::Compact(_) => "compact",
            Self::CustomCnn(_) => "custom-cnn",
            Self::VggFocal(_) => "vgg-focal",
            Self::Resnet18(_) => "resnet18",
            Self::Resnet50(_) => "resnet50",
            Self::Vgg16(_) => "vgg16",
            Self::Vgg19(_) => "vgg19",
            Self::Densenet121(_) => "densenet121",
        }
    }

    /// The architectures that others publish weights of, with their usual sizes. `compact` is our own.
    pub fn usual() -> [Self; 8] {
        let vgg = VggConfig {
            pooled_side: 1,
            head: HeadConfig::default(),
        };
        [
            Self::ThreeBlock(ThreeBlockConfig::default()),
            Self::CustomCnn(CustomCnnConfig::default()),
            Self::VggFocal(VggFocalConfig::default()),
            Self::Resnet18(HeadConfig::default()),
            Self::Resnet50(HeadConfig::default()),
            Self::Vgg16(vgg.clone()),
            Self::Vgg19(vgg),
            Self::Densenet121(HeadConfig::default()),
        ]
    }

    /// Its layers, from images `(b, h, w, c)` to logits `(b, n_classes)`.
    fn layers(&self, input: &InputSpec, n_classes: usize) -> Vec<Layer> {
        match self {
            Self::ThreeBlock(config) => config.layers(input, n_classes),
            Self::Compact(config) => config.layers(input, n_classes),
            Self::CustomCnn(config) => config.layers(input, n_classes),
            Self::VggFocal(config) => config.layers(input, n_classes),
            Self::Resnet18(head) => resnet::layers(Depth::Eighteen, head, n_classes),
            Self::Resnet50(head) => resnet::layers(Depth::Fifty, head, n_classes),
            Self::Vgg16(config) => config.layers(vgg::SIXTEEN, n_classes),
            Self::Vgg19(config) => config.layers(vgg::NINETEEN, n_classes),
            Self::Densenet121(head) => densenet::layers(head, n_classes),
        }
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        weight_shapes(&self.layers(input, n_classes))
    }

    /// The network as single operations, from images `(b, c, h, w)` to logits `(b, n_classes)`.
    pub fn graph(&self, input: &InputSpec, n_classes: usize) -> Graph {
        Graph::new(&self.layers(input, n_classes), input)
    }

    /// Number of weights, running estimates among them; `u64::MAX` if there are more than fit.
    pub fn n_weights(&self, input: &InputSpec, n_classes: usize) -> u64 {
        let shapes = self.weight_shapes(input, n_classes).into_iter();
        let sizes = shapes.map(|(_, shape)| {
            let sides = shape.into_iter().map(|side| side as u64);
            sides.fold(1, u64::saturating_mul)
        });
        sizes.fold(0, u64::saturating_add)
    }

    /// Builds the network for inference from trained weights.
    ///
    /// # Errors
    /// If a weight is missing or has another shape.
    pub fn inference(
        &self,
        input: &InputSpec,
        n_classes: usize,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<InferenceNet> {
        InferenceNet::new(&self.layers(input, n_classes), weights, device)
    }

    /// Builds the network for training; its weights are taken from `vb`, or made there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn trainable(
        &self,
        input: &InputSpec,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<TrainableNet> {
        TrainableNet::new(&self.layers(input, n_classes), precision, vb)
    }

    /// Whether all its normalizations follow ReLU, so that their running means are never negative.
    pub fn normalizes_after_relu(&self) -> bool {
        matches!(self, Self::CustomCnn(_))
    }

    /// The first hyper-parameter that is out of range.
    pub fn out_of_range(&self) -> Option<OutOfRange> {
        let description = serde_json::to_value(self).ok()?;
        limits::first_out_of_range(description.get("hyperparameters")?)
    }

    /// Why this network cannot take inputs of this kind, if so.
    pub fn objection_to(&self, input: &InputSpec) -> Option<String> {
        let multiple_of = |step: usize| {
            let fits = input.width.is_multiple_of(step) && input.height.is_multiple_of(step);
            (!fits).then(|| format!("not a multiple of {step}"))
        };
        if let Self::Compact(config) = self
            && let Some(objection) = config.objection()
        {
            return Some(objection);
        }
        if let Some(OutOfRange { key, problem }) = self.out_of_range() {
            return Some(format!("its {key} {problem}"));
        }
        let objection = match self {
            Self::ThreeBlock(_) => multiple_of(ThreeBlockConfig::SIDE_STEP),
            Self::Compact(config) => multiple_of(config.side_step()),
            Self::CustomCnn(_) => multiple_of(CustomCnnConfig::SIDE_STEP),
            Self::VggFocal(_) => multiple_of(VggFocalConfig::SIDE_STEP),
            Self::Resnet18(_)
            | Self::Resnet50(_)
            | Self::Vgg16(_)
            | Self::Vgg19(_)
            | Self::Densenet121(_) => (input.width.min(input.height) < MIN_PHOTO_SIDE_PX)
                .then(|| format!("less than {MIN_PHOTO_SIDE_PX}×{MIN_PHOTO_SIDE_PX}")),
        };
        objection.map(|objection| {
            format!(
                "its input size {}×{} is {objection}, which this architecture needs",
                input.width, input.height
            )
        })
    }
}
