//! How the rows of a table become lines of text, and lines become rows.
//!
//! The rules for all tables: UTF-8, commas, a point before decimals, always a header, quotes where a text needs them
//! (RFC 4180), and an empty field where there is no value, never a word in a column of numbers. Columns are found by
//! name, so that more may come. A last line without its end was cut off by a crash and is not read.

use std::{borrow::Cow, io::Read as _, path::Path, time::Duration};

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use crate::{
    expression::{Labels, N_EXPRESSIONS},
    session::{SessionError, files},
};

/// Beginning of the names of the columns with the probabilities of a frame alone, before a label's name.
pub(super) const RAW: &str = "raw_";
/// The same for the smoothed probabilities.
pub(super) const SMOOTHED: &str = "smoothed_";
/// The same for those that are corrected by the person's resting face.
pub(super) const CORRECTED: &str = "corrected_";
/// The same for those of the second network in a frame alone.
pub(super) const SECOND_RAW: &str = "second_raw_";
/// The same for its smoothed ones.
pub(super) const SECOND_SMOOTHED: &str = "second_smoothed_";

/// What a column holds, for people, for `session.json` and for formats with types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// What its cells are, where they are not empty.
    pub kind: Kind,
    /// `s`, `ms`, `px`, …; empty for texts, counts and shares.
    pub unit: &'static str,
    /// One sentence.
    pub description: String,
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Cell::Text`].
    Text,
    /// [`Cell::Whole`].
    Whole,
    /// [`Cell::Number`] with the precision of an `f32`.
    Single,
    /// [`Cell::Number`].
    Double,
}

/// A field of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number, an index or a count.
    Whole(u64),
    /// A number, and with how many decimals it is written. One that is not finite is written as no value.
    Number(f64, usize),
    /// No value.
    Empty,
}

impl<'a> Cell<'a> {
    /// A number, if there is one.
    pub fn whole(value: Option<u64>) -> Self {
        value.map_or(Self::Empty, Self::Whole)
    }

    /// A text, if there is one.
    pub fn text(value: Option<&'a str>) -> Self {
        value.map_or(Self::Empty, |text| Self::Text(text.into()))
    }

    /// The cell as it stands in a table, without quotes.
    pub fn words(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Whole(number) => number.to_string().into(),
            Self::Number(number, decimals) if number.is_finite() => {
                format!("{number:.decimals$}").into()
            }
            Self::Number(..) | Self::Empty => "".into(),
        }
    }
}

/// A row of one of the tables.
pub trait Row: Sized {
    /// The table's file in the session's folder.
    const FILE: &'static str;

    /// All columns, in order, with those for a network's labels.
    fn columns(labels: Labels) -> Vec<Column>;

    /// The cells, in the order of [`Row::columns`].
    fn cells(&self) -> Vec<Cell<'_>>;

    /// Reads a row.
    ///
    /// # Errors
    /// Which field is missing or holds something else than its column does.
    fn parse(fields: &Fields<'_>) -> Result<Self, String>;
}

/// One line of a table, its fields found by the header's names.
pub struct Fields<'a> {
    /// The labels that the header names.
    pub(super) labels: Labels,
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl<'a> Fields<'a> {
    /// The field of a column, if the table has it.
    pub(super) fn find(&self, name: &str) -> Option<&'a str> {
        let at = self.header.iter().position(|column| column == name)?;
        self.record.get(at)
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        self.find(name)
            .ok_or_else(|| format!("there is no column {name}"))
    }

    pub(super) fn get<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name)?;
        let value = text.parse();
        value.map_err(|_| format!("{name} is “{text}”, expected a number"))
    }

    pub(super) fn optional<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        match self.text(name)? {
            "" => Ok(None),
            _ => self.get(name).map(Some),
        }
    }

    pub(super) fn duration(&self, name: &str) -> Result<Duration, String> {
        let seconds: f64 = self.get(name)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| format!("{name} is {seconds}"))
    }
}

/// The header line of a table, with its end.
pub fn header<R: Row>(labels: Labels) -> Vec<u8> {
    let names = R::columns(labels)
        .into_iter()
        .map(|column| column.name.into());
    lines([names.map(Cell::Text)])
}

/// The lines of some rows, with their ends.
pub fn rows<'a, R: Row + 'a>(rows: impl IntoIterator<Item = &'a R>) -> Vec<u8> {
    lines(rows.into_iter().map(Row::cells))
}

/// A whole table.
pub fn table<'a, R: Row + 'a>(labels: Labels, all: impl IntoIterator<Item = &'a R>) -> Vec<u8> {
    let mut table = header::<R>(labels);
    table.extend(rows(all));
    table
}

/// Lines of some cells each, with their ends.
pub fn lines<'a>(records: impl IntoIterator<Item = impl IntoIterator<Item = Cell<'a>>>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::Any(b'\n'))
        .from_writer(&mut text);
    for record in records {
        for cell in record {
            // Writing to memory does not fail.
            writer.write_field(cell.words().as_bytes()).ok();
        }
        writer.write_record(None::<&[u8]>).ok();
    }
    writer.flush().ok();
    drop(writer);
    text
}

/// Reads a whole table.
///
/// # Errors
/// [`SessionError`], naming the line.
pub fn read<R: Row>(path: &Path) -> Result<Vec<R>, SessionError> {
    let mut bytes = Vec::new();
    files::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|source| SessionError::read(path, source))?;
    let whole = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |at| at + 1);
    let problem = |line: Option<u64>, problem: String| SessionError::Content {
        file: path.to_owned(),
        line,
        problem,
    };
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .from_reader(&bytes[..whole]);
    let header = reader
        .headers()
        .map_err(|error| problem(Some(1), error.to_string()))?
        .clone();
    if header.is_empty() {
        return Err(problem(Some(1), "the header is missing".to_owned()));
    }
    let labels = labels_in(&header).map_err(|error| problem(Some(1), error))?;
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    loop {
        let more = reader.read_record(&mut record);
        let line = record.position().map(csv::Position::line);
        if !more.map_err(|error| problem(line, error.to_string()))? {
            return Ok(rows);
        }
        let fields = Fields {
            labels,
            header: &header,
            record: &record,
        };
        rows.push(R::parse(&fields).map_err(|cause| problem(line, cause))?);
    }
}

/// The labels for which a header has columns of probabilities; FER-2013's if it has none.
fn labels_in(header: &StringRecord) -> Result<Labels, String> {
    let names: Vec<&str> = header
        .iter()
        .filter_map(|column| column.strip_prefix(RAW))
        .collect();
    if names.is_empty() {
        return Ok(Labels::FER_2013);
    }
    let smoothed = header
        .iter()
        .filter_map(|column| column.strip_prefix(SMOOTHED));
    if let Some(missing) = smoothed.into_iter().find(|name| !names.contains(name)) {
        return Err(format!("there is no column {RAW}{missing}"));
    }
    // Somebody may have moved the columns.
    if names.len() == N_EXPRESSIONS && Labels::FER_2013.names().all(|name| names.contains(&name)) {
        return Ok(Labels::FER_2013);
    }
    Labels::new(&names).map_err(|error| format!("the header {error}"))
}
