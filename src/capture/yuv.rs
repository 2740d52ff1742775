//! YUV to RGBA, in integer arithmetic.
//!
//! The same bytes mean different colors under different matrices and ranges, so a [`YuvMatrix`] goes with every
//! frame. Faces survive a wrong one, but skin turns orange, so video files are read by what they declare.
//! Integers in 1/256 keep every channel within one step of the exact value.

use pulp::{Arch, Simd, WithSimd};

use crate::frame::RGBA_BYTES;

/// Coefficients in 1/256 that turn Y, U, V into red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YuvMatrix {
    black: i32,
    y_gain: i32,
    red_from_v: i32,
    green_from_u: i32,
    green_from_v: i32,
    blue_from_u: i32,
}

impl YuvMatrix {
    /// ITU-R BT.601, Y from 16 to 235: cameras, and video below 720 lines.
    pub const BT601: Self = Self::new(0.299, 0.114, false);
    /// ITU-R BT.709, Y from 16 to 235: video from 720 lines up.
    pub const BT709: Self = Self::new(0.2126, 0.0722, false);
    /// BT.601 with Y from 0 to 255, as in JPEG and many phones' videos.
    pub const BT601_FULL: Self = Self::new(0.299, 0.114, true);
    /// BT.709 with Y from 0 to 255.
    pub const BT709_FULL: Self = Self::new(0.2126, 0.0722, true);

    /// From the weights of red and blue in luma.
    const fn new(kr: f64, kb: f64, full_range: bool) -> Self {
        let (y_span, c_span) = if full_range {
            (255.0, 255.0)
        } else {
            (219.0, 224.0)
        };
        let kg = 1.0 - kr - kb;
        let chroma = 256.0 * 255.0 / c_span;
        Self {
            black: if full_range { 0 } else { 16 },
            y_gain: (256.0 * 255.0 / y_span + 0.5) as i32,
            red_from_v: (chroma * 2.0 * (1.0 - kr) + 0.5) as i32,
            green_from_u: (chroma * 2.0 * (1.0 - kb) * kb / kg + 0.5) as i32,
            green_from_v: (chroma * 2.0 * (1.0 - kr) * kr / kg + 0.5) as i32,
            blue_from_u: (chroma * 2.0 * (1.0 - kb) + 0.5) as i32,
        }
    }

    /// What U and V add to red, green and blue, with the rounding term already in.
    #[inline(always)]
    fn chroma(&self, u: u8, v: u8) -> [i32; 3] {
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        [
            self.red_from_v * v + 128,
            128 - self.green_from_u * u - self.green_from_v * v,
            self.blue_from_u * u + 128,
        ]
    }

    /// One pixel from its luma and the shared chroma terms: red in the lowest byte, opaque.
    #[inline(always)]
    fn pixel(&self, y: u8, chroma: [i32; 3]) -> u32 {
        let y = (i32::from(y) - self.black) * self.y_gain;
        let [red, green, blue] = chroma.map(|term| ((y + term) >> 8).clamp(0, 255) as u32);
        red | green << 8 | blue << 16 | 0xff << 24
    }

    /// Two neighbors that share their chroma.
    #[inline(always)]
    fn pair(&self, y: [u8; 2], u: u8, v: u8) -> [u8; PAIR_BYTES] {
        let chroma = self.chroma(u, v);
        let [left, right] = y.map(|y| u64::from(self.pixel(y, chroma)));
        // With one 64-bit store the compiler vectorizes the loop over a row; with eight byte stores it does not.
        (left | right << 32).to_le_bytes()
    }

    /// The last pixel of an odd row.
    fn last(&self, y: u8, u: u8, v: u8) -> [u8; RGBA_BYTES] {
        self.pixel(y, self.chroma(u, v)).to_le_bytes()
    }
}

/// A pair of RGBA pixels.
const PAIR_BYTES: usize = 2 * RGBA_BYTES;

/// A row of `Y U Y V` quads to RGBA; `rgba` may end on half a quad, for odd widths.
pub fn yuyv_row(matrix: &YuvMatrix, yuyv: &[u8], rgba: &mut [u8]) {
    let (quads, _) = yuyv.as_chunks::<4>();
    let (pairs, last) = rgba.as_chunks_mut::<PAIR_BYTES>();
    if let (Some(&[y, u, _, v]), false) = (quads.get(pairs.len()), last.is_empty()) {
        last.copy_from_slice(&matrix.last(y, u, v));
    }
    let row = quads.iter().zip(pairs).map(|(quad, pair)| {
        // One 32-bit load, for the same reason as the store.
        let [y, u, y2, v] = u32::from_le_bytes(*quad).to_le_bytes();
        ([y, y2], u, v, pair)
    });
    Arch::new().dispatch(Row { matrix, row });
}

/// A row of luma with interleaved `U V` at half width to RGBA, as in NV12.
pub fn nv12_row(matrix: &YuvMatrix, luma: &[u8], uv: &[u8], rgba: &mut [u8]) {
    let (luma_pairs, last_luma) = luma.as_chunks::<2>();
    let (uv, _) = uv.as_chunks::<2>();
    let (pairs, last) = rgba.as_chunks_mut::<PAIR_BYTES>();
    if let (&[y], Some(&[u, v])) = (last_luma, uv.get(luma_pairs.len())) {
        last.copy_from_slice(&matrix.last(y, u, v));
    }
    let row = luma_pairs.iter().zip(uv).zip(pairs);
    let row = row.map(|((luma, &[u, v]), pair)| (*luma, u, v, pair));
    Arch::new().dispatch(Row { matrix, row });
}

/// A row of luma with U and V planes at half width to RGBA, as in I420, the layout of video decoders.
pub fn i420_row(matrix: &YuvMatrix, luma: &[u8], u: &[u8], v: &[u8], rgba: &mut [u8]) {
    let (luma_pairs, last_luma) = luma.as_chunks::<2>();
    let (pairs, last) = rgba.as_chunks_mut::<PAIR_BYTES>();
    if let (&[y], Some(&u), Some(&v)) =
        (last_luma, u.get(luma_pairs.len()), v.get(luma_pairs.len()))
    {
        last.copy_from_slice(&matrix.last(y, u, v));
    }
    let row = luma_pairs.iter().zip(u).zip(v).zip(pairs);
    let row = row.map(|(((luma, u), v), pair)| (*luma, *u, *v, pair));
    Arch::new().dispatch(Row { matrix, row });
}

/// The pairs of a row, to be converted with the widest vectors of the processor: six times as fast as with those that every
/// x86 processor has.
struct Row<'a, I> {
    matrix: &'a YuvMatrix,
    /// Y of both pixels, their U and V, and where they go.
    row: I,
}

impl<'p, I> WithSimd for Row<'_, I>
where
    I: Iterator<Item = ([u8; 2], u8, u8, &'p mut [u8; PAIR_BYTES])>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (luma, u, v, pair) in self.row {
            *pair = self.matrix.pair(luma, u, v);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn convert(matrix: YuvMatrix, y: u8, u: u8, v: u8) -> [u8; 3] {
        let [r, g, b, a] = matrix.last(y, u, v);
        assert_eq!(a, 255);
        [r, g, b]
    }

    #[test]
    fn known_colors() {
        for (matrix, yuv, rgb) in [
            (YuvMatrix::BT601, [16, 128, 128], [0, 0, 0]),
            (YuvMatrix::BT601, [235, 128, 128], [255, 255, 255]),
            (YuvMatrix::BT601, [126, 128, 128], [128, 128, 128]),
            // 100 % red, green and blue by ITU-R BT.601 and BT.709, as in color bars.
            (YuvMatrix::BT601, [81, 90, 240], [255, 0, 0]),
            (YuvMatrix::BT601, [145, 54, 34], [0, 255, 0]),
            (YuvMatrix::BT601, [41, 240, 110], [0, 0, 255]),
            (YuvMatrix::BT709, [63, 102, 240], [255, 0, 0]),
            (YuvMatrix::BT709, [173, 42, 26], [0, 255, 0]),
            (YuvMatrix::BT709, [32, 240, 118], [0, 0, 255]),
            (YuvMatrix::BT601_FULL, [0, 128, 128], [0, 0, 0]),
            (YuvMatrix::BT601_FULL, [255, 128, 128], [255, 255, 255]),
            (YuvMatrix::BT601_FULL, [76, 85, 255], [254, 0, 0]),
        ] {
            let [y, u, v] = yuv;
            let found = convert(matrix, y, u, v);
            for (found, wanted) in found.into_iter().zip(rgb) {
                assert!(
                    u8::abs_diff(found, wanted) <= 2,
                    "{yuv:?} under {matrix:?}: {found} instead of {wanted} of {rgb:?}"
                );
            }
        }
    }

    proptest! {
        /// Against the definition in floating point.
        #[test]
        fn integers_are_within_one_step(y: u8, u: u8, v: u8) {
            let y_part = 255.0 / 219.0 * (f64::from(y) - 16.0);
            let (cb, cr) = (255.0 / 224.0 * (f64::from(u) - 128.0), 255.0 / 224.0 * (f64::from(v) - 128.0));
            let exact = [
                y_part + 1.402 * cr,
                y_part - 1.772 * 0.114 / 0.587 * cb - 1.402 * 0.299 / 0.587 * cr,
                y_part + 1.772 * cb,
            ];
            for (found, exact) in convert(YuvMatrix::BT601, y, u, v).into_iter().zip(exact) {
                let exact = exact.clamp(0.0, 255.0);
                prop_assert!((f64::from(found) - exact).abs() < 1.5, "{} instead of {}", found, exact);
            }
        }

        #[test]
        fn the_three_layouts_agree(pixels in prop::collection::vec(any::<[u8; 2]>(), 1..9), u: u8, v: u8) {
            let matrix = YuvMatrix::BT601;
            let luma: Vec<u8> = pixels.concat();
            let n_pairs = pixels.len();
            let yuyv: Vec<u8> = pixels.iter().flat_map(|[a, b]| [*a, u, *b, v]).collect();
            let uv: Vec<u8> = std::iter::repeat_n([u, v], n_pairs).flatten().collect();
            let mut outputs = vec![vec![0; luma.len() * 4]; 3];
            yuyv_row(&matrix, &yuyv, &mut outputs[0]);
            nv12_row(&matrix, &luma, &uv, &mut outputs[1]);
            i420_row(&matrix, &luma, &vec![u; n_pairs], &vec![v; n_pairs], &mut outputs[2]);
            prop_assert_eq!(&outputs[0], &outputs[1]);
            prop_assert_eq!(&outputs[0], &outputs[2]);
        }
    }

    #[test]
    fn odd_widths_end_on_a_single_pixel() {
        let matrix = YuvMatrix::BT601;
        let white = [255; 12];
        let mut rgba = [0; 12];
        i420_row(&matrix, &[235; 3], &[128; 2], &[128; 2], &mut rgba);
        assert_eq!(rgba, white);
        rgba = [0; 12];
        nv12_row(&matrix, &[235; 3], &[128; 4], &mut rgba);
        assert_eq!(rgba, white);
        rgba = [0; 12];
        yuyv_row(&matrix, &[235, 128, 235, 128, 235, 128, 0, 128], &mut rgba);
        assert_eq!(rgba, white);
    }
}
