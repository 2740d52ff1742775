//! A recorded session, loaded: the one place to ask for its rows.
//!
//! Sessions that were interrupted load too: their tables are whole up to the last moment. Load sessions away from the
//! UI thread: an hour with three faces is some 50 MB of text.

use std::{
    fs,
    io::ErrorKind,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    MANIFEST_FILE, SessionError,
    annotations::{Annotations, Excluded},
    manifest::{Manifest, Model},
    tables::{self, EventRow, FaceRow, FrameRow, Row},
};
use crate::{error_text::error_text, expression::Labels, time::Ticks};

/// Maximum distance of the time of a video's frame from its row's: times in files are rounded, in the AVI files of earlier
/// versions to half a frame.
const TOLERANCE: Ticks = Ticks(1_500);

/// A session in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its folder.
    pub folder: PathBuf,
    /// Its description.
    pub manifest: Manifest,
    /// Every captured frame, in order of time.
    pub frames: Vec<FrameRow>,
    /// Every face, in order of frames.
    pub faces: Vec<FaceRow>,
    /// Everything that happened, in order of time.
    pub events: Vec<EventRow>,
    /// What was said about it afterward. Only [`Session::annotated`] applies it.
    pub annotations: Annotations,
    /// Why the annotations cannot be read, in a sentence without its period, if they cannot.
    pub annotations_problem: Option<String>,
    /// What [`Session::annotated`] has left out.
    pub left_out: LeftOut,
}

/// What does not count in a session, and is not in its rows any more.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeftOut {
    /// The spans of time, in order.
    pub spans: Vec<Excluded>,
    /// The usual interval between results before they were left out: how long the others hold must not depend on it.
    pub usual_interval: Option<Ticks>,
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
        // The recording itself is worth reading without them.
        let (annotations, annotations_problem) = match Annotations::read(folder) {
            Ok(annotations) => (annotations, None),
            Err(error) => {
                let problem = format!("{}; no annotation counts", error_text(&error));
                (Annotations::default(), Some(problem))
            }
        };
        let mut session = Self {
            folder: folder.to_owned(),
            manifest,
            frames: rows(folder)?,
            faces: rows(folder)?,
            events: rows(folder)?,
            annotations,
            annotations_problem,
            left_out: LeftOut::default(),
        };
        let labels = session.labels();
        if labels != session.manifest.labels {
            return Err(SessionError::Content {
                file: folder.join(FaceRow::FILE),
                line: Some(1),
                problem: format!(
                    "it has columns for the labels {}, but those of the session are {}",
                    labels.list(),
                    session.manifest.labels.list()
                ),
            });
        }
        // Rows are written in this order, but a table may have been edited by hand.
        session.frames.sort_by_key(|row| row.frame);
        session.faces.sort_by_key(|row| (row.frame, row.face.track));
        session.events.sort_by_key(|row| row.time);
        Ok(session)
    }

    /// The faces of a frame, by its number; a slice of [`Session::faces`].
    pub fn faces_of(&self, frame: u64) -> &[FaceRow] {
        &self.faces[self.face_range(frame)]
    }

    /// The positions of a frame's faces in [`Session::faces`].
    pub fn face_range(&self, frame: u64) -> Range<usize> {
        let start = self.faces.partition_point(|face| face.frame < frame);
        let n_faces = self.faces[start..].partition_point(|face| face.frame == frame);
        start..start + n_faces
    }

    /// The last frame that was captured at or before a time, as its position in [`Session::frames`].
    pub fn frame_at(&self, time: Ticks) -> Option<usize> {
        let after = self.frames.partition_point(|frame| frame.time <= time);
        after.checked_sub(1)
    }

    /// The row of the video's frame at this time, in the session's time.
    pub fn row_in_video(&self, time: Ticks) -> Option<&FrameRow> {
        let after = self.frame_at(time + TOLERANCE)?;
        let rows = &self.frames[after.saturating_sub(1)..=after];
        let distance = |row: &&FrameRow| row.time.abs_diff(time);
        rows.iter()
            .min_by_key(distance)
            .filter(|row| distance(row) <= TOLERANCE)
    }

    /// The labels of all probabilities.
    pub fn labels(&self) -> Labels {
        let first = self.faces.first();
        first.map_or(self.manifest.labels, |row| row.face.smoothed.labels())
    }

    /// When the last frame was captured.
    pub fn last_time(&self) -> Ticks {
        self.frames.last().map_or(Ticks::ZERO, |frame| frame.time)
    }

    /// What the session is called: its folder's name.
    pub fn name(&self) -> String {
        let name = self.folder.file_name();
        let name = name.unwrap_or(self.folder.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// The names of the networks that read the expressions, in words.
    pub fn networks(&self) -> String {
        match self.manifest.models[..] {
            [] => "no network".to_owned(),
            ref models => names(models),
        }
    }

    /// The names of the second networks, in words; empty if there were none.
    pub fn second_networks(&self) -> String {
        names(&self.manifest.second_models)
    }
}

fn names(models: &[Model]) -> String {
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    names.join(", ")
}

pub(crate) fn rows<R: Row>(folder: &Path) -> Result<Vec<R>, SessionError> {
    let file = folder.join(R::FILE);
    // A recording may be interrupted before it writes anything.
    if fs::symlink_metadata(&file).is_err_and(|err| err.kind() == ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    tables::read(&file)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fixtures, manifest, tables::tests::face},
        *,
    };

    fn write<R: Row>(folder: &Path, rows: &[R]) {
        fs::write(folder.join(R::FILE), tables::table(Labels::FER_2013, rows)).unwrap();
    }

    #[test]
    fn faces_are_found_by_frame_and_frames_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = manifest::tests::manifest();
        manifest.video = vec![fixtures::video("video.mp4", true, 0, 0)];
        manifest.write(folder.path()).unwrap();
        let frames = fixtures::two_people().frames.into_iter().take(3);
        let frames = frames.map(|row| FrameRow {
            time: Ticks(row.frame * 3000),
            ..row
        });
        write(folder.path(), &frames.collect::<Vec<_>>());
        write(
            folder.path(),
            &[face(2, 5, 0.2), face(2, 1, 0.2), face(0, 1, 0.2)],
        );
        let mut session = Session::open(folder.path()).unwrap();
        assert_eq!(session.events, Vec::new(), "no such file");
        let tracks_of = |session: &Session, frame| {
            let faces = session.faces_of(frame).iter();
            faces.map(|row| row.face.track.0).collect::<Vec<_>>()
        };
        assert_eq!(tracks_of(&session, 0), [1]);
        assert_eq!(tracks_of(&session, 1), [0; 0]);
        assert_eq!(tracks_of(&session, 2), [1, 5]);
        let at = [0, 2999, 3000, 1 << 40].map(|ticks| session.frame_at(Ticks(ticks)));
        assert_eq!(at, [Some(0), Some(0), Some(1), Some(2)]);
        assert_eq!(session.last_time(), Ticks(6000));
        assert_eq!(session.video_parts()[0].file, "video.mp4");
        session
            .manifest
            .video
            .push(fixtures::video("clean.mp4", false, 0, 0));
        assert_eq!(session.video_parts()[0].file, "clean.mp4");
        assert_eq!(session.video_parts().len(), 1);
    }
}
