//! The desired output for an image: a distribution over the classes.

use fervis::expression::{Labels, PerLabel};

/// A distribution over the classes.
pub type Target = PerLabel<f32>;

/// Labels as one-hot distributions.
pub(crate) fn one_hot(classes: Labels, labels: &[u32]) -> Vec<Target> {
    let of_label = |label: &u32| {
        let mut target = PerLabel::new(classes);
        target[*label as usize] = 1.0;
        target
    };
    labels.iter().map(of_label).collect()
}
