//! A value for each label of a set, without an allocation.

use std::ops::{Deref, DerefMut};

use serde::{Serialize, Serializer};

use super::{
    fer2013::N_EXPRESSIONS,
    labels::{Label, Labels, MAX_LABELS},
};

/// A value for each label of a set; as a slice, in the order of the labels. By default of the seven expressions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerLabel<T> {
    labels: Labels,
    /// Of those beyond the number of labels, all are the default.
    values: [T; MAX_LABELS],
}

impl<T: Copy + Default> PerLabel<T> {
    /// The default value for each.
    pub fn new(labels: Labels) -> Self {
        Self {
            labels,
            values: [T::default(); MAX_LABELS],
        }
    }

    /// These values, in the order of the labels. Missing ones are the default, more are left out.
    pub fn from_values(labels: Labels, values: impl IntoIterator<Item = T>) -> Self {
        let mut all = Self::new(labels);
        for (place, value) in all.iter_mut().zip(values) {
            *place = value;
        }
        all
    }

    /// The labels.
    pub fn labels(&self) -> Labels {
        self.labels
    }

    /// The value of one label.
    ///
    /// # Panics
    /// If the label is of a set with more labels, and is not in this one.
    pub fn of(&self, label: impl Into<Label>) -> T {
        self[label.into().index()]
    }

    /// Labels with their values, in order.
    pub fn by_label(&self) -> impl ExactSizeIterator<Item = (Label, T)> + '_ {
        self.labels.iter().zip(self.iter().copied())
    }

    /// Another value for each.
    pub fn map<U: Copy + Default>(&self, map: impl FnMut(T) -> U) -> PerLabel<U> {
        PerLabel::from_values(self.labels, self.iter().copied().map(map))
    }
}

impl<T: Copy + Default> Default for PerLabel<T> {
    fn default() -> Self {
        Self::new(Labels::FER_2013)
    }
}

impl<T> Deref for PerLabel<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[..self.labels.len()]
    }
}

impl<T> DerefMut for PerLabel<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.labels.len()]
    }
}

/// A sequence, in the order of the labels.
impl<T: Serialize> Serialize for PerLabel<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Whether the values are these, whatever the labels.
impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for PerLabel<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == other[..]
    }
}

/// Of the seven expressions.
impl<T: Copy + Default> From<[T; N_EXPRESSIONS]> for PerLabel<T> {
    fn from(values: [T; N_EXPRESSIONS]) -> Self {
        Self::from_values(Labels::FER_2013, values)
    }
}

/// Outputs of a network before softmax, one per label.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Logits(pub PerLabel<f32>);

impl Logits {
    /// Softmax of the logits divided by `temperature`; 1 leaves them as they are.
    ///
    /// ```
    /// use fervis::expression::{Expression, Logits};
    ///
    /// let logits = Logits::from([0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 1.0]);
    /// let (label, probability) = logits.softmax(1.0).top();
    /// assert_eq!(label, Expression::Happy);
    /// assert!(probability > 0.7);
    /// ```
    pub fn softmax(&self, temperature: f32) -> Probabilities {
        let scaled = self.0.map(|logit| logit / temperature);
        let max = scaled.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exp = scaled.map(|logit| (logit - max).exp());
        let sum: f32 = exp.iter().sum();
        Probabilities(exp.map(|value| value / sum))
    }
}

/// Of the seven expressions.
impl From<[f32; N_EXPRESSIONS]> for Logits {
    fn from(values: [f32; N_EXPRESSIONS]) -> Self {
        Self(values.into())
    }
}

/// A probability for each label, each 0 to 1, sum 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Probabilities(pub PerLabel<f32>);

impl Probabilities {
    /// The labels.
    pub fn labels(&self) -> Labels {
        self.0.labels()
    }

    /// The probability of one label.
    ///
    /// # Panics
    /// If the label is of a set with more labels, and is not in this one.
    pub fn of(&self, label: impl Into<Label>) -> f32 {
        self.0.of(label)
    }

    /// The most probable label and its probability. Of equals, the first.
    pub fn top(&self) -> (Label, f32) {
        let mut top = (self.labels().at(0), self.0[0]);
        for (label, probability) in self.iter() {
            if probability > top.1 {
                top = (label, probability);
            }
        }
        top
    }

    /// Labels with their probabilities, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Label, f32)> + '_ {
        self.0.by_label()
    }
}

/// Of the seven expressions.
impl From<[f32; N_EXPRESSIONS]> for Probabilities {
    fn from(values: [f32; N_EXPRESSIONS]) -> Self {
        Self(values.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    #[test]
    fn softmax_sums_to_one_even_for_huge_logits() {
        let logits = Logits::from([1e4, 0.0, -1e4, 5.0, 5.0, 1.0, 9999.0]);
        let probabilities = logits.softmax(1.0);
        assert!((probabilities.0.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(probabilities.top().0, Expression::Angry);
        assert!(logits.softmax(1000.0).of(Expression::Angry) < probabilities.of(Expression::Angry));
    }

    #[test]
    fn a_value_belongs_to_its_label() {
        let labels = Labels::new(&["calm", "tense", "asleep"]).unwrap();
        let logits = Logits(PerLabel::from_values(labels, [0.0, 0.0, 2.0]));
        let probabilities = logits.softmax(1.0);
        assert_eq!(probabilities.0.len(), 3);
        let e2 = 2f32.exp();
        assert!((probabilities.of(labels.at(2)) - e2 / (e2 + 2.0)).abs() < 1e-6);
        assert_eq!(probabilities.top().0, labels.at(2));
        assert_eq!(
            Probabilities(PerLabel::new(labels)).top().0,
            labels.at(0),
            "the first of equals"
        );
    }
}
