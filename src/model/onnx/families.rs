//! Networks that many people use, recognized by their shapes, and what their authors say about them.

use super::{InputSpec, PerChannel, proto::InputSize};
use crate::model::{
    assumptions::{IMAGENET_MEAN, IMAGENET_STD, KnownOrder},
    preprocess::CropGeometry,
};

/// A recognized network.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name on the screen.
    pub name: &'static str,
    /// The order of its outputs.
    pub order: KnownOrder,
    /// How many outputs are labels; HSEmotion's valence and arousal come behind them.
    pub n_labels: usize,
    mean: PerChannel,
    std: PerChannel,
    /// Whether it learned FER-2013's images, so that its faces are framed as there.
    framed_as_fer_2013: bool,
}

/// The crop around a face's mesh that frames it as FER-2013 does, as `fervis-train calibrate` found it for the built-in
/// networks.
const FER_2013_FRAMING: CropGeometry = CropGeometry {
    scale: 1.16,
    shift_y: -0.06,
};

impl Family {
    /// The crop that it was trained with.
    pub fn input(&self) -> InputSpec {
        InputSpec {
            upright_crop: self.framed_as_fer_2013.then_some(FER_2013_FRAMING),
            ..InputSpec::FER_2013
        }
    }
}

/// The family of a network.
pub fn recognize(size: &InputSize, n_outputs: usize) -> Option<Family> {
    let side = (size.width == size.height).then_some(size.width)?;
    let one = PerChannel::One;
    match (size.channels, size.channels_last, side, n_outputs) {
        // The ONNX model zoo's emotion-ferplus: raw luma. Source: Barsoum et al. 2016, arXiv:1608.01041.
        (1, false, 64, 8) => Some(Family {
            name: "FER+",
            order: KnownOrder::Ferplus,
            n_labels: 8,
            mean: one(0.0),
            std: one(1.0 / 255.0),
            framed_as_fer_2013: true,
        }),
        // mini-XCEPTION, from Keras: luma from -1 to 1. Source: Arriaga et al. 2017, arXiv:1710.07557.
        (1, true, 48 | 64, 7) => Some(Family {
            name: "mini-XCEPTION",
            order: KnownOrder::Fer2013,
            n_labels: 7,
            mean: one(0.5),
            std: one(0.5),
            framed_as_fer_2013: true,
        }),
        // HSEmotion and EmotiEffLib, learned from AffectNet: colors, numbered alphabetically; the networks with ten outputs
        // add valence and arousal. The one for 112 px is a MobileFaceNet with a normalization of its own. Source:
        // Savchenko 2022, arXiv:2203.13436, and the package hsemotion-onnx.
        (3, false, 112, 8 | 10) => Some(Family {
            name: "HSEmotion",
            order: KnownOrder::Alphabetical,
            n_labels: 8,
            mean: one(0.5),
            std: one(0.5),
            framed_as_fer_2013: false,
        }),
        (3, false, 224 | 260 | 300, 7 | 8 | 10) => Some(Family {
            name: "HSEmotion",
            order: KnownOrder::Alphabetical,
            n_labels: n_outputs.min(8),
            mean: PerChannel::Three(IMAGENET_MEAN),
            std: PerChannel::Three(IMAGENET_STD),
            framed_as_fer_2013: false,
        }),
        _ => None,
    }
}

/// Mean and deviation to assume for a network, of a family or of none.
pub fn usual_normalization(size: &InputSize, family: Option<&Family>) -> (PerChannel, PerChannel) {
    match (family, size.channels) {
        (Some(family), _) => (family.mean, family.std),
        // As for weights of PyTorch without a description.
        (None, 1) => (
            PerChannel::One(InputSpec::FER_2013.mean),
            PerChannel::One(InputSpec::FER_2013.std),
        ),
        (None, _) => (
            PerChannel::Three(IMAGENET_MEAN),
            PerChannel::Three(IMAGENET_STD),
        ),
    }
}

/// The order to assume for a network of no family: FER-2013's for seven, and what `ImageFolder` makes of eight.
pub fn usual_order(n_outputs: usize) -> Option<KnownOrder> {
    match n_outputs {
        7 => Some(KnownOrder::Fer2013),
        8 => Some(KnownOrder::Alphabetical),
        _ => None,
    }
}
