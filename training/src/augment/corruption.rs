//! Fixed kinds and strengths of damage, for measuring robustness.
//!
//! The steps are those of the augmentation, but only the direction of a rotation or shift and the noise are random. The
//! same key gives the same damage.

use super::{
    camera,
    occlusion::{FacePart, fill},
    resample::{BorderMode, Crop, FER_SIDE_PX, Luma, Normalization, Sampling, Tone, resample},
};
use crate::random::SplitMix64;

/// First number of the random key; see [`crate::data::loader`] for the others.
const CORRUPTION_KEY: u64 = 9;
/// Keeps levels at 0 to 255.
const RAW: Normalization = Normalization {
    mean: 0.0,
    std: 1.0 / 255.0,
};

/// One kind of damage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corruption {
    /// Its name in tables.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    /// Rotation, degrees, in either direction.
    Roll(f32),
    /// Standard deviation, px.
    Blur(f32),
    /// Side of the face before enlargement, px.
    Resolution(usize),
    /// Quality, 1 to 100.
    Jpeg(u8),
    /// Factor of the levels.
    Brightness(f32),
    /// Standard deviation, in levels of 255.
    Noise(f32),
    /// The region is filled with the image's mean level.
    Cover(FacePart),
    /// Share of the side, in a random direction.
    Shift(f32),
    /// Factor of the face's size.
    Scale(f32),
}

const fn corruption(name: &'static str, kind: Kind) -> Corruption {
    Corruption { name, kind }
}

/// The kinds that [`crate::evaluate::robust`] measures; the first leaves the image undamaged.
pub const CORRUPTIONS: [Corruption; 15] = [
    corruption("clean", Kind::Nothing),
    corruption("roll ±20°", Kind::Roll(20.0)),
    corruption("roll ±30°", Kind::Roll(30.0)),
    corruption("blur σ 1 px", Kind::Blur(1.0)),
    corruption("blur σ 2 px", Kind::Blur(2.0)),
    corruption("24 px face", Kind::Resolution(24)),
    corruption("JPEG quality 20", Kind::Jpeg(20)),
    corruption("brightness ×0.4", Kind::Brightness(0.4)),
    corruption("brightness ×1.8", Kind::Brightness(1.8)),
    corruption("noise σ 20 of 255", Kind::Noise(20.0)),
    corruption("mouth covered", Kind::Cover(FacePart::Mouth)),
    corruption("eyes covered", Kind::Cover(FacePart::Eyes)),
    corruption("shift 10 %", Kind::Shift(0.1)),
    corruption("scale ×1.15", Kind::Scale(1.15)),
    corruption("scale ×0.85", Kind::Scale(0.85)),
];

impl Corruption {
    /// Damages a square image; lengths in pixels refer to 48×48 and are scaled. `key` identifies the image: the same key
    /// always gives the same damage.
    ///
    /// # Panics
    /// If the image is not square.
    pub fn apply(&self, image: &[u8], key: u64) -> Vec<u8> {
        let luma = Luma::of(image);
        let scale = luma.side as f32 / FER_SIDE_PX;
        let mut rng = SplitMix64::from_key(&[CORRUPTION_KEY, key]);
        let mut levels: Vec<f32> = image.iter().map(|&pixel| pixel.into()).collect();
        match self.kind {
            Kind::Nothing => {}
            Kind::Roll(degrees) => {
                let sign = if rng.unit() < 0.5 { -1.0 } else { 1.0 };
                levels = moved(&luma, luma.whole(), sign * degrees);
            }
            Kind::Blur(sigma) => camera::blur(&mut levels, sigma * scale),
            Kind::Resolution(side) => {
                let side = (side as f32 * scale).round() as usize;
                levels = camera::enlarge(&camera::shrink(&levels, side), luma.side);
            }
            Kind::Jpeg(quality) => camera::compress(&mut levels, quality),
            Kind::Brightness(factor) => levels.iter_mut().for_each(|level| *level *= factor),
            Kind::Noise(deviation) => {
                let noise = |level: &mut f32| *level += deviation * rng.normal();
                levels.iter_mut().for_each(noise);
            }
            Kind::Cover(region) => {
                let mean = luma.mean();
                let mut covered = image.to_vec();
                fill(&mut covered, region.bounds(), false, |_| mean as u8);
                return covered;
            }
            Kind::Shift(share) => {
                let (sin, cos) = rng.between(0.0, std::f32::consts::TAU).sin_cos();
                let crop = luma.whole().moved([cos * share, sin * share], 1.0);
                levels = moved(&luma, crop, 0.0);
            }
            Kind::Scale(factor) => {
                levels = moved(&luma, luma.whole().moved([0.0; 2], 1.0 / factor), 0.0);
            }
        }
        let pixel = |level: &f32| level.round().clamp(0.0, 255.0) as u8;
        levels.iter().map(pixel).collect()
    }
}

/// A rotated crop of an image, resampled to the size of the image; the border is reflected.
fn moved(image: &Luma<'_>, crop: Crop, degrees: f32) -> Vec<f32> {
    let sides = [image.side; 2];
    let sampling = Sampling::new(crop, degrees.to_radians(), false, sides);
    let mut levels = vec![0.0; image.pixels.len()];
    resample(
        image,
        sampling,
        Tone::KEPT,
        BorderMode::Reflect,
        RAW,
        &mut levels,
    );
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fer2013::{IMAGE_LEN, IMAGE_SIDE_PX};

    /// A bright disk on a dark background, slightly above the middle.
    fn disk() -> Vec<u8> {
        let level = |at: usize| {
            let (x, y) = (at % IMAGE_SIDE_PX, at / IMAGE_SIDE_PX);
            let (x, y) = (x as f32 - 23.5, y as f32 - 19.5);
            if x * x + y * y < 100.0 { 180 } else { 60 }
        };
        (0..IMAGE_LEN).map(level).collect()
    }

    #[track_caller]
    fn damaged(name: &str, key: u64) -> Vec<u8> {
        let found = CORRUPTIONS
            .iter()
            .find(|corruption| corruption.name == name);
        found.unwrap().apply(&disk(), key)
    }

    /// The disk's center and number of pixels.
    fn disk_of(image: &[u8]) -> ([f32; 2], f32) {
        let inside = || (0..IMAGE_LEN).filter(|&at| image[at] > 120);
        let n = inside().count() as f32;
        let mean = |along: fn(usize) -> usize| inside().map(along).sum::<usize>() as f32 / n;
        (
            [mean(|at| at % IMAGE_SIDE_PX), mean(|at| at / IMAGE_SIDE_PX)],
            n,
        )
    }

    fn mean_gap(image: &[u8]) -> f32 {
        let gaps = image
            .iter()
            .zip(disk())
            .map(|(a, b)| f32::from(a.abs_diff(b)));
        gaps.sum::<f32>() / IMAGE_LEN as f32
    }

    #[test]
    fn the_key_decides_the_damage_and_only_the_first_does_none() {
        for corruption in CORRUPTIONS {
            let once = corruption.apply(&disk(), 3);
            assert_eq!(once, corruption.apply(&disk(), 3), "{}", corruption.name);
            assert_eq!(
                once == disk(),
                corruption.name == "clean",
                "{}",
                corruption.name
            );
        }
        assert_ne!(
            damaged("noise σ 20 of 255", 1),
            damaged("noise σ 20 of 255", 2)
        );
    }

    #[test]
    fn stronger_damage_changes_more() {
        for [weak, strong] in [["roll ±20°", "roll ±30°"], ["blur σ 1 px", "blur σ 2 px"]] {
            let [weak, strong] = [weak, strong].map(|name| mean_gap(&damaged(name, 1)));
            assert!(weak > 0.0 && strong > weak, "{weak} {strong}");
        }
    }

    #[test]
    fn noise_and_brightness_have_the_named_strengths() {
        let noisy = damaged("noise σ 20 of 255", 1);
        let squares = noisy.iter().zip(disk());
        let variance = squares
            .map(|(a, b)| (f32::from(*a) - f32::from(b)).powi(2))
            .sum::<f32>()
            / IMAGE_LEN as f32;
        assert!((variance.sqrt() - 20.0).abs() < 1.5, "{}", variance.sqrt());
        assert_eq!(damaged("brightness ×0.4", 1)[0], 24);
        let bright = damaged("brightness ×1.8", 1);
        assert_eq!((bright[0], bright.iter().max()), (108, Some(&255)));
    }

    #[test]
    fn rotation_shift_and_scale_have_the_named_strengths() {
        let (place, n) = disk_of(&disk());
        let grown = disk_of(&damaged("scale ×1.15", 1)).1 / n;
        assert!((grown / (1.15 * 1.15) - 1.0).abs() < 0.06, "{grown}");
        let shrunk = disk_of(&damaged("scale ×0.85", 1)).1 / n;
        assert!((shrunk / (0.85 * 0.85) - 1.0).abs() < 0.06, "{shrunk}");
        let distance = |key: u64| {
            let (moved, _) = disk_of(&damaged("shift 10 %", key));
            let [x, y] = [moved[0] - place[0], moved[1] - place[1]];
            (x, y, (x * x + y * y).sqrt())
        };
        let all: Vec<_> = (0..40).map(distance).collect();
        assert!(
            all.iter().all(|(.., length)| (length - 4.8).abs() < 0.5),
            "{all:?}"
        );
        for has_direction in [
            all.iter().any(|d| d.0 > 3.0),
            all.iter().any(|d| d.1 < -3.0),
        ] {
            assert!(has_direction, "{all:?}");
        }
        // The disk's center is 4 px above that of the image, so it moves by 4 sin 30° to a side.
        let sides: Vec<f32> = (0..20)
            .map(|key| disk_of(&damaged("roll ±30°", key)).0[0] - place[0])
            .collect();
        assert!(
            sides.iter().all(|side| (side.abs() - 2.0).abs() < 0.3),
            "{sides:?}"
        );
        assert!(sides.iter().any(|side| *side > 0.0) && sides.iter().any(|side| *side < 0.0));
    }

    #[test]
    fn covers_hide_their_region_and_nothing_else() {
        for (name, region) in [
            ("mouth covered", FacePart::Mouth),
            ("eyes covered", FacePart::Eyes),
        ] {
            let image = damaged(name, 1);
            let [left, top, right, bottom] = region.bounds();
            let share = (right - left) * (bottom - top);
            let covering: Vec<usize> = (0..IMAGE_LEN)
                .filter(|&at| ![60, 180].contains(&image[at]))
                .collect();
            let covered = covering.len() as f32 / IMAGE_LEN as f32;
            assert!((covered - share).abs() < 0.02, "{name}: {covered}");
            assert!(covering.iter().all(|&at| image[at] == image[covering[0]]));
        }
    }
}
