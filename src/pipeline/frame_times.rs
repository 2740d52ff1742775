//! When to show the frames of a file, and how frames are numbered when a camera comes back.
//!
//! A file's source returns at once; its pace is in its timestamps. A camera that was opened again starts at frame 0 and
//! time zero; here its numbers and times continue, since for the reader it is still the same source.

use std::time::{Duration, Instant};

use crate::frame::{Frame, FrameId};

/// A file that is later than this does not catch up: after the computer slept, an hour of video would rush by.
const MAX_LAG: Duration = Duration::from_millis(500);

/// Clock of a file that plays by its own timestamps.
#[derive(Debug)]
pub(super) struct FileClock {
    /// A moment and the media time that was due then; `None` until the next frame.
    anchor: Option<(Instant, Duration)>,
    /// Media seconds per second.
    speed: f64,
}

impl Default for FileClock {
    fn default() -> Self {
        Self {
            anchor: None,
            speed: 1.0,
        }
    }
}

impl FileClock {
    /// Sets the speed from `now` on, above 0.
    pub fn set_speed(&mut self, speed: f64, now: Instant) {
        if speed == self.speed {
            return;
        }
        // The time until now passed at the old speed.
        if let Some((at, time)) = self.anchor {
            let gone = now.saturating_duration_since(at).mul_f64(self.speed);
            self.anchor = Some((now, time.saturating_add(gone)));
        }
        self.speed = speed;
    }

    /// The next frame is due at once, whatever its media time.
    pub fn restart(&mut self) {
        self.anchor = None;
    }

    /// The frame with media time `time` is shown at `now`.
    pub fn start_at(&mut self, time: Duration, now: Instant) {
        self.anchor = Some((now, time));
    }

    /// How long from `now` until the frame with media time `time` is due.
    pub fn wait_before(&mut self, time: Duration, now: Instant) -> Duration {
        let Some((at, anchor_time)) = self.anchor else {
            self.start_at(time, now);
            return Duration::ZERO;
        };
        let ahead_s = time.saturating_sub(anchor_time).as_secs_f64() / self.speed;
        let ahead = Duration::try_from_secs_f64(ahead_s).unwrap_or(Duration::MAX);
        // Too far ahead for any clock: it is never due.
        let due = at.checked_add(ahead);
        let wait = due.map_or(Duration::MAX, |due| due.saturating_duration_since(now));
        if due.is_some_and(|due| now.saturating_duration_since(due) > MAX_LAG) {
            self.start_at(time, now);
        }
        wait
    }
}

/// Numbers and times frames across reopenings of the same source.
#[derive(Debug, Default)]
pub(super) struct Renumbering {
    /// Capture time less media time of the first opening: the moment of media time zero.
    zero: Option<Instant>,
    next_id: u64,
    last_time: Duration,
    /// Added to what the source says; set by the first frame after opening.
    offset: Option<(u64, Duration)>,
}

impl Renumbering {
    /// The source was opened, again or for the first time.
    pub fn opened(&mut self) {
        self.offset = None;
    }

    /// Gives the frame its number and time.
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
        let mut clock = FileClock::default();
        assert_eq!(clock.wait_before(Duration::ZERO, start), Duration::ZERO);
        assert_eq!(clock.wait_before(40 * MS, start + 10 * MS), 30 * MS);
        assert_eq!(clock.wait_before(80 * MS, start + 90 * MS), Duration::ZERO);
        // A small delay is made up for …
        assert_eq!(clock.wait_before(120 * MS, start + 95 * MS), 25 * MS);
        // … an hour is not.
        let woken = start + Duration::from_secs(3600);
        assert_eq!(clock.wait_before(160 * MS, woken), Duration::ZERO);
        assert_eq!(clock.wait_before(200 * MS, woken), 40 * MS);
    }

    #[test]
    fn a_change_of_speed_counts_from_then_on() {
        let start = Instant::now();
        let mut clock = FileClock::default();
        clock.start_at(Duration::ZERO, start);
        clock.set_speed(2.0, start + 100 * MS);
        assert_eq!(clock.wait_before(300 * MS, start + 100 * MS), 100 * MS);
        clock.set_speed(0.25, start + 150 * MS);
        // 200 ms of the file have passed: 100 at first, 100 in the next 50.
        assert_eq!(clock.wait_before(210 * MS, start + 150 * MS), 40 * MS);
        clock.set_speed(0.25, start + 170 * MS);
        assert_eq!(clock.wait_before(210 * MS, start + 170 * MS), 20 * MS);
    }

    #[test]
    fn after_a_restart_it_resumes_from_the_next_frame() {
        let start = Instant::now();
        let mut clock = FileClock::default();
        clock.start_at(Duration::ZERO, start);
        clock.restart();
        let later = start + 300 * MS;
        assert_eq!(clock.wait_before(9000 * MS, later), Duration::ZERO);
        assert_eq!(clock.wait_before(9040 * MS, later), 40 * MS);
        assert!(clock.wait_before(Duration::MAX, later) > Duration::from_secs(1 << 40));
    }

    #[test]
    fn a_file_that_starts_late_starts_at_once() {
        let start = Instant::now();
        let mut clock = FileClock::default();
        let late = Duration::from_secs(5);
        assert_eq!(clock.wait_before(late, start), Duration::ZERO);
        assert_eq!(clock.wait_before(late + 40 * MS, start), 40 * MS);
    }

    #[test]
    fn a_camera_that_returns_continues_numbers_and_time() {
        let start = Instant::now();
        let mut renumbering = Renumbering::default();
        let place = |renumbering: &mut Renumbering, id, at: Duration, time| {
            let mut frame = frame(id, start + at, time);
            renumbering.place(&mut frame);
            (frame.id.0, frame.time)
        };
        renumbering.opened();
        assert_eq!(
            place(&mut renumbering, 0, 100 * MS, Duration::ZERO),
            (0, Duration::ZERO)
        );
        assert_eq!(
            place(&mut renumbering, 2, 180 * MS, 80 * MS),
            (2, 80 * MS),
            "gaps stay"
        );
        renumbering.opened();
        assert_eq!(
            place(&mut renumbering, 0, 5100 * MS, Duration::ZERO),
            (3, 5000 * MS)
        );
        assert_eq!(
            place(&mut renumbering, 1, 5140 * MS, 40 * MS),
            (4, 5040 * MS)
        );
    }
}
