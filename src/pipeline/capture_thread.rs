//! Opens sources, reads them, and brings them back when they fail.
//!
//! Two threads. `capture` reads a source and may hang in a driver for ever; `source-control` starts and stops it
//! and never waits long. A reader that does not stop in time is left behind: its run is over, so whatever it
//! still delivers is ignored.

use std::{io, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, Sender};

use super::{
    Event, Pacing, SourceState,
    cancel::{CancelToken, Canceller, cancel_pair},
    controls::Controls,
    latest::Latest,
    message::{Item, Message, Slot, hand_over},
    parts::OpenSource,
    playback::Timeline,
    shared::{Run, Shared},
    words,
    worker::{Worker, guarded},
};
use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind, SourceSpec},
    frame::{Frame, FramePool},
};

/// Pause after a source reported silence. It has waited for a frame by itself; this only keeps one that reports
/// at once from spinning.
const PAUSE_AFTER_STALL: Duration = Duration::from_millis(2);

/// Newest frame for the preview, with its source.
pub(super) type Preview = Latest<(Run, Arc<Frame>)>;

/// What every reader needs.
#[derive(Clone)]
pub(super) struct CaptureContext {
    pub open_source: OpenSource,
    pub pacing: Pacing,
    pub retry_after: Duration,
    pub abandon_after: Duration,
    pub preview: Arc<Preview>,
    pub outbox: Slot<Arc<Frame>>,
    pub controls: Arc<Controls>,
    pub shared: Arc<Shared>,
}

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
    let mut reading: Option<(Canceller, Worker)> = None;
    loop {
        let request = requests.recv();
        if let Some((canceller, worker)) = reading.take() {
            drop(canceller);
            worker.join_within(context.abandon_after);
        }
        let Ok(request) = request else { return };
        // Closing may have taken a while: only the newest wish still counts.
        let (run, spec) = requests
            .try_iter()
            .chain([request])
            .max_by_key(|(run, _)| *run)
            .expect("there is at least the request received first");
        let Some(spec) = spec else { continue };
        let (canceller, cancel) = cancel_pair();
        let reader = Reader {
            context: context.clone(),
            run,
            spec,
            cancel,
            state: SourceState::Starting,
            was_live: false,
            timeline: Timeline::default(),
            pool: FramePool::default(),
        };
        match Worker::spawn("capture", move || reader.run()) {
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

/// How reading a source ended, for now.
pub(super) enum Pause {
    /// Worth another try after a while; until then this is shown.
    Retry(SourceState),
    /// For good.
    End(SourceState),
    /// Nobody wants it any more.
    Cancelled,
}

/// Reads one source; files that are watched in [`play`](super::play).
pub(super) struct Reader {
    pub(super) context: CaptureContext,
    pub(super) run: Run,
    pub(super) spec: SourceSpec,
    pub(super) cancel: CancelToken,
    /// What the user was told last.
    pub(super) state: SourceState,
    pub(super) was_live: bool,
    timeline: Timeline,
    pub(super) pool: FramePool,
}

impl Reader {
    fn run(mut self) {
        loop {
            // The source is dropped in there: a camera that is still held cannot be opened again.
            match self.open_and_read() {
                Pause::Retry(state) => self.show(state),
                Pause::End(state) => {
                    let state = if self.was_live {
                        Some(state) // Told when the last frame is through.
                    } else {
                        self.show(state); // No frame to wait for, and perhaps the network is still loading.
                        None
                    };
                    let end = Message::end(self.run, state);
                    hand_over(
                        &self.context.outbox,
                        end,
                        &self.context.shared,
                        &self.cancel,
                    );
                    return;
                }
                Pause::Cancelled => return,
            }
            if self.cancel.wait(self.context.retry_after) {
                return;
            }
        }
    }

    fn open_and_read(&mut self) -> Pause {
        match guarded(|| (self.context.open_source)(&self.spec)) {
            Ok(Ok(mut source)) => {
                if source.info().kind == SourceKind::File && self.context.pacing == Pacing::Realtime
                {
                    return self.play(source);
                }
                self.timeline.opened();
                // When it is plugged in again, its number may be another camera's.
                self.spec = self.spec.pinned_to(source.info());
                self.read(&mut *source)
            }
            Ok(Err(error)) if error.is_transient() => Pause::Retry(self.waiting_state(&error)),
            Ok(Err(error)) => Pause::End(SourceState::Failed(words(&error))),
            Err(panic) => {
                let live = matches!(self.spec, SourceSpec::Camera(_));
                self.after_panic(live, &panic)
            }
        }
    }

    fn read(&mut self, source: &mut dyn FrameSource) -> Pause {
        let live = source.info().kind == SourceKind::Live;
        while !self.cancel.is_cancelled() {
            let next = guarded(|| source.next_frame(&self.pool));
            self.tell_notes(source);
            match next {
                Ok(Ok(Some(mut frame))) => {
                    self.show_live(source.info());
                    self.timeline.place(&mut frame);
                    self.send(frame, !live);
                }
                Ok(Ok(None)) => return Pause::End(SourceState::Ended),
                Ok(Err(error @ (CaptureError::Stalled { .. } | CaptureError::Faulty { .. })))
                    if live =>
                {
                    // It may go on by itself, so it stays open.
                    self.show(SourceState::Lost(words(&error)));
                    self.cancel.wait(PAUSE_AFTER_STALL);
                }
                Ok(Err(error)) if live && error.is_transient() => {
                    return Pause::Retry(self.waiting_state(&error));
                }
                // Reading a file again from the start would give its frames twice.
                Ok(Err(error)) => return Pause::End(SourceState::Failed(words(&error))),
                Err(panic) => return self.after_panic(live, &panic),
            }
        }
        Pause::Cancelled
    }

    /// Passes on what the source has to say about its frames.
    pub(super) fn tell_notes(&self, source: &mut dyn FrameSource) {
        for note in source.take_notes() {
            self.context.shared.emit_for(self.run, Event::Warning(note));
        }
    }

    /// Says that frames arrive.
    pub(super) fn show_live(&mut self, info: &SourceInfo) {
        self.was_live = true;
        // Compared first: nearly every frame finds the state as it was, and needs no copy of it.
        if !matches!(&self.state, SourceState::Live(shown) if shown == info) {
            self.show(SourceState::Live(info.clone()));
        }
    }

    /// Gives a frame to the preview and to the analysis; `lossless` if it must wait for the latter.
    pub(super) fn send(&mut self, frame: Frame, lossless: bool) {
        let shared = &self.context.shared;
        let frame = Arc::new(frame);
        shared.captured(self.run, &frame);
        // An unread preview is no loss: the analysis has its own copy of the handle.
        drop(self.context.preview.put((self.run, Arc::clone(&frame))));
        shared.wake();
        let message = Message {
            run: self.run,
            lossless,
            item: Item::Frame(frame),
        };
        hand_over(&self.context.outbox, message, shared, &self.cancel);
    }

    /// What to show while a source that failed is waited for.
    fn waiting_state(&self, error: &CaptureError) -> SourceState {
        match error {
            // "No camera found" would hide why a camera that worked is gone.
            CaptureError::NoCamera | CaptureError::NoSuchCamera { .. }
                if matches!(self.state, SourceState::Lost(_)) =>
            {
                self.state.clone()
            }
            _ if self.was_live => SourceState::Lost(words(error)),
            CaptureError::Disconnected { .. } | CaptureError::Stalled { .. } => {
                SourceState::Lost(words(error))
            }
            CaptureError::NoCamera => SourceState::NoCamera,
            _ => SourceState::Failed(words(error)),
        }
    }

    pub(super) fn after_panic(&self, live: bool, panic: &str) -> Pause {
        let reason = format!("reading {} failed unexpectedly: {panic}", self.spec);
        if live {
            Pause::Retry(if self.was_live {
                SourceState::Lost(reason)
            } else {
                SourceState::Failed(reason)
            })
        } else {
            Pause::End(SourceState::Failed(reason))
        }
    }

    fn show(&mut self, state: SourceState) {
        if self.state != state {
            self.state = state.clone();
            self.context.shared.emit_for(self.run, Event::Source(state));
        }
    }
}
