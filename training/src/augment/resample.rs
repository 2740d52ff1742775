//! One affine map from an image to the network's input, sampled bilinearly.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::fer2013::IMAGE_SIDE_PX;

/// Side of FER-2013's images, px. Lengths in pixels refer to it and are scaled for other sizes.
pub(super) const FER_SIDE_PX: f32 = IMAGE_SIDE_PX as f32;

/// How pixels become network input: `(pixel / 255 - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// Black is 0, white is 1.
    pub mean: f32,
    /// On the same scale, not 0.
    pub std: f32,
}

impl Default for Normalization {
    /// Mean and standard deviation 0.5, which maps 0 to 255 onto -1 to 1.
    fn default() -> Self {
        Self {
            mean: 0.5,
            std: 0.5,
        }
    }
}

/// What a rotated or shifted image shows beyond its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BorderMode {
    /// The image, mirrored about its first and last pixels. No camera shows black edges.
    #[default]
    Reflect,
    /// Black, the default of torchvision's transforms.
    Black,
}

/// A square image.
pub(super) struct Luma<'a> {
    pub(super) pixels: Cow<'a, [u8]>,
    pub(super) side: usize,
}

impl<'a> Luma<'a> {
    /// The image, averaged over squares of pixels if it is at least twice as large as the output: sampling alone would
    /// skip pixels.
    pub(super) fn shrunk(pixels: &'a [u8], output_side: usize) -> Self {
        let side = side_of_length(pixels.len());
        let most = side / output_side.max(1);
        let factor = (2..=most).rev().find(|factor| side.is_multiple_of(*factor));
        let Some(factor) = factor else {
            return Self {
                pixels: Cow::Borrowed(pixels),
                side,
            };
        };
        let n_pixels = (factor * factor) as u32;
        let small = side / factor;
        let mut sums = vec![0_u32; small * small];
        for (y, row) in pixels.chunks_exact(side).enumerate() {
            for (x, pixel) in row.iter().enumerate() {
                sums[y / factor * small + x / factor] += u32::from(*pixel);
            }
        }
        let rounded = |sum: u32| ((sum + n_pixels / 2) / n_pixels) as u8;
        Self {
            pixels: sums.into_iter().map(rounded).collect(),
            side: small,
        }
    }

    /// The unchanged image.
    ///
    /// # Panics
    /// If it is not square.
    pub(super) fn of(pixels: &'a [u8]) -> Self {
        Self {
            pixels: Cow::Borrowed(pixels),
            side: side_of_length(pixels.len()),
        }
    }

    /// The whole image.
    pub(super) fn whole(&self) -> Crop {
        let side = self.side as f32;
        Crop {
            left_px: 0.0,
            top_px: 0.0,
            width_px: side,
            height_px: side,
        }
    }

    pub(super) fn mean(&self) -> f32 {
        let sum: u32 = self.pixels.iter().map(|&p| u32::from(p)).sum();
        sum as f32 / self.pixels.len() as f32
    }

    /// Last row or column.
    pub(super) fn last(&self) -> i32 {
        self.side as i32 - 1
    }
}

/// A part of the image, in pixels from its upper left corner.
pub(super) struct Crop {
    pub(super) left_px: f32,
    pub(super) top_px: f32,
    pub(super) width_px: f32,
    pub(super) height_px: f32,
}

impl Crop {
    /// The crop moved by `shift`, in its own sides, and scaled by `factor` about its center.
    pub(super) fn moved(self, shift: [f32; 2], factor: f32) -> Self {
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
pub(super) struct Tone {
    pub(super) gain: f32,
    pub(super) offset: f32,
}

impl Tone {
    pub(super) const KEPT: Self = Self {
        gain: 1.0,
        offset: 0.0,
    };
}

/// The number 1 in the fixed point of [`Sampling`].
const ONE: f32 = (1 << FRACTION_BITS) as f32;
pub(super) const FRACTION_BITS: u32 = 16;

/// The affine map from output pixels to positions in the input, both relative to the center of the upper left pixel. In
/// fixed point, because f32 would need a slow `floor` per pixel.
pub(super) struct Sampling {
    origin: [i32; 2],
    per_column: [i32; 2],
    per_row: [i32; 2],
}

impl Sampling {
    /// The sides are those of the input and the output, px.
    pub(super) fn new(
        crop: Crop,
        rotation_rad: f32,
        mirrored: bool,
        [input_side, output_side]: [usize; 2],
    ) -> Self {
        let side = input_side as f32;
        let (sin, cos) = rotation_rad.sin_cos();
        let sign = if mirrored { -1.0 } else { 1.0 };
        let (step_x, step_y) = (
            crop.width_px / output_side as f32,
            crop.height_px / output_side as f32,
        );
        // The center of the first output pixel, relative to the center of the input.
        let x = crop.left_px + 0.5 * step_x - 0.5 * side;
        let y = crop.top_px + 0.5 * step_y - 0.5 * side;
        let center = 0.5 * side - 0.5;
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
pub(super) fn side_of(output: &[f32]) -> usize {
    side_of_length(output.len())
}

fn side_of_length(length: usize) -> usize {
    let side = length.isqrt();
    assert_eq!(side * side, length, "images are squares");
    side
}

/// Resamples bilinearly, changes the tone, clips to the range of a pixel, and normalizes.
pub(super) fn resample(
    image: &Luma<'_>,
    sampling: Sampling,
    tone: Tone,
    border: BorderMode,
    normalization: Normalization,
    output: &mut [f32],
) {
    let scale = 1.0 / (255.0 * normalization.std);
    let bias = -normalization.mean / normalization.std;

    let mut row_start = sampling.origin;
    let side = side_of(output);
    for row in output.chunks_exact_mut(side) {
        let mut place = row_start;
        for value in row {
            let pixel = match border {
                BorderMode::Reflect => image.reflected(place),
                BorderMode::Black => image.framed_in_black(place),
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

impl Luma<'_> {
    /// The level at a position, with the image mirrored about its first and last pixels.
    fn reflected(&self, place: [i32; 2]) -> f32 {
        let [x, y] = place.map(|fixed| self.within_reflection(fixed));
        let [left, right] = self.neighbors(x);
        let [upper, lower] = self.neighbors(y).map(|y| y * self.side);
        let at = |index: usize| f32::from(self.pixels[index]);
        blend(
            [at(upper + left), at(upper + right)],
            [at(lower + left), at(lower + right)],
            [x, y],
        )
    }

    /// The level at a position, with black around the image.
    fn framed_in_black(&self, place: [i32; 2]) -> f32 {
        let [left, upper] = place.map(|fixed| fixed >> FRACTION_BITS);
        let inside = 0..=self.last();
        let at = |x: i32, y: i32| {
            if inside.contains(&x) && inside.contains(&y) {
                f32::from(self.pixels[y as usize * self.side + x as usize])
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

    /// Clamps a position to the range that [`Self::neighbors`] can reflect: at most one side beyond the border.
    pub(super) fn within_reflection(&self, fixed: i32) -> i32 {
        let last = self.last();
        fixed.clamp(-last << FRACTION_BITS, ((2 * last) << FRACTION_BITS) - 1)
    }

    /// The two pixels around a position along one axis, reflected about the first and the last pixel.
    pub(super) fn neighbors(&self, fixed: i32) -> [usize; 2] {
        let first = fixed >> FRACTION_BITS;
        [first, first + 1].map(|i| {
            let i = i.abs();
            i.min(2 * self.last() - i) as usize
        })
    }
}

/// Interpolates between four pixels, by the fractions of the position.
fn blend(above: [f32; 2], below: [f32; 2], place: [i32; 2]) -> f32 {
    let [fx, fy] = place.map(|fixed| (fixed & ((1 << FRACTION_BITS) - 1)) as f32 / ONE);
    let above = above[0] + fx * (above[1] - above[0]);
    let below = below[0] + fx * (below[1] - below[0]);
    above + fy * (below - above)
}
