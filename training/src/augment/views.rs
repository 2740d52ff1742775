//! The fixed views of an image that an evaluation averages over.

use serde::{Deserialize, Serialize};

use super::resample::{
    BorderMode, Crop, FER_SIDE_PX, Luma, Normalization, Sampling, Tone, resample, side_of,
};

/// Side of the crops in [`ViewSet::Ten`], px of 48; the same share of the image as in most published ten-crop figures.
const VIEW_CROP_PX: f32 = 44.0;

/// One fixed view of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// The part of the image that fills the input.
    pub part: ImagePart,
    /// Whether it is mirrored left to right.
    pub mirrored: bool,
}

/// The part of the image a [`View`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImagePart {
    /// The whole image.
    Whole,
    /// The upper left 44×44 of the 48×48 pixels, resized to 48×48.
    UpperLeft,
    /// The upper right ones.
    UpperRight,
    /// The lower left ones.
    LowerLeft,
    /// The lower right ones.
    LowerRight,
    /// The central ones.
    Center,
}

fervis::named! {
    /// The views that an evaluation averages over.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ViewSet {
        /// The plain image.
        #[default]
        Single = "single",
        /// The image and its mirror image.
        Flip = "flip",
        /// The four corners and the center, and their mirror images.
        Ten = "ten-crop",
    }
}

impl ViewSet {
    /// The views of the set.
    pub fn views(self) -> Vec<View> {
        let (parts, mirrored): (&[ImagePart], &[bool]) = match self {
            Self::Single => (&[ImagePart::Whole], &[false]),
            Self::Flip => (&[ImagePart::Whole], &[false, true]),
            Self::Ten => (
                &[
                    ImagePart::UpperLeft,
                    ImagePart::UpperRight,
                    ImagePart::LowerLeft,
                    ImagePart::LowerRight,
                    ImagePart::Center,
                ],
                &[false, true],
            ),
        };
        let view = |&part| {
            mirrored
                .iter()
                .map(move |&mirrored| View { part, mirrored })
        };
        parts.iter().flat_map(view).collect()
    }
}

impl View {
    /// The whole image, not mirrored.
    pub const PLAIN: Self = Self {
        part: ImagePart::Whole,
        mirrored: false,
    };

    /// Writes this view of `image` to `output`, normalized; sizes as in [`super::AugmentConfig::apply`].
    ///
    /// # Panics
    /// If a length is not a square number.
    pub fn apply(self, image: &[u8], normalization: Normalization, output: &mut [f32]) {
        let output_side = side_of(output);
        let image = Luma::shrunk(image, output_side);
        let side = image.side as f32;
        let part = VIEW_CROP_PX * (side / FER_SIDE_PX);
        let free = side - part;
        let (left_px, top_px, side_px) = match self.part {
            ImagePart::Whole => (0.0, 0.0, side),
            ImagePart::UpperLeft => (0.0, 0.0, part),
            ImagePart::UpperRight => (free, 0.0, part),
            ImagePart::LowerLeft => (0.0, free, part),
            ImagePart::LowerRight => (free, free, part),
            ImagePart::Center => (free / 2.0, free / 2.0, part),
        };
        let crop = Crop {
            left_px,
            top_px,
            width_px: side_px,
            height_px: side_px,
        };
        let sides = [image.side, output_side];
        let sampling = Sampling::new(crop, 0.0, self.mirrored, sides);
        let (tone, border) = (Tone::KEPT, BorderMode::Reflect);
        resample(&image, sampling, tone, border, normalization, output);
    }
}
