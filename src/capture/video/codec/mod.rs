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
#[cfg(feature = "h264-bundled")]
mod h264;
#[cfg_attr(
    not(feature = "h264-bundled"),
    allow(dead_code, reason = "without the decoder only the kind is read")
)]
mod h264_config;
mod mjpeg;
mod sps;

use super::{
    OpenError,
    container::{BadPacket, Codec, Packet, Track},
    decoded::{DecodedFrame, PixelAspect},
};
use crate::{capture::limits::TooLarge, frame::FramePool};

/// A decoder of one stream.
pub(super) trait Decoder {
    /// Name of the codec, for the status bar.
    fn name(&self) -> &'static str;

    /// The shape of pixels that the stream declares, for containers that do not.
    fn pixel_aspect(&self) -> PixelAspect {
        PixelAspect::default()
    }

    /// The size of frames refused as too large, for codecs whose decoder reads the size.
    fn too_large(&self) -> Option<TooLarge> {
        None
    }

    /// Takes the next packet, or `None` after the last, and returns the next frame that is complete.
    ///
    /// After the last packet each call returns one more frame, until there are none. After an error the decoder
    /// continues at the next packet at which decoding can start. `pool` is for decoders that fill a frame themselves.
    fn decode(
        &mut self,
        packet: Option<&Packet>,
        pool: &FramePool,
    ) -> Result<Option<DecodedFrame<'_>>, BadPacket>;

    /// Forgets all packets, to start somewhere else in the file.
    fn reset(&mut self) -> Result<(), OpenError>;
}

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
            Err(OpenError::Unsupported(
                "H.264 video, which this build (without the feature `h264-bundled`) leaves to ffmpeg"
                    .to_owned(),
            ))
        }
        #[cfg(feature = "av1")]
        Codec::Av1(config) => Ok(Box::new(av1::Av1Decoder::new(
            av1_config::Av1Config::parse(config)?,
        )?)),
        #[cfg(not(feature = "av1"))]
        Codec::Av1(config) => {
            av1_config::Av1Config::parse(config)?;
            Err(OpenError::Unsupported(
                "AV1 video, which this build (without the feature `av1`) leaves to ffmpeg"
                    .to_owned(),
            ))
        }
        Codec::Mjpeg => Ok(Box::<mjpeg::MjpegDecoder>::default()),
        Codec::Other(name) => Err(OpenError::Unsupported(format!("{name} video"))),
    }
}
