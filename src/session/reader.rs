//! A recorded session, loaded.
//!
//! Sessions that were interrupted load as well: their tables are whole up to the last moment. Call it away from the
//! window's thread; an hour with three faces is some 50 MB of text.

use std::{
    fs,
    io::ErrorKind,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    MANIFEST_FILE, SessionError, files,
    manifest::{Manifest, Video},
    tables::{self, EventRow, FaceRow, FrameRow, Row},
};

/// A session in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Where it lies.
    pub folder: PathBuf,
    /// What is said once about all of it.
    pub manifest: Manifest,
    /// Every captured frame, in order of time.
    pub frames: Vec<FrameRow>,
    /// Every face, in order of frames.
    pub faces: Vec<FaceRow>,
    /// Everything that happened, in order of time.
    pub events: Vec<EventRow>,
}

/// Whether a folder holds a session.
pub fn is_session(folder: &Path) -> bool {
    folder.join(MANIFEST_FILE).is_file()
}

impl Session {
    /// Loads the session in `folder`.
    ///
    /// # Errors
    /// [`SessionError`] in the user's words.
    pub fn open(folder: &Path) -> Result<Self, SessionError> {
        let manifest = Manifest::read(folder)?;
        let mut session = Self {
            folder: folder.to_owned(),
            manifest,
            frames: table(folder)?,
            faces: table(folder)?,
            events: table(folder)?,
        };
        // Rows are written in this order; a table that was edited by hand is put into it again.
        session.frames.sort_by_key(|row| row.frame);
        session.faces.sort_by_key(|row| (row.frame, row.track));
        session.events.sort_by_key(|row| row.pts_90k);
        Ok(session)
    }

    /// The faces of a frame, by its number; a slice of [`Session::faces`].
    pub fn faces_of(&self, frame: u64) -> &[FaceRow] {
        &self.faces[self.face_range(frame)]
    }

    /// Where in [`Session::faces`] a frame's faces are.
    pub fn face_range(&self, frame: u64) -> Range<usize> {
        let start = self.faces.partition_point(|face| face.frame < frame);
        let n_faces = self.faces[start..].partition_point(|face| face.frame == frame);
        start..start + n_faces
    }

    /// The last frame that was captured at or before a time, as its position in [`Session::frames`].
    pub fn frame_at(&self, pts_90k: u64) -> Option<usize> {
        let after = self
            .frames
            .partition_point(|frame| frame.pts_90k <= pts_90k);
        after.checked_sub(1)
    }

    /// All tracks, in the order of their numbers.
    pub fn tracks(&self) -> Vec<u64> {
        let mut tracks: Vec<u64> = self.faces.iter().map(|face| face.track).collect();
        tracks.sort_unstable();
        tracks.dedup();
        tracks
    }

    /// When the last frame was captured, in ticks since the first.
    pub fn end_pts_90k(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.pts_90k)
    }

    /// Where a part of a video lies.
    ///
    /// # Errors
    /// [`SessionError::Read`] if it is not there, or is not a regular file but a link, say.
    pub fn video_path(&self, part: &Video) -> Result<PathBuf, SessionError> {
        let path = self.folder.join(&part.file);
        match files::open(&path) {
            Ok(_) => Ok(path),
            Err(source) => Err(SessionError::read(&path, source)),
        }
    }

    /// The parts of one of its videos, in order: the clean one if there is one, else the annotated one.
    pub fn video_parts(&self) -> Vec<&Video> {
        let videos = &self.manifest.video;
        let has_clean = videos.iter().any(|part| !part.annotated);
        let wanted = videos.iter().filter(|part| part.annotated != has_clean);
        wanted.collect()
    }
}

pub(crate) fn table<R: Row>(folder: &Path) -> Result<Vec<R>, SessionError> {
    let file = folder.join(R::FILE);
    // A recording may be interrupted before it has written anything.
    if fs::symlink_metadata(&file).is_err_and(|err| err.kind() == ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    tables::read(&file)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{manifest, tables::tests::face},
        *,
    };
    use crate::session::tables::{FrameStatus, Lines};

    fn write<R: Row>(folder: &Path, rows: &[R]) {
        let mut lines = Lines::<R>::default();
        let mut text = lines.header().to_vec();
        text.extend_from_slice(lines.rows(rows));
        fs::write(folder.join(R::FILE), text).unwrap();
    }

    #[test]
    fn faces_are_found_by_frame_and_frames_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = manifest::tests::manifest();
        let video = |file: &str, annotated| Video {
            file: file.to_owned(),
            annotated,
            width: 64,
            height: 48,
            first_frame: 0,
            first_pts_90k: 0,
            codec: "H.264".to_owned(),
            encoder: String::new(),
            n_frames: Some(3),
            n_bytes: Some(1),
        };
        manifest.video = vec![video("video.mp4", true)];
        manifest.write(folder.path()).unwrap();
        let frame = |frame: u64| FrameRow {
            frame,
            pts_90k: frame * 3000,
            unix_s: 0.0,
            source_s: 0.0,
            status: FrameStatus::Analysed,
            video_frame: None,
            n_faces: None,
            latency: None,
        };
        write(folder.path(), &[frame(0), frame(1), frame(2)]);
        write(
            folder.path(),
            &[face(2, 5, 0.2), face(2, 1, 0.2), face(0, 1, 0.2)],
        );
        let mut session = Session::open(folder.path()).unwrap();
        assert_eq!(session.events, Vec::new(), "no such file");
        let tracks_of = |session: &Session, frame| {
            let faces = session.faces_of(frame).iter();
            faces.map(|face| face.track).collect::<Vec<_>>()
        };
        assert_eq!(tracks_of(&session, 0), [1]);
        assert_eq!(tracks_of(&session, 1), [0; 0]);
        assert_eq!(tracks_of(&session, 2), [1, 5]);
        assert_eq!(session.tracks(), [1, 5]);
        let at = [0, 2999, 3000, 1 << 40].map(|pts| session.frame_at(pts));
        assert_eq!(at, [Some(0), Some(0), Some(1), Some(2)]);
        assert_eq!(session.end_pts_90k(), 6000);
        assert_eq!(session.video_parts()[0].file, "video.mp4");
        session.manifest.video.push(video("clean.mp4", false));
        assert_eq!(session.video_parts()[0].file, "clean.mp4");
        assert_eq!(session.video_parts().len(), 1);
    }
}
