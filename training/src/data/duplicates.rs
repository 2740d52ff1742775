//! Images that occur more than once.
//!
//! FER-2013 was collected by web search, and its splits share images: 288 of the 3,589 PrivateTest images are in
//! Training too, pixel for pixel. Memorizing them is rewarded, so figures are reported both on all of PrivateTest, for
//! comparison with others, and on the images that training never saw. Only identical pixels count here; for resized or
//! recompressed copies see [`crate::data::near_duplicates`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::data::dataset::{Dataset, Split};

/// What [`Duplicates::find`] finds. All indices are in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Duplicates {
    /// PrivateTest images that are also in Training.
    pub private_test_in_training: Vec<usize>,
    /// PrivateTest images that are also in Training or in PublicTest, by which an epoch is chosen.
    pub private_test_in_others: Vec<usize>,
    /// PublicTest images that are also in Training.
    pub public_test_in_training: Vec<usize>,
    /// PublicTest images that are also in PrivateTest.
    pub public_test_in_private_test: Vec<usize>,
    /// Training images that are also in PublicTest or PrivateTest.
    pub training_in_tests: Vec<usize>,
    /// Training images that are also earlier in Training.
    pub training_copies: Vec<usize>,
    /// Groups of identical images, across all splits, whose labels differ.
    pub conflicting: Vec<Vec<usize>>,
    /// Images whose pixels are all the same.
    pub constant: Vec<usize>,
}

impl Duplicates {
    /// Compares every image with every other.
    pub fn find(dataset: &Dataset) -> Self {
        // Keyed by the pixels themselves, so that a hash collision cannot pass for a duplicate.
        let mut groups: HashMap<&[u8], Vec<(Split, usize)>> = HashMap::new();
        for split in Split::ALL {
            for &index in dataset.split(split) {
                let group = groups.entry(dataset.image(index)).or_default();
                group.push((split, index));
            }
        }

        let mut found = Self::default();
        for (image, group) in &groups {
            let of = |wanted: Split| {
                let of_split = group.iter().filter(move |(split, _)| *split == wanted);
                of_split.map(|&(_, index)| index)
            };
            let [n_training, n_public] =
                [Split::Training, Split::PublicTest].map(|split| of(split).count());
            let n_private = group.len() - n_training - n_public;
            if n_training > 0 {
                found
                    .private_test_in_training
                    .extend(of(Split::PrivateTest));
                found.public_test_in_training.extend(of(Split::PublicTest));
            }
            if n_training + n_public > 0 {
                found.private_test_in_others.extend(of(Split::PrivateTest));
            }
            if n_private > 0 {
                let of_public = of(Split::PublicTest);
                found.public_test_in_private_test.extend(of_public);
            }
            if n_public + n_private > 0 {
                found.training_in_tests.extend(of(Split::Training));
            }
            found.training_copies.extend(of(Split::Training).skip(1));
            let label = dataset.label(group[0].1);
            if group
                .iter()
                .any(|&(_, index)| dataset.label(index) != label)
            {
                let mut indices: Vec<usize> = group.iter().map(|&(_, index)| index).collect();
                indices.sort_unstable();
                found.conflicting.push(indices);
            }
            if image.iter().all(|pixel| *pixel == image[0]) {
                found.constant.extend(group.iter().map(|&(_, index)| index));
            }
        }
        // A map has no order.
        for indices in [
            &mut found.private_test_in_training,
            &mut found.private_test_in_others,
            &mut found.public_test_in_training,
            &mut found.public_test_in_private_test,
            &mut found.training_in_tests,
            &mut found.training_copies,
            &mut found.constant,
        ] {
            indices.sort_unstable();
        }
        found.conflicting.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fervis::expression::Expression::{Angry, Happy, Sad};

    use super::*;
    use crate::fer2013::IMAGE_LEN;

    #[test]
    fn each_kind_of_duplicate_is_found() {
        let image = |tag: u8| {
            let mut image = vec![0; IMAGE_LEN];
            image[7] = tag; // Tag 0 is a constant image.
            image
        };
        let mut dataset = Dataset::default();
        for (split, expression, tag) in [
            (Split::Training, Happy, 1),    // 0: unique
            (Split::Training, Happy, 2),    // 1: also 2, 5
            (Split::Training, Happy, 2),    // 2
            (Split::Training, Angry, 3),    // 3: also 7, another label
            (Split::Training, Sad, 0),      // 4: constant
            (Split::PublicTest, Happy, 2),  // 5
            (Split::PublicTest, Sad, 4),    // 6: also 8
            (Split::PrivateTest, Happy, 3), // 7
            (Split::PrivateTest, Sad, 4),   // 8
            (Split::PrivateTest, Sad, 5),   // 9: unique
            (Split::PrivateTest, Sad, 6),   // 10: also 11, only in its own split
            (Split::PrivateTest, Sad, 6),   // 11
        ] {
            dataset.push(split, expression, &image(tag));
        }
        let found = Duplicates::find(&dataset);
        let expected = Duplicates {
            private_test_in_training: vec![7],
            private_test_in_others: vec![7, 8],
            public_test_in_training: vec![5],
            public_test_in_private_test: vec![6],
            training_in_tests: vec![1, 2, 3],
            training_copies: vec![2],
            conflicting: vec![vec![3, 7]],
            constant: vec![4],
        };
        assert_eq!(found, expected);
    }

    /// FER-2013 is not shipped, so this runs only if `FERVIS_FER2013` names a copy.
    #[test]
    fn the_known_faults_of_fer_2013_are_found() {
        let Some(path) = std::env::var_os("FERVIS_FER2013") else {
            eprintln!(
                "skipped: set FERVIS_FER2013 to the path of fer2013.csv to check the real dataset"
            );
            return;
        };
        let dataset = Dataset::load(Path::new(&path)).unwrap();
        let n_images = Split::ALL.map(|split| dataset.split(split).len());
        assert_eq!(n_images, [28_709, 3_589, 3_589]);
        assert_eq!(
            dataset.class_counts(dataset.split(Split::PrivateTest)),
            [491, 55, 528, 879, 594, 416, 626]
        );
        let found = Duplicates::find(&dataset);
        assert_eq!(found.private_test_in_training.len(), 288);
        assert_eq!(found.private_test_in_others.len(), 314);
        assert_eq!(found.public_test_in_training.len(), 280);
        assert_eq!(found.training_copies.len(), 1_237);
        assert_eq!(found.conflicting.len(), 49);
        assert_eq!(found.constant.len(), 12);
    }
}
