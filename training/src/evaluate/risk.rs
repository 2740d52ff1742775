//! From which confidence on an answer should be shown: the curve of risk over coverage, and the threshold it gives.
//!
//! Whoever answers only where it is confident answers less (coverage) and is wrong less often (risk). The threshold is
//! Chow's (1970, <https://doi.org/10.1109/TIT.1970.1054406>): saying "uncertain" is half as bad as a wrong answer, so an
//! answer is worth giving where it is more likely right than wrong. What a newcomer would get wrong: with perfectly
//! calibrated confidence that would be 0.5 exactly; it is found by counting, because no calibration is perfect.

use std::fmt::Write as _;

use fervis::expression::Logits;
use serde::Serialize;

/// What saying "uncertain" costs, where a wrong answer costs 1.
pub const COST_OF_UNCERTAIN: f64 = 0.5;
/// Thresholds are looked for in steps of this.
const STEP: f64 = 0.01;

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Its probability, 0 to 1.
    pub confidence: f32,
    /// How right it was, 0 to 1: whether the label says the same, or the share of people who do.
    pub right: f32,
}

/// What comes of answering only at or above a confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RiskPoint {
    /// The confidence.
    pub threshold: f64,
    /// The share of images that are answered.
    pub coverage: f64,
    /// How wrong these answers are on average; 0 if there are none.
    pub risk: f64,
}

/// The most probable expression of each image, with its truth: a distribution, which has a single 1 where it is a label.
///
/// # Panics
/// If the lengths differ.
pub fn answers(logits: &[Logits], truths: &[[f32; 7]], temperature: f32) -> Vec<Answer> {
    assert_eq!(logits.len(), truths.len(), "one truth per prediction");
    let answer = |(logits, truth): (&Logits, &[f32; 7])| {
        let (choice, confidence) = logits.softmax(temperature).top();
        Answer {
            confidence,
            right: truth[choice.index()],
        }
    };
    logits.iter().zip(truths).map(answer).collect()
}

/// What comes of a threshold.
pub fn at(answers: &[Answer], threshold: f64) -> RiskPoint {
    let given = answers
        .iter()
        .filter(|answer| f64::from(answer.confidence) >= threshold);
    let (n, wrong) = given.fold((0_usize, 0.0), |(n, wrong), answer| {
        (n + 1, wrong + f64::from(1.0 - answer.right))
    });
    RiskPoint {
        threshold,
        coverage: n as f64 / answers.len().max(1) as f64,
        risk: wrong / n.max(1) as f64,
    }
}

/// The whole curve, by rising threshold from 0 to 1.
pub fn curve(answers: &[Answer]) -> Vec<RiskPoint> {
    let n_steps = (1.0 / STEP).round() as u32;
    (0..=n_steps)
        .map(|step| at(answers, f64::from(step) * STEP))
        .collect()
}

/// The threshold below which answers cost more than they are worth; the lowest of equals, 0 for no answers.
pub fn uncertain_below(answers: &[Answer]) -> f64 {
    let cost = |point: &RiskPoint| {
        point.coverage * point.risk + (1.0 - point.coverage) * COST_OF_UNCERTAIN
    };
    let cheapest = |best: RiskPoint, next: RiskPoint| {
        // Equal up to rounding is equal.
        if cost(&next) < cost(&best) - 1e-9 {
            next
        } else {
            best
        }
    };
    let best = curve(answers).into_iter().reduce(cheapest);
    best.map_or(0.0, |best| best.threshold)
}

const PLOT: f64 = 360.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 40.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}\
    .grid{stroke:#e5e5e5;fill:none}.axis{stroke:#333;fill:none}.curve{stroke:#3b76af;stroke-width:2;fill:none}\
    .point{fill:#d1495b}";

/// The curve as an SVG file, with the threshold that the checkpoint has marked.
pub fn svg(answers: &[Answer], threshold: f64) -> String {
    let points = curve(answers);
    let highest = points.iter().map(|point| point.risk).fold(0.0, f64::max);
    // A scale that ends on a whole tenth, at least one.
    let top_risk = (highest * 10.0).ceil().max(1.0) / 10.0;
    let place = |point: &RiskPoint| {
        let x = LEFT + point.coverage * PLOT;
        (x, TOP + PLOT * (1.0 - point.risk / top_risk))
    };
    let mut body = String::new();
    let mut draw = |line: std::fmt::Arguments<'_>| writeln!(body, "{line}").unwrap_or_default();
    for tick in 0..=5 {
        let share = f64::from(tick) / 5.0;
        let (x, y) = (LEFT + share * PLOT, TOP + PLOT - share * PLOT);
        draw(format_args!(
            "<path class=\"grid\" d=\"M{LEFT} {y:.1}h{PLOT}M{x:.1} {TOP}v{PLOT}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.0}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            share * top_risk * 100.0,
            TOP + PLOT + 18.0,
            tick * 20
        ));
    }
    let line: Vec<String> = points
        .iter()
        .filter(|point| point.coverage > 0.0)
        .map(|point| {
            let (x, y) = place(point);
            format!("{x:.1},{y:.1}")
        })
        .collect();
    draw(format_args!(
        "<polyline class=\"curve\" points=\"{}\"/><path class=\"axis\" d=\"M{LEFT} {TOP}v{PLOT}h{PLOT}\"/>",
        line.join(" ")
    ));
    let chosen = at(answers, threshold);
    let (x, y) = place(&chosen);
    let (middle, centre) = (LEFT + PLOT / 2.0, TOP + PLOT / 2.0);
    draw(format_args!(
        "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>\
         <text class=\"title\" x=\"{LEFT}\" y=\"24\">from {:.0} % on {:.1} % answered, {:.1} % wrong</text>\
         <text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">answered, %</text>\
         <text transform=\"translate(18 {centre}) rotate(-90)\" text-anchor=\"middle\">wrong, %</text>",
        threshold * 100.0,
        chosen.coverage * 100.0,
        chosen.risk * 100.0,
        TOP + PLOT + 38.0
    ));
    let (width, height) = (LEFT + PLOT + 20.0, TOP + PLOT + 50.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn answer(confidence: f32, right: f32) -> Answer {
        Answer { confidence, right }
    }

    #[test]
    fn risk_and_coverage_are_counted() {
        let answers = [
            answer(0.9, 1.0),
            answer(0.8, 1.0),
            answer(0.6, 0.0),
            answer(0.3, 0.0),
        ];
        let point = at(&answers, 0.5);
        assert_eq!(point.coverage, 0.75);
        assert!((point.risk - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(at(&answers, 1.0).coverage, 0.0);
        let curve = curve(&answers);
        assert_eq!((curve.len(), curve[0].coverage), (101, 1.0));
        assert!(
            curve
                .windows(2)
                .all(|pair| pair[1].coverage <= pair[0].coverage)
        );
        // Answering 0.6 costs 1 instead of 0.5: the threshold lies above it and at most at 0.8.
        let threshold = uncertain_below(&answers);
        assert!(threshold > 0.6 && threshold < 0.62, "{threshold}");
    }

    #[test]
    fn calibrated_answers_are_given_from_one_half_on() {
        let mut rng = SplitMix64::from_key(&[8]);
        let answers: Vec<Answer> = (0..50_000)
            .map(|_| {
                let confidence = rng.between(0.15, 1.0);
                answer(confidence, f32::from(u8::from(rng.unit() < confidence)))
            })
            .collect();
        let threshold = uncertain_below(&answers);
        assert!((threshold - 0.5).abs() < 0.05, "{threshold}");
    }

    #[test]
    fn where_every_answer_is_right_none_is_uncertain() {
        assert_eq!(uncertain_below(&[answer(0.2, 1.0), answer(0.9, 1.0)]), 0.0);
        assert_eq!(uncertain_below(&[]), 0.0);
    }

    #[test]
    fn answers_take_the_truth_of_what_was_chosen() {
        let mut logits = Logits::default();
        logits.0[3] = 2.0;
        let mut truth = [0.0; 7];
        (truth[3], truth[6]) = (0.7, 0.3);
        let answers = answers(&[logits], &[truth], 2.0);
        assert_eq!(answers[0].right, 0.7);
        assert_eq!(answers[0].confidence, logits.softmax(2.0).0[3]);
    }

    #[test]
    fn the_picture_marks_the_threshold() {
        let picture = svg(&[answer(0.9, 1.0), answer(0.4, 0.0)], 0.5);
        assert!(picture.contains("from 50 % on 50.0 % answered, 0.0 % wrong"));
        assert!(!svg(&[], 0.5).contains("NaN"));
    }
}
