//! A reader that limits the length of CSV rows.
//!
//! `csv` keeps a row in memory until it ends, so a file with an endless row or an unclosed quotation mark would fill the
//! memory: 3 MB of gzip can hold 3 GB of spaces.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// FER-2013's rows have up to 9 kB.
pub(crate) const MAX_ROW_BYTES: usize = 1 << 20;

/// Describes a row that is too long, to end a sentence with.
pub(crate) const OVERRUN: &str = "the row is longer than 1 MB, so this is not a table of images";

/// A reader that fails when one row takes more than [`MAX_ROW_BYTES`].
pub(crate) struct BoundedRows<R> {
    inner: R,
    budget: RowBudget,
}

/// Bytes left for the current row; shared with the reader.
#[derive(Debug, Clone)]
pub(crate) struct RowBudget(Rc<Cell<Option<usize>>>);

impl RowBudget {
    /// Resets the budget. Call it before each row.
    pub(crate) fn begin_row(&self) {
        self.0.set(Some(MAX_ROW_BYTES));
    }

    /// Whether a row exceeded the budget.
    pub(crate) fn is_overrun(&self) -> bool {
        self.0.get().is_none()
    }
}

/// Limits the length of the rows read from `inner`.
pub(crate) fn bounded_rows<R: Read>(inner: R) -> (BoundedRows<R>, RowBudget) {
    let budget = RowBudget(Rc::new(Cell::new(Some(MAX_ROW_BYTES))));
    let reader = BoundedRows {
        inner,
        budget: budget.clone(),
    };
    (reader, budget)
}

impl<R: Read> Read for BoundedRows<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.0.get().unwrap_or(0);
        if left == 0 && !buffer.is_empty() {
            self.budget.0.set(None);
            return Err(io::Error::new(io::ErrorKind::InvalidData, OVERRUN));
        }
        let end = buffer.len().min(left);
        let n_read = self.inner.read(&mut buffer[..end])?;
        self.budget.0.set(Some(left - n_read));
        Ok(n_read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_tables_pass_and_long_rows_do_not() {
        let row = format!("{}\n", "x".repeat(MAX_ROW_BYTES - 10));
        let read_all = |table: &str| {
            let (reader, budget) = bounded_rows(io::Cursor::new(table.to_owned()));
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(reader);
            let mut record = csv::ByteRecord::new();
            let mut n_rows = 0;
            loop {
                budget.begin_row();
                match reader.read_byte_record(&mut record) {
                    Ok(true) => n_rows += 1,
                    Ok(false) => return Ok(n_rows),
                    Err(error) => return Err((error.to_string(), budget.is_overrun())),
                }
            }
        };
        assert_eq!(read_all(&row.repeat(4)), Ok(4));
        let (error, is_overrun) = read_all(&"x".repeat(2 * MAX_ROW_BYTES)).unwrap_err();
        assert!(is_overrun && error.contains("longer than 1 MB"), "{error}");
        // The lines end, but the quotation around them does not.
        assert!(read_all(&format!("\"{}", "x\n".repeat(MAX_ROW_BYTES))).is_err());
    }
}
