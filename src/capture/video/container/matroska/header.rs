//! What a Matroska file says about itself before its first packet.

use std::{
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use super::id;
use crate::{
    capture::video::{
        container::{
            demuxer::{Codec, Track, read_bytes},
            ebml,
        },
        decoded::{Colors, PixelAspect},
        error::OpenError,
        orientation::Orientation,
    },
    frame::Resolution,
};

/// What is needed to find and read packets.
#[derive(Debug)]
pub(super) struct Facts {
    /// Positions in the file are counted from here.
    pub(super) segment_at: u64,
    pub(super) first_cluster: u64,
    pub(super) cues_at: Option<u64>,
    pub(super) timestamp_scale_ns: u64,
    pub(super) track_number: u64,
    /// Bytes that every packet begins with, stored once.
    pub(super) stripped_header: Vec<u8>,
}

/// The parts of the file that are read whole.
#[derive(Default)]
struct Parts {
    info: Vec<u8>,
    tracks: Vec<u8>,
    seek_head: Vec<u8>,
}

/// Reads everything up to the first cluster.
pub(super) fn read_facts(reader: &mut (impl Read + Seek)) -> Result<(Facts, Track), OpenError> {
    let broken = |reason: &str| OpenError::Damaged(reason.to_owned());
    let damaged = || broken("it is a damaged Matroska file, or its beginning is missing");
    let cut = |_| broken("it is cut short before its first frame");
    let mut parts = Parts::default();
    let mut segment_at = None;
    let mut at = 0;
    reader.rewind().map_err(cut)?;
    let first_cluster = loop {
        let header = ebml::read_header(reader)
            .map_err(cut)?
            .ok_or_else(damaged)?;
        let content_at = at + header.length;
        let part = match header.id {
            id::SEGMENT => {
                segment_at = Some(content_at);
                at = content_at;
                continue;
            }
            id::CLUSTER => break at,
            id::INFO => Some(&mut parts.info),
            id::TRACKS => Some(&mut parts.tracks),
            id::SEEK_HEAD => Some(&mut parts.seek_head),
            _ => None,
        };
        let size = header.size.ok_or_else(damaged)?;
        if let Some(part) = part {
            read_bytes(reader, size, part).map_err(cut)?;
        }
        at = content_at.checked_add(size).ok_or_else(damaged)?;
        reader.seek(SeekFrom::Start(at)).map_err(cut)?;
    };
    let segment_at = segment_at.ok_or_else(damaged)?;
    if parts.tracks.is_empty() {
        let tracks_at = position_of(&parts.seek_head, id::TRACKS, segment_at);
        let size = tracks_at
            .and_then(|at| reader.seek(SeekFrom::Start(at)).ok())
            .and_then(|_| ebml::read_header(reader).ok().flatten())
            .filter(|header| header.id == id::TRACKS)
            .and_then(|header| header.size)
            .ok_or_else(damaged)?;
        read_bytes(reader, size, &mut parts.tracks).map_err(cut)?;
    }
    let (ordinal, entry) = video_entry(&parts.tracks)
        .ok_or_else(|| broken("it holds no video, only sound or other data"))?;
    let timestamp_scale_ns = ebml::child(&parts.info, 0x2AD7B1)
        .and_then(ebml::unsigned)
        .filter(|scale| *scale > 0)
        .unwrap_or(1_000_000);
    let duration = ebml::child(&parts.info, 0x4489)
        .and_then(ebml::float)
        .filter(|duration| *duration > 0.0)
        .map(|duration| duration * timestamp_scale_ns as f64 / 1e9);
    let track = Track {
        duration: duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        ..read_track(entry, ordinal)
    };
    let facts = Facts {
        segment_at,
        first_cluster,
        cues_at: position_of(&parts.seek_head, id::CUES, segment_at),
        timestamp_scale_ns,
        track_number: number(entry, 0xD7).ok_or_else(damaged)?,
        stripped_header: stripped_header(entry)?,
    };
    Ok((facts, track))
}

/// Where the seek head says that an element is.
fn position_of(seek_head: &[u8], id: u32, segment_at: u64) -> Option<u64> {
    let (_, seek) = ebml::children(seek_head).find(|(child, seek)| {
        *child == 0x4DBB && ebml::child(seek, 0x53AB) == Some(&id.to_be_bytes()[..])
    })?;
    segment_at.checked_add(number(seek, 0x53AC)?)
}

fn number(content: &[u8], id: u32) -> Option<u64> {
    ebml::child(content, id).and_then(ebml::unsigned)
}

/// The track to show, with its index among the video tracks: the first that is enabled and marked as the default, or
/// else the best of the others.
fn video_entry(tracks: &[u8]) -> Option<(usize, &[u8])> {
    let is_video = |entry: &[u8]| number(entry, 0x83) == Some(1);
    let is_set = |entry: &[u8], flag: u32| number(entry, flag) != Some(0);
    ebml::children(tracks)
        .filter(|(id, entry)| *id == 0xAE && is_video(entry))
        .map(|(_, entry)| entry)
        .enumerate()
        .min_by_key(|(_, entry)| (!is_set(entry, 0xB9), !is_set(entry, 0x88)))
}

fn read_track(entry: &[u8], ordinal: usize) -> Track {
    let codec_id = ebml::child(entry, 0x86).unwrap_or_default();
    let codec_id = String::from_utf8_lossy(codec_id);
    let private = ebml::child(entry, 0x63A2).unwrap_or_default();
    let video = ebml::child(entry, 0xE0).unwrap_or_default();
    let codec = codec(codec_id.trim_end_matches('\0'), private);
    let is_interlaced = number(video, 0x9A) == Some(1);
    let pixels = |id| number(video, id).and_then(|n| u32::try_from(n).ok());
    let resolution = Resolution::new(
        pixels(0xB0).unwrap_or_default(),
        pixels(0xBA).unwrap_or_default(),
    );
    let color = ebml::child(video, 0x55B0).unwrap_or_default();
    Track {
        codec: match codec {
            // The bundled decoders show two fields as two half-height frames, or fail.
            Codec::Mjpeg if is_interlaced => Codec::Other("interlaced Motion JPEG".to_owned()),
            codec => codec,
        },
        ffmpeg_stream: format!("v:{ordinal}"),
        orientation: orientation(ebml::child(video, 0x7670).unwrap_or_default()),
        pixel_aspect: pixel_aspect(video, resolution),
        resolution,
        colors: Colors::new(
            number(color, 0x55B1).and_then(|code| u8::try_from(code).ok()),
            match number(color, 0x55B9) {
                Some(1) => Some(false),
                Some(2) => Some(true),
                _ => None,
            },
        ),
        rate_hz: number(entry, 0x0023_E383)
            .filter(|duration_ns| *duration_ns > 0)
            .map(|duration_ns| 1e9 / duration_ns as f64),
        duration: None,
    }
}

fn codec(id: &str, private: &[u8]) -> Codec {
    let name = match id {
        "V_MPEG4/ISO/AVC" => return Codec::H264(private.to_vec()),
        "V_AV1" => return Codec::Av1(private.to_vec()),
        "V_MJPEG" => return Codec::Mjpeg,
        "V_MPEGH/ISO/HEVC" => "HEVC (H.265)",
        "V_VP8" => "VP8",
        "V_VP9" => "VP9",
        "V_THEORA" => "Theora",
        "V_PRORES" => "ProRes",
        "V_FFV1" => "FFV1",
        "V_UNCOMPRESSED" => "uncompressed",
        "V_MPEG1" | "V_MPEG2" => "MPEG-2",
        _ if id.starts_with("V_MPEG4") => "MPEG-4",
        // AVI files in a new container; which codec they have is stated elsewhere.
        "V_MS/VFW/FOURCC" => "old Windows",
        other => return Codec::Other(format!("“{other}”")),
    };
    Codec::Other(name.to_owned())
}

/// From the size at which to show the frame, after cropping.
fn pixel_aspect(video: &[u8], stored: Resolution) -> PixelAspect {
    let cropped = |side: u32, ids: [u32; 2]| {
        let crop = ids.map(|id| number(video, id).unwrap_or(0));
        u64::from(side).saturating_sub(crop[0].saturating_add(crop[1]))
    };
    let width = cropped(stored.width_px, [0x54CC, 0x54DD]);
    let height = cropped(stored.height_px, [0x54AA, 0x54BB]);
    // Units 0 to 3 are pixels, centimeters, inches and a bare ratio; 4 is “unknown”.
    let is_ratio = number(video, 0x54B2).unwrap_or(0) <= 3;
    match (number(video, 0x54B0), number(video, 0x54BA)) {
        (Some(shown_width), Some(shown_height)) if is_ratio => {
            let horizontal = shown_width.saturating_mul(height);
            let vertical = shown_height.saturating_mul(width);
            // A display size is rounded to whole pixels; a difference of half a pixel means square ones.
            let is_rounding = horizontal.abs_diff(vertical) <= shown_width.max(shown_height);
            if is_rounding {
                PixelAspect::default()
            } else {
                PixelAspect::new(horizontal, vertical)
            }
        }
        _ => PixelAspect::default(),
    }
}

/// Of a flat frame: mirrored if the yaw is half a turn, then turned by the roll, counterclockwise in degrees.
fn orientation(projection: &[u8]) -> Orientation {
    let angle = |id| {
        let angle = ebml::child(projection, id).and_then(ebml::float);
        angle.unwrap_or(0.0)
    };
    let (yaw, pitch, roll) = (angle(0x7673), angle(0x7674), angle(0x7675));
    let is_mirrored = yaw.abs() == 180.0;
    let is_flat =
        number(projection, 0x7671).unwrap_or(0) == 0 && (yaw == 0.0 || is_mirrored) && pitch == 0.0;
    if !is_flat {
        return Orientation::default();
    }
    // Mirroring before a turn is the same as mirroring after the opposite one.
    let clockwise = if is_mirrored { roll } else { -roll };
    Orientation::from_angle(clockwise, is_mirrored)
}

/// What was taken off the beginning of each packet; an error if more was done to them.
fn stripped_header(entry: &[u8]) -> Result<Vec<u8>, OpenError> {
    const HEADER_STRIPPING: u64 = 3;
    let Some(encodings) = ebml::child(entry, 0x6D80) else {
        return Ok(Vec::new());
    };
    let mut header = Vec::new();
    for (_, encoding) in ebml::children(encodings).filter(|(id, _)| *id == 0x6240) {
        let compression = ebml::child(encoding, 0x5034);
        match compression.map(|compression| (number(compression, 0x4254), compression)) {
            Some((Some(HEADER_STRIPPING), compression)) => {
                header.extend(ebml::child(compression, 0x4255).unwrap_or_default());
            }
            Some(_) => {
                return Err(OpenError::unsupported("video with compressed packets"));
            }
            None => {
                return Err(OpenError::Refused(
                    "it is encrypted; save it without protection".to_owned(),
                ));
            }
        }
    }
    Ok(header)
}
