//! What a codec does for a recording.

use std::{io, time::SystemTime};

use super::{error::VideoError, mp4::Track};
use crate::{frame::Resolution, time::Ticks};

/// Compresses frames of one size.
pub(super) trait Encoder: Send {
    /// Name and version.
    fn name(&self) -> String;

    /// Size of the video.
    fn resolution(&self) -> Resolution;

    /// Encodes a frame of this presentation time.
    fn encode(&mut self, rgba: &[u8], ticks: Ticks) -> Result<Encoded, VideoError>;

    /// The frame that was encoded last.
    fn data(&self) -> &[u8];

    /// Describes the video to decoders, once a frame was encoded.
    ///
    /// # Errors
    /// If the encoder's own parameters make no sense.
    fn track(&self, created: SystemTime) -> io::Result<Track>;
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoded {
    /// Decoding can start here.
    Key,
    /// It needs the frames before it.
    #[cfg(feature = "h264-bundled")]
    Delta,
    /// The encoder left it out.
    #[cfg(feature = "h264-bundled")]
    Skipped,
}
