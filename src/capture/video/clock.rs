//! Times that rise, even where those of a file start again.
//!
//! Files that were joined (`cat a.ts b.ts`) keep their times: after the last frame of the first file comes time 0.
//! A player continues from where it was, and so do results.

/// Step from one frame to the next where none is known yet, ns: 25 frames a second.
const DEFAULT_STEP_NS: i64 = 40_000_000;

/// A frame at most this many steps before the last one is out of order; one further back is a new beginning.
const MAX_STEPS_OUT_OF_ORDER: i64 = 3;

/// Makes the times of consecutive frames rise.
#[derive(Debug)]
pub(super) struct Clock {
    /// What is added to the file's times now.
    offset_ns: i64,
    last_ns: Option<i64>,
    step_ns: i64,
    has_restarted: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            offset_ns: 0,
            last_ns: None,
            step_ns: DEFAULT_STEP_NS,
            has_restarted: false,
        }
    }
}

impl Clock {
    /// The time of the next frame; `file_ns` is what the file says, if anything.
    pub(super) fn tick(&mut self, file_ns: Option<i64>) -> i64 {
        let next_ns = self
            .last_ns
            .map_or(0, |last| last.saturating_add(self.step_ns));
        let mut time_ns = file_ns.map_or(next_ns, |time| time.saturating_add(self.offset_ns));
        if let Some(last) = self.last_ns {
            let step = time_ns.saturating_sub(last);
            if step < -MAX_STEPS_OUT_OF_ORDER * self.step_ns {
                self.has_restarted = true;
                self.offset_ns = self
                    .offset_ns
                    .saturating_add(next_ns.saturating_sub(time_ns));
                time_ns = next_ns;
            } else if step > 0 {
                // Half a minute at most: a gap before a new beginning must not become the step after it.
                self.step_ns = step.min(30_000_000_000);
            }
            time_ns = time_ns.max(last);
        }
        self.last_ns = Some(time_ns);
        time_ns
    }

    /// After a seek: the next frame does not follow the last one. It is the first of the file if its times have restarted.
    pub(super) fn seek(&mut self) {
        self.offset_ns = 0;
        self.last_ns = None;
    }

    /// Whether the file's times have restarted, so that they do not tell where in the file a frame is.
    pub(super) fn has_restarted(&self) -> bool {
        self.has_restarted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(clock: &mut Clock, file: &[i64]) -> Vec<i64> {
        file.iter().map(|time| clock.tick(Some(*time))).collect()
    }

    #[test]
    fn a_new_beginning_follows_the_last_frame() {
        let mut clock = Clock::default();
        let file = [10, 20, 30, 40, 50, 10, 20, 30, 40, 50, 0, 10];
        let expected = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];
        assert_eq!(times(&mut clock, &file), expected);
        assert!(clock.has_restarted());
        clock.seek();
        assert_eq!(times(&mut clock, &file), expected, "again from the first");
    }

    #[test]
    fn the_file_is_believed_forward_and_a_frame_out_of_order_is_not_a_beginning() {
        let mut clock = Clock::default();
        let file = [5, 15, 25, 9_000, 9_010, 9_000, 9_020, 9_020];
        let expected = [5, 15, 25, 9_000, 9_010, 9_010, 9_020, 9_020];
        assert_eq!(times(&mut clock, &file), expected);
        assert!(!clock.has_restarted());
    }

    #[test]
    fn frames_without_a_time_follow_at_the_last_step() {
        let mut clock = Clock::default();
        assert_eq!(clock.tick(None), 0);
        assert_eq!(clock.tick(None), DEFAULT_STEP_NS);
        let mut clock = Clock::default();
        assert_eq!(times(&mut clock, &[100, 110]), [100, 110]);
        assert_eq!(clock.tick(None), 120);
        clock.seek();
        assert_eq!(clock.tick(Some(30)), 30, "a seek back is no restart");
        assert!(!clock.has_restarted());
    }
}
