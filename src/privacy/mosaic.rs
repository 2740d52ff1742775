//! A part of a frame as the mean colors of its blocks, and the two ways to draw it from them alone.
//!
//! Both effects start here, so that a blur reveals no more than a mosaic does: a blur by a kernel over the pixels could be
//! undone in part; a blur of block means holds only the block means.

use crate::{
    bounding_box::BoundingBox,
    frame::{RGBA_BYTES, Resolution},
};

/// A rectangle of whole pixels in a frame; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Area {
    /// All pixels that `covered` touches; `None` if it has no area or lies outside the frame.
    pub fn of(covered: &BoundingBox, resolution: Resolution) -> Option<Self> {
        // Casts saturate: what lies outside is cut at the frame's edge.
        let cut = |edge: f32, n_pixels: u32| (edge as usize).min(n_pixels as usize);
        let left = cut(covered.x.floor(), resolution.width_px);
        let top = cut(covered.y.floor(), resolution.height_px);
        let right = cut(covered.right().ceil(), resolution.width_px);
        let bottom = cut(covered.bottom().ceil(), resolution.height_px);
        let has_area = covered.width > 0.0 && covered.height > 0.0;
        (has_area && left < right && top < bottom).then(|| Self {
            left,
            top,
            width: right - left,
            height: bottom - top,
        })
    }

    /// The whole frame; `None` if it has no pixels.
    pub fn whole(resolution: Resolution) -> Option<Self> {
        (resolution.n_pixels() > 0).then_some(Self {
            left: 0,
            top: 0,
            width: resolution.width_px as usize,
            height: resolution.height_px as usize,
        })
    }

    /// The bytes of row `row` of the area, in a frame with rows of `stride` bytes.
    fn bytes(&self, row: usize, stride: usize) -> std::ops::Range<usize> {
        let start = (self.top + row) * stride + self.left * RGBA_BYTES;
        start..start + self.width * RGBA_BYTES
    }
}

/// Mean colors of square blocks, 0 to 255.
pub struct Mosaic {
    area: Area,
    /// Side of a block; the last of a row or column may be smaller.
    block_px: usize,
    n_columns: usize,
    /// Row by row.
    means: Vec<[f32; 3]>,
}

impl Mosaic {
    /// Takes the mean colors of the blocks of `area` in a frame with rows of `stride` bytes.
    pub fn measure(rgba: &[u8], stride: usize, area: Area, block_px: usize) -> Self {
        let n_columns = area.width.div_ceil(block_px);
        let n_rows = area.height.div_ceil(block_px);
        let mut sums = vec![[0u64; 3]; n_columns * n_rows];
        for row in 0..area.height {
            let pixels = &rgba[area.bytes(row, stride)];
            let sums = &mut sums[row / block_px * n_columns..][..n_columns];
            for (sum, pixels) in sums.iter_mut().zip(pixels.chunks(block_px * RGBA_BYTES)) {
                // The sum over one row of a block fits 32 bits, which is faster.
                let mut row_sum = [0u32; 3];
                for pixel in pixels.chunks_exact(RGBA_BYTES) {
                    for (sum, value) in row_sum.iter_mut().zip(pixel) {
                        *sum += u32::from(*value);
                    }
                }
                for (sum, row_sum) in sum.iter_mut().zip(row_sum) {
                    *sum += u64::from(row_sum);
                }
            }
        }
        let side = |block: usize, area_side: usize| block_px.min(area_side - block * block_px);
        let means = sums.iter().enumerate().map(|(idx, sum)| {
            let (row, column) = (idx / n_columns, idx % n_columns);
            let n_pixels = side(row, area.height) * side(column, area.width);
            sum.map(|sum| (sum as f64 / n_pixels as f64) as f32)
        });
        Self {
            area,
            block_px,
            n_columns,
            means: means.collect(),
        }
    }

    /// Draws each block in its mean color.
    pub fn paint_blocks(&self, rgba: &mut [u8], stride: usize) {
        for row in 0..self.area.height {
            let bytes = self.area.bytes(row, stride);
            if row % self.block_px > 0 {
                // This copies alpha too; frames are opaque everywhere.
                let above = bytes.start - stride;
                rgba.copy_within(above..above + bytes.len(), bytes.start);
                continue;
            }
            let blocks = rgba[bytes].chunks_mut(self.block_px * RGBA_BYTES);
            for (block, mean) in blocks.zip(self.row_of_means(row / self.block_px)) {
                let color = mean.map(|value| (value + 0.5) as u8);
                for pixel in block.chunks_exact_mut(RGBA_BYTES) {
                    pixel[..3].copy_from_slice(&color);
                }
            }
        }
    }

    /// Draws a smooth surface through the blocks' colors: a quadratic B-spline, which has no visible seams.
    pub fn paint_smooth(&self, rgba: &mut [u8], stride: usize) {
        let n_rows = self.means.len() / self.n_columns;
        // The colors of the columns of blocks at the height of one row of pixels.
        let mut columns = vec![[0.0f32; 3]; self.n_columns];
        for row in 0..self.area.height {
            let block_row = row / self.block_px;
            let [above, middle, below] =
                neighbors(block_row, n_rows).map(|row| self.row_of_means(row));
            let at = self.place_in_block(row);
            for (column, color) in columns.iter_mut().enumerate() {
                *color = std::array::from_fn(|channel| {
                    let [a, b, c] = [above, middle, below].map(|means| means[column][channel]);
                    Parabola::through(a, b, c).at(at)
                });
            }
            let blocks = rgba[self.area.bytes(row, stride)].chunks_mut(self.block_px * RGBA_BYTES);
            for (column, block) in blocks.enumerate() {
                let [left, middle, right] =
                    neighbors(column, self.n_columns).map(|column| columns[column]);
                let channels: [Parabola; 3] = std::array::from_fn(|channel| {
                    Parabola::through(left[channel], middle[channel], right[channel])
                });
                for (x, pixel) in block.chunks_exact_mut(RGBA_BYTES).enumerate() {
                    let at = self.place_in_block(x);
                    for (value, parabola) in pixel.iter_mut().zip(&channels) {
                        *value = (parabola.at(at) + 0.5) as u8;
                    }
                }
            }
        }
    }

    fn row_of_means(&self, block_row: usize) -> &[[f32; 3]] {
        &self.means[block_row * self.n_columns..][..self.n_columns]
    }

    /// Where the center of pixel `pixel` (in x or y) lies in its block, 0 to 1.
    fn place_in_block(&self, pixel: usize) -> f32 {
        ((pixel % self.block_px) as f32 + 0.5) / self.block_px as f32
    }
}

/// The block before, itself, and the one after; at the ends, itself instead.
fn neighbors(block: usize, n_blocks: usize) -> [usize; 3] {
    [
        block.saturating_sub(1),
        block,
        (block + 1).min(n_blocks - 1),
    ]
}

/// One piece of the spline: a + b·t + c·t², with t from 0 to 1 across the middle of three blocks.
struct Parabola([f32; 3]);

impl Parabola {
    fn through(before: f32, middle: f32, after: f32) -> Self {
        Self([
            (before + middle) / 2.0,
            middle - before,
            (before + after) / 2.0 - middle,
        ])
    }

    fn at(&self, t: f32) -> f32 {
        let [a, b, c] = self.0;
        a + t * (b + t * c)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Resolution = Resolution::new(10, 4);
    const STRIDE: usize = 40;

    fn ramp() -> Vec<u8> {
        let pixel = |at: usize| {
            let x = (at % 10) as u8;
            [10 * x, 200, 255 - 10 * x, 255]
        };
        (0..SIZE.n_pixels()).flat_map(pixel).collect()
    }

    fn reds(rgba: &[u8]) -> Vec<u8> {
        rgba.iter().step_by(RGBA_BYTES).copied().collect()
    }

    #[test]
    fn areas_are_cut_at_the_frames_edge() {
        let check = |x, y, width, height, expected: Option<[usize; 4]>| {
            let area = Area::of(&BoundingBox::new(x, y, width, height), SIZE);
            let found = area.map(|area| [area.left, area.top, area.width, area.height]);
            assert_eq!(found, expected, "{x}, {y}, {width}, {height}");
        };
        check(2.0, 1.0, 3.0, 2.0, Some([2, 1, 3, 2]));
        check(2.9, 1.9, 0.2, 0.2, Some([2, 1, 2, 2]));
        check(-5.0, -5.0, 7.0, 6.0, Some([0, 0, 2, 1]));
        check(8.0, 3.0, 1e30, 1e30, Some([8, 3, 2, 1]));
        check(-1e30, 0.0, 1e29, 3.0, None);
        check(10.0, 0.0, 3.0, 3.0, None);
        check(3.0, 1.0, 0.0, 2.0, None);
        check(3.0, 1.0, -2.0, 2.0, None);
    }

    #[test]
    fn blocks_get_their_mean_and_nothing_else_changes() {
        let area = Area::of(&BoundingBox::new(1.0, 1.0, 5.0, 2.0), SIZE).unwrap();
        let mut rgba = ramp();
        Mosaic::measure(&rgba, STRIDE, area, 3).paint_blocks(&mut rgba, STRIDE);
        let untouched = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90];
        // Columns 1 to 3, and the smaller block of columns 4 and 5.
        let covered = [0, 20, 20, 20, 45, 45, 60, 70, 80, 90];
        let expected = [untouched, covered, covered, untouched].concat();
        assert_eq!(reds(&rgba), expected);
        assert!(
            rgba.chunks(4)
                .all(|pixel| pixel[1] == 200 && pixel[3] == 255)
        );
    }

    #[test]
    fn a_blur_is_smooth_and_stays_in_its_area() {
        // One bright block among dark ones.
        let size = Resolution::new(90, 90);
        let mut rgba = [0, 0, 0, 255].repeat(size.n_pixels());
        for (at, pixel) in rgba.chunks_mut(4).enumerate() {
            if (40..50).contains(&(at % 90)) && (40..50).contains(&(at / 90)) {
                pixel[..3].fill(200);
            }
        }
        let area = Area::of(&BoundingBox::new(10.0, 10.0, 70.0, 70.0), size).unwrap();
        Mosaic::measure(&rgba, 360, area, 10).paint_smooth(&mut rgba, 360);
        let red = |x: usize, y: usize| rgba[(y * 90 + x) * 4];
        // Three quarters in each direction at the center of the block.
        assert!((110..=113).contains(&red(45, 45)), "{}", red(45, 45));
        for x in 11..79 {
            let step = red(x, 45).abs_diff(red(x - 1, 45));
            assert!(step <= 16, "a step of {step} at {x}");
        }
        assert!(red(37, 45) > 0 && red(45, 52) > 0, "it spreads");
        assert_eq!(red(45, 25), 0, "but no further than one block");
        assert!(rgba.chunks(4).all(|pixel| pixel[3] == 255));
    }
}
