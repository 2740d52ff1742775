//! MP4 and QuickTime files.
//!
//! A track's own clock is not what viewers see: an edit list may cut its start and end, and a matrix may turn the
//! picture. Both are common in phone videos, and both are read here.

use std::{
    io::{self, Read, Seek},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

use re_mp4::{BoxType, Mp4, StsdBoxContent, TkhdBox, Track as Mp4Track, TrackKind, TrakBox};

use super::{
    ALL_SHOWN, Codec, Track,
    indexed::{Indexed, Place},
    mp4_boxes::{Layout, Overlay, walk},
    nanos,
};
use crate::{
    capture::video::{Refusal, picture::Rotation},
    frame::Resolution,
};

/// Reads the index of a file, not its packets.
pub(in crate::capture::video) fn open<R: Read + Seek>(
    mut reader: R,
) -> Result<Indexed<R>, Refusal> {
    let broken = |reason: &str| Refusal::Broken(reason.to_owned());
    let mut layout = walk(&mut reader).map_err(|err| match err.kind() {
        io::ErrorKind::InvalidData => broken("its index is damaged"),
        io::ErrorKind::UnexpectedEof => broken("its index is cut short"),
        _ => Refusal::Broken(err.to_string()),
    })?;
    let mp4 = parse(&mut reader, &mut layout)?;
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
    let codec = match &trak.mdia.minf.stbl.stsd.contents {
        StsdBoxContent::Avc1(avc1) => Codec::H264(avc1.avcc.raw.clone()),
        StsdBoxContent::Av01(av01) => Codec::Av1(av01.av1c.raw.clone()),
        StsdBoxContent::Unknown(name) if matches!(&name.value, b"jpeg" | b"mjpa") => Codec::Mjpeg,
        contents => {
            let codec = track
                .codec_string(&mp4)
                .unwrap_or_else(|| codec_of_unknown(contents));
            Codec::Other(codec_name(&codec))
        }
    };
    let places = track.samples.iter().map(|sample| Place {
        offset: sample.offset,
        size: sample.size,
        pts: nanos(sample.composition_timestamp, track.timescale),
        is_sync: sample.is_sync,
    });
    let shown = shown_span(&mp4, track, trak);
    let described = Track {
        codec,
        resolution: Resolution::new(track.width.into(), track.height.into()),
        rotation: rotation(&trak.tkhd),
        pixel_aspect: layout.pixel_aspect.unwrap_or_default(),
        colours: layout.colours,
        shown: shown.map_or(ALL_SHOWN, |Range { start, end }| {
            nanos(start, track.timescale)..nanos(end, track.timescale)
        }),
        rate_hz: None,
        duration: None,
    };
    Indexed::new(reader, described, places.collect())
}

/// Lets the parser read the file, with the tracks that it is to see.
fn parse<R: Read + Seek>(reader: &mut R, layout: &mut Layout) -> Result<Mp4, Refusal> {
    let broken = |reason: &str| Refusal::Broken(reason.to_owned());
    let (index_at, index) = layout.index.take().ok_or_else(|| {
        broken("its index is missing: the recording or the download did not finish")
    })?;
    let reader =
        Overlay::new(reader, index_at, index).map_err(|err| Refusal::Broken(err.to_string()))?;
    let size = layout.readable_size;
    // The parser trusts the tables of a file to agree with each other, and panics when they do not.
    catch_unwind(AssertUnwindSafe(|| Mp4::read(reader, size)))
        .map_err(|_| broken("its index is damaged"))?
        .map_err(|err| match err {
            re_mp4::Error::BoxNotFound(BoxType::FtypBox) => {
                Refusal::Foreign("an old QuickTime file".to_owned())
            }
            re_mp4::Error::BoxNotFound(_) => broken("its index is incomplete"),
            re_mp4::Error::Io(_) => broken("its index is cut short"),
            err => Refusal::Broken(format!("its index is damaged ({err})")),
        })
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

/// Start and end, in the track's time units, of what the edit list shows; `None` for all.
///
/// An edit list can also repeat and rearrange. That is the work of film editors; such a list is left aside.
fn shown_span(mp4: &Mp4, track: &Mp4Track, trak: &TrakBox) -> Option<Range<i64>> {
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
        first_offset.saturating_sub(track.samples.first()?.composition_timestamp)
    };
    let start = i64::try_from(edit.media_time)
        .ok()?
        .saturating_sub(moved_by);
    let movie_timescale = u64::from(mp4.moov.mvhd.timescale).max(1);
    if edit.segment_duration == 0 {
        return Some(start..i64::MAX); // Fragmented files do not know their length.
    }
    // The duration is rounded to the movie's coarser clock, possibly down.
    let duration = (u128::from(edit.segment_duration) + 1) * u128::from(track.timescale)
        / u128::from(movie_timescale);
    let end = start.saturating_add(i64::try_from(duration).unwrap_or(i64::MAX));
    let span = start..end;
    let shows_any = track
        .samples
        .iter()
        .any(|sample| span.contains(&sample.composition_timestamp));
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
    use crate::capture::{demo::CLIP, video::container::Demuxer};

    fn read(bytes: &[u8]) -> Result<Indexed<Cursor<&[u8]>>, Refusal> {
        open(Cursor::new(bytes))
    }

    #[test]
    fn the_demo_clip_is_read() {
        let file = read(CLIP).unwrap();
        assert_eq!(file.places().len(), 270);
        assert!(file.places()[0].is_sync);
        assert_eq!(file.times().unwrap().len(), 270);
        assert_eq!(file.track().rotation, Rotation::None);
        assert!(matches!(file.track().codec, Codec::H264(_)));
        let seconds = file.places()[269].pts as f64 / 1e9;
        assert!((seconds - 269.0 / 30.0).abs() < 1e-3);
    }

    #[test]
    fn an_index_that_is_cut_is_told() {
        let index_end = CLIP.windows(4).position(|w| w == b"mdat").unwrap() - 4;
        for length in (0..index_end).step_by(50) {
            let result = read(&CLIP[..length]);
            assert!(matches!(result, Err(Refusal::Broken(_))), "{length} bytes");
        }
        // Behind the index only pictures are missing.
        match read(&CLIP[..index_end + 100]) {
            Err(Refusal::Broken(reason)) => assert!(reason.contains("cut short"), "{reason}"),
            other => panic!("{other:?}"),
        }
        let file = read(&CLIP[..CLIP.len() / 2]).unwrap();
        assert!((50..220).contains(&file.places().len()));
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
            drop(read(&bytes));
        }
    }

    /// A table of equal sizes needs no room for them, and so can claim any number.
    #[test]
    fn numbers_of_samples_that_cannot_be_are_refused() {
        let mut bytes = CLIP.to_vec();
        let table = CLIP.windows(4).position(|w| w == b"stsz").unwrap() + 8;
        bytes[table..table + 8].copy_from_slice(&[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xF0]);
        match read(&bytes) {
            Err(Refusal::Broken(reason)) => assert!(reason.contains("damaged"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }

    /// What stands in a track of sound cannot harm, not even a number of samples that cannot be.
    #[test]
    fn other_tracks_are_not_read() {
        let at = |name: &[u8; 4]| CLIP.windows(4).position(|w| w == name).unwrap();
        let length = |at: usize| u32::from_be_bytes(CLIP[at..at + 4].try_into().unwrap()) as usize;
        let (moov, trak) = (at(b"moov") - 4, at(b"trak") - 4);
        let mut sound = CLIP[trak..trak + length(trak)].to_vec();
        let within = |bytes: &[u8], name: &[u8; 4]| bytes.windows(4).position(|w| w == name);
        let handler = within(&sound, b"vide").unwrap();
        sound[handler..handler + 4].copy_from_slice(b"soun");
        let sizes = within(&sound, b"stsz").unwrap() + 8;
        sound[sizes..sizes + 8].copy_from_slice(&[0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF]);
        let mut bytes = CLIP.to_vec();
        let moov_length = (length(moov) + sound.len()) as u32;
        bytes[moov..moov + 4].copy_from_slice(&moov_length.to_be_bytes());
        bytes.splice(trak..trak, sound);
        assert_eq!(read(&bytes).unwrap().places().len(), 270);
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
