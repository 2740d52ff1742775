//! One row per face: how long it was seen, how much of that time it showed each expression, and which label
//! followed which.
//!
//! | column | what it holds |
//! | --- | --- |
//! | `participant`, `session`, `condition`, `note` | who and what the session is about |
//! | `track` | the face's number |
//! | `name` | what the user calls it |
//! | `first_s`, `last_s` | when it was first seen, and until when, s since the session's first frame |
//! | `seen_s` | how long it was in view in between |
//! | `presumed_s` | how much of that it was not found and kept its last values |
//! | `share_happy`, … | share of `seen_s` in which this was the most probable expression after smoothing, 0 to 1 |
//! | `mean_happy`, … | mean smoothed probability, weighted by time, 0 to 1 |
//! | `transitions` | how often one expression directly followed another |
//! | `happy_to_sad`, … | how often this transition happened |
//!
//! There is no transition across a gap, in which the face was lost or nothing is known.

use std::io::{self, Write};

use super::{Selection, table::Table};
use crate::{
    expression::{Label, Labels, PerLabel},
    session::{about::About, tables::Cell, timeline::FaceTrack},
};

/// The figures for a face.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FaceSummary {
    pub seen_s: f64,
    pub presumed_s: f64,
    /// Time as the most probable label over `seen_s`. NaN if `seen_s` is 0.
    pub shares: PerLabel<f64>,
    pub means: PerLabel<f64>,
    /// From label to label.
    pub transitions: Vec<PerLabel<u64>>,
}

impl FaceSummary {
    pub fn of(track: &FaceTrack<'_>) -> Self {
        let labels = track.labels();
        let mut summary = Self {
            seen_s: track.seen_s(),
            presumed_s: 0.0,
            shares: PerLabel::new(labels),
            means: PerLabel::new(labels),
            transitions: vec![PerLabel::new(labels); labels.len()],
        };
        for span in &track.spans {
            let (row, duration) = (span.row, span.duration_s());
            if !row.is_found() {
                summary.presumed_s += duration;
            }
            let weight = duration / summary.seen_s;
            summary.shares[row.label().index()] += weight;
            for (label, probability) in row.face.smoothed.iter() {
                summary.means[label.index()] += f64::from(probability) * weight;
            }
        }
        for run in track.runs() {
            if let Some(before) = run.before {
                summary.transitions[before.index()][run.what.index()] += 1;
            }
        }
        summary
    }
}

pub(super) fn write(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let labels = selection.session.labels();
    let about = &selection.session.manifest.about;
    let mut columns: Vec<String> = About::columns()
        .into_iter()
        .map(|column| column.name)
        .collect();
    columns
        .extend(["track", "name", "first_s", "last_s", "seen_s", "presumed_s"].map(str::to_owned));
    for kind in ["share", "mean"] {
        columns.extend(labels.names().map(|label| format!("{kind}_{label}")));
    }
    columns.push("transitions".to_owned());
    columns.extend(pairs(labels).map(|(from, to)| format!("{from}_to_{to}")));
    let mut table = Table::new(out, selection.separator, &columns)?;
    for track in &selection.tracks {
        let (Some(first), Some(last)) = (track.spans.first(), track.spans.last()) else {
            continue;
        };
        let summary = FaceSummary::of(track);
        let mut cells = about.cells();
        cells.extend([
            Cell::Whole(track.number),
            Cell::text(selection.names().get(track.number)),
            Cell::Number(first.row.time.as_secs_f64(), 6),
            Cell::Number(last.end.as_secs_f64(), 6),
            Cell::Number(summary.seen_s, 6),
            Cell::Number(summary.presumed_s, 6),
        ]);
        let figures = summary.shares.iter().chain(summary.means.iter());
        cells.extend(figures.map(|figure| Cell::Number(*figure, 6)));
        let count = |(from, to): (Label, Label)| summary.transitions[from.index()].of(to);
        cells.push(Cell::Whole(pairs(labels).map(count).sum()));
        cells.extend(pairs(labels).map(|pair| Cell::Whole(count(pair))));
        table.row(&cells)?;
    }
    table.finish()
}

/// All pairs of different labels.
fn pairs(labels: Labels) -> impl Iterator<Item = (Label, Label)> {
    labels.iter().flat_map(move |from| {
        let others = labels.iter().filter(move |to| *to != from);
        others.map(move |to| (from, to))
    })
}
