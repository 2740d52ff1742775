//! The shares of each group as bars with their intervals: a row for each group, a column for each label.

use std::io;

use super::{Figure, Group, Measure, Summary};
use crate::{
    export::plots::{
        self, Pixels,
        canvas::{Anchor, Backend, Canvas, Drawn},
    },
    expression::Label,
    palette::{self, GRID, Ground, INK, WEAK_INK},
};

const LEFT: f64 = 250.0;
const RIGHT: f64 = 20.0;
/// Width of a label's column, with the gap after it.
const COLUMN: f64 = 136.0;
const GAP: f64 = 38.0;
const HEAD: f64 = 96.0;
const ROW: f64 = 46.0;
const BAR: f64 = 18.0;
const FOOT: f64 = 52.0;
const TITLE: f64 = 21.0;
const TEXT: f64 = 15.0;
/// More groups would make the picture too tall to open; the table has all.
const MAX_GROUPS: usize = 200;

pub(super) fn svg(summary: &Summary) -> io::Result<String> {
    plots::svg(size(summary), |canvas| draw(summary, canvas))
}

pub(super) fn pixels(summary: &Summary) -> io::Result<Pixels> {
    plots::pixels(size(summary), |canvas| draw(summary, canvas))
}

/// Width and height, in units of the layout.
fn size(summary: &Summary) -> [u32; 2] {
    let shown = summary.groups.len().min(MAX_GROUPS);
    let width = LEFT + COLUMN * summary.labels.len() as f64 + RIGHT;
    let height = HEAD + ROW * shown.max(1) as f64 + FOOT;
    [width as u32, height as u32]
}

fn draw<DB: Backend>(summary: &Summary, canvas: &Canvas<'_, DB>) -> Drawn<DB> {
    let over = match summary.is_over_participants() {
        true => "participants",
        false => "sessions",
    };
    canvas.text(
        (20.0, 30.0),
        "Share of time with each label",
        TITLE,
        INK,
        Anchor::Left,
    )?;
    let most = scale(summary);
    let bottom = HEAD + ROW * summary.groups.len().clamp(1, MAX_GROUPS) as f64;
    for (at, label) in summary.labels.iter().enumerate() {
        let x = LEFT + COLUMN * at as f64;
        canvas.text((x, HEAD - 24.0), label.name(), TEXT, INK, Anchor::Left)?;
        for share in [0.0, 0.5, 1.0] {
            let x = x + (COLUMN - GAP) * share;
            canvas.line(&[(x, HEAD - 8.0), (x, bottom)], GRID, 1.0)?;
            let words = format!("{:.0}", 100.0 * most * share);
            canvas.text(
                (x, bottom + 14.0),
                &words,
                TEXT - 3.0,
                WEAK_INK,
                Anchor::Middle,
            )?;
        }
    }
    for (row, group) in summary.groups.iter().take(MAX_GROUPS).enumerate() {
        let middle = HEAD + ROW * (row as f64 + 0.5);
        draw_group(summary, group, middle, most, canvas)?;
    }
    let words = format!("%, mean over {over}; lines are 95 % confidence intervals (Student's t)");
    let at = (20.0, bottom + 36.0);
    canvas.text(at, &words, TEXT - 1.0, WEAK_INK, Anchor::Left)?;
    if summary.groups.is_empty() {
        let at = (LEFT, HEAD + ROW / 2.0);
        canvas.text(at, "no sessions", TEXT, WEAK_INK, Anchor::Left)?;
    }
    Ok(())
}

fn draw_group<DB: Backend>(
    summary: &Summary,
    group: &Group,
    middle: f64,
    most: f64,
    canvas: &Canvas<'_, DB>,
) -> Drawn<DB> {
    let at = (20.0, middle - 8.0);
    canvas.text(at, &group.name(), TEXT, INK, Anchor::Left)?;
    let words = format!("n = {}", group.n());
    canvas.text(
        (20.0, middle + 9.0),
        &words,
        TEXT - 2.0,
        WEAK_INK,
        Anchor::Left,
    )?;
    for (at, label) in summary.labels.iter().enumerate() {
        let Some(figure) = share(group, label) else {
            continue;
        };
        let left = LEFT + COLUMN * at as f64;
        let x = |share: f64| left + (COLUMN - GAP) * (share / most).clamp(0.0, 1.0);
        let color = palette::label(label, Ground::Light);
        let (top, bottom) = (middle - BAR / 2.0 - 6.0, middle + BAR / 2.0 - 6.0);
        canvas.fill((left, top), (x(figure.mean).max(left + 0.5), bottom), color)?;
        if let Some((low, high)) = figure.interval {
            let y = (top + bottom) / 2.0;
            canvas.line(&[(x(low), y), (x(high), y)], INK, 1.5)?;
            for end in [x(low), x(high)] {
                canvas.line(&[(end, y - 4.0), (end, y + 4.0)], INK, 1.5)?;
            }
        }
        let words = format!("{:.1}", 100.0 * figure.mean);
        let at = (left, bottom + 9.0);
        canvas.text(at, &words, TEXT - 3.0, WEAK_INK, Anchor::Left)?;
    }
    Ok(())
}

/// The share at the right end of each column: a round number above all bars and intervals.
fn scale(summary: &Summary) -> f64 {
    let figures = summary.groups.iter().flat_map(|group| &group.figures);
    let shares = figures.filter(|figure| figure.measure == Measure::Share);
    let ends = shares.map(|figure| figure.interval.map_or(figure.mean, |(_, high)| high));
    let most = ends.fold(0.0, f64::max).min(1.0);
    let steps = [0.1, 0.2, 0.4, 0.6, 0.8, 1.0];
    steps.into_iter().find(|step| *step >= most).unwrap_or(1.0)
}

fn share(group: &Group, label: Label) -> Option<&Figure> {
    let mut figures = group.figures.iter();
    figures.find(|figure| figure.measure == Measure::Share && figure.label == label.name())
}
