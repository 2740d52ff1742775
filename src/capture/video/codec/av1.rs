//! AV1 by rav1d, the Rust port of dav1d.
//!
//! It runs in one thread, the caller's: then a panic on damaged data can be caught, and a picture comes out with the
//! packet that completes it.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
};

use re_rav1d::dav1d::{
    Decoder as Rav1d, Picture as Decoded, PixelLayout, Plane, PlanarImageComponent, Settings,
    pixel::YUVRange,
};

use super::{BadPacket, Decoder, Packet, Picture, Refusal, av1_config::Av1Config};
use crate::{
    capture::video::picture::{Colours, MOST_PIXELS, Pixels},
    frame::{FramePool, Resolution},
};

/// What U and V are in a picture without colours.
const GREY: u8 = 128;

/// A decoder of one stream.
pub(super) struct Av1Decoder {
    decoder: Rav1d,
    config: Av1Config,
    /// Decoded and not yet asked for.
    ready: VecDeque<Decoded>,
    /// The planes of the picture that was returned last.
    planes: Option<[Plane; 3]>,
    /// A row of U or V for pictures that have none.
    grey_row: Vec<u8>,
}

impl Av1Decoder {
    /// A new decoder, or why there is none.
    pub(super) fn new(config: Av1Config) -> Result<Self, Refusal> {
        Ok(Self {
            decoder: start()?,
            config,
            ready: VecDeque::new(),
            planes: None,
            grey_row: Vec::new(),
        })
    }

    /// Hands over a packet, or nothing, and takes out all that is decoded.
    fn advance(&mut self, packet: Option<&Packet>) -> Result<(), BadPacket> {
        let mut sent = match packet {
            Some(packet) => {
                let header: &[u8] = match packet.is_sync {
                    true => &self.config.sequence_header,
                    false => &[],
                };
                let data = [header, &packet.data].concat();
                (self.decoder).send_data(data, None, Some(packet.pts), None)
            }
            None => Ok(()),
        };
        loop {
            loop {
                match self.decoder.get_picture() {
                    Ok(picture) => self.ready.push_back(picture),
                    Err(err) if err.is_again() => break,
                    Err(_) => return Err(BadPacket),
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

fn start() -> Result<Rav1d, Refusal> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_frame_size_limit(MOST_PIXELS as u32);
    Rav1d::with_settings(&settings)
        .map_err(|err| Refusal::Broken(format!("the AV1 decoder did not start ({err})")))
}

impl Decoder for Av1Decoder {
    fn name(&self) -> &'static str {
        "AV1"
    }

    fn decode(
        &mut self,
        packet: Option<&Packet>,
        _pool: &FramePool,
    ) -> Result<Option<Picture<'_>>, BadPacket> {
        match catch_unwind(AssertUnwindSafe(|| self.advance(packet))) {
            Ok(Ok(())) => {}
            Ok(Err(BadPacket)) if self.ready.is_empty() => return Err(BadPacket),
            Ok(Err(BadPacket)) => {} // What was complete before is shown all the same.
            Err(_) => {
                self.reset().map_err(|_| BadPacket)?;
                return Err(BadPacket);
            }
        }
        let Some(picture) = self.ready.pop_front() else {
            return Ok(None);
        };
        self.show(&picture).map(Some)
    }

    fn reset(&mut self) -> Result<(), Refusal> {
        self.ready.clear();
        self.planes = None;
        self.decoder = start()?;
        Ok(())
    }
}

impl Av1Decoder {
    fn show(&mut self, picture: &Decoded) -> Result<Picture<'_>, BadPacket> {
        let resolution = Resolution::new(picture.width(), picture.height());
        let n_pixels = resolution.n_pixels();
        let layout = picture.pixel_layout();
        let is_shown = picture.bit_depth() == 8
            && matches!(layout, PixelLayout::I420 | PixelLayout::I400)
            && n_pixels > 0
            && n_pixels <= MOST_PIXELS;
        let pts = picture.timestamp().filter(|_| is_shown).ok_or(BadPacket)?;
        let components = [
            PlanarImageComponent::Y,
            PlanarImageComponent::U,
            PlanarImageComponent::V,
        ];
        let mut strides = components.map(|component| picture.stride(component) as usize);
        let colours = Colours::new(
            u8::try_from(picture.matrix_coefficients() as usize).ok(),
            Some(picture.color_range() == YUVRange::Full),
        );
        let half = resolution.width_px.div_ceil(2) as usize;
        if layout == PixelLayout::I400 {
            self.grey_row.clear();
            self.grey_row.resize(half, GREY);
            strides = [strides[0], 0, 0];
        }
        let [y, u, v] = self.planes.insert(components.map(|component| picture.plane(component)));
        let planes: [&[u8]; 3] = match layout {
            PixelLayout::I400 => [y, &self.grey_row, &self.grey_row],
            _ => [y, u, v],
        };
        let (width, height) = (resolution.width_px as usize, resolution.height_px as usize);
        let needed = |stride: usize, width: usize, height: usize| stride * (height - 1) + width;
        let fits = planes[0].len() >= needed(strides[0], width, height)
            && planes[1..]
                .iter()
                .zip(&strides[1..])
                .all(|(plane, stride)| plane.len() >= needed(*stride, half, height.div_ceil(2)));
        if !fits {
            return Err(BadPacket);
        }
        Ok(Picture {
            pts,
            resolution,
            pixels: Pixels::Yuv {
                planes,
                strides,
                colours,
            },
        })
    }
}
