//! Percentiles by nearest rank: exact ones of values at hand, and of durations without end to 1 % in fixed memory.
//!
//! Means hide the slow frame that a viewer notices, so latencies are given as median and 95th percentile everywhere.

use std::time::Duration;

/// The percentile of values in ascending order; `None` if there are none.
pub fn percentile<T: Copy>(ascending: &[T], percent: u64) -> Option<T> {
    let rank = rank(ascending.len() as u64, percent);
    ascending.get(rank as usize - 1).copied()
}

/// Place of the percentile among `n` values, from 1.
fn rank(n: u64, percent: u64) -> u64 {
    (n * percent).div_ceil(100).max(1)
}

/// Upper end of the first class of a histogram.
const SHORTEST_S: f64 = 10e-6;
/// Each class is this much wider than the one before. Neither a person nor a scheduler can tell finer.
const RATIO: f64 = 1.01;
/// Enough for 10 µs · 1.01¹⁹⁸⁰ = 1 h; the longest duration of all stands for those beyond.
const N_CLASSES: usize = 1982;

/// Counts durations by classes of equal ratio, in 16 kB whether for a minute or for a day.
#[derive(Debug, Clone)]
pub struct DurationHistogram {
    counts: Vec<u64>,
    n: u64,
    longest: Duration,
}

impl Default for DurationHistogram {
    fn default() -> Self {
        Self {
            counts: vec![0; N_CLASSES],
            n: 0,
            longest: Duration::ZERO,
        }
    }
}

impl DurationHistogram {
    /// Counts one.
    pub fn count(&mut self, duration: Duration) {
        let class = (duration.as_secs_f64() / SHORTEST_S).max(1.0).log(RATIO);
        self.counts[(class.ceil() as usize).min(N_CLASSES - 1)] += 1;
        self.n += 1;
        self.longest = self.longest.max(duration);
    }

    /// The percentile, at most 1 % above the true one; `None` if nothing was counted.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = rank(self.n, percent);
        let mut n_so_far = 0;
        let class = self.counts.iter().position(|n| {
            n_so_far += n;
            n_so_far >= rank
        })?;
        let end_s = SHORTEST_S * RATIO.powi(class as i32);
        let is_last = class == N_CLASSES - 1;
        Some(if is_last {
            self.longest
        } else {
            Duration::from_secs_f64(end_s).min(self.longest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_by_its_rank() {
        assert_eq!(percentile::<u32>(&[], 50), None);
        assert_eq!(percentile(&[7], 95), Some(7));
        let values: Vec<u32> = (1..=300).collect();
        for (percent, value) in [(0, 1), (50, 150), (95, 285), (100, 300)] {
            assert_eq!(percentile(&values, percent), Some(value), "{percent}");
        }
    }

    #[test]
    fn a_histogram_is_right_to_one_percent() {
        let mut durations = DurationHistogram::default();
        assert_eq!(durations.percentile(50), None);
        // From 100 µs to 10 ms, and a machine that is far too slow: from 1 s to 100 s.
        for step in [Duration::from_micros(100), Duration::from_secs(1)] {
            let mut durations = DurationHistogram::default();
            for n in (1..=100).rev() {
                durations.count(n * step);
            }
            for percent in [50, 95, 100] {
                let found = durations.percentile(percent).unwrap().as_secs_f64();
                let ratio = found / (percent as f64 * step.as_secs_f64());
                assert!((1.0..1.0101).contains(&ratio), "{percent}: {ratio}");
            }
        }
        durations.count(Duration::from_secs(7200));
        assert_eq!(durations.percentile(50), Some(Duration::from_secs(7200)));
    }

    #[test]
    fn the_shortest_are_counted() {
        let mut durations = DurationHistogram::default();
        durations.count(Duration::ZERO);
        durations.count(Duration::from_micros(5));
        assert_eq!(durations.percentile(100), Some(Duration::from_micros(5)));
    }
}
