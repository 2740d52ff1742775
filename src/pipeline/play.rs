//! Plays a file for people who watch it: at its own pace, or as they wish.
//!
//! The next frame is read ahead and then waited with, for its time or for a wish; nothing is asked again and again, so
//! a file that stands still costs nothing. At its end the file stays open, to be gone back in.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::select;

use super::{
    SourceState,
    capture_thread::{Pause, Reader},
    controls::Controls,
    message::{Message, hand_over},
    playback::Playback,
    shared::Run,
    words,
    worker::guarded,
};
use crate::{
    capture::{CaptureError, FrameSource},
    frame::{Frame, FramePool},
};

/// Says that the file follows wishes, for as long as it is there.
struct Playing {
    controls: Arc<Controls>,
    source: Run,
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.controls.set_playing(self.source, false);
    }
}

/// Why a wait is over.
enum Woken {
    /// The time has come.
    Due,
    /// There are new wishes.
    Wishes,
    /// Nobody wants the file any more.
    Cancelled,
}

impl Reader {
    /// Plays until the file is closed, or cannot be read any further.
    pub(super) fn play(&mut self, source: Box<dyn FrameSource>) -> Pause {
        match self.try_play(source) {
            Ok(pause) | Err(pause) => pause,
        }
    }

    fn try_play(&mut self, mut source: Box<dyn FrameSource>) -> Result<Pause, Pause> {
        let is_still = source.info().n_frames == Some(1);
        let opened = self.run;
        let playing = Playing {
            controls: Arc::clone(&self.context.controls),
            source: opened,
        };
        playing.controls.set_playing(opened, !is_still);
        let mut clock = Playback::default();
        // Read, but not shown yet.
        let mut ahead = VecDeque::<Frame>::new();
        let mut is_over = false;
        // Frames to show whatever the clock says; the first one is.
        let mut n_wanted = 1_u32;
        while !self.cancel.is_cancelled() {
            let orders = playing.controls.take(opened);
            clock.set_speed(orders.transport.speed, Instant::now());
            n_wanted = n_wanted.saturating_add(orders.n_steps);
            if let Some((run, time)) = orders.seek {
                self.run = run;
                ahead = self.go_to(&mut source, time)?;
                is_over = false;
                n_wanted = 1;
            }
            if orders.transport.paused {
                clock.restart();
            }
            if ahead.is_empty() && !is_over {
                let next = self.attempt(|pool| source.next_frame(pool));
                self.tell_notes(&mut *source);
                match next? {
                    Some(frame) => ahead.push_back(frame),
                    None if is_still || !self.was_live => {
                        return Ok(Pause::End(SourceState::Ended));
                    }
                    None => {
                        is_over = true;
                        n_wanted = 0;
                        self.tell_end();
                    }
                }
            }
            let now = Instant::now();
            let wait = match ahead.front() {
                Some(_) if n_wanted > 0 => Some(Duration::ZERO),
                Some(frame) if !orders.transport.paused => Some(clock.wait_before(frame.time, now)),
                _ => None,
            };
            match self.wait(wait) {
                Woken::Due => {
                    if let Some(mut frame) = ahead.pop_front() {
                        // The latency that a viewer sees counts from when the picture is due.
                        frame.captured_at = Instant::now();
                        if n_wanted > 0 {
                            n_wanted -= 1;
                            clock.start_at(frame.time, frame.captured_at);
                        }
                        self.show_live(source.info());
                        self.send(frame, false);
                    }
                }
                Woken::Wishes => {}
                Woken::Cancelled => break,
            }
        }
        Ok(Pause::Cancelled)
    }

    /// Tells that the file is over, once the last frame is through.
    fn tell_end(&mut self) {
        // It is live again with the first frame that is gone back to.
        self.state = SourceState::Ended;
        let end = Message::end(self.run, Some(SourceState::Ended));
        let context = &self.context;
        hand_over(&context.outbox, end, &context.shared, &self.cancel);
    }

    /// Waits for `limit`, for ever if `None`, or until something else is to be done.
    fn wait(&self, limit: Option<Duration>) -> Woken {
        let wishes = self.context.controls.changed();
        let cancelled = self.cancel.receiver();
        match limit {
            Some(limit) => select! {
                recv(cancelled) -> _ => Woken::Cancelled,
                recv(wishes) -> _ => Woken::Wishes,
                default(limit) => Woken::Due,
            },
            None => select! {
                recv(cancelled) -> _ => Woken::Cancelled,
                recv(wishes) -> _ => Woken::Wishes,
            },
        }
    }

    /// Goes to the last frame at or before `time`. Returns what had to be read for that, the frame first; if nothing
    /// had to be, the source gives it next.
    fn go_to(
        &mut self,
        source: &mut Box<dyn FrameSource>,
        time: Duration,
    ) -> Result<VecDeque<Frame>, Pause> {
        if self.attempt(|_| source.seek(time))? {
            return Ok(VecDeque::new());
        }
        // It only knows forward: it is opened anew and read.
        let open = Arc::clone(&self.context.open_source);
        *source = self.attempt(|_| open(&self.spec))?;
        let mut ahead = VecDeque::new();
        while !self.cancel.is_cancelled() && !self.context.controls.has_seek() {
            let Some(frame) = self.attempt(|pool| source.next_frame(pool))? else {
                break;
            };
            let is_past = frame.time > time;
            if !is_past {
                ahead.clear();
            }
            ahead.push_back(frame);
            if is_past {
                break;
            }
        }
        Ok(ahead)
    }

    /// Lets the source do something. What fails is given up: reading it again from the start would show its frames
    /// twice.
    fn attempt<T>(
        &self,
        call: impl FnOnce(&FramePool) -> Result<T, CaptureError>,
    ) -> Result<T, Pause> {
        match guarded(|| call(&self.pool)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Pause::End(SourceState::Failed(words(&error)))),
            Err(panic) => Err(self.after_panic(false, &panic)),
        }
    }
}
