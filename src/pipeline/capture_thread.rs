//! Opens sources, reads them, and opens them again when they fail.
//!
//! There are two threads. `capture` reads a source and may hang in a driver for good; `source-control` starts and stops it
//! and never waits long. A reader that does not stop in time is abandoned: its run is over, so whatever it still delivers
//! is ignored.

use std::{
    io,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};

use super::{
    Event, Pacing, SourceState,
    cancel::{CancelHandle, cancel_pair},
    frame_times::Renumbering,
    play::play,
    shared::Run,
    source_reader::{CaptureContext, Pause, SourceReader},
    words,
    worker::{Worker, guarded},
};
use crate::capture::{CaptureError, FrameSource, SourceKind, SourceSpec};

/// Pause after a source reported that it stalled. It has already waited for a frame; this only keeps one that reports at
/// once from spinning.
const PAUSE_AFTER_STALL: Duration = Duration::from_millis(2);

/// Time until the user is told again that a source is silent; doubles each time.
const COMPLAIN_AGAIN_AFTER: Duration = Duration::from_secs(6);

/// The running control thread. Dropping it tells it to end.
pub(super) struct CaptureThread {
    requests: Sender<(Run, Option<SourceSpec>)>,
    worker: Worker,
}

impl CaptureThread {
    /// Starts without a source.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn spawn(context: CaptureContext) -> io::Result<Self> {
        let (requests, inbox) = crossbeam_channel::unbounded();
        let worker = Worker::spawn("source-control", move || control(&inbox, &context))?;
        Ok(Self { requests, worker })
    }

    /// Closes the source being read, then opens this one, if any. Returns at once.
    pub fn open(&self, run: Run, spec: Option<SourceSpec>) {
        // The thread ends only after `self` is gone.
        self.requests.send((run, spec)).ok();
    }

    /// Ends the reading and returns the thread to wait for.
    pub fn finish(self) -> Worker {
        self.worker
    }
}

fn control(requests: &Receiver<(Run, Option<SourceSpec>)>, context: &CaptureContext) {
    let mut reading: Option<(CancelHandle, Worker)> = None;
    loop {
        let request = requests.recv();
        if let Some((canceller, worker)) = reading.take() {
            drop(canceller);
            worker.join_within(context.abandon_after);
        }
        let Ok(request) = request else { return };
        // Closing may have taken a while, so only the newest request counts.
        let (run, spec) = requests
            .try_iter()
            .chain([request])
            .max_by_key(|(run, _)| *run)
            .expect("there is at least the request received first");
        let Some(spec) = spec else { continue };
        let (canceller, cancel) = cancel_pair();
        let source = SourceLoop {
            reader: SourceReader::new(context.clone(), run, spec, cancel),
            complaints: Complaints::default(),
            renumbering: Renumbering::default(),
        };
        match Worker::spawn("capture", move || source.run()) {
            Ok(worker) => reading = Some((canceller, worker)),
            Err(error) => context.shared.emit_for(
                run,
                Event::Source(SourceState::Failed(format!(
                    "no thread could be started to read the source: {error}"
                ))),
            ),
        }
    }
}

/// Reads one source, and opens it again when that may help; a file that is watched [plays](play).
struct SourceLoop {
    reader: SourceReader,
    complaints: Complaints,
    renumbering: Renumbering,
}

impl SourceLoop {
    fn run(mut self) {
        loop {
            // This drops the source: a camera that is still held cannot be opened again.
            match self.open_and_read() {
                Pause::Retry(state) => self.reader.show(state),
                Pause::End(state) => {
                    let state = if self.reader.was_live {
                        Some(state) // Told after the last frame.
                    } else {
                        self.reader.show(state); // There is no frame to wait for, and the network may still be loading.
                        None
                    };
                    self.reader.tell_end(state);
                    return;
                }
                Pause::Canceled => return,
            }
            if self.reader.cancel.wait(self.reader.context.retry_after) {
                return;
            }
        }
    }

    fn open_and_read(&mut self) -> Pause {
        match guarded(|| (self.reader.context.open_source)(&self.reader.spec)) {
            Ok(Ok(mut source)) => {
                if source.info().kind == SourceKind::File
                    && self.reader.context.pacing == Pacing::Realtime
                {
                    return play(&mut self.reader, source);
                }
                self.renumbering.opened();
                // When it is plugged in again, its number and its name may belong to another camera.
                self.reader.spec = source.pinned(&self.reader.spec);
                let pause = self.read(&mut *source);
                self.reader.spec = source.pinned(&self.reader.spec);
                pause
            }
            Ok(Err(error)) if error.is_transient() => {
                Pause::Retry(self.reader.waiting_state(&error))
            }
            Ok(Err(error)) => Pause::End(SourceState::Failed(words(&error))),
            Err(panic) => {
                let live = matches!(self.reader.spec, SourceSpec::Camera(_));
                self.reader.after_panic(live, &panic)
            }
        }
    }

    fn read(&mut self, source: &mut dyn FrameSource) -> Pause {
        let live = source.info().kind == SourceKind::Live;
        let mut n_damaged = 0;
        while !self.reader.cancel.is_canceled() {
            let next = guarded(|| source.next_frame(&self.reader.pool));
            self.reader.tell_notes(source);
            let n_damaged_before = std::mem::replace(&mut n_damaged, source.n_damaged());
            if n_damaged > n_damaged_before {
                let shared = &self.reader.context.shared;
                shared.damaged(self.reader.run, n_damaged - n_damaged_before);
            }
            match next {
                Ok(Ok(Some(mut frame))) => {
                    self.complaints = Complaints::default();
                    self.reader.show_live(source.info());
                    self.renumbering.place(&mut frame);
                    self.reader.send(frame, !live);
                }
                Ok(Ok(None)) => return Pause::End(SourceState::Ended),
                Ok(Err(error @ (CaptureError::Stalled { .. } | CaptureError::Faulty { .. })))
                    if live =>
                {
                    // It may recover by itself, so it stays open.
                    if self.complaints.is_due(Instant::now()) {
                        self.reader.show(SourceState::Lost(words(&error)));
                    }
                    self.reader.cancel.wait(PAUSE_AFTER_STALL);
                }
                Ok(Err(error)) if live && error.is_transient() => {
                    return Pause::Retry(self.reader.waiting_state(&error));
                }
                // Reading a file again from the start would deliver its frames twice.
                Ok(Err(error)) => return Pause::End(SourceState::Failed(words(&error))),
                Err(panic) => return self.reader.after_panic(live, &panic),
            }
        }
        Pause::Canceled
    }
}

/// When to tell the user that an open source sends nothing usable: at once, and then less and less often.
#[derive(Debug, Default)]
struct Complaints {
    /// When the user was last told, and how long to wait before telling again.
    told: Option<(Instant, Duration)>,
}

impl Complaints {
    /// Whether to tell the user at `now`; if so, it counts as told.
    fn is_due(&mut self, now: Instant) -> bool {
        let pause = match self.told {
            None => COMPLAIN_AGAIN_AFTER,
            Some((at, pause)) if now.saturating_duration_since(at) >= pause => {
                pause.saturating_mul(2)
            }
            Some(_) => return false,
        };
        self.told = Some((now, pause));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_silence_is_told_less_and_less_often() {
        let start = Instant::now();
        let mut complaints = Complaints::default();
        // A silent camera reports every 3 seconds: for an hour.
        let told: Vec<u64> = (1..=1200)
            .map(|n| n * 3)
            .filter(|s| complaints.is_due(start + Duration::from_secs(*s)))
            .collect();
        assert_eq!(told, [3, 9, 21, 45, 93, 189, 381, 765, 1533, 3069]);
    }
}
