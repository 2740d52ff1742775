//! The augmentation: what stays, what moves, and how often.

use super::{
    resample::{Crop, FER_SIDE_PX, FRACTION_BITS, Luma, Sampling, Tone, resample},
    *,
};
use crate::{
    fer2013::{IMAGE_LEN, IMAGE_SIDE_PX},
    random::SplitMix64,
};

const RAW: Normalization = Normalization {
    mean: 0.0,
    std: 1.0 / 255.0,
};

/// A ramp that gets brighter to the right and, more slowly, downward.
fn ramp() -> Vec<u8> {
    let pixel = |i: usize| 40 + 3 * (i % IMAGE_SIDE_PX) + i / IMAGE_SIDE_PX;
    (0..IMAGE_LEN).map(|i| pixel(i) as u8).collect()
}

fn augmented(config: AugmentConfig, image: &[u8], key: u64) -> Vec<f32> {
    let mut output = vec![f32::NAN; IMAGE_LEN];
    config.apply(image, RAW, &mut SplitMix64::from_key(&[key]), &mut output);
    output
}

fn viewed(view: View, image: &[u8]) -> Vec<f32> {
    let mut output = vec![f32::NAN; IMAGE_LEN];
    view.apply(image, RAW, &mut output);
    output
}

fn close(a: f32, b: f32) -> bool {
    (a - b).abs() < 0.02
}

#[test]
fn when_off_it_only_normalizes() {
    let image: Vec<u8> = (0..IMAGE_LEN).map(|i| (i * 37 % 256) as u8).collect();
    let mut output = vec![0.0; IMAGE_LEN];
    let rng = &mut SplitMix64::from_key(&[1]);
    AugmentConfig::OFF.apply(&image, Normalization::default(), rng, &mut output);
    for (&pixel, &value) in image.iter().zip(&output) {
        assert!((value - (f32::from(pixel) / 255.0 - 0.5) / 0.5).abs() < 1e-6);
    }
    let mut plain = vec![0.0; IMAGE_LEN];
    View::PLAIN.apply(&image, Normalization::default(), &mut plain);
    assert_eq!(plain, output);
}

#[test]
fn flipping_mirrors_exactly() {
    let config = AugmentConfig {
        flip_probability: 1.0,
        ..AugmentConfig::OFF
    };
    let image = ramp();
    let flipped = augmented(config, &image, 1);
    for (i, value) in flipped.iter().enumerate() {
        let (x, y) = (i % IMAGE_SIDE_PX, i / IMAGE_SIDE_PX);
        let mirrored = image[y * IMAGE_SIDE_PX + IMAGE_SIDE_PX - 1 - x];
        assert_eq!(*value, f32::from(mirrored));
    }
    let view = View {
        mirrored: true,
        ..View::PLAIN
    };
    assert_eq!(viewed(view, &image), flipped);
}

/// A ramp is linear, so bilinear sampling is exact away from the border.
#[test]
fn geometry_agrees_with_the_formula_away_from_the_border() {
    let f = |x: f32, y: f32| 40.0 + 3.0 * x + y;
    let angle = 10_f32.to_radians();
    let crop = |left_px, top_px, side_px| Crop {
        left_px,
        top_px,
        width_px: side_px,
        height_px: side_px,
    };
    // For the output pixel (20, 30), by hand: the middle is at 23.5, so it is seen from there at (-3.5, 6.5).
    let cases = [
        (
            Sampling::new(crop(0.0, 0.0, 48.0), angle, false, [IMAGE_SIDE_PX; 2]),
            f(
                23.5 - 3.5 * angle.cos() - 6.5 * angle.sin(),
                23.5 - 3.5 * angle.sin() + 6.5 * angle.cos(),
            ),
        ),
        (
            Sampling::new(crop(0.0, 0.0, 48.0), angle, true, [IMAGE_SIDE_PX; 2]),
            f(
                23.5 + 3.5 * angle.cos() + 6.5 * angle.sin(),
                23.5 - 3.5 * angle.sin() + 6.5 * angle.cos(),
            ),
        ),
        // Half the side: pixel centers are half a pixel apart, the first at 6 + 0.25 - 0.5.
        (
            Sampling::new(crop(6.0, 12.0, 24.0), 0.0, false, [IMAGE_SIDE_PX; 2]),
            f(5.75 + 10.0, 11.75 + 15.0),
        ),
    ];
    for (sampling, expected) in cases {
        let mut output = vec![0.0; IMAGE_LEN];
        resample(
            &Luma::shrunk(&ramp(), IMAGE_SIDE_PX),
            sampling,
            Tone::KEPT,
            BorderMode::Reflect,
            RAW,
            &mut output,
        );
        let value = output[30 * IMAGE_SIDE_PX + 20];
        assert!(close(value, expected), "{value} instead of {expected}");
    }
}

#[test]
fn beyond_the_border_the_image_is_reflected() {
    let crop = Crop {
        left_px: -3.0,
        top_px: 0.0,
        width_px: FER_SIDE_PX,
        height_px: FER_SIDE_PX,
    };
    let image = ramp();
    let mut output = vec![0.0; IMAGE_LEN];
    let sampling = Sampling::new(crop, 0.0, false, [IMAGE_SIDE_PX; 2]);
    resample(
        &Luma::shrunk(&image, IMAGE_SIDE_PX),
        sampling,
        Tone::KEPT,
        BorderMode::Reflect,
        RAW,
        &mut output,
    );
    for (x, from) in [3, 2, 1, 0, 1, 2].into_iter().enumerate() {
        assert_eq!(output[x], f32::from(image[from]), "column {x}");
    }
    let image = ramp();
    let image = Luma::shrunk(&image, IMAGE_SIDE_PX);
    assert_eq!(image.neighbors(image.last() << FRACTION_BITS), [47, 46]);
    assert_eq!(image.neighbors(image.within_reflection(i32::MIN)), [47, 46]);
    assert_eq!(image.neighbors(image.within_reflection(i32::MAX)), [1, 0]);
}

#[test]
fn the_ten_views_show_their_corners() {
    let counts = ViewSet::ALL.map(|views| {
        let mut unique = views.views();
        unique.dedup();
        unique.len()
    });
    assert_eq!(counts, [1, 2, 10]);

    let ends = |part| {
        let output = viewed(
            View {
                part,
                mirrored: false,
            },
            &ramp(),
        );
        [
            output[25 * 48 + 10],
            output[25 * 48 + 40],
            output[10 * 48 + 25],
            output[40 * 48 + 25],
        ]
    };
    // Moving the crop by 4 px changes the ramp by 12 sideways and by 4 downward, everywhere inside.
    let base = ends(ImagePart::UpperLeft);
    for (part, difference) in [
        (ImagePart::UpperRight, 12.0),
        (ImagePart::LowerLeft, 4.0),
        (ImagePart::LowerRight, 16.0),
        (ImagePart::Center, 8.0),
    ] {
        for (value, start) in ends(part).into_iter().zip(base) {
            assert!(
                close(value - start, difference),
                "{part:?}: {value}, {start}"
            );
        }
    }
}

#[test]
fn contrast_changes_about_the_mean_and_levels_are_clipped() {
    let config = AugmentConfig {
        max_contrast: 0.5,
        ..AugmentConfig::OFF
    };
    let flat = augmented(config, &[100; IMAGE_LEN], 3);
    assert!(flat.iter().all(|&value| close(value, 100.0)));

    let mut half = vec![50; IMAGE_LEN];
    half[..IMAGE_LEN / 2].fill(150);
    let (first, last) = {
        let output = augmented(config, &half, 3);
        (output[0], output[IMAGE_LEN - 1])
    };
    assert!(
        close(first + last, 200.0) && !close(first, 150.0),
        "{first} {last}"
    );

    let bright = AugmentConfig {
        max_brightness: 1.0,
        ..AugmentConfig::OFF
    };
    let means: Vec<f32> = (0..20)
        .map(|key| augmented(bright, &half, key).iter().sum::<f32>() / IMAGE_LEN as f32)
        .collect();
    assert!(means.iter().any(|&m| m < 50.0) && means.iter().any(|&m| m > 150.0));
    let outputs = (0..20).flat_map(|key| augmented(bright, &half, key));
    assert!(
        outputs
            .into_iter()
            .all(|value| (0.0..=255.0).contains(&value))
    );
}

#[test]
fn the_key_decides_the_image() {
    let recipe = AugmentConfig::default();
    let image = ramp();
    assert_eq!(augmented(recipe, &image, 5), augmented(recipe, &image, 5));
    assert_ne!(augmented(recipe, &image, 5), augmented(recipe, &image, 6));
}

#[test]
fn switching_one_step_off_keeps_the_draws_of_the_others() {
    let image = ramp();
    let flip_only = AugmentConfig {
        flip_probability: 0.5,
        ..AugmentConfig::OFF
    };
    for key in 0..20 {
        let is_flipped = |config| {
            let output = augmented(config, &image, key);
            output[24 * 48 + 10] > output[24 * 48 + 38]
        };
        assert_eq!(is_flipped(AugmentConfig::default()), is_flipped(flip_only));
    }
}

#[test]
fn extreme_strengths_stay_within_pixels() {
    let config = AugmentConfig {
        flip_probability: 0.5,
        max_rotation_deg: 180.0,
        min_area: 0.01,
        max_area: 9.0,
        max_aspect_ratio: 4.0,
        centered: false,
        max_shift: 2.0,
        max_contrast: 5.0,
        max_brightness: 3.0,
        max_gain: 2.0,
        crop_padding_px: 300,
        border: BorderMode::Reflect,
        equalize_probability: 0.5,
        erase: EraseConfig {
            probability: 0.5,
            min_area: 0.001,
            max_area: 1.0,
            max_aspect_ratio: 10.0,
        },
        cutout: CutoutConfig {
            probability: 0.5,
            side: 2.0,
        },
        occlusion: OcclusionConfig { probability: 0.5 },
        tilt: TiltConfig {
            probability: 0.5,
            max_deg: 180.0,
        },
        box_noise: BoxNoiseConfig::OFF,
        camera: CameraConfig::OFF,
        mixup_alpha: 0.0,
    };
    for border in [BorderMode::Reflect, BorderMode::Black] {
        let config = AugmentConfig { border, ..config };
        for key in 0..200 {
            let output = augmented(config, &ramp(), key);
            assert!(output.iter().all(|value| (0.0..=255.001).contains(value)));
        }
    }
}

#[test]
fn padding_moves_by_whole_pixels_and_shows_black() {
    let config = AugmentConfig {
        crop_padding_px: 4,
        border: BorderMode::Black,
        ..AugmentConfig::OFF
    };
    let image = ramp();
    let mut seen = std::collections::BTreeSet::new();
    for key in 0..400 {
        let output = augmented(config, &image, key);
        // The ramp's value in the middle shows how far it moved: 3 per column, 1 per row.
        let at = |x: i32, y: i32| output[(y * 48 + x) as usize];
        let (dx, dy) = (at(25, 24) - at(24, 24), at(24, 25) - at(24, 24));
        assert!(close(dx, 3.0) && close(dy, 1.0), "{dx} {dy}");
        let n_black_columns = (0..48).filter(|&x| at(x, 24) == 0.0).count();
        let n_black_rows = (0..48).filter(|&y| at(24, y) == 0.0).count();
        seen.insert((n_black_columns, n_black_rows));
    }
    // Every distance of 0 to 4 px, in every combination.
    assert!(seen.iter().all(|&(x, y)| x <= 4 && y <= 4), "{seen:?}");
    assert_eq!(seen.len(), 25);
}

#[test]
fn a_gain_multiplies() {
    let config = AugmentConfig {
        max_gain: 0.2,
        ..AugmentConfig::OFF
    };
    let image: Vec<u8> = (0..IMAGE_LEN).map(|i| 50 + (i % 100) as u8).collect();
    for key in 0..20 {
        let output = augmented(config, &image, key);
        let factor = output[0] / 50.0;
        assert!((0.8..=1.2).contains(&factor));
        for (&pixel, &value) in image.iter().zip(&output) {
            assert!(close(value, f32::from(pixel) * factor));
        }
    }
}

/// A ramp stays a ramp at any size: the center of output pixel i is at (i + 0.5) · 48 / side - 0.5.
#[test]
fn the_output_may_have_another_size() {
    for side in [24_usize, 40, 64, 96] {
        let mut output = vec![0.0; side * side];
        View::PLAIN.apply(&ramp(), RAW, &mut output);
        let at = |i: usize| (i as f32 + 0.5) * FER_SIDE_PX / side as f32 - 0.5;
        for (x, y) in [(side / 2, side / 3), (side / 4, side / 2)] {
            let expected = 40.0 + 3.0 * at(x) + at(y);
            let value = output[y * side + x];
            assert!(close(value, expected), "{value} instead of {expected}");
        }
    }
}

#[test]
fn box_noise_moves_and_scales_the_crop_about_its_center() {
    let crop = Crop {
        left_px: 10.0,
        top_px: 20.0,
        width_px: 20.0,
        height_px: 10.0,
    };
    let moved = crop.moved([0.1, -0.2], 1.5);
    let center = [
        moved.left_px + moved.width_px / 2.0,
        moved.top_px + moved.height_px / 2.0,
    ];
    assert!(
        close(center[0], 22.0) && close(center[1], 23.0),
        "{center:?}"
    );
    assert_eq!((moved.width_px, moved.height_px), (30.0, 15.0));
}

/// The camera's steps draw from a separate generator.
#[test]
fn a_camera_changes_no_other_draw() {
    let config = AugmentConfig {
        max_shift: 0.2,
        ..AugmentConfig::default()
    };
    let mut with_camera = config;
    with_camera.camera.noise = NoiseConfig {
        probability: 1.0,
        max_deviation: 1e-9,
    };
    let image = ramp();
    for key in 0..20 {
        let (plain, seen) = (
            augmented(config, &image, key),
            augmented(with_camera, &image, key),
        );
        assert!(plain.iter().zip(&seen).all(|(a, b)| (a - b).abs() < 0.1));
    }
}

#[test]
fn centered_crops_keep_the_center() {
    let config = AugmentConfig {
        centered: true,
        min_area: 0.5,
        max_area: 1.5,
        ..AugmentConfig::OFF
    };
    let image = ramp();
    for key in 0..20 {
        let levels = augmented(config, &image, key);
        let middle = |at: &dyn Fn(usize) -> f32| {
            let half = IMAGE_SIDE_PX / 2;
            let corner = |x, y| at((half - y) * IMAGE_SIDE_PX + half - x);
            (corner(0, 0) + corner(1, 0) + corner(0, 1) + corner(1, 1)) / 4.0
        };
        let expected = middle(&|i| image[i].into());
        assert!((middle(&|i| levels[i]) - expected).abs() < 0.1, "key {key}");
    }
}

/// An image of 96×96 and the same at 48×48 are augmented alike: lengths are scaled.
#[test]
fn lengths_scale_with_the_image() {
    let side = 2 * IMAGE_SIDE_PX;
    // Linear, so the smaller image is its average.
    let pixel = |i: usize| 40 + (i % side) + i / side / 2;
    let large: Vec<u8> = (0..side * side).map(|i| pixel(i) as u8).collect();
    let small = Luma::shrunk(&large, IMAGE_SIDE_PX);
    assert_eq!(small.side, IMAGE_SIDE_PX);
    let config = AugmentConfig {
        crop_padding_px: 4,
        max_shift: 0.05,
        ..AugmentConfig::default()
    };
    for key in 0..20 {
        let mut outputs = [&large[..], &small.pixels].map(|image| {
            let mut output = vec![0.0; side * side];
            config.apply(image, RAW, &mut SplitMix64::from_key(&[key]), &mut output);
            output
        });
        let [large, small] = &mut outputs;
        // Away from the border, where the two reflect differently.
        let middle = (side / 3..2 * side / 3)
            .flat_map(|y| (side / 3..2 * side / 3).map(move |x| y * side + x));
        for at in middle {
            assert!(
                (large[at] - small[at]).abs() < 1.5,
                "{} {}",
                large[at],
                small[at]
            );
        }
    }
    // A network with larger inputs sees every pixel of a larger image; one with smaller inputs sees averages.
    let checks: Vec<u8> = (0..side * side)
        .map(|i| 255 * ((i + i / side) % 2) as u8)
        .collect();
    let mut output = vec![0.0; side * side];
    View::PLAIN.apply(&checks, RAW, &mut output);
    assert!(output.iter().zip(&checks).all(|(a, b)| *a == f32::from(*b)));
    let mut output = vec![0.0; IMAGE_LEN];
    View::PLAIN.apply(&checks, RAW, &mut output);
    assert!(output.iter().all(|value| *value == 128.0));
}
