//! A small network in VGG's manner, sized by its checkpoint: stages of 3×3 convolutions, a global mean, a linear layer.
//!
//! ```text
//! (b, 1, 48, 48) ─ stage 1: [conv 3×3 32 → BN → ReLU] × 1 → max-pool ─ stage 2: [64] × 2 → max-pool ─ stage 3: [128] × 2
//!                → max-pool ─ stage 4: [256] × 2 ─ global mean ─ Dropout ─ linear 7
//! ```
//!
//! Two options, off unless asked for. `residual`: in each stage the convolutions after the first stand in pairs (the last
//! may be alone) with a short cut around each pair. `squeeze`: at the end of each stage, after pooling, its channels are
//! weighted by what is in the whole image (squeeze and excitation, Hu et al. 2018, arXiv:1709.01507). What a newcomer
//! would get wrong: the last stage has no pooling of its own, since the global mean follows.
//!
//! The convolutions have no biases: the normalisation after each would take them away again.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::{VarBuilder, ops::sigmoid};
use serde::{Deserialize, Serialize};

use super::{
    head::{Head, HeadConfig},
    kernels::{FoldedConv, Precision, add_relu},
    layers::{
        After, ConvNorm, ConvSize, FinishedWeights, Linear, WeightShapes, channels_last, dropout,
    },
    network::{InferenceNet, TrainableNet},
    preprocess::InputSpec,
};

const KERNEL: usize = 3;
/// Bounds on what a checkpoint may ask for, so that a made-up one cannot fill the memory.
const MAX_STAGES: usize = 6;
const MAX_CHANNELS: usize = 2048;
const MAX_CONVOLUTIONS: usize = 16;

/// Sizes of the network, stored in the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompactConfig {
    /// Channels of each stage. Every stage but the last halves the image.
    pub channels: Vec<usize>,
    /// Convolutions of each stage.
    pub convolutions: Vec<usize>,
    /// Whether there are short cuts around the convolutions after each stage's first, in pairs.
    #[serde(default)]
    pub residual: bool,
    /// Channels that weigh the others at the end of each stage: one for this many. 0 is none.
    #[serde(default)]
    pub squeeze: usize,
    /// Share of values dropped at the end of each stage but the last, in training.
    #[serde(default)]
    pub stage_dropout: f32,
    /// Share of values dropped before the first linear layer and after each hidden one, in training.
    #[serde(default)]
    pub dropout: f32,
    /// Widths of hidden linear layers between the global mean and the last one, each with ReLU.
    #[serde(default)]
    pub hidden: Vec<usize>,
}

impl Default for CompactConfig {
    /// 1.17 million weights and 96 million multiplications for 48×48 pixels.
    fn default() -> Self {
        Self {
            channels: vec![32, 64, 128, 256],
            convolutions: vec![1, 2, 2, 2],
            residual: false,
            squeeze: 0,
            stage_dropout: 0.0,
            dropout: 0.4,
            hidden: Vec::new(),
        }
    }
}

impl CompactConfig {
    /// Input sides must be a multiple of this: every stage but the last halves them.
    pub fn side_step(&self) -> usize {
        1 << self.channels.len().saturating_sub(1).min(MAX_STAGES)
    }

    /// What is wrong with the sizes by themselves, as a whole sentence without its full stop.
    pub fn objection(&self) -> Option<String> {
        let within = |values: &[usize], most: usize| values.iter().all(|n| (1..=most).contains(n));
        let is_share = |share: f32| (0.0..1.0).contains(&share);
        let Self {
            channels,
            convolutions,
            hidden,
            squeeze,
            ..
        } = self;
        if !(1..=MAX_STAGES).contains(&channels.len()) || channels.len() != convolutions.len() {
            Some(format!(
                "it has channels for {} stages and convolutions for {}, but both need the same number, 1 to {MAX_STAGES}",
                channels.len(),
                convolutions.len()
            ))
        } else if !within(channels, MAX_CHANNELS) || !within(hidden, MAX_CHANNELS) {
            Some(format!(
                "its channels and hidden widths must be between 1 and {MAX_CHANNELS}"
            ))
        } else if hidden.len() > MAX_STAGES {
            Some(format!("it may have up to {MAX_STAGES} hidden layers"))
        } else if !within(convolutions, MAX_CONVOLUTIONS) {
            Some(format!(
                "its stages must have between 1 and {MAX_CONVOLUTIONS} convolutions"
            ))
        } else if channels.iter().any(|channels| squeeze > channels) {
            Some(format!(
                "its squeeze of {squeeze} leaves nothing of a stage's channels"
            ))
        } else if !is_share(self.dropout) || !is_share(self.stage_dropout) {
            Some("its shares of dropped values must be at least 0 and below 1".to_owned())
        } else {
            None
        }
    }

    fn head(&self) -> HeadConfig {
        HeadConfig {
            hidden: self.hidden.clone(),
            dropout: self.dropout,
        }
    }

    fn n_features(&self) -> usize {
        self.channels.last().copied().unwrap_or_default()
    }

    fn plan(&self, c_in: usize) -> Vec<StagePlan> {
        let n_stages = self.channels.len();
        let mut c_in = c_in;
        let sizes = self.channels.iter().zip(&self.convolutions).enumerate();
        sizes
            .map(|(index, (&c_out, &n))| {
                let stage = StagePlan {
                    name: format!("stage{}", index + 1),
                    c_in,
                    c_out,
                    n_convolutions: n,
                    residual: self.residual,
                    pool: index + 1 < n_stages,
                    squeezed: c_out.checked_div(self.squeeze),
                };
                c_in = c_out;
                stage
            })
            .collect()
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(&self, input: &InputSpec, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = WeightShapes::default();
        for stage in self.plan(input.channels) {
            for conv in stage.steps().into_iter().flatten() {
                shapes.conv(&conv.name, conv.size.c_out, conv.size.c_in, KERNEL);
                shapes.norm(&conv.norm, conv.size.c_out);
            }
            if let Some([squeeze, excite]) = stage.gates() {
                shapes.linear(&squeeze.0, squeeze.1, squeeze.2);
                shapes.linear(&excite.0, excite.1, excite.2);
            }
        }
        self.head()
            .declare("fc", self.n_features(), n_classes, &mut shapes);
        shapes.0
    }
}

/// A convolution that is to be made.
struct ConvPlan {
    name: String,
    norm: String,
    size: ConvSize,
    after: After,
}

/// A stage that is to be made.
struct StagePlan {
    name: String,
    c_in: usize,
    c_out: usize,
    n_convolutions: usize,
    residual: bool,
    pool: bool,
    /// Channels that weigh the others.
    squeezed: Option<usize>,
}

impl StagePlan {
    /// The convolutions, those under one short cut together; the first stands alone and has none.
    fn steps(&self) -> Vec<Vec<ConvPlan>> {
        let last = self.n_convolutions;
        let conv = |number: usize, ends_short_cut: bool| ConvPlan {
            name: format!("{}.conv{number}", self.name),
            norm: format!("{}.bn{number}", self.name),
            size: ConvSize::new(
                if number == 1 { self.c_in } else { self.c_out },
                self.c_out,
                KERNEL,
            ),
            after: match (ends_short_cut, self.pool && number == last) {
                (true, _) => After::Nothing,
                (false, true) => After::ReluPool,
                (false, false) => After::Relu,
            },
        };
        if !self.residual {
            return (1..=last).map(|number| vec![conv(number, false)]).collect();
        }
        let mut steps = vec![vec![conv(1, false)]];
        for first in (2..=last).step_by(2) {
            let end = (first + 1).min(last);
            steps.push((first..=end).map(|n| conv(n, n == end)).collect());
        }
        steps
    }

    /// Name, outputs and inputs of the two linear layers that weigh the channels.
    fn gates(&self) -> Option<[(String, usize, usize); 2]> {
        let squeezed = self.squeezed?;
        Some([
            (format!("{}.squeeze", self.name), squeezed, self.c_out),
            (format!("{}.excite", self.name), self.c_out, squeezed),
        ])
    }
}

/// Convolutions one after the other; `C` is a convolution, in training or finished.
struct Step<C> {
    convolutions: Vec<C>,
    /// Whether their input is added to their result; with pooling afterwards or without.
    short_cut: Option<bool>,
}

struct Stage<C> {
    steps: Vec<Step<C>>,
    /// The linear layers that weigh the channels.
    gates: Option<[Linear; 2]>,
}

impl<C> Stage<C> {
    fn build(
        plan: &StagePlan,
        mut make: impl FnMut(&ConvPlan) -> Result<C>,
        linear: impl Fn(&(String, usize, usize)) -> Result<Linear>,
    ) -> Result<Self> {
        let steps = plan.steps();
        let n_steps = steps.len();
        let steps = steps.iter().enumerate().map(|(index, convolutions)| {
            let pool = plan.pool && index + 1 == n_steps;
            Ok(Step {
                convolutions: convolutions.iter().map(&mut make).collect::<Result<_>>()?,
                short_cut: (plan.residual && index > 0).then_some(pool),
            })
        });
        let steps = steps.collect::<Result<_>>()?;
        let gates = match plan.gates() {
            Some([squeeze, excite]) => Some([linear(&squeeze)?, linear(&excite)?]),
            None => None,
        };
        Ok(Self { steps, gates })
    }

    fn forward(
        &self,
        xs: Tensor,
        precision: Precision,
        apply: impl Fn(&C, &Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = xs;
        for step in &self.steps {
            let mut ys = xs.clone();
            for conv in &step.convolutions {
                ys = apply(conv, &ys)?;
            }
            xs = match step.short_cut {
                Some(pool) => add_relu(&ys, &xs, pool)?,
                None => ys,
            };
        }
        match &self.gates {
            Some(gates) => weigh_channels(&xs, gates, precision),
            None => Ok(xs),
        }
    }
}

/// Multiplies each channel of `xs` `(b, h, w, c)` by a factor of 0 to 1 that depends on the means of all channels.
fn weigh_channels(xs: &Tensor, gates: &[Linear; 2], precision: Precision) -> Result<Tensor> {
    let [squeeze, excite] = gates;
    let (batch, _, _, channels) = xs.dims4()?;
    let hidden = squeeze.forward(&xs.mean((1, 2))?, precision)?.relu()?; // (b, squeezed)
    let factors = sigmoid(&excite.forward(&hidden, precision)?)?; // (b, c)
    xs.broadcast_mul(&factors.reshape((batch, 1, 1, channels))?)
}

/// The network while it is trained.
pub struct Compact {
    stages: Vec<Stage<ConvNorm>>,
    head: Head,
    stage_dropout: f32,
    dropout: f32,
    precision: Precision,
}

impl Compact {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        config: &CompactConfig,
        input: &InputSpec,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let make = |plan: &ConvPlan| {
            let (conv, norm) = (vb.pp(&plan.name), vb.pp(&plan.norm));
            ConvNorm::new(plan.size, plan.after, precision, &conv, &norm)
        };
        let linear =
            |(name, n_out, n_in): &(String, usize, usize)| Linear::new(*n_out, *n_in, &vb.pp(name));
        let plan = config.plan(input.channels);
        let stages = plan.iter().map(|plan| Stage::build(plan, make, linear));
        Ok(Self {
            stages: stages.collect::<Result<_>>()?,
            head: Head::new(&config.head(), "fc", config.n_features(), n_classes, vb)?,
            stage_dropout: config.stage_dropout,
            dropout: config.dropout,
            precision,
        })
    }
}

impl TrainableNet for Compact {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for (index, stage) in self.stages.iter().enumerate() {
            xs = stage.forward(xs, self.precision, ConvNorm::forward_train)?; // … (b, 6, 6, 256)
            if index + 1 < self.stages.len() {
                xs = dropout(&xs, self.stage_dropout, keep)?;
            }
        }
        let xs = dropout(&xs.mean((1, 2))?, self.dropout, keep)?; // (b, 256)
        self.head.forward_train(&xs, self.precision, keep) // (b, n_classes)
    }
}

/// The network for inference, batch normalisation folded away.
pub struct FoldedCompact {
    stages: Vec<Stage<FoldedConv>>,
    head: Head,
}

impl FoldedCompact {
    /// Folds finished weights, which must have the names and shapes of [`CompactConfig::weight_shapes`], and puts them
    /// on `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(
        config: &CompactConfig,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        // The number of input channels is in the weights; the plan's is not looked at.
        let plan = config.plan(1);
        let stages = plan.iter().map(|plan| {
            Stage::build(
                plan,
                |conv| weights.conv_norm(&conv.name, &conv.norm, 1, conv.after),
                |(name, _, _)| weights.linear(name),
            )
        });
        Ok(Self {
            stages: stages.collect::<Result<_>>()?,
            head: Head::finished(&config.head(), "fc", &weights)?,
        })
    }
}

impl InferenceNet for FoldedCompact {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, 48, 48, 1)
        for stage in &self.stages {
            xs = stage.forward(xs, Precision::F32, FoldedConv::forward)?; // … (b, 6, 6, 256)
        }
        self.head.forward(&xs.mean((1, 2))?) // (b, n_classes)
    }
}

#[cfg(test)]
mod tests;
