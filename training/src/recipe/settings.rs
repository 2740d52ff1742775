//! The recipe itself.

use fervis::model::{
    net::Architecture,
    preprocess::{InputSpec, ResizeFilter},
};
use serde::{Deserialize, Serialize};

use crate::{
    augment::{AugmentConfig, Normalization},
    data::{rows::RowSettings, sampler::Sampler},
    fer2013::IMAGE_SIDE_PX,
    recipe::{
        loss::{AuxiliarySettings, DistillationSettings, LossSettings},
        optimizer::{GroupSettings, OptimizerSettings},
        schedule::RateSchedule,
    },
};

/// A recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the run and of its checkpoint.
    pub name: String,
    /// What others published for it, such as `64.41 % test`; shown beside the measured figures.
    #[serde(default)]
    pub published: Option<String>,
    /// Decides first weights, order, augmentation and dropout.
    pub seed: u64,
    /// Images per step.
    pub batch_size: usize,
    /// The run ends after this many epochs at the latest.
    pub max_epochs: usize,
    /// How the first weights are drawn.
    #[serde(default)]
    pub first_weights: FirstWeights,
    /// The images of an epoch and their order.
    #[serde(default)]
    pub sampler: Sampler,
    /// The images of Training to learn from.
    #[serde(default)]
    pub rows: RowSettings,
    /// The network.
    pub network: Architecture,
    /// The input of the network.
    #[serde(default)]
    pub input: InputSettings,
    /// The augmentation of the training images.
    #[serde(default = "no_augmentation")]
    pub augment: AugmentConfig,
    /// The loss.
    #[serde(default)]
    pub loss: LossSettings,
    /// A second head that learns FER+'s votes, used only in training.
    #[serde(default)]
    pub auxiliary: Option<AuxiliarySettings>,
    /// Learning from other networks, which are given when the run starts.
    #[serde(default)]
    pub distillation: Option<DistillationSettings>,
    /// The optimizer.
    pub optimizer: OptimizerSettings,
    /// Weights with settings of their own; the first group that matches a weight applies.
    #[serde(default)]
    pub groups: Vec<GroupSettings>,
    /// The schedule of the learning rate.
    pub schedule: RateSchedule,
    /// How the best epoch is selected, and when the run stops early.
    pub selection: Selection,
    /// Averages the weights; the averages are evaluated and saved as the best checkpoint.
    #[serde(default)]
    pub ema: Option<EmaSettings>,
    /// Smaller inputs in the first part of the run, for networks that accept any size.
    #[serde(default)]
    pub progressive_resizing: Vec<ResizingStage>,
}

/// How the first weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstWeights {
    /// Uniform in ±1/√n, where n is the number of inputs per output: PyTorch's default.
    #[default]
    Uniform,
    /// Convolution kernels normal with variance 2/n, which keeps the magnitude of values through layers with ReLU (He et al.
    /// 2015, arXiv:1502.01852); everything else as [`Self::Uniform`].
    He,
}

fervis::with_defaults! {
    /// The input of the network: a gray square.
    ///
    /// The default is FER-2013's size, with levels scaled to -1 to 1.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct InputSettings {
        /// Width and height, px.
        pub side_px: usize = IMAGE_SIDE_PX,
        /// Subtracted from levels between 0 and 1.
        pub mean: f32 = InputSpec::FER_2013.mean,
        /// Divides the result.
        pub std: f32 = InputSpec::FER_2013.std,
        /// How the application resamples faces for this network.
        pub resize_filter: ResizeFilter = InputSpec::FER_2013.resize_filter,
    }
}

/// How the best epoch is selected, always on PublicTest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The figure that is compared.
    pub metric: SelectionMetric,
    /// The run ends when the metric has not improved for this many epochs.
    pub patience: usize,
}

fervis::named! {
    /// A figure on PublicTest.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum SelectionMetric {
        /// Mean F1 over the classes; higher is better.
        MacroF1 = "macro-F1",
        /// Share of right answers; higher is better.
        Accuracy = "accuracy",
        /// Negative log-likelihood; lower is better.
        Loss = "loss",
        /// Agreement with FER+ on images with a majority for one of the seven expressions; higher is better.
        FerplusAgreement = "agreement with FER+",
    }
}

/// An exponential moving average of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaSettings {
    /// Share of the average that each step keeps, after the warm-up.
    pub decay: f64,
}

/// A part of the run with another input size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizingStage {
    /// Width and height, px.
    pub side_px: usize,
    /// The stage lasts until this share of the run, 0 to 1, rounded up to whole epochs.
    pub until: f64,
}

fn no_augmentation() -> AugmentConfig {
    AugmentConfig::OFF
}

impl Recipe {
    /// The normalization of the input, for the loader.
    pub fn normalization(&self) -> Normalization {
        Normalization {
            mean: self.input.mean,
            std: self.input.std,
        }
    }

    /// The input of the finished network.
    pub fn input_spec(&self) -> InputSpec {
        InputSpec {
            width: self.input.side_px,
            height: self.input.side_px,
            mean: self.input.mean,
            std: self.input.std,
            resize_filter: self.input.resize_filter,
            ..InputSpec::FER_2013
        }
    }

    /// Whether the run needs FER+'s votes.
    pub fn needs_votes(&self) -> bool {
        self.loss.votes_share > 0.0
            || self.auxiliary.is_some()
            || self.rows.min_votes > 0
            || self.selection.metric == SelectionMetric::FerplusAgreement
    }

    /// Largest side of the images in the run, px.
    pub fn largest_side_px(&self) -> usize {
        let stages = self.progressive_resizing.iter().map(|stage| stage.side_px);
        stages.fold(self.input.side_px, usize::max)
    }

    /// Side of the training images in an epoch that begins at this share of the run, px.
    pub fn side_px_at(&self, share: f64) -> usize {
        let stages = &self.progressive_resizing;
        let stage = stages.iter().find(|stage| share < stage.until);
        stage.map_or(self.input.side_px, |stage| stage.side_px)
    }
}
