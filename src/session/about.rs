//! Who and what a session is about, as the user says: participant, name, condition, and a note.
//!
//! Everything is optional, and nothing is interpreted. The texts stand in `session.json`, in exports, and in the names of
//! folders, where only [`file_name_part`] of them does.

use serde::{Deserialize, Serialize};

use super::tables::{Cell, Column, Kind};

/// Maximum length of each text, characters. A note of a page fits.
pub const MAX_CHARS: usize = 2000;
/// Maximum length of a text in a folder's name, characters. Names of files may have 255 bytes on most systems.
const MAX_PART_CHARS: usize = 40;

/// Who and what a session is about. An empty text is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Who is in view, such as `P01`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub participant: String,
    /// What the session is called.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The experimental condition.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Anything else.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// One of the texts of [`About`].
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in `session.json`, on the command line, in patterns and in tables of participants.
    pub name: &'static str,
    /// Its column in tables of results, where `name` alone would say too little.
    pub column: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Reads it.
    pub get: fn(&About) -> &String,
    /// Changes it.
    pub get_mut: fn(&mut About) -> &mut String,
}

impl About {
    /// The texts, in the order of columns.
    pub const FIELDS: [Field; 4] = [
        Field {
            name: "participant",
            column: "participant",
            description: "Who is in view, as the user said; empty if nobody said.",
            get: |about| &about.participant,
            get_mut: |about| &mut about.participant,
        },
        Field {
            name: "name",
            column: "session",
            description: "What the session is called, as the user said.",
            get: |about| &about.name,
            get_mut: |about| &mut about.name,
        },
        Field {
            name: "condition",
            column: "condition",
            description: "The experimental condition, as the user said.",
            get: |about| &about.condition,
            get_mut: |about| &mut about.condition,
        },
        Field {
            name: "note",
            column: "note",
            description: "The user's note on the session.",
            get: |about| &about.note,
            get_mut: |about| &mut about.note,
        },
    ];

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The columns that tables of results begin with.
    pub fn columns() -> Vec<Column> {
        let columns = Self::FIELDS.map(|field| Column {
            name: field.column.to_owned(),
            kind: Kind::Text,
            unit: "",
            description: field.description.to_owned(),
        });
        columns.to_vec()
    }

    /// The cells of [`About::columns`].
    pub fn cells(&self) -> Vec<Cell<'_>> {
        let texts = Self::FIELDS.map(|field| (field.get)(self).as_str());
        let cells = texts.map(|text| Cell::text(Some(text).filter(|text| !text.is_empty())));
        cells.to_vec()
    }
}

/// A text on one line: without control characters, and with single spaces.
///
/// # Errors
/// If it has more than [`MAX_CHARS`] characters.
pub fn tidy(text: &str) -> Result<String, String> {
    let words = text.split(|char: char| char.is_whitespace() || char.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    match text.chars().count() {
        n_chars if n_chars > MAX_CHARS => Err(format!(
            "the text has {n_chars} characters, and at most {MAX_CHARS} are allowed"
        )),
        _ => Ok(text),
    }
}

/// A text as a part of a file name: letters, digits, `-`, `_` and `.` stay, everything else becomes `-`. Empty if
/// nothing is left.
pub fn file_name_part(text: &str) -> String {
    let mut part = String::new();
    for char in text.chars() {
        match char {
            '-' | '_' | '.' => part.push(char),
            _ if char.is_alphanumeric() => part.push(char),
            _ if part.ends_with('-') => {}
            _ => part.push('-'),
        }
    }
    let part: String = part
        .trim_matches(['-', '.'])
        .chars()
        .take(MAX_PART_CHARS)
        .collect();
    part.trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_parts_of_file_names() {
        for (text, part) in [
            ("P01", "P01"),
            ("first try", "first-try"),
            ("../../etc/passwd", "etc-passwd"),
            ("Zoë & Ümit", "Zoë-Ümit"),
            ("a  /  b", "a-b"),
            ("...", ""),
            ("C:\\x|y?", "C-x-y"),
        ] {
            assert_eq!(file_name_part(text), part);
        }
        assert_eq!(file_name_part(&"x".repeat(500)).len(), MAX_PART_CHARS);
    }

    #[test]
    fn texts_are_one_line_of_a_sensible_length() {
        assert_eq!(tidy(" a\n b\u{7}\tc "), Ok("a b c".to_owned()));
        assert!(tidy(&"x".repeat(MAX_CHARS + 1)).is_err());
    }

    #[test]
    fn nothing_said_leaves_no_trace_in_the_description() {
        let about = About {
            participant: "P01".to_owned(),
            ..About::default()
        };
        let json = serde_json::to_string(&about).unwrap();
        assert_eq!(json, r#"{"participant":"P01"}"#);
        assert_eq!(serde_json::from_str::<About>(&json).unwrap(), about);
        assert_eq!(about.cells().len(), About::columns().len());
    }
}
