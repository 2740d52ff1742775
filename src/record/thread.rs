//! The thread of a recording: takes frames, results and commands until something ends it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::{
    RecordError,
    recording::{Finished, Recording, SourceEnd},
    status::{Ending, Phase, RecorderStatus},
    tap::{Command, Item, RecorderTap},
};
use crate::{
    error_text::error_text, panics::lock, pipeline::markers::Marker, session::folder::free_bytes,
};

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

/// The recorder's thread.
pub(super) struct RecorderThread {
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
    /// What records into `folder`, and shows how far it is in `status`.
    pub fn new(
        folder: PathBuf,
        items: Receiver<Item>,
        commands: Receiver<Command>,
        tap: Arc<RecorderTap>,
        status: Arc<Mutex<RecorderStatus>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            folder,
            items,
            commands,
            tap,
            status,
            checked_disk_at: now,
            checked_files_at: now,
            reported_refused_at: now,
        }
    }

    /// Records until something ends the recording, and finishes its files. `wake` is called when a marker was set.
    #[expect(
        clippy::disallowed_methods,
        reason = "a bug of ours shows on the terminal"
    )]
    pub fn run(mut self, mut recording: Recording, wake: &dyn Fn()) {
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
