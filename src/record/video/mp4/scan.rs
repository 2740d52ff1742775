//! Reads a file of ours in whatever state it is: what state that is, and every whole picture in it.
//!
//! A finished file is read by its index, any other by its fragments. Of the latter only headers are read, and the last
//! pictures: after a power cut a file system may know that the file was longer while the bytes never arrived.

use std::{fs::File, io};

use shiguredo_mp4::{
    Decode,
    boxes::{MoofBox, MoovBox, SampleEntry, StszBox},
};

use super::{
    index::{Sample, SampleIndex},
    layout::{
        FRAGMENT_BYTES, FRAGMENT_BYTES_PER_SAMPLE, FTYP_FINISHED, FTYP_RECORDING, HEAD_BYTES,
        MARKER, MARKER_AT, MDAT_AT, NO_MDAT, Track, mdat_header,
    },
};
use crate::record::video::file::{is_zero_from, read_at};

/// An index larger than this is damage: it would be of a recording of months.
const MOST_MOOV_BYTES: u64 = 1 << 30;
/// A fragment holds fewer pictures than this: half a second of them.
const MOST_SAMPLES_PER_FRAGMENT: u64 = 1 << 16;

/// What a file is.
pub(super) enum Found {
    /// Ours, with the plain index. It is believed, whatever has become of the fragments' headers in the file: players
    /// use nothing else.
    Plain {
        /// Presentation times of its pictures, and at last the end of the last one; ticks.
        times: Vec<u64>,
        /// Whether nothing is left to do.
        is_finished: bool,
    },
    /// Ours, in fragments.
    Fragments(Box<Scan>),
    /// Ours, and nothing but a beginning.
    Empty,
    /// Not ours.
    Foreign,
    /// Ours, but not readable; why.
    Damaged(&'static str),
}

/// What a file of fragments holds.
pub(super) struct Scan {
    pub(super) track: Track,
    pub(super) index: SampleIndex,
    /// End of the last whole picture.
    pub(super) end: u64,
    /// Up to here the fragment of that picture goes on; the same as `end` if it is whole.
    pub(super) fragment_end: u64,
    /// Length of the file.
    pub(super) length: u64,
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
        // A file system may have known the file's length, and nothing else, when the power went.
        return Ok(empty_or_foreign(is_zero_from(file, 0)?));
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
    let Some((moov, moov_bytes)) = read_moov(file, HEAD_BYTES, length)? else {
        return Ok(if is_beginning_of_moov(file, length)? {
            Found::Empty
        } else {
            Found::Damaged("the description of its pictures is destroyed")
        });
    };
    let Some(track) = track_of(&moov) else {
        return Ok(Found::Damaged(
            "the description of its pictures is destroyed",
        ));
    };
    let limit = mdat_end.map_or(length, |end| end.min(length));
    let mut scan = Scan {
        track,
        index: SampleIndex::default(),
        end: HEAD_BYTES + moov_bytes,
        fragment_end: 0,
        length,
    };
    walk_fragments(file, &mut scan, limit)?;
    Ok(Found::Fragments(Box::new(scan)))
}

fn empty_or_foreign(is_empty: bool) -> Found {
    if is_empty {
        Found::Empty
    } else {
        Found::Foreign
    }
}

/// Whether the index of all of the scan's pictures, and nothing else, follows them.
pub(super) fn ends_with_plain_moov(file: &mut File, scan: &Scan) -> io::Result<bool> {
    let moov = read_moov(file, scan.end, scan.length)?;
    Ok(moov.is_some_and(|(moov, size)| {
        let n_times = plain_times(&moov).map(|times| times.len());
        scan.end + size == scan.length && n_times == Some(scan.index.n_samples() as usize + 1)
    }))
}

/// The times in the index of a plain file, as in [`Found::Plain`]; `None` if it has no pictures or contradicts itself.
fn plain_times(moov: &MoovBox) -> Option<Vec<u64>> {
    let table = &moov.trak_boxes.first()?.mdia_box.minf_box.stbl_box;
    let StszBox::Variable { entry_sizes } = &table.stsz_box else {
        return None; // Pictures of one size for all: not from us.
    };
    let n_samples = entry_sizes.len();
    let runs = &table.stts_box.entries;
    let n_times: u64 = runs.iter().map(|run| u64::from(run.sample_count)).sum();
    if moov.mvex_box.is_some() || n_samples == 0 || n_times != n_samples as u64 {
        return None;
    }
    let mut times = vec![0];
    let mut end = 0;
    for run in runs {
        for _ in 0..run.sample_count {
            end += u64::from(run.sample_delta);
            times.push(end);
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

/// Where the `mdat` box of a plain file ends: `Some(None)` while recording, `None` for a head that is damaged.
fn mdat_end(head: &[u8; HEAD_BYTES as usize]) -> Option<Option<u64>> {
    let header: [u8; 16] = head[MDAT_AT as usize..].try_into().ok()?;
    if header == NO_MDAT {
        return Some(None);
    }
    let size = u64::from_be_bytes(header[8..].try_into().ok()?);
    let end = MDAT_AT.checked_add(size).filter(|end| *end > HEAD_BYTES)?;
    (header == mdat_header(end)).then_some(Some(end))
}

/// The `moov` box at `offset` with its length; `None` if there is no whole one.
fn read_moov(file: &mut File, offset: u64, length: u64) -> io::Result<Option<(MoovBox, u64)>> {
    let mut header = [0; 8];
    if read_at(file, offset, &mut header)? < header.len() || header[4..] != *b"moov" {
        return Ok(None);
    }
    let size = u64::from(be_u32(&header));
    if !(8..=MOST_MOOV_BYTES).contains(&size) || offset + size > length {
        return Ok(None);
    }
    let mut bytes = vec![0; size as usize];
    if read_at(file, offset, &mut bytes)? < bytes.len() {
        return Ok(None);
    }
    Ok(MoovBox::decode(&bytes).ok().map(|(moov, _)| (moov, size)))
}

/// Whether what follows the head is a `moov` that was cut off, or nothing at all.
fn is_beginning_of_moov(file: &mut File, length: u64) -> io::Result<bool> {
    let mut header = [0; 8];
    let n = read_at(file, HEAD_BYTES, &mut header)?;
    let is_cut =
        n < 8 || (header[4..] == *b"moov" && HEAD_BYTES + u64::from(be_u32(&header)) > length);
    Ok(is_cut || is_zero_from(file, HEAD_BYTES)?)
}

fn track_of(moov: &MoovBox) -> Option<Track> {
    let entries = &moov
        .trak_boxes
        .first()?
        .mdia_box
        .minf_box
        .stbl_box
        .stsd_box
        .entries;
    match entries.first()? {
        SampleEntry::Avc1(entry) => Some(Track {
            entry: entry.clone(),
            created: moov.mvhd_box.creation_time,
        }),
        _ => None,
    }
}

/// Reads fragments up to the first thing that is none, or to `limit`.
fn walk_fragments(file: &mut File, scan: &mut Scan, limit: u64) -> io::Result<()> {
    scan.fragment_end = scan.end;
    let mut sequence = 0;
    let mut header = Vec::new();
    while scan.fragment_end == scan.end {
        let Some(fragment) = read_fragment(file, scan.end, limit, &mut header)? else {
            break;
        };
        sequence += 1;
        if fragment.sequence != sequence || !add_fragment(scan, &fragment, limit) {
            break;
        }
    }
    drop_unwritten(file, scan)
}

/// What a fragment's header says.
struct Fragment {
    sequence: u32,
    start_ticks: u64,
    header_bytes: u64,
    samples: Vec<(Sample, bool)>,
}

/// The fragment whose header starts at `offset`; `None` if there is none of ours whose header is whole.
fn read_fragment(
    file: &mut File,
    offset: u64,
    limit: u64,
    bytes: &mut Vec<u8>,
) -> io::Result<Option<Fragment>> {
    let mut start = [0; 8];
    if read_at(file, offset, &mut start)? < start.len() || start[4..] != *b"moof" {
        return Ok(None);
    }
    let header_bytes = u64::from(be_u32(&start)) + 8; // With the header of `mdat`.
    let most = FRAGMENT_BYTES + FRAGMENT_BYTES_PER_SAMPLE * MOST_SAMPLES_PER_FRAGMENT;
    if header_bytes < FRAGMENT_BYTES || header_bytes > most || offset + header_bytes > limit {
        return Ok(None);
    }
    bytes.resize(header_bytes as usize, 0);
    if read_at(file, offset, bytes)? < bytes.len() {
        return Ok(None);
    }
    Ok(parse_fragment(bytes))
}

fn parse_fragment(bytes: &[u8]) -> Option<Fragment> {
    let (moof_bytes, mdat_header) = bytes.split_last_chunk::<8>()?;
    let (moof, _) = MoofBox::decode(moof_bytes).ok()?;
    let [traf] = moof.traf_boxes.as_slice() else {
        return None;
    };
    let [trun] = traf.trun_boxes.as_slice() else {
        return None;
    };
    let samples: Vec<(Sample, bool)> = trun
        .samples
        .iter()
        .map(|sample| {
            let is_key = !sample.flags?.sample_is_non_sync_sample();
            let (size, duration) = (sample.size?, sample.duration?);
            Some((Sample { size, duration }, is_key))
        })
        .collect::<Option<_>>()?;
    let payload_bytes: u64 = samples
        .iter()
        .map(|(sample, _)| u64::from(sample.size))
        .sum();
    let is_consistent = mdat_header[4..] == *b"mdat"
        && u64::from(be_u32(mdat_header)) == payload_bytes + 8
        && trun.data_offset.map(i64::from) == Some(bytes.len() as i64);
    is_consistent.then_some(Fragment {
        sequence: moof.mfhd_box.sequence_number,
        start_ticks: traf.tfdt_box.as_ref()?.base_media_decode_time,
        header_bytes: bytes.len() as u64,
        samples,
    })
}

/// Adds the fragment's pictures that end before `limit`; false if it cannot follow what is there.
fn add_fragment(scan: &mut Scan, fragment: &Fragment, limit: u64) -> bool {
    let mut end = scan.end + fragment.header_bytes;
    let first_fits = fragment
        .samples
        .first()
        .is_some_and(|(sample, _)| end + u64::from(sample.size) <= limit);
    if !first_fits
        || !scan
            .index
            .start_chunk(end, fragment.header_bytes as u32, fragment.start_ticks)
    {
        return false;
    }
    scan.fragment_end = end
        + fragment
            .samples
            .iter()
            .map(|(sample, _)| u64::from(sample.size))
            .sum::<u64>();
    for (sample, is_key) in &fragment.samples {
        let sample_end = end + u64::from(sample.size);
        if sample_end > limit {
            break;
        }
        scan.index.push(*sample, *is_key);
        end = sample_end;
    }
    scan.end = end;
    true
}

/// Takes fragments off the end whose pictures never arrived on the disk.
fn drop_unwritten(file: &mut File, scan: &mut Scan) -> io::Result<()> {
    let mut payload = Vec::new();
    while let Some(chunk) = scan.index.chunks().last().copied() {
        let samples = scan.index.samples_of(scan.index.chunks().len() - 1);
        payload.resize(samples.iter().map(|sample| sample.size as usize).sum(), 0);
        let n_read = read_at(file, chunk.offset, &mut payload)?;
        let mut rest = &payload[..n_read];
        let is_written = samples.iter().all(|sample| {
            let Some((picture, after)) = rest.split_at_checked(sample.size as usize) else {
                return false;
            };
            rest = after;
            is_picture(picture)
        });
        if is_written {
            break;
        }
        scan.index.pop_chunk();
        scan.end = chunk.offset - u64::from(chunk.header_size);
        scan.fragment_end = scan.end;
    }
    Ok(())
}

/// Whether these are whole NAL units, each after its length.
fn is_picture(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match split_nal_unit(bytes) {
            Some(Some(rest)) => bytes = rest,
            _ => return false,
        }
    }
    true
}

/// What follows the first NAL unit: `None` if there is none, `Some(None)` if it goes on beyond the end.
pub(super) fn split_nal_unit(bytes: &[u8]) -> Option<Option<&[u8]>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    // A header with the forbidden bit clear and a type that our encoder makes: slices and supplements.
    let is_header = rest
        .first()
        .is_some_and(|first| first & 0x80 == 0 && matches!(first & 0x1F, 1 | 5 | 6 | 14));
    if length == 0 || !is_header {
        return None;
    }
    Some(rest.split_at_checked(length).map(|(_, after)| after))
}

/// The first four bytes as a number.
pub(super) fn be_u32(bytes: &[u8; 8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
