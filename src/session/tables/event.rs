//! A row of `events.csv`: something that happened.

use super::{
    SECOND_DECIMALS, column,
    lines::{Cell, Column, Fields, Kind, Row},
};
use crate::{expression::Labels, time::Ticks};

named! {
    /// What an event is about.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum EventKind {
        /// The recording began.
        Started = "started",
        /// The user set a marker; the detail is the note.
        Marker = "marker",
        /// The user paused the recording.
        Paused = "paused",
        /// The user resumed the recording.
        Resumed = "resumed",
        /// Another network is in use; the detail is its name.
        Checkpoint = "checkpoint",
        /// The camera is gone; the detail says why.
        SourceLost = "source_lost",
        /// The camera is back.
        SourceBack = "source_back",
        /// A new part of the video begins, because the frames have another size; the detail is the part and the size.
        Part = "part",
        /// Faces in the video are covered from here on, or no longer; the detail says which.
        Privacy = "privacy",
        /// Somebody closed the eyes for a moment; the detail says which face and for how long.
        Blink = "blink",
        /// A setting that changes the values was changed; the detail says which.
        Settings = "settings",
        /// Frames came faster than they could be written; the detail is how many were dropped.
        Refused = "refused",
        /// Something went wrong, and the recording continued.
        Warning = "warning",
        /// Something went wrong and ended the recording.
        Error = "error",
        /// The recording ended; the detail says why.
        Stopped = "stopped",
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// When.
    pub time: Ticks,
    /// When, s since 1970 (UTC).
    pub unix_s: f64,
    /// What.
    pub kind: EventKind,
    /// The rest, in words.
    pub detail: String,
}

impl Row for EventRow {
    const FILE: &'static str = "events.csv";

    fn columns(_: Labels) -> Vec<Column> {
        use Kind::{Double, Text, Whole};
        let kinds = EventKind::ALL.map(EventKind::name).join(", ");
        vec![
            column(("time_s", Double, "s", "When, since the first frame.")),
            column(("pts_90k", Whole, "1/90000 s", "The same, exactly.")),
            column((
                "unix_s",
                Double,
                "s",
                "The same as seconds since 1970 (UTC).",
            )),
            column(("event", Text, "", format!("One of {kinds}."))),
            column((
                "detail",
                Text,
                "",
                "The note of a marker, the name of a network, a reason, …",
            )),
        ]
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        vec![
            Cell::Number(self.time.as_secs_f64(), SECOND_DECIMALS),
            Cell::Whole(self.time.0),
            Cell::Number(self.unix_s, SECOND_DECIMALS),
            Cell::Text(self.kind.name().into()),
            Cell::Text(self.detail.as_str().into()),
        ]
    }

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let name = fields.text("event")?;
        Ok(Self {
            time: fields.get("pts_90k")?,
            unix_s: fields.get("unix_s")?,
            kind: EventKind::from_name(name)
                .ok_or_else(|| format!("“{name}” is no event of this version of fervis"))?,
            detail: fields.text("detail")?.to_owned(),
        })
    }
}
