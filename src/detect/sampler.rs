//! Samples a rotated square of a frame as the RGB input of a network.
//!
//! It samples the frame directly, since an intermediate copy would cost more than it saves. Where the square is reduced,
//! each value averages several bilinear taps: a single tap turns sensor noise into texture, and changes the input when a
//! face moves by half a pixel.

use crate::{
    frame::{Frame, RGBA_BYTES, Resolution},
    model::preprocess::Neighbors,
    oriented_box::OrientedBox,
};

/// Maximum taps along each side of an output pixel; beyond it each tap covers more than two pixels of the frame. Four
/// instead of eight lose no proposal on the press photographs and take a quarter of the time.
const MAX_TAPS: usize = 4;

/// The color outside the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Black, as in the detector's training.
    Black,
    /// The nearest pixel of the frame.
    Continued,
}

/// Samples `square` as `side_px`² interleaved RGB values, rows top to bottom, black as `low` and white as `high`.
///
/// Replaces the content of `out`.
pub fn sample_rgb(
    frame: &Frame,
    square: &OrientedBox,
    side_px: usize,
    border: Border,
    (low, high): (f32, f32),
    out: &mut Vec<f32>,
) {
    out.clear();
    out.reserve(side_px * side_px * 3);
    let step = square.side / side_px as f32;
    let n_taps = ((step * 0.5).ceil() as usize).clamp(1, MAX_TAPS);
    let scale = (high - low) / 255.0;
    let pixels = Pixels::new(frame, border);
    let (right, down) = square.axes();
    let tap_step = step / n_taps as f32;
    let tap_weight = scale / (n_taps * n_taps) as f32;
    let across = [right[0] * tap_step, right[1] * tap_step];
    let along = [down[0] * tap_step, down[1] * tap_step];
    // The first tap, in pixel indices: pixel centers lie at halves.
    let first = square.frame_from_unit([0.0, 0.0]);
    let origin = [
        first[0] - 0.5 + 0.5 * (across[0] + along[0]),
        first[1] - 0.5 + 0.5 * (across[1] + along[1]),
    ];
    for row in 0..side_px {
        for column in 0..side_px {
            let mut sum = [0.0; 4];
            for tap_y in 0..n_taps {
                let v = (row * n_taps + tap_y) as f32;
                for tap_x in 0..n_taps {
                    let u = (column * n_taps + tap_x) as f32;
                    let x = origin[0] + u * across[0] + v * along[0];
                    let y = origin[1] + u * across[1] + v * along[1];
                    let value = pixels.bilinear(x, y);
                    for (sum, value) in sum.iter_mut().zip(value) {
                        *sum += value;
                    }
                }
            }
            let [red, green, blue, _] = sum.map(|sum| low + sum * tap_weight);
            out.extend([red, green, blue]);
        }
    }
}

/// Reads a frame at positions between its pixels.
struct Pixels<'a> {
    rgba: &'a [[u8; RGBA_BYTES]],
    size: Resolution,
    border: Border,
}

impl<'a> Pixels<'a> {
    fn new(frame: &'a Frame, border: Border) -> Self {
        Self {
            rgba: frame.rgba().as_chunks::<RGBA_BYTES>().0,
            size: frame.resolution(),
            border,
        }
    }

    /// The value at `(x, y)` in pixel indices, 0 to 255 for each channel.
    #[inline]
    fn bilinear(&self, x: f32, y: f32) -> [f32; 4] {
        let (end_x, end_y) = (self.size.width_px as f32, self.size.height_px as f32);
        let is_outside = !(x >= -0.5 && y >= -0.5 && x <= end_x - 0.5 && y <= end_y - 0.5);
        if is_outside && self.border == Border::Black {
            return [0.0; 4];
        }
        let neighbors = Neighbors::of(self.size, x, y);
        neighbors.interpolate(|index| self.rgba[index].map(f32::from))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::frame::{FrameId, Resolution};

    fn frame(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
        let rgba: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| {
                let [red, green, blue] = color(x, y);
                [red, green, blue, 255]
            })
            .collect();
        Frame::new(
            FrameId(0),
            Instant::now(),
            Duration::ZERO,
            Resolution::new(width, height),
            rgba.into(),
        )
    }

    fn sampled(frame: &Frame, square: OrientedBox, side: usize, border: Border) -> Vec<[f32; 3]> {
        let mut out = vec![9.0; 5]; // Replaced.
        sample_rgb(frame, &square, side, border, (0.0, 255.0), &mut out);
        assert_eq!(out.len(), side * side * 3);
        out.as_chunks::<3>().0.to_vec()
    }

    #[test]
    fn a_square_at_scale_1_is_the_frame() {
        let frame = frame(8, 8, |x, y| [x as u8, y as u8, 7]);
        let square = OrientedBox::upright((4.0, 4.0), 4.0);
        let out = sampled(&frame, square, 4, Border::Continued);
        for (at, value) in out.iter().enumerate() {
            let expected = [(2 + at % 4) as f32, (2 + at / 4) as f32, 7.0];
            assert!(
                value
                    .iter()
                    .zip(expected)
                    .all(|(a, b)| (a - b).abs() < 1e-3)
            );
        }
        let turned = OrientedBox {
            roll_deg: 90.0,
            ..square
        };
        let out = sampled(&frame, turned, 4, Border::Continued);
        // The square's first row is the frame's right column, top to bottom.
        for (at, value) in out[..4].iter().enumerate() {
            assert!((value[0] - 5.0).abs() < 1e-3 && (value[1] - (2 + at) as f32).abs() < 1e-3);
        }
    }

    #[test]
    fn reducing_averages() {
        let frame = frame(64, 64, |x, y| [if (x + y) % 2 == 0 { 255 } else { 0 }; 3]);
        let square = OrientedBox::upright((32.0, 32.0), 32.0);
        for value in sampled(&frame, square, 8, Border::Continued) {
            assert!((value[0] - 127.5).abs() < 1.0, "{value:?}");
        }
    }

    #[test]
    fn outside_is_black_or_continued() {
        let frame = frame(4, 4, |_, _| [200; 3]);
        let square = OrientedBox::upright((2.0, 2.0), 16.0);
        let black = sampled(&frame, square, 16, Border::Black);
        assert_eq!((black[0][0], black[8 * 16 + 8][0]), (0.0, 200.0));
        let continued = sampled(&frame, square, 16, Border::Continued);
        assert!(
            continued
                .iter()
                .all(|value| (value[0] - 200.0).abs() < 1e-3)
        );
    }

    #[test]
    fn odd_squares_do_not_panic() {
        let frame = frame(3, 2, |x, _| [x as u8; 3]);
        for value in [f32::NAN, f32::INFINITY, -1e30, 0.0, 1e30] {
            let square = OrientedBox {
                x: value,
                y: value,
                side: value,
                roll_deg: value,
            };
            sampled(&frame, square, 4, Border::Black);
            sampled(&frame, square, 4, Border::Continued);
        }
    }
}
