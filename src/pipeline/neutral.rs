//! A person's resting face, and values corrected by it.
//!
//! Some faces look sad or angry at rest. Over three seconds of a resting face this learns how much: for each label the mean
//! logarithm of its smoothed probability. From then on corrected values stand beside the raw ones:
//!
//! ```text
//! corrected = softmax(ln p − b)
//! b(label)   = max(0, mean ln p(label) − ln 0.1/(n − 1))     for every label but neutral
//! b(neutral) = min(0, mean ln p(neutral) − ln 0.9)
//! ```
//!
//! with the smoothed probabilities p, raised to 1e-5, and n labels. So the resting face itself reads as at least 90 %
//! neutral, what exceeded that at rest is taken off wherever it shows up later, and nothing is added to labels that were
//! quiet at rest: that would amplify noise. Smoothing works on logarithms too, so smoothing first or correcting first is the
//! same. The corrected pose is the pose less the mean pose at rest.
//!
//! A baseline belongs to a face's track. If one face alone was learned and one face alone is in view, it is taken for the
//! same person, so that a participant who leaves the frame for a moment keeps the baseline.

use std::{collections::HashMap, time::Duration};

use super::FaceAnalysis;
use crate::{
    detect::{HeadPose, TrackId},
    expression::{Expression, Label, Labels, Logits, PerLabel, Probabilities},
};

/// How long a resting face is watched.
pub const LEARN_FOR: Duration = Duration::from_secs(3);
/// Results of a face within that time, without which it is not learned. The slowest computers give two a second.
const MIN_RESULTS: u32 = 5;
/// The probability of neutral that a resting face is to have.
const AT_REST: f32 = 0.9;
/// Smaller probabilities are raised to this, as in the smoothing.
const FLOOR: f32 = 1e-5;

/// What was learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The numbers of the faces, each with its mean pose at rest if it had a face mesh.
    pub faces: Vec<(u64, Option<HeadPose>)>,
}

/// Values of a face corrected by the person's resting face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corrected {
    /// The smoothed probabilities, corrected.
    pub probabilities: Probabilities,
    /// How the head is turned from how it was at rest, if the face had a mesh both times.
    pub pose: Option<HeadPose>,
}

/// A resting face.
#[derive(Debug, Clone, Copy)]
struct Baseline {
    /// What is taken off the logarithms.
    logs: Logits,
    pose: Option<HeadPose>,
}

/// The baselines of one source's faces.
#[derive(Debug, Default)]
pub(super) struct Neutral {
    baselines: HashMap<TrackId, Baseline>,
    learning: Option<Learning>,
}

#[derive(Debug, Default)]
struct Learning {
    since: Option<Duration>,
    sums: HashMap<TrackId, Sums>,
}

#[derive(Debug)]
struct Sums {
    /// The face's number.
    number: u64,
    logs: PerLabel<f64>,
    n: u32,
    pose: [f64; 3],
    n_poses: u32,
}

impl Neutral {
    /// Begins to learn the resting faces of everybody in view.
    pub fn begin(&mut self) {
        self.learning = Some(Learning::default());
    }

    /// Forgets all baselines: nothing is corrected any more. Returns whether there were any.
    pub fn clear(&mut self) -> bool {
        self.learning = None;
        let were_any = !self.baselines.is_empty();
        self.baselines.clear();
        were_any
    }

    /// Corrects the faces of a frame at media time `time`, and learns from them. Returns what was learned, once it is.
    pub fn see(&mut self, time: Duration, faces: &mut [FaceAnalysis]) -> Option<Learned> {
        let learned = self.learn(time, faces);
        let alone = match (faces.len(), self.baselines.len()) {
            (1, 1) => self.baselines.values().next().copied(),
            _ => None,
        };
        for face in faces {
            let baseline = self.baselines.get(&face.track).copied().or(alone);
            let baseline = baseline.filter(|b| b.logs.0.labels() == face.smoothed.labels());
            face.corrected = baseline.map(|baseline| corrected(face, &baseline));
        }
        learned
    }

    fn learn(&mut self, time: Duration, faces: &[FaceAnalysis]) -> Option<Learned> {
        let learning = self.learning.as_mut()?;
        let since = *learning.since.get_or_insert(time);
        // A seek back begins again.
        let elapsed = time.checked_sub(since).unwrap_or_else(|| {
            *learning = Learning {
                since: Some(time),
                ..Learning::default()
            };
            Duration::ZERO
        });
        let seen = faces.iter();
        let seen = seen.filter(|face| face.unseen_for.is_zero() && !face.is_turned_away());
        for face in seen {
            let sums = learning.sums.entry(face.track).or_insert_with(|| Sums {
                number: face.number,
                logs: PerLabel::new(face.smoothed.labels()),
                n: 0,
                pose: [0.0; 3],
                n_poses: 0,
            });
            if sums.logs.labels() == face.smoothed.labels() {
                sums.add(face);
            }
        }
        if elapsed < LEARN_FOR {
            return None;
        }
        let sums = self.learning.take()?.sums;
        let mut learned = Learned { faces: Vec::new() };
        let mut tracks = Vec::new();
        for (track, sums) in sums {
            let Some(baseline) = sums.baseline() else {
                continue;
            };
            self.baselines.insert(track, baseline);
            tracks.push(track);
            learned.faces.push((sums.number, baseline.pose));
        }
        learned.faces.sort_by_key(|(number, _)| *number);
        // Baselines of faces that have left would never be used again, and one of several never stands for all.
        if !tracks.is_empty() {
            self.baselines.retain(|track, _| tracks.contains(track));
        }
        Some(learned)
    }
}

impl Sums {
    fn add(&mut self, face: &FaceAnalysis) {
        for (sum, probability) in self.logs.iter_mut().zip(face.smoothed.0.iter()) {
            *sum += f64::from(probability.max(FLOOR).ln());
        }
        self.n += 1;
        // A recording that begins meanwhile gives it another one.
        self.number = face.number;
        if let Some(shape) = &face.shape {
            let pose = shape.pose;
            let angles = [pose.yaw_deg, pose.pitch_deg, pose.roll_deg];
            for (sum, angle) in self.pose.iter_mut().zip(angles) {
                *sum += f64::from(angle);
            }
            self.n_poses += 1;
        }
    }

    /// The resting face; `None` if it was hardly seen, or there is no label for neutral.
    fn baseline(&self) -> Option<Baseline> {
        let labels = self.logs.labels();
        let neutral = neutral_of(labels)?;
        if self.n < MIN_RESULTS {
            return None;
        }
        let other = ((1.0 - AT_REST) / (labels.len() - 1) as f32).ln();
        let mut baseline = PerLabel::new(labels);
        for (label, sum) in self.logs.by_label() {
            let mean = (sum / f64::from(self.n)) as f32;
            baseline[label.index()] = if label == neutral {
                (mean - AT_REST.ln()).min(0.0)
            } else {
                (mean - other).max(0.0)
            };
        }
        Some(Baseline {
            logs: Logits(baseline),
            pose: self.pose(),
        })
    }

    fn pose(&self) -> Option<HeadPose> {
        if self.n_poses == 0 {
            return None;
        }
        let mean = |sum: f64| (sum / f64::from(self.n_poses)) as f32;
        let [yaw_deg, pitch_deg, roll_deg] = self.pose.map(mean);
        Some(HeadPose {
            yaw_deg,
            pitch_deg,
            roll_deg,
        })
    }
}

/// The label for a resting face.
pub(super) fn neutral_of(labels: Labels) -> Option<Label> {
    labels.like(Expression::Neutral.into())
}

/// A face's values corrected by a baseline.
fn corrected(face: &FaceAnalysis, baseline: &Baseline) -> Corrected {
    let mut logits = Logits(face.smoothed.0.map(|p| p.max(FLOOR).ln()));
    for (logit, off) in logits.0.iter_mut().zip(baseline.logs.0.iter()) {
        *logit -= off;
    }
    let pose = face.shape.map(|shape| shape.pose).zip(baseline.pose);
    Corrected {
        probabilities: logits.softmax(1.0),
        pose: pose.map(|(now, rest)| HeadPose {
            yaw_deg: now.yaw_deg - rest.yaw_deg,
            pitch_deg: now.pitch_deg - rest.pitch_deg,
            roll_deg: now.roll_deg - rest.roll_deg,
        }),
    }
}

impl Learned {
    /// What was learned, as an event of a recording says it.
    pub fn words(&self) -> String {
        let faces = self.faces.iter().map(|(number, pose)| match pose {
            Some(pose) => format!(
                "face {number} (yaw {:.1}, pitch {:.1}, roll {:.1})",
                pose.yaw_deg, pose.pitch_deg, pose.roll_deg
            ),
            None => format!("face {number}"),
        });
        let faces: Vec<String> = faces.collect();
        match faces[..] {
            [] => "neutral not set: no face was seen for three seconds".to_owned(),
            _ => format!("neutral set for {}", faces.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bounding_box::BoundingBox, detect::FaceShape, expression::N_EXPRESSIONS};

    fn face(track: u64, values: [f32; N_EXPRESSIONS]) -> FaceAnalysis {
        let probabilities = Probabilities::from(values);
        FaceAnalysis {
            track: TrackId(track),
            number: track,
            box_in_frame: BoundingBox::new(0.0, 0.0, 50.0, 50.0),
            score: 1.0,
            unseen_for: Duration::ZERO,
            shape: None,
            raw: probabilities,
            smoothed: probabilities,
            label: probabilities.top().0,
            corrected: None,
            second: None,
        }
    }

    /// A face that looks sad at rest: sad 0.6, neutral 0.3.
    const AT_REST_SAD: [f32; N_EXPRESSIONS] = [0.02, 0.02, 0.02, 0.02, 0.6, 0.02, 0.3];
    /// The same person, sad.
    const SAD: [f32; N_EXPRESSIONS] = [0.004, 0.004, 0.004, 0.004, 0.98, 0.002, 0.002];

    fn learned(tracks: &[u64]) -> Neutral {
        let mut neutral = Neutral::default();
        neutral.begin();
        for at in 0..=30 {
            let time = Duration::from_millis(100 * at);
            let mut faces: Vec<_> = tracks.iter().map(|t| face(*t, AT_REST_SAD)).collect();
            let learned = neutral.see(time, &mut faces);
            assert_eq!(learned.is_some(), at == 30);
        }
        neutral
    }

    fn corrected_at(
        neutral: &mut Neutral,
        faces: &mut [FaceAnalysis],
    ) -> Vec<Option<Probabilities>> {
        neutral.see(Duration::from_secs(9), faces);
        let corrected = |face: &FaceAnalysis| face.corrected.map(|values| values.probabilities);
        faces.iter().map(corrected).collect()
    }

    #[test]
    fn a_resting_face_becomes_neutral_and_a_change_still_shows() {
        let mut neutral = learned(&[1]);
        let rest = corrected_at(&mut neutral, &mut [face(1, AT_REST_SAD)])[0].unwrap();
        assert!(rest.of(Expression::Neutral) >= 0.89, "{rest:?}");
        assert!((rest.0.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let sad = corrected_at(&mut neutral, &mut [face(1, SAD)])[0].unwrap();
        assert_eq!(sad.top().0, Expression::Sad);
        // A label that was quiet at rest is not made louder.
        let surprised = [0.01, 0.01, 0.01, 0.01, 0.01, 0.94, 0.01];
        let surprised = corrected_at(&mut neutral, &mut [face(1, surprised)])[0].unwrap();
        assert!(surprised.of(Expression::Surprise) <= 0.95);
    }

    #[test]
    fn the_pose_at_rest_is_taken_off() {
        let turned = |yaw_deg: f32| {
            let mut face = face(1, AT_REST_SAD);
            let mut shape = FaceShape::default();
            shape.pose.yaw_deg = yaw_deg;
            face.shape = Some(shape);
            face
        };
        let mut neutral = Neutral::default();
        neutral.begin();
        for at in 0..=30 {
            let yaw_deg = if at % 2 == 0 { 8.0 } else { 12.0 };
            neutral.see(Duration::from_millis(100 * at), &mut [turned(yaw_deg)]);
        }
        let pose_of = |neutral: &mut Neutral, face: FaceAnalysis| {
            let mut faces = [face];
            neutral.see(Duration::from_secs(9), &mut faces);
            faces[0].corrected.unwrap().pose
        };
        let pose = pose_of(&mut neutral, turned(-5.0)).unwrap();
        assert!((pose.yaw_deg + 15.0).abs() < 0.1, "{pose:?}");
        assert_eq!(pose_of(&mut neutral, face(1, SAD)), None, "without a mesh");
    }

    #[test]
    fn a_person_who_is_alone_keeps_the_baseline() {
        let mut neutral = learned(&[1]);
        let again = corrected_at(&mut neutral, &mut [face(7, AT_REST_SAD)]);
        assert!(again[0].is_some());
        let two = corrected_at(&mut neutral, &mut [face(7, SAD), face(8, SAD)]);
        assert_eq!(two, [None, None]);
        let mut of_two = learned(&[1, 2]);
        let other = corrected_at(&mut of_two, &mut [face(3, SAD)]);
        assert_eq!(other, [None], "it is not known which of them");
        assert!(of_two.clear() && !of_two.clear());
    }

    #[test]
    fn a_face_that_is_hardly_seen_is_not_learned() {
        let mut neutral = Neutral::default();
        neutral.begin();
        neutral.see(Duration::ZERO, &mut [face(1, SAD)]);
        let learned = neutral.see(LEARN_FOR, &mut []).unwrap();
        assert_eq!(
            learned.words(),
            "neutral not set: no face was seen for three seconds"
        );
        // Time that goes back begins again.
        neutral.begin();
        neutral.see(Duration::from_secs(60), &mut [face(1, SAD)]);
        assert_eq!(neutral.see(Duration::ZERO, &mut [face(1, SAD)]), None);
    }
}
