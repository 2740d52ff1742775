//! Validation and test images for data that has none of its own.

use super::{
    images::Dataset,
    split::{CARVED_FRACTION, SplitOrigin, TEST_FRACTION},
};
use crate::random::SplitMix64;

/// Random keys of the choice. They are fixed and do not depend on the run's seed, so every run and every later
/// evaluation of a folder holds out the same images.
const CARVE_KEY: [u64; 2] = [2013, 48];
const CHANCE_KEY: [u64; 3] = [2013, 48, 1];

impl Dataset {
    /// Moves an eighth of Training to PublicTest if there is no PublicTest, class by class.
    pub(super) fn carve_public_test(&mut self) {
        let n_classes = self.classes().len();
        let [training, public_test, _] = &mut self.splits;
        if !public_test.is_empty() || training.is_empty() {
            return;
        }
        let mut rng = SplitMix64::from_key(&CARVE_KEY);
        for class in 0..n_classes {
            let mut of_class = of_class(&self.labels, training, class);
            rng.shuffle(&mut of_class);
            of_class.truncate(of_class.len() / CARVED_FRACTION);
            public_test.append(&mut of_class);
        }
        public_test.sort_unstable();
        training.retain(|index| public_test.binary_search(index).is_err());
        if !public_test.is_empty() && self.split_origin == SplitOrigin::Given {
            self.split_origin = SplitOrigin::CarvedPublicTest;
        }
    }

    /// Divides data that is all in Training among the splits, class by class. A class of three or more images has at
    /// least one in each.
    pub(super) fn split_by_chance(&mut self) {
        let n_classes = self.classes().len();
        let [training, public_test, private_test] = &mut self.splits;
        let mut rng = SplitMix64::from_key(&CHANCE_KEY);
        for class in 0..n_classes {
            let mut of_class = of_class(&self.labels, training, class);
            rng.shuffle(&mut of_class);
            let n = match of_class.len() {
                0..3 => 0,
                n => (n / TEST_FRACTION).max(1),
            };
            public_test.extend(of_class.drain(..n));
            private_test.extend(of_class.drain(..n));
        }
        public_test.sort_unstable();
        private_test.sort_unstable();
        training.retain(|index| {
            public_test.binary_search(index).is_err() && private_test.binary_search(index).is_err()
        });
        self.split_origin = SplitOrigin::ByChance;
    }
}

fn of_class(labels: &[u8], indices: &[usize], class: usize) -> Vec<usize> {
    let same = indices
        .iter()
        .filter(|index| usize::from(labels[**index]) == class);
    same.copied().collect()
}

#[cfg(test)]
mod tests {
    use fervis::expression::Expression;

    use super::{super::split::Split, *};
    use crate::fer2013::IMAGE_LEN;

    #[test]
    fn a_random_split_serves_every_class_and_is_always_the_same() {
        let mut dataset = Dataset::default();
        for (class, n) in [(0, 100), (1, 5), (2, 2), (3, 29)] {
            for i in 0..n {
                dataset.push(Split::Training, Expression::ALL[class], &[i; IMAGE_LEN]);
            }
        }
        let mut again = dataset.clone();
        dataset.split_by_chance();
        again.split_by_chance();
        assert_eq!(dataset, again);
        let counts = Split::ALL.map(|split| dataset.class_counts(dataset.split(split)));
        assert_eq!(counts[0], [80, 3, 2, 25, 0, 0, 0]);
        assert_eq!(counts[1], [10, 1, 0, 2, 0, 0, 0]);
        assert_eq!(counts[2], counts[1]);
        let mut all = Split::ALL.map(|split| dataset.split(split)).concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..dataset.len()));
        // Not the first ones.
        assert_ne!(
            dataset.split(Split::PublicTest)[..10],
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        assert_eq!(dataset.split_origin(), SplitOrigin::ByChance);
        assert!(dataset.split_origin().to_string().contains("at random"));
    }
}
