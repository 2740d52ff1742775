//! Tables of columns with a separator, for statistics packages and spreadsheets.

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::Separator;

/// A field of a table.
pub(super) enum Cell {
    Text(String),
    Whole(u64),
    /// A number and how many decimals it has.
    Number(f64, usize),
    /// No value.
    Empty,
}

/// Writes row after row.
pub(super) struct Table<'a> {
    writer: Writer<&'a mut dyn Write>,
    separator: Separator,
}

impl<'a> Table<'a> {
    /// Begins with the names of the columns.
    pub fn new(
        out: &'a mut dyn Write,
        separator: Separator,
        columns: &[String],
    ) -> io::Result<Self> {
        let delimiter = match separator {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
        };
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .from_writer(out);
        writer.write_record(columns)?;
        Ok(Self { writer, separator })
    }

    /// Adds a row, which has as many cells as there are columns.
    pub fn row(&mut self, cells: &[Cell]) -> io::Result<()> {
        let separator = self.separator;
        let fields = cells.iter().map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Whole(number) => number.to_string(),
            Cell::Number(number, _) if !number.is_finite() => String::new(),
            Cell::Number(number, decimals) => {
                let text = format!("{number:.decimals$}");
                match separator {
                    Separator::Comma => text,
                    Separator::Semicolon => text.replace('.', ","),
                }
            }
            Cell::Empty => String::new(),
        });
        self.writer.write_record(fields)?;
        Ok(())
    }

    /// Writes what is still held back.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
