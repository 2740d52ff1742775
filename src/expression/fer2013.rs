//! The seven expressions of FER-2013.

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
}
