//! Curves and confusion matrix as SVG.
//!
//! Written by hand: two fixed pictures of lines, squares and words need no plotting library.

use std::fmt::Write as _;

use fervis::expression::Expression;

use crate::{evaluate::metrics::ConfusionMatrix, report::figures::EpochFigures};

/// Size of one panel and the room around it, px.
const PANEL_WIDTH: f64 = 480.0;
const PANEL_HEIGHT: f64 = 180.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 36.0;
const GAP: f64 = 56.0;
/// Blue, orange and green of Okabe and Ito, which colour-blind readers tell apart.
const COLORS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];
/// Horizontal lines of a panel.
const N_TICKS: usize = 5;

/// A picture of the losses, the figures on PublicTest and the learning rate by epoch.
pub fn curves(history: &[EpochFigures]) -> String {
    type Figure = fn(&EpochFigures) -> f64;
    let shares: [(&str, Figure); 3] = [
        ("accuracy", |f| f.public_accuracy * 100.0),
        ("macro-F1", |f| f.public_macro_f1 * 100.0),
        ("with FER+", |f| {
            f.public_agreement.unwrap_or_default() * 100.0
        }),
    ];
    let has_agreement = history.iter().any(|f| f.public_agreement.is_some());
    let n_shares = if has_agreement { 3 } else { 2 };
    let panels: [(&str, &[(&str, Figure)]); 3] = [
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
    let mut svg = open(LEFT + PANEL_WIDTH + 24.0, height);
    for (index, (title, lines)) in panels.into_iter().enumerate() {
        let top = TOP + index as f64 * (PANEL_HEIGHT + GAP);
        let lines: Vec<(&str, Vec<f64>)> = lines
            .iter()
            .map(|(name, figure)| (*name, history.iter().map(figure).collect()))
            .collect();
        panel(&mut svg, top, title, &lines);
    }
    svg + "</svg>\n"
}

/// One diagram; the x axis counts epochs from 1.
fn panel(svg: &mut String, top: f64, title: &str, lines: &[(&str, Vec<f64>)]) {
    let values = || lines.iter().flat_map(|(_, values)| values).copied();
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    // Without epochs, or where all values are alike, there is still an axis.
    let (low, high) = if low < high {
        (low, high)
    } else if low == high {
        (low - low.abs().max(1e-9), high + high.abs().max(1e-9))
    } else {
        (0.0, 1.0)
    };
    let y_of = |value: f64| top + PANEL_HEIGHT * (high - value) / (high - low);
    let n_epochs = lines.first().map_or(0, |(_, values)| values.len());
    let x_of = |index: usize| LEFT + PANEL_WIDTH * index as f64 / (n_epochs.max(2) - 1) as f64;
    text(svg, LEFT, top - 10.0, "start", title);
    for tick in 0..N_TICKS {
        let value = low + (high - low) * tick as f64 / (N_TICKS - 1) as f64;
        let y = y_of(value);
        let end = LEFT + PANEL_WIDTH;
        let _ = writeln!(
            svg,
            r##"<line x1="{LEFT}" y1="{y:.1}" x2="{end}" y2="{y:.1}" stroke="#ddd"/>"##
        );
        text(svg, LEFT - 6.0, y + 4.0, "end", &number(value));
    }
    for index in [0, n_epochs.saturating_sub(1)] {
        let (x, label) = (x_of(index), (index + 1).to_string());
        text(svg, x, top + PANEL_HEIGHT + 16.0, "middle", &label);
    }
    for (line, ((name, values), color)) in lines.iter().zip(COLORS).enumerate() {
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(index, &value)| format!("{:.1},{:.1}", x_of(index), y_of(value)))
            .collect();
        let _ = writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="2"/>"#,
            points.join(" ")
        );
        // A single point makes no line.
        for point in points.iter().take(1) {
            let (x, y) = point.split_once(',').unwrap_or_default();
            let _ = writeln!(svg, r#"<circle cx="{x}" cy="{y}" r="3" fill="{color}"/>"#);
        }
        let x = LEFT + PANEL_WIDTH - 90.0 * (lines.len() - 1 - line) as f64;
        let _ = writeln!(svg, r#"<g fill="{color}">"#);
        text(svg, x, top - 10.0, "end", name);
        svg.push_str("</g>\n");
    }
}

/// Side of a field of the matrix, and the room for the words, px.
const FIELD: f64 = 56.0;
const MARGIN: f64 = 84.0;

/// A picture of what was taken for what: shares of each row, and counts in words.
pub fn confusion(matrix: &ConfusionMatrix, title: &str) -> String {
    let side = MARGIN + FIELD * Expression::ALL.len() as f64 + 16.0;
    let mut svg = open(side, side);
    text(&mut svg, 12.0, 24.0, "start", title);
    text(
        &mut svg,
        12.0,
        44.0,
        "start",
        "rows: truth, columns: prediction",
    );
    for (row, truth) in Expression::ALL.into_iter().enumerate() {
        let y = MARGIN + FIELD * row as f64;
        let n_true = matrix.n_true(truth);
        text(
            &mut svg,
            MARGIN - 6.0,
            y + FIELD / 2.0 + 4.0,
            "end",
            truth.name(),
        );
        let x = MARGIN + FIELD * (row as f64 + 0.5);
        text(&mut svg, x, MARGIN - 8.0, "middle", truth.name());
        for (column, &count) in matrix.counts[truth.index()].iter().enumerate() {
            let x = MARGIN + FIELD * column as f64;
            let share = count as f64 / n_true.max(1) as f64;
            let _ = writeln!(
                svg,
                r##"<rect x="{x}" y="{y}" width="{FIELD}" height="{FIELD}" fill="{}" fill-opacity="{share:.3}" stroke="#ddd"/>"##,
                COLORS[0]
            );
            let ink = if share > 0.5 { "#fff" } else { "#222" };
            let _ = writeln!(svg, r#"<g fill="{ink}">"#);
            let x = x + FIELD / 2.0;
            text(
                &mut svg,
                x,
                y + FIELD / 2.0 - 2.0,
                "middle",
                &format!("{:.0} %", share * 100.0),
            );
            text(
                &mut svg,
                x,
                y + FIELD / 2.0 + 14.0,
                "middle",
                &count.to_string(),
            );
            svg.push_str("</g>\n");
        }
    }
    svg + "</svg>\n"
}

fn open(width: f64, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    )
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{words}</text>"#
    );
}

/// A number short enough for an axis.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v < 0.01 => format!("{value:.1e}"),
        v if v < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(epoch: usize, public_loss: f64) -> EpochFigures {
        EpochFigures {
            epoch,
            training_loss: 1.0,
            public_loss,
            public_accuracy: 0.5,
            public_macro_f1: 0.4,
            public_agreement: None,
            learning_rate: 1e-3,
            seconds: 1.0,
            images_per_second: 1.0,
        }
    }

    /// Every tag that is opened is closed, and no coordinate is beyond a number.
    #[track_caller]
    fn check_is_sound(svg: &str) {
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let count = |text: &str| svg.matches(text).count();
        assert_eq!(count("<g "), count("</g>"));
        assert_eq!(count("<text"), count("</text>"));
        assert_eq!(count("</svg>"), 1);
    }

    #[test]
    fn agreement_has_a_curve_where_it_was_measured() {
        let with_votes = EpochFigures {
            public_agreement: Some(0.8),
            ..figures(1, 2.0)
        };
        let svg = curves(&[with_votes]);
        check_is_sound(&svg);
        assert!(svg.contains("with FER+"));
        assert!(!curves(&[figures(1, 2.0)]).contains("with FER+"));
    }

    #[test]
    fn curves_begin_and_end_where_the_values_do() {
        check_is_sound(&curves(&[]));
        check_is_sound(&curves(&[figures(1, 2.0)]));
        let svg = curves(&[figures(1, 3.0), figures(2, 2.0), figures(3, 1.0)]);
        check_is_sound(&svg);
        // From the upper left corner of the first panel to its lower right one.
        assert!(svg.contains("64.0,36.0 304.0,126.0 544.0,216.0"), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 5);
    }

    #[test]
    fn the_matrix_shows_shares_and_counts() {
        let mut matrix = ConfusionMatrix::default();
        for _ in 0..3 {
            matrix.add(Expression::ALL[3], Expression::ALL[3]);
        }
        matrix.add(Expression::ALL[3], Expression::ALL[0]);
        let svg = confusion(&matrix, "a < b");
        check_is_sound(&svg);
        for words in [">75 %<", ">25 %<", ">3<", ">1<", ">a &lt; b<"] {
            assert!(svg.contains(words), "{words}");
        }
        assert_eq!(svg.matches("<rect").count(), 50);
    }
}
