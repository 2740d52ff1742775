//! The training images of an epoch and their order.

use serde::{Deserialize, Serialize};

use crate::{data::dataset::Dataset, random::SplitMix64};

/// How the images of an epoch are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Every image once, in random order.
    #[default]
    Shuffled,
    /// As many draws as there are images, with replacement: first a class, all equally likely, then one of its images.
    /// Equals PyTorch's `WeightedRandomSampler` with weights of one over the size of the class.
    Balanced,
}

impl Sampler {
    /// The images of an epoch, each with the number of its earlier draws in that epoch.
    pub fn epoch(
        self,
        dataset: &Dataset,
        indices: &[usize],
        rng: &mut SplitMix64,
    ) -> Vec<(usize, u64)> {
        match self {
            Self::Shuffled => {
                let mut order = indices.to_vec();
                rng.shuffle(&mut order);
                order.into_iter().map(|index| (index, 0)).collect()
            }
            Self::Balanced => balanced(dataset, indices, rng),
        }
    }
}

fn balanced(dataset: &Dataset, indices: &[usize], rng: &mut SplitMix64) -> Vec<(usize, u64)> {
    let mut classes = vec![Vec::new(); dataset.classes().len()];
    for &index in indices {
        classes[usize::from(dataset.label(index))].push(index);
    }
    classes.retain(|class| !class.is_empty());
    let mut n_draws = vec![0; dataset.len()];
    let draw = |_: &usize| {
        let class = &classes[rng.below(classes.len())];
        let index = class[rng.below(class.len())];
        n_draws[index] += 1;
        (index, n_draws[index] - 1)
    };
    indices.iter().map(draw).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fervis::expression::{Expression, N_EXPRESSIONS};

    use super::*;
    use crate::{data::dataset::Split, fer2013::IMAGE_LEN};

    /// 90 happy faces, 9 sad ones and one angry one.
    fn skewed() -> Dataset {
        let mut dataset = Dataset::default();
        for i in 0..100 {
            let expression = Expression::ALL[match i {
                0 => 0,
                1..10 => 4,
                _ => 3,
            }];
            dataset.push(Split::Training, expression, &[i; IMAGE_LEN]);
        }
        dataset
    }

    #[test]
    fn balanced_draws_show_every_class_equally_often() {
        let dataset = skewed();
        let indices: Vec<usize> = (0..100).collect();
        let mut counts = [0; N_EXPRESSIONS];
        let mut draws = BTreeSet::new();
        for seed in 0..30 {
            let epoch =
                Sampler::Balanced.epoch(&dataset, &indices, &mut SplitMix64::from_key(&[seed]));
            assert_eq!(epoch.len(), 100);
            for (index, n_before) in epoch {
                counts[usize::from(dataset.label(index))] += 1;
                // No image is augmented the same way twice.
                assert!(draws.insert((seed, index, n_before)));
            }
        }
        // A third each, give or take five standard deviations.
        for class in [0, 3, 4] {
            assert!(i32::abs(counts[class] - 1000) < 130, "{counts:?}");
        }
        assert_eq!(counts.iter().sum::<i32>(), 3000);
    }

    #[test]
    fn shuffling_shows_every_image_once() {
        let dataset = skewed();
        let indices: Vec<usize> = (10..60).collect();
        let epoch = Sampler::Shuffled.epoch(&dataset, &indices, &mut SplitMix64::from_key(&[1]));
        let unique: BTreeSet<_> = epoch.iter().copied().collect();
        assert_eq!((epoch.len(), unique.len()), (50, 50));
        assert!(unique.iter().all(|(_, n_before)| *n_before == 0));
    }
}
