//! Reads an AVI file of ours in whatever state it is.
//!
//! Where a chunk is damaged, the next picture is looked for: it begins with its own time, and ends with a mark.

use std::{fs::File, io, ops::Range};

use super::{
    layout::{self, FILLER, HEAD_BYTES, PICTURE, SEGMENT_HEAD_BYTES, SEGMENT_INDEX, Slot},
    picture,
    writer::Contents,
};
use crate::record::video::file::{is_zero, read_at};

/// So many bytes are searched at a time for the next picture.
const BLOCK_BYTES: usize = 1 << 18;

/// What a file is.
pub(super) enum Found {
    /// Ours, with pictures.
    Video(Box<Scan>),
    /// Ours, without any.
    Empty,
    /// Not ours.
    Foreign,
}

/// What a file of ours holds.
pub(super) struct Scan {
    /// Up to the last whole picture; the last segment counts as open, finished or not.
    pub(super) contents: Contents,
    /// Times of its pictures, ticks.
    pub(super) times: Vec<u64>,
    /// Whether indexes and headers are as they should be.
    pub(super) is_finished: bool,
    /// Bytes that are neither pictures nor indexes of ours.
    pub(super) lost_bytes: u64,
    /// Those between pictures.
    pub(super) gaps: Vec<Gap>,
    /// Those that are something else than zeros or the beginning of a picture.
    pub(super) unexplained: Vec<Range<u64>>,
}

/// Something between pictures that is none.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    pub(super) part: Range<u64>,
    /// Slots of the grid that stand for what is lost there, so that the film keeps its time.
    pub(super) n_slots: u64,
}

impl Gap {
    /// What makes chunks of it that players skip, so that they find the next picture.
    pub(super) fn filler(&self) -> Vec<u8> {
        let mut filler = Vec::new();
        for _ in 0..self.n_slots {
            filler.extend_from_slice(PICTURE);
            filler.extend_from_slice(&[0; 4]);
        }
        let n_bytes = self.part.end - self.part.start - filler.len() as u64 - 8;
        filler.extend_from_slice(FILLER);
        filler.extend_from_slice(&(n_bytes as u32).to_le_bytes());
        filler
    }
}

/// Reads `file`.
pub(super) fn scan(file: &mut File) -> io::Result<Found> {
    let length = file.metadata()?.len();
    let mut head = vec![0; HEAD_BYTES as usize];
    let n_head = read_at(file, 0, &mut head)?;
    let Some(format) = layout::read_head(&head[..n_head]) else {
        // The size of the file is the only thing in the first bytes that changes.
        let is_beginning = length < HEAD_BYTES
            && head[..n_head]
                .get(8..24)
                .is_none_or(|kind| kind.starts_with(b"AVI LIST"));
        return Ok(if is_beginning {
            Found::Empty
        } else {
            Found::Foreign
        });
    };
    if length < HEAD_BYTES {
        return Ok(Found::Empty);
    }
    let mut walk = Walk {
        contents: Contents::new(format),
        times: Vec::new(),
        gaps: Vec::new(),
        length,
    };
    while walk.step(file)? || walk.skip(file)? {}
    walk.drop_empty_slots();
    let Walk {
        mut contents,
        times,
        gaps,
        ..
    } = walk;
    if contents.n_frames == 0 {
        return Ok(Found::Empty);
    }

    // What should stand there now, if the file is finished?
    let mut all = contents.closed.clone();
    let (closing, index_bytes) = if contents.slots.is_empty() {
        contents.end = contents.start; // A segment without pictures is none.
        (Vec::new(), 0)
    } else {
        layout::closing(contents.start, &contents.slots)
    };
    let last = contents.closed_segment(&closing, index_bytes);
    if !closing.is_empty() {
        all.push(last);
    }
    let has_closing = holds(file, contents.end, &closing)?;
    let mut has_heads =
        head == layout::head(&contents.final_format(), &all, contents.largest_picture);
    for segment in all.iter().filter(|segment| segment.start > 0) {
        has_heads = has_heads && holds(file, segment.start, &segment.head())?;
    }
    let tail_at = if has_closing {
        last.end
    } else if is_beginning_of(file, contents.end, length, &closing)? {
        length
    } else {
        contents.end
    };
    let mut unexplained = Vec::new();
    for Gap { part, .. } in &gaps {
        if !is_zero(file, part.clone())? {
            unexplained.push(part.clone());
        }
    }
    let tail_at = tail_at.min(length);
    if !is_our_piece(file, &contents, tail_at, length)? {
        unexplained.push(tail_at..length);
    }
    let n_gap_bytes: u64 = gaps.iter().map(|gap| gap.part.end - gap.part.start).sum();
    Ok(Found::Video(Box::new(Scan {
        contents,
        times,
        is_finished: has_closing && has_heads && gaps.is_empty(),
        lost_bytes: n_gap_bytes + length - tail_at,
        gaps,
        unexplained,
    })))
}

/// The way through a file.
struct Walk {
    contents: Contents,
    times: Vec<u64>,
    /// What lies between pictures and is none.
    gaps: Vec<Gap>,
    length: u64,
}

impl Walk {
    /// Takes in the next chunk; false at the end of what makes sense.
    fn step(&mut self, file: &mut File) -> io::Result<bool> {
        let at = self.contents.end;
        let mut header = [0; 8];
        if read_at(file, at, &mut header)? < header.len() {
            return Ok(false);
        }
        let [.., a, b, c, d] = header;
        let size = u32::from_le_bytes([a, b, c, d]);
        match header.first_chunk() {
            Some(PICTURE) => self.picture(file, size),
            Some(SEGMENT_INDEX) => self.next_segment(file),
            _ => Ok(false),
        }
    }

    fn picture(&mut self, file: &mut File, size: u32) -> io::Result<bool> {
        let contents = &mut self.contents;
        let data_at = contents.end + 8;
        let end = data_at + u64::from(size) + u64::from(size % 2);
        let Ok(offset) = u32::try_from(data_at - contents.start) else {
            return Ok(false);
        };
        if size > 0 {
            let mut start = [0; picture::TIME_WITHIN_BYTES];
            let n_read = read_at(file, data_at, &mut start)?;
            let time = picture::time(&start[..n_read]);
            let is_next =
                time.is_some_and(|time| self.times.last().is_none_or(|last| time > *last));
            let is_whole = end <= self.length && ends_with_mark(file, data_at, size)?;
            let (Some(time), true) = (time, is_next && is_whole) else {
                return Ok(false);
            };
            self.times.push(time);
            contents.n_frames += 1;
            contents.last_ticks = time;
            contents.largest_picture = contents.largest_picture.max(size);
        }
        contents.slots.push(Slot { offset, size });
        contents.end = end;
        Ok(true)
    }

    /// Goes on behind what is no chunk of ours: to the next picture of this segment, if there is one.
    fn skip(&mut self, file: &mut File) -> io::Result<bool> {
        let contents = &mut self.contents;
        let at = contents.end;
        let mut header = [0; 8];
        if read_at(file, at, &mut header)? < header.len() {
            return Ok(false);
        }
        let [kind @ .., a, b, c, d] = header;
        let after_filler = at + 8 + u64::from(u32::from_le_bytes([a, b, c, d]));
        if kind == *FILLER && is_chunk(file, after_filler)? {
            contents.end = after_filler; // An earlier repair made it.
            return Ok(true);
        }
        if header.starts_with(SEGMENT_INDEX) {
            return Ok(false); // What follows belongs to another segment.
        }
        let last = self.times.last().copied();
        let Some((next, time)) = next_picture(file, at + 8, self.length, last)? else {
            return Ok(false);
        };
        let (Ok(_), Ok(offset)) = (
            u32::try_from(next - at),
            u32::try_from(at + 8 - contents.start),
        ) else {
            return Ok(false);
        };
        let n_lost = contents.slot_at(time).saturating_sub(contents.n_slots());
        let n_slots = n_lost.min((next - at - 8) / 8);
        for slot in 0..n_slots as u32 {
            contents.slots.push(Slot {
                offset: offset + 8 * slot,
                size: 0,
            });
        }
        self.gaps.push(Gap {
            part: at..next,
            n_slots,
        });
        contents.end = next;
        Ok(true)
    }

    /// Goes on to the next segment, if the index of this one is right and one follows.
    fn next_segment(&mut self, file: &mut File) -> io::Result<bool> {
        let contents = &mut self.contents;
        let (closing, index_bytes) = layout::closing(contents.start, &contents.slots);
        let segment = contents.closed_segment(&closing, index_bytes);
        let mut head = [0; SEGMENT_HEAD_BYTES as usize];
        let n_read = read_at(file, segment.end, &mut head)?;
        let is_head = n_read == head.len() && {
            [4, 16].iter().for_each(|at| head[*at..at + 4].fill(0));
            head == layout::segment_head(0, 0)
        };
        if !is_head || !holds(file, contents.end, &closing)? {
            return Ok(false);
        }
        contents.closed.push(segment);
        contents.slots.clear();
        contents.start = segment.end;
        contents.end = segment.end + SEGMENT_HEAD_BYTES;
        Ok(true)
    }

    /// Takes empty slots off the end: they serve the picture after them.
    fn drop_empty_slots(&mut self) {
        let contents = &mut self.contents;
        while let Some(slot) = contents.slots.pop_if(|slot| slot.size == 0) {
            contents.end = contents.start + u64::from(slot.offset) - 8;
        }
    }
}

/// Whether a JPEG ends as each does; without that it never arrived on the disk, or its size is wrong.
fn ends_with_mark(file: &mut File, data_at: u64, size: u32) -> io::Result<bool> {
    Ok(size > 2 && holds(file, data_at + u64::from(size) - 2, &[0xFF, 0xD9])?)
}

/// Whether the file holds `bytes` at `offset`.
fn holds(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    let mut found = vec![0; bytes.len()];
    Ok(read_at(file, offset, &mut found)? == bytes.len() && found == bytes)
}

/// Whether what follows `at` is a piece of `bytes` up to the end of the file.
fn is_beginning_of(file: &mut File, at: u64, length: u64, bytes: &[u8]) -> io::Result<bool> {
    match usize::try_from(length - at) {
        Ok(n_bytes) if n_bytes <= bytes.len() => holds(file, at, &bytes[..n_bytes]),
        _ => Ok(false),
    }
}

fn is_chunk(file: &mut File, at: u64) -> io::Result<bool> {
    Ok(holds(file, at, PICTURE)? || holds(file, at, SEGMENT_INDEX)?)
}

/// The first whole picture at `from` or later whose time is after `last`, and its time.
fn next_picture(
    file: &mut File,
    mut from: u64,
    length: u64,
    last: Option<u64>,
) -> io::Result<Option<(u64, u64)>> {
    let mut block = vec![0; BLOCK_BYTES + 3];
    while from < length {
        let n_read = read_at(file, from, &mut block)?;
        // Chunks begin at even places.
        let words = block[..n_read].windows(4).enumerate().step_by(2);
        for (at, _) in words.filter(|(_, word)| word == PICTURE) {
            let at = from + at as u64;
            let mut start = [0; 4 + picture::TIME_WITHIN_BYTES];
            let n_start = read_at(file, at + 4, &mut start)?;
            let Some((size, jpeg)) = start[..n_start].split_first_chunk::<4>() else {
                continue;
            };
            let end = at + 8 + u64::from(u32::from_le_bytes(*size));
            if let Some(time) = picture::time(jpeg).filter(|time| Some(*time) > last)
                && end <= length
                && ends_with_mark(file, at + 8, u32::from_le_bytes(*size))?
            {
                return Ok(Some((at, time)));
            }
        }
        if n_read < block.len() {
            break;
        }
        from += BLOCK_BYTES as u64;
    }
    Ok(None)
}

/// Whether what follows `at` is nothing but zeros, or a chunk of ours that the end of the file cuts.
fn is_our_piece(
    file: &mut File,
    contents: &Contents,
    mut at: u64,
    length: u64,
) -> io::Result<bool> {
    // No JPEG is larger than its pixels.
    let max_picture_bytes = contents.format.resolution.n_pixels() as u64 * 4 + (1 << 16);
    loop {
        let mut header = [0; 8];
        let n_read = read_at(file, at, &mut header)?;
        let kind = &header[..n_read.min(4)];
        let [.., a, b, c, d] = header;
        let size = u64::from(u32::from_le_bytes([a, b, c, d]));
        if n_read == header.len() && kind == PICTURE && size == 0 {
            at += 8; // An empty slot, whose picture did not follow.
            continue;
        }
        let is_cut = n_read < 8
            || (at + 8 + size + size % 2 > length
                && size <= max_picture_bytes
                && next_picture(file, at + 8, length, None)?.is_none());
        let is_cut_picture = PICTURE.starts_with(kind) && is_cut;
        let is_cut_head = b"RIFF".starts_with(kind) && length - at <= SEGMENT_HEAD_BYTES;
        return Ok(is_cut_picture || is_cut_head || is_zero(file, at..length)?);
    }
}
