//! The seven FER-2013 expressions and probabilities over them.
//!
//! Everything downstream of the network is in the order of [`Expression::ALL`], which is FER-2013's. A checkpoint may
//! order its outputs differently and says so in its metadata; the classifier reorders them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Number of expressions.
pub const N_EXPRESSIONS: usize = Expression::ALL.len();

/// An expression class of FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414), with the dataset's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expression {
    /// Class 0.
    Angry,
    /// Class 1.
    Disgust,
    /// Class 2.
    Fear,
    /// Class 3.
    Happy,
    /// Class 4.
    Sad,
    /// Class 5.
    Surprise,
    /// Class 6.
    Neutral,
}

impl Expression {
    /// All classes in FER-2013's order.
    pub const ALL: [Self; 7] = [
        Self::Angry,
        Self::Disgust,
        Self::Fear,
        Self::Happy,
        Self::Sad,
        Self::Surprise,
        Self::Neutral,
    ];

    /// The class number in FER-2013, which is the position in [`Expression::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The class with FER-2013's number `index`.
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// Lowercase name, as in files and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angry => "angry",
            Self::Disgust => "disgust",
            Self::Fear => "fear",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Surprise => "surprise",
            Self::Neutral => "neutral",
        }
    }

    /// The class with this name, in any case. Accepts the usual variants (`anger`, `happiness`, `surprised`, …).
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "angry" | "anger" => Self::Angry,
            "disgust" | "disgusted" => Self::Disgust,
            "fear" | "fearful" | "scared" => Self::Fear,
            "happy" | "happiness" | "joy" => Self::Happy,
            "sad" | "sadness" => Self::Sad,
            "surprise" | "surprised" => Self::Surprise,
            "neutral" => Self::Neutral,
            _ => return None,
        })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Outputs of a network before softmax, one per expression in the order of [`Expression::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Logits(pub [f32; N_EXPRESSIONS]);

impl Logits {
    /// Softmax of the logits divided by `temperature`; 1 leaves them as they are.
    ///
    /// ```
    /// use fervis::expression::{Expression, Logits};
    ///
    /// let logits = Logits([0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 1.0]);
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

/// Probabilities in the order of [`Expression::ALL`], each 0 to 1, sum 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Probabilities(pub [f32; N_EXPRESSIONS]);

impl Probabilities {
    /// The probability of one expression.
    pub fn of(&self, expression: Expression) -> f32 {
        self.0[expression.index()]
    }

    /// The most probable expression and its probability. Of equals, the first.
    pub fn top(&self) -> (Expression, f32) {
        let mut top = (Expression::Angry, self.0[0]);
        for (expression, probability) in self.iter() {
            if probability > top.1 {
                top = (expression, probability);
            }
        }
        top
    }

    /// Expressions with their probabilities, in class order.
    pub fn iter(&self) -> impl Iterator<Item = (Expression, f32)> + '_ {
        Expression::ALL.into_iter().zip(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_round_trip() {
        for (index, expression) in Expression::ALL.into_iter().enumerate() {
            assert_eq!(expression.index(), index);
            assert_eq!(Expression::from_index(index), Some(expression));
            assert_eq!(Expression::from_name(expression.name()), Some(expression));
        }
        assert_eq!(Expression::from_name("Happiness"), Some(Expression::Happy));
        assert_eq!(Expression::from_name("contempt"), None);
        assert_eq!(Expression::from_index(7), None);
    }

    #[test]
    fn softmax_sums_to_one_even_for_huge_logits() {
        let logits = Logits([1e4, 0.0, -1e4, 5.0, 5.0, 1.0, 9999.0]);
        let probabilities = logits.softmax(1.0);
        assert!((probabilities.0.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(probabilities.top().0, Expression::Angry);
        assert!(logits.softmax(1000.0).of(Expression::Angry) < probabilities.of(Expression::Angry));
    }
}
