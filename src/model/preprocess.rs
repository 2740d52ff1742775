//! Face box in, network input out; the one definition that application and training share.
//!
//! The square that is cut out is *not* the detector's box: a checkpoint says how its training pictures were framed
//! ([`CropGeometry`]), and the box is enlarged and shifted to match. A network fed with another framing or another
//! [`ResizeFilter`] than it was trained on loses several points of accuracy without any error message.

use serde::{Deserialize, Serialize};

use crate::{
    bounding_box::BoundingBox,
    frame::{Frame, RGBA_BYTES},
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
    };

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

/// The square to cut out, relative to the detector's box.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CropGeometry {
    /// Side of the square over the longer side of the box.
    pub scale: f32,
    /// How far the square's centre lies below the box's centre, in sides of the box.
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
}

impl Preprocessor {
    /// Appends the network input for one detector's box to `out`: [`InputSpec::n_values`] values, rows top to bottom.
    ///
    /// The region may reach outside the frame: what lies outside counts for nothing where the filter sees any of the
    /// frame, and elsewhere the nearest border pixel stands in. Luma is BT.601.
    pub fn append(
        &mut self,
        frame: &Frame,
        face: &BoundingBox,
        spec: &InputSpec,
        out: &mut Vec<f32>,
    ) {
        let region = spec.crop.region(face);
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
        let mut out = Vec::new();
        Preprocessor::default().append(frame, &face, spec, &mut out);
        assert_eq!(out.len(), spec.n_values());
        out
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
