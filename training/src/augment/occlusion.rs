//! Objects in front of the face: a mask, sunglasses, a hand, a cup.
//!
//! They are part of the scene, so they are drawn before rotation, light and lens. Sizes, levels and textures vary widely:
//! the network should not learn to find one kind of block, but to do without what the block hides.

use serde::{Deserialize, Serialize};

use super::off::off;
use crate::random::SplitMix64;

/// Last number of the random key.
const SCENE_KEY: u64 = 8;
/// Spacing of the grid on which textures are drawn, px; they are interpolated between its points.
const GRAIN_PX: usize = 6;

off! {
    /// How often a part of the face is covered.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "OcclusionConfig::off", deny_unknown_fields)]
    pub struct OcclusionConfig {
        /// Share of the images, 0 to 1: a third of these at the mouth, a third at the eyes, a third anywhere.
        pub probability: f32 = 0.0,
    }
}

/// A part of the face, in FER-2013's framing: averaged over the first 4,000 images, the darkest row of the eyes lies at
/// 36 % of the height and that of the mouth at 80 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FacePart {
    /// From below the nose to the chin.
    Mouth,
    /// Eyes and eyebrows.
    Eyes,
}

impl FacePart {
    /// Left, top, right and bottom as shares of the side.
    pub const fn bounds(self) -> [f32; 4] {
        match self {
            Self::Mouth => [0.2, 0.65, 0.8, 0.96],
            Self::Eyes => [0.08, 0.2, 0.92, 0.5],
        }
    }
}

impl OcclusionConfig {
    /// Whether an image is covered. One draw.
    pub(super) fn is_chosen(&self, rng: &mut SplitMix64) -> bool {
        rng.unit() < self.probability
    }

    /// Covers a part of a 48×48 image.
    pub(super) fn cover(self, rng: &mut SplitMix64, image: &mut [u8]) {
        let bounds = match rng.below(3) {
            0 => about(FacePart::Mouth, rng),
            1 => about(FacePart::Eyes, rng),
            _ => {
                let size = [rng.between(0.15, 0.5), rng.between(0.15, 0.5)];
                let start = size.map(|size| rng.between(0.0, 1.0 - size));
                [start[0], start[1], start[0] + size[0], start[1] + size[1]]
            }
        };
        let is_round = rng.unit() < 0.3;
        let tones = tones(rng, image);
        fill(image, bounds, is_round, |at| tones[at]);
    }
}

/// The bounds of a region, slightly moved and resized.
fn about(region: FacePart, rng: &mut SplitMix64) -> [f32; 4] {
    let [left, top, right, bottom] = region.bounds();
    let mut axis = |low: f32, high: f32| {
        let center = (low + high) / 2.0 + rng.between(-0.07, 0.07);
        let reach = (high - low) / 2.0 * rng.between(0.75, 1.5);
        [center - reach, center + reach]
    };
    let ([left, right], [top, bottom]) = (axis(left, right), axis(top, bottom));
    [left, top, right, bottom]
}

/// The generator of tilts and occlusions for an image with the generator `rng`, which does not advance.
pub(super) fn generator(rng: &SplitMix64) -> SplitMix64 {
    SplitMix64::from_key(&[rng.clone().next_u64(), SCENE_KEY])
}

/// Sets the pixels within the bounds (left, top, right and bottom as shares of the side) or within the inscribed ellipse.
pub(crate) fn fill(image: &mut [u8], bounds: [f32; 4], is_round: bool, tone: impl Fn(usize) -> u8) {
    let side_px = image.len().isqrt();
    let side = side_px as f32;
    let [left, top, right, bottom] = bounds.map(|share| share * side);
    // -1 to 1 between the bounds.
    let within = |at: usize, low: f32, high: f32| {
        let center = at as f32 + 0.5;
        (2.0 * center - low - high) / (high - low).max(f32::MIN_POSITIVE)
    };
    for (at, pixel) in image.iter_mut().enumerate() {
        let x = within(at % side_px, left, right);
        let y = within(at / side_px, top, bottom);
        let inside = if is_round {
            x * x + y * y <= 1.0
        } else {
            x.abs() <= 1.0 && y.abs() <= 1.0
        };
        if inside {
            *pixel = tone(at);
        }
    }
}

/// The levels of the object, for all pixels of an image: uniform, shaded, cloth, or skin from elsewhere in the image.
fn tones(rng: &mut SplitMix64, image: &[u8]) -> Vec<u8> {
    let kind = rng.below(4);
    let base = rng.between(0.0, 255.0);
    let slope = rng.between(-60.0, 60.0);
    let contrast = rng.between(10.0, 60.0);
    let side = image.len().isqrt();
    let shift = [rng.below(side), rng.below(side)];
    let n_knots = side.div_ceil(GRAIN_PX) + 1;
    let knots: Vec<f32> = (0..n_knots * n_knots).map(|_| rng.normal()).collect();
    let of_pixel = |at: usize| {
        let (x, y) = (at % side, at / side);
        let tone = match kind {
            0 => base,
            1 => base + slope * (y as f32 / side as f32 - 0.5),
            2 => {
                let (column, row) = (x / GRAIN_PX, y / GRAIN_PX);
                let share = |at: usize| (at % GRAIN_PX) as f32 / GRAIN_PX as f32;
                let between = |a: f32, b: f32, share: f32| a + share * (b - a);
                let in_row = |row: usize| {
                    let knot = row * n_knots + column;
                    between(knots[knot], knots[knot + 1], share(x))
                };
                base + contrast * between(in_row(row), in_row(row + 1), share(y))
            }
            _ => {
                let [x, y] = [x + shift[0], y + shift[1]].map(|at| at % side);
                f32::from(image[y * side + x])
            }
        };
        tone.clamp(0.0, 255.0) as u8
    };
    (0..image.len()).map(of_pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fer2013::{IMAGE_LEN, IMAGE_SIDE_PX};

    /// A ramp in which no two neighbors are equal.
    fn ramp() -> Vec<u8> {
        (0..IMAGE_LEN).map(|at| (at * 7 % 251) as u8).collect()
    }

    fn covered(key: u64) -> Vec<usize> {
        let mut image = ramp();
        let mut rng = SplitMix64::from_key(&[key]);
        OcclusionConfig { probability: 1.0 }.cover(&mut rng, &mut image);
        let changed = image.iter().zip(ramp()).enumerate();
        changed
            .filter(|(_, (new, old))| **new != *old)
            .map(|(at, _)| at)
            .collect()
    }

    #[test]
    fn a_part_is_covered_and_covers_differ_between_images() {
        let all: Vec<_> = (0..200).map(covered).collect();
        for part in &all {
            let share = part.len() as f32 / IMAGE_LEN as f32;
            assert!((0.005..0.6).contains(&share), "{share}");
        }
        let n_covering = |region: FacePart| {
            let [left, top, right, bottom] = region.bounds();
            let center = |low: f32, high: f32| ((low + high) / 2.0 * IMAGE_SIDE_PX as f32) as usize;
            let center = center(top, bottom) * IMAGE_SIDE_PX + center(left, right);
            // A level may equal that of the covered pixel, so its neighbors count too.
            let hit = |part: &&Vec<usize>| (center - 2..=center + 2).any(|at| part.contains(&at));
            all.iter().filter(hit).count()
        };
        for region in [FacePart::Mouth, FacePart::Eyes] {
            let n = n_covering(region);
            assert!((60..150).contains(&n), "{region:?}: {n}");
        }
        assert_ne!(all[0], all[1]);
        assert_eq!(covered(5), covered(5));
    }

    #[test]
    fn fills_the_bounds_and_the_ellipse_within() {
        let n_filled = |is_round: bool| {
            let mut image = vec![0; IMAGE_LEN];
            fill(&mut image, [0.25, 0.5, 0.75, 1.0], is_round, |_| 9);
            assert_eq!(image[36 * IMAGE_SIDE_PX + 24], 9);
            assert_eq!(image[23 * IMAGE_SIDE_PX + 24], 0);
            image.iter().filter(|pixel| **pixel == 9).count()
        };
        assert_eq!(n_filled(false), 24 * 24);
        assert!(n_filled(true).abs_diff(452) < 12, "{}", n_filled(true));
    }

    #[test]
    fn when_off_no_image_is_covered() {
        let mut rng = SplitMix64::from_key(&[1]);
        assert!((0..100).all(|_| !OcclusionConfig::OFF.is_chosen(&mut rng)));
        let n = (0..1000)
            .filter(|_| OcclusionConfig { probability: 0.3 }.is_chosen(&mut rng))
            .count();
        assert!((230..370).contains(&n), "{n}");
    }
}
