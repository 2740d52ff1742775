//! One row for each face: how long it was seen, what it showed for which share of that time, and what followed on what.
//!
//! | column | what it holds |
//! | --- | --- |
//! | `track` | the face's number |
//! | `first_s`, `last_s` | when it was first seen, and until when, s since the session's first frame |
//! | `seen_s` | for how long it was in the picture in between |
//! | `presumed_s` | for how much of that it was not found and its last values were kept |
//! | `share_happy`, … | share of `seen_s` in which this was the most probable after smoothing, 0 to 1 |
//! | `mean_happy`, … | mean smoothed probability, weighted by time, 0 to 1 |
//! | `transitions` | how often one expression followed directly on another |
//! | `happy_to_sad`, … | how often this one did |
//!
//! Where the face was lost or something is not known, nothing follows on anything, so that is no transition.

use std::io::{self, Write};

use super::{
    View,
    table::{Cell, Table},
};
use crate::{
    expression::{Expression, N_EXPRESSIONS},
    session::{tables::seconds, timeline::Track},
};

/// What is said about a face.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FaceSummary {
    pub seen_s: f64,
    pub presumed_s: f64,
    /// By class: time as the most probable over `seen_s`. Not a number if it was seen for no time at all.
    pub shares: [f64; N_EXPRESSIONS],
    /// By class.
    pub means: [f64; N_EXPRESSIONS],
    /// From class to class.
    pub transitions: [[u64; N_EXPRESSIONS]; N_EXPRESSIONS],
}

impl FaceSummary {
    pub fn of(track: &Track<'_>) -> Self {
        let mut summary = Self {
            seen_s: track.seen_s(),
            presumed_s: 0.0,
            shares: [0.0; N_EXPRESSIONS],
            means: [0.0; N_EXPRESSIONS],
            transitions: [[0; N_EXPRESSIONS]; N_EXPRESSIONS],
        };
        for appearance in &track.appearances {
            let (face, duration) = (appearance.face, appearance.duration_s());
            if !face.unseen_for.is_zero() {
                summary.presumed_s += duration;
            }
            let weight = duration / summary.seen_s;
            summary.shares[face.label().index()] += weight;
            for (expression, probability) in face.smoothed.iter() {
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

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut columns = ["track", "first_s", "last_s", "seen_s", "presumed_s"]
        .map(str::to_owned)
        .to_vec();
    for kind in ["share", "mean"] {
        columns.extend(Expression::ALL.map(|expression| format!("{kind}_{expression}")));
    }
    columns.push("transitions".to_owned());
    columns.extend(pairs().map(|(from, to)| format!("{from}_to_{to}")));
    let mut table = Table::new(out, view.separator, &columns)?;
    for track in &view.tracks {
        let (Some(first), Some(last)) = (track.appearances.first(), track.appearances.last())
        else {
            continue;
        };
        let summary = FaceSummary::of(track);
        let mut cells = vec![
            Cell::Whole(track.number),
            Cell::Number(seconds(first.face.pts_90k), 6),
            Cell::Number(seconds(last.end_90k), 6),
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

/// All pairs of two different expressions.
fn pairs() -> impl Iterator<Item = (Expression, Expression)> {
    Expression::ALL.into_iter().flat_map(|from| {
        let others = Expression::ALL.into_iter().filter(move |to| *to != from);
        others.map(move |to| (from, to))
    })
}
