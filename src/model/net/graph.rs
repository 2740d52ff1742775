//! A network as single operations, for programs that have no layers like ours: ONNX and PyTorch.
//!
//! Images are `(b, c, h, w)` here, as in those programs and as weights are stored; everywhere else they are
//! `(b, h, w, c)`.

use super::layer::{BATCH_NORM_EPSILON, ConvSpec, Layer, LinearSpec, NormSpec};
use crate::model::preprocess::InputSpec;

/// The operations of a network, in the order in which they run. The last one gives the logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Value 0 is the input of the network, and the node with index i makes value i + 1.
    pub nodes: Vec<Node>,
}

/// One operation on values that are already there.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// The numbers of the values that it is computed of.
    pub inputs: Vec<usize>,
}

/// An operation. `name` is what its weights are called, without `.weight` and so on.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the sizes are named as in PyTorch")]
pub enum Op {
    /// A convolution, padded with `kernel / 2` zeros. With `gray` its input is one channel that counts as `c_in` equal
    /// ones.
    Conv {
        name: String,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        stride: usize,
        bias: bool,
        gray: bool,
    },
    /// By the running estimates in inference. Its input is an image or, if not `of_image`, a row of features.
    BatchNorm {
        name: String,
        channels: usize,
        epsilon: f32,
        of_image: bool,
    },
    /// A linear layer with bias.
    Linear {
        name: String,
        n_in: usize,
        n_out: usize,
    },
    Relu,
    Sigmoid,
    /// Drops this share of the values, in training.
    Dropout(f32),
    /// Drops this share of the channels, in training.
    Dropout2d(f32),
    /// An image to one row of all its values.
    Flatten,
    /// An image to the means of its channels.
    Mean,
    /// Means of the areas that divide an image of `height`×`width` into `side`×`side`, as PyTorch's `AdaptiveAvgPool2d`.
    AdaptiveAvgPool {
        side: usize,
        height: usize,
        width: usize,
    },
    /// Means of squares.
    AvgPool {
        side: usize,
    },
    /// Maxima of squares.
    MaxPool {
        side: usize,
        stride: usize,
        padding: usize,
    },
    /// The sum of two images.
    Add,
    /// The channels of one image, and behind them those of another.
    Concat,
    /// The channels of an image, each multiplied by its factor in a row of features.
    Scale,
}

impl Graph {
    /// The graph of these layers.
    pub(super) fn new(layers: &[Layer], input: &InputSpec) -> Self {
        let mut builder = Builder { nodes: Vec::new() };
        let image = Value {
            number: 0,
            height: input.height,
            width: input.width,
        };
        builder.layers(layers, image);
        Self {
            nodes: builder.nodes,
        }
    }
}

/// A value, and the size of its image; features keep the size of the image that they were made of.
#[derive(Debug, Clone, Copy)]
struct Value {
    number: usize,
    height: usize,
    width: usize,
}

impl Value {
    /// An image of another size.
    fn resized(self, size: impl Fn(usize) -> usize) -> Self {
        Self {
            height: size(self.height),
            width: size(self.width),
            ..self
        }
    }
}

struct Builder {
    nodes: Vec<Node>,
}

impl Builder {
    fn layers(&mut self, layers: &[Layer], input: Value) -> Value {
        layers
            .iter()
            .fold(input, |value, layer| self.layer(layer, value))
    }

    fn layer(&mut self, layer: &Layer, input: Value) -> Value {
        match layer {
            Layer::ConvNorm(conv, norm, after) => {
                let ys = self.conv(conv, false, input);
                let ys = self.norm(norm, true, ys);
                self.relu_pool(after.relu(), after.pool(), ys)
            }
            Layer::Conv { conv, bias, relu } => {
                let ys = self.conv(conv, *bias, input);
                self.relu_pool(*relu, false, ys)
            }
            Layer::Norm { norm, relu, pool } => {
                let ys = self.norm(norm, true, input);
                self.relu_pool(*relu, *pool, ys)
            }
            Layer::Linear(linear) => self.linear(linear, input),
            Layer::LinearOfImage(linear, _) => {
                let row = self.push(Op::Flatten, &[input]);
                self.linear(linear, row)
            }
            Layer::LinearNorm(linear, norm) => {
                let ys = self.linear(linear, input);
                let ys = self.norm(norm, false, ys);
                self.push(Op::Relu, &[ys])
            }
            Layer::Relu => self.push(Op::Relu, &[input]),
            Layer::Dropout(rate) | Layer::Dropout2d(rate) if *rate == 0.0 => input,
            Layer::Dropout(rate) => self.push(Op::Dropout(*rate), &[input]),
            Layer::Dropout2d(rate) => self.push(Op::Dropout2d(*rate), &[input]),
            Layer::Flatten => self.push(Op::Flatten, &[input]),
            Layer::Mean => self.push(Op::Mean, &[input]),
            Layer::AdaptiveAvgPool(side) => {
                let (side, Value { height, width, .. }) = (*side, input);
                let op = Op::AdaptiveAvgPool {
                    side,
                    height,
                    width,
                };
                self.push(op, &[input]).resized(|_| side)
            }
            Layer::AvgPool(side) => {
                let side = *side;
                let ys = self.push(Op::AvgPool { side }, &[input]);
                ys.resized(|len| len / side)
            }
            Layer::MaxPool {
                side,
                stride,
                padding,
            } => self.max_pool(*side, *stride, *padding, input),
            Layer::Residual {
                body,
                projection,
                pool,
            } => {
                let ys = self.layers(body, input);
                let projected = self.layers(projection, input);
                let sum = self.push(Op::Add, &[ys, projected]);
                self.relu_pool(true, *pool, sum)
            }
            Layer::Concat(body) => {
                let ys = self.layers(body, input);
                self.push(Op::Concat, &[input, ys])
            }
            Layer::ChannelGate { squeeze, excite } => {
                let means = self.push(Op::Mean, &[input]);
                let hidden = self.linear(squeeze, means);
                let hidden = self.push(Op::Relu, &[hidden]);
                let factors = self.linear(excite, hidden);
                let factors = self.push(Op::Sigmoid, &[factors]);
                self.push(Op::Scale, &[input, factors])
            }
        }
    }

    fn conv(&mut self, conv: &ConvSpec, bias: bool, input: Value) -> Value {
        let ConvSpec {
            name,
            c_in,
            c_out,
            kernel,
            stride,
            gray,
        } = conv.clone();
        let op = Op::Conv {
            name,
            c_in,
            c_out,
            kernel,
            stride,
            bias,
            gray,
        };
        // Odd kernels, padded by half of them.
        self.push(op, &[input])
            .resized(|len| len.div_ceil(stride.max(1)))
    }

    fn norm(&mut self, norm: &NormSpec, of_image: bool, input: Value) -> Value {
        let op = Op::BatchNorm {
            name: norm.name.clone(),
            channels: norm.channels,
            epsilon: BATCH_NORM_EPSILON,
            of_image,
        };
        self.push(op, &[input])
    }

    fn linear(&mut self, linear: &LinearSpec, input: Value) -> Value {
        let LinearSpec { name, n_in, n_out } = linear.clone();
        self.push(Op::Linear { name, n_in, n_out }, &[input])
    }

    fn relu_pool(&mut self, relu: bool, pool: bool, mut value: Value) -> Value {
        if relu {
            value = self.push(Op::Relu, &[value]);
        }
        if pool {
            value = self.max_pool(2, 2, 0, value);
        }
        value
    }

    fn max_pool(&mut self, side: usize, stride: usize, padding: usize, input: Value) -> Value {
        let op = Op::MaxPool {
            side,
            stride,
            padding,
        };
        let size = |len: usize| (len + 2 * padding).saturating_sub(side) / stride.max(1) + 1;
        self.push(op, &[input]).resized(size)
    }

    /// The value that a node makes, of the size of its first input.
    fn push(&mut self, op: Op, inputs: &[Value]) -> Value {
        self.nodes.push(Node {
            op,
            inputs: inputs.iter().map(|value| value.number).collect(),
        });
        let (number, first) = (self.nodes.len(), inputs[0]);
        Value { number, ..first }
    }
}
