//! The risk-coverage curve: how often answers are wrong if less confident ones are withheld.

use std::io;

use fervis::{
    export::plots::{canvas::Anchor, svg},
    palette::{INK, WEAK_INK},
};

use super::axes::{Axes, LEFT, MARKED, OWN, PLOT, SMALL, TITLE, TOP, percent_ticks};
use crate::evaluate::risk::{self, Answer};

/// Plots risk over coverage and marks the threshold.
///
/// # Errors
/// If it cannot be drawn.
pub fn risk(answers: &[Answer], threshold: f64) -> io::Result<String> {
    let points = risk::curve(answers);
    let highest = points.iter().map(|point| point.risk).fold(0.0, f64::max);
    // The axis ends at a whole tenth, at least 0.1.
    let top_risk = (highest * 10.0).ceil().max(1.0) / 10.0;
    let axes = Axes::of_shares(top_risk);
    let chosen = risk::at(answers, threshold);
    let title = format!(
        "from {:.0} % on {:.1} % answered, {:.1} % wrong",
        threshold * 100.0,
        chosen.coverage * 100.0,
        chosen.risk * 100.0
    );
    let answered = points.iter().filter(|point| point.coverage > 0.0);
    let line: Vec<(f64, f64)> = answered
        .map(|point| axes.at((point.coverage, point.risk)))
        .collect();
    let (width, height) = (LEFT + PLOT + 24.0, TOP + PLOT + 50.0);
    svg([width as u32, height as u32], |canvas| {
        canvas.text((12.0, 18.0), &title, TITLE, INK, Anchor::Left)?;
        axes.grid(canvas, &percent_ticks(1.0), &percent_ticks(top_risk), 0.0)?;
        axes.frame(canvas)?;
        if line.len() > 1 {
            canvas.line(&line, OWN, 2.0)?;
        }
        let at = axes.at((chosen.coverage, chosen.risk));
        canvas.dot(at, 5.0, MARKED)?;
        let y_title = (12.0, TOP - 16.0);
        canvas.text(y_title, "wrong", SMALL, WEAK_INK, Anchor::Left)?;
        let x_title = (LEFT + PLOT / 2.0, TOP + PLOT + 34.0);
        canvas.text(x_title, "answered", SMALL, WEAK_INK, Anchor::Middle)
    })
}
