//! The events of a session as marks in time, with their labels: what was recorded, and what was said about it afterward.

use std::time::Duration;

use egui::{Color32, Theme};

use super::loaded_session::LoadedSession;
use crate::{
    session::{
        annotations::{Annotations, Place},
        tables::{EventKind, EventRow},
    },
    time::clock,
    ui::{colors, words::text},
};

/// An event, or a span of time that does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct EventMark {
    /// Its time since the session's first frame.
    pub time: Duration,
    /// Its end, if it is a span.
    pub end: Option<Duration>,
    /// Its kind; `None` for a span that does not count.
    pub kind: Option<EventKind>,
    /// Its label: the note of a marker, or the kind with its detail.
    pub text: String,
    /// Where it can be changed, if it can.
    pub place: Option<Place>,
}

impl EventMark {
    /// Time and label in one line.
    pub fn line(&self) -> String {
        format!("{:.1}  {}", clock(self.time), self.text)
    }
}

/// All marks of a session with these annotations, in order of time.
pub fn marks(loaded: &LoadedSession, annotations: &Annotations) -> Vec<EventMark> {
    let session = &loaded.session;
    let zero_unix_s = session.manifest.clock.zero_unix_s;
    // There are several blinks a minute, which would bury markers and errors.
    let events = annotations.events(&session.events, zero_unix_s).into_iter();
    let events = events.filter(|(event, _)| event.kind != EventKind::Blink);
    let events = events.map(|(event, place)| EventMark {
        time: event.time.into(),
        end: None,
        kind: Some(event.kind),
        text: label(&event),
        place,
    });
    let spans = annotations.excluded().into_iter();
    let spans = spans.map(|(span, place)| {
        let end = Duration::from(span.time.end);
        let text = text!("event-excluded", time = format!("{:.1}", clock(end)));
        let text = with_detail(text, &span.detail);
        EventMark {
            time: span.time.start.into(),
            end: Some(end),
            kind: None,
            text,
            place: Some(place),
        }
    });
    let mut marks: Vec<EventMark> = events.chain(spans).collect();
    marks.sort_by_key(|mark| mark.time);
    marks
}

/// Markers and trouble stand out; the rest is weak.
pub fn color(kind: Option<EventKind>, theme: Theme) -> Color32 {
    let palette = colors::palette(theme);
    match kind {
        Some(EventKind::Marker) => palette.accent,
        Some(EventKind::Error) => palette.error,
        Some(EventKind::SourceLost | EventKind::Refused | EventKind::Warning) => palette.warning,
        _ => palette.weak_text,
    }
}

fn label(event: &EventRow) -> String {
    let detail = event.detail.trim();
    let kind = match event.kind {
        EventKind::Marker if !detail.is_empty() => return detail.to_owned(),
        EventKind::Marker => text!("marker"),
        EventKind::Started => text!("event-started"),
        EventKind::Stopped if detail == "stopped" => return text!("event-stopped").to_owned(),
        EventKind::Stopped => text!("event-stopped"),
        EventKind::Paused => text!("event-paused"),
        EventKind::Resumed => text!("event-resumed"),
        EventKind::Checkpoint => text!("event-checkpoint"),
        EventKind::SourceLost => text!("event-source-lost"),
        EventKind::SourceBack => text!("event-source-back"),
        EventKind::Part => text!("event-part"),
        EventKind::Privacy => text!("event-privacy"),
        EventKind::Blink => text!("event-blink"),
        EventKind::Settings => text!("event-settings"),
        EventKind::Refused => text!("event-refused"),
        EventKind::Warning => text!("severity-warning"),
        EventKind::Error => text!("severity-error"),
    };
    with_detail(kind.to_owned(), detail)
}

fn with_detail(event: String, detail: &str) -> String {
    match detail.is_empty() {
        true => event,
        false => text!("event-detail", event = event, detail = detail),
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
                sent: None,
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
