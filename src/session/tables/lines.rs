//! How the rows of a session's tables become lines of text, and lines become rows.
//!
//! Rules that hold for all of them: UTF-8, commas, a point before decimals, a header always, quotes where a text needs
//! them (RFC 4180), and an empty field where there is no value, never a word in a column of numbers. Columns are found
//! by name, so that further ones may come. A last line without its end was cut off by a crash and is not read.

use std::{io::Read as _, marker::PhantomData, path::Path, time::Duration};

use csv::{ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use crate::session::{SessionError, files};

/// What a column holds, for people and for `session.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// `s`, `ms`, `px`, …; empty for texts, counts and shares.
    pub unit: &'static str,
    /// One sentence.
    pub description: String,
}

/// A row of one of the tables.
pub trait Row: Sized {
    /// The table's file in the session's folder.
    const FILE: &'static str;

    /// All columns, in order.
    fn columns() -> Vec<Column>;

    /// The fields, in the order of [`Row::columns`].
    fn fields(&self) -> Vec<String>;

    /// Reads a row.
    ///
    /// # Errors
    /// Which field is missing or no value of its kind.
    fn parse(fields: &Fields<'_>) -> Result<Self, String>;
}

/// One line of a table, its fields found by the header's names.
pub struct Fields<'a> {
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl<'a> Fields<'a> {
    /// The field of a column.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        let at = self.header.iter().position(|column| column == name);
        let field = at.and_then(|at| self.record.get(at));
        field.ok_or_else(|| format!("there is no column {name}"))
    }

    pub(super) fn get<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name)?;
        let value = text.parse();
        value.map_err(|_| format!("{name} is “{text}”, which is not a number of its kind"))
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

/// Turns rows into lines.
pub struct Lines<R> {
    line: Vec<u8>,
    row: PhantomData<R>,
}

impl<R: Row> Default for Lines<R> {
    fn default() -> Self {
        Self {
            line: Vec::new(),
            row: PhantomData,
        }
    }
}

impl<R: Row> Lines<R> {
    /// The header line with its end.
    pub fn header(&mut self) -> &[u8] {
        let names: Vec<String> = R::columns().into_iter().map(|column| column.name).collect();
        self.line.clear();
        self.append(&names);
        &self.line
    }

    /// The lines of some rows with their ends.
    pub fn rows<'a>(&mut self, rows: impl IntoIterator<Item = &'a R>) -> &[u8]
    where
        R: 'a,
    {
        self.line.clear();
        for row in rows {
            self.append(&row.fields());
        }
        &self.line
    }

    fn append(&mut self, fields: &[String]) {
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::Any(b'\n'))
            .from_writer(&mut self.line);
        // Writing to memory does not fail.
        writer
            .write_record(fields)
            .and_then(|()| Ok(writer.flush()?))
            .ok();
    }
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
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    loop {
        let more = reader.read_record(&mut record);
        let line = record.position().map(csv::Position::line);
        if !more.map_err(|error| problem(line, error.to_string()))? {
            return Ok(rows);
        }
        let fields = Fields {
            header: &header,
            record: &record,
        };
        rows.push(R::parse(&fields).map_err(|cause| problem(line, cause))?);
    }
}
