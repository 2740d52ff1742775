//! A row of `annotations.csv`: what somebody says about a session after it was recorded.

use super::{
    SECOND_DECIMALS, column,
    lines::{Cell, Column, Fields, Kind, Row},
};
use crate::{expression::Labels, time::Ticks};

named! {
    /// What an annotation is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum AnnotationKind {
        /// A marker: a new one, or what a recorded one is now.
        Marker = "marker",
        /// A recorded marker counts no longer.
        Removed = "removed",
        /// A span of time counts no longer.
        Excluded = "excluded",
    }
}

/// An annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationRow {
    /// What it is.
    pub kind: AnnotationKind,
    /// When, or since when.
    pub time: Ticks,
    /// Until when, if it is a span; never before `time`.
    pub end: Option<Ticks>,
    /// The time of the recorded marker in whose place it stands, if there is one.
    pub recorded: Option<Ticks>,
    /// The marker's note, or why the span is excluded.
    pub detail: String,
}

impl Row for AnnotationRow {
    const FILE: &'static str = "annotations.csv";

    fn columns(_: Labels) -> Vec<Column> {
        use Kind::{Double, Text, Whole};
        let kinds = AnnotationKind::ALL.map(AnnotationKind::name).join(", ");
        let kinds = format!("One of {kinds}.");
        vec![
            column((
                "time_s",
                Double,
                "s",
                "When, or since when, since the first frame.",
            )),
            column(("pts_90k", Whole, "1/90000 s", "The same, exactly.")),
            column(("end_s", Double, "s", "Until when; empty if it is no span.")),
            column(("end_pts_90k", Whole, "1/90000 s", "The same, exactly.")),
            column(("annotation", Text, "", kinds)),
            column((
                "detail",
                Text,
                "",
                "The note of a marker, or why a span is excluded.",
            )),
            column((
                "recorded_pts_90k",
                Whole,
                "1/90000 s",
                "The time in events.csv of the marker in whose place it stands; empty if there is none.",
            )),
        ]
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        let seconds = |time: Ticks| Cell::Number(time.as_secs_f64(), SECOND_DECIMALS);
        vec![
            seconds(self.time),
            Cell::Whole(self.time.0),
            self.end.map_or(Cell::Empty, seconds),
            Cell::whole(self.end.map(|end| end.0)),
            Cell::Text(self.kind.name().into()),
            Cell::Text(self.detail.as_str().into()),
            Cell::whole(self.recorded.map(|time| time.0)),
        ]
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let name = fields.text("annotation")?;
        let kind = AnnotationKind::from_name(name)
            .ok_or_else(|| format!("“{name}” is no annotation of this version of fervis"))?;
        let row = Self {
            kind,
            time: fields.get("pts_90k")?,
            end: fields.optional("end_pts_90k")?,
            recorded: fields.optional("recorded_pts_90k")?,
            detail: fields.text("detail")?.to_owned(),
        };
        match (kind, row.end, row.recorded) {
            (AnnotationKind::Excluded, None, _) => Err("an excluded span has no end".to_owned()),
            (AnnotationKind::Excluded, Some(end), _) if end < row.time => {
                Err("an excluded span ends before it begins".to_owned())
            }
            (AnnotationKind::Removed, _, None) => {
                Err("it does not say which marker is removed".to_owned())
            }
            _ => Ok(row),
        }
    }
}
