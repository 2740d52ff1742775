//! Reads an AVI file of ours in whatever state it is.

use std::{fs::File, io};

use super::{
    layout::{self, HEAD_BYTES, PICTURE, SEGMENT_HEAD_BYTES, SEGMENT_INDEX, Slot},
    picture,
    writer::Contents,
};
use crate::record::video::file::{is_zero_from, read_at};

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
    /// Bytes at the end that are neither pictures nor indexes of ours.
    pub(super) lost_bytes: u64,
    /// Where these start, if they are something else than zeros or a piece that we had begun to write.
    pub(super) unknown_tail_at: Option<u64>,
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
        before: Vec::new(),
        length,
    };
    while walk.step(file)? {}
    walk.drop_unwritten(file)?;
    let Walk {
        mut contents,
        times,
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
    let is_known = tail_at >= length || is_our_piece(file, tail_at, length)?;
    Ok(Found::Video(Box::new(Scan {
        contents,
        times,
        is_finished: has_closing && has_heads,
        lost_bytes: length - tail_at,
        unknown_tail_at: (!is_known).then_some(tail_at),
    })))
}

/// Number of pictures, time of the last one and size of the largest, before a slot.
#[derive(Debug, Clone, Copy)]
struct Before {
    n_frames: u64,
    last_ticks: u64,
    largest_picture: u32,
}

/// The way through a file.
struct Walk {
    contents: Contents,
    times: Vec<u64>,
    /// What was known before each slot of the open segment.
    before: Vec<Before>,
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
        let before = Before {
            n_frames: contents.n_frames,
            last_ticks: contents.last_ticks,
            largest_picture: contents.largest_picture,
        };
        if size > 0 {
            let mut start = [0; picture::TIME_WITHIN_BYTES];
            let n_read = read_at(file, data_at, &mut start)?;
            let time = picture::time(&start[..n_read]);
            let is_next =
                time.is_some_and(|time| self.times.last().is_none_or(|last| time > *last));
            let (Some(time), true) = (time, is_next && end <= self.length) else {
                return Ok(false);
            };
            self.times.push(time);
            contents.n_frames += 1;
            contents.last_ticks = time;
            contents.largest_picture = contents.largest_picture.max(size);
        }
        self.before.push(before);
        contents.slots.push(Slot { offset, size });
        contents.end = end;
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
        self.before.clear();
        contents.start = segment.end;
        contents.end = segment.end + SEGMENT_HEAD_BYTES;
        Ok(true)
    }

    /// Takes pictures off the end that never arrived on the disk: a JPEG ends with a mark.
    fn drop_unwritten(&mut self, file: &mut File) -> io::Result<()> {
        let contents = &mut self.contents;
        while let (Some(slot), Some(before)) =
            (contents.slots.last().copied(), self.before.last().copied())
        {
            let data_at = contents.start + u64::from(slot.offset);
            let mut end = [0; 2];
            if slot.size > 2 {
                read_at(file, data_at + u64::from(slot.size) - 2, &mut end)?;
            }
            if end == [0xFF, 0xD9] {
                break;
            }
            // Empty slots serve the picture after them, so they go as well.
            contents.slots.pop();
            self.before.pop();
            contents.end = data_at - 8;
            contents.n_frames = before.n_frames;
            contents.last_ticks = before.last_ticks;
            contents.largest_picture = before.largest_picture;
            self.times.truncate(contents.n_frames as usize);
        }
        Ok(())
    }
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

/// Whether what follows `at` is nothing but zeros, or a chunk of ours that the end of the file cuts.
fn is_our_piece(file: &mut File, mut at: u64, length: u64) -> io::Result<bool> {
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
        let is_cut_picture =
            PICTURE.starts_with(kind) && (n_read < 8 || at + 8 + size + size % 2 > length);
        let is_cut_head = b"RIFF".starts_with(kind) && length - at <= SEGMENT_HEAD_BYTES;
        return Ok(is_cut_picture || is_cut_head || is_zero_from(file, at)?);
    }
}
