//! Finds impossible values of the augmentation.

use super::range::{Problem, need, share};
use crate::augment::{AugmentConfig, BlurConfig, CameraConfig};

/// The first impossible value of the augmentation, by its key.
pub(super) fn check_augment(augment: &AugmentConfig) -> Result<(), Problem> {
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
        ("camera.light.probability", augment.camera.light.probability),
        ("camera.light.min_gain", augment.camera.light.min_gain),
        ("camera.blur.probability", augment.camera.blur.probability),
        (
            "camera.resolution.probability",
            augment.camera.resolution.probability,
        ),
        ("camera.noise.probability", augment.camera.noise.probability),
        (
            "camera.noise.max_deviation",
            augment.camera.noise.max_deviation,
        ),
        ("camera.jpeg.probability", augment.camera.jpeg.probability),
    ] {
        share(&format!("augment.{name}"), value.into())?;
    }
    for (key, degrees) in [
        ("augment.max_rotation_deg", augment.max_rotation_deg),
        ("augment.tilt.max_deg", augment.tilt.max_deg),
    ] {
        let fits = (0.0..=180.0).contains(&degrees);
        need(key, degrees, fits, "between 0 and 180")?;
    }
    let alpha = augment.mixup_alpha;
    let fits = (0.0..=2.0).contains(&alpha);
    need("augment.mixup_alpha", alpha, fits, "between 0 and 2")?;
    let (min, max) = (augment.min_area, augment.max_area);
    need(
        "augment.min_area",
        min,
        (0.01..=9.0).contains(&min),
        "between 0.01 and 9",
    )?;
    let fits = (min..=9.0).contains(&max);
    need(
        "augment.max_area",
        max,
        fits,
        "at least min_area and at most 9",
    )?;
    for (key, ratio) in [
        ("augment.max_aspect_ratio", augment.max_aspect_ratio),
        (
            "augment.erase.max_aspect_ratio",
            augment.erase.max_aspect_ratio,
        ),
    ] {
        need(
            key,
            ratio,
            (1.0..=10.0).contains(&ratio),
            "between 1 and 10",
        )?;
    }
    let padding = augment.crop_padding_px;
    need(
        "augment.crop_padding_px",
        padding,
        padding <= 24,
        "at most 24",
    )?;
    check_camera(&augment.camera)?;
    let area = augment.erase.max_area;
    let fits = (augment.erase.min_area..=1.0).contains(&area);
    need(
        "augment.erase.max_area",
        area,
        fits,
        "at least min_area and at most 1",
    )
}

fn check_camera(camera: &CameraConfig) -> Result<(), Problem> {
    let gamma = camera.light.max_gamma;
    need(
        "augment.camera.light.max_gamma",
        gamma,
        (1.0..=10.0).contains(&gamma),
        "between 1 and 10",
    )?;
    let gain = camera.light.max_gain;
    let fits = (1.0..=10.0).contains(&gain);
    need(
        "augment.camera.light.max_gain",
        gain,
        fits,
        "between 1 and 10",
    )?;
    let (min, max) = (camera.resolution.min_scale, camera.resolution.max_scale);
    need(
        "augment.camera.resolution.min_scale",
        min,
        (0.05..=1.0).contains(&min),
        "between 0.05 and 1",
    )?;
    need(
        "augment.camera.resolution.max_scale",
        max,
        (min..=1.0).contains(&max),
        "at least min_scale and at most 1",
    )?;
    let sigma = camera.blur.max_sigma_px;
    need(
        "augment.camera.blur.max_sigma_px",
        sigma,
        (BlurConfig::MIN_SIGMA_PX..=10.0).contains(&sigma),
        "between 0.3 and 10",
    )?;
    let (min, max) = (camera.jpeg.min_quality, camera.jpeg.max_quality);
    need(
        "augment.camera.jpeg.min_quality",
        min,
        (1..=100).contains(&min),
        "between 1 and 100",
    )?;
    need(
        "augment.camera.jpeg.max_quality",
        max,
        (min..=100).contains(&max),
        "at least min_quality and at most 100",
    )
}
