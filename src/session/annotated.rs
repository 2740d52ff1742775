//! A session with what was said about it afterward: the one place that applies annotations.

use std::ops::Range;

use super::{
    reader::{LeftOut, Session},
    tables::EventKind,
};
use crate::time::Ticks;

impl Session {
    /// The session with its annotations applied: markers are as they are now, and what was captured in an excluded span is
    /// left out. For exports and summaries; what has been recorded is in [`Session::open`]'s.
    #[must_use]
    pub fn annotated(mut self) -> Self {
        if self.annotations.is_empty() {
            return self;
        }
        let zero_unix_s = self.manifest.clock.zero_unix_s;
        let events = self.annotations.events(&self.events, zero_unix_s);
        self.events = events.into_iter().map(|(event, _)| event).collect();
        let excluded = self.annotations.excluded();
        let usual_interval = self.frame_spans().usual_interval();
        self.left_out = LeftOut {
            spans: excluded.into_iter().map(|(span, _)| span).collect(),
            usual_interval: Some(usual_interval),
        };
        let spans = self.left_out.spans.iter();
        let spans = merged(spans.map(|excluded| excluded.time.clone()));
        let counts = |time: &Ticks| {
            let after = spans.partition_point(|span| span.start <= *time);
            let span = after.checked_sub(1).and_then(|at| spans.get(at));
            span.is_none_or(|span| !span.contains(time))
        };
        self.frames.retain(|row| counts(&row.time));
        self.faces.retain(|row| counts(&row.time));
        // Blinks are read from faces, too.
        self.events
            .retain(|row| row.kind != EventKind::Blink || counts(&row.time));
        self
    }
}

/// Spans in order of their beginnings, as spans that do not overlap.
fn merged(spans: impl Iterator<Item = Range<Ticks>>) -> Vec<Range<Ticks>> {
    let mut merged: Vec<Range<Ticks>> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{
        annotations::{Annotations, Place},
        fixtures::{ODD_NOTE, two_people},
        tables::EventRow,
    };

    fn markers(session: &Session) -> Vec<(u64, String)> {
        let is_marker = |event: &&EventRow| event.kind == EventKind::Marker;
        let events = session.events.iter().filter(is_marker);
        events
            .map(|event| (event.time.as_millis(), event.detail.clone()))
            .collect()
    }

    /// Of [`two_people`], the place of its only marker.
    const RECORDED: Place = Place::Recorded(1);

    #[test]
    fn recorded_markers_are_changed_and_removed_beside_the_recording() {
        let mut session = two_people();
        let recorded = session.events.clone();
        let mut all = Annotations::default();
        all.add_marker(Ticks::from_millis(900), "new".to_owned());
        let mut changed = all.at(RECORDED, &recorded).unwrap();
        assert_eq!(changed.detail, ODD_NOTE);
        changed.time = Ticks::from_millis(1000);
        changed.detail = "later".to_owned();
        all.change(RECORDED, changed);
        session.annotations = all.clone();
        let annotated = session.clone().annotated();
        assert_eq!(
            markers(&annotated),
            [(900, "new".to_owned()), (1000, "later".to_owned())]
        );
        let later = annotated.events.iter().find(|e| e.detail == "later");
        let moved_s = later.unwrap().unix_s - recorded[1].unix_s;
        assert!((moved_s - 0.65).abs() < 1e-6, "{moved_s}");
        // The changed one is removed: the recorded one does not come back.
        let events = all.events(&recorded, 0.0);
        let place = |detail: &str| {
            let found = events.iter().find(|(event, _)| event.detail == detail);
            found.unwrap().1.unwrap()
        };
        let (later, new) = (place("later"), place("new"));
        all.remove(later, &recorded);
        session.annotations = all.clone();
        assert_eq!(
            markers(&session.clone().annotated()),
            [(900, "new".to_owned())]
        );
        all.remove(new, &recorded);
        session.annotations = all;
        assert_eq!(markers(&session.clone().annotated()), []);
        assert_eq!(session.events, recorded);
    }

    #[test]
    fn excluded_spans_count_for_nothing() {
        let mut session = two_people();
        let span = Ticks::from_millis(450)..Ticks::from_millis(950);
        session
            .annotations
            .exclude(span.clone(), "looked away".to_owned());
        let annotated = session.annotated();
        assert!(annotated.frames.iter().all(|row| !span.contains(&row.time)));
        assert_eq!(annotated.frames.len(), 11);
        // The frame before the span ends with its beginning, and the face was seen for 0.45 s, 0.2 s and 0.4 s.
        let spans = annotated.frame_spans();
        assert_eq!(spans.end_of(4).unwrap().as_millis(), 450);
        let tracks = annotated.face_tracks();
        assert!(
            (tracks[0].seen_s() - 1.05).abs() < 1e-6,
            "{}",
            tracks[0].seen_s()
        );
        assert!(!tracks[0].spans[5].continues);
    }
}
