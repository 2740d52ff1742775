//! Faces as stretches of time: from when to when each showed which expression.
//!
//! What a newcomer would get wrong: rows are not seconds. Frames come unevenly, some are skipped, and a recording can be
//! paused. So a row counts for as long as its frame lasts, which is until the next analysed one. Single skipped frames
//! are bridged that way. Where the next analysed frame is more than [`LONGEST_FRAME_90K`] away, nobody knows what
//! happened meanwhile: the row then counts for as long as a frame of this session usually lasts (the median), and a gap
//! follows that belongs to no expression. Shares and means over time are weighted by these durations.
//!
//! A face that is only presumed for a moment keeps the values of its last sighting, here as on the screen.

use std::collections::BTreeMap;

use super::{
    reader::Session,
    tables::{FaceRow, FrameStatus, seconds},
};
use crate::expression::Expression;

/// A frame never lasts longer than this, in ticks: half a second. Expressions that last come and go within half a
/// second to four (Ekman 2003), so what was seen before a longer gap says little about it. A source that gives fewer
/// than four pictures a second is given two of its usual intervals instead.
pub const LONGEST_FRAME_90K: u64 = 45_000;

/// How long a frame lasts if nothing else tells: that of a still picture, in ticks.
const SINGLE_FRAME_90K: u64 = 3_000;

/// A face of a frame with the time for which it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Appearance<'a> {
    /// The face; it counts from its own time on.
    pub face: &'a FaceRow,
    /// Until when it counts, in ticks since the first frame.
    pub end_90k: u64,
    /// Whether it follows on the same track's appearance before: nothing lies between, and the network is the same.
    pub continues: bool,
}

impl Appearance<'_> {
    /// For how long it counts, in ticks.
    pub fn duration_90k(&self) -> u64 {
        self.end_90k.saturating_sub(self.face.pts_90k)
    }

    /// For how long it counts, in seconds.
    pub fn duration_s(&self) -> f64 {
        seconds(self.duration_90k())
    }
}

/// Everything that was seen of one face.
#[derive(Debug, Clone, PartialEq)]
pub struct Track<'a> {
    /// Its number.
    pub number: u64,
    /// In order of time, at least one.
    pub appearances: Vec<Appearance<'a>>,
}

/// A stretch of time without gaps in which a face showed one expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// The face's track.
    pub track: u64,
    /// The largest of its smoothed probabilities all the while.
    pub label: Expression,
    /// When it began, in ticks since the first frame.
    pub start_90k: u64,
    /// When it ended, in ticks.
    pub end_90k: u64,
    /// Mean smoothed probability of the label, weighted by time, 0 to 1.
    pub probability: f64,
    /// The expression that it took the place of; `None` after a gap, or if another network came into force.
    pub before: Option<Expression>,
}

impl Run {
    /// How long it lasted, in ticks.
    pub fn duration_90k(&self) -> u64 {
        self.end_90k - self.start_90k
    }
}

impl Track<'_> {
    /// For how long the face was in the picture, in seconds, with the moments in which it was only presumed.
    pub fn seen_s(&self) -> f64 {
        self.appearances.iter().map(Appearance::duration_s).sum()
    }

    /// The stretches of equal expression, in order of time.
    pub fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for appearance in &self.appearances {
            let face = appearance.face;
            let (label, probability) = face.smoothed.top();
            let probability = f64::from(probability);
            let last = runs.last_mut().filter(|_| appearance.continues);
            let before = last.as_ref().map(|run| run.label);
            if let Some(run) = last
                && run.label == label
            {
                let (old, new) = (run.duration_90k() as f64, appearance.duration_90k() as f64);
                if new > 0.0 {
                    run.probability = (run.probability * old + probability * new) / (old + new);
                }
                run.end_90k = run.end_90k.max(appearance.end_90k);
                continue;
            }
            runs.push(Run {
                track: self.number,
                label,
                start_90k: face.pts_90k,
                end_90k: appearance.end_90k,
                probability,
                before,
            });
        }
        runs
    }
}

/// The tracks of a session, in the order of their numbers.
pub fn tracks(session: &Session) -> Vec<Track<'_>> {
    let frames = analysed_frames(session);
    let mut tracks: BTreeMap<u64, (Track<'_>, usize)> = BTreeMap::new();
    let mut at = 0;
    for face in &session.faces {
        while frames[at].number < face.frame {
            at += 1;
        }
        let appearance = Appearance {
            face,
            end_90k: frames[at].end_90k,
            continues: false,
        };
        let (track, last) = tracks.entry(face.track).or_insert_with(|| {
            let track = Track {
                number: face.track,
                appearances: Vec::new(),
            };
            (track, at)
        });
        let continues = track.appearances.last().is_some_and(|before| {
            *last + 1 == at && before.end_90k == face.pts_90k && before.face.model == face.model
        });
        *last = at;
        track.appearances.push(Appearance {
            continues,
            ..appearance
        });
    }
    tracks.into_values().map(|(track, _)| track).collect()
}

/// A frame whose faces are known.
struct AnalysedFrame {
    number: u64,
    end_90k: u64,
}

fn analysed_frames(session: &Session) -> Vec<AnalysedFrame> {
    let analysed = session
        .frames
        .iter()
        .filter(|row| row.status == FrameStatus::Analysed)
        .map(|row| (row.frame, row.pts_90k));
    // After a crash a frame's faces may be there and its own row not.
    let of_faces = session.faces.iter().map(|face| (face.frame, face.pts_90k));
    let mut starts: Vec<(u64, u64)> = analysed.chain(of_faces).collect();
    starts.sort_unstable();
    starts.dedup_by_key(|(number, _)| *number);

    let gap_after = |at: usize| {
        let (_, next) = starts.get(at + 1)?;
        Some(next.saturating_sub(starts[at].1))
    };
    let mut gaps: Vec<u64> = (0..starts.len()).filter_map(gap_after).collect();
    gaps.sort_unstable();
    let usual = gaps
        .get(gaps.len() / 2)
        .copied()
        .unwrap_or(SINGLE_FRAME_90K);
    let longest = LONGEST_FRAME_90K.max(2 * usual);
    (0..starts.len())
        .map(|at| {
            let (number, start_90k) = starts[at];
            let lasts = gap_after(at).filter(|&gap| gap <= longest).unwrap_or(usual);
            AnalysedFrame {
                number,
                end_90k: start_90k + lasts,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixtures;

    /// Track, label, start and end in hundredths of a second, and the label before.
    fn runs(session: &Session) -> Vec<(u64, &'static str, u64, u64, Option<&'static str>)> {
        let tracks = tracks(session);
        let runs = tracks.iter().flat_map(Track::runs);
        runs.map(|run| {
            let before = run.before.map(Expression::name);
            (
                run.track,
                run.label.name(),
                run.start_90k / 900,
                run.end_90k / 900,
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
        let seen: Vec<f64> = tracks(&session).iter().map(Track::seen_s).collect();
        assert!((seen[0] - 1.5).abs() < 1e-9 && (seen[1] - 0.5).abs() < 1e-9);
    }

    #[test]
    fn another_network_begins_another_run() {
        let mut session = fixtures::two_people();
        for face in session.faces.iter_mut().filter(|face| face.frame >= 2) {
            face.model = 1;
        }
        assert_eq!(runs(&session)[0], (1, "happy", 0, 20, None));
        assert_eq!(runs(&session)[1], (1, "happy", 20, 50, None));
    }

    #[test]
    fn the_probability_is_a_mean_over_time() {
        let mut session = fixtures::two_people();
        // Frame 5 lasts 0.2 s, because frame 6 was skipped, and frame 7 lasts 0.1 s.
        for face in session.faces.iter_mut().filter(|face| face.track == 1) {
            face.smoothed.0[Expression::Neutral.index()] = match face.frame {
                5 => 0.75,
                7 => 0.9,
                _ => 0.0,
            };
        }
        let neutral = tracks(&session)[0].runs()[1];
        assert!((neutral.probability - 0.8).abs() < 1e-6, "{neutral:?}");
    }

    #[test]
    fn slow_sources_have_longer_frames() {
        let mut session = fixtures::two_people();
        for row in &mut session.frames {
            row.pts_90k *= 20;
        }
        for face in &mut session.faces {
            face.pts_90k *= 20;
        }
        // A picture every 2 s; around the skipped one they are 4 s apart, which is still two intervals.
        assert_eq!(runs(&session)[0], (1, "happy", 0, 1000, None));
        assert_eq!(runs(&session)[1], (1, "neutral", 1000, 1600, Some("happy")));
    }

    #[test]
    fn whatever_is_missing_there_are_tracks() {
        let mut session = fixtures::two_people();
        session.frames.clear();
        assert_eq!(tracks(&session).len(), 2, "the faces know their times");
        session.faces.truncate(1);
        let still = &tracks(&session)[0];
        assert_eq!(still.appearances[0].duration_90k(), SINGLE_FRAME_90K);
        session.faces.clear();
        assert_eq!(tracks(&session), []);
    }
}
