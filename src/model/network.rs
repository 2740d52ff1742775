//! What a network must be able to do, and the list of architectures that checkpoints can name.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    compact::{Compact, CompactConfig, FoldedCompact},
    custom_cnn::{CustomCnn, CustomCnnConfig, FoldedCustomCnn},
    densenet::{self, Densenet, FoldedDensenet},
    head::HeadConfig,
    kernels::Precision,
    limits::OutOfRange,
    preprocess::InputSpec,
    resnet::{FoldedResnet, Resnet, ResnetDepth},
    three_block::{FoldedThreeBlock, ThreeBlock, ThreeBlockConfig},
    vgg::{FoldedVgg, Vgg, VggConfig, VggDepth},
    vgg_focal::{FoldedVggFocal, VggFocal, VggFocalConfig},
};

/// A network for inference.
pub trait InferenceNet: Send {
    /// Inputs `(b, channels, height, width)` to logits `(b, n_classes)`.
    ///
    /// # Errors
    /// If the input has another shape than the network was made for.
    fn forward(&self, xs: &Tensor) -> Result<Tensor>;
}

/// A network for training.
pub trait TrainableNet {
    /// Inputs `(b, channels, height, width)` to logits `(b, n_classes)`, by the batch's own statistics.
    ///
    /// `keep(shape, rate)` makes a dropout mask: 0 with probability `rate`, else `1 / (1 - rate)`. It comes from
    /// outside so that a run can be repeated: candle's CPU random numbers cannot be seeded.
    ///
    /// # Errors
    /// If the input has another shape than the network was made for.
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor>;
}

/// An architecture with its hyper-parameters, as checkpoints store it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "architecture",
    content = "hyperparameters",
    rename_all = "kebab-case"
)]
pub enum Architecture {
    /// See [`super::three_block`].
    ThreeBlock(ThreeBlockConfig),
    /// See [`super::compact`].
    Compact(CompactConfig),
    /// See [`super::custom_cnn`].
    CustomCnn(CustomCnnConfig),
    /// See [`super::vgg_focal`].
    VggFocal(VggFocalConfig),
    /// See [`super::resnet`].
    Resnet18(HeadConfig),
    /// See [`super::resnet`].
    Resnet50(HeadConfig),
    /// See [`super::vgg`].
    Vgg16(VggConfig),
    /// See [`super::vgg`].
    Vgg19(VggConfig),
    /// See [`super::densenet`].
    Densenet121(HeadConfig),
}

/// Networks for photographs halve their input five times.
const SMALLEST_SIDE: usize = 32;

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

    /// Each architecture that others have weights of, with its usual sizes. `compact` is our own.
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

    /// Whether all its normalisations see what ReLU leaves, so that their running means are never negative.
    pub fn normalizes_after_relu(&self) -> bool {
        matches!(self, Self::CustomCnn(_))
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
            | Self::Densenet121(_) => (input.width.min(input.height) < SMALLEST_SIDE)
                .then(|| format!("less than {SMALLEST_SIDE}×{SMALLEST_SIDE}")),
        };
        objection.map(|objection| {
            format!(
                "its input size {}×{} is {objection}, which this architecture needs",
                input.width, input.height
            )
        })
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::ThreeBlock(config) => config.weight_shapes(input, n_classes),
            Self::Compact(config) => config.weight_shapes(input, n_classes),
            Self::CustomCnn(config) => config.weight_shapes(input, n_classes),
            Self::VggFocal(config) => config.weight_shapes(input, n_classes),
            Self::Resnet18(head) => ResnetDepth::Eighteen.weight_shapes(head, n_classes),
            Self::Resnet50(head) => ResnetDepth::Fifty.weight_shapes(head, n_classes),
            Self::Vgg16(config) => VggDepth::Sixteen.weight_shapes(config, n_classes),
            Self::Vgg19(config) => VggDepth::Nineteen.weight_shapes(config, n_classes),
            Self::Densenet121(head) => densenet::weight_shapes(head, n_classes),
        }
    }

    /// Builds the network for inference from finished weights.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn inference(
        &self,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Box<dyn InferenceNet>> {
        let resnet = |depth, head| FoldedResnet::new(depth, head, weights, device);
        let vgg = |depth, config| FoldedVgg::new(depth, config, weights, device);
        Ok(match self {
            Self::ThreeBlock(_) => Box::new(FoldedThreeBlock::new(weights, device)?),
            Self::Compact(config) => Box::new(FoldedCompact::new(config, weights, device)?),
            Self::CustomCnn(_) => Box::new(FoldedCustomCnn::new(weights, device)?),
            Self::VggFocal(_) => Box::new(FoldedVggFocal::new(weights, device)?),
            Self::Resnet18(head) => Box::new(resnet(ResnetDepth::Eighteen, head)?),
            Self::Resnet50(head) => Box::new(resnet(ResnetDepth::Fifty, head)?),
            Self::Vgg16(config) => Box::new(vgg(VggDepth::Sixteen, config)?),
            Self::Vgg19(config) => Box::new(vgg(VggDepth::Nineteen, config)?),
            Self::Densenet121(head) => Box::new(FoldedDensenet::new(head, weights, device)?),
        })
    }

    /// Builds the network for training, its weights taken from or made in `vb`.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn trainable(
        &self,
        input: &InputSpec,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Box<dyn TrainableNet>> {
        let resnet = |depth, head| Resnet::new(depth, head, n_classes, precision, vb);
        let vgg = |depth, config| Vgg::new(depth, config, n_classes, precision, vb);
        Ok(match self {
            Self::ThreeBlock(config) => {
                Box::new(ThreeBlock::new(config, input, n_classes, precision, vb)?)
            }
            Self::Compact(config) => {
                Box::new(Compact::new(config, input, n_classes, precision, vb)?)
            }
            Self::CustomCnn(config) => {
                Box::new(CustomCnn::new(config, input, n_classes, precision, vb)?)
            }
            Self::VggFocal(config) => {
                Box::new(VggFocal::new(config, input, n_classes, precision, vb)?)
            }
            Self::Resnet18(head) => Box::new(resnet(ResnetDepth::Eighteen, head)?),
            Self::Resnet50(head) => Box::new(resnet(ResnetDepth::Fifty, head)?),
            Self::Vgg16(config) => Box::new(vgg(VggDepth::Sixteen, config)?),
            Self::Vgg19(config) => Box::new(vgg(VggDepth::Nineteen, config)?),
            Self::Densenet121(head) => Box::new(Densenet::new(head, n_classes, precision, vb)?),
        })
    }
}
