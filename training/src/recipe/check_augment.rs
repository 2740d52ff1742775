//! Finds impossible values of the augmentation.

use super::range::{Problem, need, share, within};
use crate::augment::{AugmentConfig, BlurConfig, CameraConfig};

/// The first impossible value of the augmentation, by its key.
pub(super) fn check_augment(augment: &AugmentConfig) -> Result<(), Problem> {
    let CameraConfig {
        light,
        blur,
        resolution,
        noise,
        jpeg,
    } = augment.camera;
    for (name, value) in [
        ("flip_probability", augment.flip_probability),
        ("max_shift", augment.max_shift),
        ("max_contrast", augment.max_contrast),
        ("max_brightness", augment.max_brightness),
        ("max_gain", augment.max_gain),
        ("equalize_probability", augment.equalize_probability),
        ("erase.probability", augment.erase.probability),
        ("erase.min_area", augment.erase.min_area),
        ("cutout.probability", augment.cutout.probability),
        ("cutout.side", augment.cutout.side),
        ("occlusion.probability", augment.occlusion.probability),
        ("tilt.probability", augment.tilt.probability),
        ("box_noise.probability", augment.box_noise.probability),
        ("box_noise.max_shift", augment.box_noise.max_shift),
        ("box_noise.max_scale", augment.box_noise.max_scale),
        ("camera.light.probability", light.probability),
        ("camera.light.min_gain", light.min_gain),
        ("camera.blur.probability", blur.probability),
        ("camera.resolution.probability", resolution.probability),
        ("camera.noise.probability", noise.probability),
        ("camera.noise.max_deviation", noise.max_deviation),
        ("camera.jpeg.probability", jpeg.probability),
    ] {
        share(&format!("augment.{name}"), value.into())?;
    }
    let min_sigma_px = BlurConfig::MIN_SIGMA_PX;
    for (name, value, range) in [
        ("max_rotation_deg", augment.max_rotation_deg, 0.0..=180.0),
        ("tilt.max_deg", augment.tilt.max_deg, 0.0..=180.0),
        ("mixup_alpha", augment.mixup_alpha, 0.0..=2.0),
        ("min_area", augment.min_area, 0.01..=9.0),
        ("max_aspect_ratio", augment.max_aspect_ratio, 1.0..=10.0),
        (
            "erase.max_aspect_ratio",
            augment.erase.max_aspect_ratio,
            1.0..=10.0,
        ),
        ("camera.light.max_gamma", light.max_gamma, 1.0..=10.0),
        ("camera.light.max_gain", light.max_gain, 1.0..=10.0),
        (
            "camera.resolution.min_scale",
            resolution.min_scale,
            0.05..=1.0,
        ),
        (
            "camera.blur.max_sigma_px",
            blur.max_sigma_px,
            min_sigma_px..=10.0,
        ),
        (
            "camera.jpeg.min_quality",
            jpeg.min_quality.into(),
            1.0..=100.0,
        ),
    ] {
        within(&format!("augment.{name}"), value, range)?;
    }
    let erase = augment.erase;
    let qualities = [jpeg.min_quality, jpeg.max_quality].map(f32::from);
    for (group, name, [min, max], limit) in [
        ("augment", "area", [augment.min_area, augment.max_area], 9.0),
        (
            "augment.erase",
            "area",
            [erase.min_area, erase.max_area],
            1.0,
        ),
        (
            "augment.camera.resolution",
            "scale",
            [resolution.min_scale, resolution.max_scale],
            1.0,
        ),
        ("augment.camera.jpeg", "quality", qualities, 100.0),
    ] {
        let expected = format!("at least min_{name} and at most {limit}");
        let fits = (min..=limit).contains(&max);
        need(&format!("{group}.max_{name}"), max, fits, &expected)?;
    }
    let padding = augment.crop_padding_px;
    let fits = padding <= 24;
    need("augment.crop_padding_px", padding, fits, "at most 24")
}
