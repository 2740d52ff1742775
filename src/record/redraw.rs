//! Draws a session's video again: with or without boxes, with or without covered faces.
//!
//! This is for sharing a recording: a session recorded with visible faces becomes a video in which all of them, or all
//! but some, are covered. The session itself is not changed. A frame that was not analyzed says nothing about where
//! faces are. So, as in a recording, frames are covered completely where nothing was known about faces for two seconds.

use std::{fs, ops::ControlFlow, path::Path};

use super::{
    RecordError, VideoChoice,
    videos::{Drawn, Videos},
};
use crate::{
    capture::{self, CaptureError, FrameSource, SourceSpec},
    frame::{Frame, FramePool},
    pipeline::FaceAnalysis,
    privacy::FacePrivacy,
    result_file::rename,
    session::{
        Session, SessionError, folder,
        manifest::Video,
        tables::{FaceRow, FrameRow, FrameStatus},
        timeline::FrameSpans,
    },
};

/// The folder for incomplete videos, in the new folder.
const PARTIAL: &str = "video.partial";

/// Why a video could not be redrawn. Users see these messages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedrawError {
    /// There is no video.
    #[error("{} has no video to redraw: only values were recorded", folder.display())]
    NoVideo {
        /// The session.
        folder: std::path::PathBuf,
    },
    /// No frame of the video has a row, so nothing is known about any.
    #[error("{} has no row for any frame of its video; the times of the rows or of the frames are damaged", folder.display())]
    NoRows {
        /// The session.
        folder: std::path::PathBuf,
    },
    /// Whoever asked for it does not want it any more.
    #[error("canceled")]
    Canceled,
    /// The old video could not be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The new one could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// The result of [`redraw`].
#[derive(Debug, Clone, PartialEq)]
pub struct Redrawn {
    /// The videos in the new folder.
    pub videos: Vec<Video>,
    /// Whether the recorded boxes and labels are still visible, because there was no clean video.
    pub has_old_boxes: bool,
}

/// Redraws a session's video into a new folder. `progress` is called with the number of finished frames after each frame of the old
/// video, and may end the work.
///
/// # Errors
/// [`RedrawError`]; what was written until then stays in the folder `video.partial` in the new one, unless the work was
/// canceled.
pub fn redraw(
    session: &Session,
    choice: VideoChoice,
    privacy: Option<&FacePrivacy>,
    out: &Path,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Redrawn, RedrawError> {
    let parts = session.video_parts();
    if parts.is_empty() || choice == VideoChoice::None {
        return Err(RedrawError::NoVideo {
            folder: session.folder.clone(),
        });
    }
    if !choice.is_built() {
        return Err(RecordError::NoOverlay.into());
    }
    let open = |part: &Video| {
        let path = session.video_path(part)?;
        Ok::<_, RedrawError>(capture::open(&SourceSpec::Path(path))?)
    };
    // Opened before anything is created.
    let mut first = Some(open(parts[0])?);
    let partial = out.join(PARTIAL);
    folder::create(out)?;
    folder::create(&partial)?;
    let rate_hz = session.manifest.source.nominal_rate_hz;
    let mut videos = Videos::new(&partial, choice, rate_hz);
    videos.set_privacy(privacy.cloned());
    let spans = session.frame_spans();
    let mut n_done = 0;
    for part in &parts {
        let mut source = match first.take() {
            Some(first) => first,
            None => open(part)?,
        };
        let mut read = |is_drawn: bool| {
            n_done += u64::from(is_drawn);
            progress(n_done)
        };
        let drawn = draw_part(session, &spans, part, &mut *source, &mut videos, &mut read);
        if matches!(drawn, Err(RedrawError::Canceled)) {
            drop(videos);
            // Both were made above. If they cannot be removed, their names say what they are.
            fs::remove_dir_all(&partial)
                .and_then(|()| fs::remove_dir(out))
                .ok();
            return Err(RedrawError::Canceled);
        }
        drawn?;
    }
    videos.finish().map_err(RecordError::from)?;
    if n_done == 0 {
        // Both are empty.
        fs::remove_dir(&partial)
            .and_then(|()| fs::remove_dir(out))
            .ok();
        return Err(RedrawError::NoRows {
            folder: session.folder.clone(),
        });
    }
    let videos = videos.entries();
    for video in &videos {
        let complete = out.join(&video.file);
        rename(&partial.join(&video.file), &complete)
            .map_err(|source| SessionError::write(&complete, source))?;
    }
    // An empty folder that cannot be removed is harmless.
    fs::remove_dir(&partial).ok();
    Ok(Redrawn {
        has_old_boxes: parts[0].annotated,
        videos,
    })
}

fn draw_part(
    session: &Session,
    spans: &FrameSpans,
    part: &Video,
    source: &mut dyn FrameSource,
    videos: &mut Videos,
    read: &mut dyn FnMut(bool) -> ControlFlow<()>,
) -> Result<(), RedrawError> {
    let pool = FramePool::default();
    while let Some(mut frame) = source.next_frame(&pool)? {
        let time = part.first_time + frame.time.into();
        // The time in the session: each part of the video begins at zero.
        frame.time = time.into();
        let row = session.row_in_video(time);
        if let Some(row) = row {
            draw_frame(session, spans, row, &frame, videos)?;
        }
        if read(row.is_some()).is_break() {
            return Err(RedrawError::Canceled);
        }
    }
    Ok(())
}

fn draw_frame(
    session: &Session,
    spans: &FrameSpans,
    row: &FrameRow,
    frame: &Frame,
    videos: &mut Videos,
) -> Result<(), RedrawError> {
    if row.status == FrameStatus::Analyzed {
        videos.see_faces(frame.time, &analyses(session.faces_of(row.frame)));
    }
    let shown = spans.at(row.time);
    let faces = shown.map_or(&[][..], |span| session.faces_of(span.frame));
    let model = faces.first().map_or(0, |row| row.model);
    let drawn = Drawn {
        faces: &analyses(faces),
        uncertain_below: session.manifest.uncertain_below(model),
        names: &session.manifest.face_names,
    };
    let written = videos.write(frame, row.frame, row.time, drawn);
    written.map_err(RecordError::from)?;
    Ok(())
}

fn analyses(rows: &[FaceRow]) -> Vec<FaceAnalysis> {
    rows.iter().map(|row| row.face).collect()
}

impl From<SessionError> for RedrawError {
    fn from(error: SessionError) -> Self {
        Self::Record(error.into())
    }
}
