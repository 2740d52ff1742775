//! Random variations of a training image, and the fixed views of a test image.
//!
//! Flip, rotation and crop are composed into one map and the image is resampled once, since every resampling
//! blurs. What a newcomer gets wrong is the order of the map: it goes from a pixel of the *output* back to a
//! place in the input, so the step that comes last in words comes first in the map.

mod camera;
mod equalize;
mod erase;

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{IMAGE_LEN, IMAGE_SIDE_PX},
    random::SplitMix64,
};

const SIDE: f32 = IMAGE_SIDE_PX as f32;

/// How pixels become network input: `(pixel / 255 - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// Where black is 0 and white is 1.
    pub mean: f32,
    /// On the same scale; not 0.
    pub std: f32,
}

impl Default for Normalization {
    /// Mean and deviation 0.5, which maps 0 to 255 onto -1 to 1.
    fn default() -> Self {
        Self {
            mean: 0.5,
            std: 0.5,
        }
    }
}

pub use self::{
    camera::{BlurConfig, BoxNoiseConfig, CameraConfig, JpegConfig, LightConfig, NoiseConfig},
    erase::{CutoutConfig, EraseConfig},
};

/// Strengths of the random variations. The default is the recipe of the bundled network; in a recipe's file, what is
/// left out is off ([`Self::OFF`]).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "AugmentConfig::off", deny_unknown_fields)]
pub struct AugmentConfig {
    /// How often the image is mirrored left to right, 0 to 1.
    pub flip_probability: f32,
    /// The image turns about its centre by up to this much either way, in degrees.
    pub max_rotation_deg: f32,
    /// Smallest area of the crop that becomes the whole image, as a fraction of the image's area.
    pub min_area: f32,
    /// Largest such area. Above 1 the crop reaches over the border and the face becomes smaller.
    pub max_area: f32,
    /// Width by height of the crop is between `1 / max_aspect_ratio` and this, uniform in its logarithm. The
    /// default is 1: torchvision's 4/3 would stretch faces by a third, which no camera does.
    pub max_aspect_ratio: f32,
    /// Whether the crop lies in the middle of the image; otherwise anywhere that its size leaves free.
    pub centered: bool,
    /// The crop moves by up to this fraction of the side, beyond that place.
    pub max_shift: f32,
    /// The contrast about the image's mean is multiplied by 1 ± up to this.
    pub max_contrast: f32,
    /// Up to this is added or taken away, where black is 0 and white is 1.
    pub max_brightness: f32,
    /// The brightness is multiplied by 1 ± up to this, before the contrast changes: torchvision's `ColorJitter`.
    pub max_gain: f32,
    /// The image moves by up to this many whole pixels either way: torchvision's `RandomCrop` with padding.
    pub crop_padding_px: u32,
    /// What lies beyond the border.
    pub border: Border,
    /// How often the histogram is made flat before anything else, 0 to 1: torchvision's `RandomEqualize`.
    pub equalize_probability: f32,
    /// Rectangles of random size that are wiped out.
    pub erase: EraseConfig,
    /// A square of fixed size that is wiped out.
    pub cutout: CutoutConfig,
    /// Now and then a box that is less right, on top of all the rest.
    pub box_noise: BoxNoiseConfig,
    /// What a camera does to a picture.
    pub camera: CameraConfig,
    /// Images are blended in pairs; see [`crate::mixup`]. 0 is off.
    pub mixup_alpha: f32,
}

/// What a rotated or shifted image shows where it has no pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The image, mirrored about its first and last pixels. Edges of black are nothing a camera shows.
    #[default]
    Reflect,
    /// Black, as torchvision's transforms do unless told otherwise.
    Black,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            max_rotation_deg: 10.0,
            flip_probability: 0.5,
            min_area: 0.9,
            ..Self::OFF
        }
    }
}

impl AugmentConfig {
    /// Leaves every image as it is.
    pub const OFF: Self = Self {
        flip_probability: 0.0,
        max_rotation_deg: 0.0,
        min_area: 1.0,
        max_area: 1.0,
        max_aspect_ratio: 1.0,
        centered: false,
        max_shift: 0.0,
        max_contrast: 0.0,
        max_brightness: 0.0,
        max_gain: 0.0,
        crop_padding_px: 0,
        border: Border::Reflect,
        equalize_probability: 0.0,
        erase: EraseConfig::OFF,
        cutout: CutoutConfig::OFF,
        box_noise: BoxNoiseConfig::OFF,
        camera: CameraConfig::OFF,
        mixup_alpha: 0.0,
    };

    const fn off() -> Self {
        Self::OFF
    }

    /// Writes a random variation of `image` to `output`, normalized.
    ///
    /// `image` is 48×48 luma and `output` a square of any side as f32. The crop is torchvision's `RandomResizedCrop`
    /// with one departure: where a crop would be wider or taller than the image, torchvision draws again,
    /// while here it reaches over the border, beyond which the image is reflected.
    ///
    /// The number of draws from `rng` doesn't depend on the strengths, so that switching one variation off
    /// leaves the others as they were.
    ///
    /// # Panics
    /// If `image` has another length, or that of `output` is not a square number.
    pub fn apply(
        &self,
        image: &[u8],
        normalization: Normalization,
        rng: &mut SplitMix64,
        output: &mut [f32],
    ) {
        let mut camera_rng = camera::generator(rng);
        let (box_shift, box_factor) = self.box_noise.draw(&mut camera_rng);
        let mirrored = rng.unit() < self.flip_probability;
        let rotation_deg = self.max_rotation_deg * rng.between(-1.0, 1.0);
        let area = rng.between(self.min_area, self.max_area);
        let stretch = self.max_aspect_ratio.powf(rng.between(-0.5, 0.5));
        let place = [rng.unit(), rng.unit()];
        let place = if self.centered { [0.5; 2] } else { place };
        let shift = [rng.between(-1.0, 1.0), rng.between(-1.0, 1.0)].map(|s| s * self.max_shift);
        let contrast = 1.0 + self.max_contrast * rng.between(-1.0, 1.0);
        let brightness = 255.0 * self.max_brightness * rng.between(-1.0, 1.0);
        let n_places = (2 * self.crop_padding_px + 1) as f32;
        let padding =
            [rng.unit(), rng.unit()].map(|u| (u * n_places).floor() - self.crop_padding_px as f32);
        let gain = 1.0 + self.max_gain * rng.between(-1.0, 1.0);
        let mut equalized = [0; IMAGE_LEN];
        let image = if rng.unit() < self.equalize_probability {
            equalize::equalize(image, &mut equalized);
            &equalized
        } else {
            image
        };

        let width = SIDE * area.sqrt() * stretch;
        let height = SIDE * area.sqrt() / stretch;
        let crop = Crop {
            left_px: place[0] * (SIDE - width) + shift[0] * SIDE + padding[0],
            top_px: place[1] * (SIDE - height) + shift[1] * SIDE + padding[1],
            width_px: width,
            height_px: height,
        };
        let sampling = Sampling::new(
            crop.moved(box_shift, box_factor),
            rotation_deg.to_radians(),
            mirrored,
            side_of(output),
        );
        let mean = image.iter().map(|&p| u32::from(p)).sum::<u32>() as f32 / IMAGE_LEN as f32;
        // The gain moves the mean, about which the contrast turns.
        let tone = Tone {
            gain: gain * contrast,
            offset: mean * gain * (1.0 - contrast) + brightness,
        };
        resample(image, sampling, tone, self.border, normalization, output);
        self.erase.apply(rng, output);
        self.cutout.apply(rng, output);
        self.camera.apply(normalization, &mut camera_rng, output);
    }
}

/// Side of the crops in [`Views::Ten`]; the same share of the image as in most published ten-crop figures.
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

    /// Writes this view of `image` to `output`, normalized. Sizes as for [`AugmentConfig::apply`].
    ///
    /// # Panics
    /// If `image` has another length, or that of `output` is not a square number.
    pub fn apply(self, image: &[u8], normalization: Normalization, output: &mut [f32]) {
        let free = SIDE - VIEW_CROP_PX;
        let (left_px, top_px, side_px) = match self.part {
            Part::Whole => (0.0, 0.0, SIDE),
            Part::UpperLeft => (0.0, 0.0, VIEW_CROP_PX),
            Part::UpperRight => (free, 0.0, VIEW_CROP_PX),
            Part::LowerLeft => (0.0, free, VIEW_CROP_PX),
            Part::LowerRight => (free, free, VIEW_CROP_PX),
            Part::Center => (free / 2.0, free / 2.0, VIEW_CROP_PX),
        };
        let crop = Crop {
            left_px,
            top_px,
            width_px: side_px,
            height_px: side_px,
        };
        let sampling = Sampling::new(crop, 0.0, self.mirrored, side_of(output));
        let (tone, border) = (Tone::KEPT, Border::Reflect);
        resample(image, sampling, tone, border, normalization, output);
    }
}

/// A part of the image, in pixels from its upper left corner.
struct Crop {
    left_px: f32,
    top_px: f32,
    width_px: f32,
    height_px: f32,
}

impl Crop {
    /// The crop moved by `shift` of its own sides, and its sides multiplied by `factor` about its middle.
    fn moved(self, shift: [f32; 2], factor: f32) -> Self {
        let margin = (1.0 - factor) / 2.0;
        Self {
            left_px: self.left_px + (shift[0] + margin) * self.width_px,
            top_px: self.top_px + (shift[1] + margin) * self.height_px,
            width_px: self.width_px * factor,
            height_px: self.height_px * factor,
        }
    }
}

/// `pixel * gain + offset`, on 0 to 255.
struct Tone {
    gain: f32,
    offset: f32,
}

impl Tone {
    const KEPT: Self = Self {
        gain: 1.0,
        offset: 0.0,
    };
}

/// One in the fixed-point numbers of [`Sampling`].
const ONE: f32 = (1 << FRACTION_BITS) as f32;
const FRACTION_BITS: u32 = 16;

/// The affine map from output pixels to places in the input, both counted from the centre of the upper left
/// pixel. In fixed point, because f32 would need a costly floor per pixel.
struct Sampling {
    origin: [i32; 2],
    per_column: [i32; 2],
    per_row: [i32; 2],
}

impl Sampling {
    fn new(crop: Crop, rotation_rad: f32, mirrored: bool, output_side_px: usize) -> Self {
        let (sin, cos) = rotation_rad.sin_cos();
        let sign = if mirrored { -1.0 } else { 1.0 };
        let (step_x, step_y) = (
            crop.width_px / output_side_px as f32,
            crop.height_px / output_side_px as f32,
        );
        // The first output pixel's centre, seen from the centre of the input.
        let x = crop.left_px + 0.5 * step_x - 0.5 * SIDE;
        let y = crop.top_px + 0.5 * step_y - 0.5 * SIDE;
        let center = 0.5 * SIDE - 0.5;
        let fixed = |values: [f32; 2]| values.map(|value| (value * ONE).round() as i32);
        Self {
            origin: fixed([
                center + sign * (cos * x - sin * y),
                center + sin * x + cos * y,
            ]),
            per_column: fixed([sign * cos * step_x, sin * step_x]),
            per_row: fixed([-sign * sin * step_y, cos * step_y]),
        }
    }
}

/// Side of a square image.
///
/// # Panics
/// If it is not a square.
fn side_of(output: &[f32]) -> usize {
    let side = output.len().isqrt();
    assert_eq!(side * side, output.len(), "the output is a square");
    side
}

/// Resamples bilinearly, changes the tone, clips to what a pixel can be, and normalizes.
fn resample(
    image: &[u8],
    sampling: Sampling,
    tone: Tone,
    border: Border,
    normalization: Normalization,
    output: &mut [f32],
) {
    assert_eq!(image.len(), IMAGE_LEN, "an image is 48 × 48 bytes");
    let scale = 1.0 / (255.0 * normalization.std);
    let bias = -normalization.mean / normalization.std;

    let mut row_start = sampling.origin;
    let side = side_of(output);
    for row in output.chunks_exact_mut(side) {
        let mut place = row_start;
        for value in row {
            let pixel = match border {
                Border::Reflect => reflected(image, place),
                Border::Black => framed_in_black(image, place),
            };
            let pixel = pixel * tone.gain + tone.offset;
            *value = pixel.clamp(0.0, 255.0) * scale + bias;
            place[0] += sampling.per_column[0];
            place[1] += sampling.per_column[1];
        }
        row_start[0] += sampling.per_row[0];
        row_start[1] += sampling.per_row[1];
    }
}

/// The image at a place, mirrored about its first and last pixels.
fn reflected(image: &[u8], place: [i32; 2]) -> f32 {
    let [x, y] = place.map(within_reflection);
    let [left, right] = neighbors(x);
    let [upper, lower] = neighbors(y).map(|y| y * IMAGE_SIDE_PX);
    let at = |index: usize| f32::from(image[index]);
    blend(
        [at(upper + left), at(upper + right)],
        [at(lower + left), at(lower + right)],
        [x, y],
    )
}

/// The image at a place, black all round.
fn framed_in_black(image: &[u8], place: [i32; 2]) -> f32 {
    let [left, upper] = place.map(|fixed| fixed >> FRACTION_BITS);
    let at = |x: i32, y: i32| {
        let inside = (0..=LAST).contains(&x) && (0..=LAST).contains(&y);
        if inside {
            f32::from(image[y as usize * IMAGE_SIDE_PX + x as usize])
        } else {
            0.0
        }
    };
    blend(
        [at(left, upper), at(left + 1, upper)],
        [at(left, upper + 1), at(left + 1, upper + 1)],
        place,
    )
}

/// Bilinear between four pixels, by the fractions of the place.
fn blend(above: [f32; 2], below: [f32; 2], place: [i32; 2]) -> f32 {
    let [fx, fy] = place.map(|fixed| (fixed & ((1 << FRACTION_BITS) - 1)) as f32 / ONE);
    let above = above[0] + fx * (above[1] - above[0]);
    let below = below[0] + fx * (below[1] - below[0]);
    above + fy * (below - above)
}

/// Last row or column.
const LAST: i32 = IMAGE_SIDE_PX as i32 - 1;

/// Keeps a place where [`neighbors`] can reflect it: no further outside than the image is large.
fn within_reflection(fixed: i32) -> i32 {
    fixed.clamp(-LAST << FRACTION_BITS, ((2 * LAST) << FRACTION_BITS) - 1)
}

/// The two pixels around a place along one axis, reflected about the first and the last pixel.
fn neighbors(fixed: i32) -> [usize; 2] {
    let first = fixed >> FRACTION_BITS;
    [first, first + 1].map(|i| {
        let i = i.abs();
        i.min(2 * LAST - i) as usize
    })
}

#[cfg(test)]
mod tests;
