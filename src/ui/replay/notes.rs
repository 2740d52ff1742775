//! What is being said about the open session: its annotations while they are changed, with a way back.

use std::time::Duration;

use crate::{
    session::{
        annotations::{Annotations, Place},
        tables::{AnnotationKind, AnnotationRow, EventRow},
    },
    time::Ticks,
};

/// How many changes can be taken back.
const MAX_UNDO: usize = 100;

/// The annotations of the open session.
#[derive(Debug, Default)]
pub struct Notes {
    now: Annotations,
    before: Vec<Annotations>,
    /// Where an excluded span has begun that has no end yet.
    excluding_from: Option<Duration>,
}

/// How a span of time is excluded: by its beginning, then by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excluding {
    /// It begins here.
    Begun(Duration),
    /// It is excluded.
    Done(Duration, Duration),
    /// It had no length.
    Canceled,
}

impl Notes {
    /// The annotations that were read with a session.
    pub fn new(annotations: Annotations) -> Self {
        Self {
            now: annotations,
            ..Self::default()
        }
    }

    /// The annotations as they are now.
    pub fn annotations(&self) -> &Annotations {
        &self.now
    }

    /// Where an excluded span has begun that has no end yet.
    pub fn excluding_from(&self) -> Option<Duration> {
        self.excluding_from
    }

    /// Adds a marker.
    pub fn add_marker(&mut self, time: Duration, text: String) {
        self.change(|now| now.add_marker(time.into(), text));
    }

    /// Begins an excluded span at a time, or ends the one that has begun.
    pub fn exclude(&mut self, time: Duration) -> Excluding {
        let Some(from) = self.excluding_from.take() else {
            self.excluding_from = Some(time);
            return Excluding::Begun(time);
        };
        let (start, end) = (from.min(time), from.max(time));
        if Ticks::from(start) == Ticks::from(end) {
            return Excluding::Canceled;
        }
        self.change(|now| now.exclude(start.into()..end.into(), String::new()));
        Excluding::Done(start, end)
    }

    /// Changes a marker or a span.
    pub fn set(&mut self, place: Place, to: AnnotationRow) {
        self.change(|now| now.change(place, to));
    }

    /// Moves a marker to a time, or a span so that it begins there.
    pub fn move_to(&mut self, place: Place, time: Duration, recorded: &[EventRow]) {
        let Some(mut row) = self.now.at(place, recorded) else {
            return;
        };
        let time = Ticks::from(time);
        if row.kind == AnnotationKind::Excluded {
            let length = row.end.unwrap_or(row.time).saturating_sub(row.time);
            row.end = Some(time.saturating_add(length));
        }
        row.time = time;
        self.set(place, row);
    }

    /// Removes a marker or a span.
    pub fn remove(&mut self, place: Place, recorded: &[EventRow]) {
        self.change(|now| now.remove(place, recorded));
    }

    /// Takes the latest change back; `false` if there is none.
    pub fn undo(&mut self) -> bool {
        if self.excluding_from.take().is_some() {
            return true;
        }
        match self.before.pop() {
            Some(before) => {
                self.now = before;
                true
            }
            None => false,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Annotations)) {
        let before = self.now.clone();
        change(&mut self.now);
        if self.now == before {
            return;
        }
        if self.before.len() == MAX_UNDO {
            self.before.remove(0);
        }
        self.before.push(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn spans_are_excluded_by_two_presses_in_any_order() {
        let mut notes = Notes::default();
        assert_eq!(notes.exclude(SECOND * 5), Excluding::Begun(SECOND * 5));
        assert_eq!(
            notes.exclude(SECOND * 2),
            Excluding::Done(SECOND * 2, SECOND * 5)
        );
        notes.exclude(SECOND);
        assert_eq!(notes.exclude(SECOND), Excluding::Canceled);
        let [(span, place)] = &notes.annotations().excluded()[..] else {
            panic!();
        };
        assert_eq!(span.time, Ticks(180_000)..Ticks(450_000));
        notes.move_to(*place, SECOND * 10, &[]);
        let (span, _) = &notes.annotations().excluded()[0];
        assert_eq!(span.time, Ticks(900_000)..Ticks(1_170_000));
    }

    #[test]
    fn changes_are_taken_back_one_by_one() {
        let mut notes = Notes::default();
        notes.add_marker(SECOND, "a".to_owned());
        notes.add_marker(SECOND * 2, "b".to_owned());
        notes.remove(Place::Annotation(0), &[]);
        let n_markers = |notes: &Notes| notes.annotations().events(&[], 0.0).len();
        assert_eq!(n_markers(&notes), 1);
        assert!(notes.undo());
        assert_eq!(n_markers(&notes), 2);
        notes.exclude(SECOND);
        assert!(notes.undo() && notes.excluding_from().is_none());
        assert_eq!(n_markers(&notes), 2, "only the begun span is forgotten");
        assert!(notes.undo() && notes.undo() && !notes.undo());
        assert!(notes.annotations().is_empty());
    }
}
