//! The rows of a session's tables: frames, faces and events.

mod annotation;
mod event;
mod face;
mod frame;
mod lines;

use std::{sync::Arc, time::Duration};

pub use self::{
    annotation::{AnnotationKind, AnnotationRow},
    event::{EventKind, EventRow},
    face::FaceRow,
    frame::{FrameRow, FrameStatus},
    lines::{Cell, Column, Fields, Kind, Row, header, lines, read, rows, table},
};

/// Decimals of seconds in the tables: whole microseconds.
const SECOND_DECIMALS: usize = 6;

fn column(
    (name, kind, unit, description): (impl Into<String>, Kind, &'static str, impl Into<String>),
) -> Column {
    Column {
        name: name.into(),
        kind,
        unit,
        description: description.into(),
    }
}

fn milliseconds(time: Duration) -> Cell<'static> {
    Cell::Number(time.as_secs_f64() * 1000.0, 2)
}

fn from_milliseconds(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

/// The picture file, if a row names one; sessions from before there was such a column have none.
fn file(fields: &Fields<'_>) -> Option<Arc<str>> {
    fields
        .find("file")
        .filter(|file| !file.is_empty())
        .map(Arc::from)
}

#[cfg(test)]
pub(crate) mod tests;
