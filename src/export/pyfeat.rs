//! A table that py-feat reads (`feat.utils.io.read_feat`), with its column names in its order.
//!
//! A row is a face, or an analyzed frame without one, whose row has no values, as in py-feat. Columns for what fervis
//! does not measure (landmarks, action units) are absent. `Pitch`, `Roll` and `Yaw` are in degrees, positive up,
//! clockwise and to the right of the frame. Probabilities are those of each frame alone, as in py-feat. Two columns
//! differ in meaning: `Identity` is the face's name, or else `Person_` with its number, and with rustface alone `FaceScore` is rustface's score, not 0 to 1.
//! `approx_time` is minutes and seconds, as in py-feat; `time_s`, which is ours, is the exact time. An emotion that the
//! network does not tell apart has no values, and its other labels have columns of their own at the end, before what the
//! user said of the session.

use std::io::{self, Write};

use super::{Selection, table::Table};
use crate::{
    expression::{Expression, Label},
    session::{
        about::About,
        tables::{Cell, FaceRow, FrameStatus},
    },
};

/// py-feat's names for the expressions, in its order.
const EMOTIONS: [(&str, Expression); 7] = [
    ("anger", Expression::Angry),
    ("disgust", Expression::Disgust),
    ("fear", Expression::Fear),
    ("happiness", Expression::Happy),
    ("sadness", Expression::Sad),
    ("surprise", Expression::Surprise),
    ("neutral", Expression::Neutral),
];

/// py-feat's names for the head pose.
const POSE: [&str; 3] = ["Pitch", "Roll", "Yaw"];

pub(super) fn write(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let face_box = [
        "FaceRectX",
        "FaceRectY",
        "FaceRectWidth",
        "FaceRectHeight",
        "FaceScore",
    ];
    let labels = selection.session.labels();
    let emotions = EMOTIONS.map(|(_, emotion)| labels.like(emotion.into()));
    let is_other = |label: &Label| !emotions.contains(&Some(*label));
    let others: Vec<Label> = labels.iter().filter(is_other).collect();
    let columns: Vec<String> = ["frame"]
        .into_iter()
        .chain(face_box)
        .chain(EMOTIONS.map(|(name, _)| name))
        .chain(POSE)
        .chain(["input", "approx_time", "Identity", "time_s"])
        .chain(others.iter().map(|label| label.name()))
        .map(str::to_owned)
        .chain(About::columns().into_iter().map(|column| column.name))
        .collect();
    let mut table = Table::new(out, selection.separator, &columns)?;
    let source = &selection.session.manifest.source;
    let input = source.path.as_ref().unwrap_or(&source.name);
    let about = &selection.session.manifest.about;
    let frames = selection.session.frames.iter();
    for frame in frames.filter(|frame| frame.status == FrameStatus::Analyzed) {
        let time_s = frame.time.as_secs_f64();
        let row = |values: Vec<Cell<'static>>, identity: Cell<'static>, face: Option<&FaceRow>| {
            let whole_s = time_s as u64;
            let approx_time = format!("{:02}:{:02}", whole_s / 60, whole_s % 60);
            let mut cells = vec![Cell::Whole(frame.frame)];
            cells.extend(values);
            cells.extend([
                Cell::Text(input.into()),
                Cell::Text(approx_time.into()),
                identity,
                Cell::Number(time_s, 6),
            ]);
            cells.extend(others.iter().map(|label| probability(face, Some(*label))));
            cells.extend(about.cells());
            cells
        };
        let mut is_empty = true;
        for found in selection.faces_of(frame.frame) {
            is_empty = false;
            let face = &found.face;
            let edges = face.box_in_frame;
            let edges = [edges.x, edges.y, edges.width, edges.height, face.score];
            let edges = edges.into_iter().map(|edge| Cell::Number(edge.into(), 2));
            let pose = match face.shape.map(|shape| shape.pose) {
                Some(pose) => [pose.pitch_deg, pose.roll_deg, pose.yaw_deg]
                    .map(|angle| Cell::Number(angle.into(), 2)),
                None => [Cell::Empty, Cell::Empty, Cell::Empty],
            };
            let values = edges
                .chain(emotions.map(|label| probability(Some(found), label)))
                .chain(pose)
                .collect();
            let name = selection.names().get(face.track.0);
            let number = || format!("Person_{}", face.track.0);
            let identity = Cell::Text(name.map_or_else(number, str::to_owned).into());
            table.row(&row(values, identity, Some(found)))?;
        }
        if is_empty {
            let values = (0..face_box.len() + EMOTIONS.len() + POSE.len()).map(|_| Cell::Empty);
            table.row(&row(values.collect(), Cell::Empty, None))?;
        }
    }
    table.finish()
}

/// The probability of a label, in the frame alone; nothing without a face or such a label.
fn probability(found: Option<&FaceRow>, label: Option<Label>) -> Cell<'static> {
    match (found, label) {
        (Some(found), Some(label)) => Cell::Number(found.face.raw.of(label).into(), 4),
        _ => Cell::Empty,
    }
}
