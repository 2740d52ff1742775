//! Each frame a JPEG, for builds without an H.264 encoder.

use std::{io, time::SystemTime};

use jpeg_encoder::{ColorType, SamplingFactor};

use super::{
    encoder::{Encoded, Encoder},
    error::VideoError,
    mp4::Track,
    settings::{VideoCodec, VideoSettings},
};
use crate::{frame::Resolution, time::Ticks};

/// Camera frames reach about 44 dB PSNR at 1 bit a pixel with it; more shows the sensor's noise, not the face.
const QUALITY: u8 = 85;

/// Encodes frames as JPEG, with colors at half the resolution.
pub(super) struct JpegEncoder {
    width: u16,
    height: u16,
    data: Vec<u8>,
}

impl JpegEncoder {
    /// # Errors
    /// If JPEG does not take frames of this size.
    pub(super) fn new(settings: &VideoSettings) -> Result<Self, VideoError> {
        let Resolution {
            width_px,
            height_px,
        } = settings.resolution;
        match [width_px, height_px].map(u16::try_from) {
            [Ok(width @ 1..), Ok(height @ 1..)] => Ok(Self {
                width,
                height,
                data: Vec::new(),
            }),
            _ => Err(VideoError::Size {
                resolution: settings.resolution,
                codec: VideoCodec::Mjpeg.name(),
                range: "1×1 to 65535×65535",
            }),
        }
    }
}

impl Encoder for JpegEncoder {
    fn name(&self) -> String {
        "jpeg-encoder 0.7".to_owned()
    }

    fn resolution(&self) -> Resolution {
        Resolution::new(self.width.into(), self.height.into())
    }

    fn encode(&mut self, rgba: &[u8], _ticks: Ticks) -> Result<Encoded, VideoError> {
        self.data.clear();
        let mut encoder = jpeg_encoder::Encoder::new(&mut self.data, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder
            .encode(rgba, self.width, self.height, ColorType::Rgba)
            .map_err(|err| VideoError::Encoder {
                codec: VideoCodec::Mjpeg.name(),
                reason: err.to_string(),
            })?;
        Ok(Encoded::Key)
    }

    fn data(&self) -> &[u8] {
        &self.data
    }

    fn track(&self, created: SystemTime) -> io::Result<Track> {
        Track::jpeg(self.width, self.height, created)
    }
}
