//! The images of Training that a run learns from.
//!
//! PublicTest and PrivateTest are never filtered, only compared with, so figures stay comparable with everybody's. If an
//! image is in both Training and a test split, it is excluded from Training.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::data::{
    dataset::{Dataset, Split, fnv_1a},
    doctor::Diagnosis,
    ferplus::FerPlus,
};

/// The recipe's choice of images. The default is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowSettings {
    /// Excludes the images that `fervis-train doctor` would exclude: exact and near copies, including copies of images in
    /// PublicTest and PrivateTest; copies with contradicting labels; images of a single gray.
    pub clean: bool,
    /// Keeps only images for which at least this many of FER+'s ten voters chose one of the seven expressions, and in
    /// which "not a face" does not lead. 0 needs no votes.
    pub min_votes: u32,
}

/// The images of Training to learn from, ascending.
///
/// # Errors
/// If votes are needed but missing, or no image is left.
pub fn training_rows(
    settings: RowSettings,
    dataset: &Dataset,
    votes: Option<&FerPlus>,
) -> Result<Vec<usize>> {
    let mut rows = if settings.clean {
        Diagnosis::of(dataset)?.1.split(Split::Training)
    } else {
        dataset.split(Split::Training).to_vec()
    };
    if settings.min_votes > 0 {
        let Some(votes) = votes else {
            bail!("rows.min_votes needs FER+'s votes; give fer2013new.csv with --votes");
        };
        rows.retain(|&index| {
            let votes = votes.of(index);
            votes.n_for_expressions() >= settings.min_votes && !votes.shows_no_face()
        });
    }
    ensure!(
        !rows.is_empty(),
        "[rows] excludes all {} Training images; relax it in the recipe",
        dataset.split(Split::Training).len()
    );
    Ok(rows)
}

/// A number that almost certainly differs for other data or other rows; for all of Training it is that of the data. A
/// resumed run compares it with the one it saved.
pub fn fingerprint(dataset: &Dataset, rows: &[usize]) -> u64 {
    let of_data = dataset.fingerprint();
    if rows == dataset.split(Split::Training) {
        return of_data;
    }
    let bytes = rows.iter().flat_map(|row| (*row as u64).to_le_bytes());
    fnv_1a(of_data, bytes)
}

/// Number, classes and gray levels of the images, as a line for the log.
pub fn describe(dataset: &Dataset, rows: &[usize]) -> String {
    let n_training = dataset.split(Split::Training).len();
    let counts = dataset.class_counts(rows);
    let counts = &counts[..];
    let (mean, std) = dataset.mean_std(rows);
    format!(
        "{} of {n_training} Training images, by class {counts:?}, mean {mean:.4}, standard deviation {std:.4}",
        rows.len()
    )
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression::{self, Happy, Sad};

    use super::*;
    use crate::{data::ferplus::Votes, fer2013::IMAGE_LEN, random::SplitMix64};

    /// Six Training images: a good one, two copies with contradicting labels, a gray one, and two identical ones; and a
    /// PublicTest image that differs from all of them.
    fn dataset() -> Dataset {
        let noise = |key: u64| {
            let mut rng = SplitMix64::from_key(&[key]);
            (0..IMAGE_LEN)
                .map(|_| rng.below(256) as u8)
                .collect::<Vec<_>>()
        };
        let mut dataset = Dataset::default();
        let mut push =
            |split, expression: Expression, image: &[u8]| dataset.push(split, expression, image);
        push(Split::Training, Happy, &noise(1));
        push(Split::Training, Happy, &noise(2));
        push(Split::Training, Sad, &noise(2));
        push(Split::Training, Sad, &[9; IMAGE_LEN]);
        push(Split::Training, Sad, &noise(3));
        push(Split::Training, Sad, &noise(3));
        push(Split::PublicTest, Sad, &noise(4));
        dataset
    }

    fn votes() -> FerPlus {
        let of = |n: u32, not_a_face: u32| Votes {
            by_expression: [n, 0, 0, 0, 0, 0, 0],
            not_a_face,
            ..Votes::default()
        };
        FerPlus::new(vec![
            of(10, 0),
            of(0, 0),
            of(4, 6),
            of(6, 4),
            of(2, 0),
            of(3, 0),
            of(0, 9),
        ])
    }

    #[test]
    fn clean_rows_are_those_of_the_doctor() {
        let dataset = dataset();
        let rows = |settings, votes: Option<&FerPlus>| training_rows(settings, &dataset, votes);
        let all = RowSettings::default();
        let clean = RowSettings { clean: true, ..all };
        let voted = RowSettings {
            min_votes: 1,
            ..all
        };
        let both = RowSettings {
            clean: true,
            min_votes: 3,
        };
        assert_eq!(rows(all, None).unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(rows(clean, None).unwrap(), [0, 4]);
        assert_eq!(rows(voted, Some(&votes())).unwrap(), [0, 3, 4, 5]);
        assert_eq!(rows(both, Some(&votes())).unwrap(), [0]);
        assert!(rows(both, None).is_err());
        let none = RowSettings {
            min_votes: 11,
            ..all
        };
        let error = rows(none, Some(&votes())).unwrap_err().to_string();
        assert_eq!(
            error,
            "[rows] excludes all 6 Training images; relax it in the recipe"
        );
    }

    #[test]
    fn different_rows_have_different_fingerprints() {
        let dataset = dataset();
        let of = |rows: &[usize]| fingerprint(&dataset, rows);
        assert_eq!(of(&[0, 1, 2, 3, 4, 5]), dataset.fingerprint());
        assert_ne!(of(&[0, 4]), dataset.fingerprint());
        assert_ne!(of(&[0, 4]), of(&[0, 5]));
        assert!(describe(&dataset, &[0, 4]).starts_with("2 of 6 Training images"));
    }
}
