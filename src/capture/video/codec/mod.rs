//! Decoders: packets in, frames out.
//!
//! Frames leave a decoder later and in another order than packets enter, so each packet's time travels with it.
//! Decoders read untrusted bytes. Those written in Rust run under `panics::catch`, because a panic would take the
//! capture thread with it; after one they restart.

#[cfg(feature = "av1")]
mod av1;
#[cfg_attr(
    not(feature = "av1"),
    allow(dead_code, reason = "without the decoder only the kind is read")
)]
mod av1_config;
mod bits;
mod decoder;
#[cfg(feature = "h264-bundled")]
mod h264;
#[cfg_attr(
    not(feature = "h264-bundled"),
    allow(dead_code, reason = "without the decoder only the kind is read")
)]
mod h264_config;
mod mjpeg;
mod sps;

pub(super) use self::decoder::Decoder;
use super::{
    container::{Codec, Track},
    error::OpenError,
};

/// A decoder for a track, or why none of ours can decode it.
pub(super) fn open(track: &Track) -> Result<Box<dyn Decoder>, OpenError> {
    match &track.codec {
        #[cfg(feature = "h264-bundled")]
        Codec::H264(config) => Ok(Box::new(h264::H264Decoder::new(
            h264_config::H264Config::parse(config)?,
        )?)),
        #[cfg(not(feature = "h264-bundled"))]
        Codec::H264(config) => {
            h264_config::H264Config::parse(config)?;
            Err(OpenError::unsupported(
                "H.264 video, which this build (without the feature `h264-bundled`) leaves to ffmpeg",
            ))
        }
        #[cfg(feature = "av1")]
        Codec::Av1(config) => Ok(Box::new(av1::Av1Decoder::new(
            av1_config::Av1Config::parse(config)?,
        )?)),
        #[cfg(not(feature = "av1"))]
        Codec::Av1(config) => {
            av1_config::Av1Config::parse(config)?;
            Err(OpenError::unsupported(
                "AV1 video, which this build (without the feature `av1`) leaves to ffmpeg",
            ))
        }
        Codec::Mjpeg => Ok(Box::<mjpeg::MjpegDecoder>::default()),
        Codec::Other(name) => Err(OpenError::Unsupported(format!("{name} video"))),
    }
}
