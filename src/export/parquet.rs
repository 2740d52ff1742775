//! Faces and frames as Parquet files, for pandas, polars, R and DuckDB.
//!
//! Columns are those of `faces.csv` and `frames.csv`, with types: whole numbers, floating point, texts, and null where
//! there is no value. The description of the session is in the files' metadata, under `fervis-session`.
//!
//! Compressed with Snappy, the one codec that every reader has and that comes without C code.

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

use super::View;
use crate::{
    detect::FaceShape,
    expression::Expression,
    session::tables::{FaceRow, FrameRow, FrameStatus, seconds},
};

/// Rows that are compressed and found together; readers skip whole groups. An hour at 30 frames a second is one.
const ROWS_IN_GROUP: usize = 131_072;

/// How a column is read off a row.
enum Values<R> {
    Whole(fn(&R) -> Option<u64>),
    Double(fn(&R) -> Option<f64>),
    Single(Box<dyn Fn(&R) -> Option<f32>>),
    Text(fn(&R) -> &'static str),
}

struct Column<R> {
    name: String,
    values: Values<R>,
}

fn column<R>(name: &str, values: Values<R>) -> Column<R> {
    Column {
        name: name.to_owned(),
        values,
    }
}

pub(super) fn write_faces(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    use Values::{Double, Single, Text, Whole};
    let mut columns: Vec<Column<FaceRow>> = vec![
        column("frame", Whole(|face| Some(face.frame))),
        column("t_s", Double(|face| Some(seconds(face.pts_90k)))),
        column("pts_90k", Whole(|face| Some(face.pts_90k))),
        column("track", Whole(|face| Some(face.track))),
        column("score", Single(Box::new(|face| Some(face.score)))),
        column("x", Single(Box::new(|face| Some(face.box_in_frame.x)))),
        column("y", Single(Box::new(|face| Some(face.box_in_frame.y)))),
        column(
            "width",
            Single(Box::new(|face| Some(face.box_in_frame.width))),
        ),
        column(
            "height",
            Single(Box::new(|face| Some(face.box_in_frame.height))),
        ),
        column(
            "unseen_s",
            Single(Box::new(|face| Some(face.unseen_for.as_secs_f32()))),
        ),
    ];
    for expression in Expression::ALL {
        let raw = Single(Box::new(move |face: &FaceRow| {
            Some(face.raw.of(expression))
        }));
        columns.push(column(&format!("raw_{expression}"), raw));
    }
    for expression in Expression::ALL {
        let smoothed = Single(Box::new(move |face: &FaceRow| {
            Some(face.smoothed.of(expression))
        }));
        columns.push(column(&format!("smoothed_{expression}"), smoothed));
    }
    columns.extend([
        column("label", Text(|face: &FaceRow| face.label().name())),
        column("model", Whole(|face: &FaceRow| Some(face.model as u64))),
        column(
            "detect_ms",
            Double(|face: &FaceRow| Some(face.detect_time.as_secs_f64() * 1e3)),
        ),
        column(
            "classify_ms",
            Double(|face: &FaceRow| Some(face.classify_time.as_secs_f64() * 1e3)),
        ),
    ]);
    for measure in FaceShape::MEASURES {
        let value = move |face: &FaceRow| face.shape.as_ref().map(measure.get);
        columns.push(column(measure.name, Single(Box::new(value))));
    }
    columns.push(column(
        "turned_away",
        Whole(|face: &FaceRow| Some(u64::from(face.shape?.pose.is_turned_away()))),
    ));
    let faces = view.session.faces.iter();
    let faces: Vec<&FaceRow> = faces
        .filter(|face| view.only.is_none_or(|track| face.track == track))
        .collect();
    write("faces", &columns, &faces, view, out).map_err(io_error)
}

pub(super) fn write_frames(view: &View<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    use Values::{Double, Text, Whole};
    let columns: Vec<Column<FrameRow>> = vec![
        column("frame", Whole(|frame| Some(frame.frame))),
        column("t_s", Double(|frame| Some(seconds(frame.pts_90k)))),
        column("pts_90k", Whole(|frame| Some(frame.pts_90k))),
        column("unix_s", Double(|frame| Some(frame.unix_s))),
        column("source_s", Double(|frame| Some(frame.source_s))),
        column(
            "status",
            Text(|frame| match frame.status {
                FrameStatus::Analysed => "analysed",
                FrameStatus::Skipped => "skipped",
            }),
        ),
        column("video_frame", Whole(|frame| frame.video_frame)),
        column("n_faces", Whole(|frame| frame.n_faces)),
        column(
            "latency_ms",
            Double(|frame| frame.latency.map(|latency| latency.as_secs_f64() * 1e3)),
        ),
    ];
    let frames: Vec<&FrameRow> = view.session.frames.iter().collect();
    write("frames", &columns, &frames, view, out).map_err(io_error)
}

fn write<R>(
    name: &str,
    columns: &[Column<R>],
    rows: &[&R],
    view: &View<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(), ParquetError> {
    let fields: Vec<String> = columns.iter().map(field).collect();
    let schema = parse_message_type(&format!("message {name} {{ {} }}", fields.join(" ")))?;
    let description = serde_json::to_string(&view.session.manifest)
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
        let mut group_writer = writer.next_row_group()?;
        for column in columns {
            match &column.values {
                Values::Whole(value) => {
                    let values = group.iter().map(|row| value(row).map(|value| value as i64));
                    write_column::<Int64Type>(&mut group_writer, values)?;
                }
                Values::Double(value) => {
                    write_column::<DoubleType>(
                        &mut group_writer,
                        group.iter().map(|row| value(row)),
                    )?;
                }
                Values::Single(value) => {
                    let values = group.iter().map(|row| value(row));
                    write_column::<FloatType>(&mut group_writer, values)?;
                }
                Values::Text(value) => {
                    let values = group.iter().map(|row| Some(ByteArray::from(value(row))));
                    write_column::<ByteArrayType>(&mut group_writer, values)?;
                }
            }
        }
        group_writer.close()?;
    }
    writer.close()?;
    Ok(())
}

/// A column as the schema spells it. All may be null, which costs nearly nothing where none is.
fn field<R>(column: &Column<R>) -> String {
    let name = &column.name;
    match column.values {
        Values::Whole(_) => format!("OPTIONAL INT64 {name};"),
        Values::Double(_) => format!("OPTIONAL DOUBLE {name};"),
        Values::Single(_) => format!("OPTIONAL FLOAT {name};"),
        Values::Text(_) => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
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
