//! The videos of a session: what is drawn on each frame, and a new part where the frame size changes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::video::{self, VideoError, VideoSettings, VideoWriter};
#[cfg(feature = "overlay")]
use crate::overlay::{Offscreen, OverlayLook};
use crate::{
    frame::{Frame, Resolution},
    pipeline::{Analysis, FaceAnalysis, face_names::FaceNames},
    privacy::{FacePrivacy, PrivacyTracker, Sighting},
    session::{SessionError, files, manifest::Video},
    time::Ticks,
};

/// With privacy on, a frame is covered completely if nothing has been known about its faces for longer than this.
const MAX_BLIND: Duration = Duration::from_secs(2);

/// The beginning of the first video's file names. `video_frame` counts this video's frames.
pub(super) const FIRST_STEM: &str = "video";

named! {
    /// Which videos a session has.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum VideoChoice {
        /// With boxes and labels.
        Annotated = "annotated",
        /// The frames alone.
        Clean = "clean",
        /// One of each.
        Both = "both",
        /// No pixels at all, only values.
        None = "none",
    }
}

impl Default for VideoChoice {
    /// With boxes and labels, where this build can draw them.
    fn default() -> Self {
        if cfg!(feature = "overlay") {
            Self::Annotated
        } else {
            Self::Clean
        }
    }
}

impl VideoChoice {
    /// Whether this build can record it: boxes and labels need the feature `overlay`.
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

/// What is drawn on a frame.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(feature = "overlay"),
    expect(dead_code, reason = "only the overlay draws")
)]
pub(super) struct Drawn<'a> {
    /// The faces, each with its box and label.
    pub faces: &'a [FaceAnalysis],
    /// Below this probability, 0 to 1, no expression is named.
    pub uncertain_below: f32,
    /// What the faces are called, by their tracks.
    pub names: &'a FaceNames,
}

/// Where a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    /// Its number in the current part of the first video; `None` if the encoder dropped it.
    pub video_frame: Option<u64>,
    /// The number, from 1, of the part that it began, if it did.
    pub begins_part: Option<u32>,
}

/// The videos of one session, in parts of one size each.
pub(super) struct Videos {
    folder: PathBuf,
    choice: VideoChoice,
    nominal_rate_hz: f64,
    /// The current part of each video.
    writing: Vec<Writing>,
    resolution: Resolution,
    n_parts: u32,
    /// Finished parts.
    finished: Vec<Video>,
    n_finished_bytes: u64,
    /// A frame's pixels with faces covered.
    covered: Vec<u8>,
    /// A frame's pixels with what is drawn on them.
    canvas: Vec<u8>,
    privacy: Option<FacePrivacy>,
    /// Where faces are, and recently were.
    tracker: PrivacyTracker,
    /// Time of the newest frame whose faces are known.
    known_at: Option<Duration>,
    #[cfg(feature = "overlay")]
    offscreen: Option<Offscreen>,
}

struct Writing {
    writer: VideoWriter,
    n_frames: u64,
    entry: Video,
}

impl Videos {
    /// Videos in `folder`. No file is created before the first frame.
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
            tracker: PrivacyTracker::default(),
            known_at: None,
            // Reads fonts now, so that the first frame does not wait for them.
            #[cfg(feature = "overlay")]
            offscreen: choice.videos().contains(&true).then(Offscreen::default),
        }
    }

    /// Covers faces from the next frame on; `None` shows them.
    pub fn set_privacy(&mut self, privacy: Option<FacePrivacy>) {
        self.privacy = privacy;
    }

    /// Adds a result. Call it in the order of frames.
    pub fn see(&mut self, analysis: &Analysis) {
        // Without a network, a result lists no faces although there may be some.
        if analysis.checkpoint.is_some() {
            self.see_faces(analysis.frame.time, &analysis.faces);
        }
    }

    /// Adds all faces of the frame at a source time. Call it in the order of frames.
    pub fn see_faces(&mut self, time: Duration, faces: &[FaceAnalysis]) {
        let sightings = faces.iter().map(|face| Sighting {
            track: face.track,
            box_in_frame: face.box_in_frame,
            unseen_for: face.unseen_for,
        });
        self.tracker.see(time, sightings);
        self.known_at = Some(time);
    }

    /// Writes a frame to all videos, with `drawn` on the annotated one. `number` and `time` are the frame's in the
    /// session.
    ///
    /// # Errors
    /// [`VideoError`]; what was written stays.
    pub fn write(
        &mut self,
        frame: &Frame,
        number: u64,
        time: Ticks,
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
            self.begin_part(frame.resolution(), number, time)?;
        }
        let mut video_frame = None;
        let pixels = match &self.privacy {
            None => frame.rgba(),
            Some(privacy) => {
                self.covered.clear();
                self.covered.extend_from_slice(frame.rgba());
                let is_known = |at: Duration| frame.time.abs_diff(at) <= MAX_BLIND;
                if self.known_at.is_some_and(is_known) {
                    let covers = self.tracker.covers(frame.time);
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
                        // Names would say whose faces are covered.
                        face_names: match self.privacy {
                            None => drawn.names.clone(),
                            Some(_) => FaceNames::default(),
                        },
                        ..OverlayLook::default()
                    };
                    offscreen.draw(&mut self.canvas, frame.resolution(), drawn.faces, &look);
                }
                &self.canvas
            } else {
                pixels
            };
            let written = writing.writer.write(rgba, time.into())?;
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

    /// Whether a frame of this size begins a new part, and with it a new file.
    pub fn begins_part(&self, resolution: Resolution) -> bool {
        self.choice != VideoChoice::None
            && (resolution != self.resolution || self.writing.is_empty())
    }

    /// Checks that the videos being written are still there.
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

    /// Number of frames in all finished parts of the first video; `None` if there is none, or one could not be finished.
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
        time: Ticks,
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
            let writer = VideoWriter::create(&self.folder.join(&file), &settings)?;
            let entry = Video {
                file,
                annotated,
                width: resolution.width_px,
                height: resolution.height_px,
                first_frame: number,
                first_time: time,
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
                // The other video is finished anyway.
                Err(error) => {
                    self.n_finished_bytes += n_bytes;
                    outcome = Err(error);
                }
            }
            self.finished.push(entry);
        }
        outcome
    }

    /// Disk space that finishing the videos may need for their indices, bytes.
    pub fn n_bytes_to_finish(&self) -> u64 {
        let n_frames: u64 = self.writing.iter().map(|writing| writing.n_frames).sum();
        n_frames * video::MAX_INDEX_BYTES_PER_FRAME
    }

    /// Syncs what was written to the disk.
    ///
    /// # Errors
    /// [`VideoError`].
    pub fn sync(&mut self) -> Result<(), VideoError> {
        for writing in &mut self.writing {
            writing.writer.sync()?;
        }
        Ok(())
    }

    /// Finishes all videos, even if one of them fails.
    ///
    /// # Errors
    /// The last [`VideoError`]; that video is as a crash would have left it.
    pub fn finish(&mut self) -> Result<(), VideoError> {
        self.finish_part()
    }

    /// The videos so far, as the description lists them.
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
