//! Layers that the networks share: while they are trained, and finished, with normalisation folded away.
//!
//! Inside a network images are `(b, h, w, c)`. Trained layers take their weights from a [`VarBuilder`]; finished ones
//! from [`FinishedWeights`]. Names are given by the networks, because they are the checkpoint format.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, Var, bail};
use candle_nn::{Init, VarBuilder};

use super::kernels::{
    self, BatchNormConfig, BatchStatistics, ConvNormConfig, FoldedConv, FoldedConvConfig,
    FoldedNorm, Precision, batch_norm, conv_norm, without_stride,
};

/// Added to the variance before its root, PyTorch's default.
const BATCH_NORM_EPSILON: f32 = 1e-5;
/// Weight of the newest batch in the running estimates, PyTorch's default.
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// `(b, c, h, w)` to `(b, h, w, c)`, as the kernels want it.
pub(super) fn channels_last(xs: &Tensor) -> Result<Tensor> {
    xs.permute((0, 2, 3, 1))?.contiguous()
}

/// `(b, h, w, c)` to `(b, c·h·w)`, the order of the weights in checkpoints.
pub(super) fn flatten(xs: &Tensor) -> Result<Tensor> {
    xs.permute((0, 3, 1, 2))?.contiguous()?.flatten_from(1)
}

/// Drops each value of `xs` with probability `rate`, by a mask of `keep`'s.
pub(super) fn dropout(
    xs: &Tensor,
    rate: f32,
    keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
) -> Result<Tensor> {
    if rate == 0.0 {
        return Ok(xs.clone());
    }
    xs * keep(xs.dims(), rate)?
}

/// Drops whole channels of `xs` `(b, h, w, c)` with probability `rate`, by a mask of `keep`'s.
pub(super) fn dropout2d(
    xs: &Tensor,
    rate: f32,
    keep: &mut dyn FnMut(&[usize], f32) -> Result<Tensor>,
) -> Result<Tensor> {
    if rate == 0.0 {
        return Ok(xs.clone());
    }
    let (batch, _, _, channels) = xs.dims4()?;
    xs.broadcast_mul(&keep(&[batch, 1, 1, channels], rate)?)
}

/// Names and shapes of a network's weights, as they are declared.
#[derive(Debug, Default)]
pub(super) struct WeightShapes(pub Vec<(String, Vec<usize>)>);

impl WeightShapes {
    /// Kernels `(c_out, c_in, k, k)` without bias.
    pub fn conv(&mut self, name: &str, c_out: usize, c_in: usize, kernel: usize) {
        self.push(name, "weight", vec![c_out, c_in, kernel, kernel]);
    }

    /// One bias for each result.
    pub fn bias(&mut self, name: &str, n: usize) {
        self.push(name, "bias", vec![n]);
    }

    /// Batch normalisation.
    pub fn norm(&mut self, name: &str, channels: usize) {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            self.push(name, part, vec![channels]);
        }
    }

    /// A linear layer.
    pub fn linear(&mut self, name: &str, n_out: usize, n_in: usize) {
        self.push(name, "weight", vec![n_out, n_in]);
        self.bias(name, n_out);
    }

    fn push(&mut self, name: &str, part: &str, shape: Vec<usize>) {
        self.0.push((format!("{name}.{part}"), shape));
    }
}

/// Batch normalisation while it is trained.
pub(super) struct BatchNorm {
    gamma: Tensor,
    beta: Tensor,
    running_mean: Var,
    running_var: Var,
}

impl BatchNorm {
    pub fn new(channels: usize, vb: &VarBuilder) -> Result<Self> {
        let get = |name: &str, first: f64| vb.get_with_hints(channels, name, Init::Const(first));
        Ok(Self {
            gamma: get("weight", 1.0)?,
            beta: get("bias", 0.0)?,
            running_mean: Var::from_tensor(&get("running_mean", 0.0)?)?,
            running_var: Var::from_tensor(&get("running_var", 1.0)?)?,
        })
    }

    /// `(b, h, w, c)` or `(b, c)`, normalised by the batch's own statistics; moves the running estimates.
    pub fn forward_train(&self, xs: &Tensor, relu: bool, pool: bool) -> Result<Tensor> {
        let config = BatchNormConfig {
            epsilon: BATCH_NORM_EPSILON,
            relu,
            pool,
        };
        let (ys, batch) = batch_norm(xs, &self.affine()?, config)?;
        self.note(&batch)?;
        Ok(ys)
    }

    fn affine(&self) -> Result<Tensor> {
        Tensor::stack(&[&self.gamma, &self.beta], 0)
    }

    /// Moves the running estimates a step towards a batch's statistics.
    fn note(&self, batch: &BatchStatistics) -> Result<()> {
        // The running variance estimates the data's, so it is corrected for the batch's size, as PyTorch does.
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

/// Moves a running estimate a step towards the newest value.
fn blend(running: &Var, newest: &[f32]) -> Result<()> {
    let newest = Tensor::from_slice(newest, running.dims(), running.device())?;
    let kept = (running.as_detached_tensor() * (1.0 - BATCH_NORM_MOMENTUM))?;
    running.set(&(kept + (newest * BATCH_NORM_MOMENTUM)?)?)
}

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvSize {
    pub c_in: usize,
    pub c_out: usize,
    /// Side of the kernel, odd.
    pub kernel: usize,
    /// Pixels from one result to the next.
    pub stride: usize,
}

impl ConvSize {
    /// A convolution whose results are as large as its inputs.
    pub fn new(c_in: usize, c_out: usize, kernel: usize) -> Self {
        Self {
            c_in,
            c_out,
            kernel,
            stride: 1,
        }
    }

    /// The kernels, taken from `vb` or made there.
    pub fn weight(&self, vb: &VarBuilder) -> Result<Tensor> {
        vb.get((self.c_out, self.c_in, self.kernel, self.kernel), "weight")
    }
}

/// What follows a normalised convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing.
    Nothing,
    /// Negative values become zero.
    Relu,
    /// The same, and the largest of each 2×2 square is kept.
    ReluPool,
}

impl After {
    fn relu(self) -> bool {
        self != Self::Nothing
    }

    fn pool(self) -> bool {
        self == Self::ReluPool
    }
}

/// Convolution without bias, batch normalisation and what follows, while they are trained.
pub(super) struct ConvNorm {
    weight: Tensor,
    norm: BatchNorm,
    stride: usize,
    after: After,
    precision: Precision,
}

impl ConvNorm {
    pub fn new(
        size: ConvSize,
        after: After,
        precision: Precision,
        conv: &VarBuilder,
        norm: &VarBuilder,
    ) -> Result<Self> {
        Ok(Self {
            weight: size.weight(conv)?,
            norm: BatchNorm::new(size.c_out, norm)?,
            stride: size.stride,
            after,
            precision,
        })
    }

    /// `(b, h, w, c_in)` to `(b, h', w', c_out)`; moves the running estimates.
    pub fn forward_train(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_by(xs, &self.weight)
    }

    /// The same for a grey image, `(b, h, w, 1)`, which stands for `c_in` equal channels.
    pub fn forward_train_grey(&self, xs: &Tensor) -> Result<Tensor> {
        self.forward_by(xs, &grey_kernels(&self.weight)?)
    }

    fn forward_by(&self, xs: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let config = ConvNormConfig {
            epsilon: BATCH_NORM_EPSILON,
            relu: self.after.relu(),
            pool: self.after.pool(),
            precision: self.precision,
        };
        let (xs, weight) = without_stride(xs, weight, self.stride)?;
        let (ys, batch) = conv_norm(&xs, &weight, &self.norm.affine()?, config)?;
        self.norm.note(&batch)?;
        Ok(ys)
    }
}

/// Kernels for one channel that stands for several equal ones: `(c_out, c_in, k, k)` to `(c_out, 1, k, k)`.
pub(super) fn grey_kernels(weight: &Tensor) -> Result<Tensor> {
    weight.sum_keepdim(1)
}

/// A linear layer, in training and finished.
#[derive(Debug, Clone)]
pub(super) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub fn new(n_out: usize, n_in: usize, vb: &VarBuilder) -> Result<Self> {
        Ok(Self {
            weight: vb.get((n_out, n_in), "weight")?,
            bias: vb.get(n_out, "bias")?,
        })
    }

    /// `(b, n_in)` to `(b, n_out)`.
    pub fn forward(&self, xs: &Tensor, precision: Precision) -> Result<Tensor> {
        kernels::linear(xs, &self.weight, &self.bias, precision)
    }
}

/// The weights of a trained network, as f32, on their way to the device that infers.
pub(super) struct FinishedWeights<'a> {
    pub weights: &'a HashMap<String, Tensor>,
    pub device: &'a Device,
}

impl FinishedWeights<'_> {
    /// A weight on the CPU.
    ///
    /// # Errors
    /// If it is missing.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        match self.weights.get(name) {
            Some(weight) => weight.to_dtype(DType::F32),
            None => bail!("weight {name} is missing"),
        }
    }

    /// Factors and shifts that a normalisation comes to.
    fn scale_and_shift(&self, norm: &str) -> Result<(Tensor, Tensor)> {
        let get = |part: &str| self.get(&format!("{norm}.{part}"));
        let deviation = (get("running_var")? + f64::from(BATCH_NORM_EPSILON))?.sqrt()?;
        let scale = (get("weight")? / deviation)?;
        let shifted_mean = (get("running_mean")? * &scale)?;
        Ok((scale, (get("bias")? - shifted_mean)?))
    }

    /// A normalisation by itself.
    pub fn norm(&self, name: &str, relu: bool, pool: bool) -> Result<FoldedNorm> {
        let (scale, shift) = self.scale_and_shift(name)?;
        FoldedNorm::new(
            &scale.to_device(self.device)?,
            &shift.to_device(self.device)?,
            relu,
            pool,
        )
    }

    /// A convolution without bias and the normalisation after it.
    pub fn conv_norm(
        &self,
        conv: &str,
        norm: &str,
        stride: usize,
        after: After,
    ) -> Result<FoldedConv> {
        self.fold(self.get(&format!("{conv}.weight"))?, norm, stride, after)
    }

    /// The same for a grey image that stands for equal channels.
    pub fn grey_conv_norm(
        &self,
        conv: &str,
        norm: &str,
        stride: usize,
        after: After,
    ) -> Result<FoldedConv> {
        let weight = grey_kernels(&self.get(&format!("{conv}.weight"))?)?;
        self.fold(weight, norm, stride, after)
    }

    fn fold(&self, weight: Tensor, norm: &str, stride: usize, after: After) -> Result<FoldedConv> {
        let (scale, bias) = self.scale_and_shift(norm)?;
        let weight = weight.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
        let config = FoldedConvConfig {
            stride,
            relu: after.relu(),
            pool: after.pool(),
        };
        self.conv(&weight, &bias, config)
    }

    /// A convolution by given kernels and biases.
    pub fn conv(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        config: FoldedConvConfig,
    ) -> Result<FoldedConv> {
        FoldedConv::new(
            &weight.to_device(self.device)?,
            &bias.to_device(self.device)?,
            config,
        )
    }

    /// A linear layer. Its weight stays in half precision if it is stored so.
    pub fn linear(&self, name: &str) -> Result<Linear> {
        self.linear_by(name, Ok)
    }

    /// A linear layer that takes the features of a flattened image `(h, w, channels)` as they lie, where the one that was
    /// trained took them channel by channel.
    pub fn linear_of_image(&self, name: &str, channels: usize) -> Result<Linear> {
        self.linear_by(name, |weight| {
            let (n, k) = weight.dims2()?;
            let by_channel = weight.reshape((n, channels, k / channels))?;
            by_channel.transpose(1, 2)?.contiguous()?.reshape((n, k))
        })
    }

    fn linear_by(
        &self,
        name: &str,
        arrange: impl FnOnce(Tensor) -> Result<Tensor>,
    ) -> Result<Linear> {
        let weight_name = format!("{name}.weight");
        let weight = match self.weights.get(&weight_name) {
            Some(weight) if weight.dtype() == DType::F16 && self.device.is_cpu() => weight.clone(),
            _ => self.get(&weight_name)?,
        };
        let bias = self.get(&format!("{name}.bias"))?;
        Ok(Linear {
            weight: arrange(weight)?.contiguous()?.to_device(self.device)?,
            bias: bias.to_device(self.device)?,
        })
    }

    /// A linear layer and the normalisation after it.
    pub fn linear_norm(&self, linear: &str, norm: &str) -> Result<Linear> {
        let (scale, shift) = self.scale_and_shift(norm)?;
        let weight = self.get(&format!("{linear}.weight"))?;
        let bias = self.get(&format!("{linear}.bias"))?;
        Ok(Linear {
            weight: weight
                .broadcast_mul(&scale.reshape(((), 1))?)?
                .to_device(self.device)?,
            bias: ((bias * scale)? + shift)?.to_device(self.device)?,
        })
    }
}
