//! The four pixels around a point, and around each point of a line, for bilinear sampling.

use crate::frame::Resolution;

/// Four pixels of a frame, and their weights at a point between them.
#[derive(Debug, Clone, Copy)]
pub struct Neighbors {
    /// Indices of the upper left, upper right, lower left and lower right pixel, row by row.
    indices: [usize; 4],
    /// How far the point is to the right of the left pixels, 0 to 1.
    weight_x: f32,
    /// How far it is below the upper pixels, 0 to 1.
    weight_y: f32,
}

impl Neighbors {
    /// The pixels around `(x, y)`, in pixel indices: `(0, 0)` is the center of the first pixel. Outside the frame the nearest
    /// border pixels are used; NaN counts as 0.
    #[inline]
    pub fn of(size: Resolution, x: f32, y: f32) -> Self {
        let (last_x, last_y) = ((size.width_px - 1) as f32, (size.height_px - 1) as f32);
        // `max` first: it turns a NaN into 0.
        let (x, y) = (x.max(0.0).min(last_x), y.max(0.0).min(last_y));
        let (left, top) = (x as usize, y as usize);
        let width = size.width_px as usize;
        let beside = usize::from((left as f32) < last_x);
        let below = if (top as f32) < last_y { width } else { 0 };
        let at = top * width + left;
        Self {
            indices: [at, at + beside, at + below, at + below + beside],
            weight_x: x - left as f32,
            weight_y: y - top as f32,
        }
    }

    /// The value there, in each of `N` channels, from the values of the pixels by their index.
    #[inline]
    pub fn interpolate<const N: usize>(&self, value: impl Fn(usize) -> [f32; N]) -> [f32; N] {
        let [a, b, c, d] = self.indices.map(value);
        let upper = mix(a, b, self.weight_x);
        let lower = mix(c, d, self.weight_x);
        mix(upper, lower, self.weight_y)
    }
}

/// Evenly spaced points, in pixel indices.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The first point.
    pub start: [f32; 2],
    /// From each point to the next.
    pub step: [f32; 2],
    /// Number of points.
    pub n_points: usize,
}

impl Line {
    /// Where the point with this index lies.
    #[inline(always)]
    pub fn point(&self, point_idx: usize) -> [f32; 2] {
        [0, 1].map(|axis| self.start[axis] + point_idx as f32 * self.step[axis])
    }

    /// The line for reading without a look at the border, if the four pixels around each of its points are in the frame.
    #[inline(always)]
    pub fn inside(&self, size: Resolution) -> Option<InnerLine> {
        /// Fixed-point numbers move a point by less than this.
        const MARGIN: f32 = 0.1;
        let sides = [size.width_px, size.height_px];
        let end = self.point(self.n_points);
        let is_inside = (0..2).all(|axis| {
            let range = MARGIN..(sides[axis] - 1) as f32 - MARGIN;
            range.contains(&self.start[axis]) && range.contains(&end[axis])
        });
        let is_small = sides.iter().all(|&side| side < 1 << (31 - FRACTION_BITS));
        let fixed = |values: [f32; 2]| values.map(|value| (value * FRACTION) as i32);
        (is_inside && is_small).then(|| InnerLine {
            width: size.width_px as usize,
            start: fixed(self.start),
            step: fixed(self.step),
        })
    }
}

/// Bits after the point. A line of a thousand points strays by 1/64 px at its end.
const FRACTION_BITS: u32 = 16;
const FRACTION: f32 = (1 << FRACTION_BITS) as f32;

/// A line in fixed-point pixel indices, which become addresses and weights without conversions and checks.
#[derive(Debug, Clone, Copy)]
pub struct InnerLine {
    width: usize,
    start: [i32; 2],
    step: [i32; 2],
}

impl InnerLine {
    /// The index of the upper left pixel around a point, and how far the point is to the right of it and below it, 0 to 1.
    #[inline(always)]
    pub fn at(&self, point_idx: usize) -> (usize, f32, f32) {
        let [x, y] = [0, 1].map(|axis| self.start[axis] + point_idx as i32 * self.step[axis]);
        let weight = |value: i32| (value & ((1 << FRACTION_BITS) - 1)) as f32 * (1.0 / FRACTION);
        let index = (y >> FRACTION_BITS) as usize * self.width + (x >> FRACTION_BITS) as usize;
        (index, weight(x), weight(y))
    }
}

/// `a` and `b` mixed, `weight` of them `b`.
#[inline]
fn mix<const N: usize>(a: [f32; N], b: [f32; N], weight: f32) -> [f32; N] {
    let mut mixed = a;
    for channel in 0..N {
        mixed[channel] = a[channel] + (b[channel] - a[channel]) * weight;
    }
    mixed
}
