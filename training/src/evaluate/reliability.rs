//! Confidence against accuracy: the bins behind the expected calibration error.
//!
//! If accuracy equals confidence in every bin, a network that says 80 % is right in 80 of 100 cases (Guo et al. 2017,
//! arXiv:1706.04599). A lower accuracy means overconfidence.

use serde::Serialize;

use crate::evaluate::risk::Answer;

/// As in Guo et al. 2017.
const N_BINS: usize = 15;

/// Predictions of similar confidence.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ReliabilityBin {
    /// Number of predictions.
    pub n: u64,
    /// Their mean confidence, 0 to 1; 0 without predictions.
    pub confidence: f64,
    /// Share of them that is right, or the mean share of people who say the same; 0 without predictions.
    pub accuracy: f64,
}

/// All bins, of equal width, in order of confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// The bins.
    pub bins: [ReliabilityBin; N_BINS],
}

impl Reliability {
    /// Sorts answers into bins.
    pub fn new(answers: &[Answer]) -> Self {
        let mut bins = [ReliabilityBin::default(); N_BINS];
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
}

/// The bin of a confidence: bin `i` holds those above `i / 15`, up to and including `(i + 1) / 15`.
fn bin_of(confidence: f32) -> usize {
    let edge = (f64::from(confidence) * N_BINS as f64).ceil() as usize;
    edge.clamp(1, N_BINS) - 1
}

#[cfg(test)]
mod tests {
    use fervis::expression::{Labels, Logits};

    use super::*;
    use crate::{
        data::target::one_hot,
        evaluate::{metrics::Metrics, risk},
        random::SplitMix64,
    };

    fn examples(n: usize) -> (Vec<Logits>, Vec<u32>) {
        let mut rng = SplitMix64::from_key(&[5]);
        let mut one = || {
            let logits = Logits::from(std::array::from_fn(|_| rng.between(-2.0, 2.0)));
            (logits, rng.below(7) as u32)
        };
        (0..n).map(|_| one()).unzip()
    }

    #[test]
    fn bins_include_their_upper_edge() {
        for (confidence, bin) in [
            (0.0, 0),
            (0.0666, 0),
            (0.0667, 1),
            (0.2, 3),
            (0.95, 14),
            (1.0, 14),
        ] {
            // 0.2 in f32 lies just above a fifth, so it belongs to the next bin.
            assert_eq!(bin_of(confidence), bin, "{confidence}");
        }
    }

    #[test]
    fn the_bins_give_the_calibration_error_of_the_metrics() {
        let (logits, labels) = examples(500);
        for temperature in [0.5, 1.0, 2.0] {
            let answers = risk::answers(&logits, &one_hot(Labels::FER_2013, &labels), temperature);
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
}
