//! A session prepared for the window: its tracks apart, and what was seen at any moment.
//!
//! All times are the session's own, since its first captured frame; they are those of its video too. Between two
//! results a face keeps its values, as it did on the screen when it was recorded, but not for long; see
//! [`Recording::held_for`]. Beside what was recorded there may be other networks' readings of the same faces: all are
//! [`Readings`] alike, the recorded one first.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;

use crate::{
    detect::TrackId,
    error_text::error_text,
    pipeline::FaceAnalysis,
    reanalyze::{DIFF_FILE, FOLDER_PREFIX},
    session::{
        Session, SessionError, files,
        tables::{self, FaceRow, FrameStatus, Row, ticks},
    },
    time::TICKS_PER_SECOND,
};

/// How long a face's values hold when no newer result is there, as on the screen while it was recorded. In sessions of
/// few frames a second, two of their usual intervals.
const LEAST_HELD_FOR: Duration = Duration::from_millis(700);

/// From one frame to the next where a session has only one.
const USUAL_INTERVAL: Duration = Duration::from_millis(33);

/// A session in memory, ready to be shown.
#[derive(Debug)]
pub struct Recording {
    /// The session as it was read; its faces are in [`Recording::readings`].
    pub session: Session,
    /// What networks read from the faces: first the recorded one, then those of reanalyses by name.
    pub readings: Vec<Readings>,
    /// From its first frame to the end of its last.
    pub duration: Duration,
    /// How long a face's values hold when no newer result is there.
    pub held_for: Duration,
    /// What is shown with it.
    pub picture: Picture,
    /// Something to tell about it, in a sentence.
    pub warning: Option<String>,
}

/// What was read from all faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The networks.
    pub name: String,
    /// In how many of the compared faces it agrees with the recorded reading, 0 to 1, where that is known.
    pub agreement: Option<f64>,
    /// In order of frames.
    pub faces: Vec<FaceRow>,
    /// Its tracks, in the order of their numbers.
    pub tracks: Vec<Track>,
}

/// What there is to see of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Its video as the camera saw it.
    Clean,
    /// Its video with boxes and names drawn in.
    Annotated,
    /// Nothing: only values were recorded, or the video is gone.
    None,
}

/// One face through the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Its number.
    pub id: u64,
    /// Its rows in [`Readings::faces`], in order of time.
    pub rows: Vec<u32>,
}

impl Readings {
    /// Readings with their tracks apart.
    pub fn new(name: String, faces: Vec<FaceRow>) -> Self {
        Self {
            name,
            agreement: None,
            tracks: tracks(&faces),
            faces,
        }
    }

    /// The row of a track that holds at `time`, if its face was there.
    pub fn row_at(&self, track: &Track, time: Duration, held_for: Duration) -> Option<&FaceRow> {
        let pts = ticks(time);
        let after = track
            .rows
            .partition_point(|row| self.row(*row).pts_90k <= pts);
        let row = self.row(*track.rows.get(after.checked_sub(1)?)?);
        (pts - row.pts_90k <= ticks(held_for)).then_some(row)
    }

    /// A row of [`Readings::faces`].
    pub fn row(&self, at: u32) -> &FaceRow {
        &self.faces[at as usize]
    }

    /// The track with this number, by its position.
    pub fn track(&self, id: u64) -> Option<usize> {
        self.tracks.binary_search_by_key(&id, |track| track.id).ok()
    }
}

impl Recording {
    /// Loads the session in `folder`, with the other readings that lie in it. Takes seconds for a long one: call it
    /// away from the window's thread.
    ///
    /// # Errors
    /// [`SessionError`] in the user's words.
    pub fn open(folder: &Path) -> Result<Self, SessionError> {
        let mut recording = Self::new(Session::open(folder)?);
        for folder in folders_of_readings(folder) {
            match other_readings(&folder) {
                Ok(readings) => recording.readings.push(readings),
                // The session itself is worth showing all the same.
                Err(error) => recording.warning = Some(error_text(&error)),
            }
        }
        Ok(recording)
    }

    /// Prepares a session.
    pub fn new(mut session: Session) -> Self {
        let (picture, warning) = picture(&session);
        let faces = std::mem::take(&mut session.faces);
        Self {
            readings: vec![Readings::new(networks(&session), faces)],
            duration: duration(&session),
            held_for: held_for(&session),
            picture,
            warning,
            session,
        }
    }

    /// The recorded reading.
    pub fn recorded(&self) -> &Readings {
        &self.readings[0]
    }

    /// The faces that were on the screen at `time`.
    pub fn faces_at(&self, time: Duration) -> &[FaceRow] {
        let pts = ticks(time);
        let Some(at) = self.session.frame_at(pts) else {
            return &[];
        };
        // A frame for which there was no time was shown with the result before it.
        let analysed = self.session.frames[..=at]
            .iter()
            .rev()
            .take_while(|frame| pts - frame.pts_90k <= ticks(self.held_for))
            .find(|frame| frame.status == FrameStatus::Analysed);
        let Some(frame) = analysed.map(|frame| frame.frame) else {
            return &[];
        };
        let faces = &self.recorded().faces;
        let start = faces.partition_point(|face| face.frame < frame);
        let n_faces = faces[start..].partition_point(|face| face.frame == frame);
        &faces[start..start + n_faces]
    }

    /// What the session is called on the screen: its folder.
    pub fn name(&self) -> String {
        let folder = &self.session.folder;
        folder
            .file_name()
            .unwrap_or(folder.as_os_str())
            .to_string_lossy()
            .into_owned()
    }
}

/// A recorded face as the window shows faces, its box scaled by `scale`.
pub fn shown(row: &FaceRow, scale: f32) -> FaceAnalysis {
    let mut box_in_frame = row.box_in_frame;
    for edge in [
        &mut box_in_frame.x,
        &mut box_in_frame.y,
        &mut box_in_frame.width,
        &mut box_in_frame.height,
    ] {
        *edge *= scale;
    }
    FaceAnalysis {
        track: TrackId(row.track),
        box_in_frame,
        score: row.score,
        unseen_for: row.unseen_for,
        shape: row.shape,
        raw: row.raw,
        smoothed: row.smoothed,
    }
}

fn tracks(faces: &[FaceRow]) -> Vec<Track> {
    let mut tracks: Vec<Track> = Vec::new();
    for (at, face) in faces.iter().enumerate() {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        // There are few, and the one wanted is nearly always among the last.
        match tracks.iter_mut().rev().find(|track| track.id == face.track) {
            Some(track) => track.rows.push(at),
            None => tracks.push(Track {
                id: face.track,
                rows: vec![at],
            }),
        }
    }
    tracks.sort_by_key(|track| track.id);
    tracks
}

fn networks(session: &Session) -> String {
    let models = &session.manifest.models;
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    match names[..] {
        [] => "no network".to_owned(),
        _ => names.join(", "),
    }
}

fn duration(session: &Session) -> Duration {
    let n_intervals = session.frames.len().saturating_sub(1) as u64;
    let last = session.end_pts_90k();
    match session.frames.len() {
        0 => Duration::ZERO,
        1 => USUAL_INTERVAL,
        _ => time(last + last / n_intervals),
    }
}

fn held_for(session: &Session) -> Duration {
    let mut intervals: Vec<u64> = session
        .frames
        .windows(2)
        .map(|pair| pair[1].pts_90k.saturating_sub(pair[0].pts_90k))
        .collect();
    let middle = intervals.len() / 2;
    if intervals.is_empty() {
        return LEAST_HELD_FOR;
    }
    let (_, median, _) = intervals.select_nth_unstable(middle);
    LEAST_HELD_FOR.max(time(2 * *median))
}

fn time(ticks: u64) -> Duration {
    Duration::try_from_secs_f64(ticks as f64 / TICKS_PER_SECOND as f64).unwrap_or_default()
}

fn picture(session: &Session) -> (Picture, Option<String>) {
    let parts = session.video_parts();
    let Some(first) = parts.first() else {
        return (Picture::None, None);
    };
    let missing = parts.iter().find_map(|part| session.video_path(part).err());
    match missing {
        Some(error) => (
            Picture::None,
            Some(format!("{error}; only the session's values are shown")),
        ),
        None if first.annotated => (Picture::Annotated, None),
        None => (Picture::Clean, None),
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
    faces.sort_by_key(|face| (face.frame, face.track));
    // The description is a convenience: without it the folder gives the name.
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
