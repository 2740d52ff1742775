//! The pictures of a session as a source: its video, part by part, or none at all.
//!
//! A video's own clock starts at zero in each part; frames leave here with the session's time, by which everything else
//! of it is found.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::recording::{Picture, Recording};
use crate::{
    capture::{self, CaptureError, FrameSource, SourceInfo, SourceKind, SourceSpec},
    frame::{Frame, FrameId, FramePool, RGBA_BYTES, Resolution},
};

/// Longest side of the pictures that stand for those that were not recorded, px: they are of one colour.
const BLANK_SIDE_PX: u32 = 32;

/// Their colour.
const BLANK: [u8; RGBA_BYTES] = [0x2A, 0x2F, 0x36, 0xFF];

/// Opens what there is to see of `recording`.
///
/// # Errors
/// A [`CaptureError`] if a video cannot be played.
pub fn open(recording: &Arc<Recording>) -> Result<Box<dyn FrameSource>, CaptureError> {
    Ok(match recording.picture {
        Picture::None => Box::new(BlankFilm::new(Arc::clone(recording))),
        Picture::Clean | Picture::Annotated => Box::new(Film::open(recording)?),
    })
}

fn info(recording: &Recording, resolution: Resolution, format: String) -> SourceInfo {
    let n_frames = recording.session.frames.len() as u64;
    SourceInfo {
        name: recording.session.name(),
        kind: SourceKind::File,
        resolution,
        rate_hz: recording.session.manifest.source.nominal_rate_hz,
        n_frames: Some(n_frames),
        duration: Some(recording.duration),
        format,
        mirror_by_default: false,
    }
}

/// A session's video.
struct Film {
    info: SourceInfo,
    parts: Vec<Part>,
    /// The part being read, by its place.
    at: usize,
    source: Box<dyn FrameSource>,
}

struct Part {
    path: PathBuf,
    starts_at: Duration,
    first_frame: u64,
}

impl Film {
    fn open(recording: &Recording) -> Result<Self, CaptureError> {
        let session = &recording.session;
        let parts: Vec<Part> = session
            .video_parts()
            .into_iter()
            // What has become something else since it was looked at is not opened.
            .filter_map(|part| Some((session.video_path(part).ok()?, part)))
            .map(|(path, part)| Part {
                path,
                starts_at: part.first_time.into(),
                first_frame: part.first_frame,
            })
            .collect();
        let Some(first) = parts.first() else {
            return Err(CaptureError::Unsupported {
                path: session.folder.clone(),
                reason: "the session has no video".to_owned(),
            });
        };
        let source = first.open()?;
        let own = source.info();
        Ok(Self {
            info: info(recording, own.resolution, own.format.clone()),
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

impl FrameSource for Film {
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

/// A blank picture for every captured frame, so that boxes and values can be watched without a video.
struct BlankFilm {
    info: SourceInfo,
    recording: Arc<Recording>,
    next: usize,
}

impl BlankFilm {
    fn new(recording: Arc<Recording>) -> Self {
        let source = &recording.session.manifest.source;
        let scale = blank_scale(Resolution::new(source.width, source.height));
        let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
        let resolution = Resolution::new(side(source.width), side(source.height));
        Self {
            info: info(&recording, resolution, "values only".to_owned()),
            recording,
            next: 0,
        }
    }
}

impl FrameSource for BlankFilm {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        let Some(row) = self.recording.session.frames.get(self.next) else {
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
        self.next = self.recording.session.frame_at(time.into()).unwrap_or(0);
        Ok(true)
    }
}

/// What a blank picture is scaled by.
fn blank_scale(size: Resolution) -> f32 {
    BLANK_SIDE_PX as f32 / size.width_px.max(size.height_px).max(1) as f32
}
