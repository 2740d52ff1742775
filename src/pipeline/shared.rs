//! What all threads of one pipeline share: settings, figures, events, and which source is the current one.
//!
//! Everything that belongs to a source carries its [`Run`]. Opening another source only raises the current run; what is
//! still in flight for the old one is recognized by its number and dropped wherever it turns up. A seek begins another
//! run of the same source: its frames and results start over, but its state still holds.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crossbeam_channel::Sender;

use super::{
    Analysis, Event, Settings, SourceRun, Stats, TapHandle,
    stats::StatsRecorder,
    tap::{Tap, Taps},
};
use crate::{frame::Frame, panics::lock};

/// Number of an opened source, or of a seek in it, from 1; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Run(pub u64);

impl From<Run> for SourceRun {
    fn from(run: Run) -> Self {
        Self(run.0)
    }
}

/// An event, with the run it is about if it is about the source.
pub(super) type TaggedEvent = (Option<Run>, Event);

/// What all threads of one pipeline share.
pub(super) struct Shared {
    current: AtomicU64,
    /// The run in which the current source was opened.
    opened: AtomicU64,
    /// Number of taps so far that faces are numbered for.
    n_recordings: AtomicU64,
    /// Copied out by each stage at the start of each frame.
    settings: Mutex<Settings>,
    /// Whether to learn resting faces (`true`) or to forget them, until the stage that does has taken it.
    neutral: Mutex<Option<bool>>,
    stats: Mutex<(Run, StatsRecorder)>,
    events: Sender<TaggedEvent>,
    taps: Arc<Taps>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Shared {
    /// With no source yet.
    pub fn new(
        settings: Settings,
        events: Sender<TaggedEvent>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            current: AtomicU64::default(),
            opened: AtomicU64::default(),
            n_recordings: AtomicU64::default(),
            settings: Mutex::new(settings),
            neutral: Mutex::default(),
            stats: Mutex::default(),
            events,
            taps: Arc::default(),
            wake: Box::new(wake),
        }
    }

    /// Begins another source; from now on everything from the previous one is stale.
    pub fn begin_run(&self) -> Run {
        let run = Run(self.current.fetch_add(1, Ordering::SeqCst) + 1);
        self.opened.store(run.0, Ordering::SeqCst);
        let mut stats = lock(&self.stats);
        if stats.0 < run {
            *stats = (run, StatsRecorder::default());
        }
        run
    }

    /// Begins a seek in the source of `from`; from now on all earlier frames and results are stale.
    ///
    /// `None` if `from` is no longer the run that counts.
    pub fn begin_seek(&self, from: Run) -> Option<Run> {
        let run = Run(from.0 + 1);
        self.current
            .compare_exchange(from.0, run.0, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
            .then_some(run)
    }

    /// Whether `run` belongs to the current source, before or after a seek.
    pub fn is_of_current_source(&self, run: Run) -> bool {
        run >= self.opened_run()
    }

    /// The current run.
    pub fn current_run(&self) -> Run {
        Run(self.current.load(Ordering::SeqCst))
    }

    /// Whether `run` is the current run.
    pub fn is_current(&self, run: Run) -> bool {
        self.current_run() == run
    }

    /// The current settings.
    pub fn settings(&self) -> Settings {
        *lock(&self.settings)
    }

    /// Changes the settings.
    pub fn apply(&self, settings: Settings) {
        *lock(&self.settings) = settings;
    }

    /// Asks for resting faces to be learned (`true`) or forgotten.
    pub fn ask_neutral(&self, learn: bool) {
        *lock(&self.neutral) = Some(learn);
    }

    /// What was asked about resting faces since the last call.
    pub fn take_neutral(&self) -> Option<bool> {
        lock(&self.neutral).take()
    }

    /// The run in which the current source was opened.
    pub fn opened_run(&self) -> Run {
        Run(self.opened.load(Ordering::SeqCst))
    }

    /// Whether a source was opened with this run, and not only sought in.
    pub fn is_opening(&self, run: Run) -> bool {
        self.opened_run() == run
    }

    /// What faces are numbered in: the source, by the run in which it was opened, and the number of recordings so far.
    pub fn numbering(&self) -> (Run, u64) {
        (self.opened_run(), self.n_recordings.load(Ordering::SeqCst))
    }

    /// Attaches a tap until the handle is dropped.
    pub fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle {
        // Before it hears of a frame, so that each frame it hears of is analyzed afterward.
        if tap.begins_numbers() {
            self.n_recordings.fetch_add(1, Ordering::SeqCst);
        }
        self.taps.attach(tap)
    }

    /// A frame came from a source.
    pub fn captured(&self, run: Run, frame: &Arc<Frame>) {
        self.record(run, |stats| stats.captured(frame.captured_at));
        self.taps.each(|tap| tap.captured(run.into(), frame));
    }

    /// A result is ready.
    pub fn analyzed(&self, run: Run, analysis: &Analysis) {
        let at = analysis.completed_at;
        let latency = at.saturating_duration_since(analysis.frame.captured_at);
        self.record(run, |stats| stats.analyzed(at, latency));
        self.taps.each(|tap| tap.analyzed(run.into(), analysis));
    }

    /// A frame will never have a result.
    pub fn skipped(&self, run: Run, frame: &Frame) {
        self.record(run, StatsRecorder::dropped);
        self.taps.each(|tap| tap.skipped(run.into(), frame.id));
    }

    /// `n_frames` frames arrived damaged.
    pub fn damaged(&self, run: Run, n_frames: u64) {
        self.record(run, |stats| stats.damaged(n_frames));
    }

    /// Lets `record` count something of `run`, unless its source is no longer the current one.
    fn record(&self, run: Run, record: impl FnOnce(&mut StatsRecorder)) {
        let mut stats = lock(&self.stats);
        if stats.0 <= run {
            record(&mut stats.1);
        }
    }

    /// The figures as of `now`.
    pub fn stats(&self, now: Instant) -> Stats {
        lock(&self.stats).1.snapshot(now)
    }

    /// Sends an event to the reader.
    pub fn emit(&self, event: Event) {
        self.emit_tagged(None, event);
    }

    /// Sends an event about a source, which is dropped if the source is no longer current when the event is read.
    pub fn emit_for(&self, run: Run, event: Event) {
        self.emit_tagged(Some(run), event);
    }

    /// Tells the reader that there is something new to take.
    pub fn wake(&self) {
        (self.wake)();
    }

    fn emit_tagged(&self, run: Option<Run>, event: Event) {
        self.taps.each(|tap| tap.event(run.map(Run::into), &event));
        // The receiver is gone only while the pipeline is dropped.
        self.events.send((run, event)).ok();
        self.wake();
    }
}
