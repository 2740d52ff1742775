//! Temperature scaling: one number that calibrates a network's confidence.
//!
//! Fully trained networks are overconfident. Dividing the logits by a temperature above 1 softens the probabilities
//! without changing which is highest (Guo et al. 2017, arXiv:1706.04599), so the accuracy stays and the calibration error
//! falls. Fit it on PublicTest, never on training images, where the network is right almost always.

use std::ops::RangeInclusive;

use fervis::expression::Logits;

use crate::{data::target::Target, evaluate::metrics::cross_entropy};

/// The range that is searched. A network outside of it is broken in a way that no temperature repairs.
const TEMPERATURES: RangeInclusive<f64> = 0.05..=20.0;

/// Tolerance of the logarithm of the temperature: one part in ten thousand.
const LN_TOLERANCE: f64 = 1e-4;

/// The temperature with the lowest [`cross_entropy`] of truths that are distributions, such as votes or one-hot labels.
///
/// The result is 0.05 to 20; an end of this range means that there is no optimum, for example because every prediction is
/// right. Without images it is 1.
///
/// # Panics
/// If the lengths differ.
pub fn fit_temperature(logits: &[Logits], truths: &[Target]) -> f64 {
    if logits.is_empty() {
        return 1.0;
    }
    // The likelihood is concave in 1 / T, so over ln T it has one peak, which golden-section search finds.
    golden_section(
        |ln_temperature| cross_entropy(logits, truths, ln_temperature.exp()),
        TEMPERATURES.start().ln()..=TEMPERATURES.end().ln(),
        LN_TOLERANCE,
    )
    .exp()
}

/// The position of the minimum of a function that falls and then rises (Kiefer 1953).
fn golden_section(f: impl Fn(f64) -> f64, range: RangeInclusive<f64>, tolerance: f64) -> f64 {
    /// Each step keeps this share of the range.
    const KEPT: f64 = 0.618_033_988_749_894_9;
    let (mut low, mut high) = range.into_inner();
    let mut left = high - KEPT * (high - low);
    let mut right = low + KEPT * (high - low);
    let (mut f_left, mut f_right) = (f(left), f(right));
    while high - low > tolerance {
        if f_left <= f_right {
            (high, right, f_right) = (right, left, f_left);
            left = high - KEPT * (high - low);
            f_left = f(left);
        } else {
            (low, left, f_left) = (left, right, f_right);
            right = low + KEPT * (high - low);
            f_right = f(right);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use fervis::expression::Labels;

    use super::*;
    use crate::{data::target::one_hot, evaluate::metrics::Metrics, random::SplitMix64};

    /// Logits that are `temperature` times too large for labels drawn from their own probabilities.
    fn overconfident(temperature: f32, n: usize) -> (Vec<Logits>, Vec<u32>) {
        let mut rng = SplitMix64::from_key(&[42]);
        (0..n)
            .map(|_| {
                let honest = Logits::from(std::array::from_fn(|_| rng.between(-2.0, 2.0)));
                let mut rest = rng.unit();
                let drawn = honest.softmax(1.0).0.iter().position(|p| {
                    rest -= p;
                    rest < 0.0
                });
                let label = drawn.unwrap_or(6) as u32;
                (Logits(honest.0.map(|logit| logit * temperature)), label)
            })
            .unzip()
    }

    #[test]
    fn the_true_temperature_is_found() {
        for temperature in [0.5, 1.0, 2.5] {
            let (logits, labels) = overconfident(temperature, 20_000);
            let fitted = fit_temperature(&logits, &one_hot(Labels::FER_2013, &labels));
            let error = fitted / f64::from(temperature) - 1.0;
            assert!(error.abs() < 0.03, "{fitted} instead of {temperature}");
        }
    }

    #[test]
    fn calibration_changes_confidence_but_not_the_answer() {
        let (logits, labels) = overconfident(3.0, 5_000);
        let temperature = fit_temperature(&logits, &one_hot(Labels::FER_2013, &labels));
        let before = Metrics::from_logits(&logits, &labels, 1.0);
        let after = Metrics::from_logits(&logits, &labels, temperature as f32);
        assert_eq!(before.confusion, after.confusion);
        assert!(before.calibration_error > 0.15 && after.calibration_error < 0.03);
        assert!(after.negative_log_likelihood < before.negative_log_likelihood);
    }

    #[test]
    fn without_an_optimum_it_is_an_end_of_the_range() {
        let right = [Logits::from([5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])];
        let one_hot = |labels: &[u32]| one_hot(Labels::FER_2013, labels);
        assert!((fit_temperature(&right, &one_hot(&[0])) - 0.05).abs() < 0.001);
        assert!((fit_temperature(&right, &one_hot(&[1])) - 20.0).abs() < 0.01);
        assert_eq!(fit_temperature(&[], &[]), 1.0);
    }

    /// Probabilities that equal the votes need the temperature 1, and twice their logits need 2.
    #[test]
    fn votes_have_the_temperature_that_gives_their_shares() {
        let (honest, _) = overconfident(1.0, 300);
        let votes: Vec<Target> = honest.iter().map(|logits| logits.softmax(1.0).0).collect();
        let doubled: Vec<Logits> = honest
            .iter()
            .map(|logits| Logits(logits.0.map(|logit| 2.0 * logit)))
            .collect();
        assert!((fit_temperature(&honest, &votes) - 1.0).abs() < 1e-3);
        assert!((fit_temperature(&doubled, &votes) - 2.0).abs() < 2e-3);
    }
}
