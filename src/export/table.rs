//! Tables of columns with a separator, for statistics packages and spreadsheets.

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::Separator;
use crate::session::tables::Cell;

/// Writes a table row by row.
pub(super) struct Table<'a> {
    writer: Writer<&'a mut dyn Write>,
    separator: Separator,
}

impl<'a> Table<'a> {
    /// Writes the header.
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

    /// Writes a row with one cell per column.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for cell in cells {
            let words = cell.words();
            match (self.separator, cell) {
                (Separator::Semicolon, Cell::Number(..)) => {
                    self.writer.write_field(words.replace('.', ","))?;
                }
                _ => self.writer.write_field(words.as_bytes())?,
            }
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Flushes what is still buffered.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
