//! The strengths of the augmentation and the order of its steps.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    camera::{self, CameraConfig},
    equalize,
    erase::{CutoutConfig, EraseConfig},
    occlusion::{self, OcclusionConfig},
    off::off,
    pose::{BoxNoiseConfig, TiltConfig},
    resample::{
        BorderMode, Crop, FER_SIDE_PX, Luma, Normalization, Sampling, Tone, resample, side_of,
    },
};
use crate::random::SplitMix64;

off! {
    /// Strengths of the augmentation. The default is that of the recipe `three-block`; a key missing from a recipe file is
    /// off ([`Self::OFF`]).
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    #[serde(default = "AugmentConfig::off", deny_unknown_fields)]
    pub struct AugmentConfig {
        /// Share of the images that are mirrored left to right, 0 to 1.
        pub flip_probability: f32 = 0.0,
        /// The image is rotated about its center by up to this angle either way, degrees.
        pub max_rotation_deg: f32 = 0.0,
        /// Smallest area of the crop, as a share of the image.
        pub min_area: f32 = 1.0,
        /// Largest area of the crop. Above 1 it extends beyond the border, and the face becomes smaller.
        pub max_area: f32 = 1.0,
        /// The crop's width over its height lies between `1 / max_aspect_ratio` and `max_aspect_ratio`, uniform in its
        /// logarithm. The default is 1: torchvision's 4/3 would stretch faces by a third, which no camera does.
        pub max_aspect_ratio: f32 = 1.0,
        /// Whether the crop is centered; otherwise it lies anywhere within the image.
        pub centered: bool = false,
        /// The crop then moves by up to this share of the side, in each direction.
        pub max_shift: f32 = 0.0,
        /// The contrast about the image's mean is multiplied by 1 ± up to this.
        pub max_contrast: f32 = 0.0,
        /// Up to this is added to or subtracted from the brightness; black is 0, white is 1.
        pub max_brightness: f32 = 0.0,
        /// The brightness is multiplied by 1 ± up to this before the contrast changes: torchvision's `ColorJitter`.
        pub max_gain: f32 = 0.0,
        /// The image moves by up to this many whole pixels either way: torchvision's `RandomCrop` with padding.
        pub crop_padding_px: u32 = 0,
        /// What fills the area beyond the border.
        pub border: BorderMode = BorderMode::Reflect,
        /// Share of the images whose histogram is equalized first, 0 to 1: torchvision's `RandomEqualize`.
        pub equalize_probability: f32 = 0.0,
        /// Erases a rectangle of random size.
        pub erase: EraseConfig = EraseConfig::OFF,
        /// Erases a square of fixed size.
        pub cutout: CutoutConfig = CutoutConfig::OFF,
        /// Covers a part of the face.
        pub occlusion: OcclusionConfig = OcclusionConfig::OFF,
        /// Moves and scales the crop further, as an inaccurate face box would.
        pub box_noise: BoxNoiseConfig = BoxNoiseConfig::OFF,
        /// Rotates some images further, as a tilted head.
        pub tilt: TiltConfig = TiltConfig::OFF,
        /// The damage that a camera does.
        pub camera: CameraConfig = CameraConfig::OFF,
        /// Blends images in pairs, see [`crate::augment::mixup`]; 0 is off.
        pub mixup_alpha: f32 = 0.0,
    }
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            max_rotation_deg: 10.0,
            flip_probability: 0.5,
            min_area: 0.9,
            ..Self::OFF
        }
    }
}

impl AugmentConfig {
    /// Augments `image` and writes the normalized result to `output`.
    ///
    /// `image` is a square of luma and `output` a square of f32, of any sides. The crop is torchvision's
    /// `RandomResizedCrop`, except that a crop wider or taller than the image is not drawn again but extends beyond the
    /// border.
    ///
    /// The number of draws from `rng` does not depend on the strengths, so switching one step off does not change the
    /// others.
    ///
    /// # Panics
    /// If a length is not a square number.
    pub fn apply(
        &self,
        image: &[u8],
        normalization: Normalization,
        rng: &mut SplitMix64,
        output: &mut [f32],
    ) {
        let mut camera_rng = camera::generator(rng);
        let (box_shift, box_factor) = self.box_noise.draw(&mut camera_rng);
        let mut scene_rng = occlusion::generator(rng);
        let tilt_deg = self.tilt.draw(&mut scene_rng);
        let mirrored = rng.unit() < self.flip_probability;
        let rotation_deg = self.max_rotation_deg * rng.between(-1.0, 1.0) + tilt_deg;
        let area = rng.between(self.min_area, self.max_area);
        let stretch = self.max_aspect_ratio.powf(rng.between(-0.5, 0.5));
        let place = [rng.unit(), rng.unit()];
        let place = if self.centered { [0.5; 2] } else { place };
        let shift = [rng.between(-1.0, 1.0), rng.between(-1.0, 1.0)].map(|s| s * self.max_shift);
        let contrast = 1.0 + self.max_contrast * rng.between(-1.0, 1.0);
        let brightness = 255.0 * self.max_brightness * rng.between(-1.0, 1.0);
        let n_places = (2 * self.crop_padding_px + 1) as f32;
        let padding =
            [rng.unit(), rng.unit()].map(|u| (u * n_places).floor() - self.crop_padding_px as f32);
        let gain = 1.0 + self.max_gain * rng.between(-1.0, 1.0);
        let output_side = side_of(output);
        let mut image = Luma::shrunk(image, output_side);
        if rng.unit() < self.equalize_probability {
            let mut equalized = vec![0; image.pixels.len()];
            equalize::equalize(&image.pixels, &mut equalized);
            image.pixels = Cow::Owned(equalized);
        }
        if self.occlusion.is_chosen(&mut scene_rng) {
            self.occlusion.cover(&mut scene_rng, image.pixels.to_mut());
        }

        let side = image.side as f32;
        let width = side * area.sqrt() * stretch;
        let height = side * area.sqrt() / stretch;
        let padding = padding.map(|px| px * (side / FER_SIDE_PX));
        let crop = Crop {
            left_px: place[0] * (side - width) + shift[0] * side + padding[0],
            top_px: place[1] * (side - height) + shift[1] * side + padding[1],
            width_px: width,
            height_px: height,
        };
        let sampling = Sampling::new(
            crop.moved(box_shift, box_factor),
            rotation_deg.to_radians(),
            mirrored,
            [image.side, output_side],
        );
        let mean = image.mean();
        // The gain also moves the mean, about which the contrast changes.
        let tone = Tone {
            gain: gain * contrast,
            offset: mean * gain * (1.0 - contrast) + brightness,
        };
        resample(&image, sampling, tone, self.border, normalization, output);
        self.erase.apply(rng, output);
        self.cutout.apply(rng, output);
        self.camera.apply(normalization, &mut camera_rng, output);
    }
}
