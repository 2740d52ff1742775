//! Decoded frames as they are stored, and how they become frames as they are shown: in RGBA, with square pixels, upright.
//!
//! What a decoder returns is not what people see. Its pixels may be wider than high (old video tape, some cameras), which
//! makes faces thin; it may lie on its side or be mirrored (phones); and the same bytes are other colors under another
//! matrix.

use super::orientation::Orientation;
use crate::{
    capture::{
        limits,
        yuv::{YuvMatrix, i420_row},
    },
    frame::{FramePool, PooledBuffer, RGBA_BYTES, Resolution},
};

/// Video that declares no colors counts as high definition from this height up, as in players.
const HD_HEIGHT_PX: u32 = 720;

/// A decoded frame, as stored.
pub(super) struct DecodedFrame<'a> {
    /// The time that came with its packet.
    pub(super) pts: i64,
    pub(super) resolution: Resolution,
    pub(super) pixels: Pixels<'a>,
}

/// The form in which a decoder returns pixels.
pub(super) enum Pixels<'a> {
    #[cfg_attr(
        not(any(feature = "h264-bundled", feature = "av1")),
        expect(dead_code, reason = "no other decoder returns planes")
    )]
    /// 8-bit 4:2:0; a row of the plane `i` starts each `strides[i]` bytes.
    Yuv {
        planes: [&'a [u8]; 3],
        strides: [usize; 3],
        colors: Colors,
    },
    /// Ready, in a frame's buffer.
    Rgba(PooledBuffer),
}

/// What a stream or file declares about the meaning of Y, U and V; `None` where it declares nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Colors {
    /// The code of the matrix, after ITU-T H.273.
    pub(super) matrix: Option<u8>,
    /// Luma from 0 to 255 instead of 16 to 235.
    pub(super) is_full_range: Option<bool>,
}

impl Colors {
    /// The code for an undeclared matrix.
    const UNSPECIFIED: u8 = 2;

    /// From codes as they are stored.
    pub(super) fn new(matrix: Option<u8>, is_full_range: Option<bool>) -> Self {
        Self {
            matrix: matrix.filter(|code| *code != Self::UNSPECIFIED),
            is_full_range,
        }
    }

    /// Fills what is undeclared here from `other`.
    fn or(self, other: Self) -> Self {
        Self {
            matrix: self.matrix.or(other.matrix),
            is_full_range: self.is_full_range.or(other.is_full_range),
        }
    }

    fn yuv_matrix(self, resolution: Resolution) -> YuvMatrix {
        let is_hd = match self.matrix {
            Some(1 | 9 | 10) => true, // BT.709, and BT.2020, which is close to it.
            Some(_) => false,
            None => resolution.height_px.min(resolution.width_px) >= HD_HEIGHT_PX,
        };
        match (is_hd, self.is_full_range.unwrap_or(false)) {
            (false, false) => YuvMatrix::BT601,
            (false, true) => YuvMatrix::BT601_FULL,
            (true, false) => YuvMatrix::BT709,
            (true, true) => YuvMatrix::BT709_FULL,
        }
    }
}

/// Width of a stored pixel over its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelAspect {
    pub(super) horizontal: u32,
    pub(super) vertical: u32,
}

impl Default for PixelAspect {
    fn default() -> Self {
        Self {
            horizontal: 1,
            vertical: 1,
        }
    }
}

impl PixelAspect {
    /// The aspect, or square if it is implausible: no video has pixels more than four times as wide as high.
    pub(super) fn new(horizontal: u64, vertical: u64) -> Self {
        let is_possible = horizontal > 0
            && vertical > 0
            && horizontal <= vertical.saturating_mul(4)
            && vertical <= horizontal.saturating_mul(4);
        match (u32::try_from(horizontal), u32::try_from(vertical)) {
            (Ok(horizontal), Ok(vertical)) if is_possible => Self {
                horizontal,
                vertical,
            },
            _ => Self::default(),
        }
    }

    pub(super) fn is_square(self) -> bool {
        self.horizontal == self.vertical
    }

    /// The width that shows `width_px` stored pixels undistorted at the same height.
    fn square_width_px(self, width_px: u32) -> u32 {
        let (horizontal, vertical) = (u64::from(self.horizontal), u64::from(self.vertical));
        let width = (u64::from(width_px) * horizontal + vertical / 2) / vertical;
        u32::try_from(width).unwrap_or(width_px).max(1)
    }
}

/// Turns a track's decoded frames into frames to show.
#[derive(Debug, Default)]
pub(super) struct Presentation {
    pub(super) orientation: Orientation,
    pub(super) pixel_aspect: PixelAspect,
    /// What the container declares, for streams that declare nothing.
    pub(super) colors: Colors,
    /// A frame before it is stretched or turned.
    stored: Vec<u8>,
    /// A stretched frame before it is turned.
    stretched: Vec<u8>,
}

impl Presentation {
    pub(super) fn new(orientation: Orientation, pixel_aspect: PixelAspect, colors: Colors) -> Self {
        Self {
            orientation,
            pixel_aspect,
            colors,
            ..Self::default()
        }
    }

    /// The size at which a frame of the size `stored` is shown.
    pub(super) fn resolution(&self, stored: Resolution) -> Resolution {
        self.orientation.shown(self.square(stored))
    }

    fn square(&self, stored: Resolution) -> Resolution {
        let width_px = self.pixel_aspect.square_width_px(stored.width_px);
        let square = Resolution::new(width_px, stored.height_px);
        if limits::check_frame(square).is_ok() {
            square
        } else {
            stored
        }
    }

    /// The frame's pixels and size, ready to show.
    pub(super) fn show(
        &mut self,
        decoded: DecodedFrame<'_>,
        pool: &FramePool,
    ) -> (Resolution, PooledBuffer) {
        let stored = decoded.resolution;
        let square = self.square(stored);
        let upright = self.resolution(stored);
        let is_upright = self.orientation == Orientation::default();
        if square == stored && is_upright {
            let rgba = match decoded.pixels {
                Pixels::Rgba(rgba) => rgba,
                Pixels::Yuv { .. } => {
                    let mut rgba = pool.buffer(stored);
                    to_rgba(&decoded, self.colors, &mut rgba);
                    rgba
                }
            };
            return (stored, rgba);
        }
        let mut rgba = pool.buffer(upright);
        let from: &[u8] = match &decoded.pixels {
            Pixels::Rgba(rgba) => rgba,
            Pixels::Yuv { .. } => {
                self.stored.resize(stored.n_pixels() * RGBA_BYTES, 255);
                to_rgba(&decoded, self.colors, &mut self.stored);
                &self.stored
            }
        };
        if square == stored {
            self.orientation.turn(from, stored, &mut rgba);
        } else if is_upright {
            stretch(from, stored.width_px, square.width_px, &mut rgba);
        } else {
            self.stretched.resize(square.n_pixels() * RGBA_BYTES, 255);
            stretch(from, stored.width_px, square.width_px, &mut self.stretched);
            self.orientation.turn(&self.stretched, square, &mut rgba);
        }
        (upright, rgba)
    }
}

fn to_rgba(decoded: &DecodedFrame<'_>, fallback: Colors, rgba: &mut [u8]) {
    let Pixels::Yuv {
        planes,
        strides,
        colors,
    } = &decoded.pixels
    else {
        return;
    };
    let matrix = colors.or(fallback).yuv_matrix(decoded.resolution);
    let width = decoded.resolution.width_px as usize;
    let half = width.div_ceil(2);
    for (y, row) in rgba.chunks_exact_mut(width * RGBA_BYTES).enumerate() {
        let chroma_y = y / 2;
        i420_row(
            &matrix,
            &planes[0][y * strides[0]..][..width],
            &planes[1][chroma_y * strides[1]..][..half],
            &planes[2][chroma_y * strides[2]..][..half],
            row,
        );
    }
}

/// Makes the rows of a frame longer or shorter, with linear interpolation.
fn stretch(from: &[u8], from_width_px: u32, to_width_px: u32, to: &mut [u8]) {
    let (from_width, to_width) = (from_width_px as usize, to_width_px as usize);
    let (from, _) = from.as_chunks::<RGBA_BYTES>();
    let (to, _) = to.as_chunks_mut::<RGBA_BYTES>();
    // Pixel centers map to pixel centers, in 1/256 of a stored pixel.
    let columns: Vec<(usize, u32)> = (0..to_width)
        .map(|x| {
            let center = ((2 * x + 1) * from_width * 128 / to_width).saturating_sub(128);
            let left = (center / 256).min(from_width - 1);
            (left, (center % 256) as u32)
        })
        .collect();
    for (from, to) in from
        .chunks_exact(from_width)
        .zip(to.chunks_exact_mut(to_width))
    {
        for (pixel, (left, weight)) in to.iter_mut().zip(&columns) {
            let a = from[*left];
            let b = from[(left + 1).min(from_width - 1)];
            *pixel = std::array::from_fn(|channel| {
                let (a, b) = (u32::from(a[channel]), u32::from(b[channel]));
                ((a * (256 - weight) + b * weight + 128) >> 8) as u8
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of one letter a pixel.
    fn letters(text: &[u8]) -> Vec<u8> {
        text.iter().flat_map(|&c| [c; RGBA_BYTES]).collect()
    }

    fn read(rgba: &[u8]) -> Vec<u8> {
        rgba.chunks(RGBA_BYTES).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn rows_are_stretched_evenly() {
        let stretched = |from: &[u8], width: u32| {
            let mut to = vec![0; width as usize * RGBA_BYTES];
            stretch(&letters(from), from.len() as u32, width, &mut to);
            read(&to)
        };
        assert_eq!(stretched(&[0, 100], 4), [0, 25, 75, 100]);
        assert_eq!(stretched(&[10, 10, 90, 90], 2), [10, 90]);
        assert_eq!(stretched(&[7], 3), [7, 7, 7]);
        assert_eq!(stretched(&[1, 2, 3], 3), [1, 2, 3]);
    }

    #[test]
    fn wide_pixels_make_wide_frames_and_turned_ones_high_frames() {
        let pool = FramePool::default();
        let clockwise = Orientation::from_angle(90.0, false);
        let mut presentation =
            Presentation::new(clockwise, PixelAspect::new(2, 1), Colors::default());
        let decoded = DecodedFrame {
            pts: 0,
            resolution: Resolution::new(2, 1),
            pixels: Pixels::Rgba(PooledBuffer::from(letters(&[0, 100]))),
        };
        let (resolution, rgba) = presentation.show(decoded, &pool);
        assert_eq!(resolution, Resolution::new(1, 4));
        assert_eq!(read(&rgba), [0, 25, 75, 100]);
    }

    #[test]
    fn implausible_aspects_are_square() {
        for (horizontal, vertical) in [(0, 1), (1, 0), (9, 2), (1, 5), (1 << 40, 1 << 40)] {
            assert!(PixelAspect::new(horizontal, vertical).is_square());
        }
        assert_eq!(PixelAspect::new(4, 3).square_width_px(1440), 1920);
        assert_eq!(PixelAspect::new(16, 15).square_width_px(720), 768);
    }

    #[test]
    fn the_stream_is_believed_before_the_container_and_the_size_last() {
        let bt709 = Colors::new(Some(1), None);
        let bt601_full = Colors::new(Some(6), Some(true));
        let small = Resolution::new(64, 48);
        let large = Resolution::new(1280, 720);
        for (stream, container, size, matrix) in [
            (bt709, bt601_full, small, YuvMatrix::BT709_FULL),
            (bt601_full, bt709, large, YuvMatrix::BT601_FULL),
            (Colors::new(Some(2), None), bt709, small, YuvMatrix::BT709),
            (
                Colors::default(),
                Colors::default(),
                large,
                YuvMatrix::BT709,
            ),
            (
                Colors::default(),
                Colors::default(),
                small,
                YuvMatrix::BT601,
            ),
        ] {
            assert_eq!(stream.or(container).yuv_matrix(size), matrix);
        }
    }
}
