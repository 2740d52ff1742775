//! OpenH264 with settings that lose no frame.
//!
//! The encoder's defaults are made for video calls and of no use here: 120 kb/s, frames left out to stay within that
//! (126 of 240 at 1280×720), no key frames after the first, and no word on colors.

use std::{io, time::SystemTime};

use openh264::{
    OpenH264API, Timestamp,
    encoder::{
        BitRate, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, RateControlMode, UsageType,
        VuiConfig,
    },
    formats::YUVSlices,
};
use openh264_sys2::{API, ENCODER_OPTION_TRACE_LEVEL, WELS_LOG_QUIET};
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvPlanarImageMut, YuvRange, YuvStandardMatrix,
    rgba_to_yuv420,
};

use super::{
    encoder::{Encoded, Encoder},
    error::VideoError,
    mp4::Track,
    settings::{VideoCodec, VideoSettings},
};
use crate::{
    frame::{RGBA_BYTES, Resolution},
    time::Ticks,
};

/// Name of the codec.
const NAME: &str = VideoCodec::H264.name();
/// Seconds between key frames: how far a player steps when it seeks.
const KEY_INTERVAL_S: f64 = 2.0;
/// Bits per second at 30 frames per second for sizes in pixels; sizes between them are interpolated. With these, camera
/// frames reach about 43 dB PSNR, where the eye sees no loss.
const BIT_RATES: [(f64, f64); 5] = [
    (0.0, 0.3e6),
    (320.0 * 240.0, 0.8e6),
    (640.0 * 480.0, 2e6),
    (1280.0 * 720.0, 4e6),
    (1920.0 * 1080.0, 8e6),
];

/// Encodes frames of one size.
pub(super) struct H264Encoder {
    encoder: openh264::encoder::Encoder,
    /// Bytes of a row of the frames that come.
    rgba_stride: u32,
    /// Of the video: sides are even.
    resolution: Resolution,
    planes: [Vec<u8>; 3],
    sequence_parameters: Vec<u8>,
    picture_parameters: Vec<u8>,
    /// The last frame: NAL units, each after its length in four bytes.
    data: Vec<u8>,
}

impl H264Encoder {
    /// # Errors
    /// If OpenH264 does not take frames of this size.
    pub(super) fn new(settings: &VideoSettings) -> Result<Self, VideoError> {
        let given = settings.resolution;
        // 4:2:0 has one color for two by two pixels.
        let resolution = Resolution::new(given.width_px & !1, given.height_px & !1);
        let long = resolution.width_px.max(resolution.height_px);
        let short = resolution.width_px.min(resolution.height_px);
        if short < 16 || long > 3840 || short > 2160 {
            return Err(VideoError::Size {
                resolution: given,
                codec: NAME,
                range: "16×16 to 3840×2160",
            });
        }
        let rate_hz = settings.rate_hz();
        let config = EncoderConfig::new()
            .skip_frames(false)
            .bitrate(BitRate::from_bps(bit_rate(resolution, rate_hz)))
            .max_frame_rate(FrameRate::from_hz(rate_hz as f32))
            .intra_frame_period(IntraFramePeriod::from_num_frames(
                (rate_hz * KEY_INTERVAL_S).round().max(1.0) as u32,
            ))
            .rate_control_mode(RateControlMode::Quality)
            .usage_type(UsageType::CameraVideoRealTime)
            // There is one slice to a frame, so more threads have nothing to do.
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let mut encoder =
            openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)
                .map_err(failed)?;
        silence(&mut encoder);
        let n_pixels = resolution.n_pixels();
        Ok(Self {
            encoder,
            rgba_stride: given.width_px * RGBA_BYTES as u32,
            resolution,
            planes: [n_pixels, n_pixels / 4, n_pixels / 4].map(|n_bytes| vec![0; n_bytes]),
            sequence_parameters: Vec::new(),
            picture_parameters: Vec::new(),
            data: Vec::new(),
        })
    }

    /// RGBA to the planes, in BT.709 with limited range: what players take for granted in high definition, and what
    /// the stream says.
    fn convert(&mut self, rgba: &[u8]) -> Result<(), VideoError> {
        let [y, u, v] = &mut self.planes;
        let Resolution {
            width_px,
            height_px,
        } = self.resolution;
        let mut planes = YuvPlanarImageMut {
            y_plane: BufferStoreMut::Borrowed(y),
            y_stride: width_px,
            u_plane: BufferStoreMut::Borrowed(u),
            u_stride: width_px / 2,
            v_plane: BufferStoreMut::Borrowed(v),
            v_stride: width_px / 2,
            width: width_px,
            height: height_px,
        };
        let rows = &rgba[..self.rgba_stride as usize * height_px as usize];
        rgba_to_yuv420(
            &mut planes,
            rows,
            self.rgba_stride,
            YuvRange::Limited,
            YuvStandardMatrix::Bt709,
            YuvConversionMode::Balanced,
        )
        .map_err(failed)
    }
}

impl Encoder for H264Encoder {
    fn name(&self) -> String {
        name_and_version()
    }

    fn resolution(&self) -> Resolution {
        self.resolution
    }

    fn encode(&mut self, rgba: &[u8], ticks: Ticks) -> Result<Encoded, VideoError> {
        self.convert(rgba)?;
        let (width, height) = (
            self.resolution.width_px as usize,
            self.resolution.height_px as usize,
        );
        let [y, u, v] = &self.planes;
        let frame = YUVSlices::new((y, u, v), (width, height), (width, width / 2, width / 2));
        let millis = Timestamp::from_millis(ticks.0 * 1000 / Ticks::PER_SECOND);
        let stream = self.encoder.encode_at(&frame, millis).map_err(failed)?;
        self.data.clear();
        for layer in (0..stream.num_layers()).filter_map(|at| stream.layer(at)) {
            for unit in (0..layer.nal_count()).filter_map(|at| layer.nal_unit(at)) {
                let unit = without_start_code(unit);
                match unit.first().map(|header| header & 0x1F) {
                    None | Some(9) => {} // Delimiters have no place in MP4.
                    // Parameters stand once for the whole file; they do not change while the size stays.
                    Some(7) => replace(&mut self.sequence_parameters, unit),
                    Some(8) => replace(&mut self.picture_parameters, unit),
                    Some(_) => {
                        self.data.extend((unit.len() as u32).to_be_bytes());
                        self.data.extend_from_slice(unit);
                    }
                }
            }
        }
        Ok(match stream.frame_type() {
            _ if self.data.is_empty() => Encoded::Skipped,
            FrameType::IDR => Encoded::Key,
            _ => Encoded::Delta,
        })
    }

    fn data(&self) -> &[u8] {
        &self.data
    }

    fn track(&self, created: SystemTime) -> io::Result<Track> {
        Track::h264(&self.sequence_parameters, &self.picture_parameters, created)
    }
}

/// Keeps the encoder from warning on standard error that bit rates are not exact unless it may leave frames out. That is
/// what we ask for, and the terminal belongs to the command line.
#[expect(unsafe_code, reason = "the wrapper has no call for it")]
fn silence(encoder: &mut openh264::encoder::Encoder) {
    let mut level = WELS_LOG_QUIET;
    // SAFETY: the option takes a 32-bit number, which the call reads and does not keep; it may be set before the first
    // frame, and the wrapper sets the same one after it.
    let status = unsafe {
        encoder.raw_api().set_option(
            ENCODER_OPTION_TRACE_LEVEL,
            std::ptr::from_mut(&mut level).cast(),
        )
    };
    if status != 0 {
        log::debug!("OpenH264 may print warnings ({status})");
    }
}

/// Name and version of the encoder.
#[expect(unsafe_code, reason = "the wrapper has no call for it")]
fn name_and_version() -> String {
    // SAFETY: the function takes nothing and returns numbers by value.
    let version = unsafe { OpenH264API::from_source().WelsGetCodecVersion() };
    format!(
        "OpenH264 {}.{}.{}",
        version.uMajor, version.uMinor, version.uRevision
    )
}

fn bit_rate(resolution: Resolution, rate_hz: f64) -> u32 {
    let n_pixels = resolution.n_pixels() as f64;
    let upper = BIT_RATES
        .iter()
        .position(|(pixels, _)| *pixels >= n_pixels)
        .unwrap_or(BIT_RATES.len() - 1)
        .max(1);
    let [(x0, y0), (x1, y1)] = [BIT_RATES[upper - 1], BIT_RATES[upper]];
    let at_30_hz = y0 + (y1 - y0) * (n_pixels - x0) / (x1 - x0);
    // Frames that follow more closely differ less.
    let for_rate = at_30_hz * (rate_hz / 30.0).sqrt().clamp(0.5, 2.0);
    for_rate as u32
}

/// The NAL unit without `00 00 01` or `00 00 00 01`.
fn without_start_code(unit: &[u8]) -> &[u8] {
    let n_zeros = unit.iter().take_while(|byte| **byte == 0).count();
    unit.get(n_zeros + 1..).unwrap_or_default()
}

fn replace(parameters: &mut Vec<u8>, unit: &[u8]) {
    parameters.clear();
    parameters.extend_from_slice(unit);
}

fn failed(err: impl std::fmt::Display) -> VideoError {
    VideoError::Encoder {
        codec: NAME,
        reason: err.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_lie_on_the_measured_points_and_between() {
        for (size, rate_hz, wanted) in [
            (Resolution::new(640, 480), 30.0, 2_000_000),
            (Resolution::new(1280, 720), 30.0, 4_000_000),
            (Resolution::new(1280, 720), 7.5, 2_000_000),
            (Resolution::new(1920, 1080), 30.0, 8_000_000),
            (Resolution::new(160, 120), 30.0, 425_000),
        ] {
            assert_eq!(bit_rate(size, rate_hz), wanted, "{size} at {rate_hz} Hz");
        }
        let uhd = bit_rate(Resolution::new(3840, 2160), 30.0);
        assert!((20_000_000..40_000_000).contains(&uhd), "{uhd}");
    }

    #[test]
    fn sizes_that_cannot_be_encoded_are_refused_by_name() {
        for (width, height) in [(15, 64), (64, 17), (3842, 100), (2400, 2400), (0, 0)] {
            let settings = VideoSettings::new(Resolution::new(width, height), 30.0);
            let refused = H264Encoder::new(&settings).map(|_| ());
            assert_eq!(
                refused.is_err(),
                (width, height) != (64, 17),
                "{width}×{height}"
            );
            if let Err(err) = refused {
                assert!(err.to_string().contains("16×16"), "{err}");
            }
        }
    }

    #[test]
    fn the_encoder_names_itself() {
        let name = name_and_version();
        assert!(name.starts_with("OpenH264 2."), "{name}");
    }
}
