//! One recording: what happens becomes rows, pictures and events, in order.
//!
//! There are no threads here; see [`super::recorder`]. Everything comes in through methods named `on_…`, and what a
//! newcomer would get wrong is that a frame and its result come apart: [`Pending`] brings them together.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    RecordError, RecordingConfig,
    clock::{RecordingClock, WallClock},
    description::{changed_settings, first_manifest, manifest_model, privacy_words},
    latency::LatencyHistogram,
    pending::{Pending, Ready},
    pictures::{Drawn, Pictures},
    recover,
    writer::SessionWriter,
};
use crate::{
    capture::SourceInfo,
    detect::Blinks,
    error_text::error_text,
    frame::{Frame, FrameId},
    model::CheckpointInfo,
    pipeline::{Analysis, Event, FaceAnalysis, Settings, SourceRun, SourceState},
    privacy::FacePrivacy,
    session::{
        SessionError,
        folder::{self, FolderLock},
        manifest::{Counts, Status},
        tables::{EventKind, EventRow, FaceRow, FrameRow, FrameStatus, seconds, ticks},
    },
};

/// Faces of the last result are drawn on a frame without one for this long; then people may be elsewhere.
const MAX_FACES_AGE: Duration = Duration::from_millis(700);

/// A session that is being written.
pub(super) struct Recording {
    writer: SessionWriter,
    pictures: Pictures,
    clock: RecordingClock,
    wall: WallClock,
    pending: Pending,
    /// Rows of the frames in `pending`, oldest first.
    drafts: VecDeque<FrameRow>,
    /// How many of them have their picture in the video.
    n_pictured: usize,
    /// The source that is recorded; `None` before its first frame.
    run: Option<SourceRun>,
    n_numbered: u64,
    /// Refused frames that events tell of.
    n_refused_told: u64,
    checkpoint: Option<Arc<CheckpointInfo>>,
    /// With which the last result was made.
    settings: Settings,
    /// Faces drawn last, and when their frame was captured.
    shown: Option<(Instant, Vec<FaceAnalysis>)>,
    latencies: LatencyHistogram,
    blinks: Blinks,
    paused: bool,
    /// Why nothing comes from the source, while nothing does.
    lost_because: Option<String>,
    privacy: Option<FacePrivacy>,
    uncertain_below: Option<f32>,
    /// Only while the folder is ours may others not touch it.
    lock: FolderLock,
}

/// What became of a recording.
pub(super) struct Finished {
    /// The first thing that went wrong while it was ended.
    pub outcome: Result<(), RecordError>,
    /// As `session.json` has them.
    pub counts: Counts,
    pub n_bytes: u64,
    /// From its first frame to its end.
    pub elapsed: Duration,
}

/// Why a recording is over that goes on by itself otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceEnd {
    /// The file was read to its end, or the source failed for good.
    Over,
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
        folder::create(&config.folder)?;
        let lock = FolderLock::take(&config.folder)?;
        let wall = WallClock::now();
        let manifest = first_manifest(config, &wall);
        let rate_hz = config.info.as_ref().and_then(|info| info.rate_hz);
        let mut pictures = Pictures::new(&config.folder, config.video, rate_hz);
        pictures.set_privacy(config.privacy.clone());
        let mut recording = Self {
            writer: SessionWriter::create(&config.folder, manifest)?,
            pictures,
            clock: RecordingClock::default(),
            wall,
            pending: Pending::default(),
            drafts: VecDeque::new(),
            n_pictured: 0,
            run: None,
            n_numbered: 0,
            n_refused_told: 0,
            checkpoint: None,
            settings: config.settings,
            shown: None,
            latencies: LatencyHistogram::default(),
            blinks: Blinks::default(),
            paused: false,
            lost_because: None,
            privacy: config.privacy.clone(),
            uncertain_below: config.uncertain_below,
            lock,
        };
        recording.note(Instant::now(), EventKind::Started, String::new())?;
        Ok(recording)
    }

    /// A frame was captured.
    pub fn on_captured(&mut self, run: SourceRun, frame: Arc<Frame>) -> Result<(), RecordError> {
        // A frame of an earlier run is late; one of a later run follows a jump to another place in the same file, since
        // another source would have announced itself.
        if self.run.is_some_and(|recorded| run < recorded) {
            return Ok(());
        }
        self.run = Some(run);
        if self.paused {
            return Ok(());
        }
        let pts_90k = self.clock.place(&frame);
        let unix_s = self.wall.unix_s(frame.captured_at);
        let is_first = self.n_numbered == 0;
        if is_first {
            self.writer.manifest.clock.zero_unix_s = unix_s;
            let size = frame.resolution();
            let source = &mut self.writer.manifest.source;
            (source.width, source.height) = (size.width_px, size.height_px);
        }
        self.drafts.push_back(FrameRow {
            frame: self.n_numbered,
            pts_90k,
            unix_s,
            source_s: frame.time.as_secs_f64(),
            status: FrameStatus::Skipped,
            video_frame: None,
            n_faces: None,
            latency: None,
        });
        self.n_numbered += 1;
        self.writer.manifest.counts.captured += 1;
        self.pending.push(frame);
        if is_first {
            self.write_manifest()?;
        }
        self.work_off()
    }

    /// A frame was captured that can no longer be recorded, because the recording failed.
    pub fn on_missed(&mut self, run: SourceRun) {
        if self.run.is_none_or(|recorded| run >= recorded) && !self.paused {
            self.miss(1);
        }
    }

    /// A frame's result is there.
    pub fn on_analyzed(&mut self, run: SourceRun, analysis: Analysis) -> Result<(), RecordError> {
        // A result of a frame that was captured before the recording, or during a pause, has no row to go to.
        if self.run == Some(run) && self.pending.analyzed(analysis) {
            self.work_off()?;
        }
        Ok(())
    }

    /// A frame will have no result.
    pub fn on_skipped(&mut self, run: SourceRun, frame: FrameId) -> Result<(), RecordError> {
        if self.run == Some(run) {
            self.pending.skipped(frame);
            self.work_off()?;
        }
        Ok(())
    }

    /// Something happened outside the stream of frames. Returns whether, and why, nothing more will come.
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
                self.describe_source(info)?;
                if self.lost_because.take().is_some() {
                    self.note(at, EventKind::SourceBack, info.name.clone())?;
                }
            }
            Event::Source(SourceState::Lost(reason) | SourceState::Waiting(reason)) => {
                self.source_is_gone(reason, at)?;
            }
            Event::Source(SourceState::NoCamera) if self.run.is_some() => {
                self.source_is_gone("no camera found", at)?;
            }
            Event::Source(SourceState::Ended) => return Ok(Some(SourceEnd::Over)),
            Event::Source(SourceState::Failed(reason)) => {
                self.source_is_gone(reason, at)?;
                return Ok(Some(SourceEnd::Over));
            }
            Event::Warning(text) => self.note(at, EventKind::Warning, text.clone())?,
            Event::Device { name, .. } => self.writer.manifest.device = Some(name.clone()),
            // What counts is with which network a frame was analysed; see `row`.
            Event::CheckpointLoaded(_)
            | Event::CheckpointFailed { .. }
            | Event::Source(SourceState::Starting | SourceState::NoCamera) => {}
        }
        Ok(None)
    }

    /// Frames came faster than they were taken.
    pub fn on_refused(&mut self, n_frames: u64, at: Instant) -> Result<(), RecordError> {
        self.miss(n_frames);
        self.n_refused_told += n_frames;
        log::warn!("{n_frames} frames came faster than they could be recorded");
        self.note(at, EventKind::Refused, n_frames.to_string())
    }

    /// The user set a mark.
    pub fn on_marker(&mut self, note: String, at: Instant) -> Result<(), RecordError> {
        self.note(at, EventKind::Marker, note)
    }

    /// The user paused the recording or goes on.
    pub fn set_paused(&mut self, paused: bool, at: Instant) -> Result<(), RecordError> {
        if std::mem::replace(&mut self.paused, paused) == paused {
            return Ok(());
        }
        let kind = if paused {
            EventKind::Paused
        } else {
            EventKind::Resumed
        };
        self.note(at, kind, String::new())
    }

    /// Covers faces in the videos from now on, or not any longer.
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
            self.note(at, EventKind::Privacy, words.to_owned())?;
        }
        self.privacy.clone_from(&privacy);
        self.pictures.set_privacy(privacy);
        Ok(())
    }

    /// Notices when the folder, or a file in it, is not there any more. Writing to it would go unseen.
    ///
    /// # Errors
    /// [`SessionError::Gone`].
    pub fn check_files(&self) -> Result<(), SessionError> {
        self.lock.check()?;
        self.writer.check()?;
        self.pictures.check()
    }

    /// Forces everything to the disk if it is time to.
    pub fn sync_if_due(&mut self, now: Instant) -> Result<(), RecordError> {
        if self.writer.is_sync_due(now) {
            self.writer.sync()?;
            self.pictures.sync()?;
        }
        Ok(())
    }

    /// Whether every captured frame has its row.
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// Time from the first frame to `now`.
    pub fn elapsed(&self, now: Instant) -> Duration {
        let ticks = self.clock.ticks_at(now).max(self.clock.last_pts_90k());
        Duration::from_secs_f64(seconds(ticks))
    }

    /// What became of the frames so far.
    pub fn counts(&self) -> Counts {
        self.writer.manifest.counts
    }

    /// Size of everything so far.
    pub fn n_bytes(&self) -> u64 {
        self.writer.n_bytes() + self.pictures.n_bytes()
    }

    /// Ends everything. `failure` is what ended it, if it did not end as wished, and `at` when that was.
    ///
    /// All that can be finished is finished, whatever fails: a frame whose picture cannot be written keeps its row, and one
    /// whose row cannot be written is counted. If a video or the description could not be, the session stays one that was
    /// interrupted, and is repaired at the next start.
    pub fn finish(mut self, reason: &str, failure: Option<&RecordError>, at: Instant) -> Finished {
        let mut outcome = Ok(());
        let mut keep_first = |result: Result<(), RecordError>| {
            if outcome.is_ok() {
                outcome = result;
            }
        };
        self.pending.settle_all();
        // With a little room on the disk, what waits can still be written.
        let can_write = matches!(failure, None | Some(RecordError::DiskAlmostFull { .. }));
        if can_write {
            keep_first(self.work_off());
        }
        self.rows_without_pictures();
        let n_untold = self.counts().refused - self.n_refused_told;
        if n_untold > 0 {
            keep_first(self.note(at, EventKind::Refused, n_untold.to_string()));
        }
        let kind = if failure.is_some() {
            EventKind::Error
        } else {
            EventKind::Stopped
        };
        keep_first(self.note(at, kind, reason.to_owned()));
        let video = self.pictures.finish();
        let videos_are_whole = video.is_ok();
        keep_first(video.map_err(RecordError::from));
        keep_first(self.writer.sync().map_err(RecordError::from));
        self.count_pictures();
        let manifest = &mut self.writer.manifest;
        manifest.video = self.pictures.entries();
        manifest.ended = Some(self.wall.rfc3339(at));
        manifest.ended_because = Some(reason.to_owned());
        manifest.latency_ms = self.latencies.percentiles();
        if videos_are_whole {
            manifest.status = Status::Complete;
        }
        keep_first(self.write_manifest());
        Finished {
            outcome,
            counts: self.counts(),
            n_bytes: self.n_bytes(),
            elapsed: self.elapsed(at),
        }
    }

    /// Writes the rows of all frames that still wait, as their pictures cannot be written.
    fn rows_without_pictures(&mut self) {
        while let Some(ready) = self.pending.next() {
            match ready {
                Ready::Picture(..) => self.n_pictured += 1,
                // A row that fails counts itself.
                Ready::Row(analysis) => drop(self.row(analysis.as_deref())),
            }
        }
    }

    /// Counts the pictures in the finished video, which may be fewer than it was given: the last of them may not have
    /// reached a full disk. Their rows must not name them then.
    fn count_pictures(&mut self) {
        let Some(n_pictures) = self.pictures.n_frames() else {
            return;
        };
        let counts = &mut self.writer.manifest.counts;
        if n_pictures >= counts.recorded {
            return;
        }
        counts.recorded = n_pictures;
        let zero_unix_s = self.writer.manifest.clock.zero_unix_s;
        let aligned = self.lock.check().and_then(|()| {
            recover::align(self.writer.folder(), &self.pictures.entries(), zero_unix_s)
        });
        match aligned {
            Ok(aligned) => {
                let counts = &mut self.writer.manifest.counts;
                let n_rescued = aligned.n_added.min(counts.refused);
                counts.refused -= n_rescued;
                counts.skipped += n_rescued;
            }
            Err(error) => log::warn!(
                "rows name frames that are not in the video: {}",
                error_text(&error)
            ),
        }
    }

    /// Counts frames that came and have no row.
    pub fn miss(&mut self, n_frames: u64) {
        let counts = &mut self.writer.manifest.counts;
        counts.captured += n_frames;
        counts.refused += n_frames;
    }

    /// Writes the description, unless another folder is in the place of this one.
    fn write_manifest(&self) -> Result<(), RecordError> {
        self.lock.check()?;
        Ok(self.writer.write_manifest()?)
    }

    fn describe_source(&mut self, info: &SourceInfo) -> Result<(), RecordError> {
        let source = &mut self.writer.manifest.source;
        if source.name.is_empty() {
            source.name.clone_from(&info.name);
            source.format.clone_from(&info.format);
            source.nominal_rate_hz = info.rate_hz;
            self.write_manifest()?;
        }
        Ok(())
    }

    fn source_is_gone(&mut self, reason: &str, at: Instant) -> Result<(), RecordError> {
        // A camera that fell silent may be unplugged then: each reason is an event.
        if self.lost_because.as_deref() == Some(reason) {
            return Ok(());
        }
        self.lost_because = Some(reason.to_owned());
        self.note(at, EventKind::SourceLost, reason.to_owned())
    }

    fn note(&mut self, at: Instant, kind: EventKind, detail: String) -> Result<(), RecordError> {
        let event = EventRow {
            pts_90k: self.clock.ticks_at(at),
            unix_s: self.wall.unix_s(at),
            kind,
            detail,
        };
        Ok(self.writer.event(&event)?)
    }

    /// Does everything that does not wait for anything any more.
    fn work_off(&mut self) -> Result<(), RecordError> {
        while let Some(ready) = self.pending.next() {
            match ready {
                Ready::Picture(frame, analysis) => self.picture(&frame, analysis.as_deref())?,
                Ready::Row(analysis) => self.row(analysis.as_deref())?,
            }
        }
        Ok(())
    }

    fn picture(&mut self, frame: &Frame, analysis: Option<&Analysis>) -> Result<(), RecordError> {
        if let Some(analysis) = analysis {
            self.pictures.see(analysis);
            let (at, faces) = self
                .shown
                .get_or_insert_with(|| (frame.captured_at, Vec::new()));
            *at = frame.captured_at;
            faces.clone_from(&analysis.faces);
        }
        let faces = match &self.shown {
            Some((at, faces))
                if frame.captured_at.saturating_duration_since(*at) <= MAX_FACES_AGE =>
            {
                faces
            }
            _ => &Vec::new(),
        };
        if self.pictures.begins_part(frame.resolution()) {
            self.lock.check()?;
        }
        let Some(draft) = self.drafts.get_mut(self.n_pictured) else {
            return Ok(());
        };
        // Whatever comes of it: its row is next.
        self.n_pictured += 1;
        let of_network = || {
            let network = self.checkpoint.as_ref();
            network.map_or(0.0, |info| info.uncertain_below)
        };
        let drawn = Drawn {
            faces,
            uncertain_below: self.uncertain_below.unwrap_or_else(of_network),
        };
        let placed = self
            .pictures
            .write(frame, draft.frame, draft.pts_90k, drawn)?;
        draft.video_frame = placed.video_frame;
        if placed.video_frame.is_some() {
            self.writer.manifest.counts.recorded += 1;
        }
        if let Some(part) = placed.begins_part {
            self.writer.manifest.video = self.pictures.entries();
            self.write_manifest()?;
            if part > 1 {
                let size = frame.resolution();
                let words = format!("part {part}: the pictures are now {size}");
                self.note(frame.captured_at, EventKind::Part, words)?;
            }
        }
        Ok(())
    }

    fn row(&mut self, analysis: Option<&Analysis>) -> Result<(), RecordError> {
        let Some(mut frame) = self.drafts.pop_front() else {
            return Ok(());
        };
        self.n_pictured -= 1;
        let Some(analysis) = analysis else {
            return self.write_row(&frame, &[]);
        };
        let latency = analysis
            .completed_at
            .saturating_duration_since(analysis.frame.captured_at);
        frame.status = FrameStatus::Analysed;
        frame.n_faces = Some(analysis.faces.len() as u64);
        frame.latency = Some(latency);
        // What goes with a row is not worth the row.
        let noted = self.note_settings(analysis);
        let model = self.model_of(analysis);
        let position = *model.as_ref().unwrap_or(&0);
        let faces: Vec<FaceRow> = analysis
            .faces
            .iter()
            .map(|face| FaceRow {
                frame: frame.frame,
                pts_90k: frame.pts_90k,
                track: face.track.0,
                score: face.score,
                box_in_frame: face.box_in_frame,
                unseen_for: face.unseen_for,
                raw: face.raw,
                smoothed: face.smoothed,
                model: position,
                detect_time: analysis.detect_time,
                classify_time: analysis.classify_time,
                shape: face.shape,
            })
            .collect();
        self.write_row(&frame, &faces)?;
        self.latencies.count(latency);
        noted?;
        self.note_blinks(frame.pts_90k, analysis)?;
        model.map(drop)
    }

    /// Notes the blinks that ended with this frame, at the time when the eyes closed.
    fn note_blinks(&mut self, pts_90k: u64, analysis: &Analysis) -> Result<(), RecordError> {
        let time = analysis.frame.time;
        let seen = analysis
            .faces
            .iter()
            .filter(|face| face.unseen_for.is_zero());
        for face in seen {
            let Some(shape) = &face.shape else { continue };
            let Some(blink) = self.blinks.see(time, face.track, shape) else {
                continue;
            };
            let ago = time.saturating_sub(blink.start);
            let unix_s = self.wall.unix_s(analysis.frame.captured_at) - ago.as_secs_f64();
            self.writer.event(&EventRow {
                pts_90k: pts_90k.saturating_sub(ticks(ago)),
                unix_s,
                kind: EventKind::Blink,
                detail: format!(
                    "face {}, {:.3} s",
                    blink.track.0,
                    blink.duration.as_secs_f64()
                ),
            })?;
        }
        Ok(())
    }

    /// Writes the row of a frame with its faces, and counts it: as one that is there, or as refused.
    fn write_row(&mut self, frame: &FrameRow, faces: &[FaceRow]) -> Result<(), RecordError> {
        let written = self.writer.frame(frame, faces);
        let counts = &mut self.writer.manifest.counts;
        match (&written, frame.status) {
            (Err(_), _) => counts.refused += 1,
            (Ok(()), FrameStatus::Skipped) => counts.skipped += 1,
            (Ok(()), FrameStatus::Analysed) => {
                counts.analysed += 1;
                counts.faces += faces.len() as u64;
            }
        }
        Ok(written?)
    }

    /// Notes what was set otherwise since the result before.
    fn note_settings(&mut self, analysis: &Analysis) -> Result<(), RecordError> {
        let now = analysis.settings;
        let before = std::mem::replace(&mut self.settings, now);
        if before == now {
            return Ok(());
        }
        let detail = changed_settings(before, now).join(", ");
        self.note(analysis.frame.captured_at, EventKind::Settings, detail)
    }

    /// The position of a result's network in the description; a new one is added and noted.
    fn model_of(&mut self, analysis: &Analysis) -> Result<usize, RecordError> {
        let Some(info) = &analysis.checkpoint else {
            return Ok(0); // Without a network there are no faces either.
        };
        let models = &self.writer.manifest.models;
        let known = models
            .iter()
            .rposition(|model| model.sha256 == info.sha256 && model.name == info.name);
        let is_same = self
            .checkpoint
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, info));
        if let (Some(known), true) = (known, is_same) {
            return Ok(known);
        }
        let is_first = self.checkpoint.replace(Arc::clone(info)).is_none();
        let position = known.unwrap_or(models.len());
        if known.is_none() {
            self.writer.manifest.models.push(manifest_model(info));
            self.write_manifest()?;
        }
        if !is_first {
            self.note(
                analysis.frame.captured_at,
                EventKind::Checkpoint,
                info.name.clone(),
            )?;
        }
        Ok(position)
    }
}
