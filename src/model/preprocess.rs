//! Face box in, network input out; the one definition that application and training share.
//!
//! The square that is cut out is *not* the detector's box: a checkpoint says how its training pictures were framed
//! ([`CropGeometry`]), and the box is enlarged and shifted to match. A network fed with another framing or another
//! [`ResizeFilter`] than it was trained on loses several points of accuracy without any error message.

use serde::{Deserialize, Serialize};

use crate::{
    bounding_box::BoundingBox,
    frame::{Frame, RGBA_BYTES},
    oriented_box::OrientedBox,
};

/// What a network wants to be fed with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Width of the input, px.
    pub width: usize,
    /// Height of the input, px.
    pub height: usize,
    /// Channels; 1, luma, is the only number that this version can make.
    pub channels: usize,
    /// Subtracted after scaling pixels to 0 to 1.
    pub mean: f32,
    /// Divides after that.
    pub std: f32,
    /// How the crop is resampled.
    pub resize_filter: ResizeFilter,
    /// Which square around the detector's box is cut out.
    pub crop: CropGeometry,
    /// Which square around a face with a mesh is cut out, turned upright. `None`, as in files from before there was one: the
    /// square by [`Self::crop`], for these faces too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upright_crop: Option<CropGeometry>,
}

/// A face to be cut out of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceRegion {
    /// The detector's box.
    pub box_in_frame: BoundingBox,
    /// The square around the face's mesh in the face's own axes, if there is a mesh.
    pub upright: Option<OrientedBox>,
}

impl From<BoundingBox> for FaceRegion {
    /// A face without a mesh.
    fn from(box_in_frame: BoundingBox) -> Self {
        Self {
            box_in_frame,
            upright: None,
        }
    }
}

impl InputSpec {
    /// FER-2013's own input, 48×48 luma, scaled to -1 to 1.
    pub const FER_2013: Self = Self {
        width: 48,
        height: 48,
        channels: 1,
        mean: 0.5,
        std: 0.5,
        resize_filter: ResizeFilter::Bilinear,
        crop: CropGeometry {
            scale: 1.0,
            shift_y: 0.0,
        },
        upright_crop: None,
    };

    /// The square that is cut out for a face.
    pub fn region(&self, face: &FaceRegion) -> OrientedBox {
        match (&self.upright_crop, &face.upright) {
            (Some(crop), Some(upright)) => upright.adjusted(0.0, crop.shift_y, crop.scale),
            _ => {
                let square = self.crop.region(&face.box_in_frame);
                OrientedBox::upright(square.center(), square.width)
            }
        }
    }

    /// Number of values of one input.
    pub fn n_values(&self) -> usize {
        self.width * self.height * self.channels
    }

    /// One luma value, 0 to 255, as the network sees it.
    pub fn normalize(&self, luma: f32) -> f32 {
        (luma / 255.0 - self.mean) / self.std
    }
}

/// How a crop is resampled to the input size. All filters widen when they shrink, so that no pixel is ignored;
/// sizes and weights are those of the Pillow library (`Image.resize` with `box`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResizeFilter {
    /// Mean of the covered area.
    Box,
    /// Triangle.
    Bilinear,
    /// Cubic with a = -0.5.
    Bicubic,
}

impl ResizeFilter {
    /// Half of the filter's width, in destination pixels.
    fn support(self) -> f32 {
        match self {
            Self::Box => 0.5,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    /// Weight at distance `x` from the centre.
    fn weight(self, x: f32) -> f32 {
        let x_abs = x.abs();
        match self {
            // Half open, so that a pixel on the border of two areas counts once.
            Self::Box => f32::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear => (1.0 - x_abs).max(0.0),
            Self::Bicubic if x_abs < 1.0 => (1.5 * x_abs - 2.5) * x_abs * x_abs + 1.0,
            Self::Bicubic if x_abs < 2.0 => ((-0.5 * x_abs + 2.5) * x_abs - 4.0) * x_abs + 2.0,
            Self::Bicubic => 0.0,
        }
    }
}

/// The square to cut out, relative to the detector's box or to the square around a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CropGeometry {
    /// Side of the square over the longer side of the box.
    pub scale: f32,
    /// How far the square's center lies below the box's center, along the face, in sides of the box.
    pub shift_y: f32,
}

impl CropGeometry {
    /// The square to cut out around a detector's box, frame px.
    pub fn region(&self, face: &BoundingBox) -> BoundingBox {
        let side = face.width.max(face.height);
        let (x, y) = face.center();
        BoundingBox::square_around((x, y + self.shift_y * side), side * self.scale)
    }
}

/// Cuts faces out of frames and resamples them; keeps its buffers between calls.
#[derive(Debug, Default)]
pub struct Preprocessor {
    taps_x: Taps,
    taps_y: Taps,
    luma: Vec<f32>,
    narrowed: Vec<f32>,
    patch: Vec<f32>,
}

/// A turned square is first cut out at this many of its pixels for one of the frame's, at least, and then resampled as an upright
/// one is. Exact values would take a filter for each turn; at two thirds no network's probabilities move by more than 1 %.
const MIN_PATCH_DENSITY: f32 = 0.67;

/// Sides of a patch in sides of the input, at most: beyond it pixels of the frame are left out.
const MAX_PATCH_SIDES: usize = 12;

impl Preprocessor {
    /// Appends the network input for one face to `out`: [`InputSpec::n_values`] values, rows top to bottom.
    ///
    /// The region may reach outside the frame: what lies outside counts for nothing where the filter sees any of the
    /// frame, and elsewhere the nearest border pixel stands in. Luma is BT.601.
    pub fn append(
        &mut self,
        frame: &Frame,
        face: &FaceRegion,
        spec: &InputSpec,
        out: &mut Vec<f32>,
    ) {
        let square = spec.region(face);
        if square.roll_deg != 0.0 {
            return self.append_turned(frame, &square, spec, out);
        }
        let region = square.to_bounding_box();
        let (frame_width, frame_height) = (
            frame.resolution().width_px as usize,
            frame.resolution().height_px as usize,
        );
        self.taps_x.fill(
            spec.resize_filter,
            region.x,
            region.width,
            frame_width,
            spec.width,
        );
        self.taps_y.fill(
            spec.resize_filter,
            region.y,
            region.height,
            frame_height,
            spec.height,
        );

        // Horizontally, for the frame rows that the vertical pass will read.
        let rows = self.taps_y.sources();
        let columns = self.taps_x.sources();
        self.luma.resize(columns.len(), 0.0);
        self.narrowed.clear();
        for row in rows.clone() {
            let start = (row * frame_width + columns.start) * RGBA_BYTES;
            let pixels = &frame.rgba()[start..start + columns.len() * RGBA_BYTES];
            for (luma, pixel) in self.luma.iter_mut().zip(pixels.as_chunks::<RGBA_BYTES>().0) {
                *luma = luma_bt601(*pixel);
            }
            let luma = &self.luma;
            self.narrowed
                .extend(self.taps_x.iter().map(|(first, weights)| {
                    let sources = &luma[first - columns.start..][..weights.len()];
                    sources
                        .iter()
                        .zip(weights)
                        .map(|(value, weight)| value * weight)
                        .sum::<f32>()
                }));
        }
        // Vertically.
        for (first, weights) in self.taps_y.iter() {
            let top = (first - rows.start) * spec.width;
            for column in 0..spec.width {
                let values = self.narrowed[top + column..].iter().step_by(spec.width);
                let luma = values
                    .zip(weights)
                    .map(|(value, weight)| value * weight)
                    .sum::<f32>();
                out.push(spec.normalize(luma.clamp(0.0, 255.0)));
            }
        }
    }

    /// As [`Self::append`] for a square that is not upright.
    fn append_turned(
        &mut self,
        frame: &Frame,
        square: &OrientedBox,
        spec: &InputSpec,
        out: &mut Vec<f32>,
    ) {
        let wanted = square.side * MIN_PATCH_DENSITY / spec.width as f32;
        let factor = (wanted.ceil() as usize).clamp(1, MAX_PATCH_SIDES);
        let side = spec.width * factor;
        sample_luma(frame, square, side, &mut self.patch);
        let extent = side as f32;
        self.taps_x
            .fill(spec.resize_filter, 0.0, extent, side, spec.width);
        self.taps_y
            .fill(spec.resize_filter, 0.0, extent, side, spec.height);
        self.narrowed.clear();
        for row in self.patch.chunks_exact(side) {
            self.narrowed.extend(
                self.taps_x
                    .iter()
                    .map(|(first, weights)| weighted(&row[first..], weights)),
            );
        }
        for (first, weights) in self.taps_y.iter() {
            for column in 0..spec.width {
                let values = self.narrowed[first * spec.width + column..].iter();
                let products = values.step_by(spec.width).zip(weights);
                let luma: f32 = products.map(|(value, weight)| value * weight).sum();
                out.push(spec.normalize(luma.clamp(0.0, 255.0)));
            }
        }
    }
}

fn weighted(values: &[f32], weights: &[f32]) -> f32 {
    values
        .iter()
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum()
}

/// Samples a square as `side_px`² luma values (BT.601), 0 to 255, bilinearly, with the frame's border continued.
fn sample_luma(frame: &Frame, square: &OrientedBox, side_px: usize, out: &mut Vec<f32>) {
    let size = frame.resolution();
    let (width, pixels) = (
        size.width_px as usize,
        frame.rgba().as_chunks::<RGBA_BYTES>().0,
    );
    let (last_x, last_y) = ((size.width_px - 1) as f32, (size.height_px - 1) as f32);
    let step = square.side / side_px as f32;
    let (right, down) = square.axes();
    let [first_x, first_y] = square.frame_from_unit([0.0, 0.0]);
    out.clear();
    out.reserve(side_px * side_px);
    for row in 0..side_px {
        let v = (row as f32 + 0.5) * step;
        for column in 0..side_px {
            let u = (column as f32 + 0.5) * step;
            // Pixel centers lie at halves. `max` first: it turns a NaN into 0.
            let x = first_x + u * right[0] + v * down[0] - 0.5;
            let y = first_y + u * right[1] + v * down[1] - 0.5;
            let (x, y) = (x.max(0.0).min(last_x), y.max(0.0).min(last_y));
            let (left, top) = (x as usize, y as usize);
            let at = top * width + left;
            let beside = usize::from((left as f32) < last_x);
            let below = if (top as f32) < last_y { width } else { 0 };
            let mix = |at: usize| {
                let (a, b) = (luma_bt601(pixels[at]), luma_bt601(pixels[at + beside]));
                a + (b - a) * (x - left as f32)
            };
            let (upper, lower) = (mix(at), mix(at + below));
            out.push(upper + (lower - upper) * (y - top as f32));
        }
    }
}

/// Luma of an RGBA pixel by ITU-R BT.601, 0 to 255, with the integer weights that Pillow uses.
pub fn luma_bt601([red, green, blue, _]: [u8; RGBA_BYTES]) -> f32 {
    let luma =
        19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue) + 0x8000;
    (luma >> 16) as f32
}

/// For each destination pixel along one axis: the first source pixel and the weights from there on.
#[derive(Debug, Default)]
struct Taps {
    firsts: Vec<usize>,
    n_weights: Vec<usize>,
    weights: Vec<f32>,
}

impl Taps {
    /// Weights for resampling `extent` source pixels from `start` on to `n_destination` pixels, out of
    /// `n_source` that exist.
    fn fill(
        &mut self,
        filter: ResizeFilter,
        start: f32,
        extent: f32,
        n_source: usize,
        n_destination: usize,
    ) {
        self.firsts.clear();
        self.n_weights.clear();
        self.weights.clear();
        let step = extent.max(f32::EPSILON) / n_destination as f32;
        let widening = step.max(1.0);
        let support = filter.support() * widening;
        let last_source = n_source - 1;
        for destination in 0..n_destination {
            let center = start + (destination as f32 + 0.5) * step;
            // Conversions saturate: a box far outside or not a number ends at a border.
            let first = ((center - support + 0.5).max(0.0) as usize).min(last_source);
            let end = ((center + support + 0.5).max(0.0) as usize).min(n_source);
            let begin = self.weights.len();
            let weight_of =
                |source: usize| filter.weight((source as f32 + 0.5 - center) / widening);
            self.weights.extend((first..end).map(weight_of));
            let sum: f32 = self.weights[begin..].iter().sum();
            if sum.is_finite() && sum.abs() > 1e-6 {
                self.weights[begin..]
                    .iter_mut()
                    .for_each(|weight| *weight /= sum);
                self.firsts.push(first);
            } else {
                // Nothing of the frame lies under the filter: the nearest border pixel.
                self.weights.truncate(begin);
                self.weights.push(1.0);
                self.firsts
                    .push((center.max(0.0) as usize).min(last_source));
            }
            self.n_weights.push(self.weights.len() - begin);
        }
    }

    /// The source pixels that any destination pixel reads.
    fn sources(&self) -> std::ops::Range<usize> {
        let ends = self
            .firsts
            .iter()
            .zip(&self.n_weights)
            .map(|(first, n)| first + n);
        self.firsts.iter().copied().min().unwrap_or(0)..ends.max().unwrap_or(0)
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let mut begin = 0;
        self.firsts
            .iter()
            .zip(&self.n_weights)
            .map(move |(first, n)| {
                let weights = &self.weights[begin..begin + n];
                begin += n;
                (*first, weights)
            })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::frame::{FrameId, Resolution};

    /// A grey frame whose luma at (x, y) is `value(x, y)`.
    fn frame(width: u32, height: u32, value: impl Fn(u32, u32) -> u8) -> Frame {
        let rgba: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| [value(x, y), value(x, y), value(x, y), 255])
            .collect();
        Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            Resolution::new(width, height),
            rgba.into(),
        )
    }

    fn run(frame: &Frame, face: BoundingBox, spec: &InputSpec) -> Vec<f32> {
        run_region(frame, &face.into(), spec)
    }

    fn run_region(frame: &Frame, face: &FaceRegion, spec: &InputSpec) -> Vec<f32> {
        let mut out = Vec::new();
        Preprocessor::default().append(frame, face, spec, &mut out);
        assert_eq!(out.len(), spec.n_values());
        out
    }

    /// A smooth picture cut out turned is the picture turned the other way and cut out upright.
    #[test]
    fn a_turned_face_is_cut_out_upright() {
        let spec = InputSpec {
            upright_crop: Some(CropGeometry {
                scale: 1.2,
                shift_y: 0.1,
            }),
            ..RAW
        };
        let level = |u: f32, v: f32| 128.0 + 60.0 * (u / 17.0).sin() + 50.0 * (v / 23.0).cos();
        for (roll_deg, side) in [(30.0f32, 200.0), (-75.0, 100.0), (160.0, 40.0)] {
            let (sin, cos) = roll_deg.to_radians().sin_cos();
            let turned = frame(400, 400, |x, y| {
                let (dx, dy) = (x as f32 + 0.5 - 200.0, y as f32 + 0.5 - 200.0);
                level(cos * dx + sin * dy, -sin * dx + cos * dy) as u8
            });
            let straight = frame(400, 400, |x, y| {
                level(x as f32 + 0.5 - 200.0, y as f32 + 0.5 - 200.0) as u8
            });
            let face = |roll_deg| FaceRegion {
                box_in_frame: BoundingBox::default(),
                upright: Some(OrientedBox {
                    roll_deg,
                    ..OrientedBox::upright((200.0, 200.0), side)
                }),
            };
            let a = run_region(&turned, &face(roll_deg), &spec);
            let b = run_region(&straight, &face(0.0), &spec);
            let worst = a
                .iter()
                .zip(&b)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 3.0, "{worst} grey levels at {roll_deg}°");
        }
    }

    #[test]
    fn without_a_mesh_or_a_geometry_for_it_the_box_counts() {
        let face = FaceRegion {
            box_in_frame: BoundingBox::new(10.0, 10.0, 20.0, 20.0),
            upright: Some(OrientedBox {
                roll_deg: 40.0,
                ..OrientedBox::upright((70.0, 70.0), 30.0)
            }),
        };
        assert_eq!(RAW.region(&face), OrientedBox::upright((20.0, 20.0), 20.0));
        let spec = InputSpec {
            upright_crop: Some(CropGeometry {
                scale: 2.0,
                shift_y: 0.0,
            }),
            ..RAW
        };
        assert_eq!(
            (spec.region(&face).side, spec.region(&face).roll_deg),
            (60.0, 40.0)
        );
        let boxed = FaceRegion::from(face.box_in_frame);
        assert_eq!(
            spec.region(&boxed),
            OrientedBox::upright((20.0, 20.0), 20.0)
        );
    }

    const RAW: InputSpec = InputSpec {
        mean: 0.0,
        std: 1.0 / 255.0,
        ..InputSpec::FER_2013
    };

    fn pattern(x: u32, y: u32) -> u8 {
        ((x * 7 + y * 13 + x * y) % 256) as u8
    }

    #[test]
    fn a_crop_of_the_input_size_is_the_picture_itself() {
        let frame = frame(48, 48, pattern);
        let out = run(
            &frame,
            BoundingBox::new(0.0, 0.0, 48.0, 48.0),
            &InputSpec::FER_2013,
        );
        for (index, value) in out.iter().enumerate() {
            let luma = f32::from(pattern(index as u32 % 48, index as u32 / 48));
            assert!((value - (luma / 127.5 - 1.0)).abs() < 1e-5);
        }
    }

    /// Golden values made with Pillow 13.0 and numpy:
    ///
    /// ```python
    /// from PIL import Image; import numpy as np
    /// y, x = np.mgrid[0:90, 0:120]
    /// image = Image.fromarray(((x * 7 + y * 13 + x * y) % 256).astype(np.float32), mode="F")
    /// for name in ["BOX", "BILINEAR", "BICUBIC"]:
    ///     for box in [(10.5, 4.25, 82.5, 76.25), (30, 30, 50, 50)]:
    ///         out = np.asarray(image.resize((48, 48), getattr(Image, name), box=box))
    ///         print(name, box, [round(float(out[i, j]), 3) for i, j in [(0, 0), (5, 40), (24, 24), (47, 1), (47, 47)]])
    /// ```
    #[test]
    fn agrees_with_pillow() {
        let frame = frame(120, 90, pattern);
        let check = |resize_filter, (x0, y0, x1, y1): (f32, f32, f32, f32), expected: [f32; 5]| {
            let spec = InputSpec {
                resize_filter,
                ..RAW
            };
            let out = run(&frame, BoundingBox::new(x0, y0, x1 - x0, y1 - y0), &spec);
            for ((row, column), expected) in [(0, 0), (5, 40), (24, 24), (47, 1), (47, 47)]
                .into_iter()
                .zip(expected)
            {
                let value = out[row * 48 + column];
                let expected = expected.clamp(0.0, 255.0); // Pillow's float images do not clip.
                assert!(
                    (value - expected).abs() < 0.05,
                    "{resize_filter:?} ({row}, {column}): {value} against {expected}"
                );
            }
        };
        GOLDEN
            .iter()
            .for_each(|(filter, region, expected)| check(*filter, *region, *expected));
    }

    type Golden = (ResizeFilter, (f32, f32, f32, f32), [f32; 5]);

    const GOLDEN: [Golden; 6] = [
        (
            ResizeFilter::Box,
            (10.50, 4.25, 82.50, 76.25),
            [185.0, 225.0, 199.0, 208.0, 106.0],
        ),
        (
            ResizeFilter::Box,
            (30.00, 30.00, 50.00, 50.00),
            [220.0, 162.0, 96.0, 13.0, 53.0],
        ),
        (
            ResizeFilter::Bilinear,
            (10.50, 4.25, 82.50, 76.25),
            [182.444, 169.578, 174.222, 168.156, 114.511],
        ),
        (
            ResizeFilter::Bilinear,
            (30.00, 30.00, 50.00, 50.00),
            [196.752, 164.255, 88.696, 32.578, 87.502],
        ),
        (
            ResizeFilter::Bicubic,
            (10.50, 4.25, 82.50, 76.25),
            [182.191, 182.752, 192.542, 182.786, 118.683],
        ),
        (
            ResizeFilter::Bicubic,
            (30.00, 30.00, 50.00, 50.00),
            [226.271, 170.033, 76.383, 1.904, 57.75],
        ),
    ];

    #[test]
    fn outside_the_frame_the_nearest_border_stands_in() {
        let frame = frame(20, 20, |x, _| if x < 10 { 40 } else { 200 });
        let out = run(&frame, BoundingBox::new(-100.0, -100.0, 50.0, 50.0), &RAW);
        assert!(out.iter().all(|value| (value - 40.0).abs() < 1e-3));
        let out = run(&frame, BoundingBox::new(500.0, 5.0, 1.0, 1.0), &RAW);
        assert!(out.iter().all(|value| (value - 200.0).abs() < 1e-3));
    }

    #[test]
    fn odd_boxes_do_not_panic() {
        let frame = frame(7, 5, pattern);
        for value in [
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            1e30,
            -1e30,
            0.0,
            -3.0,
        ] {
            let out = run(&frame, BoundingBox::new(value, value, value, value), &RAW);
            assert!(out.iter().all(|value| value.is_finite()), "{value}");
            let turned = OrientedBox {
                x: value,
                y: value,
                side: value,
                roll_deg: value,
            };
            let mut out = Vec::new();
            Preprocessor::default().append_turned(&frame, &turned, &RAW, &mut out);
            assert!(out.iter().all(|value| value.is_finite()), "{value}");
        }
    }

    #[test]
    fn geometry_enlarges_and_shifts() {
        let crop = CropGeometry {
            scale: 1.5,
            shift_y: 0.1,
        };
        let region = crop.region(&BoundingBox::new(10.0, 20.0, 40.0, 40.0));
        assert_eq!(region, BoundingBox::new(0.0, 14.0, 60.0, 60.0));
    }
}
