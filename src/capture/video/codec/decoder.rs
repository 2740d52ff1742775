//! What every decoder does.

use crate::{
    capture::{
        limits::TooLarge,
        video::{
            container::{BadPacket, Packet},
            decoded::{DecodedFrame, PixelAspect},
            error::OpenError,
        },
    },
    frame::FramePool,
};

/// A decoder of one stream.
pub(in crate::capture::video) trait Decoder {
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
