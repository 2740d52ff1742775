//! One JSON object a line for every analysed frame.
//!
//! Keys and order are those of `fervis analyze --json`. `frame` is the frame's number in the session and `time_s` the
//! session's time; skipped frames have no line.

use std::io::{self, Write};

use serde::Serialize;

use super::View;
use crate::{
    session::tables::{FaceRow, FrameStatus, seconds},
    stream::message::Face,
};

#[derive(Serialize)]
struct Line {
    frame: u64,
    time_s: f64,
    faces: Vec<Face>,
}

impl From<&FaceRow> for Face {
    fn from(face: &FaceRow) -> Self {
        Self {
            track: face.track,
            box_in_frame: face.box_in_frame,
            score: face.score,
            raw: face.raw,
            smoothed: face.smoothed,
            label: face.label().name(),
            mesh: face.shape,
        }
    }
}

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let frames = view.session.frames.iter();
    for row in frames.filter(|row| row.status == FrameStatus::Analysed) {
        let line = Line {
            frame: row.frame,
            // Whole microseconds, as in the tables.
            time_s: (seconds(row.pts_90k) * 1e6).round() / 1e6,
            faces: view.faces_of(row.frame).map(Face::from).collect(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
