//! Datasets made by hand, for these tests and others.

use fervis::expression::{Expression, N_EXPRESSIONS};

use super::*;
use crate::{fer2013::IMAGE_LEN, random::SplitMix64};

/// `n` images per split, all different, with the classes in turn.
pub(crate) fn synthetic(n: usize) -> Dataset {
    let mut dataset = Dataset::default();
    let mut rng = SplitMix64::from_key(&[n as u64]);
    for split in Split::ALL {
        for i in 0..n {
            let image: Vec<u8> = (0..IMAGE_LEN).map(|_| rng.next_u64() as u8).collect();
            dataset.push(split, Expression::ALL[i % N_EXPRESSIONS], &image);
        }
    }
    dataset
}

#[test]
fn counts_and_moments_are_those_of_the_chosen_images() {
    let mut dataset = Dataset::default();
    dataset.push(Split::Training, Expression::Happy, &[0; IMAGE_LEN]);
    dataset.push(Split::PrivateTest, Expression::Happy, &[255; IMAGE_LEN]);
    dataset.push(Split::Training, Expression::Angry, &[255; IMAGE_LEN]);
    assert_eq!(dataset.split(Split::Training), [0, 2]);
    assert_eq!(dataset.class_counts(&[0, 2]), [1, 0, 0, 1, 0, 0, 0]);
    assert_eq!(dataset.labels_of(&[2, 1]), [0, 3]);
    assert_eq!(dataset.mean_std(&[0, 2]), (0.5, 0.5));
    assert_eq!(dataset.mean_std(&[1]), (1.0, 0.0));
}

#[test]
fn the_fingerprint_sees_a_pixel_a_label_and_a_split() {
    let fingerprint_with = |split, expression, pixel| {
        let mut dataset = synthetic(2);
        dataset.push(split, expression, &[pixel; IMAGE_LEN]);
        dataset.fingerprint()
    };
    let base = fingerprint_with(Split::Training, Expression::Sad, 9);
    assert_eq!(base, fingerprint_with(Split::Training, Expression::Sad, 9));
    assert_ne!(base, fingerprint_with(Split::Training, Expression::Sad, 8));
    assert_ne!(base, fingerprint_with(Split::Training, Expression::Fear, 9));
    assert_ne!(
        base,
        fingerprint_with(Split::PublicTest, Expression::Sad, 9)
    );
}

#[test]
fn a_missing_public_test_comes_from_every_class_of_training() {
    let mut dataset = synthetic(7 * 16);
    dataset.splits[Split::PublicTest as usize].clear();
    let before = dataset.split(Split::Training).to_vec();
    let mut again = dataset.clone();
    dataset.carve_public_test();
    again.carve_public_test();
    assert_eq!(dataset, again);

    let carved = dataset.split(Split::PublicTest);
    assert_eq!(dataset.class_counts(carved), [2; N_EXPRESSIONS]);
    let mut all = [dataset.split(Split::Training), carved].concat();
    all.sort_unstable();
    assert_eq!(all, before);

    let complete = synthetic(16);
    let mut same = complete.clone();
    same.carve_public_test();
    assert_eq!(same, complete);
}

#[test]
fn other_files_are_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Dataset::load(&folder.path().join("nowhere.csv")).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("nowhere.csv could not be read"),
        "{missing}"
    );
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let error = Dataset::load(&empty).unwrap_err().to_string();
    assert!(error.ends_with("is empty"), "{error}");
}
