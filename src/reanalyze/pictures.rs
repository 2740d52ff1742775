//! Finds the files that show a session, and its frames in them.
//!
//! The original file is preferred, because it shows exactly what was seen; then the clean video; then the annotated
//! one, whose boxes and labels cover parts of faces. In a video a frame is found by its time: the session's times count
//! from its first frame, and those of a part of a video from its own first frame. In the original it is found by
//! `source_s`. In this file a *picture* is a frame of such a file.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::ReanalyzeError;
use crate::{
    frame::Resolution,
    session::{
        Session,
        manifest::{Source, Video},
        tables::{FaceRow, FrameRow},
    },
    time::Ticks,
};

/// Maximum distance of a frame's times: some containers round to milliseconds.
const TOLERANCE: Ticks = Ticks::from_millis(1);

/// Assumed frame rate of an AVI file whose source did not state one.
const USUAL_RATE_HZ: f64 = 30.0;

/// Where pictures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureKind {
    /// The file that was open when the session was recorded.
    Original,
    /// The session's video without boxes.
    Clean,
    /// The session's video with boxes and labels.
    Annotated,
}

/// The files that show a session.
pub(super) struct Pictures {
    pub kind: PictureKind,
    pub clips: Vec<Clip>,
}

/// A file and the frames to find in it.
pub(super) struct Clip {
    pub file: PathBuf,
    /// The expected size of its pictures.
    pub resolution: Resolution,
    /// Maximum distance of a frame's times.
    tolerance: Ticks,
    /// Times in the file with positions in [`Session::frames`], in order of time.
    wanted: Vec<(Ticks, usize)>,
}

impl Pictures {
    /// A caveat for reading the results.
    pub fn warning(&self) -> Option<&'static str> {
        match self.kind {
            PictureKind::Annotated => Some(
                "the network classified the annotated video, in which boxes and labels cover parts of faces; \
                 record with --video clean or both to avoid that",
            ),
            PictureKind::Original | PictureKind::Clean => None,
        }
    }

    /// Number of frames with faces in all files.
    pub fn n_wanted(&self) -> u64 {
        self.clips.iter().map(|clip| clip.wanted.len() as u64).sum()
    }

    /// The files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.clips.iter().map(|clip| clip.file.clone()).collect()
    }
}

impl Clip {
    fn new(file: PathBuf, resolution: Resolution, mut wanted: Vec<(Ticks, usize)>) -> Self {
        wanted.sort_unstable();
        Self {
            file,
            resolution,
            tolerance: TOLERANCE,
            wanted,
        }
    }

    /// The frames that a picture at this time shows, as positions in [`Session::frames`]. A file that was played twice,
    /// or sought back in, has several.
    pub fn frames_at(&self, time: Ticks) -> impl Iterator<Item = &usize> {
        let (from, to) = (time.saturating_sub(self.tolerance), time + self.tolerance);
        let start = self.wanted.partition_point(|(wanted, _)| *wanted < from);
        let end = self.wanted.partition_point(|(wanted, _)| *wanted <= to);
        self.wanted[start..end].iter().map(|(_, row)| row)
    }

    /// Whether no later picture is needed.
    pub fn is_over(&self, time: Ticks) -> bool {
        let last = self.wanted.last();
        last.is_none_or(|(wanted, _)| *wanted + self.tolerance < time)
    }
}

/// The best available pictures.
///
/// # Errors
/// [`ReanalyzeError::NoPictures`].
pub(super) fn find(session: &Session) -> Result<Pictures, ReanalyzeError> {
    let source = &session.manifest.source;
    if let Some(file) = original(source) {
        let wanted = with_faces(session)
            .filter(|(_, frame)| frame.source_s >= 0.0)
            .map(|(row, frame)| (Ticks::from_secs_f64(frame.source_s), row));
        let resolution = Resolution::new(source.width, source.height);
        let clip = Clip::new(file.to_owned(), resolution, wanted.collect());
        return Ok(Pictures {
            kind: PictureKind::Original,
            clips: vec![clip],
        });
    }
    let refuse = |reason: String| ReanalyzeError::NoPictures {
        folder: session.folder.clone(),
        reason,
    };
    let parts = session.video_parts();
    let Some(first) = parts.first() else {
        return Err(refuse(match &source.path {
            Some(path) => format!("only values were recorded, and {path} is gone"),
            None => "only values were recorded; record with --video clean or both".to_owned(),
        }));
    };
    if let Some(how) = &session.manifest.settings.privacy {
        return Err(refuse(format!("faces are covered in its video ({how})")));
    }
    let kind = if first.annotated {
        PictureKind::Annotated
    } else {
        PictureKind::Clean
    };
    let clips = parts.iter().enumerate();
    let clips = clips.map(|(index, part)| part_clip(session, part, parts.get(index + 1).copied()));
    let clips: Vec<Clip> = clips.collect();
    // A link could lead anywhere.
    if let Some(clip) = clips.iter().find(|clip| clip.file.is_symlink()) {
        let file = clip.file.display();
        return Err(refuse(format!(
            "{file} is a link, and a session holds only regular files"
        )));
    }
    Ok(Pictures { kind, clips })
}

/// The original file, if it still exists.
fn original(source: &Source) -> Option<&Path> {
    let path = source.path.as_deref().map(Path::new);
    path.filter(|path| source.kind == "file" && (path.is_file() || path.is_dir()))
}

fn part_clip(session: &Session, part: &Video, next: Option<&Video>) -> Clip {
    let is_in_part = |frame: &FrameRow| {
        frame.video_frame.is_some()
            && frame.frame >= part.first_frame
            && next.is_none_or(|next| frame.frame < next.first_frame)
    };
    let wanted = with_faces(session)
        .filter(|(_, frame)| is_in_part(frame))
        .filter_map(|(row, frame)| Some((frame.time.checked_sub(part.first_time)?, row)));
    let file = session.folder.join(&part.file);
    let resolution = Resolution::new(part.width, part.height);
    let is_avi = file.extension().is_some_and(|extension| extension == "avi");
    let mut clip = Clip::new(file, resolution, wanted.collect());
    if is_avi {
        // AVI has a constant rate; a picture is within half a frame of its time.
        let rate_hz = session
            .manifest
            .source
            .nominal_rate_hz
            .unwrap_or(USUAL_RATE_HZ);
        clip.tolerance = Ticks::from_secs_f64(1.0 / rate_hz.max(1.0) / 2.0);
    }
    clip
}

/// The frames in which a face was found, with their positions.
fn with_faces(session: &Session) -> impl Iterator<Item = (usize, &FrameRow)> {
    session.frames.iter().enumerate().filter(|(_, frame)| {
        let mut faces = session.faces_of(frame.frame).iter();
        faces.any(FaceRow::is_found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::fixtures::{two_people, video};

    #[test]
    fn pictures_in_avi_files_stand_near_their_times() {
        let mut session = two_people();
        for frame in &mut session.frames {
            frame.video_frame = Some(frame.frame);
        }
        let mut rows_at = |file: &str, ticks: u64| -> Vec<usize> {
            session.manifest.video = vec![video(file, false, 0, 0)];
            let pictures = find(&session).unwrap();
            pictures.clips[0].frames_at(Ticks(ticks)).copied().collect()
        };
        // Frame 1 was taken at 9000 ticks; at 30 Hz half a frame is 1500.
        assert_eq!(rows_at("clean.avi", 10_400), [1]);
        assert_eq!(rows_at("clean.avi", 10_600), [0; 0]);
        assert_eq!(rows_at("clean.mp4", 9_090), [1]);
        assert_eq!(rows_at("clean.mp4", 9_100), [0; 0]);
    }
}
