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
mod tests {
    use super::*;

    const RAW: Normalization = Normalization {
        mean: 0.0,
        std: 1.0 / 255.0,
    };

    /// Brightness rises to the right and, more slowly, downwards.
    fn ramp() -> Vec<u8> {
        let pixel = |i: usize| 40 + 3 * (i % IMAGE_SIDE_PX) + i / IMAGE_SIDE_PX;
        (0..IMAGE_LEN).map(|i| pixel(i) as u8).collect()
    }

    fn augmented(config: AugmentConfig, image: &[u8], key: u64) -> Vec<f32> {
        let mut output = vec![f32::NAN; IMAGE_LEN];
        config.apply(image, RAW, &mut SplitMix64::from_key(&[key]), &mut output);
        output
    }

    fn viewed(view: View, image: &[u8]) -> Vec<f32> {
        let mut output = vec![f32::NAN; IMAGE_LEN];
        view.apply(image, RAW, &mut output);
        output
    }

    fn close(a: f32, b: f32) -> bool {
        (a - b).abs() < 0.02
    }

    #[test]
    fn switched_off_it_only_normalizes() {
        let image: Vec<u8> = (0..IMAGE_LEN).map(|i| (i * 37 % 256) as u8).collect();
        let mut output = vec![0.0; IMAGE_LEN];
        let rng = &mut SplitMix64::from_key(&[1]);
        AugmentConfig::OFF.apply(&image, Normalization::default(), rng, &mut output);
        for (&pixel, &value) in image.iter().zip(&output) {
            assert!((value - (f32::from(pixel) / 255.0 - 0.5) / 0.5).abs() < 1e-6);
        }
        let mut plain = vec![0.0; IMAGE_LEN];
        View::PLAIN.apply(&image, Normalization::default(), &mut plain);
        assert_eq!(plain, output);
    }

    #[test]
    fn flipping_mirrors_exactly() {
        let config = AugmentConfig {
            flip_probability: 1.0,
            ..AugmentConfig::OFF
        };
        let image = ramp();
        let flipped = augmented(config, &image, 1);
        for (i, value) in flipped.iter().enumerate() {
            let (x, y) = (i % IMAGE_SIDE_PX, i / IMAGE_SIDE_PX);
            let mirrored = image[y * IMAGE_SIDE_PX + IMAGE_SIDE_PX - 1 - x];
            assert_eq!(*value, f32::from(mirrored));
        }
        let view = View {
            mirrored: true,
            ..View::PLAIN
        };
        assert_eq!(viewed(view, &image), flipped);
    }

    /// A ramp is linear, so bilinear sampling is exact wherever the border isn't involved.
    #[test]
    fn geometry_agrees_with_the_formula_away_from_the_border() {
        let f = |x: f32, y: f32| 40.0 + 3.0 * x + y;
        let angle = 10_f32.to_radians();
        let crop = |left_px, top_px, side_px| Crop {
            left_px,
            top_px,
            width_px: side_px,
            height_px: side_px,
        };
        // For the output pixel (20, 30), by hand: the middle is at 23.5, so it is seen from there at (-3.5, 6.5).
        let cases = [
            (
                Sampling::new(crop(0.0, 0.0, 48.0), angle, false, IMAGE_SIDE_PX),
                f(
                    23.5 - 3.5 * angle.cos() - 6.5 * angle.sin(),
                    23.5 - 3.5 * angle.sin() + 6.5 * angle.cos(),
                ),
            ),
            (
                Sampling::new(crop(0.0, 0.0, 48.0), angle, true, IMAGE_SIDE_PX),
                f(
                    23.5 + 3.5 * angle.cos() + 6.5 * angle.sin(),
                    23.5 - 3.5 * angle.sin() + 6.5 * angle.cos(),
                ),
            ),
            // Half the side: pixel centres are half a pixel apart, the first at 6 + 0.25 - 0.5.
            (
                Sampling::new(crop(6.0, 12.0, 24.0), 0.0, false, IMAGE_SIDE_PX),
                f(5.75 + 10.0, 11.75 + 15.0),
            ),
        ];
        for (sampling, expected) in cases {
            let mut output = vec![0.0; IMAGE_LEN];
            resample(
                &ramp(),
                sampling,
                Tone::KEPT,
                Border::Reflect,
                RAW,
                &mut output,
            );
            let value = output[30 * IMAGE_SIDE_PX + 20];
            assert!(close(value, expected), "{value} instead of {expected}");
        }
    }

    #[test]
    fn beyond_the_border_the_image_is_reflected() {
        let crop = Crop {
            left_px: -3.0,
            top_px: 0.0,
            width_px: SIDE,
            height_px: SIDE,
        };
        let image = ramp();
        let mut output = vec![0.0; IMAGE_LEN];
        let sampling = Sampling::new(crop, 0.0, false, IMAGE_SIDE_PX);
        resample(
            &image,
            sampling,
            Tone::KEPT,
            Border::Reflect,
            RAW,
            &mut output,
        );
        for (x, from) in [3, 2, 1, 0, 1, 2].into_iter().enumerate() {
            assert_eq!(output[x], f32::from(image[from]), "column {x}");
        }
        assert_eq!(neighbors(LAST << FRACTION_BITS), [47, 46]);
        assert_eq!(neighbors(within_reflection(i32::MIN)), [47, 46]);
        assert_eq!(neighbors(within_reflection(i32::MAX)), [1, 0]);
    }

    #[test]
    fn ten_views_are_ten_and_show_their_corners() {
        let counts = Views::ALL.map(|views| {
            let mut unique = views.views();
            unique.dedup();
            unique.len()
        });
        assert_eq!(counts, [1, 2, 10]);

        let ends = |part| {
            let output = viewed(
                View {
                    part,
                    mirrored: false,
                },
                &ramp(),
            );
            [
                output[25 * 48 + 10],
                output[25 * 48 + 40],
                output[10 * 48 + 25],
                output[40 * 48 + 25],
            ]
        };
        // Moving the crop by 4 px changes the ramp by 12 sideways and by 4 downwards, everywhere inside.
        let base = ends(Part::UpperLeft);
        for (part, difference) in [
            (Part::UpperRight, 12.0),
            (Part::LowerLeft, 4.0),
            (Part::LowerRight, 16.0),
            (Part::Center, 8.0),
        ] {
            for (value, start) in ends(part).into_iter().zip(base) {
                assert!(
                    close(value - start, difference),
                    "{part:?}: {value}, {start}"
                );
            }
        }
    }

    #[test]
    fn contrast_turns_about_the_mean_and_pixels_stay_pixels() {
        let config = AugmentConfig {
            max_contrast: 0.5,
            ..AugmentConfig::OFF
        };
        let flat = augmented(config, &[100; IMAGE_LEN], 3);
        assert!(flat.iter().all(|&value| close(value, 100.0)));

        let mut half = vec![50; IMAGE_LEN];
        half[..IMAGE_LEN / 2].fill(150);
        let (first, last) = {
            let output = augmented(config, &half, 3);
            (output[0], output[IMAGE_LEN - 1])
        };
        assert!(
            close(first + last, 200.0) && !close(first, 150.0),
            "{first} {last}"
        );

        let bright = AugmentConfig {
            max_brightness: 1.0,
            ..AugmentConfig::OFF
        };
        let means: Vec<f32> = (0..20)
            .map(|key| augmented(bright, &half, key).iter().sum::<f32>() / IMAGE_LEN as f32)
            .collect();
        assert!(means.iter().any(|&m| m < 50.0) && means.iter().any(|&m| m > 150.0));
        let outputs = (0..20).flat_map(|key| augmented(bright, &half, key));
        assert!(
            outputs
                .into_iter()
                .all(|value| (0.0..=255.0).contains(&value))
        );
    }

    #[test]
    fn the_same_key_gives_the_same_image_and_another_key_another() {
        let recipe = AugmentConfig::default();
        let image = ramp();
        assert_eq!(augmented(recipe, &image, 5), augmented(recipe, &image, 5));
        assert_ne!(augmented(recipe, &image, 5), augmented(recipe, &image, 6));
    }

    #[test]
    fn switching_one_variation_off_keeps_the_draws_of_the_others() {
        let image = ramp();
        let flip_only = AugmentConfig {
            flip_probability: 0.5,
            ..AugmentConfig::OFF
        };
        for key in 0..20 {
            let is_flipped = |config| {
                let output = augmented(config, &image, key);
                output[24 * 48 + 10] > output[24 * 48 + 38]
            };
            assert_eq!(is_flipped(AugmentConfig::default()), is_flipped(flip_only));
        }
    }

    #[test]
    fn extreme_strengths_stay_within_pixels() {
        let config = AugmentConfig {
            flip_probability: 0.5,
            max_rotation_deg: 180.0,
            min_area: 0.01,
            max_area: 9.0,
            max_aspect_ratio: 4.0,
            centered: false,
            max_shift: 2.0,
            max_contrast: 5.0,
            max_brightness: 3.0,
            max_gain: 2.0,
            crop_padding_px: 300,
            border: Border::Reflect,
            equalize_probability: 0.5,
            erase: EraseConfig {
                probability: 0.5,
                min_area: 0.001,
                max_area: 1.0,
                max_aspect_ratio: 10.0,
            },
            cutout: CutoutConfig {
                probability: 0.5,
                side: 2.0,
            },
            box_noise: BoxNoiseConfig::OFF,
            camera: CameraConfig::OFF,
            mixup_alpha: 0.0,
        };
        for border in [Border::Reflect, Border::Black] {
            let config = AugmentConfig { border, ..config };
            for key in 0..200 {
                let output = augmented(config, &ramp(), key);
                assert!(output.iter().all(|value| (0.0..=255.001).contains(value)));
            }
        }
    }

    #[test]
    fn padding_moves_by_whole_pixels_and_shows_black() {
        let config = AugmentConfig {
            crop_padding_px: 4,
            border: Border::Black,
            ..AugmentConfig::OFF
        };
        let image = ramp();
        let mut seen = std::collections::BTreeSet::new();
        for key in 0..400 {
            let output = augmented(config, &image, key);
            // The ramp's value in the middle says how far it moved: 3 a column, 1 a row.
            let at = |x: i32, y: i32| output[(y * 48 + x) as usize];
            let (dx, dy) = (at(25, 24) - at(24, 24), at(24, 25) - at(24, 24));
            assert!(close(dx, 3.0) && close(dy, 1.0), "{dx} {dy}");
            let n_black_columns = (0..48).filter(|&x| at(x, 24) == 0.0).count();
            let n_black_rows = (0..48).filter(|&y| at(24, y) == 0.0).count();
            seen.insert((n_black_columns, n_black_rows));
        }
        // Every distance of 0 to 4 px, in every combination.
        assert!(seen.iter().all(|&(x, y)| x <= 4 && y <= 4), "{seen:?}");
        assert_eq!(seen.len(), 25);
    }

    #[test]
    fn a_gain_multiplies() {
        let config = AugmentConfig {
            max_gain: 0.2,
            ..AugmentConfig::OFF
        };
        let image: Vec<u8> = (0..IMAGE_LEN).map(|i| 50 + (i % 100) as u8).collect();
        for key in 0..20 {
            let output = augmented(config, &image, key);
            let factor = output[0] / 50.0;
            assert!((0.8..=1.2).contains(&factor));
            for (&pixel, &value) in image.iter().zip(&output) {
                assert!(close(value, f32::from(pixel) * factor));
            }
        }
    }

    /// A ramp stays a ramp at any size: the centre of output pixel i is at (i + 0.5) · 48 / side - 0.5.
    #[test]
    fn the_output_may_have_another_size() {
        for side in [24_usize, 40, 64, 96] {
            let mut output = vec![0.0; side * side];
            View::PLAIN.apply(&ramp(), RAW, &mut output);
            let at = |i: usize| (i as f32 + 0.5) * SIDE / side as f32 - 0.5;
            for (x, y) in [(side / 2, side / 3), (side / 4, side / 2)] {
                let expected = 40.0 + 3.0 * at(x) + at(y);
                let value = output[y * side + x];
                assert!(close(value, expected), "{value} instead of {expected}");
            }
        }
    }

    #[test]
    fn a_box_that_is_less_right_moves_and_scales_about_its_middle() {
        let crop = Crop {
            left_px: 10.0,
            top_px: 20.0,
            width_px: 20.0,
            height_px: 10.0,
        };
        let moved = crop.moved([0.1, -0.2], 1.5);
        let center = [
            moved.left_px + moved.width_px / 2.0,
            moved.top_px + moved.height_px / 2.0,
        ];
        assert!(
            close(center[0], 22.0) && close(center[1], 23.0),
            "{center:?}"
        );
        assert_eq!((moved.width_px, moved.height_px), (30.0, 15.0));
    }

    /// What a camera does to a picture draws from a generator of its own.
    #[test]
    fn a_camera_changes_no_other_draw() {
        let config = AugmentConfig {
            max_shift: 0.2,
            ..AugmentConfig::default()
        };
        let mut with_camera = config;
        with_camera.camera.noise = NoiseConfig {
            probability: 1.0,
            max_deviation: 1e-9,
        };
        let image = ramp();
        for key in 0..20 {
            let (plain, seen) = (
                augmented(config, &image, key),
                augmented(with_camera, &image, key),
            );
            assert!(plain.iter().zip(&seen).all(|(a, b)| (a - b).abs() < 0.1));
        }
    }

    #[test]
    fn centered_crops_leave_the_middle_where_it_is() {
        let config = AugmentConfig {
            centered: true,
            min_area: 0.5,
            max_area: 1.5,
            ..AugmentConfig::OFF
        };
        let image = ramp();
        for key in 0..20 {
            let levels = augmented(config, &image, key);
            let middle = |at: &dyn Fn(usize) -> f32| {
                let half = IMAGE_SIDE_PX / 2;
                let corner = |x, y| at((half - y) * IMAGE_SIDE_PX + half - x);
                (corner(0, 0) + corner(1, 0) + corner(0, 1) + corner(1, 1)) / 4.0
            };
            let expected = middle(&|i| image[i].into());
            assert!((middle(&|i| levels[i]) - expected).abs() < 0.1, "key {key}");
        }
    }
}
