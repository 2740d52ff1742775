//! What a network consists of: layers with their sizes and the names of their weights.
//!
//! Images are `(b, h, w, c)`, features `(b, n)`. Nothing here computes.

/// Added to the variance before its root in batch normalization, PyTorch's default.
pub(super) const BATCH_NORM_EPSILON: f32 = 1e-5;

/// A convolution, padded with zeros: with stride 1 its output is as large as its input.
#[derive(Debug, Clone)]
pub(super) struct ConvSpec {
    /// What its weights are called, without `.weight`.
    pub name: String,
    pub c_in: usize,
    pub c_out: usize,
    /// Side of the kernel, px; odd.
    pub kernel: usize,
    /// Pixels from one output to the next.
    pub stride: usize,
    /// Whether the input is one gray channel that counts as `c_in` equal ones. The kernels are then summed over their input
    /// channels.
    pub gray: bool,
}

impl ConvSpec {
    /// A convolution with stride 1.
    pub fn new(name: impl Into<String>, c_in: usize, c_out: usize, kernel: usize) -> Self {
        Self {
            name: name.into(),
            c_in,
            c_out,
            kernel,
            stride: 1,
            gray: false,
        }
    }

    /// The same with another stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same for a gray image.
    pub fn gray(self) -> Self {
        Self { gray: true, ..self }
    }
}

/// A linear layer.
#[derive(Debug, Clone)]
pub(super) struct LinearSpec {
    /// What its weights are called, without `.weight` and `.bias`.
    pub name: String,
    pub n_in: usize,
    pub n_out: usize,
}

impl LinearSpec {
    pub fn new(name: impl Into<String>, n_in: usize, n_out: usize) -> Self {
        Self {
            name: name.into(),
            n_in,
            n_out,
        }
    }
}

/// A batch normalization.
#[derive(Debug, Clone)]
pub(super) struct NormSpec {
    /// What its weights are called, without `.weight`, `.running_mean` and so on.
    pub name: String,
    pub channels: usize,
}

impl NormSpec {
    pub fn new(name: impl Into<String>, channels: usize) -> Self {
        Self {
            name: name.into(),
            channels,
        }
    }
}

/// What follows a normalized convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    Relu,
    /// ReLU and 2×2 maximum pooling.
    ReluPool,
}

impl After {
    pub fn relu(self) -> bool {
        self != Self::Nothing
    }

    pub fn pool(self) -> bool {
        self == Self::ReluPool
    }
}

/// One layer of a network.
#[derive(Debug, Clone)]
pub(super) enum Layer {
    /// A convolution without bias, its batch normalization, and what follows.
    ConvNorm(ConvSpec, NormSpec, After),
    /// A convolution without normalization.
    Conv {
        conv: ConvSpec,
        bias: bool,
        relu: bool,
    },
    /// A batch normalization that does not follow a convolution directly, then ReLU and 2×2 maximum pooling if wanted.
    Norm {
        norm: NormSpec,
        relu: bool,
        pool: bool,
    },
    /// `(b, n_in)` to `(b, n_out)`.
    Linear(LinearSpec),
    /// A linear layer on all values of an image with so many channels. The weights see the image channel by channel, as
    /// [`Self::Flatten`] puts it; in inference they are rearranged instead of the image.
    LinearOfImage(LinearSpec, usize),
    /// A linear layer, batch normalization and ReLU.
    LinearNorm(LinearSpec, NormSpec),
    Relu,
    /// Drops this share of the values, in training.
    Dropout(f32),
    /// Drops this share of the channels of an image, in training.
    Dropout2d(f32),
    /// An image to `(b, c·h·w)`, channel by channel.
    Flatten,
    /// An image to the means of its channels.
    Mean,
    /// An image to the means of as many areas as fill a square of this side; pixels are repeated where there are fewer.
    AdaptiveAvgPool(usize),
    /// Means of squares of this side.
    AvgPool(usize),
    /// Maxima of squares.
    MaxPool {
        side: usize,
        stride: usize,
        padding: usize,
    },
    /// The sum of what `body` and `projection` make of the input, then ReLU and 2×2 maximum pooling if wanted. An empty
    /// projection leaves the input as it is.
    Residual {
        body: Vec<Layer>,
        projection: Vec<Layer>,
        pool: bool,
    },
    /// The input, and behind its channels those that these layers make of it.
    Concat(Vec<Layer>),
    /// Multiplies each channel by a factor of 0 to 1 that two linear layers, with ReLU between them, find from the means
    /// of all channels (squeeze and excitation).
    ChannelGate {
        squeeze: LinearSpec,
        excite: LinearSpec,
    },
}

/// The start of torchvision's networks for photographs: images `(b, h, w, 1)` to `(b, h / 4, w / 4, c_out)`.
pub(super) fn photo_stem(conv: &str, norm: &str, c_out: usize) -> Vec<Layer> {
    let norm = NormSpec::new(norm, c_out);
    let conv = ConvSpec::new(conv, 3, c_out, 7).stride(2).gray();
    vec![
        Layer::ConvNorm(conv, norm, After::Relu), // (b, h / 2, w / 2, c_out)
        Layer::MaxPool {
            side: 3,
            stride: 2,
            padding: 1,
        },
    ]
}

/// Names and shapes of the weights of these layers, in order.
pub(super) fn weight_shapes(layers: &[Layer]) -> Vec<(String, Vec<usize>)> {
    let mut shapes = WeightShapes::default();
    shapes.layers(layers);
    shapes.0
}

#[derive(Default)]
struct WeightShapes(Vec<(String, Vec<usize>)>);

impl WeightShapes {
    fn layers(&mut self, layers: &[Layer]) {
        for layer in layers {
            match layer {
                Layer::ConvNorm(conv, norm, _) => {
                    self.conv(conv, false);
                    self.norm(norm);
                }
                Layer::Conv { conv, bias, .. } => self.conv(conv, *bias),
                Layer::Norm { norm, .. } => self.norm(norm),
                Layer::Linear(linear) | Layer::LinearOfImage(linear, _) => self.linear(linear),
                Layer::LinearNorm(linear, norm) => {
                    self.linear(linear);
                    self.norm(norm);
                }
                Layer::Residual {
                    body, projection, ..
                } => {
                    self.layers(body);
                    self.layers(projection);
                }
                Layer::Concat(body) => self.layers(body),
                Layer::ChannelGate { squeeze, excite } => {
                    self.linear(squeeze);
                    self.linear(excite);
                }
                Layer::Relu
                | Layer::Dropout(_)
                | Layer::Dropout2d(_)
                | Layer::Flatten
                | Layer::Mean
                | Layer::AdaptiveAvgPool(_)
                | Layer::AvgPool(_)
                | Layer::MaxPool { .. } => {}
            }
        }
    }

    fn conv(&mut self, conv: &ConvSpec, bias: bool) {
        let kernels = vec![conv.c_out, conv.c_in, conv.kernel, conv.kernel];
        self.push(&conv.name, "weight", kernels);
        if bias {
            self.push(&conv.name, "bias", vec![conv.c_out]);
        }
    }

    fn norm(&mut self, norm: &NormSpec) {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            self.push(&norm.name, part, vec![norm.channels]);
        }
    }

    fn linear(&mut self, linear: &LinearSpec) {
        self.push(&linear.name, "weight", vec![linear.n_out, linear.n_in]);
        self.push(&linear.name, "bias", vec![linear.n_out]);
    }

    fn push(&mut self, name: &str, part: &str, shape: Vec<usize>) {
        self.0.push((format!("{name}.{part}"), shape));
    }
}
