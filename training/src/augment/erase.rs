//! Erases parts of an image, so that a network cannot rely on one part of the face.
//!
//! Erased pixels become 0 *after* normalization, a medium gray, as in the published code of both papers.

use serde::{Deserialize, Serialize};

use super::{off::off, resample::side_of};
use crate::random::SplitMix64;

off! {
    /// A rectangle of random size within the image (Zhong et al. 2017, arXiv:1708.04896; torchvision's `RandomErasing`).
    /// The usual sizes are torchvision's.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "EraseConfig::off", deny_unknown_fields)]
    pub struct EraseConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Smallest area, as a share of the image.
        pub min_area: f32 = 0.02,
        /// Largest area.
        pub max_area: f32 = 0.33,
        /// Width over height lies between `1 / max_aspect_ratio` and `max_aspect_ratio`, uniform in its logarithm.
        pub max_aspect_ratio: f32 = 3.3,
    }
}

impl EraseConfig {
    /// Erases a rectangle of a square image. Always five draws. A rectangle wider or taller than the image is clipped;
    /// torchvision would draw again.
    pub(super) fn apply(&self, rng: &mut SplitMix64, output: &mut [f32]) {
        let side = side_of(output) as f32;
        let is_chosen = rng.unit() < self.probability;
        let area = rng.between(self.min_area, self.max_area);
        let stretch = self.max_aspect_ratio.powf(rng.between(-0.5, 0.5));
        let place = [rng.unit(), rng.unit()];
        if !is_chosen {
            return;
        }
        let size = [stretch, 1.0 / stretch].map(|s| (side * area.sqrt() * s).round().min(side));
        let start = [0, 1].map(|axis| (place[axis] * (side - size[axis])).round());
        wipe(output, start, size);
    }
}

off! {
    /// A square of fixed size about a random pixel, clipped at the border (DeVries and Taylor 2017, arXiv:1708.04552).
    /// The usual side is the paper's for CIFAR-10.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "CutoutConfig::off", deny_unknown_fields)]
    pub struct CutoutConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Side of the square, as a share of the image's side.
        pub side: f32 = 0.5,
    }
}

impl CutoutConfig {
    /// Erases a square of a square image. Always three draws.
    pub(super) fn apply(&self, rng: &mut SplitMix64, output: &mut [f32]) {
        let image_side = side_of(output) as f32;
        let is_chosen = rng.unit() < self.probability;
        let center = [rng.unit(), rng.unit()].map(|u| (u * image_side).floor());
        if !is_chosen {
            return;
        }
        let side = (self.side * image_side).round();
        let start = center.map(|c| c - (side / 2.0).floor());
        wipe(output, start, [side, side]);
    }
}

/// Sets the part of a rectangle (ranges of x and y) that lies within the image to 0.
fn wipe(output: &mut [f32], start: [f32; 2], size: [f32; 2]) {
    let side = side_of(output);
    let range = |axis: usize| {
        let end = (start[axis] + size[axis]).clamp(0.0, side as f32);
        // The cast makes negative numbers 0.
        start[axis] as usize..end as usize
    };
    for y in range(1) {
        let row = &mut output[y * side..(y + 1) * side];
        if let Some(part) = row.get_mut(range(0)) {
            part.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 48;

    /// Left, top, right and bottom of the erased rectangle.
    fn wiped(apply: impl Fn(&mut SplitMix64, &mut [f32]), key: u64) -> Option<[usize; 4]> {
        let mut output = vec![1.0; SIDE * SIDE];
        apply(&mut SplitMix64::from_key(&[key]), &mut output);
        let at = |x: usize, y: usize| output[y * SIDE + x] == 0.0;
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for y in 0..SIDE {
            for x in 0..SIDE {
                if at(x, y) {
                    xs.push(x);
                    ys.push(y);
                }
            }
        }
        let [left, right] = [xs.iter().min()?, xs.iter().max()?].map(|x| *x);
        let [top, bottom] = [ys.iter().min()?, ys.iter().max()?].map(|y| *y);
        let area = (right - left + 1) * (bottom - top + 1);
        assert_eq!(area, xs.len(), "a rectangle without holes");
        Some([left, top, right + 1, bottom + 1])
    }

    #[test]
    fn rectangles_have_the_configured_sizes() {
        let config = EraseConfig {
            probability: 0.5,
            min_area: 0.02,
            max_area: 0.2,
            max_aspect_ratio: 3.3,
        };
        let all: Vec<_> = (0..1000)
            .filter_map(|key| wiped(|rng, output| config.apply(rng, output), key))
            .collect();
        // Five standard deviations of a binomial with p = 0.5.
        assert!(all.len().abs_diff(500) < 80, "{}", all.len());
        for [left, top, right, bottom] in &all {
            let (width, height) = ((right - left) as f32, (bottom - top) as f32);
            let area = width * height / (SIDE * SIDE) as f32;
            assert!((0.015..0.225).contains(&area), "{area}");
            assert!((0.25..4.0).contains(&(width / height)));
        }
        assert!(all.iter().any(|r| r[0] == 0) && all.iter().any(|r| r[2] == SIDE));
        assert!(wiped(|rng, output| EraseConfig::OFF.apply(rng, output), 1).is_none());
    }

    #[test]
    fn cutouts_are_squares_clipped_at_the_border() {
        let config = CutoutConfig {
            probability: 1.0,
            side: 0.25,
        };
        let all: Vec<_> = (0..300)
            .filter_map(|key| wiped(|rng, output| config.apply(rng, output), key))
            .collect();
        assert_eq!(all.len(), 300);
        for &[left, top, right, bottom] in &all {
            for (start, end) in [(left, right), (top, bottom)] {
                let touches = start == 0 || end == SIDE;
                assert!(end - start == 12 || touches && end - start < 12);
            }
        }
        assert!(all.iter().any(|r| r[2] - r[0] < 12));
    }
}
