//! How strongly an image is varied, and in which order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    camera::{self, CameraConfig},
    equalize,
    erase::{CutoutConfig, EraseConfig},
    occlusion::{self, OcclusionConfig},
    pose::{BoxNoiseConfig, TiltConfig},
    resample::{Border, Crop, FER_SIDE_PX, Luma, Normalization, Sampling, Tone, resample, side_of},
};
use crate::random::SplitMix64;

/// Strengths of the random variations. The default is the recipe of the bundled network; in a recipe's file, what is
/// left out is off ([`Self::OFF`]).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default = "AugmentConfig::off", deny_unknown_fields)]
pub struct AugmentConfig {
    /// How often the image is mirrored left to right, 0 to 1.
    pub flip_probability: f32,
    /// The image turns about its centre by up to this much either way, in degrees.
    pub max_rotation_deg: f32,
    /// Smallest area of the crop that becomes the whole image, as a fraction of the image's area.
    pub min_area: f32,
    /// Largest such area. Above 1 the crop reaches over the border and the face becomes smaller.
    pub max_area: f32,
    /// Width by height of the crop is between `1 / max_aspect_ratio` and this, uniform in its logarithm. The
    /// default is 1: torchvision's 4/3 would stretch faces by a third, which no camera does.
    pub max_aspect_ratio: f32,
    /// Whether the crop lies in the middle of the image; otherwise anywhere that its size leaves free.
    pub centered: bool,
    /// The crop moves by up to this fraction of the side, beyond that place.
    pub max_shift: f32,
    /// The contrast about the image's mean is multiplied by 1 ± up to this.
    pub max_contrast: f32,
    /// Up to this is added or taken away, where black is 0 and white is 1.
    pub max_brightness: f32,
    /// The brightness is multiplied by 1 ± up to this, before the contrast changes: torchvision's `ColorJitter`.
    pub max_gain: f32,
    /// The image moves by up to this many whole pixels either way: torchvision's `RandomCrop` with padding.
    pub crop_padding_px: u32,
    /// What lies beyond the border.
    pub border: Border,
    /// How often the histogram is made flat before anything else, 0 to 1: torchvision's `RandomEqualize`.
    pub equalize_probability: f32,
    /// Rectangles of random size that are wiped out.
    pub erase: EraseConfig,
    /// A square of fixed size that is wiped out.
    pub cutout: CutoutConfig,
    /// Something in front of the face.
    pub occlusion: OcclusionConfig,
    /// Now and then a box that is less right, on top of all the rest.
    pub box_noise: BoxNoiseConfig,
    /// Now and then a head that is tilted further.
    pub tilt: TiltConfig,
    /// What a camera does to a picture.
    pub camera: CameraConfig,
    /// Images are blended in pairs; see [`crate::augment::mixup`]. 0 is off.
    pub mixup_alpha: f32,
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
    /// Leaves every image as it is.
    pub const OFF: Self = Self {
        flip_probability: 0.0,
        max_rotation_deg: 0.0,
        min_area: 1.0,
        max_area: 1.0,
        max_aspect_ratio: 1.0,
        centered: false,
        max_shift: 0.0,
        max_contrast: 0.0,
        max_brightness: 0.0,
        max_gain: 0.0,
        crop_padding_px: 0,
        border: Border::Reflect,
        equalize_probability: 0.0,
        erase: EraseConfig::OFF,
        cutout: CutoutConfig::OFF,
        occlusion: OcclusionConfig::OFF,
        tilt: TiltConfig::OFF,
        box_noise: BoxNoiseConfig::OFF,
        camera: CameraConfig::OFF,
        mixup_alpha: 0.0,
    };

    const fn off() -> Self {
        Self::OFF
    }

    /// Writes a random variation of `image` to `output`, normalized.
    ///
    /// `image` is a square of luma and `output` a square as f32, of any sides. The crop is torchvision's `RandomResizedCrop`
    /// with one departure: where a crop would be wider or taller than the image, torchvision draws again,
    /// while here it reaches over the border, beyond which the image is reflected.
    ///
    /// The number of draws from `rng` doesn't depend on the strengths, so that switching one variation off
    /// leaves the others as they were.
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
        // The gain moves the mean, about which the contrast turns.
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
