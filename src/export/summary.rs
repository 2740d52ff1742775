//! One row per face: how long it was seen, how much of that time it showed each expression, and which expression
//! followed which.
//!
//! | column | what it holds |
//! | --- | --- |
//! | `track` | the face's number |
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
    expression::{Expression, N_EXPRESSIONS},
    session::{tables::Cell, timeline::FaceTrack},
};

/// The figures for a face.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FaceSummary {
    pub seen_s: f64,
    pub presumed_s: f64,
    /// By class: time as the most probable expression over `seen_s`. NaN if `seen_s` is 0.
    pub shares: [f64; N_EXPRESSIONS],
    /// By class.
    pub means: [f64; N_EXPRESSIONS],
    /// From class to class.
    pub transitions: [[u64; N_EXPRESSIONS]; N_EXPRESSIONS],
}

impl FaceSummary {
    pub fn of(track: &FaceTrack<'_>) -> Self {
        let mut summary = Self {
            seen_s: track.seen_s(),
            presumed_s: 0.0,
            shares: [0.0; N_EXPRESSIONS],
            means: [0.0; N_EXPRESSIONS],
            transitions: [[0; N_EXPRESSIONS]; N_EXPRESSIONS],
        };
        for span in &track.spans {
            let (row, duration) = (span.row, span.duration_s());
            if !row.is_found() {
                summary.presumed_s += duration;
            }
            let weight = duration / summary.seen_s;
            summary.shares[row.label().index()] += weight;
            for (expression, probability) in row.face.smoothed.iter() {
                summary.means[expression.index()] += f64::from(probability) * weight;
            }
        }
        for run in track.runs() {
            if let Some(before) = run.before {
                summary.transitions[before.index()][run.label.index()] += 1;
            }
        }
        summary
    }
}

pub(super) fn write(selection: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut columns = ["track", "first_s", "last_s", "seen_s", "presumed_s"]
        .map(str::to_owned)
        .to_vec();
    for kind in ["share", "mean"] {
        columns.extend(Expression::ALL.map(|expression| format!("{kind}_{expression}")));
    }
    columns.push("transitions".to_owned());
    columns.extend(pairs().map(|(from, to)| format!("{from}_to_{to}")));
    let mut table = Table::new(out, selection.separator, &columns)?;
    for track in &selection.tracks {
        let (Some(first), Some(last)) = (track.spans.first(), track.spans.last()) else {
            continue;
        };
        let summary = FaceSummary::of(track);
        let mut cells = vec![
            Cell::Whole(track.number),
            Cell::Number(first.row.time.as_secs_f64(), 6),
            Cell::Number(last.end.as_secs_f64(), 6),
            Cell::Number(summary.seen_s, 6),
            Cell::Number(summary.presumed_s, 6),
        ];
        let figures = summary.shares.into_iter().chain(summary.means);
        cells.extend(figures.map(|figure| Cell::Number(figure, 6)));
        let count =
            |(from, to): (Expression, Expression)| summary.transitions[from.index()][to.index()];
        cells.push(Cell::Whole(pairs().map(count).sum()));
        cells.extend(pairs().map(|pair| Cell::Whole(count(pair))));
        table.row(&cells)?;
    }
    table.finish()
}

/// All pairs of different expressions.
fn pairs() -> impl Iterator<Item = (Expression, Expression)> {
    Expression::ALL.into_iter().flat_map(|from| {
        let others = Expression::ALL.into_iter().filter(move |to| *to != from);
        others.map(move |to| (from, to))
    })
}
