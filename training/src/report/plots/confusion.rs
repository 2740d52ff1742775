//! The confusion matrix.

use std::io;

use fervis::{
    export::plots::{canvas::Anchor, svg},
    palette::{GRID, INK, PAPER, Rgb, WEAK_INK},
};

use super::axes::{SMALL, TITLE, over};
use crate::evaluate::metrics::Metrics;

/// Side of a field of the matrix, and the margin for the labels.
const FIELD: f64 = 56.0;
const MARGIN: f64 = 84.0;
/// About the width of a character of a label.
const CHAR: f64 = 8.5;
const BLUE: Rgb = [0x00, 0x72, 0xB2];

/// Plots the confusion matrix: the share of each row, and the count.
///
/// # Errors
/// If it cannot be drawn.
pub fn confusion(metrics: &Metrics, title: &str) -> io::Result<String> {
    let matrix = &metrics.confusion;
    let longest = metrics
        .classes
        .iter()
        .map(|class| class.label.chars().count());
    let margin = (longest.max().unwrap_or_default() as f64 * CHAR + 12.0).max(MARGIN);
    let side = (margin + FIELD * metrics.classes.len() as f64 + 16.0) as u32;
    svg([side, side], |canvas| {
        canvas.text((12.0, 20.0), title, TITLE, INK, Anchor::Left)?;
        let words = "rows: truth, columns: prediction";
        canvas.text((12.0, 42.0), words, SMALL, WEAK_INK, Anchor::Left)?;
        for (row, truth) in metrics.classes.iter().enumerate() {
            let y = margin + FIELD * row as f64;
            let middle = margin + FIELD * (row as f64 + 0.5);
            for (at, anchor) in [
                ((margin - 6.0, middle), Anchor::Right),
                ((middle, margin - 10.0), Anchor::Middle),
            ] {
                canvas.text(at, &truth.label, SMALL, INK, anchor)?;
            }
            let n_true = matrix.n_true(row).max(1) as f64;
            for (column, &count) in matrix.counts[row].iter().enumerate() {
                let x = margin + FIELD * column as f64;
                let share = count as f64 / n_true;
                canvas.fill((x, y), (x + FIELD, y + FIELD), GRID)?;
                let color = over(BLUE, PAPER, share);
                canvas.fill(
                    (x + 0.5, y + 0.5),
                    (x + FIELD - 0.5, y + FIELD - 0.5),
                    color,
                )?;
                let ink = if share > 0.5 { PAPER } else { INK };
                let percent = format!("{:.0} %", share * 100.0);
                for (words, y) in [(percent, middle - 8.0), (count.to_string(), middle + 8.0)] {
                    canvas.text((x + FIELD / 2.0, y), &words, SMALL, ink, Anchor::Middle)?;
                }
            }
        }
        Ok(())
    })
}
