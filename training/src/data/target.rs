//! The desired output for an image: a distribution over the classes.

use fervis::expression::N_EXPRESSIONS;

/// A distribution over the classes, in FER-2013's order.
pub type Target = [f32; N_EXPRESSIONS];

/// Labels as one-hot distributions.
pub(crate) fn one_hot(labels: &[u32]) -> Vec<Target> {
    let of_label =
        |label: &u32| std::array::from_fn(|class| f32::from(u8::from(class == *label as usize)));
    labels.iter().map(of_label).collect()
}
