//! The fixed ways in which an evaluation looks at an image.

use serde::{Deserialize, Serialize};

use super::resample::{
    Border, Crop, FER_SIDE_PX, Luma, Normalization, Sampling, Tone, resample, side_of,
};

/// Side of the crops in [`Views::Ten`], of 48; the same share of the image as in most published ten-crop figures.
const VIEW_CROP_PX: f32 = 44.0;

/// One fixed way to look at an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// Which part becomes the whole input.
    pub part: Part,
    /// Whether it is mirrored left to right.
    pub mirrored: bool,
}

/// The part of the image a [`View`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it, pixel by pixel.
    Whole,
    /// 44×44 of the 48×48 pixels in the upper left corner, resized to 48×48.
    UpperLeft,
    /// The same in the upper right corner.
    UpperRight,
    /// The same in the lower left corner.
    LowerLeft,
    /// The same in the lower right corner.
    LowerRight,
    /// The same in the middle.
    Center,
}

/// Which views of an image an evaluation averages over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Views {
    /// The image as it is.
    #[default]
    Single,
    /// The image and its mirror image.
    Flip,
    /// Four corners and the middle, each also mirrored.
    Ten,
}

impl Views {
    /// All choices, the cheapest first.
    pub const ALL: [Self; 3] = [Self::Single, Self::Flip, Self::Ten];

    /// The word for it in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Flip => "flip",
            Self::Ten => "ten-crop",
        }
    }

    /// The views to average over.
    pub fn views(self) -> Vec<View> {
        let (parts, mirrored): (&[Part], &[bool]) = match self {
            Self::Single => (&[Part::Whole], &[false]),
            Self::Flip => (&[Part::Whole], &[false, true]),
            Self::Ten => (
                &[
                    Part::UpperLeft,
                    Part::UpperRight,
                    Part::LowerLeft,
                    Part::LowerRight,
                    Part::Center,
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
    /// The image as it is.
    pub const PLAIN: Self = Self {
        part: Part::Whole,
        mirrored: false,
    };

    /// Writes this view of `image` to `output`, normalized. Sizes as for [`super::AugmentConfig::apply`].
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
            Part::Whole => (0.0, 0.0, side),
            Part::UpperLeft => (0.0, 0.0, part),
            Part::UpperRight => (free, 0.0, part),
            Part::LowerLeft => (0.0, free, part),
            Part::LowerRight => (free, free, part),
            Part::Center => (free / 2.0, free / 2.0, part),
        };
        let crop = Crop {
            left_px,
            top_px,
            width_px: side_px,
            height_px: side_px,
        };
        let sides = [image.side, output_side];
        let sampling = Sampling::new(crop, 0.0, self.mirrored, sides);
        let (tone, border) = (Tone::KEPT, Border::Reflect);
        resample(&image, sampling, tone, border, normalization, output);
    }
}
