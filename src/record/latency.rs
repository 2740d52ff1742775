//! Percentiles of all latencies of a recording in a fixed amount of memory.

use std::time::Duration;

use crate::session::manifest::Latency;

/// Width of a bin: finer than a person, or the scheduler of an operating system, can resolve.
const BIN: Duration = Duration::from_micros(500);
/// Number of bins, for up to two seconds.
const N_BINS: usize = 4000;
/// Width of a bin above two seconds, on machines that are far too slow.
const WIDE_BIN: Duration = Duration::from_millis(100);
/// Number of wide bins, for up to ten minutes. Longer latencies count as the longest of all.
const N_WIDE_BINS: usize = 6000;

/// A histogram of latencies.
#[derive(Debug)]
pub(super) struct LatencyHistogram {
    /// Bins and wide bins, from zero without a gap, and one for everything longer.
    bins: Vec<u64>,
    n: u64,
    longest: Duration,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self {
            bins: vec![0; N_BINS + N_WIDE_BINS + 1],
            n: 0,
            longest: Duration::ZERO,
        }
    }
}

impl LatencyHistogram {
    /// Adds a latency.
    pub fn count(&mut self, latency: Duration) {
        let place =
            |latency: Duration, bin: Duration| (latency.as_micros() / bin.as_micros()) as usize;
        let bin = match latency.checked_sub(BIN * N_BINS as u32) {
            None => place(latency, BIN),
            Some(beyond) => N_BINS + place(beyond, WIDE_BIN).min(N_WIDE_BINS),
        };
        self.bins[bin] += 1;
        self.n += 1;
        self.longest = self.longest.max(latency);
    }

    /// Median and 95th percentile, each the upper end of its bin.
    pub fn percentiles(&self) -> Latency {
        Latency {
            p50: self.percentile(50),
            p95: self.percentile(95),
        }
    }

    fn percentile(&self, percent: u64) -> Option<f64> {
        let rank = (self.n * percent).div_ceil(100).max(1);
        let mut n_so_far = 0;
        let bin = self.bins.iter().position(|&n| {
            n_so_far += n;
            n_so_far >= rank
        })?;
        let n_bins = bin as u32 + 1;
        let end = match n_bins.checked_sub(N_BINS as u32) {
            None => BIN * n_bins,
            Some(n_wide) if n_wide as usize > N_WIDE_BINS => self.longest,
            Some(n_wide) => BIN * N_BINS as u32 + WIDE_BIN * n_wide,
        };
        Some(end.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_bins() {
        let mut latencies = LatencyHistogram::default();
        assert_eq!(latencies.percentiles(), Latency::default(), "nothing yet");
        for ms in 1..=100u32 {
            latencies.count(ms * Duration::from_millis(1) - Duration::from_micros(100));
        }
        let Latency { p50, p95 } = latencies.percentiles();
        assert_eq!((p50, p95), (Some(50.0), Some(95.0)));
    }

    #[test]
    fn long_latencies_of_slow_machines_are_measured() {
        let mut latencies = LatencyHistogram::default();
        for s in 1..=100u32 {
            latencies.count(Duration::from_millis(1000 * u64::from(s) - 50));
        }
        let Latency { p50, p95 } = latencies.percentiles();
        assert_eq!((p50, p95), (Some(50_000.0), Some(95_000.0)));
        latencies.count(Duration::from_secs(7200));
        assert_eq!(latencies.percentile(100), Some(7_200_000.0));
    }
}
