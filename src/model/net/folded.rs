//! A network for inference: batch normalization is folded into the layer before it, and dropout is gone.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, bail};

use super::{
    layer::{After, BATCH_NORM_EPSILON, ConvSpec, Layer, LinearSpec, NormSpec},
    step::{Linear, Step, Weights, channels_last, gray_kernels, run, steps},
};
use crate::model::kernels::{FoldedConv, FoldedConvConfig, FoldedNorm, Precision};

/// A network for inference. It never sees a gradient.
pub struct InferenceNet {
    steps: Vec<Step>,
}

impl InferenceNet {
    /// Folds trained weights and puts them on `device`.
    pub(super) fn new(
        layers: &[Layer],
        weights: &HashMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let steps = steps(layers, &Trained { weights, device })?;
        Ok(Self { steps })
    }

    /// Images `(b, channels, height, width)` to logits `(b, n_classes)`.
    ///
    /// # Errors
    /// If the input has another shape than the network was made for.
    pub fn forward(&self, xs: &Tensor) -> Result<Tensor> {
        let mut no_mask = |_: &[usize], _: f32| bail!("inference has no dropout");
        run(&self.steps, &channels_last(xs)?, &mut no_mask)
    }
}

/// Trained weights, on their way to the device that infers.
struct Trained<'a> {
    weights: &'a HashMap<String, Tensor>,
    device: &'a Device,
}

impl Trained<'_> {
    /// A weight as it is stored.
    fn stored(&self, name: &str) -> Result<&Tensor> {
        match self.weights.get(name) {
            Some(weight) => Ok(weight),
            None => bail!("weight {name} is missing"),
        }
    }

    /// A weight as f32.
    fn get(&self, name: &str) -> Result<Tensor> {
        self.stored(name)?.to_dtype(DType::F32)
    }

    /// The kernels that are convolved with.
    fn kernels(&self, conv: &ConvSpec) -> Result<Tensor> {
        let weight = self.get(&format!("{}.weight", conv.name))?;
        if conv.gray {
            gray_kernels(&weight)
        } else {
            Ok(weight)
        }
    }

    /// The factor and the shift of each channel that a normalization comes to.
    fn scale_and_shift(&self, norm: &NormSpec) -> Result<(Tensor, Tensor)> {
        let get = |part: &str| self.get(&format!("{}.{part}", norm.name));
        let deviation = (get("running_var")? + f64::from(BATCH_NORM_EPSILON))?.sqrt()?;
        let scale = (get("weight")? / deviation)?;
        let shifted_mean = (get("running_mean")? * &scale)?;
        Ok((scale, (get("bias")? - shifted_mean)?))
    }

    fn folded_conv(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        config: FoldedConvConfig,
    ) -> Result<Step> {
        let conv = FoldedConv::new(
            &weight.to_device(self.device)?,
            &bias.to_device(self.device)?,
            config,
        )?;
        Ok(Box::new(move |xs, _| conv.forward(xs)))
    }

    /// A linear layer whose weight stays in half precision if it is stored so.
    fn arranged(
        &self,
        linear: &LinearSpec,
        arrange: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Linear> {
        let stored = self.stored(&format!("{}.weight", linear.name))?;
        let weight = if stored.dtype() == DType::F16 && self.device.is_cpu() {
            stored.clone()
        } else {
            stored.to_dtype(DType::F32)?
        };
        let bias = self.get(&format!("{}.bias", linear.name))?;
        Ok(Linear {
            weight: arrange(&weight)?.contiguous()?.to_device(self.device)?,
            bias: bias.to_device(self.device)?,
            precision: Precision::F32,
        })
    }
}

impl Weights for Trained<'_> {
    fn conv_norm(&self, conv: &ConvSpec, norm: &NormSpec, after: After) -> Result<Step> {
        let (scale, shift) = self.scale_and_shift(norm)?;
        let weight = self.kernels(conv)?;
        let weight = weight.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?;
        let config = FoldedConvConfig {
            stride: conv.stride,
            relu: after.relu(),
            pool: after.pool(),
        };
        self.folded_conv(&weight, &shift, config)
    }

    fn conv(&self, conv: &ConvSpec, bias: bool, relu: bool) -> Result<Step> {
        let weight = self.kernels(conv)?;
        let bias = if bias {
            self.get(&format!("{}.bias", conv.name))?
        } else {
            Tensor::zeros(conv.c_out, weight.dtype(), weight.device())?
        };
        let config = FoldedConvConfig {
            stride: conv.stride,
            relu,
            pool: false,
        };
        self.folded_conv(&weight, &bias, config)
    }

    fn norm(&self, norm: &NormSpec, relu: bool, pool: bool) -> Result<Step> {
        let (scale, shift) = self.scale_and_shift(norm)?;
        let norm = FoldedNorm::new(
            &scale.to_device(self.device)?,
            &shift.to_device(self.device)?,
            relu,
            pool,
        )?;
        Ok(Box::new(move |xs, _| norm.forward(xs)))
    }

    fn linear(&self, linear: &LinearSpec) -> Result<Linear> {
        self.arranged(linear, |weight| Ok(weight.clone()))
    }

    fn linear_of_image(&self, linear: &LinearSpec, channels: usize) -> Result<Step> {
        // The image stays `(h, w, c)` in memory; the stored weights are for `(c, h, w)`.
        let linear = self.arranged(linear, |weight| {
            let (n_out, n_in) = weight.dims2()?;
            let by_channel = weight.reshape((n_out, channels, n_in / channels))?;
            by_channel
                .transpose(1, 2)?
                .contiguous()?
                .reshape((n_out, n_in))
        })?;
        Ok(Box::new(move |xs, _| linear.forward(&xs.flatten_from(1)?)))
    }

    fn linear_norm(&self, linear: &LinearSpec, norm: &NormSpec) -> Result<Step> {
        let (scale, shift) = self.scale_and_shift(norm)?;
        let weight = self.get(&format!("{}.weight", linear.name))?;
        let bias = self.get(&format!("{}.bias", linear.name))?;
        let linear = Linear {
            weight: weight
                .broadcast_mul(&scale.reshape(((), 1))?)?
                .to_device(self.device)?,
            bias: ((bias * scale)? + shift)?.to_device(self.device)?,
            precision: Precision::F32,
        };
        Ok(Box::new(move |xs, _| linear.forward(xs)?.relu()))
    }

    fn dropout(&self, _rate: f32) -> Step {
        Box::new(|xs, _| Ok(xs.clone()))
    }

    fn dropout2d(&self, rate: f32) -> Step {
        self.dropout(rate)
    }
}
