//! A session's video, drawn again from what was recorded: with boxes or without, with faces hidden.
//!
//! This is for passing a recording on: a session that was recorded with faces shown becomes a video with all of them
//! hidden, or all but some. The session itself is not changed. What a newcomer would get wrong: a frame that was not
//! analysed says nothing about where faces are, so the whole of it is covered where faces are hidden and none was known
//! for two seconds, as in a recording.

use std::{fs, path::Path, sync::Arc};

use super::{
    RecordError, VideoChoice,
    pictures::{Drawn, Pictures, time_of},
};
use crate::{
    capture::{self, CaptureError, FrameSource, SourceSpec},
    detect::TrackId,
    frame::{Frame, FramePool},
    pipeline::FaceAnalysis,
    privacy::FacePrivacy,
    session::{
        Session, SessionError, folder,
        manifest::Video,
        tables::{FaceRow, FrameRow, FrameStatus, ticks},
    },
};

/// Faces of the last result are drawn on a frame without one for this long, as in a recording.
const MAX_FACES_AGE_90K: u64 = 63_000;
/// A picture stands within this of its row's time: times in files are rounded, in the AVI files of earlier versions
/// to half a frame.
const TOLERANCE_90K: u64 = 1_500;

/// Where the new videos are until they are complete, in the new folder.
const PARTIAL: &str = "video.partial";

/// Why a video could not be drawn again. The words are the ones users see.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedrawError {
    /// There is nothing to draw on.
    #[error("{} has no video to draw again: only values were recorded", folder.display())]
    NoVideo {
        /// The session.
        folder: std::path::PathBuf,
    },
    /// The old video could not be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The new one could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Redrawn {
    /// The videos in the new folder.
    pub videos: Vec<Video>,
    /// Whether boxes and names of the recording are still on the pictures, because there was no clean video.
    pub has_old_boxes: bool,
}

/// Draws a session's video again, into a new folder. `progress` is told how many pictures are done.
///
/// # Errors
/// [`RedrawError`]; what was written until then stays in a folder `video.partial` in the new one.
pub fn redraw(
    session: &Session,
    choice: VideoChoice,
    privacy: Option<&FacePrivacy>,
    out: &Path,
    progress: &mut dyn FnMut(u64),
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
    // Before anything is created.
    let mut first = Some(open(parts[0])?);
    let partial = out.join(PARTIAL);
    folder::create(out)?;
    folder::create(&partial)?;
    let rate_hz = session.manifest.source.nominal_rate_hz;
    let mut pictures = Pictures::new(&partial, choice, rate_hz);
    pictures.set_privacy(privacy.cloned());
    let mut n_done = 0;
    for part in &parts {
        let mut source = match first.take() {
            Some(first) => first,
            None => open(part)?,
        };
        draw_part(session, part, &mut *source, &mut pictures, &mut |()| {
            n_done += 1;
            progress(n_done);
        })?;
    }
    pictures.finish().map_err(RecordError::from)?;
    let videos = pictures.entries();
    for video in &videos {
        let complete = out.join(&video.file);
        fs::rename(partial.join(&video.file), &complete)
            .map_err(|source| SessionError::write(&complete, source))?;
    }
    // An empty folder that cannot be removed harms nobody.
    fs::remove_dir(&partial).ok();
    Ok(Redrawn {
        has_old_boxes: parts[0].annotated,
        videos,
    })
}

fn draw_part(
    session: &Session,
    part: &Video,
    source: &mut dyn FrameSource,
    pictures: &mut Pictures,
    done: &mut dyn FnMut(()),
) -> Result<(), RedrawError> {
    let pool = FramePool::default();
    let mut shown: Option<(u64, Vec<FaceAnalysis>)> = None;
    while let Some(mut frame) = source.next_frame(&pool)? {
        let pts_90k = part.first_pts_90k + ticks(frame.time);
        // By its time in the session, since parts each begin at zero.
        frame.time = time_of(pts_90k);
        let Some(row) = row_at(session, pts_90k) else {
            continue;
        };
        if row.status == FrameStatus::Analysed {
            let faces: Vec<FaceAnalysis> = session
                .faces_of(row.frame)
                .iter()
                .map(face_analysis)
                .collect();
            pictures.see_faces(frame.time, &faces);
            shown = Some((pts_90k, faces));
        }
        let faces: &[FaceAnalysis] = match &shown {
            Some((at, faces)) if pts_90k.saturating_sub(*at) <= MAX_FACES_AGE_90K => faces,
            _ => &[],
        };
        write(pictures, &Arc::new(frame), row, faces)?;
        done(());
    }
    Ok(())
}

fn write(
    pictures: &mut Pictures,
    frame: &Frame,
    row: &FrameRow,
    faces: &[FaceAnalysis],
) -> Result<(), RedrawError> {
    let drawn = Drawn {
        faces,
        uncertain_below: 0.0,
    };
    pictures
        .write(frame, row.frame, row.pts_90k, drawn)
        .map_err(RecordError::from)?;
    Ok(())
}

/// The row of the picture at this time: the nearest.
fn row_at(session: &Session, pts_90k: u64) -> Option<&FrameRow> {
    let after = session.frame_at(pts_90k + TOLERANCE_90K)?;
    let rows = &session.frames[after.saturating_sub(1)..=after];
    let distance = |row: &&FrameRow| row.pts_90k.abs_diff(pts_90k);
    rows.iter()
        .min_by_key(distance)
        .filter(|row| distance(row) <= TOLERANCE_90K)
}

fn face_analysis(face: &FaceRow) -> FaceAnalysis {
    FaceAnalysis {
        track: TrackId(face.track),
        box_in_frame: face.box_in_frame,
        score: face.score,
        unseen_for: face.unseen_for,
        shape: face.shape,
        raw: face.raw,
        smoothed: face.smoothed,
    }
}

impl From<SessionError> for RedrawError {
    fn from(error: SessionError) -> Self {
        Self::Record(error.into())
    }
}
