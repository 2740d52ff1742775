//! The four pixels around a point, for bilinear sampling.

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

/// `a` and `b` mixed, `weight` of them `b`.
#[inline]
fn mix<const N: usize>(a: [f32; N], b: [f32; N], weight: f32) -> [f32; N] {
    let mut mixed = a;
    for channel in 0..N {
        mixed[channel] = a[channel] + (b[channel] - a[channel]) * weight;
    }
    mixed
}
