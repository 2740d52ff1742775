//! Finds and parses recipes; errors name the file, the line and the key.

use std::{io, ops::Range, path::Path};

use fervis::read;
use toml::de::{DeTable, DeValue};

use super::settings::Recipe;

/// Names and texts of the files in `recipes/`.
pub(super) const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// The largest recipe file; the longest built-in one has 3.4 kB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a recipe cannot be used. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// There is neither a built-in recipe nor a file of this name.
    #[error("there is no recipe “{name}”; use one of {known}, or the path of a .toml file")]
    Unknown {
        /// The requested name.
        name: String,
        /// The built-in recipes.
        known: String,
    },
    /// The file cannot be read.
    #[error("{file} could not be read")]
    Read {
        /// The file.
        file: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A key or value is wrong.
    #[error("{file}, line {line}: {}{problem}", key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default())]
    Value {
        /// The file, or the built-in recipe.
        file: String,
        /// Counted from 1; the line of the table if the key itself is missing.
        line: usize,
        /// The key with its tables, such as `optimizer.adamw.learning_rate`.
        key: Option<String>,
        /// What is wrong.
        problem: String,
    },
}

impl Recipe {
    /// The names of the built-in recipes.
    pub fn names() -> Vec<&'static str> {
        EMBEDDED.iter().map(|(name, _)| *name).collect()
    }

    /// The built-in recipe with this name, else the only one whose name begins with it and a hyphen, else the recipe in the
    /// file at this path.
    ///
    /// # Errors
    /// [`RecipeError`], naming the file, the line and the key.
    pub fn find(name: &str) -> Result<Self, RecipeError> {
        let begins = |known: &str| {
            known
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('-'))
        };
        let beginning: Vec<_> = EMBEDDED.iter().filter(|(known, _)| begins(known)).collect();
        let built_in = EMBEDDED.iter().find(|(known, _)| *known == name);
        if let Some((known, text)) = built_in.or(match beginning[..] {
            [only] => Some(only),
            _ => None,
        }) {
            return Self::parse(text, &format!("recipe {known}"));
        }
        let path = Path::new(name);
        if path.extension().is_none() && !path.exists() {
            return Err(RecipeError::Unknown {
                name: name.to_owned(),
                known: Self::names().join(", "),
            });
        }
        let text = read::text(path, MAX_FILE_BYTES).map_err(|source| RecipeError::Read {
            file: name.to_owned(),
            source,
        })?;
        Self::parse(&text, name)
    }

    /// Reads and checks a recipe. `file` is what errors call it.
    ///
    /// # Errors
    /// [`RecipeError::Value`], naming the line and the key.
    pub fn parse(text: &str, file: &str) -> Result<Self, RecipeError> {
        let error = |at: usize, key: Option<String>, problem: String| RecipeError::Value {
            file: file.to_owned(),
            line: text[..at.min(text.len())].matches('\n').count() + 1,
            key,
            problem,
        };
        let refused = |cause: toml::de::Error| {
            let span = cause.span().unwrap_or(0..0);
            let document = DeTable::parse(text).ok();
            let key = document.and_then(|document| key_at(document.get_ref(), &span));
            // The parser's messages may have several lines.
            let problem = cause.message().replace('\n', "; ");
            error(span.start, key.filter(|key| !key.is_empty()), problem)
        };
        let recipe: Self = toml::from_str(text).map_err(refused)?;
        recipe.check().map_err(|(key, problem)| {
            let document = DeTable::parse(text).ok();
            let at = document.map_or(0, |document| place_of(document.get_ref(), &key));
            error(at, Some(key), problem)
        })?;
        Ok(recipe)
    }
}

/// The key, with its tables, whose name or value covers a position in the text.
fn key_at(table: &DeTable, span: &Range<usize>) -> Option<String> {
    // The span of an inner table is only that of its header, so all of them are searched.
    for (key, value) in table {
        let name = key.get_ref();
        if let DeValue::Table(inner) = value.get_ref()
            && let Some(rest) = key_at(inner, span)
        {
            return Some(format!("{name}.{rest}"));
        }
        if let DeValue::Array(items) = value.get_ref() {
            let inside = items.iter().find_map(|item| match item.get_ref() {
                DeValue::Table(inner) => key_at(inner, span),
                _ => None,
            });
            if let Some(rest) = inside {
                return Some(format!("{name}.{rest}"));
            }
        }
        let holds = |range: Range<usize>| range.contains(&span.start);
        if holds(key.span()) || holds(value.span()) {
            return Some(name.to_string());
        }
    }
    None
}

/// The position of a key or, if it is missing, of its table.
fn place_of(table: &DeTable, path: &str) -> usize {
    let (mut table, mut place) = (table, 0);
    for part in path.split('.') {
        // `groups[1]` is the second table of the array.
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let found = table.iter().find(|(key, _)| key.get_ref() == name);
        let Some((key, mut value)) = found else {
            break;
        };
        place = key.span().start;
        if let (DeValue::Array(items), Some(index)) = (value.get_ref(), index)
            && let Some(item) = items.get(index)
        {
            place = item.span().start;
            value = item;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    place
}
