//! The packets of an MP4 or QuickTime file's video track, with their times.
//!
//! A track's own clock is not what viewers see: an edit list may cut its start and end, and a matrix may turn the
//! picture. Both are common in phone videos, and both are read here.

use std::{
    io::{self, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
};

use re_mp4::{Mp4, StsdBoxContent, TkhdBox, Track, TrackKind, TrakBox};

use super::sps::{self, VideoFormat};

/// The H.264 video track of a file.
pub(super) struct VideoTrack {
    /// In the order in which they are decoded.
    pub(super) packets: Vec<Packet>,
    /// Time units per second.
    pub(super) timescale: u64,
    pub(super) rotation: Rotation,
    /// Bytes of the length field before each NAL unit, 1 to 4.
    pub(super) nal_length_bytes: usize,
    /// The parameter sets in Annex B form, to go before each packet at which decoding can start.
    pub(super) parameter_sets: Vec<u8>,
    pub(super) format: VideoFormat,
}

/// One compressed picture.
pub(super) struct Packet {
    /// Place in the file.
    pub(super) offset: u64,
    /// Length, bytes.
    pub(super) size: u64,
    pub(super) is_sync: bool,
    /// Presentation time in time units.
    pub(super) pts: i64,
    /// Whether it lies within what the edit list shows.
    pub(super) is_shown: bool,
}

/// How the decoded picture is turned for showing, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotation {
    None,
    By90,
    By180,
    By270,
}

/// Why there is no such track, in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DemuxError {
    /// The file is damaged or has no video: nothing will read it.
    Broken(String),
    /// Something else than 8-bit progressive H.264, by name: ffmpeg may read it.
    Foreign(String),
}

/// Reads the index of a file, not its packets.
pub(super) fn read(reader: &mut (impl Read + Seek)) -> Result<VideoTrack, DemuxError> {
    let broken = |reason: &str| DemuxError::Broken(reason.to_owned());
    let size = readable_size(reader).map_err(|err| DemuxError::Broken(err.to_string()))?;
    // The parser trusts the tables of a file to agree with each other, and panics when they do not.
    let mp4 = catch_unwind(AssertUnwindSafe(|| Mp4::read(reader, size)))
        .map_err(|_| broken("its index is damaged"))?
        .map_err(|err| match err {
            re_mp4::Error::BoxNotFound(_) => {
                broken("its index is missing: the recording or the download did not finish")
            }
            re_mp4::Error::Io(_) => broken("its index is cut short"),
            err => DemuxError::Broken(format!("its index is damaged ({err})")),
        })?;
    let Some(track) = mp4
        .tracks()
        .values()
        .find(|track| track.kind == Some(TrackKind::Video))
        .or_else(|| {
            mp4.tracks()
                .values()
                .find(|track| is_picture_track(track.trak(&mp4)))
        })
    else {
        return Err(broken("it holds no video, only sound or other data"));
    };
    let trak = track.trak(&mp4);
    let StsdBoxContent::Avc1(avc1) = &trak.mdia.minf.stbl.stsd.contents else {
        let codec = track
            .codec_string(&mp4)
            .unwrap_or_else(|| codec_of_unknown(&trak.mdia.minf.stbl.stsd.contents));
        return Err(DemuxError::Foreign(format!("{} video", codec_name(&codec))));
    };
    let mut parameter_sets = Vec::new();
    for unit in avc1
        .avcc
        .sequence_parameter_sets
        .iter()
        .chain(&avc1.avcc.picture_parameter_sets)
    {
        parameter_sets.extend([0, 0, 0, 1]);
        parameter_sets.extend(&unit.bytes);
    }
    let format = avc1
        .avcc
        .sequence_parameter_sets
        .first()
        .and_then(|unit| sps::parse(&unit.bytes))
        .ok_or_else(|| broken("its H.264 parameters are damaged"))?;
    if let Some(kind) = format.unsupported() {
        return Err(DemuxError::Foreign(format!("{kind} H.264 video")));
    }
    if track.samples.is_empty() || track.timescale == 0 {
        return Err(broken("its video has no pictures"));
    }
    Ok(VideoTrack {
        packets: packets(&mp4, track, trak),
        timescale: track.timescale,
        rotation: rotation(&trak.tkhd),
        nal_length_bytes: usize::from(avc1.avcc.length_size_minus_one & 3) + 1,
        parameter_sets,
        format,
    })
}

/// The length that the parser is to take for the file's, which it then reads without error although it is cut short.
///
/// Of a file that a crash or a full disk has cut, everything before the last box is whole. If that last box is the
/// pictures themselves, some of them are there; if it is another one, it is left out.
fn readable_size(reader: &mut (impl Read + Seek)) -> io::Result<u64> {
    let file_size = reader.seek(SeekFrom::End(0))?;
    let mut at = 0;
    while at + 8 <= file_size {
        reader.seek(SeekFrom::Start(at))?;
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [a, b, c, d, name @ ..] = header;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => file_size - at, // To the end of the file.
            1 if at + 16 <= file_size => {
                let mut long_size = [0; 8];
                reader.read_exact(&mut long_size)?;
                u64::from_be_bytes(long_size)
            }
            size => u64::from(size),
        };
        let end = at.saturating_add(size);
        if size < 8 || end > file_size {
            at = if name == *b"mdat" { end } else { at };
            break;
        }
        at = end;
    }
    reader.rewind()?;
    Ok(at)
}

/// Whether a track of an unknown codec is video.
fn is_picture_track(trak: &TrakBox) -> bool {
    trak.mdia.hdlr.handler_type.value == *b"vide"
}

fn codec_of_unknown(contents: &StsdBoxContent) -> String {
    match contents {
        StsdBoxContent::Unknown(fourcc) => String::from_utf8_lossy(&fourcc.value).into_owned(),
        _ => "unknown".to_owned(),
    }
}

/// What people call the codec of an RFC 6381 string.
fn codec_name(codec: &str) -> String {
    let name = match codec.split('.').next().unwrap_or(codec) {
        "hvc1" | "hev1" => "HEVC (H.265)",
        "av01" => "AV1",
        "vp08" | "vp8" => "VP8",
        "vp09" | "vp9" => "VP9",
        "mp4v" => "MPEG-4",
        "jpeg" | "mjpa" | "mjpb" => "Motion JPEG",
        "apch" | "apcn" | "apcs" | "apco" | "ap4h" => "ProRes",
        other => return format!("“{}”", other.trim()),
    };
    name.to_owned()
}

fn packets(mp4: &Mp4, track: &Track, trak: &TrakBox) -> Vec<Packet> {
    let shown = shown_span(mp4, track, trak);
    track
        .samples
        .iter()
        .map(|sample| Packet {
            offset: sample.offset,
            size: sample.size,
            is_sync: sample.is_sync,
            pts: sample.composition_timestamp,
            is_shown: shown
                .is_none_or(|(start, end)| (start..end).contains(&sample.composition_timestamp)),
        })
        .collect()
}

/// Start and end, in the track's time units, of what the edit list shows; `None` for all.
///
/// An edit list can also repeat and rearrange. That is the work of film editors; such a list is left aside.
fn shown_span(mp4: &Mp4, track: &Track, trak: &TrakBox) -> Option<(i64, i64)> {
    let list = trak.edts.as_ref()?.elst.as_ref()?;
    // A start of -1 is a pause before the video, stored in 32 or 64 bits.
    let mut edits = list
        .entries
        .iter()
        .filter(|edit| edit.media_time != u64::from(u32::MAX) && edit.media_time != u64::MAX);
    let edit = edits.next()?;
    if edits.next().is_some() {
        log::warn!("the video's edit list has several parts; the whole video is shown instead");
        return None;
    }
    // The parser moves all times so that the first is 0; edit lists count from before that.
    let stbl = &trak.mdia.minf.stbl;
    let first_offset = stbl
        .ctts
        .as_ref()
        .and_then(|ctts| ctts.entries.first())
        .map_or(0, |entry| i64::from(entry.sample_offset));
    let moved_by = if stbl.stsz.sample_count == 0 {
        0 // Fragments are not moved.
    } else {
        first_offset - track.samples.first()?.composition_timestamp
    };
    let start = i64::try_from(edit.media_time)
        .ok()?
        .saturating_sub(moved_by);
    let movie_timescale = u64::from(mp4.moov.mvhd.timescale).max(1);
    if edit.segment_duration == 0 {
        return Some((start, i64::MAX)); // Fragmented files do not know their length.
    }
    // The duration is rounded to the movie's coarser clock, possibly down.
    let duration = u128::from(edit.segment_duration + 1) * u128::from(track.timescale)
        / u128::from(movie_timescale);
    let end = start.saturating_add(i64::try_from(duration).unwrap_or(i64::MAX));
    let span = (start, end);
    let shows_any = track
        .samples
        .iter()
        .any(|sample| (span.0..span.1).contains(&sample.composition_timestamp));
    if !shows_any {
        log::warn!("the video's edit list shows nothing; the whole video is shown instead");
    }
    shows_any.then_some(span)
}

/// The quarter turns among the matrices; phones write no others.
fn rotation(tkhd: &TkhdBox) -> Rotation {
    let matrix = &tkhd.matrix;
    match [matrix.a, matrix.b, matrix.c, matrix.d].map(i32::signum) {
        [0, 1, -1, 0] => Rotation::By90,
        [-1, 0, 0, -1] => Rotation::By180,
        [0, -1, 1, 0] => Rotation::By270,
        _ => Rotation::None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::capture::demo::CLIP;

    #[test]
    fn the_demo_clip_is_read() {
        let track = read(&mut Cursor::new(CLIP)).unwrap();
        assert_eq!(track.packets.len(), 270);
        assert!(track.packets[0].is_sync);
        assert!(track.packets.iter().all(|packet| packet.is_shown));
        assert_eq!(track.rotation, Rotation::None);
        let seconds = |packet: &Packet| packet.pts as f64 / track.timescale as f64;
        assert!((seconds(&track.packets[269]) - 269.0 / 30.0).abs() < 1e-3);
    }

    #[test]
    fn an_index_that_is_cut_is_told() {
        let index_end = CLIP.windows(4).position(|w| w == b"mdat").unwrap() - 4;
        for length in (0..index_end).step_by(50) {
            let result = read(&mut Cursor::new(&CLIP[..length]));
            assert!(
                matches!(result, Err(DemuxError::Broken(_))),
                "{length} bytes"
            );
        }
        // Behind the index only pictures are missing, and it knows of all.
        let track = read(&mut Cursor::new(&CLIP[..index_end + 100])).unwrap();
        assert_eq!(track.packets.len(), 270);
    }

    /// Every byte of the index in turn is spoilt; the answer may be anything but a panic.
    #[test]
    fn damage_anywhere_in_the_index_is_survived() {
        let index_end = CLIP
            .windows(4)
            .position(|window| window == b"mdat")
            .unwrap();
        for at in (0..index_end).step_by(7) {
            let mut bytes = CLIP.to_vec();
            bytes[at] ^= 0x55;
            drop(read(&mut Cursor::new(&bytes)));
        }
    }

    #[test]
    fn codecs_have_names() {
        assert_eq!(codec_name("hvc1.1.6.L93.B0"), "HEVC (H.265)");
        assert_eq!(codec_name("av01.0.04M.08"), "AV1");
        assert_eq!(codec_name("xyz1"), "“xyz1”");
    }

    #[test]
    fn only_quarter_turns_are_made() {
        let tkhd = |a, b, c, d| {
            let mut tkhd = TkhdBox::default();
            (tkhd.matrix.a, tkhd.matrix.b, tkhd.matrix.c, tkhd.matrix.d) = (a, b, c, d);
            rotation(&tkhd)
        };
        const ONE: i32 = 1 << 16;
        assert_eq!(tkhd(ONE, 0, 0, ONE), Rotation::None);
        assert_eq!(tkhd(0, ONE, -ONE, 0), Rotation::By90);
        assert_eq!(tkhd(-ONE, 0, 0, -ONE), Rotation::By180);
        assert_eq!(tkhd(0, -ONE, ONE, 0), Rotation::By270);
        assert_eq!(tkhd(ONE, ONE, -ONE, ONE), Rotation::None);
    }
}
