//! Natural order of file names: `face2.png` before `face10.png`.

use std::{cmp::Ordering, path::Path};

/// A sort key for file names that compares runs of digits as numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NaturalKey {
    parts: Vec<Part>,
    /// Breaks ties: `a1.png` and `a01.png`, `a.jpg` and `a.png`.
    name: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// How many digits, and the digits without leading zeros: more digits mean a larger number.
    Number(usize, String),
    Text(String),
}

impl NaturalKey {
    pub(super) fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut parts: Vec<Part> = Vec::new();
        for c in stem.chars().flat_map(char::to_lowercase) {
            match (parts.last_mut(), c.is_ascii_digit()) {
                (Some(Part::Number(n_digits, digits)), true) => {
                    if digits == "0" {
                        digits.clear();
                    }
                    digits.push(c);
                    *n_digits = digits.len();
                }
                (_, true) => parts.push(Part::Number(1, c.to_string())),
                (Some(Part::Text(text)), false) => text.push(c),
                (_, false) => parts.push(Part::Text(c.to_string())),
            }
        }
        Self { parts, name }
    }
}

impl PartialOrd for NaturalKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NaturalKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts
            .cmp(&other.parts)
            .then_with(|| self.name.cmp(&other.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_expect() {
        let mut names = [
            "b.png",
            "a10.png",
            "a9.png",
            "A1.png",
            "a01.png",
            "a.png",
            "10.png",
            "9.png",
            "a1b2.png",
            "99999999999999999999999.png",
            "a0.png",
            "a00.png",
        ];
        names.sort_by_cached_key(|name| NaturalKey::new(Path::new(name)));
        assert_eq!(
            names,
            [
                "9.png",
                "10.png",
                "99999999999999999999999.png",
                "a.png",
                "a0.png",
                "a00.png",
                "A1.png",
                "a01.png",
                "a1b2.png",
                "a9.png",
                "a10.png",
                "b.png"
            ]
        );
    }
}
