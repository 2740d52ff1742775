//! VGG-16 and VGG-19, with torchvision's names of the weights, so that its files can be taken as first weights.
//!
//! ```text
//! (b, 1, h, w) ─ five stages of [conv 3×3 → ReLU] × 2 to 4 and max-pool ─ adaptive mean ─ flatten ─ head
//! ```
//!
//! The first kernels keep their three input channels; a grey image stands for three equal ones, so their sums over the
//! channels are what is convolved. Source: Simonyan and Zisserman 2015, arXiv:1409.1556.

use std::collections::HashMap;

use candle_core::{Device, Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use super::{
    head::{Head, HeadConfig},
    kernels::{
        ConvConfig, FoldedConv, FoldedConvConfig, Precision, adaptive_avg_pool, conv2d, max_pool,
    },
    layers::{ConvSize, FinishedWeights, WeightShapes, channels_last, flatten, grey_kernels},
    network::{InferenceNet, TrainableNet},
};

const KERNEL: usize = 3;
const STAGE_CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Which VGG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VggDepth {
    /// Thirteen convolutions.
    Sixteen,
    /// Sixteen convolutions.
    Nineteen,
}

/// Sizes of what follows the convolutions, stored in the checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VggConfig {
    /// Side of the image that is flattened; areas are averaged, or pixels repeated, to reach it. 7 in torchvision,
    /// where inputs of 224 pixels have it by themselves; inputs of 48 leave 1.
    pub pooled_side: usize,
    /// The linear layers.
    pub head: HeadConfig,
}

impl VggConfig {
    fn n_features(&self) -> usize {
        STAGE_CHANNELS[4] * self.pooled_side * self.pooled_side
    }
}

/// A step of the feature extractor.
enum Step {
    /// With its name.
    Conv(String, ConvSize),
    Pool,
}

impl VggDepth {
    fn steps(self) -> Vec<Step> {
        let n_convolutions = match self {
            Self::Sixteen => [2, 2, 3, 3, 3],
            Self::Nineteen => [2, 2, 4, 4, 4],
        };
        let mut steps = Vec::new();
        // Places in torchvision's list, where a convolution's ReLU has its own.
        let (mut place, mut c_in) = (0, 3);
        for (c_out, n) in STAGE_CHANNELS.into_iter().zip(n_convolutions) {
            for _ in 0..n {
                let size = ConvSize::new(c_in, c_out, KERNEL);
                steps.push(Step::Conv(format!("features.{place}"), size));
                place += 2;
                c_in = c_out;
            }
            steps.push(Step::Pool);
            place += 1;
        }
        steps
    }

    /// Names and shapes of all weights, in order.
    pub fn weight_shapes(self, config: &VggConfig, n_classes: usize) -> Vec<(String, Vec<usize>)> {
        let mut shapes = WeightShapes::default();
        for step in self.steps() {
            if let Step::Conv(name, size) = step {
                shapes.conv(&name, size.c_out, size.c_in, KERNEL);
                shapes.bias(&name, size.c_out);
            }
        }
        let n_features = config.n_features();
        config
            .head
            .declare("classifier", n_features, n_classes, &mut shapes);
        shapes.0
    }
}

/// The largest of each 2×2 square; a rest at the border is left out.
fn pool(xs: &Tensor) -> Result<Tensor> {
    max_pool(xs, 2, 2, 0)
}

/// The network while it is trained.
pub struct Vgg {
    /// Kernels and biases; none for pooling.
    steps: Vec<Option<(Tensor, Tensor)>>,
    pooled_side: usize,
    head: Head,
    precision: Precision,
}

impl Vgg {
    /// Takes the weights from `vb`, or makes them there.
    ///
    /// # Errors
    /// If `vb` holds weights of other shapes.
    pub fn new(
        depth: VggDepth,
        config: &VggConfig,
        n_classes: usize,
        precision: Precision,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let steps = depth.steps().into_iter().map(|step| match step {
            Step::Conv(name, size) => {
                let vb = vb.pp(name);
                Ok(Some((size.weight(&vb)?, vb.get(size.c_out, "bias")?)))
            }
            Step::Pool => Ok(None),
        });
        let n_features = config.n_features();
        Ok(Self {
            steps: steps.collect::<Result<_>>()?,
            pooled_side: config.pooled_side,
            head: Head::new(&config.head, "classifier", n_features, n_classes, vb)?,
            precision,
        })
    }
}

impl TrainableNet for Vgg {
    fn forward_train(
        &self,
        xs: &Tensor,
        keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let config = ConvConfig {
            stride: 1,
            relu: true,
            precision: self.precision,
        };
        let mut xs = channels_last(xs)?; // (b, h, w, 1)
        for (number, step) in self.steps.iter().enumerate() {
            xs = match step {
                Some((weight, bias)) if number == 0 => {
                    conv2d(&xs, &grey_kernels(weight)?, Some(bias), config)?
                }
                Some((weight, bias)) => conv2d(&xs, weight, Some(bias), config)?,
                None => pool(&xs)?, // … (b, h/32, w/32, 512)
            };
        }
        let xs = flatten(&adaptive_avg_pool(&xs, self.pooled_side)?)?;
        self.head.forward_train(&xs, self.precision, keep) // (b, n_classes)
    }
}

/// The network for inference.
pub struct FoldedVgg {
    /// None for pooling.
    steps: Vec<Option<FoldedConv>>,
    pooled_side: usize,
    head: Head,
}

impl FoldedVgg {
    /// Takes finished weights, which must have the names and shapes of [`VggDepth::weight_shapes`], to `device`.
    ///
    /// # Errors
    /// If a weight is missing or does not fit.
    pub fn new(
        depth: VggDepth,
        config: &VggConfig,
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let weights = FinishedWeights { weights, device };
        let steps = depth.steps().into_iter().enumerate();
        let steps = steps.map(|(number, step)| {
            let Step::Conv(name, _) = step else {
                return Ok(None);
            };
            let weight = weights.get(&format!("{name}.weight"))?;
            let weight = if number == 0 {
                grey_kernels(&weight)?
            } else {
                weight
            };
            let bias = weights.get(&format!("{name}.bias"))?;
            weights
                .conv(&weight, &bias, FoldedConvConfig::RELU)
                .map(Some)
        });
        Ok(Self {
            steps: steps.collect::<Result<_>>()?,
            pooled_side: config.pooled_side,
            head: Head::finished(&config.head, "classifier", &weights)?,
        })
    }
}

impl InferenceNet for FoldedVgg {
    fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut xs = channels_last(xs)?; // (b, h, w, 1)
        for step in &self.steps {
            xs = match step {
                Some(conv) => conv.forward(&xs)?,
                None => pool(&xs)?, // … (b, h/32, w/32, 512)
            };
        }
        let xs = flatten(&adaptive_avg_pool(&xs, self.pooled_side)?)?;
        self.head.forward(&xs) // (b, n_classes)
    }
}
