//! The frames of a session as a source: its video, part by part, or blank frames.
//!
//! Each part's own clock starts at zero; frames leave here with the session's time, which finds everything else of it.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::loaded_session::{LoadedSession, ReplayVideo};
use crate::{
    capture::{self, CaptureError, FrameSource, SourceInfo, SourceKind, SourceSpec},
    frame::{Frame, FrameId, FramePool, RGBA_BYTES, Resolution},
    ui::words::text,
};

/// Longest side of a blank frame, px: it has only one color.
const BLANK_SIDE_PX: u32 = 32;

/// Color of a blank frame.
const BLANK: [u8; RGBA_BYTES] = [0x2A, 0x2F, 0x36, 0xFF];

/// Opens the video of a session, or blank frames if it has none.
///
/// # Errors
/// A [`CaptureError`] if a video cannot be played.
pub fn open(loaded: &Arc<LoadedSession>) -> Result<Box<dyn FrameSource>, CaptureError> {
    Ok(match loaded.video {
        ReplayVideo::None => Box::new(BlankFrames::new(Arc::clone(loaded))),
        ReplayVideo::Clean | ReplayVideo::Annotated => Box::new(VideoFrames::open(loaded)?),
    })
}

fn info(loaded: &LoadedSession, resolution: Resolution, format: String) -> SourceInfo {
    let n_frames = loaded.session.frames.len() as u64;
    SourceInfo {
        name: loaded.session.name(),
        kind: SourceKind::File,
        resolution,
        rate_hz: loaded.session.manifest.source.nominal_rate_hz,
        n_frames: Some(n_frames),
        duration: Some(loaded.duration),
        format,
        mirror_by_default: false,
    }
}

/// A session's video.
struct VideoFrames {
    info: SourceInfo,
    parts: Vec<Part>,
    /// Index of the part being read.
    at: usize,
    source: Box<dyn FrameSource>,
}

struct Part {
    path: PathBuf,
    starts_at: Duration,
    first_frame: u64,
}

impl VideoFrames {
    fn open(loaded: &LoadedSession) -> Result<Self, CaptureError> {
        let session = &loaded.session;
        let parts: Vec<Part> = session
            .video_parts()
            .into_iter()
            // A file that was replaced by a link, say, is not opened.
            .filter_map(|part| Some((session.video_path(part).ok()?, part)))
            .map(|(path, part)| Part {
                path,
                starts_at: part.first_time.into(),
                first_frame: part.first_frame,
            })
            .collect();
        let Some(first) = parts.first() else {
            return Err(CaptureError::unsupported(
                &session.folder,
                text!("replay-no-video"),
            ));
        };
        let source = first.open()?;
        let own = source.info();
        Ok(Self {
            info: info(loaded, own.resolution, own.format.clone()),
            parts,
            at: 0,
            source,
        })
    }

    fn change_to(&mut self, at: usize) -> Result<(), CaptureError> {
        self.source = self.parts[at].open()?;
        self.at = at;
        self.info.resolution = self.source.info().resolution;
        Ok(())
    }
}

impl Part {
    fn open(&self) -> Result<Box<dyn FrameSource>, CaptureError> {
        capture::open(&SourceSpec::Path(self.path.clone()))
    }
}

impl FrameSource for VideoFrames {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        loop {
            if let Some(mut frame) = self.source.next_frame(pool)? {
                let part = &self.parts[self.at];
                frame.id = FrameId(part.first_frame + frame.id.0);
                frame.time += part.starts_at;
                return Ok(Some(frame));
            }
            if self.at + 1 == self.parts.len() {
                return Ok(None);
            }
            self.change_to(self.at + 1)?;
        }
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let after = self.parts.partition_point(|part| part.starts_at <= time);
        let at = after.saturating_sub(1);
        if at != self.at {
            self.change_to(at)?;
        }
        let time_in_part = time.saturating_sub(self.parts[at].starts_at);
        self.source.seek(time_in_part)
    }
}

/// A blank frame for every captured one, so that boxes and values can be watched without a video.
struct BlankFrames {
    info: SourceInfo,
    loaded: Arc<LoadedSession>,
    next: usize,
}

impl BlankFrames {
    fn new(loaded: Arc<LoadedSession>) -> Self {
        let source = &loaded.session.manifest.source;
        let scale = blank_scale(Resolution::new(source.width, source.height));
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let resolution = Resolution::new(side(source.width), side(source.height));
        Self {
            info: info(&loaded, resolution, text!("replay-values-only").to_owned()),
            loaded,
            next: 0,
        }
    }
}

impl FrameSource for BlankFrames {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let Some(row) = self.loaded.session.frames.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        let mut rgba = pool.buffer(self.info.resolution);
        for pixel in rgba.chunks_exact_mut(RGBA_BYTES) {
            pixel.copy_from_slice(&BLANK);
        }
        Ok(Some(Frame::new(
            FrameId(row.frame),
            Instant::now(),
            row.time.into(),
            self.info.resolution,
            rgba,
        )))
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        self.next = self.loaded.session.frame_at(time.into()).unwrap_or(0);
        Ok(true)
    }
}

/// Scale from the source to a blank frame.
fn blank_scale(size: Resolution) -> f32 {
    BLANK_SIDE_PX as f32 / size.width_px.max(size.height_px).max(1) as f32
}
