//! The recipe itself: what a run is decided by.

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
        schedule::Schedule,
    },
};

/// A recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the run and of its checkpoint.
    pub name: String,
    /// What others have published for it, such as `64.41 % test`; shown beside what was measured.
    #[serde(default)]
    pub published: Option<String>,
    /// Decides first weights, order, augmentation and dropout.
    pub seed: u64,
    /// Images a step.
    pub batch_size: usize,
    /// The run ends after this many epochs at the latest.
    pub max_epochs: usize,
    /// How the first weights are drawn.
    #[serde(default)]
    pub first_weights: FirstWeights,
    /// Which images an epoch shows.
    #[serde(default)]
    pub sampler: Sampler,
    /// Which images of Training it has to choose from.
    #[serde(default)]
    pub rows: RowSettings,
    /// The network.
    pub network: Architecture,
    /// What the network is fed with.
    #[serde(default)]
    pub input: InputSettings,
    /// Random variations of the training images.
    #[serde(default = "no_augmentation")]
    pub augment: AugmentConfig,
    /// What is minimized.
    #[serde(default)]
    pub loss: LossSettings,
    /// A second head that learns FER+'s votes, in training only.
    #[serde(default)]
    pub auxiliary: Option<AuxiliarySettings>,
    /// Learns from other networks too; they are given when the run starts.
    #[serde(default)]
    pub distillation: Option<DistillationSettings>,
    /// How weights move.
    pub optimizer: OptimizerSettings,
    /// Weights that move differently; the first group that fits a weight counts.
    #[serde(default)]
    pub groups: Vec<GroupSettings>,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Which epoch is the best, and when to stop waiting for a better one.
    pub selection: Selection,
    /// Averages the weights; the average is what is evaluated and saved as the best.
    #[serde(default)]
    pub ema: Option<EmaSettings>,
    /// Smaller inputs in the first part of the run, for networks that take any size.
    #[serde(default)]
    pub progressive_resizing: Vec<ResizingStage>,
}

/// How the first weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstWeights {
    /// Uniform in ±1/√n, where n is the number of inputs of one output: PyTorch's default.
    #[default]
    Uniform,
    /// The kernels of convolutions normal with variance 2/n, which keeps the size of values through layers with ReLU (He
    /// et al. 2015, arXiv:1502.01852); everything else as in [`Self::Uniform`].
    He,
}

/// What the network is fed with: grey, square.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputSettings {
    /// Width and height, px.
    pub side_px: usize,
    /// Subtracted after scaling pixels to 0 to 1.
    pub mean: f32,
    /// Divides after that.
    pub std: f32,
    /// How the application resamples faces for this network.
    pub resize_filter: ResizeFilter,
}

impl Default for InputSettings {
    /// FER-2013's own size, scaled to -1 to 1.
    fn default() -> Self {
        let spec = InputSpec::FER_2013;
        Self {
            side_px: IMAGE_SIDE_PX,
            mean: spec.mean,
            std: spec.std,
            resize_filter: spec.resize_filter,
        }
    }
}

/// How the best epoch is chosen, always on PublicTest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// What is compared.
    pub metric: SelectionMetric,
    /// The run ends when the metric has not improved for this many epochs.
    pub patience: usize,
}

/// A figure on PublicTest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionMetric {
    /// Mean F1 of the classes; higher is better.
    MacroF1,
    /// Share of right answers; higher is better.
    Accuracy,
    /// Negative log-likelihood; lower is better.
    Loss,
    /// Agreement with FER+ where more than half of its voters chose one of the seven expressions; higher is better.
    FerplusAgreement,
}

impl SelectionMetric {
    /// The word for it in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::MacroF1 => "macro-F1",
            Self::Accuracy => "accuracy",
            Self::Loss => "loss",
            Self::FerplusAgreement => "agreement with FER+",
        }
    }
}

/// An exponential moving average of the weights; see [`crate::train::ema`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmaSettings {
    /// Share of the average that each step keeps, once it is warm.
    pub decay: f64,
}

/// A part of the run with inputs of another size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizingStage {
    /// Width and height, px.
    pub side_px: usize,
    /// The stage lasts until this share of the run, 0 to 1; whole epochs.
    pub until: f64,
}

fn no_augmentation() -> AugmentConfig {
    AugmentConfig::OFF
}

impl Recipe {
    /// How pixels become input, for the loader.
    pub fn normalization(&self) -> Normalization {
        Normalization {
            mean: self.input.mean,
            std: self.input.std,
        }
    }

    /// What the finished network is fed with.
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

    /// Side of the largest images that the run needs, px.
    pub fn largest_side_px(&self) -> usize {
        let stages = self.progressive_resizing.iter().map(|stage| stage.side_px);
        stages.fold(self.input.side_px, usize::max)
    }

    /// Side of the training images, px, in an epoch that begins at this share of the run.
    pub fn side_px_at(&self, share: f64) -> usize {
        let stages = &self.progressive_resizing;
        let stage = stages.iter().find(|stage| share < stage.until);
        stage.map_or(self.input.side_px, |stage| stage.side_px)
    }
}
