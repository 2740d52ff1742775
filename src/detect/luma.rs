//! Small luma copies of a frame or of a part of it, for the face detector.
//!
//! The detector takes about 130 ns per pixel, so its input is reduced first. Every output pixel is the average over the
//! area that it covers (the factor need not be whole), never a single sample, which would turn sensor noise into texture.
//! The work is one pass over the source rows of the region, in 16-bit integers, in buffers that are reused: 1280×720 to
//! 640×360 takes 0.4 ms.
//!
//! An output larger than the region is allowed (a face of 30 px searched for at 48 px); it repeats pixels.

use crate::{
    bounding_box::BoundingBox,
    frame::{Frame, RGBA_BYTES, Resolution},
};

/// Weights of red, green and blue in 1/256: ITU-R BT.601 (0.299, 0.587, 0.114), summing to 256 so that gray keeps
/// its value.
const LUMA_WEIGHTS: [u32; 3] = [77, 150, 29];

/// The weights of the source pixels under one output pixel sum to this, in each direction. 8 bits by 8 bits leaves a
/// row of sums in `u16`, eight to a vector register on any x86-64.
const WEIGHT_SUM: u32 = 256;

/// A rectangle of whole source pixels inside a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Region {
    /// Left edge, px.
    pub x: u32,
    /// Top edge, px.
    pub y: u32,
    /// Width and height, px.
    pub size: Resolution,
}

impl Region {
    /// The whole of a frame.
    pub const fn full(size: Resolution) -> Self {
        Self { x: 0, y: 0, size }
    }

    /// The whole pixels of a frame of size `frame` that `area` touches; `None` when it lies outside or is not finite.
    pub fn touching(area: &BoundingBox, frame: Resolution) -> Option<Self> {
        // `as` saturates, and turns NaN into 0, which leaves an empty range.
        let range = |start: f32, end: f32, limit: u32| {
            let first = (start.floor().max(0.0) as u32).min(limit);
            let last = (end.ceil().max(0.0) as u32).min(limit);
            (first < last).then(|| (first, last - first))
        };
        let (x, width_px) = range(area.x, area.right(), frame.width_px)?;
        let (y, height_px) = range(area.y, area.bottom(), frame.height_px)?;
        Some(Self {
            x,
            y,
            size: Resolution::new(width_px, height_px),
        })
    }
}

/// A luma copy of a region, and the map from its coordinates to the frame's.
#[derive(Debug, Default)]
pub struct LumaCopy {
    region: Region,
    size: Resolution,
    pixels: Vec<u8>,
    // Scratch: one source row as luma, the weighted sum of the rows under one output row, the taps of the columns.
    source_row: Vec<u16>,
    sums: Vec<u16>,
    columns: Vec<Taps>,
    column_weights: Vec<u16>,
}

/// Which consecutive source pixels one output pixel averages; their weights lie in a list of their own.
#[derive(Debug, Clone, Copy)]
struct Taps {
    first: usize,
    count: usize,
}

impl LumaCopy {
    /// Replaces the content by `region` of `frame`, resampled to `size`.
    ///
    /// # Panics
    /// If the region is empty or reaches outside the frame, or `size` is empty: callers decide both.
    pub fn fill(&mut self, frame: &Frame, region: Region, size: Resolution) {
        let frame_size = frame.resolution();
        assert!(
            region.size.n_pixels() > 0
                && region.x + region.size.width_px <= frame_size.width_px
                && region.y + region.size.height_px <= frame_size.height_px,
            "the region lies inside the frame"
        );
        assert!(size.n_pixels() > 0, "the copy has pixels");

        let source_width = region.size.width_px as usize;
        let out_width = size.width_px as usize;
        let stride = frame_size.width_px as usize * RGBA_BYTES;
        let left = region.x as usize * RGBA_BYTES;
        self.region = region;
        self.size = size;
        self.pixels.resize(size.n_pixels(), 0);
        self.source_row.resize(source_width, 0);
        self.sums.resize(source_width, 0);
        self.plan_columns();

        // Neighboring output rows share a source row where the factor is not whole: convert it once.
        let mut converted = None;
        for (out_y, out_row) in self.pixels.chunks_exact_mut(out_width).enumerate() {
            let rows = taps(out_y as u32, region.size.height_px, size.height_px);
            for row_idx in 0..rows.count {
                let source_y = rows.first + row_idx;
                if converted != Some(source_y) {
                    let start = (region.y as usize + source_y) * stride + left;
                    let bytes = &frame.rgba()[start..start + source_width * RGBA_BYTES];
                    luma_of_row(bytes, &mut self.source_row);
                    converted = Some(source_y);
                }
                let weight = tap_weight(
                    out_y as u32,
                    source_y,
                    region.size.height_px,
                    size.height_px,
                );
                if row_idx == 0 {
                    for (sum, &luma) in self.sums.iter_mut().zip(&self.source_row) {
                        *sum = weight * luma;
                    }
                } else {
                    for (sum, &luma) in self.sums.iter_mut().zip(&self.source_row) {
                        *sum += weight * luma;
                    }
                }
            }
            match source_width {
                width if width == out_width => average_columns::<1>(&self.sums, out_row),
                width if width == 2 * out_width => average_columns::<2>(&self.sums, out_row),
                width if width == 3 * out_width => average_columns::<3>(&self.sums, out_row),
                _ => {
                    let mut weights = self.column_weights.as_slice();
                    for (out, column) in out_row.iter_mut().zip(&self.columns) {
                        let (own, rest) = weights.split_at(column.count);
                        weights = rest;
                        let sums = &self.sums[column.first..column.first + column.count];
                        let sum: u32 = sums
                            .iter()
                            .zip(own)
                            .map(|(&sum, &weight)| u32::from(sum) * u32::from(weight))
                            .sum();
                        *out = ((sum + WEIGHT_SUM * WEIGHT_SUM / 2) >> 16) as u8;
                    }
                }
            }
        }
    }

    /// The pixels, rows top to bottom without padding, one byte each.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The size of the copy.
    pub fn size(&self) -> Resolution {
        self.size
    }

    /// A box of the copy in the coordinates of the frame it was made from.
    pub fn frame_from_copy(&self, in_copy: &BoundingBox) -> BoundingBox {
        let factor_x = self.region.size.width_px as f32 / self.size.width_px as f32;
        let factor_y = self.region.size.height_px as f32 / self.size.height_px as f32;
        BoundingBox::new(
            self.region.x as f32 + in_copy.x * factor_x,
            self.region.y as f32 + in_copy.y * factor_y,
            in_copy.width * factor_x,
            in_copy.height * factor_y,
        )
    }

    fn plan_columns(&mut self) {
        let (source, out) = (self.region.size.width_px, self.size.width_px);
        self.columns.clear();
        self.column_weights.clear();
        for out_x in 0..out {
            let column = taps(out_x, source, out);
            self.columns.push(column);
            self.column_weights.extend(
                (column.first..column.first + column.count)
                    .map(|source_x| tap_weight(out_x, source_x, source, out)),
            );
        }
    }
}

/// The source pixels that output pixel `out_idx` covers when `n_source` pixels become `n_out`.
fn taps(out_idx: u32, n_source: u32, n_out: u32) -> Taps {
    let (out_idx, n_source, n_out) = (u64::from(out_idx), u64::from(n_source), u64::from(n_out));
    let first = out_idx * n_source / n_out;
    let end = ((out_idx + 1) * n_source).div_ceil(n_out);
    Taps {
        first: first as usize,
        count: (end - first) as usize,
    }
}

/// The weight of one source pixel in one output pixel, in 1/256.
///
/// It is the difference of two rounded running totals, so that the weights of an output pixel sum to exactly 256
/// whatever the factor.
fn tap_weight(out_idx: u32, source_idx: usize, n_source: u32, n_out: u32) -> u16 {
    let (n_source, n_out) = (u64::from(n_source), u64::from(n_out));
    let start = u64::from(out_idx) * n_source;
    let total_up_to = |source_end: u64| {
        let covered = (source_end * n_out).saturating_sub(start).min(n_source);
        (covered * u64::from(WEIGHT_SUM) + n_source / 2) / n_source
    };
    let source_idx = source_idx as u64;
    (total_up_to(source_idx + 1) - total_up_to(source_idx)) as u16
}

/// RGBA bytes to luma, 0 to 255.
fn luma_of_row(rgba: &[u8], luma: &mut [u16]) {
    let [red, green, blue] = LUMA_WEIGHTS;
    for (luma, pixel) in luma.iter_mut().zip(rgba.as_chunks::<RGBA_BYTES>().0) {
        // With one 32-bit load the compiler vectorizes this loop; with three byte loads it does not.
        let word = u32::from_le_bytes(*pixel);
        let sum =
            red * (word & 0xff) + green * ((word >> 8) & 0xff) + blue * ((word >> 16) & 0xff) + 128;
        *luma = (sum >> 8) as u16;
    }
}

/// The common whole factors, without the weight lists: the sums of `FACTOR` columns, averaged.
fn average_columns<const FACTOR: usize>(sums: &[u16], out_row: &mut [u8]) {
    let divisor = FACTOR as u32 * WEIGHT_SUM;
    for (out, block) in out_row.iter_mut().zip(sums.as_chunks::<FACTOR>().0) {
        let sum: u32 = block.iter().map(|&sum| u32::from(sum)).sum();
        *out = ((sum + divisor / 2) / divisor) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::test_images::frame_of;

    /// The same average in floating point, straight from the definition.
    fn reference(frame: &Frame, region: Region, size: Resolution) -> Vec<f32> {
        let width = frame.resolution().width_px;
        let luma = |x: u32, y: u32| {
            let at = (y * width + x) as usize * RGBA_BYTES;
            let [r, g, b] = [0, 1, 2].map(|channel| f32::from(frame.rgba()[at + channel]));
            0.299 * r + 0.587 * g + 0.114 * b
        };
        let factor_x = region.size.width_px as f32 / size.width_px as f32;
        let factor_y = region.size.height_px as f32 / size.height_px as f32;
        let cover = |out: u32, source: u32, factor: f32| {
            let start = (out as f32 * factor).max(source as f32);
            let end = ((out + 1) as f32 * factor).min((source + 1) as f32);
            (end - start).max(0.0) / factor
        };
        let mut pixels = Vec::new();
        for out_y in 0..size.height_px {
            for out_x in 0..size.width_px {
                let mut sum = 0.0;
                for y in 0..region.size.height_px {
                    for x in 0..region.size.width_px {
                        sum += luma(region.x + x, region.y + y)
                            * cover(out_x, x, factor_x)
                            * cover(out_y, y, factor_y);
                    }
                }
                pixels.push(sum);
            }
        }
        pixels
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_pixel_is_the_average_of_what_it_covers(
            (width, height) in (1u32..24, 1u32..24),
            (left, top, right, bottom) in (0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0),
            (out_width, out_height) in (1u32..20, 1u32..20),
            seed in any::<u64>(),
        ) {
            let frame = frame_of(width, height, |x, y| {
                let value = (u64::from(x) * 40_503 + u64::from(y) * 9_973)
                    .wrapping_add(seed)
                    .wrapping_mul(6_364_136_223_846_793_005)
                    >> 32;
                [value as u8, (value >> 8) as u8, (value >> 16) as u8]
            });
            let x = (left * width as f32) as u32;
            let y = (top * height as f32) as u32;
            let region = Region {
                x,
                y,
                size: Resolution::new(
                    1 + (right * (width - x - 1) as f32) as u32,
                    1 + (bottom * (height - y - 1) as f32) as u32,
                ),
            };
            let size = Resolution::new(out_width, out_height);
            let mut copy = LumaCopy::default();
            copy.fill(&frame, region, size);
            for (&pixel, expected) in copy.pixels().iter().zip(reference(&frame, region, size)) {
                // Luma weights and tap weights are rounded to 1/256 each.
                prop_assert!((f32::from(pixel) - expected).abs() < 2.5, "{} for {}", pixel, expected);
            }
        }

        #[test]
        fn gray_stays_exactly_gray(value in any::<u8>(), source in 1u32..40, out in 1u32..40) {
            let frame = frame_of(source, source, |_, _| [value; 3]);
            let mut copy = LumaCopy::default();
            copy.fill(&frame, Region::full(frame.resolution()), Resolution::new(out, out));
            prop_assert!(copy.pixels().iter().all(|&pixel| pixel == value));
        }
    }

    #[test]
    fn a_reused_copy_holds_nothing_of_the_previous_frame() {
        let mut copy = LumaCopy::default();
        let white = frame_of(64, 48, |_, _| [255; 3]);
        copy.fill(
            &white,
            Region::full(white.resolution()),
            Resolution::new(64, 48),
        );
        let black = frame_of(10, 8, |_, _| [0; 3]);
        copy.fill(
            &black,
            Region::full(black.resolution()),
            Resolution::new(4, 4),
        );
        assert_eq!(copy.pixels(), [0; 16]);
        assert_eq!(copy.size(), Resolution::new(4, 4));
    }

    #[test]
    fn boxes_map_to_the_frame() {
        let frame = frame_of(100, 80, |_, _| [0; 3]);
        let region = Region {
            x: 10,
            y: 20,
            size: Resolution::new(60, 40),
        };
        let mut copy = LumaCopy::default();
        copy.fill(&frame, region, Resolution::new(30, 20));
        assert_eq!(
            copy.frame_from_copy(&BoundingBox::new(5.0, 4.0, 10.0, 12.0)),
            BoundingBox::new(20.0, 28.0, 20.0, 24.0)
        );
    }

    #[test]
    fn regions_are_cut_to_the_frame() {
        let frame = Resolution::new(100, 50);
        let touching =
            |x, y, width, height| Region::touching(&BoundingBox::new(x, y, width, height), frame);
        assert_eq!(
            touching(-10.0, -5.0, 500.0, 500.0),
            Some(Region::full(frame))
        );
        assert_eq!(touching(100.0, 0.0, 5.0, 5.0), None);
        assert_eq!(touching(-9.0, 0.0, 5.0, 5.0), None);
        assert_eq!(touching(f32::NAN, 0.0, 5.0, 5.0), None);
        let inner = touching(10.5, 20.0, 4.0, 4.0).expect("inside");
        assert_eq!((inner.x, inner.size), (10, Resolution::new(5, 4)));
    }
}
