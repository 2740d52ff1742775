//! A network while it is trained.

use candle_core::{Result, Tensor, Var};
use candle_nn::{Init, VarBuilder};

use super::{
    layer::{After, BATCH_NORM_EPSILON, ConvSpec, Layer, LinearSpec, NormSpec},
    step::{Keep, Linear, Step, Weights, channels_last, flatten, gray_kernels, run, steps},
};
use crate::model::kernels::{
    BatchNormConfig, BatchStatistics, ConvConfig, ConvNormConfig, Precision, batch_norm, conv_norm,
    conv2d, without_stride,
};

/// Weight of the newest batch in the running estimates, PyTorch's default.
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// A network for training.
pub struct TrainableNet {
    steps: Vec<Step>,
}

impl TrainableNet {
    /// Takes the weights from `vb`, or makes them there.
    pub(super) fn new(layers: &[Layer], precision: Precision, vb: &VarBuilder) -> Result<Self> {
        let steps = steps(layers, &Training { vb, precision })?;
        Ok(Self { steps })
    }

    /// Images `(b, channels, height, width)` to logits `(b, n_classes)`, normalized by the batch's own statistics. Moves
    /// the running estimates.
    ///
    /// `keep(shape, rate)` makes a dropout mask: 0 with probability `rate`, else `1 / (1 - rate)`. It comes from
    /// outside so that a run can be repeated: candle's CPU random numbers cannot be seeded.
    ///
    /// # Errors
    /// If the input has another shape than the network was made for.
    pub fn forward_train(&self, xs: &Tensor, keep: &mut Keep<'_>) -> Result<Tensor> {
        run(&self.steps, &channels_last(xs)?, keep)
    }
}

/// Weights that are trained.
struct Training<'a> {
    vb: &'a VarBuilder<'a>,
    precision: Precision,
}

impl Training<'_> {
    fn kernels(&self, conv: &ConvSpec) -> Result<Tensor> {
        let shape = (conv.c_out, conv.c_in, conv.kernel, conv.kernel);
        self.vb.pp(&conv.name).get(shape, "weight")
    }
}

impl Weights for Training<'_> {
    fn conv_norm(&self, conv: &ConvSpec, norm: &NormSpec, after: After) -> Result<Step> {
        let weight = self.kernels(conv)?;
        let norm = BatchNorm::new(norm, self.vb)?;
        let (stride, gray) = (conv.stride, conv.gray);
        let config = ConvNormConfig {
            epsilon: BATCH_NORM_EPSILON,
            relu: after.relu(),
            pool: after.pool(),
            precision: self.precision,
        };
        Ok(Box::new(move |xs, _| {
            let (xs, weight) = without_stride(xs, &effective(&weight, gray)?, stride)?;
            let (ys, batch) = conv_norm(&xs, &weight, &norm.affine()?, config)?;
            norm.update(&batch)?;
            Ok(ys)
        }))
    }

    fn conv(&self, conv: &ConvSpec, bias: bool, relu: bool) -> Result<Step> {
        let weight = self.kernels(conv)?;
        let bias = bias.then(|| self.vb.pp(&conv.name).get(conv.c_out, "bias"));
        let bias = bias.transpose()?;
        let gray = conv.gray;
        let config = ConvConfig {
            stride: conv.stride,
            relu,
            precision: self.precision,
        };
        Ok(Box::new(move |xs, _| {
            conv2d(xs, &effective(&weight, gray)?, bias.as_ref(), config)
        }))
    }

    fn norm(&self, norm: &NormSpec, relu: bool, pool: bool) -> Result<Step> {
        let norm = BatchNorm::new(norm, self.vb)?;
        Ok(Box::new(move |xs, _| norm.forward(xs, relu, pool)))
    }

    fn linear(&self, linear: &LinearSpec) -> Result<Linear> {
        let vb = self.vb.pp(&linear.name);
        Ok(Linear {
            weight: vb.get((linear.n_out, linear.n_in), "weight")?,
            bias: vb.get(linear.n_out, "bias")?,
            precision: self.precision,
        })
    }

    fn linear_of_image(&self, linear: &LinearSpec, _channels: usize) -> Result<Step> {
        let linear = self.linear(linear)?;
        Ok(Box::new(move |xs, _| linear.forward(&flatten(xs)?)))
    }

    fn linear_norm(&self, linear: &LinearSpec, norm: &NormSpec) -> Result<Step> {
        let linear = self.linear(linear)?;
        let norm = BatchNorm::new(norm, self.vb)?;
        Ok(Box::new(move |xs, _| {
            norm.forward(&linear.forward(xs)?, true, false)
        }))
    }

    fn dropout(&self, rate: f32) -> Step {
        Box::new(move |xs, keep| {
            if rate == 0.0 {
                return Ok(xs.clone());
            }
            xs * keep(xs.dims(), rate)?
        })
    }

    fn dropout2d(&self, rate: f32) -> Step {
        Box::new(move |xs, keep| {
            if rate == 0.0 {
                return Ok(xs.clone());
            }
            let (batch, _, _, channels) = xs.dims4()?;
            xs.broadcast_mul(&keep(&[batch, 1, 1, channels], rate)?)
        })
    }
}

/// The kernels that are convolved with.
fn effective(weight: &Tensor, gray: bool) -> Result<Tensor> {
    if gray {
        gray_kernels(weight)
    } else {
        Ok(weight.clone())
    }
}

/// Batch normalization and its running estimates.
struct BatchNorm {
    gamma: Tensor,
    beta: Tensor,
    running_mean: Var,
    running_var: Var,
}

impl BatchNorm {
    fn new(norm: &NormSpec, vb: &VarBuilder) -> Result<Self> {
        let vb = vb.pp(&norm.name);
        let get =
            |name: &str, first: f64| vb.get_with_hints(norm.channels, name, Init::Const(first));
        Ok(Self {
            gamma: get("weight", 1.0)?,
            beta: get("bias", 0.0)?,
            running_mean: Var::from_tensor(&get("running_mean", 0.0)?)?,
            running_var: Var::from_tensor(&get("running_var", 1.0)?)?,
        })
    }

    /// `(b, h, w, c)` or `(b, c)`, normalized by the batch's own statistics; moves the running estimates.
    fn forward(&self, xs: &Tensor, relu: bool, pool: bool) -> Result<Tensor> {
        let config = BatchNormConfig {
            epsilon: BATCH_NORM_EPSILON,
            relu,
            pool,
        };
        let (ys, batch) = batch_norm(xs, &self.affine()?, config)?;
        self.update(&batch)?;
        Ok(ys)
    }

    fn affine(&self) -> Result<Tensor> {
        Tensor::stack(&[&self.gamma, &self.beta], 0)
    }

    /// Moves the running estimates a step toward a batch's statistics.
    fn update(&self, batch: &BatchStatistics) -> Result<()> {
        // The running variance estimates that of the data, so it is corrected for the batch's size, as PyTorch does.
        let correction = batch.n_values as f32 / (batch.n_values - 1).max(1) as f32;
        let unbiased: Vec<f32> = batch
            .variance
            .iter()
            .map(|variance| variance * correction)
            .collect();
        blend(&self.running_mean, &batch.mean)?;
        blend(&self.running_var, &unbiased)
    }
}

/// Moves a running estimate a step toward the newest value.
fn blend(running: &Var, newest: &[f32]) -> Result<()> {
    let newest = Tensor::from_slice(newest, running.dims(), running.device())?;
    let kept = (running.as_detached_tensor() * (1.0 - BATCH_NORM_MOMENTUM))?;
    running.set(&(kept + (newest * BATCH_NORM_MOMENTUM)?)?)
}
