//! The reliability diagram: confidence against accuracy.

use std::io;

use fervis::{
    export::plots::{canvas::Anchor, svg},
    palette::{INK, PAPER, Rgb, WEAK_INK},
};

use super::axes::{Axes, LEFT, MARKED, OWN, PLOT, SMALL, TITLE, TOP, over, percent_ticks};
use crate::evaluate::reliability::{Reliability, ReliabilityBin};

/// Height of the counts below, and the space between.
const COUNTS: f64 = 70.0;
const GAP: f64 = 16.0;
const COUNT: Rgb = [0x9A, 0xA5, 0xB1];
/// Opacity of a gap.
const MISS_SHARE: f64 = 0.45;
const N_DASHES: usize = 40;

/// Plots the accuracy in each bin of confidence, with the gap to the diagonal in red, and the number of predictions.
///
/// # Errors
/// If it cannot be drawn.
pub fn reliability(reliability: &Reliability) -> io::Result<String> {
    let axes = Axes::of_shares(1.0);
    let n_bins = reliability.bins.len() as f64;
    let most = reliability.bins.iter().map(|bin| bin.n).max();
    let counts = Axes {
        top: TOP + PLOT + GAP,
        height: COUNTS,
        y: [0.0, most.unwrap_or(0).max(1) as f64],
        ..axes
    };
    let title = format!(
        "{} predictions, calibration error {:.1} %",
        reliability.n(),
        reliability.calibration_error() * 100.0
    );
    let (width, height) = (LEFT + PLOT + 24.0, TOP + PLOT + GAP + COUNTS + 50.0);
    svg([width as u32, height as u32], |canvas| {
        canvas.text((12.0, 18.0), &title, TITLE, INK, Anchor::Left)?;
        let ticks = percent_ticks(1.0);
        axes.grid(canvas, &ticks, &ticks, GAP + COUNTS)?;
        let occupied = |(_, bin): &(usize, &ReliabilityBin)| bin.n > 0;
        for (index, bin) in reliability.bins.iter().enumerate().filter(occupied) {
            let fill = |axes: &Axes, [low, high]: [f64; 2], color: Rgb| {
                let (left, bottom) = axes.at((index as f64 / n_bins, low));
                let (right, top) = axes.at(((index + 1) as f64 / n_bins, high));
                canvas.fill((left + 1.0, top), (right - 1.0, bottom), color)
            };
            fill(&axes, [0.0, bin.accuracy], OWN)?;
            let (low, high, ground) = if bin.accuracy < bin.confidence {
                (bin.accuracy, bin.confidence, PAPER)
            } else {
                (bin.confidence, bin.accuracy, OWN)
            };
            fill(&axes, [low, high], over(MARKED, ground, MISS_SHARE))?;
            fill(&counts, [0.0, bin.n as f64], COUNT)?;
        }
        for dash in (0..N_DASHES).step_by(2) {
            let ends = [dash, dash + 1].map(|at| at as f64 / N_DASHES as f64);
            canvas.line(&ends.map(|at| axes.at((at, at))), INK, 1.0)?;
        }
        axes.frame(canvas)?;
        counts.frame(canvas)?;
        let y_title = (12.0, TOP - 16.0);
        canvas.text(y_title, "accuracy", SMALL, WEAK_INK, Anchor::Left)?;
        let number = (LEFT - 8.0, counts.top + COUNTS / 2.0);
        canvas.text(number, "number", SMALL, WEAK_INK, Anchor::Right)?;
        let x_title = (LEFT + PLOT / 2.0, counts.top + COUNTS + 34.0);
        canvas.text(x_title, "confidence", SMALL, WEAK_INK, Anchor::Middle)
    })
}
