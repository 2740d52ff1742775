//! How far two networks agree about the same faces.
//!
//! Two networks with different labels are compared by those that both have (see [`Labels::like`]): faces that one of them
//! gives another label are left out.
//!
//! The label is the one that is shown. Agreement counts faces in frames.
//! Cohen's kappa (1960) corrects it for chance: 0 is what two raters with these label frequencies agree on by chance, 1
//! is full agreement. Shares are of time; see `session::timeline`.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    expression::{Label, Labels, Probabilities},
    session::{Session, tables::FaceRow},
};

/// Two networks' results for some faces. Figures that are undefined, because there is no face, are `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Number of faces, counted in every frame. Both networks gave each a label that both have.
    pub n_faces: u64,
    /// Number of further faces, which one of the networks gave a label that the other does not have. Absent if 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub n_other: u64,
    /// The share of `n_faces` with the same label, 0 to 1.
    pub agreement: Option<f64>,
    /// Cohen's kappa; `null` also where it is undefined because both gave the same label to all faces.
    pub kappa: Option<f64>,
    /// Each label that both networks have, in the session's order.
    pub classes: Vec<ClassComparison>,
    /// Numbers of faces by label before (rows) and after (columns), in the order of `classes`.
    pub confusion: Vec<Vec<u64>>,
}

/// Two networks' results for some faces and one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassComparison {
    /// The label, as the session has it.
    #[serde(rename = "expression")]
    pub label: Label,
    /// Faces with this label before.
    pub n_before: u64,
    /// Faces with this label after.
    pub n_after: u64,
    /// The share of `n_before` that still has it, 0 to 1.
    pub agreement: Option<f64>,
    /// Share of time with this label before, 0 to 1.
    pub share_before: Option<f64>,
    /// Share of time with this label after, 0 to 1.
    pub share_after: Option<f64>,
    /// Mean absolute change of the smoothed probability, 0 to 1.
    pub mean_change: Option<f64>,
    /// Mean absolute change of the probability in each frame alone, 0 to 1.
    pub mean_change_raw: Option<f64>,
}

/// Two networks' results for one track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackComparison {
    /// Its number.
    pub track: u64,
    /// The comparison.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Compares a session with new rows for its faces, from a network with `labels`. Presumed faces and those without a new
/// row are ignored.
pub(super) fn compare(
    session: &Session,
    after: &[FaceRow],
    labels: Labels,
) -> (Comparison, Vec<TrackComparison>) {
    let after: HashMap<(u64, u64), &FaceRow> = after
        .iter()
        .map(|row| ((row.frame, row.face.track.0), row))
        .collect();
    let shared = session.labels().shared_with(labels);
    let mut overall = Sums::new(&shared);
    let mut tracks = Vec::new();
    for track in session.face_tracks() {
        let mut sums = Sums::new(&shared);
        for span in track.spans.iter().filter(|span| span.row.is_found()) {
            let before = span.row;
            if let Some(after) = after.get(&(before.frame, track.number)) {
                for sums in [&mut sums, &mut overall] {
                    sums.add(before, after, span.duration_s());
                }
            }
        }
        tracks.push(TrackComparison {
            track: track.number,
            comparison: sums.comparison(),
        });
    }
    (overall.comparison(), tracks)
}

/// What is summed up about one label.
#[derive(Clone, Default)]
struct LabelSums {
    seconds_before: f64,
    seconds_after: f64,
    change: f64,
    change_raw: f64,
}

struct Sums<'a> {
    /// Each label that both networks have: as it is before, and as it is after.
    shared: &'a [(Label, Label)],
    n: u64,
    n_other: u64,
    confusion: Vec<Vec<u64>>,
    seconds: f64,
    labels: Vec<LabelSums>,
}

impl<'a> Sums<'a> {
    fn new(shared: &'a [(Label, Label)]) -> Self {
        Self {
            shared,
            n: 0,
            n_other: 0,
            confusion: vec![vec![0; shared.len()]; shared.len()],
            seconds: 0.0,
            labels: vec![LabelSums::default(); shared.len()],
        }
    }

    fn add(&mut self, before: &FaceRow, after: &FaceRow, seconds: f64) {
        let mut shared = self.shared.iter();
        let from = shared.position(|(label, _)| *label == before.label());
        let mut shared = self.shared.iter();
        let to = shared.position(|(_, label)| *label == after.label());
        let (Some(from), Some(to)) = (from, to) else {
            self.n_other += 1;
            return;
        };
        self.n += 1;
        self.confusion[from][to] += 1;
        self.seconds += seconds;
        self.labels[from].seconds_before += seconds;
        self.labels[to].seconds_after += seconds;
        for (sums, (label_before, label_after)) in self.labels.iter_mut().zip(self.shared) {
            let change = |before: &Probabilities, after: &Probabilities| {
                f64::from((before.of(*label_before) - after.of(*label_after)).abs())
            };
            sums.change += change(&before.face.smoothed, &after.face.smoothed);
            sums.change_raw += change(&before.face.raw, &after.face.raw);
        }
    }

    fn comparison(self) -> Comparison {
        let n_labels = self.shared.len();
        let n_before = |label: usize| self.confusion[label].iter().sum::<u64>();
        let n_after = |label: usize| self.confusion.iter().map(|row| row[label]).sum::<u64>();
        let n_same: u64 = (0..n_labels)
            .map(|label| self.confusion[label][label])
            .sum();
        let n = self.n as f64;
        let agreement = share(n_same as f64, n);
        let by_chance: f64 = (0..n_labels)
            .map(|label| n_before(label) as f64 * n_after(label) as f64)
            .sum();
        let kappa = agreement.and_then(|agreement| {
            let by_chance = by_chance / (n * n);
            share(agreement - by_chance, 1.0 - by_chance)
        });
        let of_label =
            |(at, (sums, (label, _))): (usize, (&LabelSums, &(Label, Label)))| ClassComparison {
                label: *label,
                n_before: n_before(at),
                n_after: n_after(at),
                agreement: share(self.confusion[at][at] as f64, n_before(at) as f64),
                share_before: share(sums.seconds_before, self.seconds),
                share_after: share(sums.seconds_after, self.seconds),
                mean_change: share(sums.change, n),
                mean_change_raw: share(sums.change_raw, n),
            };
        let labels = self.labels.iter().zip(self.shared).enumerate();
        Comparison {
            n_faces: self.n,
            n_other: self.n_other,
            agreement,
            kappa,
            classes: labels.map(of_label).collect(),
            confusion: self.confusion,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// `part` of `whole`; `None` if `whole` is 0.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expression, PerLabel};
    use crate::session::fixtures::{mostly, nobody, two_people};

    #[test]
    fn agreement_by_hand() {
        let session = two_people();
        // Track 1 has 14 faces: 12 happy and 2 neutral. Track 2 has sad, sad, (presumed), surprise.
        let after: Vec<FaceRow> = session
            .faces
            .iter()
            .map(|row| {
                let mut now = row.clone();
                if row.face.track.0 == 1 && row.frame <= 2 {
                    now.face.smoothed = mostly(Expression::Neutral);
                    now.face.label = Expression::Neutral.into();
                }
                now
            })
            .collect();
        let (overall, tracks) = compare(&session, &after, Labels::FER_2013);
        assert_eq!((overall.n_faces, tracks.len()), (17, 2));
        assert_eq!(overall.agreement, Some(14.0 / 17.0));
        // By chance: happy 12 × 9, neutral 2 × 5, sad 2 × 2, surprise 1 × 1, of 17².
        let by_chance = (108.0 + 10.0 + 4.0 + 1.0) / 289.0;
        let kappa = (14.0 / 17.0 - by_chance) / (1.0 - by_chance);
        assert!((overall.kappa.unwrap() - kappa).abs() < 1e-12);
        let first = &tracks[0].comparison;
        let happy = &first.classes[Expression::Happy.index()];
        assert_eq!((happy.n_before, happy.n_after), (12, 9));
        assert_eq!(happy.agreement, Some(0.75));
        // 1.2 s of 1.5 s, then 0.3 s less.
        assert!((happy.share_before.unwrap() - 0.8).abs() < 1e-9);
        assert!((happy.share_after.unwrap() - 0.6).abs() < 1e-9);
        // In 3 of 14 faces from 0.4 to 0.1; nothing changed in the frames alone.
        assert!((happy.mean_change.unwrap() - 0.3 * 3.0 / 14.0).abs() < 1e-6);
        assert_eq!(happy.mean_change_raw, Some(0.0));
        assert_eq!(first.confusion[3][6], 3);
        assert_eq!(first.classes[Expression::Fear.index()].agreement, None);
    }

    #[test]
    fn without_faces_the_figures_are_undefined() {
        let (overall, tracks) = compare(&nobody(), &[], Labels::FER_2013);
        assert_eq!(
            (overall.n_faces, overall.agreement, overall.kappa),
            (0, None, None)
        );
        assert_eq!(tracks, []);
        let session = two_people();
        let (overall, tracks) = compare(&session, &[], Labels::FER_2013);
        assert_eq!((overall.n_faces, tracks.len()), (0, 2), "no pictures");
    }

    #[test]
    fn kappa_is_undefined_for_one_label() {
        let mut session = two_people();
        session
            .faces
            .retain(|face| face.label() == Expression::Happy);
        let (overall, _) = compare(&session, &session.faces.clone(), Labels::FER_2013);
        assert_eq!((overall.agreement, overall.kappa), (Some(1.0), None));
    }

    /// The other network knows two of the seven expressions, one by another name, and one more label.
    #[test]
    fn labels_that_both_have_are_compared() {
        let session = two_people();
        let labels = Labels::new(&["bored", "happiness", "Neutral"]).unwrap();
        let after: Vec<FaceRow> = session
            .faces
            .iter()
            .map(|row| {
                let mut now = row.clone();
                let values = match (row.face.track.0, row.frame) {
                    (1, 0..=2) => [0.6, 0.2, 0.2],
                    (1, _) => [0.1, 0.9, 0.0],
                    _ => [0.0, 0.0, 1.0],
                };
                now.face.smoothed = Probabilities(PerLabel::from_values(labels, values));
                now.face.raw = now.face.smoothed;
                now.face.label = now.face.raw.top().0;
                now
            })
            .collect();
        let (overall, tracks) = compare(&session, &after, labels);
        let names = overall.classes.iter().map(|class| class.label.name());
        assert_eq!(names.collect::<Vec<_>>(), ["happy", "neutral"]);
        // Of 14 faces of track 1, 3 are bored now, 9 are still happy, and 2 were neutral. Track 2 was never either.
        assert_eq!((overall.n_faces, overall.n_other), (11, 6));
        assert_eq!(overall.confusion, [[9, 0], [2, 0]]);
        assert_eq!(overall.agreement, Some(9.0 / 11.0));
        let change = overall.classes[0].mean_change.unwrap();
        assert!(
            (change - (9.0 * 0.5 + 2.0 * 0.8) / 11.0).abs() < 1e-6,
            "{change}"
        );
        assert_eq!(tracks[1].comparison.agreement, None);
        let strangers = Labels::new(&["mask", "no mask"]).unwrap();
        let after = after.into_iter().map(|mut row| {
            row.face.smoothed = Probabilities(PerLabel::from_values(strangers, [1.0, 0.0]));
            row.face.label = strangers.at(0);
            row
        });
        let (overall, _) = compare(&session, &after.collect::<Vec<_>>(), strangers);
        assert_eq!(
            (overall.n_faces, overall.n_other, overall.agreement),
            (0, 17, None)
        );
    }
}
