//! Each step against its formula, and how often it is applied.

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
fn when_off_nothing_changes_and_when_on_the_key_decides() {
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

/// The output has the normalization of the input.
#[test]
fn normalized_images_stay_normalized() {
    let normalization = Normalization {
        mean: 0.5,
        std: 0.25,
    };
    let mut camera = CameraConfig::OFF;
    camera.light = LightConfig {
        probability: 1.0,
        max_gamma: 1.0,
        min_gain: 1.0,
        max_gain: 1.0,
    };
    let normalized: Vec<f32> = edge()
        .iter()
        .map(|level| (level / 255.0 - 0.5) / 0.25)
        .collect();
    let mut output = normalized.clone();
    camera.apply(normalization, &mut SplitMix64::from_key(&[1]), &mut output);
    for (found, expected) in output.iter().zip(normalized) {
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
        max_gain: 1.0,
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
fn fewer_pixels_are_means_and_come_back_as_large() {
    let levels: Vec<f32> = (0..36).map(|i| (i % 6 * 10) as f32).collect();
    // 0 and 10, 20 and 30, 40 and 50; then two thirds of a pixel's neighbors each.
    assert_eq!(shrink(&levels, 3)[..3], [5.0, 25.0, 45.0]);
    let four = shrink(&levels, 4);
    let expected = [10.0 / 3.0, 50.0 / 3.0, 100.0 / 3.0, 140.0 / 3.0];
    for (found, expected) in four[4..8].iter().zip(expected) {
        assert!((found - expected).abs() < 1e-3, "{four:?}");
    }
    let back = enlarge(&four, 6);
    assert_eq!(back.len(), 36);
    assert!((mean(&back) - 25.0).abs() < 0.5, "{}", mean(&back));
    let mut camera = CameraConfig::OFF;
    camera.resolution.probability = 1.0;
    assert_ne!(seen(camera, 1), edge());
    assert_eq!(seen(camera, 1), seen(camera, 1));
    // Noise and JPEG are applied to the small image.
    camera.noise.probability = 1.0;
    let noisy = seen(camera, 1);
    let rough = |levels: &[f32]| levels.windows(2).map(|w| (w[0] - w[1]).abs()).sum::<f32>();
    let mut sharp = CameraConfig::OFF;
    sharp.noise.probability = 1.0;
    assert!(
        rough(&noisy) < rough(&seen(sharp, 1)),
        "noise in blotches, not in single pixels"
    );
}

#[test]
fn too_much_light_is_clipped_at_white() {
    let light = LightConfig {
        probability: 1.0,
        max_gamma: 1.0,
        min_gain: 1.0,
        max_gain: 3.0,
    };
    let mut levels = vec![0.0, 100.0, 250.0];
    light.apply(&mut SplitMix64::from_key(&[3]), &mut levels);
    assert!(levels[1] > 100.0 && levels[1] < 300.0, "{levels:?}");
    assert_eq!((levels[0], levels[2]), (0.0, 255.0));
}
