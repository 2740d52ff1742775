//! One recording: what happens becomes rows, frames of a video and events, in order.
//!
//! There are no threads here; see [`super::thread`]. Everything comes in through methods named `on_…`. A frame and
//! its result arrive apart: [`Pending`] brings them together, then the frame goes to [`Videos`] and both go to the
//! [`Journal`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    RecordError, RecordingConfig,
    description::privacy_words,
    journal::Journal,
    pending::{Pending, Ready},
    videos::{Drawn, Videos},
};
use crate::{
    frame::{Frame, FrameId},
    pipeline::{
        Analysis, Event, SourceRun, SourceState,
        face_names::FaceNames,
        markers::{Marker, MarkerSet},
    },
    privacy::FacePrivacy,
    session::{SessionError, manifest::Counts, tables::EventKind},
    time::Ticks,
};

/// A session that is being written.
pub(super) struct Recording {
    videos: Videos,
    pending: Pending,
    /// The source that is recorded; `None` before its first frame.
    run: Option<SourceRun>,
    /// Dropped frames that have an event.
    n_refused_noted: u64,
    /// The last result, whose faces also belong on the frames after it while it holds.
    shown: Option<Arc<Analysis>>,
    paused: bool,
    /// Why the source delivers nothing, while it does not.
    lost_because: Option<String>,
    privacy: Option<FacePrivacy>,
    uncertain_below: Option<f32>,
    /// Last, because dropping it unlocks the folder.
    journal: Journal,
}

/// The outcome of a recording.
pub(super) struct Finished {
    /// The first error while it was finished.
    pub outcome: Result<(), RecordError>,
    /// The counts in `session.json`.
    pub counts: Counts,
    pub n_bytes: u64,
    /// From its first frame to its end.
    pub elapsed: Duration,
}

/// Why a recording ends without being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceEnd {
    /// The file was read to its end.
    EndOfFile,
    /// The source failed permanently.
    Failed,
    /// Another source was opened.
    Changed,
}

impl Recording {
    /// Creates the folder and everything in it but the videos.
    ///
    /// # Errors
    /// [`RecordError`] in the user's words.
    pub fn start(config: &RecordingConfig) -> Result<Self, RecordError> {
        if !config.video.is_built() {
            return Err(RecordError::NoOverlay);
        }
        let journal = Journal::create(config)?;
        let rate_hz = config.info.as_ref().and_then(|info| info.rate_hz);
        let mut videos = Videos::new(&config.folder, config.video, rate_hz);
        videos.set_privacy(config.privacy.clone());
        Ok(Self {
            journal,
            videos,
            pending: Pending::default(),
            run: None,
            n_refused_noted: 0,
            shown: None,
            paused: false,
            lost_because: None,
            privacy: config.privacy.clone(),
            uncertain_below: config.uncertain_below,
        })
    }

    /// A frame was captured.
    pub fn on_captured(&mut self, run: SourceRun, frame: Arc<Frame>) -> Result<(), RecordError> {
        // A frame of an earlier run is late; one of a later run follows a seek in the same file, since another source
        // would have announced itself.
        if self.run.is_some_and(|recorded| run < recorded) {
            return Ok(());
        }
        self.run = Some(run);
        if self.paused {
            return Ok(());
        }
        let row = self.journal.place(&frame);
        let is_first = row.frame == 0;
        self.pending.push(frame, row);
        if is_first {
            self.journal.write_manifest()?;
        }
        self.write_ready()
    }

    /// A frame was captured that cannot be recorded, because the recording failed.
    pub fn on_missed(&mut self, run: SourceRun) {
        if self.run.is_none_or(|recorded| run >= recorded) && !self.paused {
            self.miss(1);
        }
    }

    /// A frame was analyzed.
    pub fn on_analyzed(&mut self, run: SourceRun, analysis: Analysis) -> Result<(), RecordError> {
        // The result of a frame that was captured before the recording or during a pause has no row.
        if self.run == Some(run) && self.pending.analyzed(analysis) {
            self.write_ready()?;
        }
        Ok(())
    }

    /// A frame was skipped and will have no result.
    pub fn on_skipped(&mut self, run: SourceRun, frame: FrameId) -> Result<(), RecordError> {
        if self.run == Some(run) {
            self.pending.skipped(frame);
            self.write_ready()?;
        }
        Ok(())
    }

    /// Something else happened. Returns why no more frames will come, if so.
    pub fn on_event(
        &mut self,
        run: Option<SourceRun>,
        event: &Event,
        at: Instant,
    ) -> Result<Option<SourceEnd>, RecordError> {
        if let (Some(run), Some(recorded)) = (run, self.run) {
            if run < recorded {
                return Ok(None);
            }
            if run > recorded && *event == Event::Source(SourceState::Starting) {
                return Ok(Some(SourceEnd::Changed));
            }
        }
        match event {
            Event::Source(SourceState::Live(info)) => {
                self.journal.describe_source(info)?;
                if self.lost_because.take().is_some() {
                    self.journal
                        .event(at, EventKind::SourceBack, info.name.clone())?;
                }
            }
            Event::Source(SourceState::Lost(reason) | SourceState::Waiting(reason)) => {
                self.source_is_gone(reason, at)?;
            }
            Event::Source(SourceState::NoCamera) if self.run.is_some() => {
                self.source_is_gone("no camera found", at)?;
            }
            Event::Source(SourceState::Ended) => return Ok(Some(SourceEnd::EndOfFile)),
            Event::Source(SourceState::Failed(reason)) => {
                self.source_is_gone(reason, at)?;
                return Ok(Some(SourceEnd::Failed));
            }
            Event::Warning(text) => self.journal.event(at, EventKind::Warning, text.clone())?,
            Event::Neutral(words) => self.journal.event(at, EventKind::Settings, words.clone())?,
            Event::Device { name, .. } => self.journal.manifest.device = Some(name.clone()),
            // What counts is the network that a frame was analyzed with; see [`Journal::write`].
            Event::CheckpointLoaded(_)
            | Event::CheckpointFailed { .. }
            | Event::SecondChanged(_)
            | Event::SecondFailed(_)
            | Event::Source(SourceState::Starting | SourceState::NoCamera) => {}
        }
        Ok(None)
    }

    /// Frames were dropped because they came too fast.
    pub fn on_refused(&mut self, n_frames: u64, at: Instant) -> Result<(), RecordError> {
        self.miss(n_frames);
        self.n_refused_noted += n_frames;
        log::warn!("{n_frames} frames came faster than they could be recorded");
        self.journal
            .event(at, EventKind::Refused, n_frames.to_string())
    }

    /// A marker was set. Returns what its sender hears.
    pub fn on_marker(&mut self, marker: &Marker) -> Result<MarkerSet, RecordError> {
        self.journal
            .marker(marker.at, &marker.text, marker.sent.clone())
    }

    /// Markers from other programs were refused.
    pub fn on_markers_refused(&mut self, n_markers: u64, at: Instant) -> Result<(), RecordError> {
        let words = match n_markers {
            1 => "1 marker from another program was refused".to_owned(),
            n => format!("{n} markers from other programs were refused"),
        };
        self.journal.event(at, EventKind::Warning, words)
    }

    /// The user paused or resumed the recording.
    pub fn set_paused(&mut self, paused: bool, at: Instant) -> Result<(), RecordError> {
        if std::mem::replace(&mut self.paused, paused) == paused {
            return Ok(());
        }
        let kind = if paused {
            EventKind::Paused
        } else {
            EventKind::Resumed
        };
        self.journal.event(at, kind, String::new())
    }

    /// Covers faces in the videos from now on; `None` shows them.
    pub fn set_privacy(
        &mut self,
        privacy: Option<FacePrivacy>,
        at: Instant,
    ) -> Result<(), RecordError> {
        let words = privacy
            .as_ref()
            .map_or("faces are shown", |privacy| privacy_words(privacy.effect));
        if self.privacy.as_ref().map(|before| before.effect)
            != privacy.as_ref().map(|now| now.effect)
        {
            self.journal
                .event(at, EventKind::Privacy, words.to_owned())?;
        }
        self.privacy.clone_from(&privacy);
        self.videos.set_privacy(privacy);
        Ok(())
    }

    /// Names faces, by their identities.
    pub fn name_faces(&mut self, names: FaceNames) -> Result<(), RecordError> {
        self.journal.name_faces(names)
    }

    /// Checks that the folder and all files are still there. Writing to a deleted file would go unnoticed.
    ///
    /// # Errors
    /// [`SessionError::Gone`].
    pub fn check_files(&self) -> Result<(), SessionError> {
        self.journal.check_files()?;
        self.videos.check()
    }

    /// Syncs everything to the disk if that is due, and keeps space to finish it.
    pub fn sync_if_due(&mut self, now: Instant) -> Result<(), RecordError> {
        if self.journal.is_sync_due(now) {
            self.journal.sync()?;
            self.videos.sync()?;
            let index_bytes = self.videos.n_bytes_to_finish();
            self.journal.grow_reserve(index_bytes)?;
        }
        Ok(())
    }

    /// Whether every captured frame has its row.
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Time from the first frame to `now`.
    pub fn elapsed(&self, now: Instant) -> Duration {
        self.journal.elapsed(now)
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.journal.manifest.counts
    }

    /// Size of everything so far.
    pub fn n_bytes(&self) -> u64 {
        self.journal.n_bytes() + self.videos.n_bytes()
    }

    /// Finishes all files. `failure` is the error that ended the recording, if one did, and `at` is when it ended.
    ///
    /// Whatever fails, everything else is finished: a frame that cannot be written to the video keeps its row, and one
    /// whose row cannot be written is counted. If a file is gone or cannot be finished, the session counts as
    /// interrupted and is repaired at the next start.
    pub fn finish(mut self, reason: &str, failure: Option<&RecordError>, at: Instant) -> Finished {
        let mut outcome = Ok(());
        let mut keep_first = |result: Result<(), RecordError>| {
            if outcome.is_ok() {
                outcome = result;
            }
        };
        // Deleted or replaced files are repaired where they are found again.
        let is_there = self.check_files().is_ok();
        self.pending.settle_all();
        // An almost full disk still has space for the waiting frames.
        if matches!(failure, None | Some(RecordError::DiskAlmostFull { .. })) {
            keep_first(self.write_ready());
        }
        self.write_rows_alone();
        let n_unnoted = self.counts().refused - self.n_refused_noted;
        if n_unnoted > 0 {
            let detail = n_unnoted.to_string();
            keep_first(self.journal.event(at, EventKind::Refused, detail));
        }
        let kind = if failure.is_some() {
            EventKind::Error
        } else {
            EventKind::Stopped
        };
        keep_first(self.journal.event(at, kind, reason.to_owned()));
        let video = self.videos.finish();
        let is_whole = is_there && video.is_ok();
        keep_first(video.map_err(RecordError::from));
        keep_first(self.journal.sync().map_err(RecordError::from));
        let videos = self.videos.entries();
        if let Some(n_recorded) = self.videos.n_frames() {
            self.journal.correct_n_recorded(n_recorded, &videos);
        }
        keep_first(self.journal.finish(reason, at, videos, is_whole));
        Finished {
            outcome,
            counts: self.counts(),
            n_bytes: self.n_bytes(),
            elapsed: self.elapsed(at),
        }
    }

    /// Writes the remaining rows without writing their frames to the video.
    fn write_rows_alone(&mut self) {
        while let Some(ready) = self.pending.next() {
            if let Ready::Row(row, analysis) = ready {
                // The journal tries a row that cannot be written again.
                self.journal.write(row, analysis.as_deref()).ok();
            }
        }
        self.journal.write_last();
    }

    /// Counts frames that were captured and have no row.
    pub fn miss(&mut self, n_frames: u64) {
        let counts = &mut self.journal.manifest.counts;
        counts.captured += n_frames;
        counts.refused += n_frames;
    }

    fn source_is_gone(&mut self, reason: &str, at: Instant) -> Result<(), RecordError> {
        // A camera may fall silent first and be unplugged later: each reason is an event.
        if self.lost_because.as_deref() == Some(reason) {
            return Ok(());
        }
        self.lost_because = Some(reason.to_owned());
        self.journal
            .event(at, EventKind::SourceLost, reason.to_owned())
    }

    /// Writes everything that is ready.
    fn write_ready(&mut self) -> Result<(), RecordError> {
        while let Some(ready) = self.pending.next() {
            match ready {
                Ready::Frame {
                    frame,
                    analysis,
                    number,
                    time,
                } => self.write_frame(&frame, analysis, number, time)?,
                Ready::Row(row, analysis) => self.journal.write(row, analysis.as_deref())?,
            }
        }
        Ok(())
    }

    fn write_frame(
        &mut self,
        frame: &Frame,
        analysis: Option<Arc<Analysis>>,
        number: u64,
        time: Ticks,
    ) -> Result<(), RecordError> {
        if let Some(analysis) = analysis {
            self.videos.see(&analysis);
            self.shown = Some(analysis);
        }
        if self.videos.begins_part(frame.resolution()) {
            self.journal.check_folder()?;
        }
        let shown = self.shown.as_ref();
        let drawn = Drawn {
            faces: shown.map(|shown| shown.faces_on(frame)).unwrap_or_default(),
            uncertain_below: self
                .uncertain_below
                .unwrap_or_else(|| self.journal.uncertain_below()),
            names: self.journal.names(),
        };
        let placed = self.videos.write(frame, number, time, drawn)?;
        self.pending.in_video(number, placed.video_frame);
        self.journal.manifest.counts.recorded += u64::from(placed.video_frame.is_some());
        if let Some(part) = placed.begins_part {
            self.journal.describe_videos(self.videos.entries())?;
            if part > 1 {
                let words = format!("part {part}: the frames are now {}", frame.resolution());
                self.journal
                    .event(frame.captured_at, EventKind::Part, words)?;
            }
        }
        Ok(())
    }
}
