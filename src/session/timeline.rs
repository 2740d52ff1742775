//! Rows as stretches of time: from when to when each result holds, and each face showed which expression.
//!
//! Rows are not seconds. Frames come unevenly, some are skipped, and a recording can be paused. So a result holds until
//! the next analyzed frame, which bridges single skipped ones, but for no longer than [`hold_for`] says, and neither into
//! a pause nor into an excluded span. A gap follows then, which belongs to no expression. The last result of a session holds for as long as the
//! session's frames usually last (the median). Shares and means over time are weighted by these durations.
//!
//! A face that is only presumed for a moment keeps the values of its last sighting, here as on the screen.

use std::collections::BTreeMap;

use super::{
    reader::Session,
    tables::{EventKind, EventRow, FaceRow, FrameStatus},
};
use crate::{
    expression::{Label, Labels},
    pipeline::Shown,
    time::{Ticks, hold_for},
};

/// Duration of a frame in a session with only one: a still image.
const SINGLE_FRAME: Ticks = Ticks(3_000);

/// An analyzed frame, with the time for which its result holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSpan {
    /// Its number.
    pub frame: u64,
    /// When it was captured.
    pub start: Ticks,
    /// Until when its result holds.
    pub end: Ticks,
}

/// All analyzed frames of a session, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrameSpans(Vec<FrameSpan>);

/// A face of a frame, with the time for which it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceSpan<'a> {
    /// The face; it counts from its own time on.
    pub row: &'a FaceRow,
    /// Until when it counts.
    pub end: Ticks,
    /// What was shown of it.
    pub shown: Shown,
    /// Whether it follows on the same track's span before: nothing lies between, and the network is the same.
    pub continues: bool,
}

/// Everything that was seen of one face.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceTrack<'a> {
    /// Its number.
    pub number: u64,
    /// In order of time, at least one.
    pub spans: Vec<FaceSpan<'a>>,
}

/// A stretch of time without gaps in which a face was the same: its most probable [`Label`], or what was [`Shown`] of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run<T> {
    /// The face's track.
    pub track: u64,
    /// What it was all the while.
    pub what: T,
    /// When it began.
    pub start: Ticks,
    /// When it ended.
    pub end: Ticks,
    /// Mean smoothed probability of the label, weighted by time, 0 to 1.
    pub probability: f64,
    /// Share of this time in which a label was shown: the face was neither uncertain nor turned away.
    pub named: f64,
    /// What it took the place of; `None` after a gap, or if the network changed.
    pub before: Option<T>,
}

impl FrameSpans {
    /// The frame whose result holds at a time.
    pub fn at(&self, time: Ticks) -> Option<FrameSpan> {
        let after = self.0.partition_point(|span| span.start <= time);
        let span = self.0.get(after.checked_sub(1)?)?;
        (time < span.end).then_some(*span)
    }

    /// The median interval between results.
    pub fn usual_interval(&self) -> Ticks {
        let times: Vec<Ticks> = self.0.iter().map(|span| span.start).collect();
        usual_interval(&times)
    }

    /// Until when the result of a frame holds; `None` if it has none.
    pub fn end_of(&self, frame: u64) -> Option<Ticks> {
        let at = self
            .0
            .binary_search_by_key(&frame, |span| span.frame)
            .ok()?;
        Some(self.0[at].end)
    }
}

impl FaceSpan<'_> {
    /// For how long it counts.
    pub fn duration(&self) -> Ticks {
        self.end.saturating_sub(self.row.time)
    }

    /// For how long it counts, in seconds.
    pub fn duration_s(&self) -> f64 {
        self.duration().as_secs_f64()
    }
}

impl<T> Run<T> {
    /// How long it lasted.
    pub fn duration(&self) -> Ticks {
        self.end - self.start
    }
}

impl FaceTrack<'_> {
    /// The labels of its probabilities.
    pub fn labels(&self) -> Labels {
        let first = self.spans.first();
        first.map_or_else(Labels::default, |span| span.row.face.smoothed.labels())
    }

    /// For how long the face was in view, in seconds, with the moments in which it was only presumed.
    pub fn seen_s(&self) -> f64 {
        self.spans.iter().map(FaceSpan::duration_s).sum()
    }

    /// The stretches with the same most probable label, in order of time: for computing.
    pub fn runs(&self) -> Vec<Run<Label>> {
        self.runs_of(|span| span.row.face.smoothed.top())
    }

    /// The stretches in which the same was shown, in order of time: for people who look at them.
    pub fn shown_runs(&self) -> Vec<Run<Shown>> {
        self.runs_of(|span| (span.shown, span.row.face.probability()))
    }

    fn runs_of<T: Copy + PartialEq>(
        &self,
        what: impl Fn(&FaceSpan<'_>) -> (T, f32),
    ) -> Vec<Run<T>> {
        let mut runs: Vec<Run<T>> = Vec::new();
        for span in &self.spans {
            let (what, probability) = what(span);
            let probability = f64::from(probability);
            let named = f64::from(u8::from(span.shown.is_named()));
            let last = runs.last_mut().filter(|_| span.continues);
            let before = last.as_ref().map(|run| run.what);
            if let Some(run) = last
                && run.what == what
            {
                let (old, new) = (run.duration().as_secs_f64(), span.duration_s());
                if new > 0.0 {
                    let mean = |before: f64, now: f64| (before * old + now * new) / (old + new);
                    run.probability = mean(run.probability, probability);
                    run.named = mean(run.named, named);
                }
                run.end = run.end.max(span.end);
                continue;
            }
            runs.push(Run {
                track: self.number,
                what,
                start: span.row.time,
                end: span.end,
                probability,
                named,
                before,
            });
        }
        runs
    }
}

impl Session {
    /// When the last frame ends.
    pub fn end(&self) -> Ticks {
        let Some(last) = self.frames.last() else {
            return Ticks::ZERO;
        };
        let times: Vec<Ticks> = self.frames.iter().map(|row| row.time).collect();
        last.time.saturating_add(usual_interval(&times))
    }

    /// For how long the result of each analyzed frame holds.
    pub fn frame_spans(&self) -> FrameSpans {
        let analyzed = self
            .frames
            .iter()
            .filter(|row| row.status == FrameStatus::Analyzed)
            .map(|row| (row.frame, row.time));
        // After a crash a frame's faces may be there and its own row not.
        let of_faces = self.faces.iter().map(|row| (row.frame, row.time));
        let mut starts: Vec<(u64, Ticks)> = analyzed.chain(of_faces).collect();
        starts.sort_unstable();
        starts.dedup_by_key(|(frame, _)| *frame);
        let times: Vec<Ticks> = starts.iter().map(|(_, time)| *time).collect();
        let known = self.left_out.usual_interval;
        let usual = known.unwrap_or_else(|| usual_interval(&times));
        let hold = Ticks::from(hold_for(usual.into()));
        let is_pause = |event: &&EventRow| event.kind == EventKind::Paused;
        let pauses = self.events.iter().filter(is_pause).map(|event| event.time);
        let excluded = self
            .left_out
            .spans
            .iter()
            .map(|excluded| excluded.time.start);
        let mut pauses: Vec<Ticks> = pauses.chain(excluded).collect();
        pauses.sort_unstable();
        let span = |(at, &(frame, start)): (usize, &(u64, Ticks))| {
            let pause = pauses.get(pauses.partition_point(|pause| *pause <= start));
            let longest = start.saturating_add(if at + 1 < starts.len() { hold } else { usual });
            let ends = times.get(at + 1).into_iter().chain(pause);
            FrameSpan {
                frame,
                start,
                end: ends.fold(longest, |end, other| end.min(*other)).max(start),
            }
        };
        FrameSpans(starts.iter().enumerate().map(span).collect())
    }

    /// All faces, in the order of their tracks' numbers.
    pub fn face_tracks(&self) -> Vec<FaceTrack<'_>> {
        let FrameSpans(frames) = self.frame_spans();
        let mut tracks: BTreeMap<u64, (FaceTrack<'_>, usize)> = BTreeMap::new();
        let mut at = 0;
        for row in &self.faces {
            while frames[at].frame < row.frame {
                at += 1;
            }
            let number = row.face.track.0;
            let (track, last) = tracks.entry(number).or_insert_with(|| {
                let spans = Vec::new();
                (FaceTrack { number, spans }, at)
            });
            let continues = track.spans.last().is_some_and(|before| {
                *last + 1 == at && before.end == row.time && before.row.model == row.model
            });
            *last = at;
            track.spans.push(FaceSpan {
                row,
                end: frames[at].end,
                shown: row.face.shown(self.manifest.uncertain_below(row.model)),
                continues,
            });
        }
        tracks.into_values().map(|(track, _)| track).collect()
    }
}

/// The median interval between times in order.
fn usual_interval(times: &[Ticks]) -> Ticks {
    let intervals = times.windows(2);
    let mut intervals: Vec<Ticks> = intervals
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .collect();
    intervals.sort_unstable();
    let median = intervals.get(intervals.len() / 2);
    median.copied().unwrap_or(SINGLE_FRAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;
    use crate::session::fixtures;

    /// Track, label, start and end in hundredths of a second, and the label before.
    fn runs(session: &Session) -> Vec<(u64, &'static str, u64, u64, Option<&'static str>)> {
        let tracks = session.face_tracks();
        let runs = tracks.iter().flat_map(FaceTrack::runs);
        runs.map(|run| {
            let before = run.before.map(Label::name);
            (
                run.track,
                run.what.name(),
                run.start.0 / 900,
                run.end.0 / 900,
                before,
            )
        })
        .collect()
    }

    #[test]
    fn runs_end_with_the_expression_with_the_face_and_with_what_is_known() {
        let session = fixtures::two_people();
        assert_eq!(
            runs(&session),
            [
                (1, "happy", 0, 50, None),
                // A skipped frame is bridged.
                (1, "neutral", 50, 80, Some("happy")),
                // The face was away for a frame.
                (1, "happy", 90, 120, None),
                // A pause of 3.9 s counts for nobody.
                (1, "happy", 500, 540, None),
                (2, "sad", 30, 70, None),
                (2, "surprise", 70, 80, Some("sad")),
            ]
        );
        let seen: Vec<f64> = session
            .face_tracks()
            .iter()
            .map(FaceTrack::seen_s)
            .collect();
        assert!((seen[0] - 1.5).abs() < 1e-9 && (seen[1] - 0.5).abs() < 1e-9);
    }

    #[test]
    fn another_network_begins_another_run() {
        let mut session = fixtures::two_people();
        for row in session.faces.iter_mut().filter(|row| row.frame >= 2) {
            row.model = 1;
        }
        assert_eq!(runs(&session)[0], (1, "happy", 0, 20, None));
        assert_eq!(runs(&session)[1], (1, "happy", 20, 50, None));
    }

    #[test]
    fn the_probability_is_a_mean_over_time() {
        let mut session = fixtures::two_people();
        // Frame 5 lasts 0.2 s, because frame 6 was skipped, and frame 7 lasts 0.1 s.
        let of_first = |row: &&mut FaceRow| row.face.track.0 == 1;
        for row in session.faces.iter_mut().filter(of_first) {
            row.face.smoothed.0[Expression::Neutral.index()] = match row.frame {
                5 => 0.75,
                7 => 0.9,
                _ => 0.0,
            };
        }
        let neutral = session.face_tracks()[0].runs()[1];
        assert!((neutral.probability - 0.8).abs() < 1e-6, "{neutral:?}");
    }

    #[test]
    fn what_was_shown_ends_where_a_face_is_uncertain_or_turned_away() {
        let mut session = fixtures::two_people();
        session.manifest.settings.uncertain_below = Some(0.35);
        let of_first = |row: &&mut FaceRow| row.face.track.0 == 1;
        for row in session.faces.iter_mut().filter(of_first) {
            match row.frame {
                1 => row.face.smoothed.0[Expression::Happy.index()] = 0.3,
                2 => row.face.shape = Some(fixtures::turned_away()),
                _ => {}
            }
        }
        let tracks = session.face_tracks();
        let shown: Vec<(&str, u64)> = tracks[0]
            .shown_runs()
            .iter()
            .map(|run| (run.what.word(), run.duration().as_millis()))
            .collect();
        let begin = [
            ("happy", 100),
            ("uncertain", 100),
            ("turned away", 100),
            ("happy", 200),
            ("neutral", 300),
        ];
        assert_eq!(shown[..5], begin);
        // For computing, it is one stretch, of which it is known how much was shown.
        let run = tracks[0].runs()[0];
        assert_eq!(
            (run.what.name(), run.duration().as_millis()),
            ("happy", 500)
        );
        assert!((run.named - 0.6).abs() < 1e-9, "{run:?}");
        // Of earlier sessions, no threshold is known.
        session.manifest.settings.uncertain_below = None;
        assert_eq!(
            session.face_tracks()[0].shown_runs()[0]
                .duration()
                .as_millis(),
            200
        );
    }

    #[test]
    fn slow_sources_have_longer_frames() {
        let mut session = fixtures::two_people();
        for row in &mut session.frames {
            row.time.0 *= 20;
        }
        for row in &mut session.faces {
            row.time.0 *= 20;
        }
        for event in &mut session.events {
            event.time.0 *= 20;
        }
        // A picture every 2 s; around the skipped one they are 4 s apart, which is still two intervals.
        assert_eq!(runs(&session)[0], (1, "happy", 0, 1000, None));
        assert_eq!(runs(&session)[1], (1, "neutral", 1000, 1600, Some("happy")));
    }

    #[test]
    fn whatever_is_missing_there_are_tracks() {
        let mut session = fixtures::two_people();
        session.frames.clear();
        assert_eq!(session.face_tracks().len(), 2, "the faces know their times");
        session.faces.truncate(1);
        let still = &session.face_tracks()[0];
        assert_eq!(still.spans[0].duration(), SINGLE_FRAME);
        session.faces.clear();
        assert_eq!(session.face_tracks(), []);
    }
    #[test]
    fn a_result_holds_for_half_a_second_and_not_into_a_pause() {
        let mut session = fixtures::two_people();
        let ends = |session: &Session| {
            let spans = session.frame_spans();
            [0, 5, 11, 15].map(|frame| spans.end_of(frame).unwrap().as_millis())
        };
        // Frame 6 was skipped; a pause began 0.1 s after frame 11; the session ends with frame 15.
        assert_eq!(ends(&session), [100, 700, 1200, 5400]);
        session.events.clear();
        assert_eq!(ends(&session), [100, 700, 1600, 5400]);
        let spans = session.frame_spans();
        let at = |ms| spans.at(Ticks::from_millis(ms)).map(|span| span.frame);
        assert_eq!([at(0), at(699), at(700)], [Some(0), Some(5), Some(7)]);
        assert_eq!([at(1599), at(1600), at(5400)], [Some(11), None, None]);
        assert_eq!(spans.end_of(6), None);
        assert_eq!(session.end(), Ticks::from_millis(5400));
    }
}
