//! The events of a session as marks in time, with words for people.

use std::time::Duration;

use egui::{Color32, Theme};

use super::recording::Recording;
use crate::{
    session::tables::{EventKind, EventRow},
    time::clock,
    ui::colors,
};

/// Something that happened, at its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When, since the session's first frame.
    pub time: Duration,
    /// What.
    pub kind: EventKind,
    /// What, in words: the note of a marker, or the kind with its detail.
    pub text: String,
}

impl Mark {
    /// Time and words in one line.
    pub fn line(&self) -> String {
        format!("{:.1}  {}", clock(self.time), self.text)
    }
}

/// All marks of a session, in order of time.
pub fn marks(recording: &Recording) -> Vec<Mark> {
    let mark = |event: &EventRow| Mark {
        time: event.time.into(),
        kind: event.kind,
        text: words(event),
    };
    // Blinks come several a minute, and would bury what people set and what went wrong.
    let events = recording.session.events.iter();
    events
        .filter(|event| event.kind != EventKind::Blink)
        .map(mark)
        .collect()
}

/// Markers stand out, trouble too, and the rest steps back.
pub fn color(kind: EventKind, theme: Theme) -> Color32 {
    let palette = colors::palette(theme);
    match kind {
        EventKind::Marker => palette.accent,
        EventKind::Error => palette.error,
        EventKind::SourceLost | EventKind::Refused | EventKind::Warning => palette.warning,
        _ => palette.weak_text,
    }
}

fn words(event: &EventRow) -> String {
    let detail = event.detail.trim();
    let kind = match event.kind {
        EventKind::Marker if !detail.is_empty() => return detail.to_owned(),
        EventKind::Marker => "Marker",
        EventKind::Started => "Recording began",
        EventKind::Stopped => "Recording ended",
        EventKind::Paused => "Paused",
        EventKind::Resumed => "Went on",
        EventKind::Checkpoint => "Network",
        EventKind::SourceLost => "Camera lost",
        EventKind::SourceBack => "Camera back",
        EventKind::Part => "New part of the video",
        EventKind::Privacy => "Privacy",
        EventKind::Blink => "Blink",
        EventKind::Settings => "Settings",
        EventKind::Refused => "Frames missing",
        EventKind::Warning => "Warning",
        EventKind::Error => "Error",
    };
    if detail.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}: {detail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_words() {
        let text = |kind, detail: &str| {
            words(&EventRow {
                time: Default::default(),
                unix_s: 0.0,
                kind,
                detail: detail.to_owned(),
            })
        };
        assert_eq!(text(EventKind::Marker, "smile task"), "smile task");
        assert_eq!(text(EventKind::Marker, " "), "Marker");
        assert_eq!(text(EventKind::Stopped, ""), "Recording ended");
        assert_eq!(text(EventKind::Refused, "12"), "Frames missing: 12");
        for kind in EventKind::ALL {
            assert!(!text(kind, "").contains('_'), "a word for {kind:?}");
        }
    }
}
