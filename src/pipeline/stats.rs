//! Rates, latency and losses of the running pipeline.
//!
//! Time is always a parameter. Rates cover the last seconds, so they follow a change and fall to zero when frames stop.
//! Counts are since the source was opened.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::Stats;
use crate::percentiles::percentile;

/// Rates look back this far: long enough to be steady at a few frames per second, short enough to follow a change.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// Percentiles are of this many latencies: ten seconds at 30 frames per second. With fewer, the 95th percentile would
/// rest on a handful of values.
const N_LATENCIES: usize = 300;

/// Collects the figures of one source from the stages.
#[derive(Debug, Default)]
pub(super) struct StatsRecorder {
    captured: RateMeter,
    analyzed: RateMeter,
    latencies: VecDeque<Duration>,
    n_dropped: u64,
    n_damaged: u64,
}

impl StatsRecorder {
    /// A frame came from the source.
    pub fn captured(&mut self, now: Instant) {
        self.captured.count(now);
    }

    /// A result is ready, `latency` after its frame was captured.
    pub fn analyzed(&mut self, now: Instant, latency: Duration) {
        self.analyzed.count(now);
        if self.latencies.len() == N_LATENCIES {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// A frame was dropped before it was analyzed, or its analysis failed.
    pub fn dropped(&mut self) {
        self.n_dropped += 1;
    }

    /// `n_frames` frames arrived damaged.
    pub fn damaged(&mut self, n_frames: u64) {
        self.n_damaged += n_frames;
    }

    /// The figures as of `now`.
    pub fn snapshot(&self, now: Instant) -> Stats {
        let mut sorted: Vec<Duration> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        Stats {
            capture_rate_hz: self.captured.rate_hz(now),
            analysis_rate_hz: self.analyzed.rate_hz(now),
            latency_p50: percentile(&sorted, 50),
            latency_p95: percentile(&sorted, 95),
            n_captured: self.captured.n_total,
            n_analyzed: self.analyzed.n_total,
            n_dropped: self.n_dropped,
            n_damaged: self.n_damaged,
        }
    }
}

#[derive(Debug, Default)]
struct RateMeter {
    /// Times within the window before the newest, oldest first.
    recent: VecDeque<Instant>,
    n_total: u64,
}

impl RateMeter {
    fn count(&mut self, now: Instant) {
        self.n_total += 1;
        self.recent.push_back(now);
        while self
            .recent
            .front()
            .is_some_and(|&time| now.saturating_duration_since(time) > RATE_WINDOW)
        {
            self.recent.pop_front();
        }
    }

    fn rate_hz(&self, now: Instant) -> f64 {
        let in_window = |time: &&Instant| now.saturating_duration_since(**time) <= RATE_WINDOW;
        let mut times = self.recent.iter().filter(in_window);
        let Some(&first) = times.next() else {
            return 0.0;
        };
        let (n_intervals, last) = times.fold((0u32, first), |(n, _), &time| (n + 1, time));
        if n_intervals == 0 {
            return 0.0;
        }
        let busy = last.saturating_duration_since(first);
        let silent = now.saturating_duration_since(last);
        // Between two frames the rate holds; when frames are overdue it falls.
        let overdue = silent > 2 * busy / n_intervals;
        let span = if overdue { busy + silent } else { busy };
        if span.is_zero() {
            return 0.0;
        }
        f64::from(n_intervals) / span.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nothing_yet() {
        assert_eq!(
            StatsRecorder::default().snapshot(Instant::now()),
            Stats::default()
        );
    }

    #[test]
    fn a_steady_rate_is_read_exactly_and_falls_when_frames_stop() {
        let start = Instant::now();
        let mut recorder = StatsRecorder::default();
        for frame in 0..300u32 {
            recorder.captured(start + frame * 40 * MS);
        }
        let last = start + 299 * 40 * MS;
        let rate = |later: Duration| recorder.snapshot(last + later).capture_rate_hz;
        assert!((rate(Duration::ZERO) - 25.0).abs() < 1e-9);
        assert!(
            (rate(35 * MS) - 25.0).abs() < 1e-9,
            "steady between two frames"
        );
        assert!(rate(1500 * MS) < 13.0, "{}", rate(1500 * MS));
        assert_eq!(rate(3001 * MS), 0.0);
        assert_eq!(recorder.snapshot(last).n_captured, 300);
        assert!(
            recorder.captured.recent.len() <= 76,
            "the window is bounded"
        );
    }

    #[test]
    fn one_frame_has_no_rate() {
        let now = Instant::now();
        let mut recorder = StatsRecorder::default();
        recorder.captured(now);
        assert_eq!(recorder.snapshot(now).capture_rate_hz, 0.0);
        recorder.captured(now);
        assert_eq!(
            recorder.snapshot(now).capture_rate_hz,
            0.0,
            "not infinite either"
        );
    }

    #[test]
    fn percentiles_are_of_the_last_three_hundred_latencies() {
        let now = Instant::now();
        let mut recorder = StatsRecorder::default();
        recorder.analyzed(now, 7 * MS);
        let one = recorder.snapshot(now);
        assert_eq!(
            (one.latency_p50, one.latency_p95),
            (Some(7 * MS), Some(7 * MS))
        );
        for ms in 1..=300u32 {
            recorder.analyzed(now, (301 - ms) * MS); // The first 7 ms fall out.
        }
        let stats = recorder.snapshot(now);
        assert_eq!(stats.latency_p50, Some(150 * MS));
        assert_eq!(stats.latency_p95, Some(285 * MS));
        assert_eq!(stats.n_analyzed, 301);
    }

    #[test]
    fn drops_are_counted() {
        let mut recorder = StatsRecorder::default();
        recorder.dropped();
        recorder.dropped();
        recorder.damaged(3);
        let stats = recorder.snapshot(Instant::now());
        assert_eq!((stats.n_dropped, stats.n_damaged), (2, 3));
    }
}
