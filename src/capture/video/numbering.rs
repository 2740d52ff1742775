//! Numbers for the frames of a file whose container does not count them.
//!
//! A frame's number is its place in the file, also after a seek away and back. Without an index that place is known only
//! where everything before was read; beyond, it is estimated from the time and the nominal rate.

use std::time::Duration;

/// Frames per second where the file names no rate.
const DEFAULT_RATE_HZ: f64 = 25.0;

/// Hands out the numbers.
#[derive(Debug)]
pub(super) struct Numbering {
    /// Times of all frames from the first one on, as far as they were read without a gap.
    seen: Vec<Duration>,
    /// Whether the next frame is the one after the last in `seen`.
    is_gapless: bool,
    /// The next frame has at least this number.
    next: u64,
}

impl Default for Numbering {
    fn default() -> Self {
        Self {
            seen: Vec::new(),
            is_gapless: true,
            next: 0,
        }
    }
}

impl Numbering {
    /// After a seek: the next frame does not follow the last one.
    pub(super) fn seek(&mut self) {
        self.is_gapless = false;
        self.next = 0;
    }

    /// The number of the frame with media time `time` that was just read.
    pub(super) fn number(&mut self, time: Duration, rate_hz: Option<f64>) -> u64 {
        let place = self.seen.partition_point(|seen| *seen < time);
        let is_known = place < self.seen.len();
        let number = if is_known || self.is_gapless {
            place as u64
        } else {
            let estimate = time.as_secs_f64() * rate_hz.unwrap_or(DEFAULT_RATE_HZ);
            (estimate.round() as u64).max(place as u64)
        };
        if is_known {
            self.is_gapless = place + 1 == self.seen.len();
        } else if self.is_gapless {
            self.seen.push(time);
        }
        let number = number.max(self.next);
        self.next = number + 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbering: &mut Numbering, times_ms: &[u64]) -> Vec<u64> {
        let number = |time| numbering.number(Duration::from_millis(time), Some(10.0));
        times_ms.iter().copied().map(number).collect()
    }

    #[test]
    fn a_seek_back_repeats_the_numbers() {
        let mut numbering = Numbering::default();
        // At an uneven rate, which no estimate would give.
        assert_eq!(numbers(&mut numbering, &[0, 10, 200, 900]), [0, 1, 2, 3]);
        numbering.seek();
        assert_eq!(numbers(&mut numbering, &[10, 200, 900]), [1, 2, 3]);
        assert_eq!(
            numbers(&mut numbering, &[950, 960]),
            [4, 5],
            "and on from there"
        );
    }

    #[test]
    fn numbers_of_unread_frames_are_estimated_and_never_repeat() {
        let mut numbering = Numbering::default();
        assert_eq!(numbers(&mut numbering, &[0, 100]), [0, 1]);
        numbering.seek();
        assert_eq!(numbers(&mut numbering, &[5000, 5010, 5200]), [50, 51, 52]);
        numbering.seek();
        assert_eq!(numbers(&mut numbering, &[100, 200]), [1, 2]);
    }

    #[test]
    fn equal_times_still_have_numbers_of_their_own() {
        let mut numbering = Numbering::default();
        assert_eq!(numbers(&mut numbering, &[0, 40, 40, 40]), [0, 1, 2, 3]);
    }
}
