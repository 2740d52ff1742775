//! Cuts faces out of frames and resamples them to the network's input.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::{
    input_spec::{FaceRegion, InputSpec},
    neighbors::{Line, Neighbors},
    taps::Taps,
};
use crate::{
    frame::{Frame, RGBA_BYTES, Resolution},
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
    /// The part of the frame that is read.
    part: Part,
    /// Rows resampled to the width of the input, from the first row that `taps_y` reads.
    narrowed: Vec<f32>,
    patch: Vec<f32>,
}

impl Preprocessor {
    /// Appends the network input for one face to `out`: [`InputSpec::n_values`] values, rows top to bottom.
    ///
    /// The region may reach outside the frame. Where the filter covers any of the frame, pixels outside have no weight;
    /// elsewhere the nearest border pixel is used. Luma is BT.601. Three channels are planes of red, green and blue.
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
        let channels = [Channel::Red, Channel::Green, Channel::Blue];
        let channels = match spec.channels {
            1 => &[Channel::Luma][..],
            _ => &channels,
        };
        for channel in channels {
            self.part.channel = *channel;
            Arch::new().dispatch(Preprocessing {
                preprocessor: self,
                frame,
                square,
                spec,
                out,
            });
        }
    }

    /// Sets the taps for an upright square, and resamples the frame's rows to the input's width.
    #[inline(always)]
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
        self.part
            .fill(frame, columns.clone(), self.taps_y.sources());
        self.narrowed.clear();
        for row in self.part.rows() {
            let taps = self.taps_x.iter();
            self.narrowed.extend(
                taps.map(|(first, weights)| weighted(&row[first - columns.start..], weights)),
            );
        }
    }

    /// Sets the taps for a rotated square, and resamples the rows of the patch cut out for it to the input's width.
    #[inline(always)]
    fn narrow_rotated(&mut self, frame: &Frame, square: &OrientedBox, spec: &InputSpec) {
        let ideal = square.side * MIN_PATCH_DENSITY / spec.width as f32;
        let factor = (ideal.ceil() as usize).clamp(1, MAX_PATCH_SIDES);
        let side = spec.width * factor;
        self.sample_patch(frame, square, side);
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

    /// Samples a square as `side_px`² values, 0 to 255, bilinearly, with the frame's border continued.
    #[inline(always)]
    fn sample_patch(&mut self, frame: &Frame, square: &OrientedBox, side_px: usize) {
        let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
            .map(|corner| square.frame_from_unit(corner));
        // The pixels around the square; at least one, the nearest, if it lies outside.
        let range = |axis: usize, n_px: u32| {
            let (low, high) = corners
                .iter()
                .fold((f32::MAX, f32::MIN), |(low, high), corner| {
                    (low.min(corner[axis]), high.max(corner[axis]))
                });
            let first = ((low - 2.0).max(0.0) as usize).min(n_px as usize - 1);
            first..((high + 2.0).max(0.0) as usize).clamp(first + 1, n_px as usize)
        };
        let size = frame.resolution();
        let (columns, rows) = (range(0, size.width_px), range(1, size.height_px));
        let first = [columns.start as f32, rows.start as f32];
        self.part.fill(frame, columns, rows);
        let (values, size) = (self.part.values.as_slice(), self.part.size());
        let step = square.side / side_px as f32;
        let (right, down) = square.axes();
        let corner = square.frame_from_unit([0.0, 0.0]);
        self.patch.resize(side_px * side_px, 0.0);
        for (row, out) in self.patch.chunks_exact_mut(side_px).enumerate() {
            let v = (row as f32 + 0.5) * step;
            let line = Line {
                // Pixel centers are at halves.
                start: [0, 1].map(|axis| {
                    corner[axis] + 0.5 * step * right[axis] + v * down[axis] - 0.5 - first[axis]
                }),
                step: right.map(|part| part * step),
                n_points: side_px,
            };
            if let Some(inner) = line.inside(size) {
                for (column, out) in out.iter_mut().enumerate() {
                    let (at, right, below) = inner.at(column);
                    let pair = |at: usize| {
                        let pair: Option<&[u8; 2]> = values[at..].first_chunk();
                        let [a, b] = pair.map_or([0.0; 2], |pair| pair.map(f32::from));
                        a + (b - a) * right
                    };
                    let (upper, lower) = (pair(at), pair(at + size.width_px as usize));
                    *out = upper + (lower - upper) * below;
                }
            } else {
                for (column, out) in out.iter_mut().enumerate() {
                    let [x, y] = line.point(column);
                    let neighbors = Neighbors::of(size, x, y);
                    [*out] = neighbors.interpolate(|index| [f32::from(values[index])]);
                }
            }
        }
    }
}

/// One call of [`Preprocessor::append_square`], to be run with the widest vectors of the processor.
struct Preprocessing<'a> {
    preprocessor: &'a mut Preprocessor,
    frame: &'a Frame,
    square: &'a OrientedBox,
    spec: &'a InputSpec,
    out: &'a mut Vec<f32>,
}

impl WithSimd for Preprocessing<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            preprocessor,
            frame,
            square,
            spec,
            out,
        } = self;
        if square.roll_deg == 0.0 {
            preprocessor.narrow_upright(frame, square, spec);
        } else {
            preprocessor.narrow_rotated(frame, square, spec);
        }
        let first_row = preprocessor.taps_y.sources().start;
        for (first, weights) in preprocessor.taps_y.iter() {
            let start = out.len();
            out.resize(start + spec.width, 0.0);
            let row = &mut out[start..];
            let rows =
                preprocessor.narrowed[(first - first_row) * spec.width..].chunks_exact(spec.width);
            for (values, weight) in rows.zip(weights) {
                for (sum, value) in row.iter_mut().zip(values) {
                    *sum += value * weight;
                }
            }
            for value in row {
                *value = spec.normalize(value.clamp(0.0, 255.0));
            }
        }
    }
}

/// What the network sees of a pixel.
#[derive(Debug, Clone, Copy, Default)]
enum Channel {
    /// BT.601.
    #[default]
    Luma,
    Red,
    Green,
    Blue,
}

/// One channel of a part of a frame.
#[derive(Debug, Default)]
struct Part {
    channel: Channel,
    width: usize,
    values: Vec<u8>,
}

impl Part {
    #[inline(always)]
    fn fill(&mut self, frame: &Frame, columns: Range<usize>, rows: Range<usize>) {
        self.width = columns.len();
        self.values.clear();
        for row in rows {
            let start = row * frame.resolution().width_px as usize + columns.start;
            let pixels = &frame.rgba().as_chunks::<RGBA_BYTES>().0[start..][..self.width];
            match self.channel {
                Channel::Luma => self.values.extend(pixels.iter().map(|pixel| luma(*pixel))),
                Channel::Red => self.values.extend(pixels.iter().map(|[red, ..]| red)),
                Channel::Green => self
                    .values
                    .extend(pixels.iter().map(|[_, green, ..]| green)),
                Channel::Blue => self
                    .values
                    .extend(pixels.iter().map(|[_, _, blue, _]| blue)),
            }
        }
    }

    fn size(&self) -> Resolution {
        let height = self.values.len() / self.width.max(1);
        Resolution::new(self.width as u32, height as u32)
    }

    fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.values.chunks_exact(self.width.max(1))
    }
}

/// The weighted sum of the first values.
#[inline(always)]
fn weighted<T: Copy + Into<f32>>(values: &[T], weights: &[f32]) -> f32 {
    let products = values.iter().zip(weights);
    products.map(|(&value, weight)| value.into() * weight).sum()
}

/// Luma of an RGBA pixel by ITU-R BT.601, 0 to 255, with the integer weights that Pillow uses.
#[inline(always)]
fn luma(pixel: [u8; RGBA_BYTES]) -> u8 {
    // With one 32-bit load the compiler vectorizes loops over pixels.
    let word = u32::from_le_bytes(pixel);
    let [red, green, blue] = [0, 8, 16].map(|shift| (word >> shift) & 0xff);
    ((19_595 * red + 38_470 * green + 7_471 * blue + 0x8000) >> 16) as u8
}

/// As the network sees a pixel: its luma by ITU-R BT.601, 0 to 255.
pub fn luma_bt601(pixel: [u8; RGBA_BYTES]) -> f32 {
    luma(pixel).into()
}
