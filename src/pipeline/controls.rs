//! Requests to pause, seek in, step through or speed up the file that is playing.
//!
//! They are not queued: of several seeks only the newest counts, so nothing keeps playing after a slider was dragged.
//! They apply only while a file plays in real time; a camera cannot pause, and an analysis of every frame must not.

use std::{ops::RangeInclusive, sync::Mutex, time::Duration};

use crossbeam_channel::{Receiver, Sender};

use super::shared::{Run, Shared};
use crate::panics::lock;

/// Speeds on offer, as multiples of the file's own. Below a quarter it is a slide show, which single steps do better;
/// above four times there is no time to decode the skipped frames.
pub const SPEEDS: RangeInclusive<f64> = 0.25..=4.0;

/// How a file plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transport {
    /// Whether it is paused.
    pub paused: bool,
    /// Multiple of its own speed, within [`SPEEDS`].
    pub speed: f64,
}

/// Requests on their way from the window to the thread that reads the file.
pub(super) struct Controls {
    state: Mutex<State>,
    /// One token means that there is something new.
    change: (Sender<()>, Receiver<()>),
}

#[derive(Debug)]
struct State {
    /// The source that the requests are for, by the run in which it was opened.
    source: Run,
    /// Whether it is a file that obeys them.
    is_playing: bool,
    transport: Transport,
    seek: Option<(Run, Duration)>,
    n_steps: u32,
}

/// What the reading thread has to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Requests {
    pub transport: Transport,
    /// Where to seek first, and the run to which the frames from there belong.
    pub seek: Option<(Run, Duration)>,
    /// How many frames to show although it is paused.
    pub n_steps: u32,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                source: Run::default(),
                is_playing: false,
                transport: Transport {
                    paused: false,
                    speed: 1.0,
                },
                seek: None,
                n_steps: 0,
            }),
            change: crossbeam_channel::bounded(1),
        }
    }
}

impl Controls {
    /// How the file plays; `None` if no file that obeys requests is playing.
    pub fn transport(&self) -> Option<Transport> {
        let state = lock(&self.state);
        state.is_playing.then_some(state.transport)
    }

    /// Another source is opened: it plays, at the chosen speed.
    pub fn reset(&self, source: Run) {
        let mut state = lock(&self.state);
        state.source = source;
        state.is_playing = false;
        state.transport.paused = false;
        state.seek = None;
        state.n_steps = 0;
    }

    /// Pauses or resumes.
    pub fn set_paused(&self, paused: bool) {
        self.request(|state| {
            state.transport.paused = paused;
            state.n_steps = 0;
        });
    }

    /// Sets the speed, clamped to [`SPEEDS`].
    pub fn set_speed(&self, speed: f64) {
        let speed = if speed.is_nan() { 1.0 } else { speed };
        let speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
        self.request(|state| state.transport.speed = speed);
    }

    /// Shows the next frame while paused.
    pub fn step(&self) {
        self.request(|state| state.n_steps += u32::from(state.transport.paused));
    }

    /// Seeks to the frame at `time`. From now on all earlier frames and results are stale.
    ///
    /// Returns whether there is a file that will seek.
    pub fn seek(&self, shared: &Shared, time: Duration) -> bool {
        let run = shared.current_run();
        if self.transport().is_none() {
            return false;
        }
        // If another source was opened just now, the request was for the previous one.
        let Some(run) = shared.begin_seek(run) else {
            return false;
        };
        self.request(|state| {
            state.seek = Some((run, time));
            state.n_steps = 0;
        });
        true
    }

    /// Says whether `source` is a file that obeys requests. Does nothing if it is no longer the current source.
    pub fn set_playing(&self, source: Run, is_playing: bool) {
        let mut state = lock(&self.state);
        if state.source == source {
            state.is_playing = is_playing;
        }
    }

    /// Takes the requests for `source`. Those for another source are left for that one.
    pub fn take(&self, source: Run) -> Requests {
        let mut state = lock(&self.state);
        let is_meant = state.source == source;
        let seek = state.seek.take_if(|_| is_meant);
        let n_steps = if is_meant {
            std::mem::take(&mut state.n_steps)
        } else {
            0
        };
        Requests {
            transport: state.transport,
            seek,
            n_steps,
        }
    }

    /// Whether another seek was requested.
    pub fn has_seek(&self) -> bool {
        lock(&self.state).seek.is_some()
    }

    /// Becomes ready when there is something new to take.
    pub fn changed(&self) -> &Receiver<()> {
        &self.change.1
    }

    fn request(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        // A token that is still there already says so.
        self.change.0.try_send(()).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Settings;

    fn shared() -> Shared {
        let (events, _) = crossbeam_channel::unbounded();
        Shared::new(Settings::default(), events, || {})
    }

    /// Controls of a file that plays, and its run.
    fn playing(shared: &Shared) -> (Controls, Run) {
        let controls = Controls::default();
        let source = shared.begin_run();
        controls.reset(source);
        controls.set_playing(source, true);
        (controls, source)
    }

    #[test]
    fn only_the_newest_seek_counts() {
        let shared = shared();
        let (controls, source) = playing(&shared);
        let seconds = Duration::from_secs;
        for second in 1..=9 {
            assert!(controls.seek(&shared, seconds(second)));
        }
        assert!(!shared.is_current(source), "earlier results are stale");
        assert!(shared.is_of_current_source(source));
        assert!(controls.changed().try_recv().is_ok());
        assert!(controls.changed().try_recv().is_err(), "one token");
        let requests = controls.take(source);
        assert_eq!(requests.seek, Some((shared.current_run(), seconds(9))));
        assert_eq!(controls.take(source).seek, None);
    }

    #[test]
    fn a_source_that_obeys_no_requests_is_left_alone() {
        let shared = shared();
        let controls = Controls::default();
        let source = shared.begin_run();
        controls.reset(source);
        assert!(!controls.seek(&shared, Duration::ZERO));
        assert!(shared.is_current(source));
        assert_eq!(controls.transport(), None);
    }

    #[test]
    fn only_a_paused_file_steps() {
        let (controls, source) = playing(&shared());
        controls.step();
        assert_eq!(controls.take(source).n_steps, 0);
        controls.set_paused(true);
        controls.step();
        controls.step();
        assert_eq!(controls.take(source).n_steps, 2);
        controls.step();
        controls.set_paused(false);
        assert_eq!(controls.take(source).n_steps, 0, "it plays again");
    }

    #[test]
    fn speeds_stay_in_their_range() {
        let (controls, source) = playing(&shared());
        let speed = |speed| {
            controls.set_speed(speed);
            controls.take(source).transport.speed
        };
        assert_eq!(speed(0.5), 0.5);
        assert_eq!(speed(0.0), 0.25);
        assert_eq!(speed(100.0), 4.0);
        assert_eq!(speed(f64::NAN), 1.0);
    }

    #[test]
    fn another_source_plays_at_the_same_speed_and_keeps_its_own_requests() {
        let shared = shared();
        let (controls, before) = playing(&shared);
        controls.set_paused(true);
        controls.set_speed(2.0);
        let source = shared.begin_run();
        controls.reset(source);
        assert_eq!(controls.transport(), None);
        controls.set_playing(source, true);
        let expected = Transport {
            paused: false,
            speed: 2.0,
        };
        assert_eq!(controls.transport(), Some(expected));
        controls.seek(&shared, Duration::ZERO);
        // The previous source's reader may get here only now.
        assert_eq!(controls.take(before).seek, None);
        controls.set_playing(before, false);
        assert_eq!(controls.transport(), Some(expected));
        assert!(controls.take(source).seek.is_some());
    }
}
