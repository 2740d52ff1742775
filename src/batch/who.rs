//! Who is in which file: from the files' names, or from a table.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    str::FromStr,
};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{BatchError, list::Item};
use crate::session::{
    about::{About, tidy},
    files,
};

/// Names that are listed one by one in a note.
const MAX_LISTED: usize = 3;

/// How to know who is in which file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Who {
    /// It is not known.
    #[default]
    Unknown,
    /// It stands in the file's name.
    Pattern(Pattern),
    /// It stands in a table with the columns `file` and `participant`, and perhaps `name`, `condition` and `note`.
    Table(PathBuf),
}

/// A file name with places for what it says, such as `{participant}_{condition}.mp4`.
///
/// A place stands for as few characters as possible, at least one, and never for a `/`. `*` stands for anything without a
/// `/`, and `**` for anything. A pattern without a `/` is about the file's own name. One without a `.` in its last part
/// leaves the extension out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    has_folder: bool,
    has_extension: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// Position in [`About::FIELDS`].
    Field(usize),
    /// `*`
    Any,
    /// `**`
    Everything,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = About::FIELDS.map(|field| format!("{{{}}}", field.name));
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(char) = rest.chars().next() {
            if let Some(inside) = rest.strip_prefix('{') {
                let (name, after) = inside
                    .split_once('}')
                    .ok_or_else(|| "a { has no }".to_owned())?;
                let field = About::FIELDS.iter().position(|field| field.name == name);
                let field =
                    field.ok_or_else(|| format!("“{{{name}}}” is none of {}", names.join(", ")))?;
                if pieces.contains(&Piece::Field(field)) {
                    return Err(format!("“{{{name}}}” stands in it twice"));
                }
                pieces.push(Piece::Field(field));
                rest = after;
            } else if let Some(after) = rest.strip_prefix("**") {
                pieces.push(Piece::Everything);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('*') {
                pieces.push(Piece::Any);
                rest = after;
            } else {
                pieces.push(Piece::Char(char));
                rest = &rest[char.len_utf8()..];
            }
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Field(_))) {
            return Err(format!(
                "write where something stands: {}",
                names.join(", ")
            ));
        }
        Ok(Self {
            pieces,
            has_folder: text.contains('/'),
            has_extension: text
                .rsplit('/')
                .next()
                .is_some_and(|last| last.contains('.')),
        })
    }
}

impl Pattern {
    /// What a file's name says; `None` if the name is of another form.
    pub fn read(&self, name: &str) -> Option<About> {
        let name = match name.rsplit_once('/') {
            Some((_, file)) if !self.has_folder => file,
            _ => name,
        };
        let name = match name.rsplit_once('.') {
            Some((stem, end)) if !self.has_extension && !end.contains('/') => stem,
            _ => name,
        };
        let chars: Vec<char> = name.chars().collect();
        let mut search = Search {
            pieces: &self.pieces,
            chars: &chars,
            tried: vec![false; (self.pieces.len() + 1) * (chars.len() + 1)],
            lengths: Vec::new(),
        };
        if !search.matches(0, 0) {
            return None;
        }
        let mut about = About::default();
        let mut at = 0;
        for (piece, length) in self.pieces.iter().zip(search.lengths.iter().rev()) {
            if let Piece::Field(field) = piece {
                let text: String = chars[at..at + length].iter().collect();
                *(About::FIELDS[*field].get_mut)(&mut about) = tidy(&text).ok()?;
            }
            at += length;
        }
        Some(about)
    }
}

/// A search for how long each piece is.
struct Search<'a> {
    pieces: &'a [Piece],
    chars: &'a [char],
    /// Which piece was tried at which character, so that no pattern takes long.
    tried: Vec<bool>,
    /// Of the pieces that match, last first.
    lengths: Vec<usize>,
}

impl Search<'_> {
    fn matches(&mut self, piece: usize, at: usize) -> bool {
        let Some(this) = self.pieces.get(piece) else {
            return at == self.chars.len();
        };
        let tried = &mut self.tried[piece * (self.chars.len() + 1) + at];
        if std::mem::replace(tried, true) {
            return false;
        }
        let n_left = self.chars.len() - at;
        let (shortest, longest) = match this {
            Piece::Char(char) => match self.chars.get(at) {
                Some(here) if here == char => (1, 1),
                _ => return false,
            },
            Piece::Field(_) => (1, self.part_left(at)),
            Piece::Any => (0, self.part_left(at)),
            Piece::Everything => (0, n_left),
        };
        for length in shortest..=longest {
            if self.matches(piece + 1, at + length) {
                self.lengths.push(length);
                return true;
            }
        }
        false
    }

    /// Characters up to the next `/`.
    fn part_left(&self, at: usize) -> usize {
        let rest = self.chars[at..].iter();
        rest.take_while(|char| **char != '/').count()
    }
}

/// Who is in each of the files, and what users should know about it. `is_part`: files may be missing, because the list
/// is only a part of all.
pub(super) fn about_each(
    who: &Who,
    items: &[Item],
) -> Result<(Vec<About>, Vec<String>), BatchError> {
    match who {
        Who::Unknown => Ok((vec![About::default(); items.len()], Vec::new())),
        Who::Pattern(pattern) => {
            let read: Vec<_> = items.iter().map(|item| pattern.read(&item.name)).collect();
            let others = items.iter().zip(&read).filter(|(_, about)| about.is_none());
            let others: Vec<&str> = others.map(|(item, _)| &*item.name).collect();
            let notes = (!others.is_empty()).then(|| {
                let verb = if others.len() == 1 { "does" } else { "do" };
                format!(
                    "{} {verb} not fit the pattern; nothing is known about who is in view there",
                    listed(&others)
                )
            });
            let about = read.into_iter().map(Option::unwrap_or_default);
            Ok((about.collect(), notes.into_iter().collect()))
        }
        Who::Table(file) => Table::read(file)?.about_each(items),
    }
}

/// A table of participants.
struct Table {
    file: PathBuf,
    /// By file: the line, and what it says.
    rows: BTreeMap<String, (u64, About)>,
}

impl Table {
    fn read(file: &Path) -> Result<Self, BatchError> {
        let problem = |line, problem: String| BatchError::Participants {
            file: file.to_owned(),
            line,
            problem,
        };
        let text = files::read_text(file).map_err(|error| problem(None, error.to_string()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let header = text.lines().next().unwrap_or_default();
        // Spreadsheets of many countries write semicolons, and some tools tabs.
        let delimiters = [b',', b';', b'\t'];
        let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
        let delimiter = delimiters
            .into_iter()
            .rev()
            .max_by_key(count)
            .unwrap_or(b',');
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let header = reader
            .headers()
            .map_err(|error| problem(Some(1), error.to_string()))?
            .clone();
        let position = |names: &[&str]| {
            header
                .iter()
                .position(|column| names.iter().any(|name| column.eq_ignore_ascii_case(name)))
        };
        let of_file = position(&["file"]);
        let of_field = About::FIELDS.map(|field| position(&[field.name, field.column]));
        let Some(of_file) = of_file.filter(|_| of_field.iter().any(Option::is_some)) else {
            let words = "the first line must name the columns: file and participant, and perhaps name, condition and note";
            return Err(problem(Some(1), words.to_owned()));
        };
        let mut rows = BTreeMap::new();
        let mut record = StringRecord::new();
        loop {
            let more = reader.read_record(&mut record);
            let line = record.position().map(csv::Position::line);
            if !more.map_err(|error| problem(line, error.to_string()))? {
                break;
            }
            let name = record.get(of_file).unwrap_or_default().replace('\\', "/");
            let name = name.trim_start_matches("./").to_owned();
            if name.is_empty() {
                continue;
            }
            let mut about = About::default();
            for (field, at) in About::FIELDS.iter().zip(of_field) {
                let text = at.and_then(|at| record.get(at)).unwrap_or_default();
                *(field.get_mut)(&mut about) = tidy(text).map_err(|words| problem(line, words))?;
            }
            let line_number = line.unwrap_or_default();
            if let Some((before, _)) = rows.insert(name.clone(), (line_number, about)) {
                let words = format!("{name} stands in line {before} too");
                return Err(problem(line, words));
            }
        }
        Ok(Self {
            file: file.to_owned(),
            rows,
        })
    }

    fn about_each(mut self, items: &[Item]) -> Result<(Vec<About>, Vec<String>), BatchError> {
        let own_name = |item: &Item| item.name.rsplit('/').next().unwrap_or_default().to_owned();
        let mut n_named = BTreeMap::<String, usize>::new();
        for item in items {
            *n_named.entry(own_name(item)).or_default() += 1;
        }
        let mut about = Vec::new();
        let mut missing = Vec::new();
        let mut used = Vec::new();
        for item in items {
            let short = own_name(item);
            let row = match self.rows.get(&*item.name) {
                Some(row) => Some((item.name.to_string(), row)),
                None => self.rows.get(&short).map(|row| (short.clone(), row)),
            };
            let Some((name, (line, found))) = row else {
                missing.push(&*item.name);
                about.push(About::default());
                continue;
            };
            if name == short && n_named[&short] > 1 && *name != *item.name {
                return Err(BatchError::Participants {
                    file: self.file.clone(),
                    line: Some(*line),
                    problem: format!(
                        "there are {} files {short}; write their folders too, as in {}",
                        n_named[&short], item.name
                    ),
                });
            }
            about.push(found.clone());
            used.push(name);
        }
        for name in used {
            self.rows.remove(&name);
        }
        let table = self.file.display();
        let mut notes = Vec::new();
        if !missing.is_empty() {
            let verb = if missing.len() == 1 { "has" } else { "have" };
            notes.push(format!(
                "{} {verb} no row in {table}; nothing is known about who is in view there",
                listed(&missing)
            ));
        }
        let left: Vec<&str> = self.rows.keys().map(String::as_str).collect();
        if !left.is_empty() {
            let verb = if left.len() == 1 { "is" } else { "are" };
            notes.push(format!(
                "{} of {table} {verb} not among the files to analyze",
                listed(&left)
            ));
        }
        Ok((about, notes))
    }
}

/// Some names in words: the first ones, and how many more there are.
fn listed(names: &[&str]) -> String {
    let first = names[..names.len().min(MAX_LISTED)].join(", ");
    match names.len().saturating_sub(MAX_LISTED) {
        0 => first,
        n_more => format!("{first} and {n_more} more"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::batch::list;

    fn read(pattern: &str, name: &str) -> Option<[String; 3]> {
        let about = pattern.parse::<Pattern>().unwrap().read(name)?;
        Some([about.participant, about.condition, about.name])
    }

    #[test]
    fn names_say_who_is_in_view() {
        for (pattern, name, expected) in [
            ("{participant}", "P01.mp4", Some(["P01", "", ""])),
            (
                "{participant}_{condition}",
                "P01_a_b.mp4",
                Some(["P01", "a_b", ""]),
            ),
            (
                "{participant}_{condition}.mp4",
                "day1/P01_a.mp4",
                Some(["P01", "a", ""]),
            ),
            ("{participant}_*", "P01_a.mp4", Some(["P01", "", ""])),
            ("{participant}/*", "P01/clip.mp4", Some(["P01", "", ""])),
            ("{participant}/*", "day1/P01/clip.mp4", None),
            (
                "**/{participant}/*",
                "day1/x/P01/clip.mp4",
                Some(["P01", "", ""]),
            ),
            (
                "{condition}/**/{participant}-{name}",
                "control/a/b/P01-first.mp4",
                Some(["P01", "control", "first"]),
            ),
            ("{participant}_{condition}", "P01.mp4", None),
            ("{participant}_{condition}", "_a.mp4", None),
            ("{participant}.mov", "P01.mp4", None),
            ("{participant}", "Zoë.v2.mp4", Some(["Zoë.v2", "", ""])),
        ] {
            let expected = expected.map(|texts| texts.map(str::to_owned));
            assert_eq!(read(pattern, name), expected, "{pattern} {name}");
        }
        let hard = "*".repeat(40).replace("**", "*a*") + "{participant}b";
        let pattern: Pattern = hard.parse().unwrap();
        assert_eq!(pattern.read(&"a".repeat(2000)), None, "and soon");
    }

    #[test]
    fn mistakes_in_patterns_are_explained() {
        for (pattern, words) in [
            ("*.mp4", "write where"),
            ("", "write where"),
            ("{participant", "no }"),
            ("{who}", "none of {participant}"),
            ("{participant}{participant}", "twice"),
        ] {
            let error = pattern.parse::<Pattern>().unwrap_err();
            assert!(error.contains(words), "{pattern}: {error}");
        }
    }

    fn items(names: &[&str]) -> (tempfile::TempDir, Vec<Item>) {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let list = list::find(&[root.path().to_owned()], Path::new("out")).unwrap();
        (root, list.items)
    }

    fn of_table(text: &str, names: &[&str]) -> Result<(Vec<String>, Vec<String>), String> {
        let (root, items) = items(names);
        let file = root.path().join("who.csv");
        fs::write(&file, text).unwrap();
        let (about, notes) =
            about_each(&Who::Table(file), &items).map_err(|error| error.to_string())?;
        let about = about
            .into_iter()
            .map(|about| about.participant + &about.name);
        Ok((about.collect(), notes))
    }

    #[test]
    fn a_table_says_who_is_in_view() {
        let names = ["a/x.mp4", "b/x.mp4", "b/y.mp4"];
        let text = "file,participant,name\na/x.mp4,P01,\nb\\x.mp4,P02,n\ny.mp4, P03 ,\n";
        let (about, notes) = of_table(text, &names).unwrap();
        assert_eq!(about, ["P01", "P02n", "P03"]);
        assert_eq!(notes, [""; 0]);
        let (about, _) = of_table("\u{feff}Participant;File\nP03;y.mp4\n", &names).unwrap();
        assert_eq!(about, ["", "", "P03"]);
        let (_, notes) = of_table("file,participant\nz.mp4,P04\n", &names).unwrap();
        assert!(
            notes[0].starts_with("a/x.mp4, b/x.mp4, b/y.mp4 have no row in"),
            "{notes:?}"
        );
        assert!(notes[1].starts_with("z.mp4 of"), "{notes:?}");
    }

    #[test]
    fn mistakes_in_tables_are_named_with_their_line() {
        let error = |text| of_table(text, &["a/x.mp4", "b/x.mp4"]).unwrap_err();
        let ambiguous = error("file,participant\nx.mp4,P01\n");
        assert!(
            ambiguous.contains("line 2: there are 2 files x.mp4"),
            "{ambiguous}"
        );
        let twice = error("file,participant\na/x.mp4,P01\na/x.mp4,P02\n");
        assert!(
            twice.contains("line 3: a/x.mp4 stands in line 2 too"),
            "{twice}"
        );
        assert!(error("name,participant\n").contains("must name the columns"));
        assert!(error("").contains("must name the columns"));
    }
}
