//! A session prepared for the window: its tracks apart, and what was seen at any moment.
//!
//! All times are the session's own, since its first captured frame; they are those of its video too. Between two
//! results a face keeps its values, as it did on the screen when it was recorded, but not for longer than
//! [`HELD_FOR`].

use std::{path::Path, time::Duration};

use crate::{
    detect::TrackId,
    pipeline::FaceAnalysis,
    record::{
        SessionError, TICKS_PER_SECOND,
        reader::Session,
        tables::{FaceRow, FrameStatus, ticks},
    },
};

/// How long a face's values hold when no newer result is there.
pub const HELD_FOR: Duration = Duration::from_millis(700);

/// From one frame to the next where a session has only one.
const USUAL_INTERVAL: Duration = Duration::from_millis(33);

/// A session in memory, ready to be shown.
#[derive(Debug)]
pub struct Recording {
    /// The session as it was read.
    pub session: Session,
    /// Its tracks, in the order of their numbers.
    pub tracks: Vec<Track>,
    /// From its first frame to the end of its last.
    pub duration: Duration,
    /// What is shown with it.
    pub picture: Picture,
    /// Something to tell about it, in a sentence.
    pub warning: Option<String>,
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
    /// Its rows in [`Session::faces`], in order of time.
    pub rows: Vec<u32>,
}

impl Recording {
    /// Loads the session in `folder`. Takes seconds for a long one: call it away from the window's thread.
    ///
    /// # Errors
    /// [`SessionError`] in the user's words.
    pub fn open(folder: &Path) -> Result<Self, SessionError> {
        Ok(Self::new(Session::open(folder)?))
    }

    /// Prepares a session.
    pub fn new(session: Session) -> Self {
        let (picture, warning) = picture(&session);
        Self {
            tracks: tracks(&session.faces),
            duration: duration(&session),
            picture,
            warning,
            session,
        }
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
            .take_while(|frame| pts - frame.pts_90k <= ticks(HELD_FOR))
            .find(|frame| frame.status == FrameStatus::Analysed);
        analysed.map_or(&[], |frame| self.session.faces_of(frame.frame))
    }

    /// The row of a track that holds at `time`, if its face was there.
    pub fn row_at(&self, track: &Track, time: Duration) -> Option<&FaceRow> {
        let pts = ticks(time);
        let after = track
            .rows
            .partition_point(|row| self.row(*row).pts_90k <= pts);
        let row = self.row(*track.rows.get(after.checked_sub(1)?)?);
        (pts - row.pts_90k <= ticks(HELD_FOR)).then_some(row)
    }

    /// A row of [`Session::faces`].
    pub fn row(&self, at: u32) -> &FaceRow {
        &self.session.faces[at as usize]
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

fn duration(session: &Session) -> Duration {
    let n_intervals = session.frames.len().saturating_sub(1) as u64;
    let last = session.end_pts_90k();
    let time = |ticks: u64| Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND as f64);
    match session.frames.len() {
        0 => Duration::ZERO,
        1 => USUAL_INTERVAL,
        _ => time(last + last / n_intervals),
    }
}

fn picture(session: &Session) -> (Picture, Option<String>) {
    let parts = session.video_parts();
    let Some(first) = parts.first() else {
        return (Picture::None, None);
    };
    let missing = parts
        .iter()
        .find(|part| !session.folder.join(&part.file).is_file());
    match missing {
        Some(part) => {
            let warning = format!(
                "{} is missing from the session, so only its values are shown.",
                part.file
            );
            (Picture::None, Some(warning))
        }
        None if first.annotated => (Picture::Annotated, None),
        None => (Picture::Clean, None),
    }
}
