//! One JSON object per line for every analyzed frame.
//!
//! Keys and their order are those of `fervis analyze --json`. `frame` is the frame's number in the session, and
//! `time_s` is the session's time. Skipped frames have no line. What the user said of the session stands at the end of
//! each line.

use std::io::{self, Write};

use serde::Serialize;

use super::Selection;
use crate::{
    pipeline::face_names::FaceNames,
    session::tables::{FaceRow, FrameStatus},
    stream::message::Face,
};

#[derive(Serialize)]
struct Line<'a> {
    frame: u64,
    time_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    faces: Vec<Face>,
    #[serde(skip_serializing_if = "str::is_empty")]
    participant: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    session: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    condition: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

impl Face {
    fn of(FaceRow { face, .. }: &FaceRow, names: &FaceNames) -> Self {
        Self {
            track: face.track.0,
            box_in_frame: face.box_in_frame,
            score: face.score,
            raw: face.raw,
            smoothed: face.smoothed,
            label: face.label.name(),
            mesh: face.shape,
            corrected: face.corrected.map(|corrected| corrected.probabilities),
            corrected_pose: face.corrected.and_then(|corrected| corrected.pose),
            second: face.second.map(Into::into),
            name: names.get(face.track.0).map(str::to_owned),
        }
    }
}

pub(super) fn write(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let about = &selection.session.manifest.about;
    let frames = selection.session.frames.iter();
    for row in frames.filter(|row| row.status == FrameStatus::Analyzed) {
        let line = Line {
            frame: row.frame,
            // Whole microseconds, as in the tables.
            time_s: (row.time.as_secs_f64() * 1e6).round() / 1e6,
            file: row.file.as_deref(),
            faces: selection
                .faces_of(row.frame)
                .map(|face| Face::of(face, selection.names()))
                .collect(),
            participant: &about.participant,
            session: &about.name,
            condition: &about.condition,
            note: &about.note,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
