//! The building blocks of both networks: layers from bundled weights, by name.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, safetensors};

use crate::model::kernels::{Buffers, Image, Layer, Pointwise, Separable, Slope, Stem};

/// The weights of a network by name, in PyTorch's order of dimensions.
pub(super) struct Weights(HashMap<String, Values>);

struct Values {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Weights {
    /// Reads a bundled file.
    ///
    /// # Panics
    /// If it is damaged, which means that the program is.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::try_parse(bytes).expect("the bundled weights are intact")
    }

    fn try_parse(bytes: &[u8]) -> Result<Self> {
        let values = |tensor: &Tensor| -> Result<Values> {
            Ok(Values {
                shape: tensor.dims().to_vec(),
                values: tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?,
            })
        };
        let tensors = safetensors::load_buffer(bytes, &Device::Cpu)?.into_iter();
        let weights = tensors.map(|(name, tensor)| Ok((name, values(&tensor)?)));
        Ok(Self(weights.collect::<Result<_>>()?))
    }

    fn get(&self, name: &str) -> &Values {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("the bundled weights have no {name}"))
    }

    fn layer(&self, name: &str) -> Layer<'_> {
        Layer {
            weight: &self.get(&format!("{name}.weight")).values,
            bias: &self.get(&format!("{name}.bias")).values,
        }
    }

    fn slope<'a>(&'a self, name: &str, otherwise: Slope<'a>) -> Slope<'a> {
        let slope = self.0.get(&format!("{name}.slope"));
        slope.map_or(otherwise, |slope| Slope::Of(&slope.values))
    }

    fn c_in(&self, name: &str) -> usize {
        self.get(&format!("{name}.weight")).shape[1]
    }

    /// The first convolution; ReLU follows, or PReLU where there are slopes.
    pub fn stem(&self, name: &str) -> Stem {
        let Layer { weight, bias } = self.layer(name);
        Stem::new(weight, bias, self.slope(name, Slope::Zero))
    }

    /// A separable convolution; ReLU follows, or PReLU where there are slopes.
    pub fn block(&self, name: &str, stride: usize) -> Separable {
        let depthwise = self.layer(&format!("{name}.depthwise"));
        let pointwise = self.layer(&format!("{name}.pointwise"));
        Separable::new(depthwise, pointwise, self.slope(name, Slope::Zero), stride)
    }

    /// Blocks called `name` and a number, from `first` on, one for each stride.
    pub fn blocks(&self, name: &str, first: usize, strides: &[usize]) -> Vec<Separable> {
        let numbered = (first..).zip(strides);
        let blocks =
            numbered.map(|(number, &stride)| self.block(&format!("{name}{number}"), stride));
        blocks.collect()
    }

    /// A pointwise convolution; nothing follows, or PReLU where there are slopes.
    pub fn pointwise(&self, name: &str) -> Pointwise {
        let Layer { weight, bias } = self.layer(name);
        Pointwise::new(weight, self.c_in(name), bias, self.slope(name, Slope::One))
    }

    /// Two pointwise convolutions of the same input, the outputs of the second after those of the first.
    pub fn joined(&self, first: &str, second: &str) -> Pointwise {
        let layers = [self.layer(first), self.layer(second)];
        let weight = layers.map(|layer| layer.weight).concat();
        let bias = layers.map(|layer| layer.bias).concat();
        Pointwise::new(&weight, self.c_in(first), &bias, Slope::One)
    }
}

/// Runs blocks one after the other. The first image holds the input, and then the result; the contents of the second are
/// unspecified.
pub(super) fn run_blocks(blocks: &[Separable], images: &mut [Image; 2], buffers: &mut Buffers) {
    let [image, out] = images;
    for block in blocks {
        block.run(image, out, buffers);
        std::mem::swap(image, out);
    }
}

/// The probability that belongs to a logit.
pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
