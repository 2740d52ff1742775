//! When to show the frames of a file, and how frames are numbered when a camera comes back.
//!
//! A file's source returns at once; only its timestamps know its pace. A camera that was opened again starts at
//! frame 0 and time zero; here it continues where it was, since for the reader it is still the same source.

use std::time::{Duration, Instant};

use crate::frame::{Frame, FrameId};

/// A file that is this late does not hurry to catch up: after the computer slept, an hour of video would
/// otherwise rush by.
const MAX_LAG: Duration = Duration::from_millis(500);

/// Clock of a file that plays by its own timestamps.
#[derive(Debug, Default)]
pub(super) struct Playback {
    /// When the frame with time zero was or would have been due.
    zero: Option<Instant>,
}

impl Playback {
    /// How long from `now` until the frame with media time `time` is due.
    pub fn wait_before(&mut self, time: Duration, now: Instant) -> Duration {
        let due = self.zero.unwrap_or(now).checked_add(time).unwrap_or(now);
        let lag = now.saturating_duration_since(due);
        if self.zero.is_none() || lag > MAX_LAG {
            self.zero = now.checked_sub(time).or(Some(now));
            return Duration::ZERO;
        }
        due.saturating_duration_since(now)
    }
}

/// Numbers and times frames across reopenings of the same source.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Capture time less media time of the first opening: the moment of media time zero.
    zero: Option<Instant>,
    next_id: u64,
    last_time: Duration,
    /// To be added to what the source says; set by the first frame after an opening.
    offset: Option<(u64, Duration)>,
}

impl Timeline {
    /// The source was opened, again or for the first time.
    pub fn opened(&mut self) {
        self.offset = None;
    }

    /// Puts the frame in its place.
    pub fn place(&mut self, frame: &mut Frame) {
        let (first_id, first_time) = *self.offset.get_or_insert_with(|| match self.zero {
            None => {
                self.zero = frame.captured_at.checked_sub(frame.time);
                (0, Duration::ZERO)
            }
            Some(zero) => {
                let time = frame.captured_at.saturating_duration_since(zero);
                let time = time.max(self.last_time);
                (self.next_id, time.saturating_sub(frame.time))
            }
        });
        frame.id = FrameId(first_id + frame.id.0);
        frame.time += first_time;
        self.next_id = frame.id.0 + 1;
        self.last_time = frame.time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Resolution;

    const MS: Duration = Duration::from_millis(1);

    fn frame(id: u64, captured_at: Instant, time: Duration) -> Frame {
        let size = Resolution::new(1, 1);
        Frame::new(FrameId(id), captured_at, time, size, vec![255; 4].into())
    }

    #[test]
    fn frames_wait_for_their_time() {
        let start = Instant::now();
        let mut playback = Playback::default();
        assert_eq!(playback.wait_before(Duration::ZERO, start), Duration::ZERO);
        assert_eq!(playback.wait_before(40 * MS, start + 10 * MS), 30 * MS);
        assert_eq!(
            playback.wait_before(80 * MS, start + 90 * MS),
            Duration::ZERO
        );
        // A little late is caught up with …
        assert_eq!(playback.wait_before(120 * MS, start + 95 * MS), 25 * MS);
        // … an hour is not.
        let woken = start + Duration::from_secs(3600);
        assert_eq!(playback.wait_before(160 * MS, woken), Duration::ZERO);
        assert_eq!(playback.wait_before(200 * MS, woken), 40 * MS);
    }

    #[test]
    fn a_file_that_starts_late_starts_at_once() {
        let start = Instant::now();
        let mut playback = Playback::default();
        let late = Duration::from_secs(5);
        assert_eq!(playback.wait_before(late, start), Duration::ZERO);
        assert_eq!(playback.wait_before(late + 40 * MS, start), 40 * MS);
    }

    #[test]
    fn a_camera_that_returns_continues_numbers_and_time() {
        let start = Instant::now();
        let mut timeline = Timeline::default();
        let place = |timeline: &mut Timeline, id, at: Duration, time| {
            let mut frame = frame(id, start + at, time);
            timeline.place(&mut frame);
            (frame.id.0, frame.time)
        };
        timeline.opened();
        assert_eq!(
            place(&mut timeline, 0, 100 * MS, Duration::ZERO),
            (0, Duration::ZERO)
        );
        assert_eq!(
            place(&mut timeline, 2, 180 * MS, 80 * MS),
            (2, 80 * MS),
            "gaps stay"
        );
        timeline.opened();
        assert_eq!(
            place(&mut timeline, 0, 5100 * MS, Duration::ZERO),
            (3, 5000 * MS)
        );
        assert_eq!(place(&mut timeline, 1, 5140 * MS, 40 * MS), (4, 5040 * MS));
    }
}
