//! The video file of a recording: frames in, a file out that survives a crash.
//!
//! [`VideoCodec::default`] is the best codec of this build: H.264, or JPEG frames without the feature `h264-bundled`.
//! Both go into the same MP4 file, which can be read at every moment of the recording: what was written stays readable
//! when the program is killed or the disk fills up. [`VideoWriter::finish`] turns it into a plain file at the end of a
//! recording, [`recover`] after a crash.
//!
//! A frame's time is not its number divided by a rate. Cameras jitter and frames are dropped under load, so times are
//! kept in ticks of 1/90000 s. [`Written::pts_90k`] is exactly what the file says about the frame, and the key by which
//! the rows of a table find their frame.

mod encoder;
mod error;
mod file;
#[cfg(feature = "h264-bundled")]
mod h264;
mod jpeg;
mod mp4;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

pub use self::{
    error::{RecoverError, VideoError},
    mp4::{frame_times, recover},
};
use crate::{frame::Resolution, time::Ticks};

/// A frame costs at most this much of a file's index, bytes: duration 8, size 4, key frame 4, and a fragment of its own 20.
pub const MAX_INDEX_BYTES_PER_FRAME: u64 = 36;

/// The extension of video files, without a dot.
pub const EXTENSION: &str = "mp4";

/// A video file that is being recorded.
///
/// Dropping it instead of calling [`VideoWriter::finish`] leaves the file as a crash would: [`recover`] repairs it.
pub trait VideoWriter: Send {
    /// Encodes a frame and writes it, at the latest with the next [`VideoWriter::sync`] or half a second later.
    ///
    /// `rgba` has the size of [`VideoSettings::resolution`], rows top to bottom without padding. `time` counts from the
    /// recording's first frame and grows with each frame; a time that does not grow becomes one tick after the last. The
    /// first frame starts the video, so its own time is subtracted from all.
    ///
    /// # Errors
    /// If the frame cannot be encoded or the disk refuses it. After the disk has refused one, every further frame fails
    /// with [`VideoError::Stopped`]; call [`VideoWriter::finish`], which keeps what is on the disk.
    ///
    /// # Panics
    /// If `rgba` has another size.
    fn write(&mut self, rgba: &[u8], time: Duration) -> Result<Written, VideoError>;

    /// Makes what was written so far survive a power cut. Waits a few milliseconds for the disk.
    ///
    /// # Errors
    /// If the disk refuses.
    fn sync(&mut self) -> Result<(), VideoError>;

    /// Size of the file so far, bytes.
    fn len_bytes(&self) -> u64;

    /// Turns the file into a plain one that plays everywhere.
    ///
    /// A recording without a single frame leaves a file that [`recover`] calls [`Recovered::Empty`] and no player
    /// opens; delete it.
    ///
    /// # Errors
    /// If the disk refuses. The file then stays as a crash would have left it, with all frames, and [`recover`]
    /// finishes the work once there is room.
    fn finish(self: Box<Self>) -> Result<VideoSummary, VideoError>;
}

/// Where a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Its presentation time in the file, in ticks of 1/90000 s since the video's first frame.
    pub pts_90k: u64,
    /// Whether it is in the file. If not, the encoder left it out and the frame before is shown longer.
    pub in_video: bool,
}

/// How to write a video.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoSettings {
    /// Size of the frames that will come. H.264 needs even sides: an odd column or row at the end is cut off.
    pub resolution: Resolution,
    /// The rate at which frames are expected, per second. It sets the bit rate and the distance of key frames, and does
    /// not touch the times of frames.
    pub nominal_rate_hz: f64,
    /// What encodes them.
    pub codec: VideoCodec,
    /// The date in the file.
    pub created: SystemTime,
}

impl VideoSettings {
    /// Settings with the best codec of this build and today's date.
    pub fn new(resolution: Resolution, nominal_rate_hz: f64) -> Self {
        Self {
            resolution,
            nominal_rate_hz,
            codec: VideoCodec::default(),
            created: SystemTime::now(),
        }
    }

    /// The nominal rate, or 30 Hz if it is unknown or no rate at all.
    fn rate_hz(&self) -> f64 {
        if self.nominal_rate_hz.is_finite() && self.nominal_rate_hz > 0.0 {
            self.nominal_rate_hz.clamp(1.0, 240.0)
        } else {
            30.0
        }
    }
}

/// What encodes the frames of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VideoCodec {
    /// H.264 by OpenH264.
    #[cfg(feature = "h264-bundled")]
    #[default]
    H264,
    /// Each frame a JPEG: about five times as large, and free of patents.
    #[cfg_attr(not(feature = "h264-bundled"), default)]
    Mjpeg,
}

impl VideoCodec {
    /// Its common name.
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "h264-bundled")]
            Self::H264 => "H.264",
            Self::Mjpeg => "Motion JPEG",
        }
    }
}

/// A finished video.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoSummary {
    /// Name of the file without its folder.
    pub file_name: String,
    /// Name of the codec.
    pub codec: &'static str,
    /// Name and version of the encoder.
    pub encoder: String,
    /// Size of the frames in the file; H.264 cuts odd sides.
    pub resolution: Resolution,
    /// Frames in the file.
    pub n_frames: u64,
    /// Frames that [`VideoWriter::write`] had accepted and the disk then refused.
    pub n_lost_frames: u64,
    /// From the first frame to the end of the last.
    pub duration: Duration,
    /// Size of the file.
    pub bytes: u64,
    /// Median time to encode a frame, color conversion included.
    pub encode_p50: Duration,
    /// 95th percentile of the same.
    pub encode_p95: Duration,
}

/// What [`recover`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// The file was finished; it was not touched.
    Complete {
        /// Frames in it.
        n_frames: u64,
        /// From the first frame to the end of the last.
        duration: Duration,
    },
    /// The file is now a plain one.
    Repaired {
        /// Frames in it.
        n_frames: u64,
        /// From the first frame to the end of the last.
        duration: Duration,
        /// When its first frame was shown, in ticks since the recording's first: not 0 if the frames before it are lost.
        first_pts_90k: u64,
        /// Bytes that belong to no whole frame.
        lost_bytes: u64,
        /// Where a copy of these bytes is now; `None` if they were only zeros or the beginning of a frame.
        tail: Option<PathBuf>,
    },
    /// The recording ended before its first frame reached the disk. The file was not touched.
    Empty,
}

/// Starts a video file. Nothing is overwritten.
///
/// # Errors
/// If the file exists or cannot be created, or if the codec does not take frames of this size.
pub fn create(path: &Path, settings: &VideoSettings) -> Result<Box<dyn VideoWriter>, VideoError> {
    Ok(Box::new(writer::Mp4Writer::create(path, settings)?))
}

/// Ticks to time, rounded down.
fn duration_of(ticks: u64) -> Duration {
    Ticks(ticks).into()
}
