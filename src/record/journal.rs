//! The tables and the description of one recording, as they grow: a frame becomes a row with its faces, and what
//! happens becomes an event.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    RecordError, RecordingConfig,
    clock::{RecordingClock, WallClock},
    description::{changed_settings, first_manifest, latency_ms, manifest_model},
    recover,
    table::Table,
};
use crate::{
    capture::SourceInfo,
    detect::{Blinks, TrackId},
    error_text::error_text,
    frame::Frame,
    model::CheckpointInfo,
    percentiles::DurationHistogram,
    pipeline::{
        Analysis, Pacing, Settings,
        face_names::FaceNames,
        markers::{MarkerSet, Sent},
    },
    session::{
        SessionError,
        folder::{self, FolderLock},
        manifest::{Manifest, Model, Status, Video},
        tables::{EventKind, EventRow, FaceRow, FrameRow, FrameStatus},
    },
    time::Ticks,
};

/// How often everything is synced to the disk, so that a power cut costs no more. A sync takes some 4 ms on an SSD, and up
/// to a second on a slow card.
const SYNC_EVERY: Duration = Duration::from_secs(2);

/// More than finishing takes besides what grows with the session: half a second of each video, the description twice (old
/// and new), the rows of a second, and what all of these grow by until the reserve grows again.
const MAX_FINISH_BYTES: u64 = 1 << 20;

/// A session's tables and its description, open to be written.
pub(super) struct Journal {
    folder: PathBuf,
    /// The description; see [`Journal::write_manifest`].
    pub manifest: Manifest,
    frames: Table<FrameRow>,
    faces: Table<FaceRow>,
    events: Table<EventRow>,
    synced_at: Instant,
    clock: RecordingClock,
    pacing: Pacing,
    wall: WallClock,
    /// Frames that have a number.
    n_frames: u64,
    /// The network of the last result.
    checkpoint: Option<Arc<CheckpointInfo>>,
    /// The second network of the last result.
    second: Option<Arc<CheckpointInfo>>,
    /// The settings of the last result.
    settings: Settings,
    latencies: DurationHistogram,
    blinks: Blinks,
    /// The faces so far, with their numbers.
    tracks: BTreeMap<TrackId, u64>,
    /// What faces are called, by their identities.
    names: FaceNames,
    n_markers: u64,
    /// Rows that are ready to be written, with their faces. Those that a full disk refuses are tried again at the end.
    ready: VecDeque<(FrameRow, Vec<FaceRow>)>,
    /// Keeps others from writing to the folder.
    lock: FolderLock,
}

impl Journal {
    /// Creates the session's folder, its tables and its description.
    ///
    /// # Errors
    /// [`SessionError`] in the user's words.
    pub fn create(config: &RecordingConfig) -> Result<Self, RecordError> {
        folder::create(&config.folder)?;
        Self::create_in_empty(config).inspect_err(|_| folder::remove_failed_start(&config.folder))
    }

    fn create_in_empty(config: &RecordingConfig) -> Result<Self, RecordError> {
        let lock = FolderLock::take(&config.folder)?;
        let wall = WallClock::now();
        let manifest = first_manifest(config, &wall);
        // First, so that recovery finds whatever follows.
        manifest.write(&config.folder)?;
        let labels = manifest.labels;
        let mut journal = Self {
            folder: config.folder.clone(),
            manifest,
            frames: Table::create(&config.folder, labels)?,
            faces: Table::create(&config.folder, labels)?,
            events: Table::create(&config.folder, labels)?,
            synced_at: Instant::now(),
            clock: RecordingClock::new(config.pacing),
            pacing: config.pacing,
            wall,
            n_frames: 0,
            checkpoint: None,
            second: None,
            settings: config.settings,
            latencies: DurationHistogram::default(),
            blinks: Blinks::default(),
            tracks: BTreeMap::new(),
            names: config.face_names.clone(),
            n_markers: 0,
            ready: VecDeque::new(),
            lock,
        };
        journal.event(Instant::now(), EventKind::Started, String::new())?;
        journal.grow_reserve(0)?;
        Ok(journal)
    }

    /// Numbers a captured frame and gives it its times. The row says that it was skipped until a result says otherwise.
    pub fn place(&mut self, frame: &Frame) -> FrameRow {
        let time = self.clock.place(frame);
        if self.n_frames == 0 {
            self.manifest.clock.zero_unix_s = self.wall.unix_s(frame.captured_at);
        }
        let row = FrameRow {
            frame: self.n_frames,
            time,
            unix_s: self.unix_s(time, frame.captured_at),
            source_s: frame.time.as_secs_f64(),
            status: FrameStatus::Skipped,
            video_frame: None,
            n_faces: None,
            latency: None,
            file: frame.file.clone(),
        };
        let manifest = &mut self.manifest;
        if row.frame == 0 {
            let size = frame.resolution();
            (manifest.source.width, manifest.source.height) = (size.width_px, size.height_px);
        }
        manifest.counts.captured += 1;
        self.n_frames += 1;
        row
    }

    /// Writes the row of a frame with the faces of its result, if it has one.
    ///
    /// # Errors
    /// [`SessionError`]. The row is tried again by [`Journal::write_last`], unless only an event beside it could not be written.
    pub fn write(
        &mut self,
        mut row: FrameRow,
        analysis: Option<&Analysis>,
    ) -> Result<(), RecordError> {
        // Without a network, a result lists no faces although there may be some.
        let Some(analysis) = analysis.filter(|analysis| analysis.checkpoint.is_some()) else {
            return self.append(row, Vec::new());
        };
        if let Err(error) = self.follow_labels(analysis) {
            self.append(row, Vec::new())?;
            return Err(error);
        }
        let frame = &analysis.frame;
        let latency = analysis
            .completed_at
            .saturating_duration_since(frame.captured_at);
        row.status = FrameStatus::Analyzed;
        row.n_faces = Some(analysis.faces.len() as u64);
        row.latency = Some(latency);
        // An event that cannot be written must not cost the row.
        let noted = self.note_settings(analysis);
        let model = self.model_of(analysis);
        let second = self.second_of(analysis);
        let faces = FaceRow::of(
            analysis,
            row.frame,
            row.time,
            *model.as_ref().unwrap_or(&0),
            *second.as_ref().unwrap_or(&None),
        );
        let mut has_new_name = false;
        for face in &analysis.faces {
            let is_new = self.tracks.insert(face.track, face.number).is_none();
            has_new_name |= is_new && self.names.get(face.track.0).is_some();
        }
        let frame_time = row.time;
        self.append(row, faces)?;
        self.latencies.count(latency);
        noted?;
        if has_new_name {
            self.describe_names();
            self.write_manifest()?;
        }
        self.note_blinks(frame_time, analysis)?;
        second?;
        model.map(drop)
    }

    /// Takes the labels of a result's network for the tables, as long as no face has a row.
    ///
    /// # Errors
    /// [`RecordError::OtherLabels`] after that, and [`SessionError::Write`].
    fn follow_labels(&mut self, analysis: &Analysis) -> Result<(), RecordError> {
        let Some(checkpoint) = &analysis.checkpoint else {
            return Ok(());
        };
        let labels = checkpoint.labels;
        if labels == self.manifest.labels {
            return Ok(());
        }
        let has_faces = self.ready.iter().any(|(_, faces)| !faces.is_empty());
        if has_faces || self.manifest.counts.faces > 0 {
            return Err(RecordError::OtherLabels {
                network: checkpoint.name.clone(),
                labels,
            });
        }
        self.faces.start_over(labels)?;
        self.manifest.labels = labels;
        self.manifest.columns = Manifest::data_dictionary(labels);
        self.write_manifest()
    }

    fn append(&mut self, row: FrameRow, faces: Vec<FaceRow>) -> Result<(), RecordError> {
        self.ready.push_back((row, faces));
        self.write_ready()
    }

    /// Writes the rows that are ready, in order, and counts them.
    fn write_ready(&mut self) -> Result<(), RecordError> {
        while let Some((row, faces)) = self.ready.front() {
            // Faces first, so that a frame's row never promises faces that are missing.
            let n_bytes = self.faces.n_bytes;
            self.faces.append(faces)?;
            self.frames
                .append([row])
                .inspect_err(|_| self.faces.cut_to(n_bytes))?;
            let counts = &mut self.manifest.counts;
            match row.status {
                FrameStatus::Skipped => counts.skipped += 1,
                FrameStatus::Analyzed => {
                    counts.analyzed += 1;
                    counts.faces += faces.len() as u64;
                }
            }
            self.ready.pop_front();
        }
        Ok(())
    }

    /// Writes an event that happened at `at`.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn event(
        &mut self,
        at: Instant,
        kind: EventKind,
        detail: String,
    ) -> Result<(), RecordError> {
        let time = self.clock.at(at);
        Ok(self.events.append([&EventRow {
            time,
            unix_s: self.unix_s(time, at),
            kind,
            detail,
            sent: None,
        }])?)
    }

    /// Writes a marker. Returns what its sender hears.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn marker(
        &mut self,
        at: Instant,
        text: &str,
        sent: Option<Sent>,
    ) -> Result<MarkerSet, RecordError> {
        let time = self.clock.at(at);
        self.events.append([&EventRow {
            time,
            unix_s: self.unix_s(time, at),
            kind: EventKind::Marker,
            detail: text.to_owned(),
            sent,
        }])?;
        self.n_markers += 1;
        Ok(MarkerSet {
            number: self.n_markers,
            time: time.into(),
            text: text.to_owned(),
        })
    }

    /// The wall clock at the recording's `time`, which was at `at`. The moment at which a file is read says nothing
    /// about its frames, so there the recording's own time counts.
    fn unix_s(&self, time: Ticks, at: Instant) -> f64 {
        match self.pacing {
            Pacing::Realtime => self.wall.unix_s(at),
            Pacing::EveryFrame => self.manifest.clock.zero_unix_s + time.as_secs_f64(),
        }
    }

    /// Notes the blinks that ended with this frame, at the time when the eyes closed.
    fn note_blinks(&mut self, frame_time: Ticks, analysis: &Analysis) -> Result<(), RecordError> {
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
            let (number, length_s) = (face.number, blink.duration.as_secs_f64());
            self.events.append([&EventRow {
                time: frame_time.saturating_sub(ago.into()),
                unix_s: self.unix_s(frame_time, analysis.frame.captured_at) - ago.as_secs_f64(),
                kind: EventKind::Blink,
                detail: format!("face {number}, {length_s:.3} s"),
                sent: None,
            }])?;
        }
        Ok(())
    }

    /// Notes which settings changed since the last result.
    fn note_settings(&mut self, analysis: &Analysis) -> Result<(), RecordError> {
        let now = analysis.settings;
        let before = std::mem::replace(&mut self.settings, now);
        if before == now {
            return Ok(());
        }
        let detail = changed_settings(before, now).join(", ");
        self.event(analysis.frame.captured_at, EventKind::Settings, detail)
    }

    /// The position of a result's network in the description; a new one is added and noted.
    fn model_of(&mut self, analysis: &Analysis) -> Result<usize, RecordError> {
        let Some(info) = &analysis.checkpoint else {
            return Ok(0); // Without a network there are no faces either.
        };
        let (position, is_new) = position(&mut self.manifest.models, info);
        let before = self.checkpoint.as_ref();
        if !is_new && before.is_some_and(|before| Arc::ptr_eq(before, info)) {
            return Ok(position);
        }
        let is_first = self.checkpoint.replace(Arc::clone(info)).is_none();
        if is_new {
            self.write_manifest()?;
        }
        if !is_first {
            let at = analysis.frame.captured_at;
            self.event(at, EventKind::Checkpoint, info.name.clone())?;
        }
        Ok(position)
    }

    /// The position of a result's second network among those; a change is noted.
    fn second_of(&mut self, analysis: &Analysis) -> Result<Option<usize>, RecordError> {
        let now = analysis.second.as_ref();
        let found = now.map(|info| position(&mut self.manifest.second_models, info));
        let is_same = match (&self.second, now) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (before, now) => before.is_none() && now.is_none(),
        };
        if !is_same {
            self.second = now.map(Arc::clone);
            if found.is_some_and(|(_, is_new)| is_new) {
                self.write_manifest()?;
            }
            let name = now.map_or("none", |info| info.name.as_str());
            let at = analysis.frame.captured_at;
            self.event(at, EventKind::Checkpoint, format!("second network: {name}"))?;
        }
        Ok(found.map(|(position, _)| position))
    }

    /// Below this probability, 0 to 1, the current network is not sure enough to name an expression.
    pub fn uncertain_below(&self) -> f32 {
        let network = self.checkpoint.as_ref();
        network.map_or(0.0, |info| info.uncertain_below)
    }

    /// Adds what the source says about itself, unless that is known already.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn describe_source(&mut self, info: &SourceInfo) -> Result<(), RecordError> {
        let source = &mut self.manifest.source;
        if source.name.is_empty() {
            source.name.clone_from(&info.name);
            source.format.clone_from(&info.format);
            source.nominal_rate_hz = info.rate_hz;
            self.write_manifest()?;
        }
        Ok(())
    }

    /// Sets the videos.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn describe_videos(&mut self, videos: Vec<Video>) -> Result<(), RecordError> {
        self.manifest.video = videos;
        self.write_manifest()
    }

    /// Names faces, by their identities. The names are part of the description.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn name_faces(&mut self, names: FaceNames) -> Result<(), RecordError> {
        self.names = names;
        self.describe_names();
        self.write_manifest()
    }

    /// What faces are called, by their identities.
    pub fn names(&self) -> &FaceNames {
        &self.names
    }

    fn describe_names(&mut self) {
        let mut names = FaceNames::default();
        for (track, number) in &self.tracks {
            if let Some(name) = self.names.get(track.0) {
                names.set(*number, name);
            }
        }
        self.manifest.face_names = names;
    }

    /// Writes the description, unless the folder was replaced by another one.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn write_manifest(&self) -> Result<(), RecordError> {
        self.check_folder()?;
        Ok(self.manifest.write(&self.folder)?)
    }

    /// Sets how many frames are in the finished video. On a full disk these may be fewer than it was given, and then
    /// the rows of the missing ones must not name them.
    pub fn correct_n_recorded(&mut self, n_recorded: u64, videos: &[Video]) {
        let manifest = &mut self.manifest;
        if n_recorded >= manifest.counts.recorded {
            return;
        }
        manifest.counts.recorded = n_recorded;
        let zero_unix_s = manifest.clock.zero_unix_s;
        let aligned = self
            .check_folder()
            .and_then(|()| recover::align(&self.folder, videos, zero_unix_s));
        match aligned {
            Ok(aligned) => {
                let counts = &mut self.manifest.counts;
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

    /// Writes the final description. Unless `is_whole`, the session counts as interrupted.
    ///
    /// # Errors
    /// [`SessionError`].
    pub fn finish(
        &mut self,
        reason: &str,
        at: Instant,
        videos: Vec<Video>,
        is_whole: bool,
    ) -> Result<(), RecordError> {
        let length = self.elapsed(at);
        self.describe_names();
        let manifest = &mut self.manifest;
        manifest.length_s = Some(length.as_secs_f64());
        manifest.counts.tracks = Some(self.tracks.len() as u64);
        manifest.counts.markers = Some(self.n_markers);
        manifest.ended = Some(self.wall.rfc3339(at));
        manifest.ended_because = Some(reason.to_owned());
        manifest.latency_ms = latency_ms(&self.latencies);
        if is_whole {
            manifest.status = Status::Complete;
        }
        self.describe_videos(videos)
    }

    /// Time from the first frame to `now`.
    pub fn elapsed(&self, now: Instant) -> Duration {
        self.clock.at(now).max(self.clock.last()).into()
    }

    /// Size of the tables, bytes.
    pub fn n_bytes(&self) -> u64 {
        self.frames.n_bytes + self.faces.n_bytes + self.events.n_bytes
    }

    /// Checks that the folder is still the one that was created: it may have been deleted, moved or replaced.
    ///
    /// # Errors
    /// [`SessionError::Gone`].
    pub fn check_folder(&self) -> Result<(), SessionError> {
        self.lock.check()
    }

    /// Checks that the folder and all tables are still there. Writing to a deleted file would go unnoticed.
    ///
    /// # Errors
    /// [`SessionError::Gone`].
    pub fn check_files(&self) -> Result<(), SessionError> {
        self.check_folder()?;
        self.frames.check()?;
        self.faces.check()?;
        self.events.check()
    }

    /// Whether a sync is due; if so, the next one is due two seconds after `now`.
    pub fn is_sync_due(&mut self, now: Instant) -> bool {
        let is_due = now.saturating_duration_since(self.synced_at) >= SYNC_EVERY;
        if is_due {
            self.synced_at = now;
        }
        is_due
    }

    /// Keeps enough disk space to finish the recording, with this much for the videos' indices.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn grow_reserve(&mut self, index_bytes: u64) -> Result<(), SessionError> {
        // The frames' table is written again if the last frames of the video are lost.
        let n_bytes = self.frames.n_bytes + index_bytes + MAX_FINISH_BYTES;
        self.lock
            .grow_reserve(n_bytes)
            .map_err(|source| SessionError::write(&self.folder, source))
    }

    /// Gives up the reserve and writes the rows that were refused before. Those that are refused again are counted.
    pub fn write_last(&mut self) {
        self.lock.release_reserve();
        while self.write_ready().is_err() {
            self.ready.pop_front();
            self.manifest.counts.refused += 1;
        }
    }

    /// Syncs the tables to the disk.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn sync(&self) -> Result<(), SessionError> {
        self.frames.sync()?;
        self.faces.sync()?;
        self.events.sync()
    }
}

/// The position of a network among `models`, and whether it was added there.
fn position(models: &mut Vec<Model>, info: &CheckpointInfo) -> (usize, bool) {
    let known = models
        .iter()
        .rposition(|model| model.sha256 == info.sha256 && model.name == info.name);
    if let Some(known) = known {
        return (known, false);
    }
    models.push(manifest_model(info));
    (models.len() - 1, true)
}
