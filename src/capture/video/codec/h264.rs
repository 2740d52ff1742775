//! OpenH264's decoder with the time of each frame.
//!
//! The safe wrapper of the `openh264` crate loses the times: with B-frames, frames leave the decoder later and in
//! another order than packets enter, and after a damaged packet counting goes wrong for good. The C interface carries
//! a number from each packet to its frame, so its two calls are made here. This file holds all `unsafe` of `capture`.

#![expect(unsafe_code, reason = "the safe wrapper loses the times of frames")]

use std::{ffi::c_int, ptr, slice};

use openh264::{
    OpenH264API,
    decoder::{Decoder as OpenH264, DecoderConfig, Flush},
};
use openh264_sys2::{DECODING_STATE, SBufferInfo, dsErrorFree, videoFormatI420};

use super::{decoder::Decoder, h264_config::H264Config};
use crate::{
    capture::video::{
        container::{BadPacket, Packet},
        decoded::{DecodedFrame, PixelAspect, Pixels},
        error::OpenError,
    },
    frame::{FramePool, Resolution},
};

/// A decoder of one stream.
pub(super) struct H264Decoder {
    decoder: OpenH264,
    config: H264Config,
    /// The packet as the decoder wants it.
    annex_b: Vec<u8>,
}

impl H264Decoder {
    /// # Errors
    /// If the decoder does not start.
    pub(super) fn new(config: H264Config) -> Result<Self, OpenError> {
        Ok(Self {
            decoder: start()?,
            config,
            annex_b: Vec::new(),
        })
    }
}

fn start() -> Result<OpenH264, OpenError> {
    // By default the wrapper asks for a frame after each packet, which breaks the order of B-frames.
    let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
    OpenH264::with_api_config(OpenH264API::from_source(), config)
        .map_err(|err| OpenError::Damaged(format!("the H.264 decoder did not start ({err})")))
}

impl Decoder for H264Decoder {
    fn name(&self) -> &'static str {
        "H.264"
    }

    fn pixel_aspect(&self) -> PixelAspect {
        self.config.format.pixel_aspect
    }

    fn decode(
        &mut self,
        packet: Option<&Packet>,
        _pool: &FramePool,
    ) -> Result<Option<DecodedFrame<'_>>, BadPacket> {
        match packet {
            Some(packet) => {
                self.config.to_annex_b(packet, &mut self.annex_b)?;
                self.decode_annex_b(packet.pts)
            }
            None => self.flush(),
        }
    }

    fn reset(&mut self) -> Result<(), OpenError> {
        self.decoder = start()?;
        Ok(())
    }
}

impl H264Decoder {
    /// Decodes the packet in `annex_b`.
    fn decode_annex_b(&mut self, pts: i64) -> Result<Option<DecodedFrame<'_>>, BadPacket> {
        let packet = &self.annex_b;
        let length = c_int::try_from(packet.len()).map_err(|_| BadPacket)?;
        let mut planes = [ptr::null_mut::<u8>(); 3];
        let mut info = SBufferInfo {
            uiInBsTimeStamp: pts as u64, // Only carried through; `as` keeps the bits of a negative time.
            ..SBufferInfo::default()
        };
        // SAFETY: the packet, the three plane pointers and `info` outlive the call, which keeps none of them. No
        // parameter of the decoder is changed, as `raw_api` demands.
        let state = unsafe {
            self.decoder.raw_api().decode_frame_no_delay(
                packet.as_ptr(),
                length,
                ptr::from_mut(&mut planes).cast(),
                &raw mut info,
            )
        };
        self.frame(state, planes, &info)
    }

    /// The next frame still held back for its order, when there are no more packets.
    fn flush(&mut self) -> Result<Option<DecodedFrame<'_>>, BadPacket> {
        let mut planes = [ptr::null_mut::<u8>(); 3];
        let mut info = SBufferInfo::default();
        // SAFETY: as in `decode`.
        let state = unsafe {
            self.decoder
                .raw_api()
                .flush_frame(ptr::from_mut(&mut planes).cast(), &raw mut info)
        };
        self.frame(state, planes, &info)
    }

    /// Wraps what a call has left in `planes` and `info`. Borrows `self`, because the memory is the decoder's.
    fn frame(
        &mut self,
        state: DECODING_STATE,
        planes: [*mut u8; 3],
        info: &SBufferInfo,
    ) -> Result<Option<DecodedFrame<'_>>, BadPacket> {
        if state != dsErrorFree {
            return Err(BadPacket);
        }
        if info.iBufferStatus != 1 {
            return Ok(None);
        }
        // SAFETY: with the status 1 the union holds its only variant.
        let buffer = unsafe { info.UsrData.sSystemBuffer };
        let (Ok(width), Ok(height)) = (u32::try_from(buffer.iWidth), u32::try_from(buffer.iHeight))
        else {
            return Err(BadPacket);
        };
        let [y_stride, uv_stride] = buffer
            .iStride
            .map(|stride| usize::try_from(stride).unwrap_or(0));
        let (w, h) = (width as usize, height as usize);
        let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
        let fits = buffer.iFormat == videoFormatI420
            && w > 0
            && h > 0
            && y_stride >= w
            && uv_stride >= half_w;
        if !fits || planes.iter().any(|plane| plane.is_null()) {
            return Err(BadPacket);
        }
        // The last row may end before its stride does.
        let lengths = [
            y_stride * (h - 1) + w,
            uv_stride * (half_h - 1) + half_w,
            uv_stride * (half_h - 1) + half_w,
        ];
        let plane = |i: usize| {
            // SAFETY: the decoder has just filled this plane with `height` (or half as many) rows at this stride, and
            // leaves it alone until its next call, which needs the `&mut self` that the frame borrows.
            unsafe { slice::from_raw_parts(planes[i].cast_const(), lengths[i]) }
        };
        Ok(Some(DecodedFrame {
            pts: info.uiOutYuvTimeStamp as i64,
            resolution: Resolution::new(width, height),
            pixels: Pixels::Yuv {
                planes: [plane(0), plane(1), plane(2)],
                strides: [y_stride, uv_stride, uv_stride],
                colors: self.config.format.colors,
            },
        }))
    }
}
