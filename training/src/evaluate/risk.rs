//! Risk against coverage, and the threshold below which the application shows "uncertain".
//!
//! Withholding less confident answers lowers the share of images that get one (coverage) and how often it is wrong (risk).
//! The threshold is Chow's (1970, <https://doi.org/10.1109/TIT.1970.1054406>): "uncertain" costs half as much as a wrong
//! answer, so an answer is worth giving if it is more likely right than wrong. With perfect calibration that would be
//! exactly 0.5; since no calibration is perfect, the threshold is found by counting.

use fervis::expression::Logits;
use serde::Serialize;

use crate::data::target::Target;

/// The cost of "uncertain"; a wrong answer costs 1.
pub const COST_OF_UNCERTAIN: f64 = 0.5;
/// Step between thresholds.
const STEP: f64 = 0.01;

/// The answer for one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Its probability, 0 to 1.
    pub confidence: f32,
    /// How right it is, 0 to 1: whether the label says the same, or the share of people who do.
    pub right: f32,
}

/// The effect of a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RiskPoint {
    /// Answers with at least this confidence are given.
    pub threshold: f64,
    /// Share of images that get an answer.
    pub coverage: f64,
    /// How often these answers are wrong; 0 without answers.
    pub risk: f64,
}

/// The answer for each image: its most probable class, judged by a truth that is a distribution or a one-hot label.
///
/// # Panics
/// If the lengths differ.
pub fn answers(logits: &[Logits], truths: &[Target], temperature: f32) -> Vec<Answer> {
    assert_eq!(logits.len(), truths.len(), "one truth per prediction");
    let answer = |(logits, truth): (&Logits, &Target)| {
        let (choice, confidence) = logits.softmax(temperature).top();
        Answer {
            confidence,
            right: truth[choice.index()],
        }
    };
    logits.iter().zip(truths).map(answer).collect()
}

/// The effect of a threshold.
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

/// The whole curve, for thresholds from 0 to 1.
pub fn curve(answers: &[Answer]) -> Vec<RiskPoint> {
    let n_steps = (1.0 / STEP).round() as u32;
    (0..=n_steps)
        .map(|step| at(answers, f64::from(step) * STEP))
        .collect()
}

/// The threshold with the lowest cost; the lowest of equals, and 0 without answers.
pub fn uncertain_below(answers: &[Answer]) -> f64 {
    let cost = |point: &RiskPoint| {
        point.coverage * point.risk + (1.0 - point.coverage) * COST_OF_UNCERTAIN
    };
    let cheapest = |best: RiskPoint, next: RiskPoint| {
        // Costs that differ only by rounding are equal.
        if cost(&next) < cost(&best) - 1e-9 {
            next
        } else {
            best
        }
    };
    let best = curve(answers).into_iter().reduce(cheapest);
    best.map_or(0.0, |best| best.threshold)
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
    fn the_threshold_of_calibrated_answers_is_one_half() {
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
    fn if_every_answer_is_right_none_is_uncertain() {
        assert_eq!(uncertain_below(&[answer(0.2, 1.0), answer(0.9, 1.0)]), 0.0);
        assert_eq!(uncertain_below(&[]), 0.0);
    }

    #[test]
    fn answers_are_judged_by_the_truth_of_their_expression() {
        let mut logits = Logits::default();
        logits.0[3] = 2.0;
        let mut truth = [0.0; 7];
        (truth[3], truth[6]) = (0.7, 0.3);
        let answers = answers(&[logits], &[truth.into()], 2.0);
        assert_eq!(answers[0].right, 0.7);
        assert_eq!(answers[0].confidence, logits.softmax(2.0).0[3]);
    }
}
