//! ResNet-18 and ResNet-50, with torchvision's names of the weights, so that its files can be taken as first weights.
//!
//! ```text
//! (b, 1, h, w) ─ conv 7×7/2 64 → BN → ReLU ─ max-pool 3×3/2 ─ four stages of residual blocks ─ mean ─ head
//! ```
//!
//! The first kernels keep their three input channels; a grey image stands for three equal ones, so their sums over the
//! channels are what is convolved. Source: He et al. 2016, arXiv:1512.03385; as in torchvision, a bottleneck's stride
//! lies in its 3×3 convolution.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;

use super::{
    head::{Head, HeadConfig},
    kernels::{FoldedConv, Precision, max_pool},
    layers::{After, ConvNorm, ConvSize, FinishedWeights, WeightShapes, channels_last},
    network::{InferenceNet, TrainableNet},
};

/// Channels of the stem, and of the first stage's inner convolutions.
const STEM_CHANNELS: usize = 64;
const STEM: ConvSize = ConvSize {
    c_in: 3,
    c_out: STEM_CHANNELS,
    kernel: 7,
    stride: 2,
};

/// Which ResNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResnetDepth {
    /// Eight basic blocks.
    Eighteen,
    /// Sixteen bottlenecks.
    Fifty,
}

/// A residual block: its convolutions, each with normalisation, and the one on its short cut.
struct BlockPlan {
    name: String,
    convolutions: Vec<ConvSize>,
    downsample: Option<ConvSize>,
}

impl BlockPlan {
    /// Name of convolution, name of normalisation, sizes and what follows, of each convolution in order.
    fn parts(&self) -> impl Iterator<Item = (String, String, ConvSize, After)> {
        let last = self.convolutions.len();
        let parts = (1..).zip(&self.convolutions).map(move |(number, size)| {
            let after = if number == last {
                After::Nothing
            } else {
                After::Relu
            };
            let (conv, norm) = (
                format!("{}.conv{number}", self.name),
                format!("{}.bn{number}", self.name),
            );
            (conv, norm, *size, after)
        });
        parts.chain(self.downsample.map(|size| {
            let (conv, norm) = (
                format!("{}.downsample.0", self.name),
                format!("{}.downsample.1", self.name),
            );
            (conv, norm, size, After::Nothing)
        }))
    }
}

impl ResnetDepth {
    fn blocks_per_stage(self) -> [usize; 4] {
        match self {
            Self::Eighteen => [2, 2, 2, 2],
            Self::Fifty => [3, 4, 6, 3],
        }
    }

    /// Channels that a block leaves for each of its inner ones.
    fn expansion(self) -> usize {
        match self {
            Self::Eighteen => 1,
            Self::Fifty => 4,
        }
    }

    fn n_features(self) -> usize {
        STEM_CHANNELS * 8 * self.expansion()
    }

    fn plan(self) -> Vec<BlockPlan> {
        let mut c_in = STEM_CHANNELS;
        let mut plan = Vec::new();
        for (stage, n_blocks) in self.blocks_per_stage().into_iter().enumerate() {
            let inner = STEM_CHANNELS << stage;
            let c_out = inner * self.expansion();
            for block in 0..n_blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let strided = |c_in: usize, c_out: usize, kernel: usize| ConvSize {
                    stride,
                    ..ConvSize::new(c_in, c_out, kernel)
                };
                plan.push(BlockPlan {
                    name: format!("layer{}.{block}", stage + 1),
                    convolutions: match self {
                        Self::Eighteen => {
                            vec![strided(c_in, inner, 3), ConvSize::new(inner, c_out, 3)]
                        }
                        Self::Fifty => vec![
                            ConvSize::new(c_in, inner, 1),
                            strided(inner, inner, 3),
                            ConvSize::new(inner, c_out, 1),
                        ],
                    },
                    downsample: (stride > 1 || c_in != c_out).then(|| strided(c_in, c_out, 1)),
                });
                c_in = c_out;
            }
        }
        plan
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(self, head: &HeadConfig, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = WeightShapes::default();
        shapes.conv("conv1", STEM.c_out, STEM.c_in, STEM.kernel);
        shapes.norm("bn1", STEM.c_out);
        for block in self.plan() {
            for (conv, norm, size, _) in block.parts() {
                shapes.conv(&conv, size.c_out, size.c_in, size.kernel);
                shapes.norm(&norm, size.c_out);
            }
        }
        head.declare("fc", self.n_features(), n_classes, &mut shapes);
        shapes.0
    }
}

/// The blocks of a network; `C` is a convolution, in training or finished.
struct Block<C> {
    convolutions: Vec<C>,
    downsample: Option<C>,
}

impl<C> Block<C> {
    fn build(
        plan: &BlockPlan,
        mut make: impl FnMut(&str, &str, ConvSize, After) -> Result<C>,
    ) -> Result<Self> {
        let mut convolutions = plan
            .parts()
            .map(|(conv, norm, size, after)| make(&conv, &norm, size, after))
            .collect::<Result<Vec<_>>>()?;
        let downsample = match plan.downsample {
            Some(_) => convolutions.pop(),
            None => None,
        };
        Ok(Self {
            convolutions,
            downsample,
        })
    }

    fn forward(
        &self,
        xs: &Tensor,
        apply: impl Fn(&C, &Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let mut ys = xs.clone();
        for conv in &self.convolutions {
            ys = apply(conv, &ys)?;
        }
        let short_cut = match &self.downsample {
            Some(conv) => apply(conv, xs)?,
            None => xs.clone(),
        };
        (ys + short_cut)?.relu()
    }
}

/// The network while it is trained.
pub struct Resnet {
    stem: ConvNorm,
    blocks: Vec<Block<ConvNorm>>,
    head: Head,
    precision: Precision,
}

impl Resnet {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        depth: ResnetDepth,
        head: &HeadConfig,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let make = |conv: &str, norm: &str, size: ConvSize, after: After| {
            ConvNorm::new(size, after, precision, &vb.pp(conv), &vb.pp(norm))
        };
        let blocks = depth.plan();
        let blocks = blocks.iter().map(|plan| Block::build(plan, make));
        Ok(Self {
            stem: make("conv1", "bn1", STEM, After::Relu)?,
            blocks: blocks.collect::<Result<_>>()?,
            head: Head::new(head, "fc", depth.n_features(), n_classes, vb)?,
            precision,
        })
    }
}

impl TrainableNet for Resnet {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let xs = self.stem.forward_train_grey(&channels_last(xs)?)?; // (b, h/2, w/2, 64)
        let mut xs = max_pool(&xs, 3, 2, 1)?; // (b, h/4, w/4, 64)
        for block in &self.blocks {
            xs = block.forward(&xs, ConvNorm::forward_train)?; // … (b, h/32, w/32, n_features)
        }
        self.head
            .forward_train(&xs.mean((1, 2))?, self.precision, keep) // (b, n_classes)
    }
}

/// The network for inference, batch normalisation folded away.
pub struct FoldedResnet {
    stem: FoldedConv,
    blocks: Vec<Block<FoldedConv>>,
    head: Head,
}

impl FoldedResnet {
    /// Folds finished weights, which must have the names and shapes of [`ResnetDepth::weight_shapes`], and puts them
    /// on `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(
        depth: ResnetDepth,
        head: &HeadConfig,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        let blocks = depth.plan();
        let blocks = blocks.iter().map(|plan| {
            Block::build(plan, |conv, norm, size, after| {
                weights.conv_norm(conv, norm, size.stride, after)
            })
        });
        Ok(Self {
            stem: weights.grey_conv_norm("conv1", "bn1", STEM.stride, After::Relu)?,
            blocks: blocks.collect::<Result<_>>()?,
            head: Head::finished(head, "fc", &weights)?,
        })
    }
}

impl InferenceNet for FoldedResnet {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let xs = self.stem.forward(&channels_last(xs)?)?; // (b, h/2, w/2, 64)
        let mut xs = max_pool(&xs, 3, 2, 1)?; // (b, h/4, w/4, 64)
        for block in &self.blocks {
            xs = block.forward(&xs, FoldedConv::forward)?; // … (b, h/32, w/32, n_features)
        }
        self.head.forward(&xs.mean((1, 2))?) // (b, n_classes)
    }
}
