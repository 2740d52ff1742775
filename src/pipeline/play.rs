//! Plays a file for people who watch it: at its own pace, or as they request.
//!
//! The next frame is read ahead and then held until its time comes or a request arrives. Nothing polls, so a paused file
//! costs nothing. At its end the file stays open, so that the user can seek back.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::select;

use super::{
    SourceState,
    controls::Controls,
    frame_times::FileClock,
    shared::Run,
    source_reader::{Pause, SourceReader},
    words,
    worker::guarded,
};
use crate::{
    capture::{CaptureError, FrameSource},
    frame::{Frame, FramePool},
};

/// While this exists, the file obeys requests.
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
    /// The frame's time has come.
    Due,
    /// There are new requests.
    Requests,
    /// The file is closed.
    Canceled,
}

/// Plays `source`, the open file of `reader`, until it is closed or cannot be read any further.
pub(super) fn play(reader: &mut SourceReader, source: Box<dyn FrameSource>) -> Pause {
    match reader.try_play(source) {
        Ok(pause) | Err(pause) => pause,
    }
}

impl SourceReader {
    fn try_play(&mut self, mut source: Box<dyn FrameSource>) -> Result<Pause, Pause> {
        let is_still = source.info().n_frames == Some(1);
        let opened = self.run;
        let playing = Playing {
            controls: Arc::clone(&self.context.controls),
            source: opened,
        };
        playing.controls.set_playing(opened, !is_still);
        let mut clock = FileClock::default();
        // Read but not shown yet.
        let mut ahead = VecDeque::<Frame>::new();
        let mut is_over = false;
        // Frames to show whatever the clock says; the first one is.
        let mut n_wanted = 1_u32;
        while !self.cancel.is_canceled() {
            let requests = playing.controls.take(opened);
            clock.set_speed(requests.transport.speed, Instant::now());
            n_wanted = n_wanted.saturating_add(requests.n_steps);
            if let Some((run, time)) = requests.seek {
                self.run = run;
                ahead = self.seek(&mut source, time)?;
                is_over = false;
                n_wanted = 1;
            }
            if requests.transport.paused {
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
                        // It is live again with the first frame after a seek.
                        self.state = SourceState::Ended;
                        self.tell_end(Some(SourceState::Ended));
                    }
                }
            }
            let now = Instant::now();
            let wait = match ahead.front() {
                Some(_) if n_wanted > 0 => Some(Duration::ZERO),
                Some(frame) if !requests.transport.paused => {
                    Some(clock.wait_before(frame.time, now))
                }
                _ => None,
            };
            match self.wait(wait) {
                Woken::Due => {
                    if let Some(mut frame) = ahead.pop_front() {
                        // A viewer's latency counts from when the frame is due.
                        frame.captured_at = Instant::now();
                        if n_wanted > 0 {
                            n_wanted -= 1;
                            clock.start_at(frame.time, frame.captured_at);
                        }
                        self.show_live(source.info());
                        self.send(frame, false);
                    }
                }
                Woken::Requests => {}
                Woken::Canceled => break,
            }
        }
        Ok(Pause::Canceled)
    }

    /// Waits for `limit`, without end if `None`, or until there is something else to do.
    fn wait(&self, limit: Option<Duration>) -> Woken {
        let requests = self.context.controls.changed();
        let canceled = self.cancel.receiver();
        match limit {
            Some(limit) => select! {
                recv(canceled) -> _ => Woken::Canceled,
                recv(requests) -> _ => Woken::Requests,
                default(limit) => Woken::Due,
            },
            None => select! {
                recv(canceled) -> _ => Woken::Canceled,
                recv(requests) -> _ => Woken::Requests,
            },
        }
    }

    /// Seeks to the last frame at or before `time`. Returns the frames that had to be read for that, this one first; if
    /// none had to be, the source delivers it next.
    fn seek(
        &mut self,
        source: &mut Box<dyn FrameSource>,
        time: Duration,
    ) -> Result<VecDeque<Frame>, Pause> {
        if self.attempt(|_| source.seek(time))? {
            return Ok(VecDeque::new());
        }
        // It can only read forward, so it is opened again and read.
        let open = Arc::clone(&self.context.open_source);
        *source = self.attempt(|_| open(&self.spec))?;
        let mut ahead = VecDeque::new();
        while !self.cancel.is_canceled() && !self.context.controls.has_seek() {
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

    /// Calls the source. After a failure it is given up: reading it again from the start would show its frames twice.
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
