//! Motion JPEG: each packet is a JPEG by itself.
//!
//! Capture cards store two half-height images in a packet, one for the odd rows and one for the even. Only the size
//! gives those away; the caller compares it with what the container says.

use super::decoder::Decoder;
use crate::{
    capture::{
        decode::decode_jpeg_of_any_size,
        limits::{TooLarge, check_frame},
        video::{
            container::{BadPacket, Packet},
            decoded::{DecodedFrame, Pixels},
            error::OpenError,
        },
    },
    frame::{FramePool, Resolution},
};

/// Keeps no state from frame to frame.
#[derive(Default)]
pub(super) struct MjpegDecoder {
    too_large: Option<TooLarge>,
}

impl Decoder for MjpegDecoder {
    fn name(&self) -> &'static str {
        "MJPEG"
    }

    fn too_large(&self) -> Option<TooLarge> {
        self.too_large
    }

    fn decode(
        &mut self,
        packet: Option<&Packet>,
        pool: &FramePool,
    ) -> Result<Option<DecodedFrame<'_>>, BadPacket> {
        let Some(packet) = packet else {
            return Ok(None);
        };
        let buffer = |resolution: Resolution| match check_frame(resolution) {
            Ok(()) => Some(pool.buffer(resolution)),
            Err(err) => {
                self.too_large = Some(err);
                None
            }
        };
        let (resolution, rgba) =
            decode_jpeg_of_any_size(&packet.data, buffer).map_err(|_| BadPacket)?;
        Ok(Some(DecodedFrame {
            pts: packet.pts,
            resolution,
            pixels: Pixels::Rgba(rgba),
        }))
    }

    fn reset(&mut self) -> Result<(), OpenError> {
        Ok(())
    }
}
