//! A table that py-feat reads (`feat.utils.io.read_feat`), with the names and the order of its columns.
//!
//! A row is a face, or an analysed frame without one, whose row has no values, as py-feat's own. Columns that py-feat fills
//! from what fervis does not measure (landmarks, action units) are absent. `Pitch`, `Roll` and `Yaw` are in degrees, positive
//! up, clockwise and to the right of the picture. What differs in meaning: `Identity` names the track, and
//! with rustface alone `FaceScore` is its score, not 0 to 1. Probabilities are those of each frame alone, as
//! py-feat's are; `approx_time` is minutes and seconds, as there, and `time_s`, which is ours, the exact time.

use std::io::{self, Write};

use super::{
    View,
    table::{Cell, Table},
};
use crate::{
    expression::Expression,
    session::tables::{FrameStatus, seconds},
};

/// py-feat's names of the expressions, in its order.
const EMOTIONS: [(&str, Expression); 7] = [
    ("anger", Expression::Angry),
    ("disgust", Expression::Disgust),
    ("fear", Expression::Fear),
    ("happiness", Expression::Happy),
    ("sadness", Expression::Sad),
    ("surprise", Expression::Surprise),
    ("neutral", Expression::Neutral),
];

/// py-feat's names of the head's pose.
const POSE: [&str; 3] = ["Pitch", "Roll", "Yaw"];

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let face_box = [
        "FaceRectX",
        "FaceRectY",
        "FaceRectWidth",
        "FaceRectHeight",
        "FaceScore",
    ];
    let columns: Vec<String> = ["frame"]
        .into_iter()
        .chain(face_box)
        .chain(EMOTIONS.map(|(name, _)| name))
        .chain(POSE)
        .chain(["input", "approx_time", "Identity", "time_s"])
        .map(str::to_owned)
        .collect();
    let mut table = Table::new(out, view.separator, &columns)?;
    let source = &view.session.manifest.source;
    let input = source.path.as_ref().unwrap_or(&source.name);
    let frames = view.session.frames.iter();
    for frame in frames.filter(|frame| frame.status == FrameStatus::Analysed) {
        let time_s = seconds(frame.pts_90k);
        let row = |values: Vec<Cell>, identity: Cell| {
            let whole_s = time_s as u64;
            let approx_time = format!("{:02}:{:02}", whole_s / 60, whole_s % 60);
            let mut cells = vec![Cell::Whole(frame.frame)];
            cells.extend(values);
            cells.extend([
                Cell::Text(input.clone()),
                Cell::Text(approx_time),
                identity,
                Cell::Number(time_s, 6),
            ]);
            cells
        };
        let mut is_empty = true;
        for face in view.faces_of(frame.frame) {
            is_empty = false;
            let edges = face.box_in_frame;
            let edges = [edges.x, edges.y, edges.width, edges.height, face.score];
            let edges = edges.into_iter().map(|edge| Cell::Number(edge.into(), 2));
            let probabilities = EMOTIONS.map(|(_, emotion)| face.raw.of(emotion));
            let pose = match face.shape.map(|shape| shape.pose) {
                Some(pose) => [pose.pitch_deg, pose.roll_deg, pose.yaw_deg]
                    .map(|angle| Cell::Number(angle.into(), 2)),
                None => [Cell::Empty, Cell::Empty, Cell::Empty],
            };
            let values = edges
                .chain(probabilities.map(|value| Cell::Number(value.into(), 4)))
                .chain(pose)
                .collect();
            let identity = Cell::Text(format!("Person_{}", face.track));
            table.row(&row(values, identity))?;
        }
        if is_empty {
            let values = (0..face_box.len() + EMOTIONS.len() + POSE.len()).map(|_| Cell::Empty);
            table.row(&row(values.collect(), Cell::Empty))?;
        }
    }
    table.finish()
}
