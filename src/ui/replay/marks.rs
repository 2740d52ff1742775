//! The events of a session as marks in time, with their labels.

use std::time::Duration;

use egui::{Color32, Theme};

use super::loaded_session::LoadedSession;
use crate::{
    session::tables::{EventKind, EventRow},
    time::clock,
    ui::colors,
};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventMark {
    /// Its time since the session's first frame.
    pub time: Duration,
    /// Its kind.
    pub kind: EventKind,
    /// Its label: the note of a marker, or the kind with its detail.
    pub text: String,
}

impl EventMark {
    /// Time and label in one line.
    pub fn line(&self) -> String {
        format!("{:.1}  {}", clock(self.time), self.text)
    }
}

/// All marks of a session, in order of time.
pub fn marks(loaded: &LoadedSession) -> Vec<EventMark> {
    let mark = |event: &EventRow| EventMark {
        time: event.time.into(),
        kind: event.kind,
        text: label(event),
    };
    // There are several blinks a minute, which would bury markers and errors.
    let events = loaded.session.events.iter();
    events
        .filter(|event| event.kind != EventKind::Blink)
        .map(mark)
        .collect()
}

/// Markers and trouble stand out; the rest is weak.
pub fn color(kind: EventKind, theme: Theme) -> Color32 {
    let palette = colors::palette(theme);
    match kind {
        EventKind::Marker => palette.accent,
        EventKind::Error => palette.error,
        EventKind::SourceLost | EventKind::Refused | EventKind::Warning => palette.warning,
        _ => palette.weak_text,
    }
}

fn label(event: &EventRow) -> String {
    let detail = event.detail.trim();
    let kind = match event.kind {
        EventKind::Marker if !detail.is_empty() => return detail.to_owned(),
        EventKind::Marker => "Marker",
        EventKind::Started => "Recording started",
        EventKind::Stopped if detail == "stopped" => return "Recording stopped".to_owned(),
        EventKind::Stopped => "Recording stopped",
        EventKind::Paused => "Paused",
        EventKind::Resumed => "Resumed",
        EventKind::Checkpoint => "Network",
        EventKind::SourceLost => "Camera lost",
        EventKind::SourceBack => "Camera back",
        EventKind::Part => "New video part",
        EventKind::Privacy => "Privacy",
        EventKind::Blink => "Blink",
        EventKind::Settings => "Settings",
        EventKind::Refused => "Frames dropped",
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
    fn events_have_labels() {
        let text = |kind, detail: &str| {
            label(&EventRow {
                time: Default::default(),
                unix_s: 0.0,
                kind,
                detail: detail.to_owned(),
            })
        };
        assert_eq!(text(EventKind::Marker, "smile task"), "smile task");
        assert_eq!(text(EventKind::Marker, " "), "Marker");
        assert_eq!(text(EventKind::Stopped, ""), "Recording stopped");
        assert_eq!(text(EventKind::Stopped, "stopped"), "Recording stopped");
        assert_eq!(text(EventKind::Refused, "12"), "Frames dropped: 12");
        for kind in EventKind::ALL {
            assert!(!text(kind, "").contains('_'), "a label for {kind:?}");
        }
    }
}
