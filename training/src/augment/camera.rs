//! What lies between a face and the network in live use: a box that is not quite right, dim light, a lens out of focus, a
//! noisy sensor, a compressed stream.
//!
//! Every step has a probability of its own, and they come in the order in which they happen in a camera. What a newcomer
//! would get wrong: these draws come from a generator of their own, so that a recipe without them has the same run as
//! before they existed.

use image::{ExtendedColorType, ImageFormat, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};

use super::Normalization;
use crate::random::SplitMix64;

/// Last number of the key of these draws.
const CAMERA_KEY: u64 = 7;
/// Taps beyond this many deviations would be below a thousandth.
const BLUR_REACH: f32 = 3.0;

/// A detector's box moves and grows from frame to frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "BoxNoiseConfig::off", deny_unknown_fields)]
pub struct BoxNoiseConfig {
    /// How often, 0 to 1.
    pub probability: f32,
    /// The crop moves by up to this fraction of its own side, each way.
    pub max_shift: f32,
    /// Its sides are multiplied by up to 1 + this, or divided by it; uniform in the logarithm.
    pub max_scale: f32,
}

/// Brighter and darker pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "LightConfig::off", deny_unknown_fields)]
pub struct LightConfig {
    /// How often, 0 to 1.
    pub probability: f32,
    /// Levels from 0 to 1 are raised to a power between `1 / max_gamma` and this, uniform in its logarithm.
    pub max_gamma: f32,
    /// They are then multiplied by a factor between this and 1: a picture that is too dark.
    pub min_gain: f32,
}

/// A Gaussian blur.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "BlurConfig::off", deny_unknown_fields)]
pub struct BlurConfig {
    /// How often, 0 to 1.
    pub probability: f32,
    /// Its deviation is between 0.3 px of the network's input, which is hardly any, and this.
    pub max_sigma_px: f32,
}

/// Normal noise, independent from pixel to pixel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "NoiseConfig::off", deny_unknown_fields)]
pub struct NoiseConfig {
    /// How often, 0 to 1.
    pub probability: f32,
    /// Its deviation is up to this, where white is 1.
    pub max_deviation: f32,
}

/// There and back through a real JPEG encoder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "JpegConfig::off", deny_unknown_fields)]
pub struct JpegConfig {
    /// How often, 0 to 1.
    pub probability: f32,
    /// The quality is between this, 1 to 100,
    pub min_quality: u8,
    /// and this.
    pub max_quality: u8,
}

/// All of it but the box.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "CameraConfig::off", deny_unknown_fields)]
pub struct CameraConfig {
    /// First the light,
    pub light: LightConfig,
    /// then the lens,
    pub blur: BlurConfig,
    /// then the sensor,
    pub noise: NoiseConfig,
    /// then the stream.
    pub jpeg: JpegConfig,
}

impl BoxNoiseConfig {
    /// Leaves every box as it is.
    pub const OFF: Self = Self {
        probability: 0.0,
        max_shift: 0.1,
        max_scale: 0.15,
    };

    const fn off() -> Self {
        Self::OFF
    }

    /// A shift in sides of the crop, and a factor of its size. Always four draws.
    pub(super) fn draw(&self, rng: &mut SplitMix64) -> ([f32; 2], f32) {
        let is_chosen = rng.unit() < self.probability;
        let shift = [rng.between(-1.0, 1.0), rng.between(-1.0, 1.0)].map(|s| s * self.max_shift);
        let factor = (1.0 + self.max_scale).powf(rng.between(-1.0, 1.0));
        if is_chosen {
            (shift, factor)
        } else {
            ([0.0; 2], 1.0)
        }
    }
}

impl LightConfig {
    /// Leaves every picture as it is.
    pub const OFF: Self = Self {
        probability: 0.0,
        max_gamma: 2.0,
        min_gain: 1.0,
    };

    const fn off() -> Self {
        Self::OFF
    }

    fn apply(&self, rng: &mut SplitMix64, levels: &mut [f32]) {
        let is_chosen = rng.unit() < self.probability;
        let gamma = self.max_gamma.powf(rng.between(-1.0, 1.0));
        let gain = rng.between(self.min_gain, 1.0);
        if is_chosen {
            // One power for each of the grey levels there can be, not for each pixel.
            let table: Vec<f32> = (0..=255)
                .map(|level| 255.0 * gain * (level as f32 / 255.0).powf(gamma))
                .collect();
            for level in levels {
                let below = (*level as usize).min(254);
                let share = *level - below as f32;
                *level = table[below] + share * (table[below + 1] - table[below]);
            }
        }
    }
}

impl BlurConfig {
    /// Leaves every picture as it is.
    pub const OFF: Self = Self {
        probability: 0.0,
        max_sigma_px: 1.0,
    };
    /// The smallest deviation, px.
    pub const MIN_SIGMA_PX: f32 = 0.3;

    const fn off() -> Self {
        Self::OFF
    }

    fn apply(&self, rng: &mut SplitMix64, levels: &mut [f32]) {
        let is_chosen = rng.unit() < self.probability;
        let sigma = rng.between(Self::MIN_SIGMA_PX, self.max_sigma_px);
        if is_chosen {
            blur(levels, sigma);
        }
    }
}

impl NoiseConfig {
    /// Leaves every picture as it is.
    pub const OFF: Self = Self {
        probability: 0.0,
        max_deviation: 0.05,
    };

    const fn off() -> Self {
        Self::OFF
    }

    fn apply(&self, rng: &mut SplitMix64, levels: &mut [f32]) {
        let is_chosen = rng.unit() < self.probability;
        let deviation = 255.0 * rng.between(0.0, self.max_deviation);
        if is_chosen {
            for level in levels {
                *level = (*level + deviation * rng.normal()).clamp(0.0, 255.0);
            }
        }
    }
}

impl JpegConfig {
    /// Leaves every picture as it is.
    pub const OFF: Self = Self {
        probability: 0.0,
        min_quality: 30,
        max_quality: 90,
    };

    const fn off() -> Self {
        Self::OFF
    }

    fn apply(&self, rng: &mut SplitMix64, levels: &mut [f32]) {
        let is_chosen = rng.unit() < self.probability;
        let n_qualities = usize::from(self.max_quality.saturating_sub(self.min_quality)) + 1;
        let quality = self.min_quality + rng.below(n_qualities) as u8;
        if is_chosen {
            compress(levels, quality);
        }
    }
}

impl CameraConfig {
    /// Leaves every picture as it is.
    pub const OFF: Self = Self {
        light: LightConfig::OFF,
        blur: BlurConfig::OFF,
        noise: NoiseConfig::OFF,
        jpeg: JpegConfig::OFF,
    };

    const fn off() -> Self {
        Self::OFF
    }

    fn is_off(&self) -> bool {
        let Self {
            light,
            blur,
            noise,
            jpeg,
        } = self;
        [
            light.probability,
            blur.probability,
            noise.probability,
            jpeg.probability,
        ] == [0.0; 4]
    }

    /// Changes a normalised square picture as a camera would.
    pub(super) fn apply(
        &self,
        normalization: Normalization,
        rng: &mut SplitMix64,
        output: &mut [f32],
    ) {
        if self.is_off() {
            return;
        }
        let Normalization { mean, std } = normalization;
        for value in &mut *output {
            *value = ((*value * std + mean) * 255.0).clamp(0.0, 255.0);
        }
        self.light.apply(rng, output);
        self.blur.apply(rng, output);
        self.noise.apply(rng, output);
        self.jpeg.apply(rng, output);
        for value in output {
            *value = (*value / 255.0 - mean) / std;
        }
    }
}

/// The generator of these draws for an image whose own generator is `rng`, which does not advance.
pub(super) fn generator(rng: &SplitMix64) -> SplitMix64 {
    SplitMix64::from_key(&[rng.clone().next_u64(), CAMERA_KEY])
}

/// Blurs a square picture, its border continued.
fn blur(levels: &mut [f32], sigma: f32) {
    let side = super::side_of(levels);
    let reach = (BLUR_REACH * sigma).ceil() as usize;
    let weight = |offset: usize| (-0.5 * (offset as f32 / sigma).powi(2)).exp();
    let sum = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f32>();
    let taps: Vec<f32> = (0..=reach).map(|offset| weight(offset) / sum).collect();
    let last = side - 1;
    let mut rows = vec![0.0; levels.len()];
    for (out, row) in rows.chunks_exact_mut(side).zip(levels.chunks_exact(side)) {
        for (x, out) in out.iter_mut().enumerate() {
            let tap = |offset: usize| row[x.saturating_sub(offset)] + row[(x + offset).min(last)];
            *out = taps[0] * row[x] + (1..=reach).map(|i| taps[i] * tap(i)).sum::<f32>();
        }
    }
    for (y, out) in levels.chunks_exact_mut(side).enumerate() {
        let row = |y: usize| &rows[y * side..(y + 1) * side];
        for (out, value) in out.iter_mut().zip(row(y)) {
            *out = taps[0] * value;
        }
        for (offset, tap) in taps.iter().enumerate().skip(1) {
            let (above, below) = (row(y.saturating_sub(offset)), row((y + offset).min(last)));
            for ((out, above), below) in out.iter_mut().zip(above).zip(below) {
                *out += tap * (above + below);
            }
        }
    }
}

/// Takes a square picture through JPEG.
fn compress(levels: &mut [f32], quality: u8) {
    let side = super::side_of(levels) as u32;
    let pixels: Vec<u8> = levels.iter().map(|level| level.round() as u8).collect();
    let mut bytes = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, quality).encode(
        &pixels,
        side,
        side,
        ExtendedColorType::L8,
    );
    let decoded =
        encoded.and_then(|()| image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg));
    // A grey picture of a few pixels always goes through; if not, it stays as it is.
    if let Ok(decoded) = decoded {
        for (level, pixel) in levels.iter_mut().zip(decoded.into_luma8().into_raw()) {
            *level = pixel.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 16;
    const RAW: Normalization = Normalization {
        mean: 0.0,
        std: 1.0 / 255.0,
    };

    /// A dark left half and a bright right one.
    fn edge() -> Vec<f32> {
        let level = |i: usize| if i % SIDE < SIDE / 2 { 40.0 } else { 200.0 };
        (0..SIDE * SIDE).map(level).collect()
    }

    fn seen(camera: CameraConfig, key: u64) -> Vec<f32> {
        let mut levels = edge();
        camera.apply(RAW, &mut SplitMix64::from_key(&[key]), &mut levels);
        levels
    }

    fn mean(levels: &[f32]) -> f32 {
        levels.iter().sum::<f32>() / levels.len() as f32
    }

    fn each() -> [CameraConfig; 4] {
        let mut each = [CameraConfig::OFF; 4];
        each[0].light.probability = 1.0;
        each[1].blur.probability = 1.0;
        each[2].noise.probability = 1.0;
        each[3].jpeg = JpegConfig {
            probability: 1.0,
            min_quality: 10,
            max_quality: 10,
        };
        each
    }

    #[test]
    fn switched_off_it_touches_nothing_and_on_it_is_decided_by_the_key() {
        assert_eq!(seen(CameraConfig::OFF, 1), edge());
        for camera in each() {
            assert_eq!(seen(camera, 1), seen(camera, 1), "{camera:?}");
            assert_ne!(seen(camera, 1), edge(), "{camera:?}");
            let in_range = |level: &f32| (0.0..=255.0).contains(level);
            assert!(seen(camera, 2).iter().all(in_range), "{camera:?}");
        }
        assert_ne!(seen(each()[2], 1), seen(each()[2], 2));
    }

    #[test]
    fn probabilities_are_kept() {
        let mut camera = each()[2];
        camera.noise.probability = 0.3;
        let n = (0..500).filter(|key| seen(camera, *key) != edge()).count();
        assert!((110..190).contains(&n), "{n} of 500");
    }

    /// The same normalisation goes out as came in.
    #[test]
    fn normalised_pictures_stay_normalised() {
        let normalization = Normalization {
            mean: 0.5,
            std: 0.25,
        };
        let mut camera = CameraConfig::OFF;
        camera.light = LightConfig {
            probability: 1.0,
            max_gamma: 1.0,
            min_gain: 1.0,
        };
        let normalised: Vec<f32> = edge()
            .iter()
            .map(|level| (level / 255.0 - 0.5) / 0.25)
            .collect();
        let mut output = normalised.clone();
        camera.apply(normalization, &mut SplitMix64::from_key(&[1]), &mut output);
        for (found, expected) in output.iter().zip(normalised) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }

    #[test]
    fn low_light_darkens_by_its_formula() {
        let mut levels = vec![0.0, 127.5, 255.0];
        let light = LightConfig {
            probability: 1.0,
            max_gamma: 1.0,
            min_gain: 0.25,
        };
        light.apply(&mut SplitMix64::from_key(&[3]), &mut levels);
        let gain = levels[2] / 255.0;
        assert!((0.25..1.0).contains(&gain), "{gain}");
        assert!((levels[1] - 127.5 * gain).abs() < 1e-3);
        // A power above 1 darkens the middle and leaves the ends.
        let gamma = LightConfig {
            max_gamma: 3.0,
            min_gain: 1.0,
            ..light
        };
        let mut levels = vec![0.0, 127.0, 255.0];
        gamma.apply(&mut SplitMix64::from_key(&[3]), &mut levels);
        assert_eq!((levels[0], levels[2]), (0.0, 255.0));
        assert!((levels[1] - 127.0).abs() > 5.0);
    }

    #[test]
    fn blur_keeps_the_sum_of_a_dot_and_has_its_deviation() {
        let mut levels = vec![0.0; 31 * 31];
        levels[15 * 31 + 15] = 1.0;
        blur(&mut levels, 1.5);
        assert!((levels.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        let spread = |along: fn(usize) -> usize| {
            let of = |(i, level): (usize, &f32)| (along(i) as f32 - 15.0).powi(2) * level;
            levels.iter().enumerate().map(of).sum::<f32>()
        };
        for variance in [spread(|i| i % 31), spread(|i| i / 31)] {
            assert!((variance - 2.25).abs() < 0.1, "{variance}");
        }
        let mut flat = vec![77.0; 64];
        blur(&mut flat, 2.0);
        assert!(flat.iter().all(|level| (level - 77.0).abs() < 1e-3));
    }

    #[test]
    fn noise_has_the_deviation_it_drew() {
        let noise = NoiseConfig {
            probability: 1.0,
            max_deviation: 0.1,
        };
        let mut rng = SplitMix64::from_key(&[4]);
        let expected = {
            let mut rng = rng.clone();
            rng.unit();
            255.0 * rng.between(0.0, 0.1)
        };
        let mut levels = vec![128.0; 10_000];
        noise.apply(&mut rng, &mut levels);
        let variance = levels
            .iter()
            .map(|level| (level - 128.0).powi(2))
            .sum::<f32>()
            / 1e4;
        assert!((variance.sqrt() / expected - 1.0).abs() < 0.05);
        assert!((mean(&levels) - 128.0).abs() < 0.05 * 255.0);
    }

    #[test]
    fn jpeg_damages_more_at_a_lower_quality() {
        let damage = |quality: u8| {
            let mut levels: Vec<f32> = (0..SIDE * SIDE).map(|i| (i * 71 % 256) as f32).collect();
            let before = levels.clone();
            compress(&mut levels, quality);
            let gaps = levels.iter().zip(before).map(|(a, b)| (a - b).abs());
            gaps.sum::<f32>() / levels.len() as f32
        };
        let [fine, coarse] = [damage(95), damage(10)];
        assert!(fine < 10.0 && coarse > 2.0 * fine, "{fine} {coarse}");
    }

    #[test]
    fn boxes_move_and_grow_within_their_bounds() {
        let noise = BoxNoiseConfig {
            probability: 0.5,
            ..BoxNoiseConfig::OFF
        };
        let mut rng = SplitMix64::from_key(&[6]);
        let draws: Vec<_> = (0..400).map(|_| noise.draw(&mut rng)).collect();
        let n_kept = draws
            .iter()
            .filter(|draw| **draw == ([0.0; 2], 1.0))
            .count();
        assert!((150..250).contains(&n_kept), "{n_kept}");
        for (shift, factor) in &draws {
            assert!(shift.iter().all(|s| s.abs() <= 0.1));
            assert!((1.0 / 1.1501..1.1501).contains(factor));
        }
        assert!(draws.iter().any(|(_, factor)| *factor > 1.1));
        assert!(draws.iter().any(|(_, factor)| *factor < 0.9));
    }
}
