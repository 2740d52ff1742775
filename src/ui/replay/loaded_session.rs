//! A session prepared for the window: its faces by track, and what was seen at any time.
//!
//! All times are the session's own, since its first captured frame, as in its video. Between two results a face keeps its
//! values for as long as they hold, see `session::timeline`. Besides the recorded reading there may be other networks'
//! readings of the same faces; all are [`Readings`], the recorded one first.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;

use crate::{
    error_text::error_text,
    pipeline::{FaceAnalysis, FaceValues},
    reanalyze::{DIFF_FILE, FOLDER_PREFIX},
    session::{
        Session, SessionError, files,
        tables::{self, FaceRow, Row},
        timeline::FrameSpans,
    },
    time::Ticks,
    ui::words::text,
};

/// A session in memory, ready to be shown.
#[derive(Debug)]
pub struct LoadedSession {
    /// The session as it was read; its faces are in [`LoadedSession::readings`].
    pub session: Session,
    /// The readings: the recorded one, then the second network's if there was one, then those of reanalyses by name.
    pub readings: Vec<Readings>,
    /// From its first frame to the end of its last.
    pub duration: Duration,
    /// For how long the result of each frame holds.
    pub spans: FrameSpans,
    /// The video that is shown with it.
    pub video: ReplayVideo,
    /// What is wrong with it, if anything.
    pub warning: Option<String>,
}

/// What one network, or several in turn, read from all faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The names of the networks.
    pub name: String,
    /// Share of compared faces in which it agrees with the recorded reading, 0 to 1, if known.
    pub agreement: Option<f64>,
    /// In order of frames.
    pub faces: Vec<FaceRow>,
    /// Its tracks, in the order of their numbers.
    pub tracks: Vec<TrackRows>,
}

/// Which video of a session is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayVideo {
    /// The one without boxes.
    Clean,
    /// The one with boxes and names.
    Annotated,
    /// None: only values were recorded, or the video is missing.
    None,
}

/// The rows of one face through the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackRows {
    /// The number of the track.
    pub id: u64,
    /// Its rows in [`Readings::faces`], in order of time.
    pub rows: Vec<u32>,
}

impl Readings {
    /// Readings with their rows by track.
    pub fn new(name: String, faces: Vec<FaceRow>) -> Self {
        Self {
            name,
            agreement: None,
            tracks: tracks(&faces),
            faces,
        }
    }

    /// The row of a track that holds at `time`; `None` if its face was not seen then.
    pub fn row_at(
        &self,
        track: &TrackRows,
        time: Duration,
        spans: &FrameSpans,
    ) -> Option<&FaceRow> {
        let time = Ticks::from(time);
        let after = track
            .rows
            .partition_point(|row| self.row(*row).time <= time);
        let row = self.row(*track.rows.get(after.checked_sub(1)?)?);
        let end = spans.end_of(row.frame)?;
        (time < end).then_some(row)
    }

    /// A row of [`Readings::faces`].
    pub fn row(&self, at: u32) -> &FaceRow {
        &self.faces[at as usize]
    }

    /// The index of the track with this number.
    pub fn track(&self, id: u64) -> Option<usize> {
        self.tracks.binary_search_by_key(&id, |track| track.id).ok()
    }
}

impl LoadedSession {
    /// Loads the session in `folder` with the reanalyses in it. This takes seconds for a long one, so call it on another
    /// thread than the window's.
    ///
    /// # Errors
    /// [`SessionError`]
    pub fn open(folder: &Path) -> Result<Self, SessionError> {
        let mut loaded = Self::new(Session::open(folder)?);
        for folder in folders_of_readings(folder) {
            match other_readings(&folder) {
                Ok(readings) => loaded.readings.push(readings),
                // The session itself can still be shown.
                Err(error) => loaded.warning = Some(error_text(&error)),
            }
        }
        Ok(loaded)
    }

    /// Prepares a session.
    pub fn new(mut session: Session) -> Self {
        let (video, warning) = video(&session);
        let warning = warning.or_else(|| session.annotations_problem.clone());
        let spans = session.frame_spans();
        let faces = std::mem::take(&mut session.faces);
        let second = second_readings(session.second_networks(), &faces);
        let recorded = Readings::new(session.networks(), faces);
        Self {
            readings: std::iter::once(recorded).chain(second).collect(),
            duration: session.end().into(),
            spans,
            video,
            warning,
            session,
        }
    }

    /// The recorded reading.
    pub fn recorded(&self) -> &Readings {
        &self.readings[0]
    }

    /// The faces that were on screen at `time`.
    pub fn faces_at(&self, time: Duration) -> &[FaceRow] {
        let Some(span) = self.spans.at(time.into()) else {
            return &[];
        };
        self.faces_of(span.frame)
    }

    /// The recorded faces of a frame, by its number.
    pub fn faces_of(&self, frame: u64) -> &[FaceRow] {
        let faces = &self.recorded().faces;
        let start = faces.partition_point(|face| face.frame < frame);
        let n_faces = faces[start..].partition_point(|face| face.frame == frame);
        &faces[start..start + n_faces]
    }
}

impl Readings {
    /// What it says of a face of the recorded reading, if it knows the same labels.
    fn values_of(&self, recorded: &FaceRow) -> Option<FaceValues> {
        let key = |row: &FaceRow| (row.frame, row.face.track);
        let at = self.faces.binary_search_by_key(&key(recorded), key).ok()?;
        let values = values(&self.faces[at].face);
        (values.raw.labels() == recorded.face.raw.labels()).then_some(values)
    }
}

fn values(face: &FaceAnalysis) -> FaceValues {
    FaceValues {
        raw: face.raw,
        smoothed: face.smoothed,
        label: face.label,
    }
}

/// The reading of the second network, if there was one.
fn second_readings(name: String, faces: &[FaceRow]) -> Option<Readings> {
    let of = |row: &FaceRow| {
        let second = row.face.second?;
        let face = FaceAnalysis {
            raw: second.raw,
            smoothed: second.smoothed,
            label: second.label,
            corrected: None,
            second: None,
            ..row.face
        };
        Some(FaceRow {
            face,
            ..row.clone()
        })
    };
    let read: Vec<FaceRow> = faces.iter().filter_map(of).collect();
    if read.is_empty() {
        return None;
    }
    let found = faces.iter().filter(|row| row.is_found());
    let pairs = found.filter_map(|row| Some((row.face.label, row.face.second?.label)));
    let (n_same, n) = pairs.fold((0_u64, 0_u64), |(same, n), (first, second)| {
        (same + u64::from(first == second), n + 1)
    });
    Some(Readings {
        agreement: (n > 0).then(|| n_same as f64 / n as f64),
        ..Readings::new(name, read)
    })
}

/// A recorded face as a result, its box scaled by `scale`, beside what the reading `other` says of it.
pub fn shown(row: &FaceRow, scale: f32, other: Option<&Readings>) -> FaceAnalysis {
    let mut face = row.face;
    face.second = other.and_then(|other| other.values_of(row));
    let edges = &mut face.box_in_frame;
    for edge in [
        &mut edges.x,
        &mut edges.y,
        &mut edges.width,
        &mut edges.height,
    ] {
        *edge *= scale;
    }
    face
}

fn tracks(faces: &[FaceRow]) -> Vec<TrackRows> {
    let mut tracks: Vec<TrackRows> = Vec::new();
    for (at, row) in faces.iter().enumerate() {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let id = row.face.track.0;
        // There are few, and nearly always it is one of the last.
        match tracks.iter_mut().rev().find(|track| track.id == id) {
            Some(track) => track.rows.push(at),
            None => tracks.push(TrackRows { id, rows: vec![at] }),
        }
    }
    tracks.sort_by_key(|track| track.id);
    tracks
}

fn video(session: &Session) -> (ReplayVideo, Option<String>) {
    let parts = session.video_parts();
    let Some(first) = parts.first() else {
        return (ReplayVideo::None, None);
    };
    let missing = parts.iter().find_map(|part| session.video_path(part).err());
    match missing {
        Some(error) => (
            ReplayVideo::None,
            Some(text!("replay-video-missing", reason = error.to_string())),
        ),
        None if first.annotated => (ReplayVideo::Annotated, None),
        None => (ReplayVideo::Clean, None),
    }
}

fn folders_of_readings(session: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(session).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_folder && name.to_string_lossy().starts_with(FOLDER_PREFIX)
        })
        .map(|entry| entry.path())
        .filter(|folder| files::is_regular(&folder.join(FaceRow::FILE)))
        .collect();
    folders.sort();
    folders
}

fn other_readings(folder: &Path) -> Result<Readings, SessionError> {
    let mut faces: Vec<FaceRow> = tables::read(&folder.join(FaceRow::FILE))?;
    faces.sort_by_key(|row| (row.frame, row.face.track));
    // The description is optional: without it, the folder gives the name.
    let description = files::read_text(&folder.join(DIFF_FILE)).unwrap_or_default();
    let description: Value = serde_json::from_str(&description).unwrap_or_default();
    let name = description["after"]["name"].as_str().map(str::to_owned);
    let name = name.unwrap_or_else(|| {
        let folder = folder.file_name().unwrap_or_default().to_string_lossy();
        folder.trim_start_matches(FOLDER_PREFIX).to_owned()
    });
    Ok(Readings {
        agreement: description["overall"]["agreement"].as_f64(),
        ..Readings::new(name, faces)
    })
}
