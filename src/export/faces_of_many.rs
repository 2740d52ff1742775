//! One table of the faces of many sessions, as CSV and, in builds that can, as Parquet.
//!
//! The columns are those of `faces.csv` after some of the caller's own, which say what each session is, and the names of
//! faces. Parquet files
//! with these columns can be read together as one data set, whatever each of them holds.

use std::{
    io::{self, BufWriter, Write},
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    expression::Labels,
    pipeline::face_names::FaceNames,
    result_file::{Outputs, ResultError, ResultFile},
    session::tables::{self, Cell, Column, FaceRow, Row},
};

/// Rows that are written together.
const ROWS_IN_GROUP: usize = 32_768;

/// A column of a session's table that is left out: names of picture files. The caller's own columns name the file.
const LEFT_OUT: &str = "file";

/// The cells before those of a row; the same for a whole session.
type Lead = Arc<Vec<Cell<'static>>>;

/// The tables, open to be written.
pub struct FacesOfMany {
    lead: Vec<Column>,
    /// The columns, with the labels of the first face; `None` before anything is written.
    columns: Option<(Labels, Vec<Column>)>,
    waiting: Vec<(Lead, Cell<'static>, FaceRow)>,
    csv: (PathBuf, BufWriter<ResultFile>),
    #[cfg(feature = "parquet")]
    parquet: Parquet,
}

#[cfg(feature = "parquet")]
struct Parquet {
    path: PathBuf,
    /// `None` once it is in `table`.
    file: Option<ResultFile>,
    table: Option<super::parquet::ParquetTable<BufWriter<ResultFile>>>,
}

impl FacesOfMany {
    /// Reserves both files. `lead` are the caller's columns. Nothing is created before the first row.
    ///
    /// # Errors
    /// [`ResultError`] if a file may not be written.
    pub fn new(
        outputs: &mut Outputs,
        csv: &Path,
        parquet: &Path,
        lead: Vec<Column>,
    ) -> Result<Self, ResultError> {
        #[cfg(not(feature = "parquet"))]
        let _ = parquet;
        Ok(Self {
            lead,
            columns: None,
            waiting: Vec::new(),
            csv: (csv.to_owned(), BufWriter::new(outputs.file(csv)?)),
            #[cfg(feature = "parquet")]
            parquet: Parquet {
                path: parquet.to_owned(),
                file: Some(outputs.file(parquet)?),
                table: None,
            },
        })
    }

    /// Adds the faces of a session, each after the cells of `lead` and its name. `description` is for the metadata of the Parquet file;
    /// the first one counts.
    ///
    /// # Errors
    /// [`ResultError`] if a file cannot be written.
    pub fn add(
        &mut self,
        lead: Vec<Cell<'static>>,
        faces: Vec<FaceRow>,
        names: &FaceNames,
        description: &str,
    ) -> Result<(), ResultError> {
        let lead = Arc::new(lead);
        for face in faces {
            self.waiting
                .push((Arc::clone(&lead), face.name_cell(names), face));
            if self.waiting.len() == ROWS_IN_GROUP {
                self.write_waiting(description)?;
            }
        }
        Ok(())
    }

    /// Completes the tables and puts them in their places. Returns their paths.
    ///
    /// # Errors
    /// As [`FacesOfMany::add`].
    pub fn finish(mut self, description: &str) -> Result<Vec<PathBuf>, ResultError> {
        // A table without faces has a header too.
        self.write_waiting(description)?;
        let mut written = Vec::new();
        #[cfg(feature = "parquet")]
        {
            let parquet = self.parquet;
            if let Some(table) = parquet.table {
                let name = parquet.path.display().to_string();
                let out = table.finish().map_err(|error| ResultError::Write {
                    name,
                    source: super::parquet::io_error(error),
                })?;
                finish(out)?;
                written.push(parquet.path);
            }
        }
        let (path, csv) = self.csv;
        finish(csv)?;
        written.push(path);
        Ok(written)
    }

    fn write_waiting(&mut self, description: &str) -> Result<(), ResultError> {
        let waiting = mem::take(&mut self.waiting);
        let is_first = self.columns.is_none();
        let labels_of = |face: &FaceRow| face.face.smoothed.labels();
        let (labels, columns) = self.columns.get_or_insert_with(|| {
            let first = waiting.first();
            let labels = first.map_or_else(Labels::default, |(.., face)| labels_of(face));
            let own = FaceRow::columns(labels).into_iter();
            let own = own.filter(|column| column.name != LEFT_OUT);
            let lead = mem::take(&mut self.lead).into_iter();
            let columns = lead.chain([FaceRow::name_column()]).chain(own);
            (labels, columns.collect())
        });
        let (_, csv) = &mut self.csv;
        if let Some((.., other)) = waiting.iter().find(|(.., face)| labels_of(face) != *labels) {
            let problem = format!(
                "the sessions have different labels ({} and {}), which do not fit into one table",
                labels.list(),
                labels_of(other).list()
            );
            return Err(csv.get_ref().failed(io::Error::other(problem)));
        }
        let own = FaceRow::columns(*labels);
        let left_out = own.iter().position(|column| column.name == LEFT_OUT);
        let rows: Vec<Vec<Cell<'_>>> = waiting
            .iter()
            .map(|(lead, name, face)| {
                let own = face.cells().into_iter().enumerate();
                let own = own.filter(|(at, _)| Some(*at) != left_out);
                let own = own.map(|(_, cell)| cell);
                let lead = lead.iter().chain([name]).cloned();
                lead.chain(own).collect()
            })
            .collect();
        let mut lines = Vec::new();
        if is_first {
            let names = columns.iter().map(|column| column.name.as_str());
            lines = tables::lines([names.map(|name| Cell::Text(name.into()))]);
        }
        lines.extend(tables::lines(rows.iter().map(|row| row.iter().cloned())));
        csv.write_all(&lines)
            .map_err(|source| csv.get_ref().failed(source))?;
        #[cfg(feature = "parquet")]
        self.parquet.write(columns, &rows, description)?;
        #[cfg(not(feature = "parquet"))]
        let _ = description;
        Ok(())
    }
}

#[cfg(feature = "parquet")]
impl Parquet {
    fn write(
        &mut self,
        columns: &[Column],
        rows: &[Vec<Cell<'_>>],
        description: &str,
    ) -> Result<(), ResultError> {
        use super::parquet::{ParquetTable, io_error};

        let failed = |error| ResultError::Write {
            name: self.path.display().to_string(),
            source: io_error(error),
        };
        if let Some(file) = self.file.take() {
            let metadata = ("fervis-batch", description.to_owned());
            let out = BufWriter::new(file);
            let table = ParquetTable::new(out, "faces", columns.to_vec(), metadata);
            self.table = Some(table.map_err(failed)?);
        }
        match &mut self.table {
            Some(table) if !rows.is_empty() => table.write_group(rows).map_err(failed),
            _ => Ok(()),
        }
    }
}

fn finish(mut out: BufWriter<ResultFile>) -> Result<(), ResultError> {
    out.flush().map_err(|source| out.get_ref().failed(source))?;
    let (file, _) = out.into_parts();
    file.finish()
}
