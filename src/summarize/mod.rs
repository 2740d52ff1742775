//! Many sessions compared: how long people showed each label, on average and how surely, by participant and condition.
//!
//! Labels are those that were shown, durations are real time, and [annotations](crate::session::annotations)
//! count. A session is weighted by how long faces were seen in it, all faces together. Then every participant counts once,
//! however long: the mean of a group is the mean over its participants, and its interval is Student's, with 95 % confidence:
//!
//! ```text
//! m ± t(0.975, n − 1) · s / √n
//! ```
//!
//! with the mean m and the standard deviation s of the n participants' values (n − 1 in its denominator). Groups of one
//! participant each are over their sessions instead. The interval is not cut off at 0 or 1. It supposes that participants
//! are independent and their values roughly normal: with few participants, or shares close to 0, take it as a hint.

mod figures;
#[cfg(feature = "plots")]
mod picture;
mod student;
mod text;

use std::collections::{BTreeMap, BTreeSet};

pub use self::figures::Agreement;
use self::{figures::Figures, student::interval};
use crate::{
    expression::{Label, Labels},
    session::{
        Session, SessionError,
        tables::{Cell, FaceRow},
    },
};

named! {
    /// What groups are made of.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum By {
        /// Who is in view.
        Participant = "participant",
        /// What the session is called.
        Session = "session",
        /// The experimental condition.
        Condition = "condition",
        /// What the user calls each face of a session; faces without a name count together.
        Name = "name",
    }
}

/// Why sessions cannot be compared. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SummarizeError {
    /// Their values are of different kinds.
    #[error(
        "the sessions have different labels ({} and {}), which cannot be compared; read them again with one network: fervis reanalyze",
        first.list(), second.list()
    )]
    OtherLabels {
        /// Of the first session.
        first: Labels,
        /// Of another.
        second: Labels,
    },
    /// A re-analysis in a session's folder.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// One figure of one group: a line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it measures.
    pub measure: Measure,
    /// The label, or the network that is compared with the recorded one; may be empty.
    pub label: String,
    /// Of a transition, the label after it; empty for all others.
    pub to: String,
    /// Number of participants, or sessions, that it is over.
    pub n: usize,
    /// Mean over them.
    pub mean: f64,
    /// 95 % confidence interval of the mean; `None` with fewer than two.
    pub interval: Option<(f64, f64)>,
}

named! {
    /// What a figure measures.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Measure {
        /// Share of the time in which a face was seen, with this held label, 0 to 1.
        Share = "share",
        /// Mean smoothed probability of the label, 0 to 1.
        Mean = "mean",
        /// Changes from one held label to another in a minute of seen time; without labels, all of them.
        Transitions = "transitions_per_min",
        /// Share of the time with two faces in which both had the same held label, 0 to 1.
        FacesAgree = "faces_agree",
        /// Cohen's kappa of the same.
        FacesKappa = "faces_kappa",
        /// Share of the time in which another network gave the same held label, 0 to 1.
        NetworksAgree = "networks_agree",
        /// Cohen's kappa of the same.
        NetworksKappa = "networks_kappa",
    }
}

/// A group of sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What its sessions share, in the order of [`Summary::by`].
    pub values: Vec<String>,
    /// Number of sessions.
    pub n_sessions: usize,
    /// Number of participants.
    pub n_participants: usize,
    /// For how long faces were seen, s, all faces together.
    pub seen_s: f64,
    /// Its figures.
    pub figures: Vec<Figure>,
}

/// Sessions compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// What the groups are made of.
    pub by: Vec<By>,
    /// The labels of all sessions.
    pub labels: Labels,
    /// The groups, in the order of their values.
    pub groups: Vec<Group>,
}

impl By {
    /// What a session has in this; `name` is that of the faces that count.
    fn value(self, session: &Session, name: &str) -> String {
        let about = &session.manifest.about;
        match self {
            Self::Participant => about.participant.clone(),
            Self::Condition => about.condition.clone(),
            Self::Name => name.to_owned(),
            Self::Session => match about.name.as_str() {
                "" => session.name(),
                name => name.to_owned(),
            },
        }
    }
}

/// Sessions that are compared, one after another: each may be dropped once it is added.
#[derive(Debug)]
pub struct Summarizer {
    by: Vec<By>,
    labels: Option<Labels>,
    groups: BTreeMap<Vec<String>, Members>,
}

/// The figures of a group by who is counted once, and what they were made of.
#[derive(Debug, Default)]
struct Members {
    units: BTreeMap<String, Figures>,
    participants: BTreeSet<String>,
    n_sessions: usize,
}

impl Summarizer {
    /// No sessions yet.
    pub fn new(by: &[By]) -> Self {
        Self {
            by: by.to_vec(),
            labels: None,
            groups: BTreeMap::new(),
        }
    }

    /// Adds a session, with other networks' results in its folder.
    ///
    /// # Errors
    /// [`SummarizeError`].
    pub fn add(&mut self, session: Session) -> Result<(), SummarizeError> {
        let session = session.annotated();
        let labels = session.labels();
        let first = *self.labels.get_or_insert(labels);
        if first != labels {
            return Err(SummarizeError::OtherLabels {
                first,
                second: labels,
            });
        }
        if !self.by.contains(&By::Name) {
            return self.add_faces(&session, "");
        }
        for (name, session) in by_name(&session) {
            self.add_faces(&session, &name)?;
        }
        Ok(())
    }

    /// Adds the faces of a session, which all have this name if it matters.
    fn add_faces(&mut self, session: &Session, name: &str) -> Result<(), SummarizeError> {
        let values = self.by.iter().map(|by| by.value(session, name)).collect();
        // Without a name, each session is somebody else.
        let folder = session.folder.display().to_string();
        let participant = match session.manifest.about.participant.as_str() {
            "" => folder.clone(),
            participant => participant.to_owned(),
        };
        let unit = match self.by.contains(&By::Participant) {
            true => folder,
            false => participant.clone(),
        };
        let figures = Figures::of(session)?;
        let group = self.groups.entry(values).or_default();
        group.n_sessions += 1;
        group.participants.insert(participant);
        match group.units.get_mut(&unit) {
            Some(before) => before.add(&figures),
            None => drop(group.units.insert(unit, figures)),
        }
        Ok(())
    }

    /// The comparison.
    pub fn finish(self) -> Summary {
        let labels = self.labels.unwrap_or_default();
        let groups = self.groups.into_iter();
        let groups = groups.map(|(values, members)| Group {
            values,
            n_sessions: members.n_sessions,
            n_participants: members.participants.len(),
            seen_s: members.units.values().map(|unit| unit.seen_s).sum(),
            figures: figures(&members.units.into_values().collect::<Vec<_>>(), labels),
        });
        Summary {
            by: self.by,
            labels,
            groups: groups.collect(),
        }
    }
}

/// A session once for each name, with only the faces that have it.
fn by_name(session: &Session) -> Vec<(String, Session)> {
    let names = &session.manifest.face_names;
    let name_of = |row: &FaceRow| names.get(row.face.track.0).unwrap_or_default().to_owned();
    let all: BTreeSet<String> = session.faces.iter().map(name_of).collect();
    let only = |name: String| {
        let mut session = session.clone();
        session.faces.retain(|row| name_of(row) == name);
        (name, session)
    };
    all.into_iter().map(only).collect()
}

/// All figures of a group.
fn figures(units: &[Figures], labels: Labels) -> Vec<Figure> {
    let mut all = Vec::new();
    let mut add = |measure, label: &str, to: &str, of: &dyn Fn(&Figures) -> Option<f64>| {
        let values: Vec<f64> = units.iter().filter_map(of).collect();
        if values.is_empty() {
            return;
        }
        all.push(Figure {
            measure,
            label: label.to_owned(),
            to: to.to_owned(),
            n: values.len(),
            mean: values.iter().sum::<f64>() / values.len() as f64,
            interval: interval(&values),
        });
    };
    for label in labels.iter() {
        let share = |unit: &Figures| unit.share(label);
        add(Measure::Share, label.name(), "", &share);
    }
    for label in labels.iter() {
        let mean = |unit: &Figures| unit.mean(label);
        add(Measure::Mean, label.name(), "", &mean);
    }
    add(Measure::Transitions, "", "", &|unit| {
        unit.transitions_per_min(None)
    });
    for (from, to) in pairs(labels) {
        add(Measure::Transitions, from.name(), to.name(), &|unit| {
            unit.transitions_per_min(Some((from, to)))
        });
    }
    add(Measure::FacesAgree, "", "", &|unit| unit.faces.share());
    add(Measure::FacesKappa, "", "", &|unit| unit.faces.kappa());
    let networks: BTreeSet<&String> = units.iter().flat_map(|unit| unit.networks.keys()).collect();
    for network in networks {
        add(Measure::NetworksAgree, network, "", &|unit| {
            unit.networks.get(network)?.share()
        });
        add(Measure::NetworksKappa, network, "", &|unit| {
            unit.networks.get(network)?.kappa()
        });
    }
    all
}

/// All pairs of different labels.
fn pairs(labels: Labels) -> impl Iterator<Item = (Label, Label)> {
    labels.iter().flat_map(move |from| {
        let others = labels.iter().filter(move |to| *to != from);
        others.map(move |to| (from, to))
    })
}

impl Summary {
    /// Whether figures are over participants; if not, over sessions.
    pub fn is_over_participants(&self) -> bool {
        !self.by.contains(&By::Participant)
    }

    /// The tidy table as CSV: a line for each figure of each group.
    ///
    /// After the columns of [`Summary::by`] come `measure`, `label`, `to`, `over` (`participants` or `sessions`), `n`,
    /// `mean`, `ci_low`, `ci_high`, and of the group `n_participants`, `n_sessions` and `seen_s`.
    pub fn csv(&self) -> Vec<u8> {
        const COLUMNS: [&str; 11] = [
            "measure",
            "label",
            "to",
            "over",
            "n",
            "mean",
            "ci_low",
            "ci_high",
            "n_participants",
            "n_sessions",
            "seen_s",
        ];
        let text = |text: &str| Cell::Text(text.to_owned().into());
        let filled = |words: &str| match words {
            "" => Cell::Empty,
            words => text(words),
        };
        let by = self.by.iter().map(|by| by.name());
        let header = by.chain(COLUMNS).map(text).collect::<Vec<_>>();
        let mut lines = vec![header];
        let over = match self.is_over_participants() {
            true => "participants",
            false => "sessions",
        };
        for group in &self.groups {
            for figure in &group.figures {
                let bound = |bound: Option<f64>| bound.map_or(Cell::Empty, |b| Cell::Number(b, 6));
                let mut cells: Vec<Cell<'_>> = group.values.iter().map(|v| filled(v)).collect();
                cells.extend([
                    text(figure.measure.name()),
                    filled(&figure.label),
                    filled(&figure.to),
                    text(over),
                    Cell::Whole(figure.n as u64),
                    Cell::Number(figure.mean, 6),
                    bound(figure.interval.map(|(low, _)| low)),
                    bound(figure.interval.map(|(_, high)| high)),
                    Cell::Whole(group.n_participants as u64),
                    Cell::Whole(group.n_sessions as u64),
                    Cell::Number(group.seen_s, 3),
                ]);
                lines.push(cells);
            }
        }
        crate::session::tables::lines(lines)
    }

    /// The shares of each group, as bars with their intervals.
    ///
    /// # Errors
    /// If the built-in font cannot be read.
    #[cfg(feature = "plots")]
    pub fn svg(&self) -> std::io::Result<String> {
        picture::svg(self)
    }

    /// The same in pixels.
    ///
    /// # Errors
    /// As [`Summary::svg`].
    #[cfg(feature = "plots")]
    pub fn pixels(&self) -> std::io::Result<crate::export::plots::Pixels> {
        picture::pixels(self)
    }
}

#[cfg(test)]
mod tests;
