//! How stored frames are turned and mirrored for display.
//!
//! Phones store frames as the sensor delivers them, and next to them how the phone was held. Selfies are often mirrored
//! too, so all eight orientations occur.

use crate::frame::{RGBA_BYTES, Resolution};

/// One of the eight orientations: rows and columns may be swapped first, then each axis reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Orientation {
    pub(super) is_transposed: bool,
    pub(super) flips_x: bool,
    pub(super) flips_y: bool,
}

impl Orientation {
    /// From the matrix `[a, b, c, d]` that takes stored pixels to shown ones: x′ = a·x + c·y, y′ = b·x + d·y.
    ///
    /// It may scale too, which the pixel aspect takes care of. Angles other than quarter turns are ignored.
    pub(super) fn from_matrix([a, b, c, d]: [i64; 4]) -> Self {
        // Computed from sines and cosines, a zero may be slightly off; ffmpeg tolerates a degree too.
        let are_zero_beside = |small: [i64; 2], large: [i64; 2]| {
            let smallest = large.map(i64::unsigned_abs).into_iter().min();
            let limit = smallest.unwrap_or(0) / 64;
            smallest > Some(0) && small.iter().all(|value| value.unsigned_abs() <= limit)
        };
        if are_zero_beside([b, c], [a, d]) {
            Self {
                is_transposed: false,
                flips_x: a < 0,
                flips_y: d < 0,
            }
        } else if are_zero_beside([a, d], [b, c]) {
            Self {
                is_transposed: true,
                flips_x: c < 0,
                flips_y: b < 0,
            }
        } else {
            Self::default()
        }
    }

    /// Turned clockwise by an angle, then mirrored left to right.
    pub(super) fn from_angle(clockwise_deg: f64, is_mirrored: bool) -> Self {
        let (sin, cos) = clockwise_deg.to_radians().sin_cos();
        let [sin, cos] = [sin, cos].map(|value| (value * 65_536.0) as i64);
        let sign = if is_mirrored { -1 } else { 1 };
        Self::from_matrix([cos * sign, sin, -sin * sign, cos])
    }

    /// The size of a stored frame when it is shown.
    pub(super) fn shown(self, stored: Resolution) -> Resolution {
        if self.is_transposed {
            Resolution::new(stored.height_px, stored.width_px)
        } else {
            stored
        }
    }

    /// Turns RGBA pixels of the size `stored` into `to`, which has the same length.
    pub(super) fn turn(self, from: &[u8], stored: Resolution, to: &mut [u8]) {
        let shown = self.shown(stored);
        let (width, height) = (shown.width_px as usize, shown.height_px as usize);
        let stored_width = stored.width_px as isize;
        // From one shown pixel to the next one, and from one shown row to the next one, in stored pixels.
        let (mut step_x, mut step_y) = if self.is_transposed {
            (stored_width, 1)
        } else {
            (1, stored_width)
        };
        let mut first = 0;
        if self.flips_x {
            first += step_x * (width as isize - 1);
            step_x = -step_x;
        }
        if self.flips_y {
            first += step_y * (height as isize - 1);
            step_y = -step_y;
        }
        let (from, _) = from.as_chunks::<RGBA_BYTES>();
        let (to, _) = to.as_chunks_mut::<RGBA_BYTES>();
        for row in to.chunks_exact_mut(width) {
            let mut at = first as usize;
            for pixel in row {
                *pixel = from[at];
                at = at.wrapping_add_signed(step_x);
            }
            first += step_y;
        }
    }

    /// The ffmpeg filters that do the same.
    pub(super) fn ffmpeg_filters(self) -> &'static str {
        match (self.is_transposed, self.flips_x, self.flips_y) {
            (false, false, false) => "null",
            (false, true, false) => "hflip",
            (false, false, true) => "vflip",
            (false, true, true) => "hflip,vflip",
            // ffmpeg's “counterclockwise and flipped” is a plain swap of rows and columns.
            (true, false, false) => "transpose=cclock_flip",
            (true, true, false) => "transpose=clock",
            (true, false, true) => "transpose=cclock",
            (true, true, true) => "transpose=clock_flip",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each matrix with what it makes of
    /// a b c
    /// d e f
    const CASES: [([i64; 4], &[u8; 6]); 8] = [
        ([1, 0, 0, 1], b"abcdef"),
        ([-1, 0, 0, 1], b"cbafed"),
        ([1, 0, 0, -1], b"defabc"),
        ([-1, 0, 0, -1], b"fedcba"),
        ([0, 1, 1, 0], b"adbecf"),
        ([0, 1, -1, 0], b"daebfc"),
        ([0, -1, 1, 0], b"cfbead"),
        ([0, -1, -1, 0], b"fcebda"),
    ];

    fn turned(orientation: Orientation) -> Vec<u8> {
        let from: Vec<u8> = b"abcdef".iter().flat_map(|&c| [c; RGBA_BYTES]).collect();
        let mut to = vec![0; from.len()];
        orientation.turn(&from, Resolution::new(3, 2), &mut to);
        to.chunks(RGBA_BYTES).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn all_eight_matrices_turn_and_mirror() {
        for (matrix, expected) in CASES {
            let orientation = Orientation::from_matrix(matrix.map(|value| value << 16));
            assert_eq!(turned(orientation), expected, "{matrix:?}");
            let is_high = matrix[0] == 0;
            let shown = orientation.shown(Resolution::new(3, 2));
            assert_eq!(shown.height_px == 3, is_high, "{matrix:?}");
        }
    }

    #[test]
    fn angles_are_clockwise_and_mirrored_after_the_turn() {
        for (angle, is_mirrored, expected) in [
            (0.0, false, b"abcdef"),
            (90.0, false, b"daebfc"),
            (180.0, false, b"fedcba"),
            (-90.0, false, b"cfbead"),
            (0.0, true, b"cbafed"),
            (90.0, true, b"adbecf"),
            (180.0, true, b"defabc"),
            (270.0, true, b"fcebda"),
            (45.0, false, b"abcdef"),
            (f64::NAN, false, b"abcdef"),
        ] {
            let orientation = Orientation::from_angle(angle, is_mirrored);
            assert_eq!(turned(orientation), expected, "{angle} {is_mirrored}");
        }
    }

    #[test]
    fn matrices_that_are_no_quarter_turn_change_nothing() {
        for matrix in [[0; 4], [1, 1, -1, 1], [1 << 16, 0, 0, 0], [0, 0, 5, 0]] {
            assert_eq!(Orientation::from_matrix(matrix), Orientation::default());
        }
        // But what scales or is a little off is one.
        let turned = Orientation::from_matrix([3, 131_072, -65_536, -2]);
        assert!(turned.is_transposed && turned.flips_x && !turned.flips_y);
    }
}
