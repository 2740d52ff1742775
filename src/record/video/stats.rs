//! How long encoding took, as percentiles, in constant memory.

use std::time::Duration;

/// Each bin is 5 % wider than the one before.
const RATIO: f64 = 1.05;
/// Upper end of the first bin.
const FIRST_BIN_S: f64 = 10e-6;
/// Enough for 10 µs · 1.05³⁰⁰ = 23 s; the last bin counts whatever takes longer.
const N_BINS: usize = 300;

/// A histogram of durations.
pub(super) struct Durations {
    counts: [u32; N_BINS],
    total: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            counts: [0; N_BINS],
            total: 0,
        }
    }
}

impl Durations {
    /// Counts one.
    pub(super) fn add(&mut self, duration: Duration) {
        let bin = (duration.as_secs_f64() / FIRST_BIN_S).max(1.0).log(RATIO);
        let bin = (bin.ceil() as usize).min(N_BINS - 1);
        self.counts[bin] = self.counts[bin].saturating_add(1);
        self.total += 1;
    }

    /// The duration at `quantile`, 0 to 1, to within 5 %; zero if there are none.
    pub(super) fn quantile(&self, quantile: f64) -> Duration {
        let rank = (self.total as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (bin, count) in (0..).zip(&self.counts) {
            seen += u64::from(*count);
            if seen > 0 && seen >= rank {
                return Duration::from_secs_f64(FIRST_BIN_S * RATIO.powi(bin));
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_five_percent() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile(0.5), Duration::ZERO);
        for micros in (1..=1000).rev() {
            durations.add(Duration::from_micros(micros * 10));
        }
        for (quantile, micros) in [(0.5, 5000.0), (0.95, 9500.0), (1.0, 10_000.0)] {
            let found = durations.quantile(quantile).as_secs_f64() * 1e6;
            assert!(
                (found / micros - 1.0).abs() < 0.051,
                "{quantile}: {found} µs"
            );
        }
    }

    #[test]
    fn extremes_are_counted() {
        let mut durations = Durations::default();
        durations.add(Duration::ZERO);
        durations.add(Duration::from_secs(100_000));
        assert!(durations.quantile(0.5) <= Duration::from_micros(10));
        assert!(durations.quantile(1.0) > Duration::from_secs(10));
    }
}
