//! The videos of a session: what is drawn on each picture, and a new part where the picture changes its size.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::video::{self, VideoError, VideoSettings, VideoWriter};
#[cfg(feature = "overlay")]
use crate::overlay::{Offscreen, OverlayLook};
use crate::{
    frame::{Frame, Resolution},
    pipeline::{Analysis, FaceAnalysis},
    privacy::{FacePrivacy, PrivacyTracker, Sighting},
    session::{SessionError, files, manifest::Video},
    time::TICKS_PER_SECOND,
};

/// Where faces are covered, and nothing was known about the faces of a frame for longer than this, all of it is covered.
const MAX_BLIND: Duration = Duration::from_secs(2);

/// What the files of the first video begin with. Rows count its pictures.
pub(super) const FIRST_STEM: &str = "video";

/// Which videos a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoChoice {
    /// With boxes and names, as people saw it.
    Annotated,
    /// The pictures alone.
    Clean,
    /// One of each.
    Both,
    /// No pixels at all, only values.
    None,
}

impl Default for VideoChoice {
    /// With boxes and names, where this build can draw them.
    fn default() -> Self {
        if cfg!(feature = "overlay") {
            Self::Annotated
        } else {
            Self::Clean
        }
    }
}

impl VideoChoice {
    /// All choices.
    pub const ALL: [Self; 4] = [Self::Annotated, Self::Clean, Self::Both, Self::None];

    /// The word for it on the command line and in `session.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Annotated => "annotated",
            Self::Clean => "clean",
            Self::Both => "both",
            Self::None => "none",
        }
    }

    /// Whether this build can record it: boxes and names need the feature `overlay`.
    pub const fn is_built(self) -> bool {
        cfg!(feature = "overlay") || matches!(self, Self::Clean | Self::None)
    }

    /// For each video whether it is annotated.
    const fn videos(self) -> &'static [bool] {
        match self {
            Self::Annotated => &[true],
            Self::Clean => &[false],
            Self::Both => &[true, false],
            Self::None => &[],
        }
    }
}

/// What is drawn on a picture.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(feature = "overlay"),
    expect(dead_code, reason = "only the overlay draws")
)]
pub(super) struct Drawn<'a> {
    /// The faces, each with its box and its name.
    pub faces: &'a [FaceAnalysis],
    /// Below this probability, 0 to 1, no expression is named.
    pub uncertain_below: f32,
}

/// Where a picture went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its number in the present part of the first video, if the encoder gave it one.
    pub video_frame: Option<u64>,
    /// The number of the part, from 1, that it began, if it did.
    pub begins_part: Option<u32>,
}

/// The videos of one session, in parts of one size each.
pub(super) struct Pictures {
    folder: PathBuf,
    choice: VideoChoice,
    nominal_rate_hz: f64,
    /// The present part of each video.
    writing: Vec<Writing>,
    resolution: Resolution,
    n_parts: u32,
    /// Parts that are over.
    finished: Vec<Video>,
    n_finished_bytes: u64,
    /// A frame's pixels with faces covered, where that is wished.
    covered: Vec<u8>,
    /// A frame's pixels with what is drawn on them.
    canvas: Vec<u8>,
    privacy: Option<FacePrivacy>,
    /// Where faces are, and were a moment ago.
    whereabouts: PrivacyTracker,
    /// Time of the newest frame whose faces are known.
    known_at: Option<Duration>,
    #[cfg(feature = "overlay")]
    offscreen: Option<Offscreen>,
}

struct Writing {
    writer: Box<dyn VideoWriter>,
    n_frames: u64,
    entry: Video,
}

impl Pictures {
    /// Videos in `folder`, whose first parts begin with the first picture.
    pub fn new(folder: &Path, choice: VideoChoice, nominal_rate_hz: Option<f64>) -> Self {
        Self {
            folder: folder.to_owned(),
            choice,
            nominal_rate_hz: nominal_rate_hz.unwrap_or(30.0),
            writing: Vec::new(),
            resolution: Resolution::default(),
            n_parts: 0,
            finished: Vec::new(),
            n_finished_bytes: 0,
            covered: Vec::new(),
            canvas: Vec::new(),
            privacy: None,
            whereabouts: PrivacyTracker::default(),
            known_at: None,
            // Fonts are read before the first frame, not while it waits.
            #[cfg(feature = "overlay")]
            offscreen: choice.videos().contains(&true).then(Offscreen::new),
        }
    }

    /// Covers faces from the next picture on, or not any longer.
    pub fn set_privacy(&mut self, privacy: Option<FacePrivacy>) {
        self.privacy = privacy;
    }

    /// Takes in a result, in the order of frames.
    pub fn see(&mut self, analysis: &Analysis) {
        // Without a network a result lists no faces although there may be some.
        if analysis.checkpoint.is_some() {
            self.see_faces(analysis.frame.time, &analysis.faces);
        }
    }

    /// Takes in all faces of the frame at a time of the source, in the order of frames.
    pub fn see_faces(&mut self, time: Duration, faces: &[FaceAnalysis]) {
        let sightings = faces.iter().map(|face| Sighting {
            track: face.track,
            box_in_frame: face.box_in_frame,
            unseen_for: face.unseen_for,
        });
        self.whereabouts.see(time, sightings);
        self.known_at = Some(time);
    }

    /// Writes a frame, with `drawn` on it where that is wished. `number` and `pts_90k` are the frame's in the session.
    ///
    /// # Errors
    /// [`VideoError`]; what was written stays.
    pub fn write(
        &mut self,
        frame: &Frame,
        number: u64,
        pts_90k: u64,
        drawn: Drawn<'_>,
    ) -> Result<Placed, VideoError> {
        #[cfg(not(feature = "overlay"))]
        let _ = drawn; // Nothing here could draw it.
        if self.choice == VideoChoice::None {
            return Ok(Placed {
                video_frame: None,
                begins_part: None,
            });
        }
        let begins_part = self.begins_part(frame.resolution());
        if begins_part {
            self.begin_part(frame.resolution(), number, pts_90k)?;
        }
        let time = time_of(pts_90k);
        let mut video_frame = None;
        let pixels = match &self.privacy {
            None => frame.rgba(),
            Some(privacy) => {
                self.covered.clear();
                self.covered.extend_from_slice(frame.rgba());
                let is_known = |at: Duration| frame.time.abs_diff(at) <= MAX_BLIND;
                if self.known_at.is_some_and(is_known) {
                    let covers = self.whereabouts.covers(frame.time);
                    privacy.apply(&mut self.covered, frame.resolution(), covers);
                } else {
                    privacy.cover_everything(&mut self.covered, frame.resolution());
                }
                &self.covered
            }
        };
        for (nth, writing) in self.writing.iter_mut().enumerate() {
            let rgba = if writing.entry.annotated {
                self.canvas.clear();
                self.canvas.extend_from_slice(pixels);
                #[cfg(feature = "overlay")]
                if let Some(offscreen) = &mut self.offscreen {
                    let look = OverlayLook {
                        uncertain_below: drawn.uncertain_below,
                        ..OverlayLook::default()
                    };
                    offscreen.draw(&mut self.canvas, frame.resolution(), drawn.faces, &look);
                }
                &self.canvas
            } else {
                pixels
            };
            let written = writing.writer.write(rgba, time)?;
            if written.in_video {
                if nth == 0 {
                    video_frame = Some(writing.n_frames);
                }
                writing.n_frames += 1;
            }
        }
        Ok(Placed {
            video_frame,
            begins_part: begins_part.then_some(self.n_parts),
        })
    }

    /// Whether a picture of this size begins a part, and with it a file.
    pub fn begins_part(&self, resolution: Resolution) -> bool {
        self.choice != VideoChoice::None
            && (resolution != self.resolution || self.writing.is_empty())
    }

    /// Notices when a video that is being written is not there any more.
    ///
    /// # Errors
    /// [`SessionError::Gone`].
    pub fn check(&self) -> Result<(), SessionError> {
        for writing in &self.writing {
            let path = self.folder.join(&writing.entry.file);
            if !files::is_regular(&path) {
                return Err(SessionError::Gone { path });
            }
        }
        Ok(())
    }

    /// Pictures in all parts of the first video, once they are finished; `None` if one could not be, or there is none.
    pub fn n_frames(&self) -> Option<u64> {
        let first = self
            .finished
            .iter()
            .filter(|part| part.file.starts_with(FIRST_STEM));
        let mut counts = first.map(|part| part.n_frames).peekable();
        counts.peek()?;
        counts.sum()
    }

    fn begin_part(
        &mut self,
        resolution: Resolution,
        number: u64,
        pts_90k: u64,
    ) -> Result<(), VideoError> {
        self.finish_part()?;
        self.n_parts += 1;
        self.resolution = resolution;
        let settings = VideoSettings::new(resolution, self.nominal_rate_hz);
        for (nth, &annotated) in self.choice.videos().iter().enumerate() {
            let stem = if nth == 0 { FIRST_STEM } else { "clean" };
            let part = match self.n_parts {
                1 => String::new(),
                n => format!("-{n}"),
            };
            let file = format!("{stem}{part}.{}", video::EXTENSION);
            let writer = video::create(&self.folder.join(&file), &settings)?;
            let entry = Video {
                file,
                annotated,
                width: resolution.width_px,
                height: resolution.height_px,
                first_frame: number,
                first_pts_90k: pts_90k,
                codec: settings.codec.name().to_owned(),
                encoder: String::new(),
                n_frames: None,
                n_bytes: None,
            };
            self.writing.push(Writing {
                writer,
                n_frames: 0,
                entry,
            });
        }
        Ok(())
    }

    fn finish_part(&mut self) -> Result<(), VideoError> {
        let mut outcome = Ok(());
        for Writing {
            writer, mut entry, ..
        } in self.writing.drain(..)
        {
            let n_bytes = writer.len_bytes();
            match writer.finish() {
                Ok(summary) => {
                    entry.width = summary.resolution.width_px;
                    entry.height = summary.resolution.height_px;
                    entry.encoder = summary.encoder;
                    entry.n_frames = Some(summary.n_frames);
                    entry.n_bytes = Some(summary.bytes);
                    self.n_finished_bytes += summary.bytes;
                }
                // The other video is finished all the same.
                Err(error) => {
                    self.n_finished_bytes += n_bytes;
                    outcome = Err(error);
                }
            }
            self.finished.push(entry);
        }
        outcome
    }

    /// Forces what was written to the disk.
    ///
    /// # Errors
    /// [`VideoError`].
    pub fn sync(&mut self) -> Result<(), VideoError> {
        for writing in &mut self.writing {
            writing.writer.sync()?;
        }
        Ok(())
    }

    /// Ends all videos. Each is ended, whatever happens to the others.
    ///
    /// # Errors
    /// The last [`VideoError`]; such a video is as a crash would have left it.
    pub fn finish(&mut self) -> Result<(), VideoError> {
        self.finish_part()
    }

    /// What the session's description says of the videos so far.
    pub fn entries(&self) -> Vec<Video> {
        let writing = self.writing.iter().map(|writing| &writing.entry);
        self.finished.iter().chain(writing).cloned().collect()
    }

    /// Size of all videos so far.
    pub fn n_bytes(&self) -> u64 {
        let writing = self
            .writing
            .iter()
            .map(|writing| writing.writer.len_bytes());
        self.n_finished_bytes + writing.sum::<u64>()
    }
}

/// The time of ticks, exact enough to come back to the same tick.
pub(super) fn time_of(pts_90k: u64) -> Duration {
    let whole = Duration::from_secs(pts_90k / TICKS_PER_SECOND);
    whole + Duration::from_nanos(pts_90k % TICKS_PER_SECOND * 1_000_000_000 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tables::ticks;

    #[test]
    fn ticks_survive_the_way_through_time() {
        for pts in (0..200_000).chain([3_240_000_001, u64::from(u32::MAX) * 3 + 1]) {
            assert_eq!(ticks(time_of(pts)), pts);
        }
    }
}
