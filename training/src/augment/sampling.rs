//! Where each output pixel comes from: one affine map, one resampling.
//!
//! The map goes from a pixel of the *output* back to a place in the input, so the step that comes last in words comes first
//! in the map.

use super::{Border, Normalization};
use crate::dataset::{IMAGE_LEN, IMAGE_SIDE_PX};

/// Side of an image.
pub(super) const SIDE: f32 = IMAGE_SIDE_PX as f32;

/// A part of the image, in pixels from its upper left corner.
pub(super) struct Crop {
    pub(super) left_px: f32,
    pub(super) top_px: f32,
    pub(super) width_px: f32,
    pub(super) height_px: f32,
}

impl Crop {
    /// All of the image.
    pub(super) const WHOLE: Self = Self {
        left_px: 0.0,
        top_px: 0.0,
        width_px: SIDE,
        height_px: SIDE,
    };

    /// The crop moved by `shift` of its own sides, and its sides multiplied by `factor` about its middle.
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

/// One in the fixed-point numbers of [`Sampling`].
const ONE: f32 = (1 << FRACTION_BITS) as f32;
pub(super) const FRACTION_BITS: u32 = 16;

/// The affine map from output pixels to places in the input, both counted from the centre of the upper left
/// pixel. In fixed point, because f32 would need a costly floor per pixel.
pub(super) struct Sampling {
    origin: [i32; 2],
    per_column: [i32; 2],
    per_row: [i32; 2],
}

impl Sampling {
    pub(super) fn new(
        crop: Crop,
        rotation_rad: f32,
        mirrored: bool,
        output_side_px: usize,
    ) -> Self {
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
pub(super) fn side_of(output: &[f32]) -> usize {
    let side = output.len().isqrt();
    assert_eq!(side * side, output.len(), "the output is a square");
    side
}

/// Resamples bilinearly, changes the tone, clips to what a pixel can be, and normalizes.
pub(super) fn resample(
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
pub(super) const LAST: i32 = IMAGE_SIDE_PX as i32 - 1;

/// Keeps a place where [`neighbors`] can reflect it: no further outside than the image is large.
pub(super) fn within_reflection(fixed: i32) -> i32 {
    fixed.clamp(-LAST << FRACTION_BITS, ((2 * LAST) << FRACTION_BITS) - 1)
}

/// The two pixels around a place along one axis, reflected about the first and the last pixel.
pub(super) fn neighbors(fixed: i32) -> [usize; 2] {
    let first = fixed >> FRACTION_BITS;
    [first, first + 1].map(|i| {
        let i = i.abs();
        i.min(2 * LAST - i) as usize
    })
}
