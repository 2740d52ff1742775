//! DenseNet-121, with torchvision's names of the weights, so that its files can be taken as first weights.
//!
//! ```text
//! (b, 1, h, w) ─ conv 7×7/2 64 → BN → ReLU ─ max-pool 3×3/2 ─ dense blocks of 6, 12, 24 and 16 layers ─ BN → ReLU
//!              ─ mean ─ head
//! dense layer:  BN → ReLU → conv 1×1 128 → BN → ReLU → conv 3×3 32, beside its input
//! between blocks: BN → ReLU → conv 1×1 to half the channels → 2×2 mean
//! ```
//!
//! The first kernels keep their three input channels, and a gray image counts as three equal channels. Source: Huang et al.
//! 2017, arXiv:1608.06993.

use super::{
    head::HeadConfig,
    layer::{After, ConvSpec, Layer, NormSpec, photo_stem},
};

const STEM_CHANNELS: usize = 64;
const N_LAYERS: [usize; 4] = [6, 12, 24, 16];
/// Channels that a layer adds.
const GROWTH: usize = 32;
/// Channels between a layer's two convolutions.
const INNER: usize = 4 * GROWTH;

pub(super) fn layers(head: &HeadConfig, n_classes: usize) -> Vec<Layer> {
    let mut layers = photo_stem("features.conv0", "features.norm0", STEM_CHANNELS);
    let mut channels = STEM_CHANNELS;
    for (block, n_layers) in (1..).zip(N_LAYERS) {
        for number in 1..=n_layers {
            let name = format!("features.denseblock{block}.denselayer{number}");
            layers.push(Layer::Concat(dense_layer(&name, channels)));
            channels += GROWTH;
        }
        if block < N_LAYERS.len() {
            let name = format!("features.transition{block}");
            layers.extend([
                norm_relu(format!("{name}.norm"), channels),
                conv(format!("{name}.conv"), channels, channels / 2, 1),
                Layer::AvgPool(2), // … (b, h/32, w/32, 512)
            ]);
            channels /= 2;
        }
    }
    layers.push(norm_relu("features.norm5".to_owned(), channels)); // (b, h/32, w/32, 1024)
    layers.push(Layer::Mean);
    layers.extend(head.layers("classifier", channels, n_classes));
    layers
}

fn dense_layer(name: &str, channels: usize) -> Vec<Layer> {
    let inner = ConvSpec::new(format!("{name}.conv1"), channels, INNER, 1);
    let inner_norm = NormSpec::new(format!("{name}.norm2"), INNER);
    vec![
        norm_relu(format!("{name}.norm1"), channels),
        Layer::ConvNorm(inner, inner_norm, After::Relu),
        conv(format!("{name}.conv2"), INNER, GROWTH, 3),
    ]
}

fn norm_relu(name: String, channels: usize) -> Layer {
    Layer::Norm {
        norm: NormSpec::new(name, channels),
        relu: true,
        pool: false,
    }
}

fn conv(name: String, c_in: usize, c_out: usize, kernel: usize) -> Layer {
    Layer::Conv {
        conv: ConvSpec::new(name, c_in, c_out, kernel),
        bias: false,
        relu: false,
    }
}
