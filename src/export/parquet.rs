//! Faces and frames as Parquet files, for pandas, polars, R and DuckDB.
//!
//! The columns are those of `faces.csv` and `frames.csv` after who and what the session is about and, of faces, their
//! names, with types: integers, floating point, strings, and null for missing values. The session's description is in the files' metadata, under `fervis-session`.
//!
//! They are compressed with Snappy, the one codec that every reader supports and that needs no C code.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as PhysicalType},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::Selection;
use crate::session::{
    about::About,
    tables::{Cell, Column, FaceRow, Kind, Row},
};

/// Rows that are compressed together; readers skip whole groups. A group's cells take some 60 MB of memory while it is
/// written.
pub(super) const ROWS_IN_GROUP: usize = 32_768;

pub(super) fn write_faces(
    selection: &Selection<'_>,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let faces = selection.session.faces.iter();
    let wanted = faces.filter(|row| selection.is_wanted(row)).collect();
    let name = [FaceRow::name_column()];
    let names = selection.names();
    write(
        "faces",
        wanted,
        &name,
        |row| [vec![row.name_cell(names)], own_cells(row)].concat(),
        selection,
        out,
    )
    .map_err(io_error)
}

pub(super) fn write_frames(
    selection: &Selection<'_>,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let frames = selection.session.frames.iter().collect();
    write("frames", frames, &[], own_cells, selection, out).map_err(io_error)
}

fn own_cells<R: Row>(row: &R) -> Vec<Cell<'_>> {
    row.cells()
}

/// Writes a table: what the session is about, `more` columns, and those of its rows. `cells` are without the first.
fn write<R: Row>(
    name: &str,
    rows: Vec<&R>,
    more: &[Column],
    cells: impl for<'r> Fn(&'r R) -> Vec<Cell<'r>>,
    selection: &Selection<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(), ParquetError> {
    let description = serde_json::to_string(&selection.session.manifest)
        .map_err(|error| ParquetError::External(Box::new(error)))?;
    let about = &selection.session.manifest.about;
    let columns = About::columns().into_iter().chain(more.iter().cloned());
    let columns = columns
        .chain(R::columns(selection.session.labels()))
        .collect();
    let mut table = ParquetTable::new(out, name, columns, ("fervis-session", description))?;
    for group in rows.chunks(ROWS_IN_GROUP) {
        let cells: Vec<Vec<Cell<'_>>> = group
            .iter()
            .map(|row| [about.cells(), cells(row)].concat())
            .collect();
        table.write_group(&cells)?;
    }
    table.finish().map(drop)
}

/// A table that is written in groups of rows.
pub(super) struct ParquetTable<W: Write + Send> {
    columns: Vec<Column>,
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetTable<W> {
    /// Begins a table; `metadata` is a key and a text in the file's metadata.
    pub fn new(
        out: W,
        name: &str,
        columns: Vec<Column>,
        metadata: (&str, String),
    ) -> Result<Self, ParquetError> {
        let fields: Vec<TypePtr> = columns.iter().map(field).collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder(name).with_fields(fields).build()?;
        let (key, text) = metadata;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("fervis ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(key.to_owned(), text)]))
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { columns, writer })
    }

    /// Writes at most [`ROWS_IN_GROUP`] rows, each with one cell per column.
    pub fn write_group(&mut self, rows: &[Vec<Cell<'_>>]) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (at, column) in self.columns.iter().enumerate() {
            let cells = rows.iter().map(|row| &row[at]);
            let numbers = cells.clone().map(|cell| match cell {
                Cell::Number(value, _) => Some(*value),
                _ => None,
            });
            match column.kind {
                Kind::Whole => {
                    let values = cells.map(|cell| match cell {
                        Cell::Whole(value) => Some(*value as i64),
                        _ => None,
                    });
                    write_column::<Int64Type, W>(&mut group, values)?;
                }
                Kind::Double => write_column::<DoubleType, W>(&mut group, numbers)?,
                Kind::Single => {
                    let values = numbers.map(|value| value.map(|value| value as f32));
                    write_column::<FloatType, W>(&mut group, values)?;
                }
                Kind::Text => {
                    let values = cells.map(|cell| match cell {
                        Cell::Text(text) => Some(ByteArray::from(text.as_ref())),
                        _ => None,
                    });
                    write_column::<ByteArrayType, W>(&mut group, values)?;
                }
            }
        }
        group.close()?;
        Ok(())
    }

    /// Completes the table. Returns what it was written to.
    pub fn finish(self) -> Result<W, ParquetError> {
        self.writer.into_inner()
    }
}

/// A column in the schema. Every column may be null, which costs almost nothing if no value is.
fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (kind, converted) = match column.kind {
        Kind::Whole => (PhysicalType::INT64, ConvertedType::NONE),
        Kind::Double => (PhysicalType::DOUBLE, ConvertedType::NONE),
        Kind::Single => (PhysicalType::FLOAT, ConvertedType::NONE),
        Kind::Text => (PhysicalType::BYTE_ARRAY, ConvertedType::UTF8),
    };
    let field = Type::primitive_type_builder(&column.name, kind)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(converted)
        .build()?;
    Ok(Arc::new(field))
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let mut present = Vec::new();
    let mut levels = Vec::new();
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "the schema has fewer columns".to_owned(),
        ));
    };
    column
        .typed::<T>()
        .write_batch(&present, Some(&levels), None)?;
    column.close()
}

pub(super) fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        other => io::Error::other(other),
    }
}
