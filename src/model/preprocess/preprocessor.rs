//! Cuts faces out of frames and resamples them to the network's input.

use super::{
    input_spec::{FaceRegion, InputSpec},
    neighbors::Neighbors,
    taps::Taps,
};
use crate::{
    frame::{Frame, RGBA_BYTES},
    oriented_box::OrientedBox,
};

/// A rotated square is first sampled with at least this many pixels for each of the frame's, and then resampled as an
/// upright one is. Exact values would take a filter for each angle; at two thirds no network's probabilities move by
/// more than 1 %.
const MIN_PATCH_DENSITY: f32 = 0.67;

/// The maximum side of a patch, in sides of the input. Beyond it, pixels of the frame are skipped.
const MAX_PATCH_SIDES: usize = 12;

/// Makes network inputs of faces; keeps its buffers between calls.
#[derive(Debug, Default)]
pub struct Preprocessor {
    taps_x: Taps,
    taps_y: Taps,
    luma: Vec<f32>,
    /// Rows resampled to the width of the input, from the first row that `taps_y` reads.
    narrowed: Vec<f32>,
    patch: Vec<f32>,
}

impl Preprocessor {
    /// Appends the network input for one face to `out`: [`InputSpec::n_values`] values, rows top to bottom.
    ///
    /// The region may reach outside the frame. Where the filter covers any of the frame, pixels outside have no weight;
    /// elsewhere the nearest border pixel is used. Luma is BT.601.
    pub fn append(
        &mut self,
        frame: &Frame,
        face: &FaceRegion,
        spec: &InputSpec,
        out: &mut Vec<f32>,
    ) {
        self.append_square(frame, &spec.region(face), spec, out);
    }

    /// As [`Self::append`], for a square of the frame.
    pub(super) fn append_square(
        &mut self,
        frame: &Frame,
        square: &OrientedBox,
        spec: &InputSpec,
        out: &mut Vec<f32>,
    ) {
        if square.roll_deg == 0.0 {
            self.narrow_upright(frame, square, spec);
        } else {
            self.narrow_rotated(frame, square, spec);
        }
        let first_row = self.taps_y.sources().start;
        for (first, weights) in self.taps_y.iter() {
            let top = (first - first_row) * spec.width;
            for column in 0..spec.width {
                let column = self.narrowed[top + column..].iter().step_by(spec.width);
                let luma = weighted(column, weights);
                out.push(spec.normalize(luma.clamp(0.0, 255.0)));
            }
        }
    }

    /// Sets the taps for an upright square, and resamples the frame's rows to the input's width.
    fn narrow_upright(&mut self, frame: &Frame, square: &OrientedBox, spec: &InputSpec) {
        let region = square.to_bounding_box();
        let size = frame.resolution();
        let (width, height) = (size.width_px as usize, size.height_px as usize);
        let filter = spec.resize_filter;
        self.taps_x
            .fill(filter, region.x, region.width, width, spec.width);
        self.taps_y
            .fill(filter, region.y, region.height, height, spec.height);
        let columns = self.taps_x.sources();
        self.luma.resize(columns.len(), 0.0);
        self.narrowed.clear();
        for row in self.taps_y.sources() {
            let start = (row * width + columns.start) * RGBA_BYTES;
            let pixels = &frame.rgba()[start..start + columns.len() * RGBA_BYTES];
            for (luma, pixel) in self.luma.iter_mut().zip(pixels.as_chunks::<RGBA_BYTES>().0) {
                *luma = luma_bt601(*pixel);
            }
            let taps = self.taps_x.iter();
            self.narrowed.extend(
                taps.map(|(first, weights)| weighted(&self.luma[first - columns.start..], weights)),
            );
        }
    }

    /// Sets the taps for a rotated square, and resamples the rows of the patch cut out for it to the input's width.
    fn narrow_rotated(&mut self, frame: &Frame, square: &OrientedBox, spec: &InputSpec) {
        let ideal = square.side * MIN_PATCH_DENSITY / spec.width as f32;
        let factor = (ideal.ceil() as usize).clamp(1, MAX_PATCH_SIDES);
        let side = spec.width * factor;
        sample_luma(frame, square, side, &mut self.patch);
        let (filter, extent) = (spec.resize_filter, side as f32);
        self.taps_x.fill(filter, 0.0, extent, side, spec.width);
        self.taps_y.fill(filter, 0.0, extent, side, spec.height);
        self.narrowed.clear();
        for row in self.taps_y.sources() {
            let row = &self.patch[row * side..][..side];
            let taps = self.taps_x.iter();
            self.narrowed
                .extend(taps.map(|(first, weights)| weighted(&row[first..], weights)));
        }
    }
}

/// The weighted sum of the first values.
fn weighted<'a>(values: impl IntoIterator<Item = &'a f32>, weights: &[f32]) -> f32 {
    let products = values.into_iter().zip(weights);
    products.map(|(value, weight)| value * weight).sum()
}

/// Samples a square as `side_px`² luma values (BT.601), 0 to 255, bilinearly, with the frame's border continued.
fn sample_luma(frame: &Frame, square: &OrientedBox, side_px: usize, out: &mut Vec<f32>) {
    let size = frame.resolution();
    let pixels = frame.rgba().as_chunks::<RGBA_BYTES>().0;
    let step = square.side / side_px as f32;
    let (right, down) = square.axes();
    let [first_x, first_y] = square.frame_from_unit([0.0, 0.0]);
    out.clear();
    out.reserve(side_px * side_px);
    for row in 0..side_px {
        let v = (row as f32 + 0.5) * step;
        for column in 0..side_px {
            let u = (column as f32 + 0.5) * step;
            // Pixel centers are at halves.
            let x = first_x + u * right[0] + v * down[0] - 0.5;
            let y = first_y + u * right[1] + v * down[1] - 0.5;
            let neighbors = Neighbors::of(size, x, y);
            let [luma] = neighbors.interpolate(|index| [luma_bt601(pixels[index])]);
            out.push(luma);
        }
    }
}

/// Luma of an RGBA pixel by ITU-R BT.601, 0 to 255, with the integer weights that Pillow uses.
pub fn luma_bt601([red, green, blue, _]: [u8; RGBA_BYTES]) -> f32 {
    let luma =
        19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue) + 0x8000;
    (luma >> 16) as f32
}
