//! Faces and frames as Parquet files, for pandas, polars, R and DuckDB.
//!
//! The columns are those of `faces.csv` and `frames.csv`, with types: integers, floating point, strings, and null for
//! missing values. The session's description is in the files' metadata, under `fervis-session`.
//!
//! They are compressed with Snappy, the one codec that every reader supports and that needs no C code.

use std::{
    io::{self, Write},
    sync::Arc,
};

use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

use super::Selection;
use crate::session::tables::{Cell, Column, Kind, Row};

/// Rows that are compressed together; readers skip whole groups. A group's cells take some 60 MB of memory while it is
/// written.
const ROWS_IN_GROUP: usize = 32_768;

pub(super) fn write_faces(
    selection: &Selection<'_>,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let faces = selection.session.faces.iter();
    let wanted = faces.filter(|row| selection.is_wanted(row)).collect();
    write("faces", wanted, selection, out).map_err(io_error)
}

pub(super) fn write_frames(
    selection: &Selection<'_>,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let frames = selection.session.frames.iter().collect();
    write("frames", frames, selection, out).map_err(io_error)
}

fn write<R: Row>(
    name: &str,
    rows: Vec<&R>,
    selection: &Selection<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(), ParquetError> {
    let columns = R::columns();
    let fields: Vec<String> = columns.iter().map(field).collect();
    let schema = parse_message_type(&format!("message {name} {{ {} }}", fields.join(" ")))?;
    let description = serde_json::to_string(&selection.session.manifest)
        .map_err(|error| ParquetError::External(Box::new(error)))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("fervis ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "fervis-session".to_owned(),
            description,
        )]))
        .build();
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    for group in rows.chunks(ROWS_IN_GROUP) {
        let cells: Vec<Vec<Cell<'_>>> = group.iter().map(|row| row.cells()).collect();
        let mut group_writer = writer.next_row_group()?;
        for (at, column) in columns.iter().enumerate() {
            let cells = cells.iter().map(|row| &row[at]);
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
                    write_column::<Int64Type>(&mut group_writer, values)?;
                }
                Kind::Double => write_column::<DoubleType>(&mut group_writer, numbers)?,
                Kind::Single => {
                    let values = numbers.map(|value| value.map(|value| value as f32));
                    write_column::<FloatType>(&mut group_writer, values)?;
                }
                Kind::Text => {
                    let values = cells.map(|cell| match cell {
                        Cell::Text(text) => Some(ByteArray::from(text.as_ref())),
                        _ => None,
                    });
                    write_column::<ByteArrayType>(&mut group_writer, values)?;
                }
            }
        }
        group_writer.close()?;
    }
    writer.close()?;
    Ok(())
}

/// A column in the schema's syntax. Every column may be null, which costs almost nothing if no value is.
fn field(column: &Column) -> String {
    let name = &column.name;
    match column.kind {
        Kind::Whole => format!("OPTIONAL INT64 {name};"),
        Kind::Double => format!("OPTIONAL DOUBLE {name};"),
        Kind::Single => format!("OPTIONAL FLOAT {name};"),
        Kind::Text => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
    }
}

fn write_column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, &mut (dyn Write + Send)>,
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

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        other => io::Error::other(other),
    }
}
