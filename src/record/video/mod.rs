//! The video file of a recording: frames in, a file out that survives a crash.
//!
//! [`VideoCodec::default`] is the best codec of this build: H.264, or JPEG frames without the feature `h264-bundled`.
//! Both go into the same MP4 file, which can be read at every moment of the recording: what was written stays readable
//! when the program is killed or the disk fills up. [`VideoWriter::finish`] turns it into a plain file at the end of a
//! recording, [`recover`] after a crash.
//!
//! A frame's time is not its number divided by a rate. Cameras jitter and frames are dropped under load, so times are
//! kept in ticks of 1/90000 s. [`Written::time`] is exactly what the file says about the frame, and the key by which
//! the rows of a table find their frame.

mod encoder;
mod error;
mod file;
#[cfg(feature = "h264-bundled")]
mod h264;
mod jpeg;
mod mp4;
mod settings;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod writer;

pub use self::{
    error::{RecoverError, VideoError},
    mp4::{Recovered, frame_times, recover},
    settings::{VideoCodec, VideoSettings},
    writer::{VideoSummary, VideoWriter, Written},
};

/// A frame costs at most this much of a file's index, bytes: duration 8, size 4, key frame 4, and a fragment of its own 20.
pub const MAX_INDEX_BYTES_PER_FRAME: u64 = 36;

/// The extension of video files, without a dot.
pub const EXTENSION: &str = "mp4";
