//! DenseNet-121, with torchvision's names of the weights, so that its files can be taken as first weights.
//!
//! ```text
//! (b, 1, h, w) ─ conv 7×7/2 64 → BN → ReLU ─ max-pool 3×3/2 ─ dense blocks of 6, 12, 24 and 16 layers ─ BN → ReLU
//!              ─ mean ─ head
//! dense layer:  BN → ReLU → conv 1×1 128 → BN → ReLU → conv 3×3 32, beside its input
//! between blocks: BN → ReLU → conv 1×1 to half the channels → 2×2 mean
//! ```
//!
//! The first kernels keep their three input channels; a grey image stands for three equal ones, so their sums over the
//! channels are what is convolved. Source: Huang et al. 2017, arXiv:1608.06993.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;

use super::{
    head::{Head, HeadConfig},
    kernels::{
        ConvConfig, FoldedConv, FoldedConvConfig, FoldedNorm, Precision, avg_pool, conv2d, max_pool,
    },
    layers::{After, BatchNorm, ConvNorm, ConvSize, FinishedWeights, WeightShapes, channels_last},
    network::{InferenceNet, TrainableNet},
};

const LAYERS: [usize; 4] = [6, 12, 24, 16];
/// Channels that a layer adds.
const GROWTH: usize = 32;
/// Channels between a layer's two convolutions.
const INNER: usize = 4 * GROWTH;
const STEM: ConvSize = ConvSize {
    c_in: 3,
    c_out: 64,
    kernel: 7,
    stride: 2,
};
const N_FEATURES: usize = 1024;

/// A step of the feature extractor with its name and input channels.
enum Step {
    Dense(String, usize),
    /// Between two blocks.
    Transition(String, usize),
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut channels = STEM.c_out;
    for (block, n_layers) in (1..).zip(LAYERS) {
        for layer in 1..=n_layers {
            let name = format!("features.denseblock{block}.denselayer{layer}");
            steps.push(Step::Dense(name, channels));
            channels += GROWTH;
        }
        if block < LAYERS.len() {
            steps.push(Step::Transition(
                format!("features.transition{block}"),
                channels,
            ));
            channels /= 2;
        }
    }
    steps
}

/// Names and shapes of all weights, in order.
pub fn weight_shapes(head: &HeadConfig, n_classes: usize) -> Vec<(String, Vec<usize>)> {
    let mut shapes = WeightShapes::default();
    shapes.conv("features.conv0", STEM.c_out, STEM.c_in, STEM.kernel);
    shapes.norm("features.norm0", STEM.c_out);
    for step in steps() {
        match step {
            Step::Dense(name, channels) => {
                shapes.norm(&format!("{name}.norm1"), channels);
                shapes.conv(&format!("{name}.conv1"), INNER, channels, 1);
                shapes.norm(&format!("{name}.norm2"), INNER);
                shapes.conv(&format!("{name}.conv2"), GROWTH, INNER, 3);
            }
            Step::Transition(name, channels) => {
                shapes.norm(&format!("{name}.norm"), channels);
                shapes.conv(&format!("{name}.conv"), channels / 2, channels, 1);
            }
        }
    }
    shapes.norm("features.norm5", N_FEATURES);
    head.declare("classifier", N_FEATURES, n_classes, &mut shapes);
    shapes.0
}

/// A step while it is trained.
enum TrainedStep {
    Dense {
        norm1: BatchNorm,
        /// With the second normalisation.
        conv1: ConvNorm,
        conv2: Tensor,
    },
    Transition {
        norm: BatchNorm,
        conv: Tensor,
    },
}

/// The network while it is trained.
pub struct Densenet {
    stem: ConvNorm,
    steps: Vec<TrainedStep>,
    norm5: BatchNorm,
    head: Head,
    precision: Precision,
}

impl Densenet {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        head: &HeadConfig,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let conv_norm = |size: ConvSize, conv: VarBuilder, norm: VarBuilder| {
            ConvNorm::new(size, After::Relu, precision, &conv, &norm)
        };
        let steps = steps().into_iter().map(|step| match step {
            Step::Dense(name, channels) => {
                let vb = vb.pp(name);
                let inner = ConvSize::new(channels, INNER, 1);
                Ok(TrainedStep::Dense {
                    norm1: BatchNorm::new(channels, &vb.pp("norm1"))?,
                    conv1: conv_norm(inner, vb.pp("conv1"), vb.pp("norm2"))?,
                    conv2: ConvSize::new(INNER, GROWTH, 3).weight(&vb.pp("conv2"))?,
                })
            }
            Step::Transition(name, channels) => {
                let vb = vb.pp(name);
                Ok(TrainedStep::Transition {
                    norm: BatchNorm::new(channels, &vb.pp("norm"))?,
                    conv: ConvSize::new(channels, channels / 2, 1).weight(&vb.pp("conv"))?,
                })
            }
        });
        let features = vb.pp("features");
        Ok(Self {
            stem: conv_norm(STEM, features.pp("conv0"), features.pp("norm0"))?,
            steps: steps.collect::<Result<_>>()?,
            norm5: BatchNorm::new(N_FEATURES, &features.pp("norm5"))?,
            head: Head::new(head, "classifier", N_FEATURES, n_classes, vb)?,
            precision,
        })
    }
}

impl TrainableNet for Densenet {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let config = ConvConfig {
            stride: 1,
            relu: false,
            precision: self.precision,
        };
        let xs = self.stem.forward_train_grey(&channels_last(xs)?)?; // (b, h/2, w/2, 64)
        let mut xs = max_pool(&xs, 3, 2, 1)?; // (b, h/4, w/4, 64)
        for step in &self.steps {
            xs = match step {
                TrainedStep::Dense {
                    norm1,
                    conv1,
                    conv2,
                } => {
                    let inner = conv1.forward_train(&norm1.forward_train(&xs, true, false)?)?;
                    Tensor::cat(&[&xs, &conv2d(&inner, conv2, None, config)?], 3)?
                }
                TrainedStep::Transition { norm, conv } => {
                    let ys = norm.forward_train(&xs, true, false)?;
                    avg_pool(&conv2d(&ys, conv, None, config)?, 2)? // … (b, h/32, w/32, 512)
                }
            };
        }
        let xs = self.norm5.forward_train(&xs, true, false)?; // (b, h/32, w/32, 1024)
        self.head
            .forward_train(&xs.mean((1, 2))?, self.precision, keep) // (b, n_classes)
    }
}

/// A step by finished weights.
enum FoldedStep {
    Dense {
        norm1: FoldedNorm,
        conv1: FoldedConv,
        conv2: FoldedConv,
    },
    Transition {
        norm: FoldedNorm,
        conv: FoldedConv,
    },
}

/// The network for inference, batch normalisation folded away where it follows a convolution.
pub struct FoldedDensenet {
    stem: FoldedConv,
    steps: Vec<FoldedStep>,
    norm5: FoldedNorm,
    head: Head,
}

impl FoldedDensenet {
    /// Folds finished weights, which must have the names and shapes of [`weight_shapes`], and puts them on `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(
        head: &HeadConfig,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        let conv = |name: String| {
            let weight = weights.get(&format!("{name}.weight"))?;
            let no_bias = Tensor::zeros(weight.dims()[0], weight.dtype(), weight.device())?;
            let config = FoldedConvConfig {
                stride: 1,
                relu: false,
                pool: false,
            };
            weights.conv(&weight, &no_bias, config)
        };
        let norm = |name: &str| weights.norm(name, true, false);
        let steps = steps().into_iter().map(|step| match step {
            Step::Dense(name, _) => {
                let (conv1, norm2) = (format!("{name}.conv1"), format!("{name}.norm2"));
                Ok(FoldedStep::Dense {
                    norm1: norm(&format!("{name}.norm1"))?,
                    conv1: weights.conv_norm(&conv1, &norm2, 1, After::Relu)?,
                    conv2: conv(format!("{name}.conv2"))?,
                })
            }
            Step::Transition(name, _) => Ok(FoldedStep::Transition {
                norm: norm(&format!("{name}.norm"))?,
                conv: conv(format!("{name}.conv"))?,
            }),
        });
        let (conv0, norm0) = ("features.conv0", "features.norm0");
        Ok(Self {
            stem: weights.grey_conv_norm(conv0, norm0, STEM.stride, After::Relu)?,
            steps: steps.collect::<Result<_>>()?,
            norm5: norm("features.norm5")?,
            head: Head::finished(head, "classifier", &weights)?,
        })
    }
}

impl InferenceNet for FoldedDensenet {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let xs = self.stem.forward(&channels_last(xs)?)?; // (b, h/2, w/2, 64)
        let mut xs = max_pool(&xs, 3, 2, 1)?; // (b, h/4, w/4, 64)
        for step in &self.steps {
            xs = match step {
                FoldedStep::Dense {
                    norm1,
                    conv1,
                    conv2,
                } => {
                    let inner = conv1.forward(&norm1.forward(&xs)?)?;
                    Tensor::cat(&[&xs, &conv2.forward(&inner)?], 3)?
                }
                FoldedStep::Transition { norm, conv } => {
                    avg_pool(&conv.forward(&norm.forward(&xs)?)?, 2)? // … (b, h/32, w/32, 512)
                }
            };
        }
        let xs = self.norm5.forward(&xs)?; // (b, h/32, w/32, 1024)
        self.head.forward(&xs.mean((1, 2))?) // (b, n_classes)
    }
}
