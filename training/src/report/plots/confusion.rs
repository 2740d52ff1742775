//! The confusion matrix.

use std::io;

use fervis::{
    export::plots::{canvas::Anchor, svg},
    expression::Expression,
    palette::{GRID, INK, PAPER, Rgb, WEAK_INK},
};

use super::axes::{SMALL, TITLE, over};
use crate::evaluate::metrics::ConfusionMatrix;

/// Side of a field of the matrix, and the margin for the labels.
const FIELD: f64 = 56.0;
const MARGIN: f64 = 84.0;
const BLUE: Rgb = [0x00, 0x72, 0xB2];

/// Plots the confusion matrix: the share of each row, and the count.
///
/// # Errors
/// If it cannot be drawn.
pub fn confusion(matrix: &ConfusionMatrix, title: &str) -> io::Result<String> {
    let side = (MARGIN + FIELD * Expression::ALL.len() as f64 + 16.0) as u32;
    svg(side, side, |canvas| {
        canvas.text((12.0, 20.0), title, TITLE, INK, Anchor::Left)?;
        let words = "rows: truth, columns: prediction";
        canvas.text((12.0, 42.0), words, SMALL, WEAK_INK, Anchor::Left)?;
        for (row, truth) in Expression::ALL.into_iter().enumerate() {
            let y = MARGIN + FIELD * row as f64;
            let middle = MARGIN + FIELD * (row as f64 + 0.5);
            for (at, anchor) in [
                ((MARGIN - 6.0, middle), Anchor::Right),
                ((middle, MARGIN - 10.0), Anchor::Middle),
            ] {
                canvas.text(at, truth.name(), SMALL, INK, anchor)?;
            }
            let n_true = matrix.n_true(truth).max(1) as f64;
            for (column, &count) in matrix.counts[truth.index()].iter().enumerate() {
                let x = MARGIN + FIELD * column as f64;
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
