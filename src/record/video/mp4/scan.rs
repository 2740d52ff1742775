//! Reads a file of ours in any state: which state that is, and every whole frame in it.
//!
//! A finished file is read by its index, any other by its fragments ([`walk`]): only headers and the first and last bytes
//! of frames and, where something is damaged, everything up to the next fragment.

use std::{fs::File, io, ops::Range};

use shiguredo_mp4::{
    Decode,
    boxes::{MoovBox, StszBox},
};

use super::{
    frames::Frames,
    header::is_cut_header,
    index::SampleIndex,
    layout::{
        FTYP_FINISHED, FTYP_RECORDING, HEAD_BYTES, MARKER, MARKER_AT, MDAT_AT, NO_MDAT, mdat_header,
    },
    track::Track,
    walk::{next_header, walk},
};
use crate::{
    record::video::file::{is_zero, read_at},
    time::Ticks,
};

/// An index larger than this is damage: it would belong to a recording of a week. The fragments state the same.
const MAX_MOOV_BYTES: u64 = 1 << 28;
/// The description at the start of a recording is shorter than this; ours take half a kilobyte.
const MAX_DESCRIPTION_BYTES: usize = 1 << 14;
/// The header of a fragment is shorter than this.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// What a file is.
pub(super) enum Found {
    /// Ours, with the plain index. We trust it, whatever happened to the fragments' headers in the file: players use
    /// nothing else.
    Plain {
        /// Presentation times of its frames, and at last the end of the last one.
        times: Vec<Ticks>,
        /// Whether nothing is left to do.
        is_finished: bool,
    },
    /// Ours, in fragments.
    Fragments(Box<Scan>),
    /// Ours, and only a beginning.
    Empty,
    /// Not ours.
    Foreign,
    /// Ours, but not readable, and why.
    Damaged(&'static str),
}

/// What a file of fragments holds.
pub(super) struct Scan {
    pub(super) track: Track,
    pub(super) index: SampleIndex,
    /// When its first frame was shown: not 0 if those before it are lost.
    pub(super) first_time: Ticks,
    /// End of the last whole frame.
    pub(super) end: u64,
    /// What is neither a frame, nor a header, nor the beginning of one, nor zeros.
    pub(super) unexplained: Vec<Range<u64>>,
    /// Bytes that belong to no whole frame and no header, zeros and all.
    pub(super) lost_bytes: u64,
}

/// Reads `file`.
pub(super) fn scan(file: &mut File) -> io::Result<Found> {
    let length = file.metadata()?.len();
    let mut head = [0; HEAD_BYTES as usize];
    let n_head = read_at(file, 0, &mut head)?;
    if length < HEAD_BYTES {
        let is_empty = is_beginning_of_head(&head[..n_head]) || head.iter().all(|byte| *byte == 0);
        return Ok(empty_or_foreign(is_empty));
    }
    let marker_at = MARKER_AT as usize;
    let has_marker = head[marker_at..marker_at + MARKER.len()] == MARKER && head[4..8] == *b"ftyp";
    if !has_marker {
        // The file system may have stored the file's length and nothing else when the power failed.
        return Ok(empty_or_foreign(is_zero(file, 0..length)?));
    }
    let Some(mdat_end) = mdat_end(&head) else {
        return Ok(Found::Foreign);
    };
    if let Some(end) = mdat_end
        && let Some((moov, _)) = read_moov(file, end, length)?
        && let Some(times) = plain_times(&moov)
    {
        let is_finished = head.starts_with(&FTYP_FINISHED);
        return Ok(Found::Plain { times, is_finished });
    }
    let (track, start) = match read_moov(file, HEAD_BYTES, length)? {
        Some((moov, size)) => (Track::from_moov(&moov), HEAD_BYTES + size),
        None if is_beginning_of_moov(file, length)? => return Ok(Found::Empty),
        None => {
            damaged_track(file, length)?.map_or((None, 0), |(track, start)| (Some(track), start))
        }
    };
    let Some(track) = track else {
        return Ok(Found::Damaged("the description of its frames is destroyed"));
    };
    scan_fragments(file, track, start, length)
}

/// Finds the frames of an unfinished recording, and what is neither a frame nor otherwise explained.
fn scan_fragments(file: &mut File, track: Track, start: u64, length: u64) -> io::Result<Found> {
    let frames = Frames {
        syntax: track.syntax,
        limit: length,
        max_unit_bytes: track.max_unit_bytes(),
    };
    let mut walked = walk(file, start, frames)?;
    let (index, first_ticks) = walked.index();
    let mut rest = walked.end..length;
    // An index begins with zeros too: the first bytes of its size.
    if index.n_samples() > 0 && !is_zero(file, rest.clone())? {
        rest.start += n_bytes_of(file, rest.clone(), &track.plain_moov(&index)?)?;
    }
    let mut unexplained = Vec::new();
    for gap in &walked.gaps {
        if !is_zero(file, gap.clone())? {
            unexplained.push(gap.clone());
        }
    }
    let is_cut_frame = match walked.cut_frame_end {
        Some(frame_end) => frames.is_cut(file, walked.end, frame_end)?,
        None => false,
    };
    let is_explained =
        is_cut_frame || is_zero(file, rest.clone())? || has_cut_header(file, rest.clone())?;
    if !is_explained {
        unexplained.push(rest.clone());
    }
    if index.n_samples() == 0 {
        return Ok(if unexplained.is_empty() {
            Found::Empty
        } else {
            Found::Damaged("none of its frames can be found")
        });
    }
    let n_gap_bytes: u64 = walked.gaps.iter().map(|gap| gap.end - gap.start).sum();
    Ok(Found::Fragments(Box::new(Scan {
        track,
        index,
        first_time: Ticks(first_ticks),
        end: walked.end,
        unexplained,
        lost_bytes: n_gap_bytes + rest.end - rest.start,
    })))
}

/// How many bytes of the rest of the file match these, all of them or up to the end of the file.
fn n_bytes_of(file: &mut File, rest: Range<u64>, bytes: &[u8]) -> io::Result<u64> {
    let n_there = (rest.end - rest.start).min(bytes.len() as u64);
    let mut there = vec![0; n_there as usize];
    let n_read = read_at(file, rest.start, &mut there)?;
    Ok(if bytes.starts_with(&there[..n_read]) {
        n_there
    } else {
        0
    })
}

fn has_cut_header(file: &mut File, rest: Range<u64>) -> io::Result<bool> {
    if rest.end - rest.start > MAX_HEADER_BYTES {
        return Ok(false);
    }
    let mut bytes = vec![0; (rest.end - rest.start) as usize];
    let n_read = read_at(file, rest.start, &mut bytes)?;
    Ok(is_cut_header(&bytes[..n_read]))
}

fn empty_or_foreign(is_empty: bool) -> Found {
    if is_empty {
        Found::Empty
    } else {
        Found::Foreign
    }
}

/// The times in the index of a plain file, as in [`Found::Plain`]; `None` if it has no frames or contradicts itself.
fn plain_times(moov: &MoovBox) -> Option<Vec<Ticks>> {
    let table = &moov.trak_boxes.first()?.mdia_box.minf_box.stbl_box;
    let StszBox::Variable { entry_sizes } = &table.stsz_box else {
        return None; // Frames of equal size: not from us.
    };
    let n_samples = entry_sizes.len();
    let runs = &table.stts_box.entries;
    let n_times: u64 = runs.iter().map(|run| u64::from(run.sample_count)).sum();
    if moov.mvex_box.is_some() || n_samples == 0 || n_times != n_samples as u64 {
        return None;
    }
    let mut times = vec![Ticks::ZERO];
    let mut end = 0;
    for run in runs {
        for _ in 0..run.sample_count {
            end += u64::from(run.sample_delta);
            times.push(Ticks(end));
        }
    }
    Some(times)
}

fn is_beginning_of_head(bytes: &[u8]) -> bool {
    let (ftyp, rest) = bytes.split_at(bytes.len().min(FTYP_RECORDING.len()));
    let marker = &rest[..rest.len().min(MARKER.len())];
    [FTYP_RECORDING, FTYP_FINISHED]
        .iter()
        .any(|ours| ours.starts_with(ftyp))
        && MARKER.starts_with(marker)
}

/// Where the `mdat` box of a plain file ends: `Some(None)` while recording, `None` for a head that is not ours.
fn mdat_end(head: &[u8; HEAD_BYTES as usize]) -> Option<Option<u64>> {
    let header: [u8; 16] = head[MDAT_AT as usize..].try_into().ok()?;
    let n_wrong = header
        .iter()
        .zip(NO_MDAT)
        .filter(|(there, ours)| **there != *ours)
        .count();
    if n_wrong <= 1 {
        return Some(None);
    }
    let size = u64::from_be_bytes(header[8..].try_into().ok()?);
    let end = MDAT_AT.checked_add(size).filter(|end| *end > HEAD_BYTES)?;
    (header == mdat_header(end)).then_some(Some(end))
}

/// The `moov` box at `offset` with its length; `None` if there is no whole one.
fn read_moov(file: &mut File, offset: u64, length: u64) -> io::Result<Option<(MoovBox, u64)>> {
    let mut header = [0; 8];
    // A damaged offset may exceed what the system accepts.
    if offset >= length
        || read_at(file, offset, &mut header)? < header.len()
        || header[4..] != *b"moov"
    {
        return Ok(None);
    }
    let size = u64::from(be_u32(&header));
    if !(8..=MAX_MOOV_BYTES).contains(&size) || size > length.saturating_sub(offset) {
        return Ok(None);
    }
    let mut bytes = vec![0; size as usize];
    if read_at(file, offset, &mut bytes)? < bytes.len() {
        return Ok(None);
    }
    Ok(MoovBox::decode(&bytes).ok().map(|(moov, _)| (moov, size)))
}

/// Whether what follows the head is a `moov` that is cut off, or nothing at all.
fn is_beginning_of_moov(file: &mut File, length: u64) -> io::Result<bool> {
    let mut header = [0; 8];
    let n = read_at(file, HEAD_BYTES, &mut header)?;
    let is_short = length - HEAD_BYTES < MAX_DESCRIPTION_BYTES as u64;
    let size = u64::from(be_u32(&header));
    // A longer file has more than a description, whatever size that claims.
    let is_cut = n < 8
        || (header[4..] == *b"moov"
            && is_short
            && HEAD_BYTES + size > length
            && next_header(file, HEAD_BYTES, length)?.is_none());
    Ok(is_cut || is_zero(file, HEAD_BYTES..length)?)
}

/// What can be known about a recording whose description is damaged: the part that decoders need, and where frames begin.
fn damaged_track(file: &mut File, length: u64) -> io::Result<Option<(Track, u64)>> {
    let mut bytes = vec![0; MAX_DESCRIPTION_BYTES];
    let n_read = read_at(file, HEAD_BYTES, &mut bytes)?;
    let start = next_header(file, HEAD_BYTES, length)?;
    Ok(Track::from_damaged(&bytes[..n_read]).zip(start))
}

/// The first four bytes as a number.
fn be_u32(bytes: &[u8; 8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
