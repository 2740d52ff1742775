//! The figures of one session, or of several that count together.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use super::SummarizeError;
use crate::{
    expression::{Label, Labels, PerLabel},
    reanalyze::{self, FOLDER_PREFIX},
    session::{
        Session,
        tables::{self, FaceRow, Row},
        timeline::FaceTrack,
    },
};

/// How long two raters gave which labels to the same moments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Agreement {
    /// Seconds by the label of the first and of the second.
    seconds: BTreeMap<(usize, usize), f64>,
}

impl Agreement {
    fn count(&mut self, first: Label, second: Label, duration_s: f64) {
        *self
            .seconds
            .entry((first.index(), second.index()))
            .or_default() += duration_s;
    }

    fn add(&mut self, other: &Self) {
        for (labels, seconds) in &other.seconds {
            *self.seconds.entry(*labels).or_default() += seconds;
        }
    }

    fn total_s(&self) -> f64 {
        self.seconds.values().sum()
    }

    /// The share of time with the same label, 0 to 1; `None` without any time.
    pub fn share(&self) -> Option<f64> {
        let same = self.seconds.iter().filter(|((a, b), _)| a == b);
        let same_s: f64 = same.map(|(_, seconds)| seconds).sum();
        let total_s = self.total_s();
        // An empty sum is −0.
        (total_s > 0.0).then(|| same_s / total_s + 0.0)
    }

    /// Cohen's kappa (1960): the share beyond chance. `None` where chance alone explains full agreement.
    pub fn kappa(&self) -> Option<f64> {
        let observed = self.share()?;
        let total_s = self.total_s();
        let mut margins: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for ((first, second), seconds) in &self.seconds {
            margins.entry(*first).or_default().0 += seconds;
            margins.entry(*second).or_default().1 += seconds;
        }
        let by_chance = margins.values().map(|(a, b)| a * b).sum::<f64>() / total_s.powi(2);
        (by_chance < 1.0 - 1e-12).then(|| (observed - by_chance) / (1.0 - by_chance))
    }
}

/// Sums over time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// For how long faces were seen, s.
    pub seen_s: f64,
    /// Of this, with each held label, s.
    held_s: PerLabel<f64>,
    /// The smoothed probabilities times their durations, s.
    mean_s: PerLabel<f64>,
    /// From held label to held label.
    transitions: Vec<PerLabel<u64>>,
    /// Of two faces at the same time.
    pub faces: Agreement,
    /// Of other networks with the recorded reading, by their names.
    pub networks: BTreeMap<String, Agreement>,
}

/// The held label of a face in a frame, and for how long it counts, s.
type Held = (Label, f64);

impl Figures {
    /// The figures of a session, and of other networks' results in its folder.
    pub fn of(session: &Session) -> Result<Self, SummarizeError> {
        let labels = session.labels();
        let mut figures = Self {
            seen_s: 0.0,
            held_s: PerLabel::new(labels),
            mean_s: PerLabel::new(labels),
            transitions: vec![PerLabel::new(labels); labels.len()],
            faces: Agreement::default(),
            networks: BTreeMap::new(),
        };
        let mut by_frame: BTreeMap<u64, Vec<Held>> = BTreeMap::new();
        let mut by_face: HashMap<(u64, u64), Held> = HashMap::new();
        for track in session.face_tracks() {
            figures.add_track(&track);
            for span in &track.spans {
                let held = (span.row.label(), span.duration_s());
                by_frame.entry(span.row.frame).or_default().push(held);
                by_face.insert((span.row.frame, track.number), held);
            }
        }
        for faces in by_frame.values() {
            for (at, (first, duration_s)) in faces.iter().enumerate() {
                for (second, _) in &faces[at + 1..] {
                    figures.faces.count(*first, *second, *duration_s);
                }
            }
        }
        for folder in reanalyze::saved(&session.folder) {
            let other = agreement_with(session, &folder, &by_face)?;
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let name = name.trim_start_matches(FOLDER_PREFIX).to_owned();
            figures.networks.insert(name, other);
        }
        Ok(figures)
    }

    fn add_track(&mut self, track: &FaceTrack<'_>) {
        let mut before: Option<Label> = None;
        for span in &track.spans {
            let (label, duration_s) = (span.row.label(), span.duration_s());
            self.seen_s += duration_s;
            self.held_s[label.index()] += duration_s;
            for (label, probability) in span.row.face.smoothed.iter() {
                self.mean_s[label.index()] += f64::from(probability) * duration_s;
            }
            if let Some(before) = before.filter(|before| span.continues && *before != label) {
                self.transitions[before.index()][label.index()] += 1;
            }
            before = Some(label);
        }
    }

    /// Adds the figures of another session with the same labels.
    pub fn add(&mut self, other: &Self) {
        self.seen_s += other.seen_s;
        for (sum, more) in self.held_s.iter_mut().zip(other.held_s.iter()) {
            *sum += more;
        }
        for (sum, more) in self.mean_s.iter_mut().zip(other.mean_s.iter()) {
            *sum += more;
        }
        for (sums, more) in self.transitions.iter_mut().zip(&other.transitions) {
            for (sum, more) in sums.iter_mut().zip(more.iter()) {
                *sum += more;
            }
        }
        self.faces.add(&other.faces);
        for (name, more) in &other.networks {
            self.networks.entry(name.clone()).or_default().add(more);
        }
    }

    /// Share of the seen time with this held label.
    pub fn share(&self, label: Label) -> Option<f64> {
        (self.seen_s > 0.0).then(|| self.held_s.of(label) / self.seen_s)
    }

    /// Mean smoothed probability.
    pub fn mean(&self, label: Label) -> Option<f64> {
        (self.seen_s > 0.0).then(|| self.mean_s.of(label) / self.seen_s)
    }

    /// Transitions in a minute: these, or all.
    pub fn transitions_per_min(&self, pair: Option<(Label, Label)>) -> Option<f64> {
        let count: u64 = match pair {
            Some((from, to)) => self.transitions[from.index()].of(to),
            None => self.transitions.iter().flat_map(|to| to.iter()).sum(),
        };
        (self.seen_s > 0.0).then(|| count as f64 / (self.seen_s / 60.0))
    }
}

/// How another network's reading of a session's faces agrees with the recorded one. Labels that only one of the two has
/// agree with none.
fn agreement_with(
    session: &Session,
    folder: &Path,
    recorded: &HashMap<(u64, u64), Held>,
) -> Result<Agreement, SummarizeError> {
    let mut faces: Vec<FaceRow> = tables::read(&folder.join(FaceRow::FILE))?;
    faces.sort_by_key(|row| (row.frame, row.face.track));
    faces.retain(|row| recorded.contains_key(&(row.frame, row.face.track.0)));
    let other = Session {
        faces,
        ..session.clone()
    };
    let own: Labels = session.labels();
    let mut agreement = Agreement::default();
    for track in other.face_tracks() {
        for span in &track.spans {
            let (face, label) = ((span.row.frame, track.number), span.row.label());
            let (Some((before, duration_s)), Some(after)) = (recorded.get(&face), own.like(label))
            else {
                continue;
            };
            agreement.count(*before, after, *duration_s);
        }
    }
    Ok(agreement)
}
