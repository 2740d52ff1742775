//! One source while it is read: its state for the user, and its frames for the preview and the analysis.

use std::{sync::Arc, time::Duration};

use super::{
    Event, Pacing, SourceState,
    cancel::CancelToken,
    controls::Controls,
    latest::Latest,
    message::{Item, Message, Slot, hand_over},
    parts::OpenSource,
    shared::{Run, Shared},
    words,
};
use crate::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceSpec, devices},
    frame::{Frame, FramePool},
};

/// The newest frame for the preview, with its run.
pub(super) type Preview = Latest<(Run, Arc<Frame>)>;

/// What a reader needs.
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

/// Why reading a source stopped.
pub(super) enum Pause {
    /// Try again after a while; until then show this.
    Retry(SourceState),
    /// For good, with the state to show.
    End(SourceState),
    /// The source was closed.
    Canceled,
}

/// A source that is being read.
pub(super) struct SourceReader {
    pub(super) context: CaptureContext,
    pub(super) run: Run,
    pub(super) spec: SourceSpec,
    pub(super) cancel: CancelToken,
    /// The state that the user was last told.
    pub(super) state: SourceState,
    pub(super) was_live: bool,
    pub(super) pool: FramePool,
}

impl SourceReader {
    /// A source that is not open yet.
    pub(super) fn new(
        context: CaptureContext,
        run: Run,
        spec: SourceSpec,
        cancel: CancelToken,
    ) -> Self {
        Self {
            context,
            run,
            spec,
            cancel,
            state: SourceState::Starting,
            was_live: false,
            pool: FramePool::default(),
        }
    }

    /// Passes on the source's notes about its frames.
    pub(super) fn tell_notes(&self, source: &mut dyn FrameSource) {
        for note in source.take_notes() {
            self.context.shared.emit_for(self.run, Event::Warning(note));
        }
    }

    /// Tells the user that frames arrive.
    pub(super) fn show_live(&mut self, info: &SourceInfo) {
        self.was_live = true;
        // Compare first: nearly every frame leaves the state as it was and needs no copy of it.
        if !matches!(&self.state, SourceState::Live(shown) if shown == info) {
            self.show(SourceState::Live(info.clone()));
        }
    }

    /// Gives a frame to the preview and to the analysis, waiting for the latter if `lossless`.
    pub(super) fn send(&mut self, frame: Frame, lossless: bool) {
        let shared = &self.context.shared;
        let frame = Arc::new(frame);
        shared.captured(self.run, &frame);
        // An unread preview is not lost: the analysis has its own handle.
        drop(self.context.preview.put((self.run, Arc::clone(&frame))));
        shared.wake();
        let message = Message {
            run: self.run,
            lossless,
            item: Item::Frame(frame),
        };
        hand_over(&self.context.outbox, message, shared, &self.cancel);
    }

    /// The state to show until a failed source is tried again.
    pub(super) fn waiting_state(&self, error: &CaptureError) -> SourceState {
        match error {
            // "No camera found" would hide why a camera that worked is gone; a list of other cameras would not.
            CaptureError::NoCamera if matches!(self.state, SourceState::Lost(_)) => {
                self.state.clone()
            }
            CaptureError::NoSuchCamera { found, .. }
                if found == devices::NONE && matches!(self.state, SourceState::Lost(_)) =>
            {
                self.state.clone()
            }
            _ if self.was_live => SourceState::Lost(words(error)),
            CaptureError::Disconnected { .. } | CaptureError::Stalled { .. } => {
                SourceState::Lost(words(error))
            }
            CaptureError::NoCamera => SourceState::NoCamera,
            _ => SourceState::Waiting(words(error)),
        }
    }

    /// What to do after the source panicked.
    pub(super) fn after_panic(&self, live: bool, panic: &str) -> Pause {
        let reason = format!("reading {} failed unexpectedly: {panic}", self.spec);
        if live {
            Pause::Retry(if self.was_live {
                SourceState::Lost(reason)
            } else {
                SourceState::Waiting(reason)
            })
        } else {
            Pause::End(SourceState::Failed(reason))
        }
    }

    /// Tells the user the state of the source, unless it is unchanged.
    pub(super) fn show(&mut self, state: SourceState) {
        if self.state != state {
            self.state = state.clone();
            self.context.shared.emit_for(self.run, Event::Source(state));
        }
    }
    /// Sends the end of the source after its last frame. `state` is the reason, unless the user was already told.
    pub(super) fn tell_end(&self, state: Option<SourceState>) {
        let end = Message::end(self.run, state);
        let context = &self.context;
        hand_over(&context.outbox, end, &context.shared, &self.cancel);
    }
}
