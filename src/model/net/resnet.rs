//! ResNet-18 and ResNet-50, with torchvision's names of the weights, so that its files can be taken as first weights.
//!
//! ```text
//! (b, 1, h, w) ─ conv 7×7/2 64 → BN → ReLU ─ max-pool 3×3/2 ─ four stages of residual blocks ─ mean ─ head
//! ```
//!
//! The first kernels keep their three input channels, and a gray image counts as three equal channels. Source: He et al.
//! 2016, arXiv:1512.03385; as in torchvision, the stride of a bottleneck is in its 3×3 convolution.

use super::{
    head::HeadConfig,
    layer::{After, ConvSpec, Layer, NormSpec, photo_stem},
};

/// Channels of the stem, and of the first stage's inner convolutions.
const STEM_CHANNELS: usize = 64;

/// Which ResNet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Depth {
    /// Eight basic blocks.
    Eighteen,
    /// Sixteen bottlenecks.
    Fifty,
}

pub(super) fn layers(depth: Depth, head: &HeadConfig, n_classes: usize) -> Vec<Layer> {
    // Blocks of each stage, and channels that a block leaves for each of its inner ones.
    let (n_blocks, expansion) = match depth {
        Depth::Eighteen => ([2, 2, 2, 2], 1),
        Depth::Fifty => ([3, 4, 6, 3], 4),
    };
    let mut layers = photo_stem("conv1", "bn1", STEM_CHANNELS);
    let mut c_in = STEM_CHANNELS;
    for (stage, n_blocks) in n_blocks.into_iter().enumerate() {
        let inner = STEM_CHANNELS << stage;
        let c_out = inner * expansion;
        for block in 0..n_blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let projects = stride > 1 || c_in != c_out;
            let projection = projects.then(|| {
                let conv = ConvSpec::new(format!("{name}.downsample.0"), c_in, c_out, 1);
                let norm = format!("{name}.downsample.1");
                conv_norm(conv.stride(stride), norm, After::Nothing)
            });
            layers.push(Layer::Residual {
                body: body(depth, &name, [c_in, inner, c_out], stride),
                projection: projection.into_iter().collect(),
                pool: false,
            }); // … (b, h/32, w/32, 512 or 2048)
            c_in = c_out;
        }
    }
    layers.push(Layer::Mean);
    layers.extend(head.layers("fc", c_in, n_classes));
    layers
}

/// The convolutions of a block, ReLU after all but the last.
fn body(depth: Depth, block: &str, channels: [usize; 3], stride: usize) -> Vec<Layer> {
    let [c_in, inner, c_out] = channels;
    // Inputs, outputs, kernel, stride.
    let sizes = match depth {
        Depth::Eighteen => vec![(c_in, inner, 3, stride), (inner, c_out, 3, 1)],
        Depth::Fifty => vec![
            (c_in, inner, 1, 1),
            (inner, inner, 3, stride),
            (inner, c_out, 1, 1),
        ],
    };
    let last = sizes.len();
    let convolutions = (1..).zip(sizes);
    convolutions
        .map(|(number, (c_in, c_out, kernel, stride))| {
            let conv = ConvSpec::new(format!("{block}.conv{number}"), c_in, c_out, kernel);
            let after = if number == last {
                After::Nothing
            } else {
                After::Relu
            };
            conv_norm(conv.stride(stride), format!("{block}.bn{number}"), after)
        })
        .collect()
}

fn conv_norm(conv: ConvSpec, norm: impl Into<String>, after: After) -> Layer {
    let norm = NormSpec::new(norm, conv.c_out);
    Layer::ConvNorm(conv, norm, after)
}
