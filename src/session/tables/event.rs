//! A row of `events.csv`: something that happened.

use super::{
    SECOND_DECIMALS, column,
    lines::{Cell, Column, Fields, Kind, Row},
};
use crate::{expression::Labels, pipeline::markers::Sent, time::Ticks};

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
    /// The other program that set it, if it is a marker from one.
    pub sent: Option<Sent>,
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
            column((
                "sender",
                Text,
                "",
                "How a marker came from another program: websocket or osc; empty for everything else.",
            )),
            column((
                "sender_s",
                Double,
                "s",
                "The time of such a marker by the sender's own clock, as it came; empty if it sent none.",
            )),
        ]
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        let sent = self.sent.as_ref();
        let sender_s = sent.and_then(|sent| sent.time_s);
        vec![
            Cell::Number(self.time.as_secs_f64(), SECOND_DECIMALS),
            Cell::Whole(self.time.0),
            Cell::Number(self.unix_s, SECOND_DECIMALS),
            Cell::Text(self.kind.name().into()),
            Cell::Text(self.detail.as_str().into()),
            Cell::text(sent.map(|sent| sent.sender.as_str())),
            sender_s.map_or(Cell::Empty, |time_s| Cell::Number(time_s, SECOND_DECIMALS)),
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
            sent: sent(fields)?,
        })
    }
}

/// The sender; sessions from before there were any have no such columns.
fn sent(fields: &Fields<'_>) -> Result<Option<Sent>, String> {
    let sender = fields.find("sender").unwrap_or_default();
    if sender.is_empty() {
        return Ok(None);
    }
    Ok(Some(Sent {
        sender: sender.to_owned(),
        time_s: match fields.find("sender_s") {
            None => None,
            Some(_) => fields.optional("sender_s")?,
        },
    }))
}
