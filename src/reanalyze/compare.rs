//! How far two networks agree about the same faces.
//!
//! The label is the expression with the largest smoothed probability, as shown. Agreement counts faces in frames.
//! Cohen's kappa (1960) corrects it for chance: 0 is what two raters with these label frequencies agree on by chance, 1
//! is full agreement. Shares are of time; see `session::timeline`.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    expression::{Expression, N_EXPRESSIONS},
    session::{Session, tables::FaceRow},
};

/// Two networks' results for some faces. Figures that are undefined, because there is no face, are `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Number of faces, counted in every frame.
    pub n_faces: u64,
    /// The share of them with the same label, 0 to 1.
    pub agreement: Option<f64>,
    /// Cohen's kappa; `null` also where it is undefined because both gave the same label to all faces.
    pub kappa: Option<f64>,
    /// Each expression, in FER-2013's order.
    pub classes: Vec<ClassComparison>,
    /// Numbers of faces by label before (rows) and after (columns), in FER-2013's order.
    pub confusion: [[u64; N_EXPRESSIONS]; N_EXPRESSIONS],
}

/// Two networks' results for some faces and one expression.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassComparison {
    /// The expression.
    pub expression: Expression,
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

/// Compares a session with new rows for its faces. Presumed faces and those without a new row are ignored.
pub(super) fn compare(session: &Session, after: &[FaceRow]) -> (Comparison, Vec<TrackComparison>) {
    let after: HashMap<(u64, u64), &FaceRow> = after
        .iter()
        .map(|row| ((row.frame, row.face.track.0), row))
        .collect();
    let mut overall = Sums::default();
    let mut tracks = Vec::new();
    for track in session.face_tracks() {
        let mut sums = Sums::default();
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

#[derive(Default)]
struct Sums {
    n: u64,
    confusion: [[u64; N_EXPRESSIONS]; N_EXPRESSIONS],
    seconds: f64,
    seconds_before: [f64; N_EXPRESSIONS],
    seconds_after: [f64; N_EXPRESSIONS],
    change: [f64; N_EXPRESSIONS],
    change_raw: [f64; N_EXPRESSIONS],
}

impl Sums {
    fn add(&mut self, before: &FaceRow, after: &FaceRow, seconds: f64) {
        let (from, to) = (before.label().index(), after.label().index());
        self.n += 1;
        self.confusion[from][to] += 1;
        self.seconds += seconds;
        self.seconds_before[from] += seconds;
        self.seconds_after[to] += seconds;
        for class in 0..N_EXPRESSIONS {
            let change = |a: f32, b: f32| f64::from((a - b).abs());
            self.change[class] +=
                change(before.face.smoothed.0[class], after.face.smoothed.0[class]);
            self.change_raw[class] += change(before.face.raw.0[class], after.face.raw.0[class]);
        }
    }

    fn comparison(&self) -> Comparison {
        let n_before = |class: usize| self.confusion[class].iter().sum::<u64>();
        let n_after = |class: usize| self.confusion.iter().map(|row| row[class]).sum::<u64>();
        let n_same: u64 = (0..N_EXPRESSIONS)
            .map(|class| self.confusion[class][class])
            .sum();
        let n = self.n as f64;
        let agreement = share(n_same as f64, n);
        let by_chance: f64 = (0..N_EXPRESSIONS)
            .map(|class| n_before(class) as f64 * n_after(class) as f64)
            .sum();
        let kappa = agreement.and_then(|agreement| {
            let by_chance = by_chance / (n * n);
            share(agreement - by_chance, 1.0 - by_chance)
        });
        let classes = Expression::ALL.map(|expression| {
            let class = expression.index();
            ClassComparison {
                expression,
                n_before: n_before(class),
                n_after: n_after(class),
                agreement: share(self.confusion[class][class] as f64, n_before(class) as f64),
                share_before: share(self.seconds_before[class], self.seconds),
                share_after: share(self.seconds_after[class], self.seconds),
                mean_change: share(self.change[class], n),
                mean_change_raw: share(self.change_raw[class], n),
            }
        });
        Comparison {
            n_faces: self.n,
            agreement,
            kappa,
            classes: classes.to_vec(),
            confusion: self.confusion,
        }
    }
}

/// `part` of `whole`; `None` if `whole` is 0.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
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
                }
                now
            })
            .collect();
        let (overall, tracks) = compare(&session, &after);
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
        let (overall, tracks) = compare(&nobody(), &[]);
        assert_eq!(
            (overall.n_faces, overall.agreement, overall.kappa),
            (0, None, None)
        );
        assert_eq!(tracks, []);
        let session = two_people();
        let (overall, tracks) = compare(&session, &[]);
        assert_eq!((overall.n_faces, tracks.len()), (0, 2), "no pictures");
    }

    #[test]
    fn kappa_is_undefined_for_one_label() {
        let mut session = two_people();
        session
            .faces
            .retain(|face| face.label() == Expression::Happy);
        let (overall, _) = compare(&session, &session.faces.clone());
        assert_eq!((overall.agreement, overall.kappa), (Some(1.0), None));
    }
}
