//! The thread that records, and the handle to it.
//!
//! The pipeline's threads only hand over: a handle to the frame, a copy of the result. The queue between is the only one
//! in the program that may hold frames, and it is bounded: what does not fit is refused and counted, so that neither the
//! live view nor the analysis ever waits for a disk. Commands have a way of their own and are never refused.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::{
    RecordError, VideoChoice,
    recording::{Finished, Recording, SourceEnd},
};
use crate::{
    capture::{SourceInfo, SourceSpec},
    error_text::error_text,
    frame::{Frame, FrameId},
    pipeline::{Analysis, Event, Settings, SourceRun, Tap},
    privacy::FacePrivacy,
    session::{folder::free_bytes, manifest::Counts},
};

/// Messages that wait at the most. A frame needs two, so this is most of a second at 30 Hz, 80 MB at 1280×720.
const QUEUE_LEN: usize = 44;
/// How often the recorder looks around while nothing comes.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(100);
/// How often the room on the disk is asked for.
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether the session's folder is still there: it is told within a second.
const LOOK_AT_FOLDER_EVERY: Duration = Duration::from_millis(150);
/// How often refused frames become an event: a machine that is too slow for the video refuses some all the time.
const TELL_REFUSED_EVERY: Duration = Duration::from_secs(1);
/// With less than this left on the disk the recording ends, so that it can be ended well.
const MIN_FREE_BYTES: u64 = 200_000_000;
/// How long the last results are waited for after the recording was told to stop.
const LAST_RESULTS_WITHIN: Duration = Duration::from_secs(1);

/// What to record, and where.
#[derive(Debug, Clone)]
pub struct RecordingConfig {
    /// The session's folder; created, and must be empty if it is there.
    pub folder: PathBuf,
    /// Which videos.
    pub video: VideoChoice,
    /// What the user asked to look at.
    pub source: SourceSpec,
    /// What the source said about itself, if it is live already.
    pub info: Option<SourceInfo>,
    /// The settings in force.
    pub settings: Settings,
    /// What the network runs on, in words, if it is known already.
    pub device: Option<String>,
    /// Whose faces are covered in the videos, and how.
    pub privacy: Option<FacePrivacy>,
    /// Below this probability, 0 to 1, no expression is named in the video; `None` is the network's own threshold.
    pub uncertain_below: Option<f32>,
}

/// How a recording stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderStatus {
    /// What it is at.
    pub phase: Phase,
    /// Since its first frame.
    pub elapsed: Duration,
    /// What became of the frames.
    pub counts: Counts,
    /// Written so far.
    pub n_bytes: u64,
    /// Room on the disk, if the system tells.
    pub free_bytes: Option<u64>,
}

/// What a recorder is at.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Frames are taken.
    Recording,
    /// Frames are let go by.
    Paused,
    /// No more frames are taken; files are being ended.
    Finishing,
    /// All is on the disk.
    Ended(Ending),
}

/// How a recording ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Why, in words.
    pub reason: String,
    /// Whether something went wrong. What was written until then is there.
    pub failed: bool,
}

enum Item {
    Captured(SourceRun, Arc<Frame>),
    Analyzed(SourceRun, Analysis),
    Skipped(SourceRun, FrameId),
}

enum Order {
    Event(Option<SourceRun>, Event, Instant),
    Marker(String, Instant),
    Pause(bool, Instant),
    Privacy(Option<FacePrivacy>, Instant),
    Stop(String, Instant),
}

/// The running recording. Dropping it ends it well and waits until that is done.
pub struct Recorder {
    folder: PathBuf,
    tap: Arc<RecorderTap>,
    status: Arc<Mutex<RecorderStatus>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Creates the session's folder and starts the thread. Attach [`Recorder::tap`] to the pipeline then.
    ///
    /// `wake` is called when the recording ended. This creates a few small files, so a window calls it elsewhere.
    ///
    /// # Errors
    /// [`RecordError`] in the user's words.
    pub fn start(
        config: &RecordingConfig,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, RecordError> {
        let recording = Recording::start(config)?;
        let (items_in, items) = crossbeam_channel::bounded(QUEUE_LEN);
        // Fed by people and by changes of state: a few a minute.
        let (orders_in, orders) = crossbeam_channel::unbounded();
        let tap = Arc::new(RecorderTap {
            items: items_in,
            orders: orders_in,
            n_refused: AtomicU64::default(),
        });
        let status = Arc::new(Mutex::new(RecorderStatus {
            phase: Phase::Recording,
            elapsed: Duration::ZERO,
            counts: Counts::default(),
            n_bytes: 0,
            free_bytes: free_bytes(&config.folder),
        }));
        let worker = RecorderThread {
            folder: config.folder.clone(),
            items,
            orders,
            tap: Arc::clone(&tap),
            status: Arc::clone(&status),
            looked_at_disk: Instant::now(),
            looked_at_folder: Instant::now(),
            told_refused: Instant::now(),
        };
        let thread = Builder::new()
            .name("recorder".to_owned())
            .spawn(move || {
                worker.run(recording);
                wake();
            })
            .map_err(RecordError::Thread)?;
        Ok(Self {
            folder: config.folder.clone(),
            tap,
            status,
            thread: Some(thread),
        })
    }

    /// What listens to the pipeline for this recording.
    pub fn tap(&self) -> Arc<dyn Tap> {
        Arc::clone(&self.tap) as Arc<dyn Tap>
    }

    /// Messages that wait in the queue.
    #[cfg(test)]
    pub(super) fn n_waiting(&self) -> usize {
        self.tap.items.len()
    }

    /// Where the session lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How it stands.
    pub fn status(&self) -> RecorderStatus {
        lock(&self.status).clone()
    }

    /// Sets a mark at a moment, with a note that may be empty.
    pub fn mark(&self, note: String, at: Instant) {
        self.tap.order(Order::Marker(note, at));
    }

    /// Lets frames go by, or takes them again.
    pub fn set_paused(&self, paused: bool) {
        self.tap.order(Order::Pause(paused, Instant::now()));
    }

    /// Covers faces in the videos from now on, or not any longer.
    pub fn set_privacy(&self, privacy: Option<FacePrivacy>) {
        self.tap.order(Order::Privacy(privacy, Instant::now()));
    }

    /// Ends the recording in the background; [`Phase::Ended`] says when that is done.
    pub fn stop(&self, reason: &str) {
        self.tap
            .order(Order::Stop(reason.to_owned(), Instant::now()));
    }

    /// What ends the recording from elsewhere, as [`Recorder::stop`] does, as long as there is one.
    pub fn stopper(&self) -> impl Fn(&str) + Send + use<> {
        let tap = Arc::downgrade(&self.tap);
        move |reason| {
            if let Some(tap) = tap.upgrade() {
                tap.order(Order::Stop(reason.to_owned(), Instant::now()));
            }
        }
    }

    /// Waits until the recording has ended by itself or after [`Recorder::stop`], and returns how.
    pub fn wait(mut self) -> (Ending, RecorderStatus) {
        self.join();
        let status = self.status();
        let ending = match &status.phase {
            Phase::Ended(ending) => ending.clone(),
            _ => Ending {
                reason: "the recording's thread is gone".to_owned(),
                failed: true,
            },
        };
        (ending, status)
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic inside was caught there and is the recording's ending.
            thread.join().ok();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop("the program was closed");
            self.join();
        }
    }
}

/// The pipeline's side.
struct RecorderTap {
    items: Sender<Item>,
    orders: Sender<Order>,
    n_refused: AtomicU64,
}

impl RecorderTap {
    fn order(&self, order: Order) {
        // The thread may have ended already, and then there is nothing left to do.
        self.orders.send(order).ok();
    }
}

impl Tap for RecorderTap {
    fn captured(&self, run: SourceRun, frame: &Arc<Frame>) {
        let item = Item::Captured(run, Arc::clone(frame));
        if let Err(TrySendError::Full(_)) = self.items.try_send(item) {
            self.n_refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    // A result that is refused leaves its frame without one: the next result says that it will have none.
    fn analyzed(&self, run: SourceRun, analysis: &Analysis) {
        self.items
            .try_send(Item::Analyzed(run, analysis.clone()))
            .ok();
    }

    fn skipped(&self, run: SourceRun, frame: FrameId) {
        self.items.try_send(Item::Skipped(run, frame)).ok();
    }

    fn event(&self, run: Option<SourceRun>, event: &Event) {
        self.order(Order::Event(run, event.clone(), Instant::now()));
    }
}

struct RecorderThread {
    folder: PathBuf,
    items: Receiver<Item>,
    orders: Receiver<Order>,
    tap: Arc<RecorderTap>,
    status: Arc<Mutex<RecorderStatus>>,
    looked_at_disk: Instant,
    looked_at_folder: Instant,
    told_refused: Instant,
}

/// How a recording ends.
struct End {
    reason: String,
    failure: Option<RecordError>,
    /// When it was asked to, or failed.
    at: Instant,
}

impl End {
    fn failed(error: RecordError) -> Self {
        Self {
            reason: error_text(&error),
            failure: Some(error),
            at: Instant::now(),
        }
    }
}

impl RecorderThread {
    fn run(mut self, mut recording: Recording) {
        let bug = || RecordError::Bug("see the log".to_owned());
        let recorded = catch_unwind(AssertUnwindSafe(|| self.record(&mut recording)));
        let end = match recorded {
            Ok(Ok((reason, at))) => End {
                reason,
                failure: None,
                at,
            },
            Ok(Err(error)) => End::failed(error),
            Err(_) => End::failed(bug()),
        };
        self.show(&recording, Phase::Finishing, end.at);
        let status = Arc::clone(&self.status);
        let finished = catch_unwind(AssertUnwindSafe(move || self.finish(recording, end)));
        let mut status = lock(&status);
        let ending = match finished {
            Ok((ending, finished)) => {
                status.counts = finished.counts;
                status.n_bytes = finished.n_bytes;
                status.elapsed = finished.elapsed;
                ending
            }
            Err(_) => Ending {
                reason: bug().to_string(),
                failed: true,
            },
        };
        status.phase = Phase::Ended(ending);
    }

    fn finish(mut self, mut recording: Recording, end: End) -> (Ending, Finished) {
        if let Some(RecordError::DiskAlmostFull { .. }) = end.failure
            && let Err(error) = self.settle(&mut recording)
        {
            log::warn!("while ending the recording: {}", error_text(&error));
        }
        // Whatever still came is counted, at the least.
        for item in self.items.try_iter().take(self.items.len()) {
            if let (Item::Captured(run, _), Some(_)) = (item, &end.failure) {
                recording.on_missed(run);
            }
        }
        recording.miss(self.tap.n_refused.swap(0, Ordering::Relaxed));
        let finished = recording.finish(&end.reason, end.failure.as_ref(), end.at);
        let failed = end.failure.is_some() || finished.outcome.is_err();
        let reason = match (&end.failure, &finished.outcome) {
            (None, Err(error)) => error_text(error),
            // What went wrong first is what people need to know.
            (Some(_), Err(further)) => {
                let further = error_text(further);
                if further != end.reason {
                    log::warn!("while ending the recording: {further}");
                }
                end.reason
            }
            (_, Ok(())) => end.reason,
        };
        (Ending { reason, failed }, finished)
    }

    /// Records until something ends it; returns why, and when that was.
    fn record(&mut self, recording: &mut Recording) -> Result<(String, Instant), RecordError> {
        let mut paused = false;
        loop {
            let now = Instant::now();
            // Orders first: whoever presses a key has seen what is in the queue.
            while let Ok(order) = self.orders.try_recv() {
                match order {
                    Order::Event(run, event, at) => {
                        if let Some(end) = recording.on_event(run, &event, at)? {
                            self.settle(recording)?;
                            return Ok((words(end).to_owned(), at));
                        }
                    }
                    Order::Marker(note, at) => recording.on_marker(note, at)?,
                    Order::Pause(wanted, at) => {
                        self.drain(recording)?;
                        paused = wanted;
                        recording.set_paused(wanted, at)?;
                    }
                    Order::Privacy(privacy, at) => recording.set_privacy(privacy, at)?,
                    Order::Stop(reason, at) => {
                        self.settle(recording)?;
                        return Ok((reason, at));
                    }
                }
            }
            if let Ok(item) = self.items.recv_timeout(LOOK_AROUND_EVERY) {
                take(recording, item)?;
            }
            if now.saturating_duration_since(self.told_refused) >= TELL_REFUSED_EVERY {
                self.tell_refused(recording, now)?;
            }
            if now.saturating_duration_since(self.looked_at_folder) >= LOOK_AT_FOLDER_EVERY {
                self.looked_at_folder = now;
                recording.check_files()?;
            }
            recording.sync_if_due(now)?;
            self.look_at_disk(now)?;
            let phase = if paused {
                Phase::Paused
            } else {
                Phase::Recording
            };
            self.show(recording, phase, Instant::now());
        }
    }

    /// Takes what is in the queue now, without waiting.
    ///
    /// Not until it is empty: where frames come faster than they can be recorded it never is.
    fn drain(&self, recording: &mut Recording) -> Result<(), RecordError> {
        for item in self.items.try_iter().take(self.items.len()) {
            take(recording, item)?;
        }
        Ok(())
    }

    /// Takes what is in the queue and waits for the last results; frames that come meanwhile are let go by.
    fn settle(&mut self, recording: &mut Recording) -> Result<(), RecordError> {
        self.tell_refused(recording, Instant::now())?;
        self.drain(recording)?;
        let deadline = Instant::now() + LAST_RESULTS_WITHIN;
        // A queue that is never empty never runs into the deadline by itself.
        while !recording.is_settled() && Instant::now() < deadline {
            let Ok(item) = self.items.recv_deadline(deadline) else {
                return Ok(());
            };
            if !matches!(item, Item::Captured(..)) {
                take(recording, item)?;
            }
        }
        Ok(())
    }

    fn tell_refused(&mut self, recording: &mut Recording, now: Instant) -> Result<(), RecordError> {
        self.told_refused = now;
        match self.tap.n_refused.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            n_frames => recording.on_refused(n_frames, now),
        }
    }

    fn look_at_disk(&mut self, now: Instant) -> Result<(), RecordError> {
        if now.saturating_duration_since(self.looked_at_disk) < LOOK_AT_DISK_EVERY {
            return Ok(());
        }
        self.looked_at_disk = now;
        let free = free_bytes(&self.folder);
        lock(&self.status).free_bytes = free;
        match free {
            Some(free_bytes) if free_bytes < MIN_FREE_BYTES => {
                Err(RecordError::DiskAlmostFull { free_bytes })
            }
            _ => Ok(()),
        }
    }

    fn show(&self, recording: &Recording, phase: Phase, at: Instant) {
        let (elapsed, counts, n_bytes) = (
            recording.elapsed(at),
            recording.counts(),
            recording.n_bytes(),
        );
        let mut status = lock(&self.status);
        status.phase = phase;
        status.elapsed = elapsed;
        status.counts = counts;
        status.n_bytes = n_bytes;
    }
}

fn take(recording: &mut Recording, item: Item) -> Result<(), RecordError> {
    match item {
        Item::Captured(run, frame) => recording.on_captured(run, frame),
        Item::Analyzed(run, analysis) => recording.on_analyzed(run, analysis),
        Item::Skipped(run, frame) => recording.on_skipped(run, frame),
    }
}

fn words(end: SourceEnd) -> &'static str {
    match end {
        SourceEnd::Over => "the source is over",
        SourceEnd::Changed => "another source was opened",
    }
}

/// The status is replaced field by field, so a panic elsewhere leaves it readable.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
