//! Confidence against accuracy: the diagram behind the expected calibration error.
//!
//! Predictions are put into bins of similar confidence; where a bar reaches the diagonal, a network that says 80 % is
//! right in 80 of 100 cases (Guo et al. 2017, arXiv:1706.04599). Bars below it are boasts.

use std::fmt::Write;

use serde::Serialize;

use crate::evaluate::{
    metrics::{N_CALIBRATION_BINS, bin_of},
    risk::Answer,
};

/// Predictions of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ReliabilityBin {
    /// Number of predictions.
    pub n: u64,
    /// Their mean confidence, 0 to 1; 0 if there are none.
    pub confidence: f64,
    /// The share of them that is right, or the mean share of people who say the same; 0 if there are none.
    pub accuracy: f64,
}

/// All bins, by rising confidence, of equal width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// The bins.
    pub bins: [ReliabilityBin; N_CALIBRATION_BINS],
}

impl Reliability {
    /// Bins of answers. What was right is known from labels, or is the share of people who say the same.
    pub fn new(answers: &[Answer]) -> Self {
        let mut bins = [ReliabilityBin::default(); N_CALIBRATION_BINS];
        for answer in answers {
            let bin = &mut bins[bin_of(answer.confidence)];
            bin.n += 1;
            bin.confidence += f64::from(answer.confidence);
            bin.accuracy += f64::from(answer.right);
        }
        for bin in &mut bins {
            let n = bin.n.max(1) as f64;
            bin.confidence /= n;
            bin.accuracy /= n;
        }
        Self { bins }
    }

    /// Number of predictions.
    pub fn n(&self) -> u64 {
        self.bins.iter().map(|bin| bin.n).sum()
    }

    /// Expected calibration error, 0 to 1: the mean gap between confidence and accuracy, weighted by predictions.
    pub fn calibration_error(&self) -> f64 {
        let gap = |bin: &ReliabilityBin| bin.n as f64 * (bin.accuracy - bin.confidence).abs();
        self.bins.iter().map(gap).sum::<f64>() / self.n().max(1) as f64
    }

    /// The diagram as an SVG file: bars of accuracy over the diagonal, and below how many predictions each bin has.
    pub fn svg(&self) -> String {
        let mut body = String::new();
        let width = PLOT / N_CALIBRATION_BINS as f64;
        let most = self.bins.iter().map(|bin| bin.n).max().unwrap_or(0).max(1) as f64;
        let mut draw = |line: std::fmt::Arguments<'_>| writeln!(body, "{line}").unwrap_or_default();
        for tick in 0..=5 {
            let share = f64::from(tick) / 5.0;
            let (x, y) = (LEFT + share * PLOT, TOP + PLOT - share * PLOT);
            let percent = tick * 20;
            draw(format_args!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{PLOT}M{x:.1} {TOP}v{PLOT}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{percent}</text>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{percent}</text>",
                LEFT - 8.0,
                y + 4.0,
                TOP + PLOT + COUNTS + GAP + 18.0
            ));
        }
        for (index, bin) in self.bins.iter().enumerate().filter(|(_, bin)| bin.n > 0) {
            let x = LEFT + index as f64 * width;
            let top = |share: f64| TOP + PLOT - share * PLOT;
            let (low, high) = (
                bin.accuracy.min(bin.confidence),
                bin.accuracy.max(bin.confidence),
            );
            let count = bin.n as f64 / most * COUNTS;
            draw(format_args!(
                "<g><title>{} predictions, confidence {:.1} %, accuracy {:.1} %</title>\
                 <rect class=\"accuracy\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <rect class=\"gap\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <rect class=\"count\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{count:.1}\"/></g>",
                bin.n,
                bin.confidence * 100.0,
                bin.accuracy * 100.0,
                x + 1.0,
                top(bin.accuracy),
                width - 2.0,
                bin.accuracy * PLOT,
                x + 1.0,
                top(high),
                width - 2.0,
                (high - low) * PLOT,
                x + 1.0,
                TOP + PLOT + GAP + COUNTS - count,
                width - 2.0,
            ));
        }
        draw(format_args!(
            "<path class=\"diagonal\" d=\"M{LEFT} {:.1}L{:.1} {TOP}\"/>\
             <path class=\"axis\" d=\"M{LEFT} {TOP}v{PLOT}h{PLOT}M{LEFT} {:.1}h{PLOT}\"/>",
            TOP + PLOT,
            LEFT + PLOT,
            TOP + PLOT + GAP + COUNTS
        ));
        let (middle, centre) = (LEFT + PLOT / 2.0, TOP + PLOT / 2.0);
        draw(format_args!(
            "<text class=\"title\" x=\"{LEFT}\" y=\"24\">{} predictions, calibration error {:.1} %</text>\
             <text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">confidence, %</text>\
             <text transform=\"translate(18 {centre}) rotate(-90)\" text-anchor=\"middle\">accuracy, %</text>\
             <text transform=\"translate(18 {:.1}) rotate(-90)\" text-anchor=\"middle\">number</text>",
            self.n(),
            self.calibration_error() * 100.0,
            TOP + PLOT + COUNTS + GAP + 38.0,
            TOP + PLOT + GAP + COUNTS / 2.0
        ));
        let (total_width, total_height) = (LEFT + PLOT + 20.0, TOP + PLOT + GAP + COUNTS + 50.0);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {total_width} {total_height}\" \
             width=\"{total_width}\" height=\"{total_height}\">\n<style>{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
        )
    }
}

/// Side of the square with the bars, and its place.
const PLOT: f64 = 360.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 40.0;
/// Height of the numbers below, and the room between.
const COUNTS: f64 = 70.0;
const GAP: f64 = 16.0;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}\
    .grid{stroke:#e5e5e5;fill:none}.axis{stroke:#333;fill:none}.diagonal{stroke:#333;stroke-dasharray:5 4;fill:none}\
    .accuracy{fill:#3b76af}.gap{fill:#d1495b;fill-opacity:.45}.count{fill:#9aa5b1}";

#[cfg(test)]
mod tests {
    use fervis::expression::Logits;

    use super::*;
    use crate::{
        data::target::one_hot,
        evaluate::{metrics::Metrics, risk},
        random::SplitMix64,
    };

    fn examples(n: usize) -> (Vec<Logits>, Vec<u32>) {
        let mut rng = SplitMix64::from_key(&[5]);
        let mut one = || {
            let logits = Logits(std::array::from_fn(|_| rng.between(-2.0, 2.0)));
            (logits, rng.below(7) as u32)
        };
        (0..n).map(|_| one()).unzip()
    }

    #[test]
    fn the_bins_give_the_calibration_error_of_the_metrics() {
        let (logits, labels) = examples(500);
        for temperature in [0.5, 1.0, 2.0] {
            let answers = risk::answers(&logits, &one_hot(&labels), temperature);
            let reliability = Reliability::new(&answers);
            let metrics = Metrics::from_logits(&logits, &labels, temperature);
            assert_eq!(reliability.n(), 500);
            let gap = reliability.calibration_error() - metrics.calibration_error;
            assert!(gap.abs() < 1e-9, "{gap}");
            let right: f64 = reliability
                .bins
                .iter()
                .map(|bin| bin.n as f64 * bin.accuracy)
                .sum();
            assert!((right / 500.0 - metrics.accuracy).abs() < 1e-9);
        }
    }

    #[test]
    fn the_diagram_has_a_bar_for_each_bin_that_is_not_empty() {
        let (logits, labels) = examples(500);
        let reliability = Reliability::new(&risk::answers(&logits, &one_hot(&labels), 1.0));
        let n_filled = reliability.bins.iter().filter(|bin| bin.n > 0).count();
        let svg = reliability.svg();
        assert_eq!(svg.matches("class=\"accuracy\"").count(), n_filled);
        assert!(n_filled > 5 && !svg.contains("NaN"));
        let empty = Reliability::new(&[]).svg();
        assert_eq!(empty.matches("class=\"accuracy\"").count(), 0);
        assert!(empty.contains("0 predictions") && !empty.contains("NaN"));
    }
}
