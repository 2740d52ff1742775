//! How a track is compressed, and the shape and color of its pixels: the sample description.

use super::boxes::{Name, boxes, entries, find, find_path, u16_at, u32_at};
use crate::{
    capture::video::{
        container::demuxer::Codec,
        decoded::{Colors, PixelAspect},
        error::OpenError,
    },
    frame::Resolution,
};

/// What a sample description says.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) codec: Codec,
    pub(super) resolution: Resolution,
    pub(super) pixel_aspect: PixelAspect,
    pub(super) colors: Colors,
}

/// Reads the description of the frames in a sample table.
pub(super) fn read(sample_table: &[u8]) -> Result<Entry, OpenError> {
    /// Bytes before the boxes of a description.
    const FIELDS: usize = 78;
    let descriptions = find(sample_table, b"stsd").unwrap_or_default();
    let descriptions: Vec<_> = boxes(descriptions.get(8..).unwrap_or_default()).collect();
    // From 1; almost all files have one description only.
    let mut numbers: Vec<usize> = entries::<12>(find(sample_table, b"stsc").unwrap_or_default())
        .iter()
        .map(|run| u32_at(run, 8).unwrap_or(1) as usize)
        .collect();
    numbers.dedup();
    let description = |number: usize| descriptions.get(number.saturating_sub(1));
    let first = numbers.first().copied().unwrap_or(1);
    let Some((name, content)) = description(first).or(descriptions.first()) else {
        return Err(OpenError::damaged("its index is damaged"));
    };
    let changes = |number: &usize| description(*number).is_some_and(|other| other.1 != *content);
    if numbers.iter().any(changes) {
        return Err(OpenError::unsupported("video whose format changes midway"));
    }
    let extras = content.get(FIELDS..).unwrap_or_default();
    let side = |at| u32::from(u16_at(content, at).unwrap_or(0));
    Ok(Entry {
        codec: codec(name, extras)?,
        resolution: Resolution::new(side(24), side(26)),
        pixel_aspect: pixel_aspect(find(extras, b"pasp").unwrap_or_default()),
        colors: colors(find(extras, b"colr").unwrap_or_default()),
    })
}

fn codec(name: &Name, extras: &[u8]) -> Result<Codec, OpenError> {
    let record = |name| find(extras, name).unwrap_or_default().to_vec();
    let known = match name {
        b"avc1" | b"avc3" => return Ok(Codec::H264(record(b"avcC"))),
        b"av01" => return Ok(Codec::Av1(record(b"av1C"))),
        b"jpeg" | b"mjpa" => return Ok(Codec::Mjpeg),
        b"encv" => {
            return Err(OpenError::Refused(
                "it is encrypted; save it without protection".to_owned(),
            ));
        }
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "HEVC (H.265)",
        b"vvc1" | b"vvi1" => "VVC (H.266)",
        b"vp08" => "VP8",
        b"vp09" => "VP9",
        b"mp4v" => "MPEG-4",
        b"mjpb" => "Motion JPEG",
        b"png " => "PNG",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes",
        _ => {
            let name = String::from_utf8_lossy(name);
            return Ok(Codec::Other(format!("“{}”", name.trim())));
        }
    };
    Ok(Codec::Other(known.to_owned()))
}

fn pixel_aspect(pasp: &[u8]) -> PixelAspect {
    match (u32_at(pasp, 0), u32_at(pasp, 4)) {
        (Some(horizontal), Some(vertical)) => PixelAspect::new(horizontal.into(), vertical.into()),
        _ => PixelAspect::default(),
    }
}

/// `nclx` is MP4's, `nclc` QuickTime's, which knows no full range.
fn colors(colr: &[u8]) -> Colors {
    match colr.get(..10) {
        Some([b'n', b'c', b'l', b'x' | b'c', _, _, _, _, _, matrix]) => {
            let is_full_range = colr.get(10).map(|flags| flags & 0x80 != 0);
            Colors::new(Some(*matrix), is_full_range)
        }
        _ => Colors::default(),
    }
}

/// Whether a track holds video.
pub(super) fn is_video(track: &[u8]) -> bool {
    let handler = find_path(track, &[b"mdia", b"hdlr"]).get(8..12);
    match handler {
        Some(b"vide") => true,
        // Only video has this header.
        Some(b"soun" | b"subt" | b"text" | b"hint" | b"meta") => false,
        _ => find(find_path(track, &[b"mdia", b"minf"]), b"vmhd").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(descriptions: &[u8], runs: &[u8]) -> Vec<u8> {
        let sized = |name: &Name, content: &[u8]| {
            let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
            bytes.extend(name);
            bytes.extend(content);
            bytes
        };
        [sized(b"stsd", descriptions), sized(b"stsc", runs)].concat()
    }

    #[test]
    fn codecs_have_names() {
        let name = |name: &Name| match codec(name, &[]) {
            Ok(Codec::Other(name)) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(name(b"hvc1"), "HEVC (H.265)");
        assert_eq!(name(b"vp09"), "VP9");
        assert_eq!(name(b"xyz1"), "“xyz1”");
        assert!(matches!(codec(b"encv", &[]), Err(OpenError::Refused(_))));
    }

    #[test]
    fn a_format_that_changes_is_left_to_ffmpeg() {
        let run = |number: u8| [0, 0, 0, number, 0, 0, 0, 1, 0, 0, 0, number];
        let runs = |n: u8| {
            let mut runs = vec![0, 0, 0, 0, 0, 0, 0, n];
            runs.extend((1..=n).flat_map(run));
            runs
        };
        let two = b"\0\0\0\0\0\0\0\x02\0\0\0\x09jpegA\0\0\0\x09jpegB";
        let same = b"\0\0\0\0\0\0\0\x02\0\0\0\x09jpegA\0\0\0\x09jpegA";
        assert!(matches!(
            read(&table(two, &runs(2))),
            Err(OpenError::Unsupported(_))
        ));
        for (descriptions, n) in [(&two[..], 1), (same, 2), (two, 0)] {
            assert_eq!(
                read(&table(descriptions, &runs(n))).unwrap().codec,
                Codec::Mjpeg
            );
        }
        assert!(matches!(
            read(&table(b"\0\0\0\0", &[])),
            Err(OpenError::Damaged(_))
        ));
    }
}
