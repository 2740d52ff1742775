//! What people call the faces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Maximum length of a name, characters.
pub const MAX_CHARS: usize = 60;

/// The names of faces, by their numbers; most faces have none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(from = "BTreeMap<u64, String>")]
pub struct FaceNames(BTreeMap<u64, String>);

impl FaceNames {
    /// Whether no face has a name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of a face.
    pub fn get(&self, number: u64) -> Option<&str> {
        self.0.get(&number).map(String::as_str)
    }

    /// The name of a face, or else `face` with its number.
    pub fn words(&self, number: u64) -> String {
        let name = self.get(number);
        name.map_or_else(|| format!("face {number}"), str::to_owned)
    }

    /// Names a face; an empty name is none. Line breaks become spaces, and long names are cut.
    pub fn set(&mut self, number: u64, name: &str) {
        let name = tidy(name);
        match name.is_empty() {
            true => drop(self.0.remove(&number)),
            false => drop(self.0.insert(number, name)),
        }
    }

    /// The numbers and names, in the order of numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.iter().map(|(number, name)| (*number, name.as_str()))
    }
}

/// Names of a file, which may hold anything.
impl From<BTreeMap<u64, String>> for FaceNames {
    fn from(names: BTreeMap<u64, String>) -> Self {
        let mut tidied = Self::default();
        for (number, name) in names {
            tidied.set(number, &name);
        }
        tidied
    }
}

/// A name on one line of a sensible length.
fn tidy(name: &str) -> String {
    let words = name.split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let name: String = words.join(" ").chars().take(MAX_CHARS).collect();
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_and_may_be_taken_back() {
        let mut names = FaceNames::default();
        names.set(2, " Anna\n Maria\u{7} ");
        names.set(3, &"x".repeat(500));
        assert_eq!(names.get(2), Some("Anna Maria"));
        assert_eq!(names.get(3).map(str::len), Some(MAX_CHARS));
        assert_eq!(
            (names.words(2), names.words(1)),
            ("Anna Maria".to_owned(), "face 1".to_owned())
        );
        names.set(3, "  ");
        assert_eq!(names.iter().collect::<Vec<_>>(), [(2, "Anna Maria")]);
        let json = serde_json::to_string(&names).unwrap();
        assert_eq!(json, r#"{"2":"Anna Maria"}"#);
        assert_eq!(serde_json::from_str::<FaceNames>(&json).unwrap(), names);
    }
}
