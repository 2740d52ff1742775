//! The bytes of headers and indexes (Microsoft's AVI RIFF reference; OpenDML AVI file format extensions 1.02, 1996).
//!
//! The headers have the same length in every state of a file, so that they can be written again when more is known.

use crate::frame::Resolution;

/// Chunks of pictures: stream 0, compressed.
pub(super) const PICTURE: &[u8; 4] = b"00dc";
/// The index of a segment.
pub(super) const SEGMENT_INDEX: &[u8; 4] = b"ix00";
/// The index of old AVI files, of the first segment.
const OLD_INDEX: &[u8; 4] = b"idx1";
/// Chunks that players skip.
pub(super) const FILLER: &[u8; 4] = b"JUNK";
/// A box that players skip; by it we know our own files.
pub(super) const MARKER: &[u8; 24] = b"fervis crash-safe AVI, 1";
/// Where the marker lies.
pub(super) const MARKER_AT: usize = JUNK_AT + 8;
/// Length of the headers of the first segment; here its pictures start.
pub(super) const HEAD_BYTES: u64 = 5120;
/// Length of the headers of each further segment.
pub(super) const SEGMENT_HEAD_BYTES: u64 = 24;
/// There is room for the places of so many segments: 256 GB.
pub(super) const MOST_SEGMENTS: usize = 256;

const SUPER_INDEX_AT: usize = 212;
const ODML_AT: usize = SUPER_INDEX_AT + 8 + 24 + 16 * MOST_SEGMENTS;
const JUNK_AT: usize = ODML_AT + 12 + 8 + 248;
const MOVI_AT: usize = HEAD_BYTES as usize - 12;

/// What pictures a file holds and how fast they are shown: `rate / scale` per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) resolution: Resolution,
    pub(super) scale: u32,
    pub(super) rate: u32,
}

impl Format {
    pub(super) fn new(resolution: Resolution, rate_hz: f64) -> Self {
        Self {
            resolution,
            scale: 1000,
            rate: (rate_hz * 1000.0).round() as u32,
        }
    }
}

/// A slot of the grid of time: a picture or, with length 0, none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// Where its data starts, from the start of the segment.
    pub(super) offset: u32,
    /// Length of its data.
    pub(super) size: u32,
}

/// A segment that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it starts.
    pub(super) start: u64,
    /// Where its index starts.
    pub(super) index_at: u64,
    pub(super) index_bytes: u32,
    pub(super) n_slots: u32,
    /// Where it ends.
    pub(super) end: u64,
}

impl Segment {
    fn is_first(&self) -> bool {
        self.start == 0
    }

    /// The headers of a further segment.
    pub(super) fn head(&self) -> [u8; SEGMENT_HEAD_BYTES as usize] {
        debug_assert!(!self.is_first());
        segment_head(
            (self.end - self.start - 8) as u32,
            (self.index_at + u64::from(self.index_bytes) - self.start - 20) as u32,
        )
    }
}

/// The headers of a further segment; sizes are zero while it is written.
pub(super) fn segment_head(riff_bytes: u32, movi_bytes: u32) -> [u8; SEGMENT_HEAD_BYTES as usize] {
    let mut head = *b"RIFF\0\0\0\0AVIXLIST\0\0\0\0movi";
    head[4..8].copy_from_slice(&riff_bytes.to_le_bytes());
    head[16..20].copy_from_slice(&movi_bytes.to_le_bytes());
    head
}

/// The headers of a file. `segments` are those that are complete; while the first is not, its sizes are zero.
pub(super) fn head(format: &Format, segments: &[Segment], largest_picture: u32) -> Vec<u8> {
    let Resolution {
        width_px,
        height_px,
    } = format.resolution;
    let first = segments.first();
    let first_end = |at: u64| first.map_or(0, |first| (first.end - at) as u32);
    let n_slots = segments.iter().map(|segment| segment.n_slots).sum();
    let micros_per_slot = u64::from(format.scale) * 1_000_000 / u64::from(format.rate.max(1));
    let mut head = Bytes(Vec::with_capacity(HEAD_BYTES as usize));
    head.text(b"RIFF").u32(first_end(8)).text(b"AVI ");
    head.text(b"LIST").u32((JUNK_AT - 20) as u32).text(b"hdrl");
    head.text(b"avih").u32(56);
    head.u32(micros_per_slot as u32).u32(0).u32(0);
    head.u32(if first.is_some() { 0x110 } else { 0x100 }); // Has an index; is interleaved.
    head.u32(first.map_or(0, |first| first.n_slots))
        .u32(0)
        .u32(1);
    head.u32(largest_picture)
        .u32(width_px)
        .u32(height_px)
        .zeros(16);
    head.text(b"LIST").u32((ODML_AT - 96) as u32).text(b"strl");
    head.text(b"strh").u32(56).text(b"vidsMJPG").zeros(12);
    head.u32(format.scale).u32(format.rate).u32(0).u32(n_slots);
    head.u32(largest_picture).u32(u32::MAX).u32(0);
    head.zeros(4).u16(width_px as u16).u16(height_px as u16);
    head.text(b"strf")
        .u32(40)
        .u32(40)
        .u32(width_px)
        .u32(height_px);
    head.u16(1).u16(24).text(b"MJPG");
    head.u32((format.resolution.n_pixels() * 3).min(u32::MAX as usize) as u32)
        .zeros(16);
    debug_assert_eq!(head.0.len(), SUPER_INDEX_AT);
    head.text(b"indx").u32((24 + 16 * MOST_SEGMENTS) as u32);
    head.u16(4)
        .u16(0)
        .u32(segments.len() as u32)
        .text(PICTURE)
        .zeros(12); // An index of indexes.
    for segment in segments {
        head.u64(segment.index_at)
            .u32(segment.index_bytes)
            .u32(segment.n_slots);
    }
    head.zeros(ODML_AT - head.0.len());
    head.text(b"LIST")
        .u32(4 + 8 + 248)
        .text(b"odmldmlh")
        .u32(248)
        .u32(n_slots)
        .zeros(244);
    head.text(FILLER)
        .u32((MOVI_AT - JUNK_AT - 8) as u32)
        .text(MARKER);
    head.zeros(MOVI_AT - head.0.len());
    let movi_bytes = first.map_or(0, |first| {
        first.index_at + u64::from(first.index_bytes) - MOVI_AT as u64 - 8
    });
    head.text(b"LIST").u32(movi_bytes as u32).text(b"movi");
    debug_assert_eq!(head.0.len() as u64, HEAD_BYTES);
    head.0
}

/// Size and rate of a file from its headers; `None` if they are not ours.
pub(super) fn read_head(head: &[u8]) -> Option<Format> {
    let number = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let is_ours = head.get(MARKER_AT..)?.starts_with(MARKER);
    let format = Format {
        resolution: Resolution::new(number(64)?, number(68)?),
        scale: number(128)?,
        rate: number(132)?,
    };
    (is_ours && format.scale > 0 && format.rate > 0 && format.resolution.n_pixels() > 0)
        .then_some(format)
}

/// What follows the pictures of a segment that starts at `start`: its index and, in the first, the old index.
///
/// Returns the bytes and how many of them are the former.
pub(super) fn closing(start: u64, slots: &[Slot]) -> (Vec<u8>, u32) {
    let mut bytes = Bytes(Vec::with_capacity(32 + slots.len() * 24));
    bytes.text(SEGMENT_INDEX).u32((24 + 8 * slots.len()) as u32);
    bytes
        .u16(2)
        .u16(0x100)
        .u32(slots.len() as u32)
        .text(PICTURE); // An index of chunks.
    bytes.u64(start).u32(0);
    for slot in slots {
        bytes.u32(slot.offset).u32(slot.size);
    }
    let index_bytes = bytes.0.len() as u32;
    if start == 0 {
        bytes.text(OLD_INDEX).u32((16 * slots.len()) as u32);
        for slot in slots {
            // Places are of the chunk's header, from the word `movi` on; each picture stands alone (0x10).
            let place = slot.offset - 8 - (MOVI_AT as u32 + 8);
            bytes.text(PICTURE).u32(0x10).u32(place).u32(slot.size);
        }
    }
    (bytes.0, index_bytes)
}

/// Appends numbers as RIFF files have them, the low byte first.
struct Bytes(Vec<u8>);

impl Bytes {
    fn text(&mut self, text: &[u8]) -> &mut Self {
        self.0.extend_from_slice(text);
        self
    }

    fn u16(&mut self, number: u16) -> &mut Self {
        self.text(&number.to_le_bytes())
    }

    fn u32(&mut self, number: u32) -> &mut Self {
        self.text(&number.to_le_bytes())
    }

    fn u64(&mut self, number: u64) -> &mut Self {
        self.text(&number.to_le_bytes())
    }

    fn zeros(&mut self, n_bytes: usize) -> &mut Self {
        self.0.resize(self.0.len() + n_bytes, 0);
        self
    }
}
