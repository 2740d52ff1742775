//! The damage that a camera does in live use: dim or glaring light, an unfocused lens, few pixels, a noisy sensor, a
//! compressed stream.
//!
//! Each step has its own probability, and the steps are in the order in which they happen in a camera. Their random
//! numbers come from a separate generator, so a recipe that does not use them still gives the same run as before they
//! existed.

use image::{
    ExtendedColorType, ImageBuffer, ImageFormat, Luma,
    codecs::jpeg::JpegEncoder,
    imageops::{self, FilterType},
};
use serde::{Deserialize, Serialize};

use super::{
    off::off,
    resample::{Normalization, side_of},
};
use crate::random::SplitMix64;

/// Last number of the random key.
const CAMERA_KEY: u64 = 7;
/// The blur kernel reaches this many standard deviations; taps beyond would be below 0.001.
const BLUR_REACH: f32 = 3.0;

off! {
    /// Brighter and darker images.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "LightConfig::off", deny_unknown_fields)]
    pub struct LightConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Levels (0 to 1) are raised to a power between `1 / max_gamma` and `max_gamma`, uniform in its logarithm.
        pub max_gamma: f32 = 2.0,
        /// Then they are multiplied by a factor of at least this.
        pub min_gain: f32 = 1.0,
        /// The largest such factor, 1 or more. Levels above white are clipped, as in an overexposed frame.
        pub max_gain: f32 = 1.0,
    }
}

off! {
    /// A face with fewer pixels than the network's input, because it is far away or the frame is small. Noise and JPEG are
    /// applied at that size.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "ResolutionConfig::off", deny_unknown_fields)]
    pub struct ResolutionConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Smallest side of the face, as a share of the network's input.
        pub min_scale: f32 = 0.5,
        /// Largest side.
        pub max_scale: f32 = 1.0,
    }
}

off! {
    /// A Gaussian blur.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "BlurConfig::off", deny_unknown_fields)]
    pub struct BlurConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Largest standard deviation, px of the network's input. The smallest is 0.3, which is hardly visible.
        pub max_sigma_px: f32 = 1.0,
    }
}

off! {
    /// Normal noise, independent for each pixel.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "NoiseConfig::off", deny_unknown_fields)]
    pub struct NoiseConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Largest standard deviation; white is 1.
        pub max_deviation: f32 = 0.05,
    }
}

off! {
    /// Compression by a real JPEG encoder.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "JpegConfig::off", deny_unknown_fields)]
    pub struct JpegConfig {
        /// Share of the images, 0 to 1.
        pub probability: f32 = 0.0,
        /// Lowest quality, 1 to 100.
        pub min_quality: u8 = 30,
        /// Highest quality.
        pub max_quality: u8 = 90,
    }
}

off! {
    /// All steps, in the order in which they are applied.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "CameraConfig::off", deny_unknown_fields)]
    pub struct CameraConfig {
        /// The light.
        pub light: LightConfig = LightConfig::OFF,
        /// The lens.
        pub blur: BlurConfig = BlurConfig::OFF,
        /// The number of pixels on the face.
        pub resolution: ResolutionConfig = ResolutionConfig::OFF,
        /// The sensor.
        pub noise: NoiseConfig = NoiseConfig::OFF,
        /// The stream.
        pub jpeg: JpegConfig = JpegConfig::OFF,
    }
}

impl LightConfig {
    fn apply(&self, rng: &mut SplitMix64, levels: &mut [f32]) {
        let is_chosen = rng.unit() < self.probability;
        let gamma = self.max_gamma.powf(rng.between(-1.0, 1.0));
        let gain = rng.between(self.min_gain, self.max_gain);
        if is_chosen {
            // One power per gray level, not per pixel.
            let table: Vec<f32> = (0..=255)
                .map(|level| 255.0 * gain * (level as f32 / 255.0).powf(gamma))
                .collect();
            for level in levels {
                let below = (*level as usize).min(254);
                let share = *level - below as f32;
                let brighter = table[below] + share * (table[below + 1] - table[below]);
                *level = brighter.min(255.0);
            }
        }
    }
}

impl BlurConfig {
    /// The smallest standard deviation, px.
    pub const MIN_SIGMA_PX: f32 = 0.3;

    fn apply(&self, rng: &mut SplitMix64, levels: &mut [f32]) {
        let is_chosen = rng.unit() < self.probability;
        let sigma = rng.between(Self::MIN_SIGMA_PX, self.max_sigma_px);
        if is_chosen {
            blur(levels, sigma);
        }
    }
}

impl ResolutionConfig {
    /// The side at which the sensor sees an image of `side` pixels.
    fn draw(&self, rng: &mut SplitMix64, side: usize) -> usize {
        let is_chosen = rng.unit() < self.probability;
        let scale = rng.between(self.min_scale, self.max_scale);
        if is_chosen {
            ((side as f32 * scale).round() as usize).clamp(1, side)
        } else {
            side
        }
    }
}

impl NoiseConfig {
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
    fn is_off(&self) -> bool {
        let Self {
            light,
            blur,
            resolution,
            noise,
            jpeg,
        } = self;
        [
            light.probability,
            blur.probability,
            resolution.probability,
            noise.probability,
            jpeg.probability,
        ] == [0.0; 5]
    }

    /// Changes a normalized square image as a camera would.
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
        let side = side_of(output);
        // From a separate generator, so that recipes without this step keep their noise.
        let seen = self.resolution.draw(&mut generator(rng), side);
        if seen == side {
            self.noise.apply(rng, output);
            self.jpeg.apply(rng, output);
        } else {
            let mut small = shrink(output, seen);
            self.noise.apply(rng, &mut small);
            self.jpeg.apply(rng, &mut small);
            output.copy_from_slice(&enlarge(&small, side));
        }
        for value in output {
            *value = (*value / 255.0 - mean) / std;
        }
    }
}

/// The generator of these steps for an image with the generator `rng`, which does not advance.
pub(super) fn generator(rng: &SplitMix64) -> SplitMix64 {
    SplitMix64::from_key(&[rng.clone().next_u64(), CAMERA_KEY])
}

/// Blurs a square image, repeating its border.
pub(crate) fn blur(levels: &mut [f32], sigma: f32) {
    let side = side_of(levels);
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

/// The image on a sensor with fewer pixels: each is the mean of the area it covers.
pub(crate) fn shrink(levels: &[f32], side: usize) -> Vec<f32> {
    let from = side_of(levels);
    let step = from as f32 / side as f32;
    // Along one axis: the old pixels that a new pixel covers, with their shares of it.
    let covered = |at: usize| {
        let (low, high) = (at as f32 * step, (at + 1) as f32 * step);
        (low as usize..(high.ceil() as usize).min(from)).map(move |old| {
            let overlap = high.min((old + 1) as f32) - low.max(old as f32);
            (old, overlap.max(0.0) / step)
        })
    };
    let pixel = |at: usize| -> f32 {
        let (x, y) = (at % side, at / side);
        let of_row = |(row, share): (usize, f32)| {
            let row = &levels[row * from..(row + 1) * from];
            share
                * covered(x)
                    .map(|(column, share)| share * row[column])
                    .sum::<f32>()
        };
        covered(y).map(of_row).sum()
    };
    (0..side * side).map(pixel).collect()
}

/// Enlarges a square image bilinearly.
pub(crate) fn enlarge(levels: &[f32], side: usize) -> Vec<f32> {
    let from = side_of(levels) as u32;
    // `image` clamps such pixels to 0 to 1.
    let shares = levels.iter().map(|level| level / 255.0).collect();
    let Some(picture) = ImageBuffer::<Luma<f32>, Vec<f32>>::from_raw(from, from, shares) else {
        unreachable!("a square image has as many values as pixels");
    };
    let enlarged = imageops::resize(&picture, side as u32, side as u32, FilterType::Triangle);
    enlarged
        .into_raw()
        .iter()
        .map(|share| share * 255.0)
        .collect()
}

/// Encodes a square image as JPEG and decodes it.
pub(crate) fn compress(levels: &mut [f32], quality: u8) {
    let side = side_of(levels) as u32;
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
    // A small gray image can always be encoded; should it fail, the image stays unchanged.
    if let Ok(decoded) = decoded {
        for (level, pixel) in levels.iter_mut().zip(decoded.into_luma8().into_raw()) {
            *level = pixel.into();
        }
    }
}

#[cfg(test)]
mod tests;
