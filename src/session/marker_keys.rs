//! The words that the digits 1 to 9 set as markers during a recording, as the user chose them.
//!
//! They stand in `session.json`, so that a study's markers can be told from a typed note.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::about::tidy;

/// Number of keys.
pub const N_KEYS: usize = 9;
/// Maximum length of a key's words, characters.
pub const MAX_CHARS: usize = 100;

/// The words of each key. A key without words sets nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct MarkerKeys([String; N_KEYS]);

impl MarkerKeys {
    /// No key has words.
    pub const NONE: Self = Self([const { String::new() }; N_KEYS]);

    /// Whether no key has words.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// The words of a digit's key; `None` if it has none.
    pub fn words(&self, digit: u8) -> Option<&str> {
        let words = self.0.get(usize::from(digit).checked_sub(1)?)?;
        Some(words.as_str()).filter(|words| !words.is_empty())
    }

    /// The digits that have words, with these.
    pub fn all(&self) -> impl Iterator<Item = (u8, &str)> {
        let digits = 1..=N_KEYS as u8;
        digits.filter_map(|digit| Some((digit, self.words(digit)?)))
    }

    /// The words of all keys, from 1, to be changed.
    pub fn words_mut(&mut self) -> &mut [String; N_KEYS] {
        &mut self.0
    }

    /// The same with each text on one line, and no longer than allowed.
    pub fn tidy(&self) -> Self {
        let tidy = |words: &String| {
            let words = tidy(words).unwrap_or_default();
            let words: String = words.chars().take(MAX_CHARS).collect();
            words.trim_end().to_owned()
        };
        Self(self.0.each_ref().map(tidy))
    }
}

impl Serialize for MarkerKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.all())
    }
}

impl<'de> Deserialize<'de> for MarkerKeys {
    /// Keys of later versions are left out.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, String>::deserialize(deserializer)?;
        let mut keys = Self::default();
        for (digit, words) in all {
            let at = digit.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            if let Some(slot) = at.and_then(|at| keys.0.get_mut(at)) {
                *slot = words;
            }
        }
        Ok(keys.tidy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_by_their_digits() {
        let mut keys = MarkerKeys::default();
        assert!(keys.is_empty());
        keys.words_mut()[0] = "stimulus on".to_owned();
        keys.words_mut()[8] = "stop".to_owned();
        assert_eq!((keys.words(1), keys.words(2)), (Some("stimulus on"), None));
        assert_eq!((keys.words(0), keys.words(10)), (None, None));
        let json = serde_json::to_string(&keys).unwrap();
        assert_eq!(json, r#"{"1":"stimulus on","9":"stop"}"#);
        assert_eq!(serde_json::from_str::<MarkerKeys>(&json).unwrap(), keys);
    }

    #[test]
    fn what_is_strange_is_left_out() {
        let json = r#"{"0":"a","10":"b","x":"c","3":" two\nlines "}"#;
        let keys: MarkerKeys = serde_json::from_str(json).unwrap();
        assert_eq!(keys.all().collect::<Vec<_>>(), [(3, "two lines")]);
        let mut long = MarkerKeys::default();
        long.words_mut()[1] = "x".repeat(MAX_CHARS + 1);
        assert_eq!(long.tidy().words(2).map(str::len), Some(MAX_CHARS));
    }
}
