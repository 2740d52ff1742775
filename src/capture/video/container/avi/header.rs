//! What an AVI file says about its video track.

use super::riff::{Name, chunks_in, find, name_at, u32_at};
use crate::{
    capture::video::{
        container::demuxer::{Codec, Track},
        decoded::{Colors, PixelAspect},
        error::OpenError,
        orientation::Orientation,
    },
    frame::Resolution,
};

/// Frames per second if the file states no plausible rate.
const DEFAULT_RATE_HZ: u32 = 25;

/// The first video track.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) stream: u8,
    pub(super) track: Track,
    /// Frames per second are `rate` over `scale`; neither is 0.
    pub(super) rate: u32,
    pub(super) scale: u32,
    /// Its OpenDML index of indexes; empty if there is none.
    pub(super) super_index: Vec<u8>,
}

/// Reads the content of the list `hdrl`.
pub(super) fn read(header: &[u8]) -> Result<Header, OpenError> {
    let streams = chunks_in(header)
        .filter(|(name, _)| name == b"LIST")
        .filter_map(|(_, list)| list.strip_prefix(b"strl"));
    let Some((number, stream)) = streams
        .enumerate()
        .find(|(_, stream)| find(stream, b"strh").is_some_and(|strh| strh.starts_with(b"vids")))
    else {
        return Err(OpenError::damaged(
            "it holds no video, or its beginning is damaged",
        ));
    };
    let stream_header = find(stream, b"strh").unwrap_or_default();
    let format = find(stream, b"strf").unwrap_or_default();
    let (width, height) = (u32_at(format, 4), u32_at(format, 8));
    let compression = name_at(format, 16).or_else(|| name_at(stream_header, 4));
    let (rate, scale) = rate(stream_header, find(header, b"avih").unwrap_or_default());
    Ok(Header {
        stream: u8::try_from(number).unwrap_or(u8::MAX),
        track: Track {
            codec: codec(compression.unwrap_or_default()),
            ffmpeg_stream: "v:0".to_owned(),
            // A negative height means rows from top to bottom, which JPEG has anyway.
            resolution: Resolution::new(
                width.unwrap_or(0),
                height.unwrap_or(0).cast_signed().unsigned_abs(),
            ),
            orientation: Orientation::default(),
            pixel_aspect: PixelAspect::default(),
            colors: Colors::default(),
            rate_hz: None,
            duration: None,
        },
        rate,
        scale,
        super_index: find(stream, b"indx").unwrap_or_default().to_vec(),
    })
}

/// Frames per second as a ratio, from the track or else from the file.
fn rate(stream_header: &[u8], file_header: &[u8]) -> (u32, u32) {
    let is_possible = |rate: u32, scale: u32| {
        rate > 0 && scale > 0 && rate / scale <= 1000 && scale / rate <= 3600
    };
    match (u32_at(stream_header, 24), u32_at(stream_header, 20)) {
        (Some(rate), Some(scale)) if is_possible(rate, scale) => (rate, scale),
        _ => match u32_at(file_header, 0) {
            Some(micros) if is_possible(1_000_000, micros) => (1_000_000, micros),
            _ => (DEFAULT_RATE_HZ, 1),
        },
    }
}

fn codec(compression: Name) -> Codec {
    let name = match &compression.to_ascii_uppercase()[..] {
        b"MJPG" | b"JPEG" | b"AVRN" | b"DMB1" => return Codec::Mjpeg,
        b"H264" | b"X264" | b"AVC1" => "H.264 (in an AVI file)",
        b"HEVC" | b"H265" | b"HVC1" => "HEVC (H.265)",
        b"XVID" | b"DIVX" | b"DX50" | b"FMP4" | b"MP4V" | b"DIV3" | b"MP42" | b"MP43" => "MPEG-4",
        b"VP80" => "VP8",
        b"VP90" => "VP9",
        b"AV01" => "AV1 (in an AVI file)",
        b"DVSD" | b"DV25" | b"DV50" => "DV",
        b"HFYU" | b"FFVH" => "HuffYUV",
        b"FFV1" => "FFV1",
        b"DIB " | b"RGB " | b"\0\0\0\0" | b"YUY2" | b"UYVY" | b"I420" | b"YV12" | b"NV12" => {
            "uncompressed"
        }
        _ => {
            let name = compression.escape_ascii().to_string();
            return Codec::Other(format!("“{name}”"));
        }
    };
    Codec::Other(name.to_owned())
}
