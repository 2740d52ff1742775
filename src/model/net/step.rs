//! From described layers to steps that run, whether the network trains or infers.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;

use super::layer::{After, ConvSpec, Layer, LinearSpec, NormSpec};
use crate::model::kernels::{Precision, adaptive_avg_pool, add_relu, avg_pool, linear, max_pool};

/// Makes a dropout mask of a shape: 0 with this probability, else `1 / (1 - probability)`.
pub type Keep<'a> = dyn FnMut(&[usize], f32) -> Result<Tensor> + 'a;

/// A layer that is ready to run.
pub(super) type Step = Box<dyn Fn(&Tensor, &mut Keep<'_>) -> Result<Tensor> + Send>;

/// Makes steps of the layers that have weights, or that only training has.
pub(super) trait Weights {
    fn conv_norm(&self, conv: &ConvSpec, norm: &NormSpec, after: After) -> Result<Step>;
    fn conv(&self, conv: &ConvSpec, bias: bool, relu: bool) -> Result<Step>;
    fn norm(&self, norm: &NormSpec, relu: bool, pool: bool) -> Result<Step>;
    fn linear(&self, linear: &LinearSpec) -> Result<Linear>;
    fn linear_of_image(&self, linear: &LinearSpec, channels: usize) -> Result<Step>;
    fn linear_norm(&self, linear: &LinearSpec, norm: &NormSpec) -> Result<Step>;
    fn dropout(&self, rate: f32) -> Step;
    fn dropout2d(&self, rate: f32) -> Step;
}

/// A linear layer with its weights.
pub(super) struct Linear {
    pub weight: Tensor,
    pub bias: Tensor,
    pub precision: Precision,
}

impl Linear {
    /// `(b, n_in)` to `(b, n_out)`.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        linear(xs, &self.weight, &self.bias, self.precision)
    }
}

/// `(b, c, h, w)`, as images come, to `(b, h, w, c)`, as the kernels want them.
pub(super) fn channels_last(xs: &Tensor) -> Result<Tensor> {
    xs.permute((0, 2, 3, 1))?.contiguous()
}

/// `(b, h, w, c)` to `(b, c·h·w)`, the order of the weights in checkpoints.
pub(super) fn flatten(xs: &Tensor) -> Result<Tensor> {
    xs.permute((0, 3, 1, 2))?.contiguous()?.flatten_from(1)
}

/// Kernels for one channel that counts as several equal ones: `(c_out, c_in, k, k)` to `(c_out, 1, k, k)`.
pub(super) fn gray_kernels(weight: &Tensor) -> Result<Tensor> {
    weight.sum_keepdim(1)
}

/// Runs steps one after the other.
pub(super) fn run(steps: &[Step], xs: &Tensor, keep: &mut Keep<'_>) -> Result<Tensor> {
    let mut xs = xs.clone();
    for step in steps {
        xs = step(&xs, keep)?;
    }
    Ok(xs)
}

/// Makes steps of layers.
///
/// # Errors
/// If a weight is missing or has another shape.
pub(super) fn steps(layers: &[Layer], weights: &impl Weights) -> Result<Vec<Step>> {
    layers.iter().map(|layer| step(layer, weights)).collect()
}

fn step(layer: &Layer, weights: &impl Weights) -> Result<Step> {
    Ok(match layer {
        Layer::ConvNorm(conv, norm, after) => weights.conv_norm(conv, norm, *after)?,
        Layer::Conv { conv, bias, relu } => weights.conv(conv, *bias, *relu)?,
        Layer::Norm { norm, relu, pool } => weights.norm(norm, *relu, *pool)?,
        Layer::Linear(linear) => {
            let linear = weights.linear(linear)?;
            Box::new(move |xs, _| linear.forward(xs))
        }
        Layer::LinearOfImage(linear, channels) => weights.linear_of_image(linear, *channels)?,
        Layer::LinearNorm(linear, norm) => weights.linear_norm(linear, norm)?,
        Layer::Dropout(rate) => weights.dropout(*rate),
        Layer::Dropout2d(rate) => weights.dropout2d(*rate),
        Layer::Relu => Box::new(|xs, _| xs.relu()),
        Layer::Flatten => Box::new(|xs, _| flatten(xs)),
        Layer::Mean => Box::new(|xs, _| xs.mean((1, 2))),
        Layer::AdaptiveAvgPool(side) => {
            let side = *side;
            Box::new(move |xs, _| adaptive_avg_pool(xs, side))
        }
        Layer::AvgPool(side) => {
            let side = *side;
            Box::new(move |xs, _| avg_pool(xs, side))
        }
        Layer::MaxPool {
            side,
            stride,
            padding,
        } => {
            let (side, stride, padding) = (*side, *stride, *padding);
            Box::new(move |xs, _| max_pool(xs, side, stride, padding))
        }
        Layer::Residual {
            body,
            projection,
            pool,
        } => {
            let (body, projection) = (steps(body, weights)?, steps(projection, weights)?);
            let pool = *pool;
            Box::new(move |xs, keep| {
                let ys = run(&body, xs, keep)?;
                add_relu(&ys, &run(&projection, xs, keep)?, pool)
            })
        }
        Layer::Concat(body) => {
            let body = steps(body, weights)?;
            Box::new(move |xs, keep| Tensor::cat(&[xs, &run(&body, xs, keep)?], 3))
        }
        Layer::ChannelGate { squeeze, excite } => {
            let (squeeze, excite) = (weights.linear(squeeze)?, weights.linear(excite)?);
            Box::new(move |xs, _| gate_channels(xs, &squeeze, &excite))
        }
    })
}

/// Multiplies each channel of `xs` `(b, h, w, c)` by a factor of 0 to 1 that depends on the means of all channels.
fn gate_channels(xs: &Tensor, squeeze: &Linear, excite: &Linear) -> Result<Tensor> {
    let (batch, _, _, channels) = xs.dims4()?;
    let hidden = squeeze.forward(&xs.mean((1, 2))?)?.relu()?; // (b, squeezed)
    let factors = sigmoid(&excite.forward(&hidden)?)?; // (b, c)
    xs.broadcast_mul(&factors.reshape((batch, 1, 1, channels))?)
}
