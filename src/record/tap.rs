//! The pipeline's end of a recording: the bounded queue of frames, and the channel of commands.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use crate::{
    frame::{Frame, FrameId},
    pipeline::{
        Analysis, Event, SourceRun, Tap,
        face_names::FaceNames,
        markers::{Marker, TakeMarkers},
    },
    privacy::FacePrivacy,
};

/// Maximum number of waiting messages. A frame needs two, so this is most of a second at 30 Hz, 80 MB at 1280×720.
const QUEUE_LEN: usize = 44;

/// Why a recording ended at its time limit.
pub const TIME_LIMIT: &str = "time limit reached";

/// Something about a frame.
pub(super) enum Item {
    Captured(SourceRun, Arc<Frame>),
    Analyzed(SourceRun, Analysis),
    Skipped(SourceRun, FrameId),
}

/// What users and the pipeline ask for.
pub(super) enum Command {
    Event(Option<SourceRun>, Event, Instant),
    Marker(Marker),
    Pause(bool, Instant),
    Privacy(Option<FacePrivacy>, Instant),
    Names(FaceNames),
    Stop(String, Instant),
}

/// The pipeline's end of the channels.
pub(super) struct RecorderTap {
    items: Sender<Item>,
    commands: Sender<Command>,
    /// Frames that did not fit into the queue, until the thread has noted them.
    pub n_refused: AtomicU64,
    /// Markers of other programs that were refused, until the thread has noted them.
    pub n_markers_refused: AtomicU64,
    /// Whether the pipeline waits for the recorder instead of losing frames.
    waits: bool,
    limit: Option<TimeLimit>,
}

/// How much of a file is recorded.
struct TimeLimit {
    length: Duration,
    /// The time of the first frame.
    first: OnceLock<Duration>,
    is_over: AtomicBool,
}

impl TimeLimit {
    /// `None` while a frame at `time` is recorded; then whether it is the first that is not.
    fn ends_at(&self, time: Duration) -> Option<bool> {
        let first = *self.first.get_or_init(|| time);
        let is_over = time.saturating_sub(first) >= self.length;
        is_over.then(|| !self.is_over.swap(true, Ordering::Relaxed))
    }
}

impl RecorderTap {
    /// A tap, and where the thread takes from. With `waits` the pipeline waits instead of losing frames.
    pub fn new(waits: bool, limit: Option<Duration>) -> (Self, Receiver<Item>, Receiver<Command>) {
        let (items_in, items) = crossbeam_channel::bounded(QUEUE_LEN);
        // Unbounded, because users and state changes send only a few a minute.
        let (commands_in, commands) = crossbeam_channel::unbounded();
        let tap = Self {
            items: items_in,
            commands: commands_in,
            n_refused: AtomicU64::default(),
            n_markers_refused: AtomicU64::default(),
            waits,
            limit: limit.map(|length| TimeLimit {
                length,
                first: OnceLock::new(),
                is_over: AtomicBool::default(),
            }),
        };
        (tap, items, commands)
    }

    /// Number of messages in the queue.
    #[cfg(test)]
    pub fn n_waiting(&self) -> usize {
        self.items.len()
    }

    /// Queues something about a frame; `false` if the queue is full and nothing may wait for it.
    fn queue(&self, item: Item) -> bool {
        if self.waits {
            // Fails only when the recording has ended. It takes from the queue until then, and waits for nobody.
            self.items.send(item).ok();
            return true;
        }
        !matches!(self.items.try_send(item), Err(TrySendError::Full(_)))
    }

    pub fn send(&self, command: Command) {
        // If the thread has ended, there is nothing left to do.
        self.commands.send(command).ok();
    }
}

impl Tap for RecorderTap {
    fn captured(&self, run: SourceRun, frame: &Arc<Frame>) {
        if let Some(limit) = &self.limit
            && let Some(is_first) = limit.ends_at(frame.time)
        {
            if is_first {
                self.send(Command::Stop(TIME_LIMIT.to_owned(), Instant::now()));
            }
            return;
        }
        if !self.queue(Item::Captured(run, Arc::clone(frame))) {
            self.n_refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    // If a result is dropped, the next one shows that this frame will have none.
    fn analyzed(&self, run: SourceRun, analysis: &Analysis) {
        self.queue(Item::Analyzed(run, analysis.clone()));
    }

    fn skipped(&self, run: SourceRun, frame: FrameId) {
        self.queue(Item::Skipped(run, frame));
    }

    fn event(&self, run: Option<SourceRun>, event: &Event) {
        self.send(Command::Event(run, event.clone(), Instant::now()));
    }

    fn begins_numbers(&self) -> bool {
        true
    }
}

impl TakeMarkers for RecorderTap {
    fn take(&self, marker: Marker) -> bool {
        self.commands.send(Command::Marker(marker)).is_ok()
    }

    fn refused(&self) {
        self.n_markers_refused.fetch_add(1, Ordering::Relaxed);
    }
}
