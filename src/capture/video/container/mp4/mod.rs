//! MP4 and QuickTime files, fragmented or not.
//!
//! A track is not what viewers see: an edit list may cut and rearrange it, and a matrix may turn and mirror
//! the frames. Both are common in phone videos, and both are read here.
//! Only what the video needs is read. A box that it does not need may hold anything.

mod boxes;
mod edits;
mod entry;
mod samples;
mod tables;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom};

use self::{
    boxes::{TopLevel, boxes, by_version, find, find_path, i32_at, u32_at, version_and_flags},
    edits::Clocks,
    samples::{Defaults, Samples},
};
use super::{
    demuxer::{Track, nanos, read_bytes},
    indexed::Indexed,
};
use crate::capture::video::{error::OpenError, orientation::Orientation};

/// Reads the index of a file, not its packets.
pub(in crate::capture::video) fn open<R: Read + Seek>(
    mut reader: R,
) -> Result<Indexed<R>, OpenError> {
    let file_size = reader.seek(SeekFrom::End(0)).map_err(broken)?;
    let index = read_index(&mut reader, file_size)?;
    if find(&index, b"cmov").is_some() {
        return Err(OpenError::unsupported(
            "QuickTime video with a compressed index",
        ));
    }
    let Some(track) = choose_track(&index) else {
        return Err(broken("it holds no video, only sound or other data"));
    };
    let entry = entry::read(track.table())?;
    let mut samples = Samples::new(file_size);
    samples.add_table(track.table())?;
    if let Some(defaults) = Defaults::read(&index, track.number) {
        read_fragments(&mut reader, &mut samples, track.number, defaults)?;
    }
    let clocks = Clocks {
        movie: timescale(find(&index, b"mvhd").unwrap_or_default()),
        track: timescale(find_path(track.content, &[b"mdia", b"mdhd"])),
    };
    let n_missing = samples.n_missing;
    let mut places = edits::apply(track.content, samples.places, clocks)?;
    for place in &mut places {
        place.pts = nanos(place.pts, clocks.track.into());
    }
    let described = Track {
        codec: entry.codec,
        ffmpeg_stream: format!("i:{}", track.number),
        resolution: entry.resolution,
        orientation: orientation(&index, track.header()),
        pixel_aspect: entry.pixel_aspect,
        colors: entry.colors,
        rate_hz: None,
        duration: None,
    };
    Indexed::new(reader, described, places, n_missing)
}

fn broken(reason: impl ToString) -> OpenError {
    OpenError::Damaged(reason.to_string())
}

/// The content of the box `moov`.
fn read_index<R: Read + Seek>(reader: &mut R, file_size: u64) -> Result<Vec<u8>, OpenError> {
    let mut top = TopLevel::new(reader, file_size).map_err(broken)?;
    while let Some(found) = top.next().map_err(broken)? {
        if found.name == *b"moov" {
            let mut index = Vec::new();
            read_bytes(top.reader(), found.end - found.content_at, &mut index).map_err(|err| {
                broken(match err.kind() {
                    io::ErrorKind::InvalidData => "its index is damaged".to_owned(),
                    io::ErrorKind::UnexpectedEof => "its index is cut short".to_owned(),
                    _ => err.to_string(),
                })
            })?;
            return Ok(index);
        }
    }
    Err(broken(
        "its index is missing: the recording or the download did not finish",
    ))
}

/// Adds what all fragments of the file list. In a file that was cut off, the last one may be missing.
fn read_fragments<R: Read + Seek>(
    reader: &mut R,
    samples: &mut Samples,
    track: u32,
    defaults: Defaults,
) -> Result<(), OpenError> {
    let file_size = reader.seek(SeekFrom::End(0)).map_err(broken)?;
    let mut top = TopLevel::new(reader, file_size).map_err(broken)?;
    let mut content = Vec::new();
    while let Some(found) = top.next().map_err(broken)? {
        if found.name == *b"moof" {
            let size = found.end - found.content_at;
            if read_bytes(top.reader(), size, &mut content).is_err() {
                break;
            }
            samples.add_fragment(&content, found.start, track, defaults)?;
        }
    }
    Ok(())
}

/// A video track of the index.
#[derive(Debug, Clone, Copy)]
struct VideoTrack<'a> {
    number: u32,
    content: &'a [u8],
}

impl<'a> VideoTrack<'a> {
    fn header(&self) -> &'a [u8] {
        find(self.content, b"tkhd").unwrap_or_default()
    }

    fn table(&self) -> &'a [u8] {
        find_path(self.content, &[b"mdia", b"minf", b"stbl"])
    }
}

/// The track to show: the first that is enabled and has more than one frame, or else the best of the others.
///
/// Files carry covers and thumbnails as tracks of one frame, and what an editor switched off as a disabled track.
fn choose_track(index: &[u8]) -> Option<VideoTrack<'_>> {
    const ENABLED: u32 = 1;
    let is_fragmented = find(index, b"mvex").is_some();
    let rank = |track: &VideoTrack<'_>| {
        let is_enabled = version_and_flags(track.header()).1 & ENABLED != 0;
        let n_frames = tables::n_listed(track.table());
        (
            is_fragmented || n_frames > 0,
            is_enabled,
            is_fragmented || n_frames > 1,
        )
    };
    let tracks = boxes(index)
        .filter(|(name, content)| name == b"trak" && entry::is_video(content))
        .map(|(_, content)| {
            let header = find(content, b"tkhd").unwrap_or_default();
            VideoTrack {
                number: u32_at(header, by_version(header, 12, 20)).unwrap_or(0),
                content,
            }
        });
    // `max_by_key` would return the last of equals.
    tracks.fold(None, |best: Option<VideoTrack<'_>>, track| match best {
        Some(best) if rank(&best) >= rank(&track) => Some(best),
        _ => Some(track),
    })
}

/// Units per second, from the header of a movie or of a track's media.
fn timescale(header: &[u8]) -> u32 {
    u32_at(header, by_version(header, 12, 20))
        .unwrap_or(0)
        .max(1)
}

/// From the matrix of the track, followed by that of the whole movie.
fn orientation(index: &[u8], track_header: &[u8]) -> Orientation {
    let matrix = |header: &[u8], at: usize| {
        let at = by_version(header, at, at + 12);
        let value = |i: usize| i32_at(header, at + i * 4).map(i64::from);
        // The third column is for perspective, which nobody uses.
        Some([value(0)?, value(1)?, value(3)?, value(4)?])
    };
    const ONE: i64 = 1 << 16;
    let upright = [ONE, 0, 0, ONE];
    let [a, b, c, d] = matrix(track_header, 40).unwrap_or(upright);
    let movie = matrix(find(index, b"mvhd").unwrap_or_default(), 36).filter(|m| *m != [0; 4]);
    let [e, f, g, h] = movie.unwrap_or(upright);
    // 16 fraction bits each, so no product overflows.
    let dot = |x: [i64; 2], y: [i64; 2]| ((x[0] * y[0]) >> 16) + ((x[1] * y[1]) >> 16);
    Orientation::from_matrix([
        dot([a, b], [e, g]),
        dot([a, b], [f, h]),
        dot([c, d], [e, g]),
        dot([c, d], [f, h]),
    ])
}
