//! The recording thread and its handle.
//!
//! The pipeline's threads only pass on a handle to each frame and a copy of each result. The queue in between is the
//! only one in the program that may hold frames. It is bounded: frames that do not fit are dropped and counted, so
//! recording never slows the live view or the analysis. Commands have a channel of their own and are never dropped.
//!
//! A file that is read with [`Pacing::EveryFrame`] is the exception: nobody watches, so its frames wait for the recorder
//! instead of being dropped.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
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
    panics::lock,
    pipeline::{
        Analysis, Event, Pacing, Settings, SourceRun, Tap,
        face_names::FaceNames,
        markers::{Marker, MarkerSet, TakeMarkers},
    },
    privacy::FacePrivacy,
    session::{about::About, folder::free_bytes, manifest::Counts, marker_keys::MarkerKeys},
};

/// Maximum number of waiting messages. A frame needs two, so this is most of a second at 30 Hz, 80 MB at 1280×720.
const QUEUE_LEN: usize = 44;
/// How often the thread wakes up without messages.
const WAKE_EVERY: Duration = Duration::from_millis(100);
/// How often the free disk space is checked.
const CHECK_DISK_EVERY: Duration = Duration::from_secs(1);
/// How often the session's folder and files are checked. The user hears within a second if they are gone.
const CHECK_FILES_EVERY: Duration = Duration::from_millis(150);
/// How often dropped frames become an event. A machine that is too slow for the video drops some all the time.
const REPORT_REFUSED_EVERY: Duration = Duration::from_secs(1);
/// The recording ends when less disk space than this is left, so that its files can still be finished.
pub const MIN_FREE_BYTES: u64 = 200_000_000;
/// How long a stopped recording waits for the last results.
const MAX_WAIT_FOR_RESULTS: Duration = Duration::from_secs(1);

/// Why a recording ended at its time limit.
pub const TIME_LIMIT: &str = "time limit reached";

/// What to record, and where.
#[derive(Debug, Clone)]
pub struct RecordingConfig {
    /// The session's folder. It is created, and must be empty if it exists.
    pub folder: PathBuf,
    /// Which videos.
    pub video: VideoChoice,
    /// The source that the user opened.
    pub source: SourceSpec,
    /// What the source says about itself, if it is live.
    pub info: Option<SourceInfo>,
    /// The current settings.
    pub settings: Settings,
    /// What the network runs on, in words, if that is known.
    pub device: Option<String>,
    /// Whose faces are covered in the videos, and how.
    pub privacy: Option<FacePrivacy>,
    /// Below this probability, 0 to 1, the video shows no expression's name; `None` uses the network's own threshold.
    pub uncertain_below: Option<f32>,
    /// The pipeline's pacing. With [`Pacing::EveryFrame`] no frame of a file is dropped: reading waits for the recorder.
    pub pacing: Pacing,
    /// The recording ends before the first frame that is this much later than the first, by the source's own time. For
    /// files that are read with [`Pacing::EveryFrame`].
    pub limit: Option<Duration>,
    /// Who and what the session is about.
    pub about: About,
    /// What the keys for markers say.
    pub marker_keys: MarkerKeys,
    /// What faces are called, by their identities ([`FaceAnalysis::track`](crate::pipeline::FaceAnalysis::track)).
    pub face_names: FaceNames,
}

/// The state of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderStatus {
    /// What it is doing.
    pub phase: Phase,
    /// Time since its first frame.
    pub elapsed: Duration,
    /// The counts so far.
    pub counts: Counts,
    /// Written so far, bytes.
    pub n_bytes: u64,
    /// Free disk space, bytes, if the system says.
    pub free_bytes: Option<u64>,
    /// The latest marker; its number is how many there are.
    pub last_marker: Option<MarkerSet>,
    /// When the latest frame came that was to be recorded; at first, when the recording began.
    pub last_frame_at: Instant,
}

/// What a recorder is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Recording frames.
    Recording,
    /// Ignoring frames.
    Paused,
    /// No longer recording, and finishing the files.
    Finishing,
    /// Everything is on the disk.
    Ended(Ending),
}

/// How a recording ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Why, in words.
    pub reason: String,
    /// Whether an error ended it. What was written until then is kept.
    pub failed: bool,
}

enum Item {
    Captured(SourceRun, Arc<Frame>),
    Analyzed(SourceRun, Analysis),
    Skipped(SourceRun, FrameId),
}

enum Command {
    Event(Option<SourceRun>, Event, Instant),
    Marker(Marker),
    Pause(bool, Instant),
    Privacy(Option<FacePrivacy>, Instant),
    Names(FaceNames),
    Stop(String, Instant),
}

/// A running recording. Dropping it stops the recording and waits until its files are finished.
pub struct Recorder {
    folder: PathBuf,
    tap: Arc<RecorderTap>,
    status: Arc<Mutex<RecorderStatus>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Creates the session's folder and starts the thread. Then attach [`Recorder::tap`] to the pipeline.
    ///
    /// `wake` is called when a marker was set, and when the recording has ended. This creates a few small files, so do not call it on the UI thread.
    ///
    /// # Errors
    /// [`RecordError`] in the user's words.
    pub fn start(
        config: &RecordingConfig,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, RecordError> {
        let recording = Recording::start(config)?;
        let (items_in, items) = crossbeam_channel::bounded(QUEUE_LEN);
        // Unbounded, because users and state changes send only a few a minute.
        let (commands_in, commands) = crossbeam_channel::unbounded();
        let tap = Arc::new(RecorderTap {
            items: items_in,
            commands: commands_in,
            n_refused: AtomicU64::default(),
            n_markers_refused: AtomicU64::default(),
            waits: config.pacing == Pacing::EveryFrame,
            limit: config.limit.map(|length| TimeLimit {
                length,
                first: OnceLock::new(),
                is_over: AtomicBool::default(),
            }),
        });
        let status = Arc::new(Mutex::new(RecorderStatus {
            phase: Phase::Recording,
            elapsed: Duration::ZERO,
            counts: Counts::default(),
            n_bytes: 0,
            free_bytes: free_bytes(&config.folder),
            last_marker: None,
            last_frame_at: Instant::now(),
        }));
        let worker = RecorderThread {
            folder: config.folder.clone(),
            items,
            commands,
            tap: Arc::clone(&tap),
            status: Arc::clone(&status),
            checked_disk_at: Instant::now(),
            checked_files_at: Instant::now(),
            reported_refused_at: Instant::now(),
        };
        let thread = Builder::new()
            .name("recorder".to_owned())
            .spawn(move || {
                worker.run(recording, &wake);
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

    /// The listener to attach to the pipeline.
    pub fn tap(&self) -> Arc<dyn Tap> {
        Arc::clone(&self.tap) as Arc<dyn Tap>
    }

    /// Number of messages in the queue.
    #[cfg(test)]
    pub(super) fn n_waiting(&self) -> usize {
        self.tap.items.len()
    }

    /// The session's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its state.
    pub fn status(&self) -> RecorderStatus {
        lock(&self.status).clone()
    }

    /// Sets a marker at a moment, with a note that may be empty.
    pub fn mark(&self, note: String, at: Instant) {
        self.tap.send(Command::Marker(Marker {
            text: note,
            at,
            sent: None,
            answer: None,
        }));
    }

    /// Where markers of other programs go; see [`MarkerRelay`](crate::pipeline::markers::MarkerRelay).
    pub fn markers(&self) -> Arc<dyn TakeMarkers> {
        Arc::clone(&self.tap) as Arc<dyn TakeMarkers>
    }

    /// Pauses or resumes the recording.
    pub fn set_paused(&self, paused: bool) {
        self.tap.send(Command::Pause(paused, Instant::now()));
    }

    /// Covers faces in the videos from now on; `None` shows them.
    pub fn set_privacy(&self, privacy: Option<FacePrivacy>) {
        self.tap.send(Command::Privacy(privacy, Instant::now()));
    }

    /// Names faces, by their identities. The names may come late: they are in no table.
    pub fn name_faces(&self, names: FaceNames) {
        self.tap.send(Command::Names(names));
    }

    /// Stops the recording in the background; [`Phase::Ended`] follows when it is finished.
    pub fn stop(&self, reason: &str) {
        self.tap
            .send(Command::Stop(reason.to_owned(), Instant::now()));
    }

    /// A function that does what [`Recorder::stop`] does. It does nothing once the recorder is dropped.
    pub fn stopper(&self) -> impl Fn(&str) + Send + use<> {
        let tap = Arc::downgrade(&self.tap);
        move |reason| {
            if let Some(tap) = tap.upgrade() {
                tap.send(Command::Stop(reason.to_owned(), Instant::now()));
            }
        }
    }

    /// Waits until the recording has ended, by itself or after [`Recorder::stop`], and returns how.
    pub fn wait(mut self) -> (Ending, RecorderStatus) {
        self.join();
        let status = self.status();
        let ending = match &status.phase {
            Phase::Ended(ending) => ending.clone(),
            _ => Ending {
                reason: "the recording thread has ended unexpectedly".to_owned(),
                failed: true,
            },
        };
        (ending, status)
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread catches panics and reports them as the recording's ending.
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

/// The pipeline's end of the channels.
struct RecorderTap {
    items: Sender<Item>,
    commands: Sender<Command>,
    n_refused: AtomicU64,
    n_markers_refused: AtomicU64,
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
    /// Queues something about a frame; `false` if the queue is full and nothing may wait for it.
    fn queue(&self, item: Item) -> bool {
        if self.waits {
            // Fails only when the recording has ended. It takes from the queue until then, and waits for nobody.
            self.items.send(item).ok();
            return true;
        }
        !matches!(self.items.try_send(item), Err(TrySendError::Full(_)))
    }

    fn send(&self, command: Command) {
        // If the thread has ended, there is nothing left to do.
        self.commands.send(command).ok();
    }
}

impl Tap for RecorderTap {
    fn begins_numbers(&self) -> bool {
        true
    }

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
}

impl TakeMarkers for RecorderTap {
    fn take(&self, marker: Marker) -> bool {
        self.commands.send(Command::Marker(marker)).is_ok()
    }

    fn refused(&self) {
        self.n_markers_refused.fetch_add(1, Ordering::Relaxed);
    }
}

struct RecorderThread {
    folder: PathBuf,
    items: Receiver<Item>,
    commands: Receiver<Command>,
    tap: Arc<RecorderTap>,
    status: Arc<Mutex<RecorderStatus>>,
    checked_disk_at: Instant,
    checked_files_at: Instant,
    reported_refused_at: Instant,
}

/// How a recording ends.
struct End {
    reason: String,
    failure: Option<RecordError>,
    /// When it was stopped or failed.
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
    #[expect(
        clippy::disallowed_methods,
        reason = "a bug of ours shows on the terminal"
    )]
    fn run(mut self, mut recording: Recording, wake: &dyn Fn()) {
        let bug = || RecordError::Bug("see the log".to_owned());
        let recorded = catch_unwind(AssertUnwindSafe(|| self.record(&mut recording, wake)));
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
            log::warn!("while finishing the recording: {}", error_text(&error));
        }
        // What is left in the queue is at least counted.
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
            // The first error is the one that users need to know.
            (Some(_), Err(further)) => {
                let further = error_text(further);
                if further != end.reason {
                    log::warn!("while finishing the recording: {further}");
                }
                end.reason
            }
            (_, Ok(())) => end.reason,
        };
        (Ending { reason, failed }, finished)
    }

    /// Records until something ends the recording. Returns the reason and the moment.
    fn record(
        &mut self,
        recording: &mut Recording,
        wake: &dyn Fn(),
    ) -> Result<(String, Instant), RecordError> {
        let mut paused = false;
        loop {
            let now = Instant::now();
            // Commands first: whoever presses a key has seen the frames that are still in the queue.
            while let Ok(command) = self.commands.try_recv() {
                match command {
                    Command::Event(run, event, at) => {
                        if let Some(end) = recording.on_event(run, &event, at)? {
                            self.settle(recording)?;
                            return Ok((words(end).to_owned(), at));
                        }
                    }
                    Command::Marker(marker) => {
                        self.set_marker(recording, marker)?;
                        wake();
                    }
                    Command::Pause(wanted, at) => {
                        self.drain(recording)?;
                        paused = wanted;
                        recording.set_paused(wanted, at)?;
                    }
                    Command::Privacy(privacy, at) => recording.set_privacy(privacy, at)?,
                    Command::Names(names) => recording.name_faces(names)?,
                    Command::Stop(reason, at) => {
                        self.settle(recording)?;
                        return Ok((reason, at));
                    }
                }
            }
            if let Ok(item) = self.items.recv_timeout(WAKE_EVERY) {
                take(recording, item)?;
            }
            if now.saturating_duration_since(self.reported_refused_at) >= REPORT_REFUSED_EVERY {
                self.report_refused(recording, now)?;
            }
            if now.saturating_duration_since(self.checked_files_at) >= CHECK_FILES_EVERY {
                self.checked_files_at = now;
                recording.check_files()?;
            }
            recording.sync_if_due(now)?;
            self.check_disk(now)?;
            let phase = if paused {
                Phase::Paused
            } else {
                Phase::Recording
            };
            self.show(recording, phase, Instant::now());
        }
    }

    /// Writes a marker, and tells its sender.
    fn set_marker(&self, recording: &mut Recording, marker: Marker) -> Result<(), RecordError> {
        let set = recording.on_marker(&marker)?;
        if let Some(answer) = marker.answer {
            answer(&set);
        }
        lock(&self.status).last_marker = Some(set);
        Ok(())
    }

    /// Processes the messages that are in the queue now.
    ///
    /// Not until it is empty: if frames come faster than they can be recorded, it never is.
    fn drain(&self, recording: &mut Recording) -> Result<(), RecordError> {
        for item in self.items.try_iter().take(self.items.len()) {
            take(recording, item)?;
        }
        Ok(())
    }

    /// Processes the queue and waits for the last results. Frames captured in the meantime are ignored.
    fn settle(&mut self, recording: &mut Recording) -> Result<(), RecordError> {
        self.report_refused(recording, Instant::now())?;
        self.drain(recording)?;
        let deadline = Instant::now() + MAX_WAIT_FOR_RESULTS;
        // Checked here too, because a queue that is never empty never times out.
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

    fn report_refused(
        &mut self,
        recording: &mut Recording,
        now: Instant,
    ) -> Result<(), RecordError> {
        self.reported_refused_at = now;
        match self.tap.n_markers_refused.swap(0, Ordering::Relaxed) {
            0 => {}
            n_markers => recording.on_markers_refused(n_markers, now)?,
        }
        match self.tap.n_refused.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            n_frames => recording.on_refused(n_frames, now),
        }
    }

    fn check_disk(&mut self, now: Instant) -> Result<(), RecordError> {
        if now.saturating_duration_since(self.checked_disk_at) < CHECK_DISK_EVERY {
            return Ok(());
        }
        self.checked_disk_at = now;
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
        // A pause is no silence.
        if status.counts.captured != counts.captured || phase != Phase::Recording {
            status.last_frame_at = at;
        }
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
        SourceEnd::EndOfFile => "end of file",
        SourceEnd::Failed => "the source failed",
        SourceEnd::Changed => "another source was opened",
    }
}
