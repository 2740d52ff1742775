//! Curves over the epochs.

use std::io;

use fervis::{
    export::plots::{
        canvas::{Anchor, Backend, Canvas, Drawn},
        svg,
    },
    palette::{INK, Rgb},
};

use super::axes::{Axes, SMALL, TITLE, Tick};
use crate::report::figures::EpochFigures;

/// Size of one panel and the space around it.
const PANEL_WIDTH: f64 = 480.0;
const PANEL_HEIGHT: f64 = 180.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 36.0;
const GAP: f64 = 56.0;
const RIGHT: f64 = 24.0;
/// Space for the name of a curve.
const NAME_WIDTH: f64 = 90.0;
/// Blue, orange and green by Okabe and Ito, which color-blind readers can distinguish.
const COLORS: [Rgb; 3] = [[0x00, 0x72, 0xB2], [0xD5, 0x5E, 0x00], [0x00, 0x9E, 0x73]];
/// Horizontal lines of a panel.
const N_TICKS: usize = 5;

type Figure = fn(&EpochFigures) -> f64;
type Panel<'a> = (&'a str, &'a [(&'a str, Figure)]);

/// Plots the losses, the figures on PublicTest and the learning rate by epoch.
///
/// # Errors
/// If it cannot be drawn.
pub fn curves(history: &[EpochFigures]) -> io::Result<String> {
    let shares: [(&str, Figure); 3] = [
        ("accuracy", |f| f.public_accuracy * 100.0),
        ("macro-F1", |f| f.public_macro_f1 * 100.0),
        ("with FER+", |f| {
            f.public_agreement.unwrap_or_default() * 100.0
        }),
    ];
    let has_agreement = history.iter().any(|f| f.public_agreement.is_some());
    let n_shares = if has_agreement { 3 } else { 2 };
    let panels: [Panel<'_>; 3] = [
        (
            "loss",
            &[
                ("training", |f| f.training_loss),
                ("PublicTest", |f| f.public_loss),
            ],
        ),
        ("PublicTest, %", &shares[..n_shares]),
        ("learning rate", &[("", |f| f.learning_rate)]),
    ];
    let height = TOP + panels.len() as f64 * (PANEL_HEIGHT + GAP);
    svg(
        [(LEFT + PANEL_WIDTH + RIGHT) as u32, height as u32],
        |canvas| {
            for (index, panel) in panels.iter().enumerate() {
                let top = TOP + index as f64 * (PANEL_HEIGHT + GAP);
                draw(canvas, top, panel, history)?;
            }
            Ok(())
        },
    )
}

/// Draws one panel; the x axis counts epochs from 1.
fn draw<B: Backend>(
    canvas: &Canvas<'_, B>,
    top: f64,
    (title, lines): &Panel<'_>,
    history: &[EpochFigures],
) -> Drawn<B> {
    let figures = lines.iter().map(|(_, figure)| figure);
    let values = figures.flat_map(|figure| history.iter().map(figure));
    let (low, high) = range(values);
    let last = history.len().max(2) as f64;
    let axes = Axes {
        left: LEFT,
        top,
        width: PANEL_WIDTH,
        height: PANEL_HEIGHT,
        x: [1.0, last],
        y: [low, high],
    };
    let y_tick = |tick: usize| {
        let value = low + (high - low) * tick as f64 / (N_TICKS - 1) as f64;
        (value, number(value))
    };
    let y_ticks: Vec<Tick> = (0..N_TICKS).map(y_tick).collect();
    let x_ticks = [1, history.len().max(1)].map(|epoch| (epoch as f64, epoch.to_string()));
    axes.grid(canvas, &x_ticks, &y_ticks, 4.0)?;
    canvas.text((LEFT, top - 16.0), title, TITLE, INK, Anchor::Left)?;
    for (line, ((name, figure), color)) in lines.iter().zip(COLORS).enumerate() {
        let at = |(index, epoch)| axes.at((index as f64 + 1.0, figure(epoch)));
        let points: Vec<(f64, f64)> = history.iter().enumerate().map(at).collect();
        if points.len() > 1 {
            canvas.line(&points, color, 2.0)?;
        }
        // A single point is not a line.
        if let Some(&first) = points.first() {
            canvas.dot(first, 3.0, color)?;
        }
        let x = LEFT + PANEL_WIDTH - NAME_WIDTH * (lines.len() - 1 - line) as f64;
        canvas.text((x, top - 14.0), name, SMALL, color, Anchor::Right)?;
    }
    Ok(())
}

/// The lowest and highest value; widened if there are none or all are equal, so that there is always an axis.
fn range(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low < high {
        (low, high)
    } else if low == high {
        (low - low.abs().max(1e-9), high + high.abs().max(1e-9))
    } else {
        (0.0, 1.0)
    }
}

/// A number, short enough for an axis.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v < 0.01 => format!("{value:.1e}"),
        v if v < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}
