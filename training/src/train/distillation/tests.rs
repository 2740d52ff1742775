//! What the teachers see, and how their answers become targets.

use fervis::expression::Expression;

use super::*;
use crate::{
    data::dataset::Split,
    evaluate::fixtures::{built, looking, teacher},
    fer2013::IMAGE_LEN,
    recipe::tests::three_block,
};

const ALONE: DistillationSettings = DistillationSettings {
    share: 0.5,
    temperature: 2.0,
    mirrored: false,
    weights: Vec::new(),
    clean: false,
};

#[test]
fn targets_are_the_softened_mean_of_the_logits() {
    let normalization = Normalization {
        mean: 0.5,
        std: 0.25,
    };
    // Two images with levels 0.6 and 0.8; the second teacher normalizes them differently.
    let levels = [0.6_f32, 0.8];
    let images: Vec<f32> = levels
        .iter()
        .flat_map(|level| vec![(level - 0.5) / 0.25; 64])
        .collect();
    let teachers = Teachers::new(vec![teacher(0.5, 0.25, 1.0), teacher(0.0, 1.0, 3.0)]);
    let targets = teachers.targets(&images, normalization, &ALONE).unwrap();
    for (target, level) in targets.iter().zip(levels) {
        let per_class = ((level - 0.5) / 0.25 + 3.0 * level) / 2.0;
        let expected = Logits::from(std::array::from_fn(|class| (class + 1) as f32 * per_class));
        for (found, expected) in target.iter().zip(expected.softmax(2.0).0.iter()) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}

/// A teacher that sees the left neighbor of each pixel misses the last column of an image, and the first of its mirror image.
#[test]
fn mirror_images_count_as_much_as_the_images() {
    let normalization = Normalization {
        mean: 0.0,
        std: 1.0,
    };
    let both = DistillationSettings {
        mirrored: true,
        ..ALONE
    };
    let ramp = |slope: f32| (0..64).map(move |at| slope * (at % 8) as f32);
    let flipped: Vec<f32> =
        ramp(0.5)
            .collect::<Vec<_>>()
            .chunks(8)
            .fold(Vec::new(), |mut rows: Vec<f32>, row| {
                rows.extend(row.iter().rev());
                rows
            });
    let images: Vec<f32> = ramp(0.5).chain(ramp(0.25)).chain(flipped).collect();
    let teachers = Teachers::new(vec![looking(3, 0.0, 1.0, 1.0)]);
    let alone = teachers.targets(&images, normalization, &ALONE).unwrap();
    assert!((alone[0][6] - alone[2][6]).abs() > 1e-3, "{alone:?}");
    let targets = teachers.targets(&images, normalization, &both).unwrap();
    assert_eq!(targets.len(), 3);
    // Seven of the eight values 0, 1, … 7 of a row, times the slope: all but the last, and all but the first.
    for (target, slope) in targets.iter().zip([0.5, 0.25, 0.5]) {
        let per_class = slope * (21.0 + 28.0) / 8.0 / 2.0;
        let expected = Logits::from(std::array::from_fn(|class| (class + 1) as f32 * per_class));
        for (found, expected) in target.iter().zip(expected.softmax(2.0).0.iter()) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}

/// With weights, probabilities are averaged, each at its own temperature.
#[test]
fn weights_blend_calibrated_probabilities() {
    let normalization = Normalization {
        mean: 0.0,
        std: 1.0,
    };
    let images = vec![0.5_f32; 64];
    let sharp = built(4, 0.0, 1.0, 3.0, 1.5);
    let teachers = Teachers::new(vec![teacher(0.0, 1.0, 1.0), sharp]);
    let settings = DistillationSettings {
        weights: vec![3.0, 1.0],
        ..ALONE
    };
    let targets = teachers.targets(&images, normalization, &settings).unwrap();
    let answer = |factor: f32| {
        Logits::from(std::array::from_fn(|class| {
            (class + 1) as f32 * 0.5 * factor
        }))
    };
    let (first, second) = (answer(1.0).softmax(1.0).0, answer(3.0).softmax(1.5).0);
    // A temperature of 2 is the square root of the probabilities.
    let roots: Vec<f32> = (0..7)
        .map(|class| (0.75 * first[class] + 0.25 * second[class]).sqrt())
        .collect();
    let sum: f32 = roots.iter().sum();
    for (found, root) in targets[0].iter().zip(&roots) {
        assert!((found - root / sum).abs() < 1e-4, "{found} {}", root / sum);
    }
}

#[test]
fn clean_images_are_seen_without_augmentation() {
    let mut dataset = Dataset::default();
    for level in [51, 102, 204] {
        dataset.push(Split::Training, Expression::Happy, &[level; IMAGE_LEN]);
    }
    let dataset = Arc::new(dataset);
    let teachers = Teachers::new(vec![teacher(0.0, 1.0, 1.0)]);
    let by_image = teachers.clean_targets(&dataset, &[2, 0], &ALONE).unwrap();
    assert_eq!(
        by_image[1],
        Target::default(),
        "no answer for images that are not trained on"
    );
    for (image, level) in [(0, 0.2), (2, 0.8)] {
        let expected = Logits::from(std::array::from_fn(|class| (class + 1) as f32 * level));
        for (found, expected) in by_image[image].iter().zip(expected.softmax(2.0).0.iter()) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
    }
}

#[test]
fn teachers_that_do_not_fit_are_refused() {
    let mut recipe = three_block();
    let refused = |recipe: &Recipe, teachers: Teachers| {
        teachers
            .check(recipe, Labels::FER_2013)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&recipe, Teachers::new(Vec::new())).contains("--teacher"));
    let small = || Teachers::new(vec![teacher(0.5, 0.5, 1.0)]);
    assert!(refused(&recipe, small()).contains("needs images of 8×8 px"));
    recipe.distillation = Some(DistillationSettings {
        weights: vec![0.7, 0.3],
        clean: true,
        ..ALONE
    });
    let problem = refused(&recipe, small());
    assert!(
        problem.contains("weights for 2 teachers, but --teacher names 1"),
        "{problem}"
    );
    let two = Teachers::new(vec![teacher(0.5, 0.5, 1.0), teacher(0.5, 0.5, 2.0)]);
    two.check(&recipe, Labels::FER_2013).unwrap();
    let other = Teachers::new(vec![teacher(0.5, 0.5, 2.0)]);
    assert_ne!(small().fingerprint(), other.fingerprint());
}
