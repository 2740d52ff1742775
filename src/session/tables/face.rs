//! A row of `faces.csv`: a face of an analyzed frame.

use std::{sync::Arc, time::Duration};

use super::{
    SECOND_DECIMALS, column, file, from_milliseconds,
    lines::{
        CORRECTED, Cell, Column, Fields, Kind, RAW, Row, SECOND_RAW, SECOND_SMOOTHED, SMOOTHED,
    },
    milliseconds,
};
use crate::{
    bounding_box::BoundingBox,
    detect::{FaceShape, HeadPose, TrackId},
    expression::{Label, Labels, PerLabel, Probabilities},
    pipeline::{Analysis, Corrected, FaceAnalysis, FaceValues, face_names::FaceNames},
    time::Ticks,
};

/// The names of the head's angles, as in [`FaceShape::MEASURES`].
const POSE: [&str; 3] = ["yaw_deg", "pitch_deg", "roll_deg"];

/// A face of an analyzed frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceRow {
    /// The frame's number in `frames.csv`.
    pub frame: u64,
    /// The frame's time, as there.
    pub time: Ticks,
    /// The result, as the live view had it: who, where and with which probabilities. Its track is the face's number, which
    /// is never used again within a session.
    pub face: FaceAnalysis,
    /// Position of the network in `session.json`'s `models`.
    pub model: usize,
    /// Position of the second network in `session.json`'s `second_models`, if there was one.
    pub second_model: Option<usize>,
    /// Time spent on finding all faces of the frame, if it was measured.
    pub detect_time: Option<Duration>,
    /// Time spent on reading all their expressions, if it was measured.
    pub classify_time: Option<Duration>,
    /// Name of the picture file, if the source is pictures.
    pub file: Option<Arc<str>>,
}

impl FaceRow {
    /// The rows of all faces of a result. `frame` and `time` are those of its row in `frames.csv`, `model` and
    /// `second_model` are the positions of its networks.
    pub fn of(
        analysis: &Analysis,
        frame: u64,
        time: Ticks,
        model: usize,
        second_model: Option<usize>,
    ) -> Vec<Self> {
        let row = |face: &FaceAnalysis| Self {
            frame,
            time,
            face: FaceAnalysis {
                track: TrackId(face.number),
                ..*face
            },
            model,
            second_model: second_model.filter(|_| face.second.is_some()),
            detect_time: Some(analysis.detect_time),
            classify_time: Some(analysis.classify_time),
            file: analysis.frame.file.clone(),
        };
        analysis.faces.iter().map(row).collect()
    }

    /// The label that was shown.
    pub fn label(&self) -> Label {
        self.face.label
    }

    /// The column with the name of each face. The names are in the description of a session and in no table of its own,
    /// since they may be said after it was recorded; exports have them.
    pub fn name_column() -> Column {
        column((
            "name",
            Kind::Text,
            "",
            "What the user calls the face; empty if nobody said.",
        ))
    }

    /// The cell of [`FaceRow::name_column`].
    pub fn name_cell(&self, names: &FaceNames) -> Cell<'static> {
        let name = names.get(self.face.track.0);
        name.map_or(Cell::Empty, |name| Cell::Text(name.to_owned().into()))
    }

    /// Whether the face was found in this frame, and not only presumed to be where it was.
    pub fn is_found(&self) -> bool {
        self.face.unseen_for.is_zero()
    }
}

impl Row for FaceRow {
    const FILE: &'static str = "faces.csv";

    fn columns(labels: Labels) -> Vec<Column> {
        use Kind::{Double, Single, Text, Whole};
        let mut columns = [
            ("frame", Whole, "", "The frame's number in frames.csv."),
            ("time_s", Double, "s", "The frame's time, as there."),
            ("pts_90k", Whole, "1/90000 s", "The frame's time, as there."),
            ("track", Whole, "", "Identity of the face across frames, from 1; never used again."),
            ("score", Single, "", "How clear the face is: 0 to 1 with the face mesh; with rustface alone its score, about 2 (doubtful) to 30 and more (clear)."),
            ("x", Single, "px", "Left edge of the face's box in the source's picture, never mirrored; may lie outside."),
            ("y", Single, "px", "Top edge of the box."),
            ("width", Single, "px", "Width of the box."),
            ("height", Single, "px", "Height of the box."),
            ("unseen_s", Single, "s", "How long ago the face was last really found; 0 if in this frame, else the box is presumed."),
        ]
        .map(column)
        .to_vec();
        for (kind, what) in [
            (RAW, "in this frame alone"),
            (SMOOTHED, "smoothed over time, as shown"),
        ] {
            columns.extend(labels.names().map(|label| {
                let description = format!("Probability of {label} {what}, 0 to 1.");
                column((format!("{kind}{label}"), Single, "", description))
            }));
        }
        columns.extend(
            [
                (
                    "label",
                    Text,
                    "",
                    "The shown label: the largest of the smoothed probabilities, held until another is 0.05 larger or has been the largest for 0.3 s.",
                ),
                (
                    "model",
                    Whole,
                    "",
                    "Position of the network in session.json's models, from 0.",
                ),
                (
                    "detect_ms",
                    Double,
                    "ms",
                    "Time spent on finding the frame's faces; empty if it was not measured.",
                ),
                (
                    "classify_ms",
                    Double,
                    "ms",
                    "Time spent on reading their expressions; empty if it was not measured.",
                ),
            ]
            .map(column),
        );
        columns.extend(
            FaceShape::MEASURES
                .map(|measure| column((measure.name, Single, measure.unit, measure.description))),
        );
        columns.extend(
            [
                ("turned_away", Whole, "", "1 if the head is turned too far for the expression to mean much, else 0; empty without a face mesh."),
                ("file", Text, "", "Name of the picture file, if the source is pictures."),
            ]
            .map(column),
        );
        columns.extend(labels.names().map(|label| {
            let description = format!(
                "The smoothed probability of {label}, corrected by the person's resting face, 0 to 1; empty unless that was learned."
            );
            column((format!("{CORRECTED}{label}"), Single, "", description))
        }));
        columns.extend(POSE.map(|name| {
            let description = format!(
                "{name} less its mean in the person's resting face; empty unless that was learned."
            );
            column((format!("{CORRECTED}{name}"), Single, "deg", description))
        }));
        for (kind, what) in [
            (SECOND_RAW, "in this frame alone"),
            (SECOND_SMOOTHED, "smoothed over time"),
        ] {
            columns.extend(labels.names().map(|label| {
                let description = format!(
                    "Probability of {label} by the second network {what}, 0 to 1; empty unless there was one."
                );
                column((format!("{kind}{label}"), Single, "", description))
            }));
        }
        columns.extend(
            [
                (
                    "second_label",
                    Text,
                    "",
                    "The label by the second network, held in the same way.",
                ),
                (
                    "second_model",
                    Whole,
                    "",
                    "Position of the second network in session.json's second_models, from 0.",
                ),
            ]
            .map(column),
        );
        columns
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        let face = &self.face;
        let edges = face.box_in_frame;
        let number = |value: f32, decimals| Cell::Number(value.into(), decimals);
        let mut cells = vec![
            Cell::Whole(self.frame),
            Cell::Number(self.time.as_secs_f64(), SECOND_DECIMALS),
            Cell::Whole(self.time.0),
            Cell::Whole(face.track.0),
        ];
        let pixels = [face.score, edges.x, edges.y, edges.width, edges.height];
        cells.extend(pixels.map(|value| number(value, 2)));
        cells.push(Cell::Number(face.unseen_for.as_secs_f64(), 3));
        let probabilities = face.raw.0.iter().chain(face.smoothed.0.iter());
        cells.extend(probabilities.map(|value| number(*value, 4)));
        cells.extend([
            Cell::Text(self.label().name().into()),
            Cell::Whole(self.model as u64),
            self.detect_time.map_or(Cell::Empty, milliseconds),
            self.classify_time.map_or(Cell::Empty, milliseconds),
        ]);
        cells.extend(FaceShape::MEASURES.iter().map(|measure| {
            let value = face.shape.as_ref().map(measure.get);
            value.map_or(Cell::Empty, |value| number(value, measure.decimals))
        }));
        let turned_away = face.shape.map(|_| u64::from(face.is_turned_away()));
        cells.extend([Cell::whole(turned_away), Cell::text(self.file.as_deref())]);
        match &face.corrected {
            Some(corrected) => {
                let values = corrected.probabilities.0.iter();
                cells.extend(values.map(|value| number(*value, 4)));
            }
            None => cells.extend(face.smoothed.0.iter().map(|_| Cell::Empty)),
        }
        let pose = face.corrected.and_then(|corrected| corrected.pose);
        match pose {
            Some(pose) => {
                let angles = [pose.yaw_deg, pose.pitch_deg, pose.roll_deg];
                cells.extend(angles.map(|angle| number(angle, 2)));
            }
            None => cells.extend(POSE.map(|_| Cell::Empty)),
        }
        match &face.second {
            Some(second) => {
                let values = second.raw.0.iter().chain(second.smoothed.0.iter());
                cells.extend(values.map(|value| number(*value, 4)));
                cells.push(Cell::Text(second.label.name().into()));
            }
            None => cells.extend(vec![Cell::Empty; 2 * face.raw.labels().len() + 1]),
        }
        cells.push(Cell::whole(self.second_model.map(|model| model as u64)));
        cells
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let probabilities = |kind: &str| {
            let mut values = PerLabel::new(fields.labels);
            for (value, label) in values.iter_mut().zip(fields.labels.names()) {
                *value = fields.get(&format!("{kind}{label}"))?;
            }
            Ok::<_, String>(Probabilities(values))
        };
        let smoothed = probabilities(SMOOTHED)?;
        // Somebody may have edited the table.
        let label = |column: &str, smoothed: &Probabilities| {
            let name = fields.find(column);
            let label = name.and_then(|name| fields.labels.find(name));
            label.unwrap_or_else(|| smoothed.top().0)
        };
        let second = match (
            optional(fields, SECOND_RAW)?,
            optional(fields, SECOND_SMOOTHED)?,
        ) {
            (Some(raw), Some(smoothed)) => Some(FaceValues {
                raw,
                smoothed,
                label: label("second_label", &smoothed),
            }),
            _ => None,
        };
        Ok(Self {
            frame: fields.get("frame")?,
            time: fields.get("pts_90k")?,
            face: FaceAnalysis {
                track: TrackId(fields.get("track")?),
                number: fields.get("track")?,
                score: fields.get("score")?,
                box_in_frame: BoundingBox::new(
                    fields.get("x")?,
                    fields.get("y")?,
                    fields.get("width")?,
                    fields.get("height")?,
                ),
                unseen_for: fields.duration("unseen_s")?,
                raw: probabilities(RAW)?,
                smoothed,
                label: label("label", &smoothed),
                corrected: match optional(fields, CORRECTED)? {
                    None => None,
                    Some(probabilities) => Some(Corrected {
                        probabilities,
                        pose: corrected_pose(fields)?,
                    }),
                },
                second,
                shape: shape(fields)?,
            },
            model: fields.get("model")?,
            second_model: match fields.find("second_model") {
                None => None,
                Some(_) => fields.optional("second_model")?,
            },
            detect_time: fields.optional("detect_ms")?.map(from_milliseconds),
            classify_time: fields.optional("classify_ms")?.map(from_milliseconds),
            file: file(fields),
        })
    }
}

/// Probabilities that not every row has; `None` if one is empty, or missing, as in sessions from before there were any.
fn optional(fields: &Fields<'_>, kind: &str) -> Result<Option<Probabilities>, String> {
    let mut values = PerLabel::new(fields.labels);
    for (value, label) in values.iter_mut().zip(fields.labels.names()) {
        let name = format!("{kind}{label}");
        if fields.find(&name).is_none_or(str::is_empty) {
            return Ok(None);
        }
        *value = fields.get(&name)?;
    }
    Ok(Some(Probabilities(values)))
}

/// The corrected pose; `None` if an angle is empty, as without a mesh, or missing, as in sessions from before there was one.
fn corrected_pose(fields: &Fields<'_>) -> Result<Option<HeadPose>, String> {
    let angle = |name: &str| {
        let name = format!("{CORRECTED}{name}");
        match fields.find(&name) {
            None => Ok(None),
            Some(_) => fields.optional(&name),
        }
    };
    let [yaw, pitch, roll] = POSE.map(angle);
    let (Some(yaw_deg), Some(pitch_deg), Some(roll_deg)) = (yaw?, pitch?, roll?) else {
        return Ok(None);
    };
    Ok(Some(HeadPose {
        yaw_deg,
        pitch_deg,
        roll_deg,
    }))
}

/// The mesh's numbers; `None` if one is empty, as without a mesh, or missing, as in sessions from before there was one.
fn shape(fields: &Fields<'_>) -> Result<Option<FaceShape>, String> {
    let mut shape = FaceShape::default();
    for measure in &FaceShape::MEASURES {
        if fields.find(measure.name).is_none() {
            return Ok(None);
        }
        let Some(value) = fields.optional(measure.name)? else {
            return Ok(None);
        };
        (measure.set)(&mut shape, value);
    }
    Ok(Some(shape))
}
