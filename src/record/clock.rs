//! The recording's clock, and wall-clock times.
//!
//! The recording's clock starts at its first frame and never goes back. It follows the source's own time, which is
//! exact for files and cameras alike, while that passes about as fast as real time. Where the two differ (the user
//! sought or paused a file), real time counts, because it is what passed for the viewer. A file that is read as fast as
//! possible has no viewer, and only its own time counts.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, ZonedDateTime, tz::TimeZone};

use crate::{frame::Frame, pipeline::Pacing, time::Ticks};

/// Real time counts if source time differs from it by more than this from one frame to the next.
const TOLERANCE: Duration = Duration::from_millis(500);

/// Wall-clock time, counted by a clock that never jumps.
#[derive(Debug, Clone, Copy)]
pub(super) struct WallClock {
    at: Instant,
    unix: Duration,
}

impl WallClock {
    /// Reads the wall clock. Later changes of the system time are not followed.
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            unix: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// Seconds since 1970 (UTC) at `instant`.
    pub fn unix_s(&self, instant: Instant) -> f64 {
        self.unix(instant).as_secs_f64()
    }

    /// Local time with its offset at `instant`. It never goes back, even if the system clock is set back.
    pub fn rfc3339(&self, instant: Instant) -> String {
        let unix = Timestamp::from_second(self.unix(instant).as_secs() as i64);
        rfc3339_at(unix.unwrap_or_default())
    }

    fn unix(&self, instant: Instant) -> Duration {
        let after = instant.saturating_duration_since(self.at);
        let before = self.at.saturating_duration_since(instant);
        (self.unix + after).saturating_sub(before)
    }
}

/// The recording's clock.
#[derive(Debug, Default)]
pub(super) struct RecordingClock {
    last: Option<Last>,
    /// Whether the source's own time alone counts: a file that is read as fast as possible.
    by_source: bool,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    captured_at: Instant,
    source_time: Duration,
    /// The recording's time.
    time: Duration,
    ticks: Ticks,
}

impl RecordingClock {
    /// A clock for a source that is read at this pace.
    pub fn new(pacing: Pacing) -> Self {
        Self {
            last: None,
            by_source: pacing == Pacing::EveryFrame,
        }
    }

    /// The time of the next frame, always later than the one before.
    pub fn place(&mut self, frame: &Frame) -> Ticks {
        let (time, ticks) = match self.last {
            None => (Duration::ZERO, Ticks::ZERO),
            Some(last) => {
                let real = frame
                    .captured_at
                    .saturating_duration_since(last.captured_at);
                let passed = match frame.time.checked_sub(last.source_time) {
                    Some(by_source) if self.by_source || by_source.abs_diff(real) <= TOLERANCE => {
                        by_source
                    }
                    _ => real,
                };
                let time = last.time + passed;
                (time, Ticks::from(time).max(last.ticks + Ticks(1)))
            }
        };
        self.last = Some(Last {
            captured_at: frame.captured_at,
            source_time: frame.time,
            time,
            ticks,
        });
        ticks
    }

    /// The time of the last frame.
    pub fn last(&self) -> Ticks {
        self.last.map_or(Ticks::ZERO, |last| last.ticks)
    }

    /// The time of something that happened at `instant`.
    pub fn at(&self, instant: Instant) -> Ticks {
        self.last.map_or(Ticks::ZERO, |last| {
            if self.by_source {
                return last.ticks;
            }
            let after = instant.saturating_duration_since(last.captured_at);
            let before = last.captured_at.saturating_duration_since(instant);
            Ticks::from((last.time + after).saturating_sub(before))
        })
    }
}

/// Local time with its offset.
pub(super) fn now_rfc3339() -> String {
    rfc3339(&ZonedDateTime::now())
}

/// A moment as local time with its offset.
pub(super) fn rfc3339_at(time: Timestamp) -> String {
    rfc3339(&time.to_zoned_datetime(TimeZone::system()))
}

fn rfc3339(time: &ZonedDateTime) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FrameId, Resolution};

    const MS: Duration = Duration::from_millis(1);

    fn frame(captured_at: Instant, time: Duration) -> Frame {
        Frame::new(
            FrameId(0),
            captured_at,
            time,
            Resolution::new(1, 1),
            vec![255; 4].into(),
        )
    }

    #[test]
    fn source_time_counts_while_it_passes_like_real_time() {
        let start = Instant::now();
        let mut clock = RecordingClock::default();
        let mut place = |real_ms: u32, source_ms: u32| {
            let frame = frame(start + real_ms * MS, source_ms * MS);
            clock.place(&frame).0 / 90
        };
        assert_eq!(
            place(0, 5000),
            0,
            "the first frame is at zero wherever it is in a file"
        );
        assert_eq!(place(47, 5040), 40, "exact although it was late");
        assert_eq!(place(85, 5080), 80);
        assert_eq!(
            place(5085, 5120),
            5080,
            "the file was paused for five seconds"
        );
        assert_eq!(place(5125, 300), 5120, "and sought to its beginning");
        assert_eq!(place(5165, 340), 5160);
        assert_eq!(place(5205, 90_000), 5200, "and far forward");
        assert_eq!(
            place(5205, 90_000),
            5200,
            "a tick later, which is less than a millisecond"
        );
        assert_eq!(clock.at(start + 5300 * MS).0 / 90, 5295);
        assert_eq!(
            clock.at(start + 5100 * MS).0 / 90,
            5095,
            "before the last frame"
        );
    }

    #[test]
    fn a_file_that_nobody_watches_keeps_its_own_time() {
        let start = Instant::now();
        let mut clock = RecordingClock::new(Pacing::EveryFrame);
        let mut place = |real_ms: u32, source_ms: u32| {
            clock.place(&frame(start + real_ms * MS, source_ms * MS)).0 / 90
        };
        assert_eq!(place(0, 80), 0);
        assert_eq!(place(1, 2080), 2000, "read far ahead of real time");
        assert_eq!(place(9000, 2120), 2040, "and far behind");
        assert_eq!(
            clock.at(start + 12_000 * MS).0 / 90,
            2040,
            "what happens between frames has the time of the frame before"
        );
    }

    #[test]
    fn wall_clock_time_continues_from_its_reading() {
        let wall = WallClock::now();
        let now = wall.unix_s(wall.at);
        assert!(now > 1.6e9);
        assert!((wall.unix_s(wall.at + 1500 * MS) - now - 1.5).abs() < 1e-6);
        let before = wall
            .at
            .checked_sub(250 * MS)
            .expect("the machine has run for longer");
        assert!((wall.unix_s(before) - now + 0.25).abs() < 1e-6);
    }
}
