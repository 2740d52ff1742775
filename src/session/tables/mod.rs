//! The rows of a session's tables: frames, faces and events.

mod lines;

use std::time::Duration;

pub use self::lines::{Column, Fields, Lines, Row, read};
use crate::{
    bounding_box::BoundingBox,
    detect::FaceShape,
    expression::{Expression, Probabilities},
    time::TICKS_PER_SECOND,
};

/// Whether a frame has a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStatus {
    /// It was analysed; without faces, there were none.
    Analysed,
    /// There was no time to analyse it, or that failed: nothing is known about its faces.
    Skipped,
}

/// A captured frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameRow {
    /// Number of the row, from 0; joins the tables.
    pub frame: u64,
    /// When it was captured, since the recording's first frame, in ticks of 1/90,000 s.
    pub pts_90k: u64,
    /// When it was captured, s since 1970 (UTC).
    pub unix_s: f64,
    /// The source's own time of it, s: for a file, where in the file it stands.
    pub source_s: f64,
    /// Whether it was analysed.
    pub status: FrameStatus,
    /// Its number in the video, from 0 in each part; `None` if it is not in it.
    pub video_frame: Option<u64>,
    /// Number of faces; `None` if it was not analysed.
    pub n_faces: Option<u64>,
    /// Time from capture to result; `None` if it was not analysed.
    pub latency: Option<Duration>,
}

/// A face of an analysed frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceRow {
    /// The frame's number in `frames.csv`.
    pub frame: u64,
    /// The frame's time, as there.
    pub pts_90k: u64,
    /// Identity across frames, from 1; never used again within a session.
    pub track: u64,
    /// The detector's score.
    pub score: f32,
    /// Where, in pixels of the source's picture, never mirrored; may reach outside.
    pub box_in_frame: BoundingBox,
    /// How long ago the face was last really found; zero if in this frame.
    pub unseen_for: Duration,
    /// Probabilities of this frame alone.
    pub raw: Probabilities,
    /// Probabilities smoothed over time, as shown on the screen.
    pub smoothed: Probabilities,
    /// Position of the network in `session.json`'s `models`.
    pub model: usize,
    /// Time spent on finding all faces of the frame.
    pub detect_time: Duration,
    /// Time spent on reading all their expressions.
    pub classify_time: Duration,
    /// What the face mesh said when the face was last found, if it lay on it.
    pub shape: Option<FaceShape>,
}

impl FaceRow {
    /// The expression that was shown: the most probable after smoothing.
    pub fn label(&self) -> Expression {
        self.smoothed.top().0
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The recording began.
    Started,
    /// The user set a mark; the detail is the note.
    Marker,
    /// The user paused the recording.
    Paused,
    /// The user went on.
    Resumed,
    /// Another network is in force; the detail is its name.
    Checkpoint,
    /// The camera is gone; the detail says why.
    SourceLost,
    /// The camera is back.
    SourceBack,
    /// A new part of the video begins, because the picture has another size; the detail is the file.
    Part,
    /// Faces in the video are covered from here on, or not any longer; the detail says which.
    Privacy,
    /// Somebody closed the eyes for a moment; the detail says which face and for how long.
    Blink,
    /// Something was set otherwise from here on that changes the values; the detail says what.
    Settings,
    /// Frames came faster than they could be written; the detail is how many are missing.
    Refused,
    /// Something that stopped nothing.
    Warning,
    /// Something that ended the recording.
    Error,
    /// The recording ended; the detail says why.
    Stopped,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 15] = [
        Self::Started,
        Self::Marker,
        Self::Paused,
        Self::Resumed,
        Self::Checkpoint,
        Self::SourceLost,
        Self::SourceBack,
        Self::Part,
        Self::Privacy,
        Self::Blink,
        Self::Settings,
        Self::Refused,
        Self::Warning,
        Self::Error,
        Self::Stopped,
    ];

    /// The word for it in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Marker => "marker",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Checkpoint => "checkpoint",
            Self::SourceLost => "source_lost",
            Self::SourceBack => "source_back",
            Self::Part => "part",
            Self::Privacy => "privacy",
            Self::Blink => "blink",
            Self::Settings => "settings",
            Self::Refused => "refused",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Stopped => "stopped",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// When, since the recording's first frame, in ticks of 1/90,000 s.
    pub pts_90k: u64,
    /// When, s since 1970 (UTC).
    pub unix_s: f64,
    /// What.
    pub kind: EventKind,
    /// The rest, in words.
    pub detail: String,
}

/// Ticks of a time.
pub fn ticks(time: Duration) -> u64 {
    let ticks = (time.as_nanos() * u128::from(TICKS_PER_SECOND) + 500_000_000) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Seconds of ticks.
pub fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

impl Row for FrameRow {
    const FILE: &'static str = "frames.csv";

    fn columns() -> Vec<Column> {
        [
            ("frame", "", "Number of the captured frame, from 0; joins the tables."),
            ("t_s", "s", "When it was captured, since the first frame, by a clock that never jumps."),
            ("pts_90k", "1/90000 s", "The same, exactly as in the video."),
            ("unix_s", "s", "The same as seconds since 1970 (UTC)."),
            ("source_s", "s", "The source's own time; for a file, where in the file the frame stands."),
            ("status", "", "analysed, or skipped when there was no time for it: then nothing is known about its faces."),
            ("video_frame", "", "Number of the picture in its part of the video, from 0; empty if it is not in the video."),
            ("n_faces", "", "Number of faces; empty if the frame was not analysed."),
            ("latency_ms", "ms", "From capture to result; empty if the frame was not analysed."),
        ]
        .map(column)
        .to_vec()
    }

    fn fields(&self) -> Vec<String> {
        let status = match self.status {
            FrameStatus::Analysed => "analysed",
            FrameStatus::Skipped => "skipped",
        };
        vec![
            self.frame.to_string(),
            format!("{:.6}", seconds(self.pts_90k)),
            self.pts_90k.to_string(),
            format!("{:.6}", self.unix_s),
            format!("{:.6}", self.source_s),
            status.to_owned(),
            self.video_frame.map(|n| n.to_string()).unwrap_or_default(),
            self.n_faces.map(|n| n.to_string()).unwrap_or_default(),
            self.latency.map(milliseconds).unwrap_or_default(),
        ]
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self {
            frame: fields.get("frame")?,
            pts_90k: fields.get("pts_90k")?,
            unix_s: fields.get("unix_s")?,
            source_s: fields.get("source_s")?,
            status: match fields.text("status")? {
                "analysed" => FrameStatus::Analysed,
                "skipped" => FrameStatus::Skipped,
                other => {
                    return Err(format!(
                        "status is “{other}”, but must be analysed or skipped"
                    ));
                }
            },
            video_frame: fields.optional("video_frame")?,
            n_faces: fields.optional("n_faces")?,
            latency: fields.optional("latency_ms")?.map(from_milliseconds),
        })
    }
}

impl Row for FaceRow {
    const FILE: &'static str = "faces.csv";

    fn columns() -> Vec<Column> {
        let mut columns = [
            ("frame", "", "The frame's number in frames.csv."),
            ("t_s", "s", "The frame's time, as there."),
            ("pts_90k", "1/90000 s", "The frame's time, as there."),
            ("track", "", "Identity of the face across frames, from 1; never used again."),
            ("score", "", "How clear the face is: 0 to 1 with the face mesh; with rustface alone its score, about 2 (doubtful) to 30 and more (clear)."),
            ("x", "px", "Left edge of the face's box in the source's picture, never mirrored; may lie outside."),
            ("y", "px", "Top edge of the box."),
            ("width", "px", "Width of the box."),
            ("height", "px", "Height of the box."),
            ("unseen_s", "s", "How long ago the face was last really found; 0 if in this frame, else the box is presumed."),
        ]
        .map(column)
        .to_vec();
        for (kind, what) in [
            ("raw", "in this frame alone"),
            ("smoothed", "smoothed over time, as shown"),
        ] {
            columns.extend(Expression::ALL.map(|expression| Column {
                name: format!("{kind}_{expression}"),
                unit: "",
                description: format!("Probability of {expression} {what}, 0 to 1."),
            }));
        }
        columns.extend(
            [
                ("label", "", "The largest of the smoothed probabilities."),
                (
                    "model",
                    "",
                    "Position of the network in session.json's models, from 0.",
                ),
                (
                    "detect_ms",
                    "ms",
                    "Time spent on finding the frame's faces.",
                ),
                (
                    "classify_ms",
                    "ms",
                    "Time spent on reading their expressions.",
                ),
            ]
            .map(column),
        );
        columns.extend(FaceShape::MEASURES.map(|measure| Column {
            name: measure.name.to_owned(),
            unit: measure.unit,
            description: measure.description.to_owned(),
        }));
        columns.push(column((
            "turned_away",
            "",
            "1 if the head is turned too far for the expression to mean much, else 0; empty without a face mesh.",
        )));
        columns
    }

    fn fields(&self) -> Vec<String> {
        let edges = self.box_in_frame;
        let mut fields = vec![
            self.frame.to_string(),
            format!("{:.6}", seconds(self.pts_90k)),
            self.pts_90k.to_string(),
            self.track.to_string(),
            format!("{:.2}", self.score),
        ];
        let edges = [edges.x, edges.y, edges.width, edges.height];
        fields.extend(edges.map(|edge| format!("{edge:.2}")));
        fields.push(format!("{:.3}", self.unseen_for.as_secs_f64()));
        let probabilities = self.raw.0.into_iter().chain(self.smoothed.0);
        fields.extend(probabilities.map(|value| format!("{value:.4}")));
        fields.extend([
            self.label().name().to_owned(),
            self.model.to_string(),
            milliseconds(self.detect_time),
            milliseconds(self.classify_time),
        ]);
        fields.extend(FaceShape::MEASURES.iter().map(|measure| {
            let value = self.shape.as_ref().map(measure.get);
            let decimals = measure.decimals;
            value.map_or_else(String::new, |value| format!("{value:.decimals$}"))
        }));
        let turned_away = self.shape.map(|shape| shape.pose.is_turned_away());
        fields.push(turned_away.map_or_else(String::new, |is| u8::from(is).to_string()));
        fields
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let probabilities = |kind: &str| {
            let mut values = Probabilities::default();
            for expression in Expression::ALL {
                values.0[expression.index()] = fields.get(&format!("{kind}_{expression}"))?;
            }
            Ok::<_, String>(values)
        };
        Ok(Self {
            frame: fields.get("frame")?,
            pts_90k: fields.get("pts_90k")?,
            track: fields.get("track")?,
            score: fields.get("score")?,
            box_in_frame: BoundingBox::new(
                fields.get("x")?,
                fields.get("y")?,
                fields.get("width")?,
                fields.get("height")?,
            ),
            unseen_for: fields.duration("unseen_s")?,
            raw: probabilities("raw")?,
            smoothed: probabilities("smoothed")?,
            model: fields.get("model")?,
            detect_time: from_milliseconds(fields.get("detect_ms")?),
            classify_time: from_milliseconds(fields.get("classify_ms")?),
            shape: shape(fields)?,
        })
    }
}

/// The mesh's numbers; `None` if one is empty, as without a mesh, or missing, as in sessions from before there was one.
fn shape(fields: &Fields<'_>) -> Result<Option<FaceShape>, String> {
    let mut shape = FaceShape::default();
    for measure in &FaceShape::MEASURES {
        if fields.text(measure.name).is_err() {
            return Ok(None);
        }
        let Some(value) = fields.optional(measure.name)? else {
            return Ok(None);
        };
        (measure.set)(&mut shape, value);
    }
    Ok(Some(shape))
}

impl Row for EventRow {
    const FILE: &'static str = "events.csv";

    fn columns() -> Vec<Column> {
        let kinds = EventKind::ALL.map(EventKind::name).join(", ");
        let mut columns = [
            ("t_s", "s", "When, since the first frame."),
            ("pts_90k", "1/90000 s", "The same, exactly."),
            ("unix_s", "s", "The same as seconds since 1970 (UTC)."),
            ("event", "", ""),
            (
                "detail",
                "",
                "The note of a marker, the name of a network, a reason, …",
            ),
        ]
        .map(column)
        .to_vec();
        columns[3].description = format!("One of {kinds}.");
        columns
    }

    fn fields(&self) -> Vec<String> {
        vec![
            format!("{:.6}", seconds(self.pts_90k)),
            self.pts_90k.to_string(),
            format!("{:.6}", self.unix_s),
            self.kind.name().to_owned(),
            self.detail.clone(),
        ]
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let name = fields.text("event")?;
        let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
        Ok(Self {
            pts_90k: fields.get("pts_90k")?,
            unix_s: fields.get("unix_s")?,
            kind: kind.ok_or_else(|| format!("“{name}” is no event of this version of fervis"))?,
            detail: fields.text("detail")?.to_owned(),
        })
    }
}

fn column((name, unit, description): (&str, &'static str, &str)) -> Column {
    Column {
        name: name.to_owned(),
        unit,
        description: description.to_owned(),
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

fn from_milliseconds(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
