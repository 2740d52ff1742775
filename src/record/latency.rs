//! Latencies of a whole recording in a fixed amount of memory.

use std::time::Duration;

use super::manifest::Latency;

/// Width of a bin. Finer than what a person, or an operating system's scheduler, can tell apart.
const BIN: Duration = Duration::from_micros(500);
/// Number of bins: up to two seconds. What takes longer counts as that.
const N_BINS: usize = 4000;

/// Counts latencies by bins.
#[derive(Debug)]
pub(super) struct LatencyHistogram {
    bins: Vec<u64>,
    n: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self {
            bins: vec![0; N_BINS],
            n: 0,
        }
    }
}

impl LatencyHistogram {
    /// Takes note of one.
    pub fn count(&mut self, latency: Duration) {
        let bin = (latency.as_micros() / BIN.as_micros()) as usize;
        self.bins[bin.min(N_BINS - 1)] += 1;
        self.n += 1;
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
        Some((bin + 1) as f64 * BIN.as_secs_f64() * 1000.0)
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
        latencies.count(Duration::from_secs(9));
        assert_eq!(latencies.percentile(100), Some(2000.0));
    }
}
