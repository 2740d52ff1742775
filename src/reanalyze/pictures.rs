//! Which pictures of a session can still be read, and which of its frames they are.
//!
//! The original file comes first, since it shows exactly what was seen; then the clean video; then the annotated one, on
//! which boxes and names are drawn, over the edges of faces too. In a video a frame is found by its time: `pts_90k`
//! counts from the session's first frame, and a part of a video from its own first picture. In the original it is found by
//! `source_s`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::ReanalyzeError;
use crate::{
    frame::Resolution,
    session::{
        Session,
        manifest::{Source, Video},
        tables::FrameRow,
    },
    time::TICKS_PER_SECOND,
};

/// How far the times of a frame may be apart, in ticks: 1 ms, which is what containers round to that count in
/// milliseconds.
const TOLERANCE_90K: u64 = TICKS_PER_SECOND / 1000;

/// Pictures a second in an AVI file whose source did not say how many.
const USUAL_RATE_HZ: f64 = 30.0;

/// Where pictures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureKind {
    /// The file that was looked at when the session was recorded.
    Original,
    /// The session's video without boxes.
    Clean,
    /// The session's video with boxes and names drawn on it.
    Annotated,
}

/// The files that show a session.
pub(super) struct Pictures {
    pub kind: PictureKind,
    pub clips: Vec<Clip>,
}

/// A file and the frames that are looked for in it.
pub(super) struct Clip {
    pub file: PathBuf,
    /// The size that its pictures should have.
    pub resolution: Resolution,
    /// How far the times of a frame may be apart, in ticks.
    tolerance_90k: u64,
    /// Times in the file, in ticks, with positions in the session's frames; in order of time.
    wanted: Vec<(u64, usize)>,
}

impl Pictures {
    /// What should be known when results are read.
    pub fn warning(&self) -> Option<&'static str> {
        match self.kind {
            PictureKind::Annotated => Some(
                "the network was shown the annotated video: boxes and names are drawn on it, also across faces; \
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
    fn new(file: PathBuf, resolution: Resolution, mut wanted: Vec<(u64, usize)>) -> Self {
        wanted.sort_unstable();
        Self {
            file,
            resolution,
            tolerance_90k: TOLERANCE_90K,
            wanted,
        }
    }

    /// The frames that a picture at this time is, as positions in the session's. A file that was played twice, or gone
    /// back in, has several for a picture.
    pub fn frames_at(&self, time_90k: u64) -> impl Iterator<Item = &usize> {
        let from = time_90k.saturating_sub(self.tolerance_90k);
        let start = self.wanted.partition_point(|(time, _)| *time < from);
        let end = self
            .wanted
            .partition_point(|(time, _)| *time <= time_90k + self.tolerance_90k);
        self.wanted[start..end].iter().map(|(_, row)| row)
    }

    /// Whether no later picture is looked for.
    pub fn is_over(&self, time_90k: u64) -> bool {
        let last = self.wanted.last();
        last.is_none_or(|(time, _)| *time + self.tolerance_90k < time_90k)
    }
}

/// The best pictures that there are.
///
/// # Errors
/// [`ReanalyzeError::NoPictures`].
pub(super) fn find(session: &Session) -> Result<Pictures, ReanalyzeError> {
    let source = &session.manifest.source;
    if let Some(file) = original(source) {
        let wanted = with_faces(session)
            .filter(|(_, frame)| frame.source_s >= 0.0)
            .map(|(row, frame)| {
                (
                    (frame.source_s * TICKS_PER_SECOND as f64).round() as u64,
                    row,
                )
            });
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
        return Err(refuse(format!("faces were hidden in its video ({how})")));
    }
    let kind = if first.annotated {
        PictureKind::Annotated
    } else {
        PictureKind::Clean
    };
    let clips = parts.iter().enumerate();
    let clips = clips.map(|(index, part)| part_clip(session, part, parts.get(index + 1).copied()));
    let clips: Vec<Clip> = clips.collect();
    // A link would lead elsewhere.
    if let Some(clip) = clips.iter().find(|clip| clip.file.is_symlink()) {
        let file = clip.file.display();
        return Err(refuse(format!(
            "{file} is a link, and a session holds only files of its own"
        )));
    }
    Ok(Pictures { kind, clips })
}

/// The file that was looked at, if it is one and is still there.
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
        .filter_map(|(row, frame)| Some((frame.pts_90k.checked_sub(part.first_pts_90k)?, row)));
    let file = session.folder.join(&part.file);
    let resolution = Resolution::new(part.width, part.height);
    let is_avi = file.extension().is_some_and(|extension| extension == "avi");
    let mut clip = Clip::new(file, resolution, wanted.collect());
    if is_avi {
        // AVI has one constant rate; a picture stands within half a frame of its time.
        let rate_hz = session
            .manifest
            .source
            .nominal_rate_hz
            .unwrap_or(USUAL_RATE_HZ);
        clip.tolerance_90k = (TICKS_PER_SECOND as f64 / rate_hz.max(1.0) / 2.0) as u64;
    }
    clip
}

/// The frames in which a face was found, with their positions.
fn with_faces(session: &Session) -> impl Iterator<Item = (usize, &FrameRow)> {
    session.frames.iter().enumerate().filter(|(_, frame)| {
        let mut faces = session.faces_of(frame.frame).iter();
        faces.any(|face| face.unseen_for.is_zero())
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
        let mut rows_at = |file: &str, time_90k: u64| -> Vec<usize> {
            session.manifest.video = vec![video(file, false, 0, 0)];
            let pictures = find(&session).unwrap();
            pictures.clips[0].frames_at(time_90k).copied().collect()
        };
        // Frame 1 was taken at 9000 ticks; at 30 Hz half a frame is 1500.
        assert_eq!(rows_at("clean.avi", 10_400), [1]);
        assert_eq!(rows_at("clean.avi", 10_600), [0; 0]);
        assert_eq!(rows_at("clean.mp4", 9_090), [1]);
        assert_eq!(rows_at("clean.mp4", 9_100), [0; 0]);
    }
}
