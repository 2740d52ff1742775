//! What people ask of a file that plays: to stand still, to go elsewhere in it, to go faster.
//!
//! These are wishes, not a queue: of several places to go to only the newest counts, so dragging a slider leaves
//! nothing behind that plays on afterwards. They are there only while a file plays in real time; a camera cannot stand
//! still, and an analysis of every frame must not.

use std::{
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender};

use super::shared::{Run, Shared};

/// Speeds on offer, as multiples of the file's own. Slower than a quarter is a slide show, which steps do better;
/// faster than four times leaves no time to decode what is skipped.
pub const SPEEDS: RangeInclusive<f64> = 0.25..=4.0;

/// How a file plays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transport {
    /// Whether it stands still.
    pub paused: bool,
    /// Multiple of its own speed, within [`SPEEDS`].
    pub speed: f64,
}

/// Wishes on their way from the window to the thread that reads the file.
pub(super) struct Controls {
    state: Mutex<State>,
    /// One token says that there is something new.
    change: (Sender<()>, Receiver<()>),
}

#[derive(Debug)]
struct State {
    /// The source that wishes are about, by the run in which it was opened.
    source: Run,
    /// Whether it is a file that follows them.
    is_playing: bool,
    transport: Transport,
    seek: Option<(Run, Duration)>,
    n_steps: u32,
}

/// What the reading thread is to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Orders {
    pub transport: Transport,
    /// Where to go first, and the run to which the frames from there belong.
    pub seek: Option<(Run, Duration)>,
    /// How many frames to show although it stands still.
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
    /// How the file plays; `None` if no file plays that follows wishes.
    pub fn transport(&self) -> Option<Transport> {
        let state = self.lock();
        state.is_playing.then_some(state.transport)
    }

    /// Another source is opened: it plays, at the speed that was chosen.
    pub fn reset(&self, source: Run) {
        let mut state = self.lock();
        state.source = source;
        state.is_playing = false;
        state.transport.paused = false;
        state.seek = None;
        state.n_steps = 0;
    }

    /// To stand still, or to play on.
    pub fn set_paused(&self, paused: bool) {
        self.wish(|state| {
            state.transport.paused = paused;
            state.n_steps = 0;
        });
    }

    /// To play so many times as fast; brought into [`SPEEDS`].
    pub fn set_speed(&self, speed: f64) {
        let speed = if speed.is_nan() { 1.0 } else { speed };
        let speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
        self.wish(|state| state.transport.speed = speed);
    }

    /// To show the next frame while it stands still.
    pub fn step(&self) {
        self.wish(|state| state.n_steps += u32::from(state.transport.paused));
    }

    /// To go to the frame at `time`. From now on everything of the frames before is stale.
    ///
    /// Returns whether there is a file that will.
    pub fn seek(&self, shared: &Shared, time: Duration) -> bool {
        let run = shared.current_run();
        if self.transport().is_none() {
            return false;
        }
        // If another source was opened just now, the wish was about the one before.
        let Some(run) = shared.begin_jump(run) else {
            return false;
        };
        self.wish(|state| {
            state.seek = Some((run, time));
            state.n_steps = 0;
        });
        true
    }

    /// Says whether `source` is a file that follows wishes; of no effect if it is not the current source any more.
    pub fn set_playing(&self, source: Run, is_playing: bool) {
        let mut state = self.lock();
        if state.source == source {
            state.is_playing = is_playing;
        }
    }

    /// Takes what `source` is to do. What is meant for another source is left for that one.
    pub fn take(&self, source: Run) -> Orders {
        let mut state = self.lock();
        let is_meant = state.source == source;
        let seek = state.seek.take_if(|_| is_meant);
        let n_steps = if is_meant {
            std::mem::take(&mut state.n_steps)
        } else {
            0
        };
        Orders {
            transport: state.transport,
            seek,
            n_steps,
        }
    }

    /// Whether there is already another place to go to.
    pub fn has_seek(&self) -> bool {
        self.lock().seek.is_some()
    }

    /// Becomes ready when there is something new to take.
    pub fn changed(&self) -> &Receiver<()> {
        &self.change.1
    }

    fn wish(&self, wish: impl FnOnce(&mut State)) {
        wish(&mut self.lock());
        // A token that is still there says it already.
        self.change.0.try_send(()).ok();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn only_the_newest_place_counts() {
        let shared = shared();
        let (controls, source) = playing(&shared);
        let seconds = Duration::from_secs;
        for place in 1..=9 {
            assert!(controls.seek(&shared, seconds(place)));
        }
        assert!(!shared.is_current(source), "what was before is stale");
        assert!(shared.is_of_current_source(source));
        assert!(controls.changed().try_recv().is_ok());
        assert!(controls.changed().try_recv().is_err(), "one token");
        let orders = controls.take(source);
        assert_eq!(orders.seek, Some((shared.current_run(), seconds(9))));
        assert_eq!(controls.take(source).seek, None);
    }

    #[test]
    fn a_source_that_follows_no_wishes_is_left_alone() {
        let shared = shared();
        let controls = Controls::default();
        let source = shared.begin_run();
        controls.reset(source);
        assert!(!controls.seek(&shared, Duration::ZERO));
        assert!(shared.is_current(source));
        assert_eq!(controls.transport(), None);
    }

    #[test]
    fn steps_are_for_what_stands_still() {
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
    fn another_source_plays_at_the_same_speed_and_keeps_its_wishes() {
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
        // A reader of the source before may come to itself only now.
        assert_eq!(controls.take(before).seek, None);
        controls.set_playing(before, false);
        assert_eq!(controls.transport(), Some(expected));
        assert!(controls.take(source).seek.is_some());
    }
}
