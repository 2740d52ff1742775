//! What a video is made of: the size and rate of its frames, and their codec.

use std::time::SystemTime;

use crate::frame::Resolution;

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
    pub(super) fn rate_hz(&self) -> f64 {
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
