//! AV1 by rav1d, the Rust port of dav1d.
//!
//! It runs on the caller's thread alone, so that a panic on damaged data can be caught, and a frame comes out with the
//! packet that completes it.

use std::collections::VecDeque;

use re_rav1d::dav1d::{
    Decoder as Rav1d, Picture as Rav1dPicture, PixelLayout, PlanarImageComponent as Component,
    Plane, Settings, pixel::YUVRange,
};

use super::{av1_config::Av1Config, decoder::Decoder};
use crate::{
    capture::{
        limits::{self, MAX_FRAME_PIXELS},
        video::{
            container::{BadPacket, Packet},
            decoded::{Colors, DecodedFrame, Pixels},
            error::OpenError,
        },
    },
    frame::{FramePool, Resolution},
    panics,
};

/// The value of U and V in a frame without colors.
const GRAY: u8 = 128;

/// A decoder of one stream.
pub(super) struct Av1Decoder {
    decoder: Rav1d,
    config: Av1Config,
    /// Decoded and not yet asked for.
    ready: VecDeque<Ready>,
    /// The frame that was returned last.
    current: Option<Ready>,
    /// A row of U or V for frames that have none.
    gray_row: Vec<u8>,
}

/// A decoded frame, 8-bit.
struct Ready {
    pts: i64,
    resolution: Resolution,
    colors: Colors,
    luma: (Plane, usize),
    /// U and V, 4:2:0; `None` in a frame without colors.
    chroma: Option<([Plane; 2], usize)>,
}

impl Av1Decoder {
    /// # Errors
    /// If the decoder does not start.
    pub(super) fn new(config: Av1Config) -> Result<Self, OpenError> {
        Ok(Self {
            decoder: start()?,
            config,
            ready: VecDeque::new(),
            current: None,
            gray_row: Vec::new(),
        })
    }

    /// Passes a packet, if any, to the decoder, and takes out all that is decoded.
    fn advance(&mut self, packet: Option<&Packet>) -> Result<(), BadPacket> {
        let mut sent = match packet {
            Some(packet) => {
                let header: &[u8] = match packet.is_sync {
                    true => &self.config.sequence_header,
                    false => &[],
                };
                let data = [header, &packet.data].concat();
                self.decoder.send_data(data, None, Some(packet.pts), None)
            }
            None => Ok(()),
        };
        loop {
            loop {
                match self.decoder.get_picture() {
                    Ok(picture) => self.ready.push_back(Ready::new(&picture)?),
                    Err(err) if err.is_again() => break,
                    Err(_) => {
                        if sent.is_err() {
                            self.decoder.flush(); // Or it keeps half a packet.
                        }
                        return Err(BadPacket);
                    }
                }
            }
            match sent {
                Ok(()) => return Ok(()),
                Err(err) if err.is_again() => sent = self.decoder.send_pending_data(),
                Err(_) => return Err(BadPacket),
            }
        }
    }
}

impl Ready {
    fn new(picture: &Rav1dPicture) -> Result<Self, BadPacket> {
        let resolution = Resolution::new(picture.width(), picture.height());
        let is_possible = resolution.n_pixels() > 0 && limits::check_frame(resolution).is_ok();
        if picture.bit_depth() != 8 || !is_possible {
            return Err(BadPacket);
        }
        let stride = |component| picture.stride(component) as usize;
        let plane = |component| picture.plane(component);
        let ready = Self {
            pts: picture.timestamp().ok_or(BadPacket)?,
            resolution,
            colors: Colors::new(
                Some(picture.matrix_coefficients() as u8),
                Some(picture.color_range() == YUVRange::Full),
            ),
            luma: (plane(Component::Y), stride(Component::Y)),
            chroma: match picture.pixel_layout() {
                PixelLayout::I400 => None,
                PixelLayout::I420 => Some((
                    [plane(Component::U), plane(Component::V)],
                    stride(Component::U),
                )),
                _ => return Err(BadPacket),
            },
        };
        let fits = |plane: &[u8], stride: usize, width: u32, height: u32| {
            let needed = stride * (height as usize - 1) + width as usize;
            stride >= width as usize && plane.len() >= needed
        };
        let (half_width, half_height) = (
            resolution.width_px.div_ceil(2),
            resolution.height_px.div_ceil(2),
        );
        let (luma, stride) = &ready.luma;
        let all_fit = fits(luma, *stride, resolution.width_px, resolution.height_px)
            && ready.chroma.as_ref().is_none_or(|(planes, stride)| {
                planes
                    .iter()
                    .all(|plane| fits(plane, *stride, half_width, half_height))
            });
        if all_fit { Ok(ready) } else { Err(BadPacket) }
    }
}

fn start() -> Result<Rav1d, OpenError> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(MAX_FRAME_PIXELS as u32);
    Rav1d::with_settings(&settings)
        .map_err(|err| OpenError::Damaged(format!("the AV1 decoder did not start ({err})")))
}

impl Decoder for Av1Decoder {
    fn name(&self) -> &'static str {
        "AV1"
    }

    fn decode(
        &mut self,
        packet: Option<&Packet>,
        _pool: &FramePool,
    ) -> Result<Option<DecodedFrame<'_>>, BadPacket> {
        match panics::catch(|| self.advance(packet)) {
            Some(Ok(())) => {}
            Some(Err(BadPacket)) if self.ready.is_empty() => return Err(BadPacket),
            Some(Err(BadPacket)) => {} // Frames that were complete before are still shown.
            None => {
                self.reset().map_err(|_| BadPacket)?;
                return Err(BadPacket);
            }
        }
        self.current = self.ready.pop_front();
        let Some(current) = &self.current else {
            return Ok(None);
        };
        let half_width = current.resolution.width_px.div_ceil(2) as usize;
        if current.chroma.is_none() {
            self.gray_row.resize(half_width, GRAY);
        }
        let (planes, strides) = match &current.chroma {
            Some(([u, v], stride)) => (
                [&*current.luma.0, &**u, &**v],
                [current.luma.1, *stride, *stride],
            ),
            // One row serves for all.
            None => (
                [&*current.luma.0, &self.gray_row[..], &self.gray_row[..]],
                [current.luma.1, 0, 0],
            ),
        };
        Ok(Some(DecodedFrame {
            pts: current.pts,
            resolution: current.resolution,
            pixels: Pixels::Yuv {
                planes,
                strides,
                colors: current.colors,
            },
        }))
    }

    fn reset(&mut self) -> Result<(), OpenError> {
        self.ready.clear();
        self.current = None;
        self.decoder = start()?;
        Ok(())
    }
}
