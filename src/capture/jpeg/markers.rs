//! Markers and the segments that they begin.

pub(super) const START_OF_IMAGE: u8 = 0xD8;
pub(super) const END_OF_IMAGE: u8 = 0xD9;
pub(super) const START_OF_SCAN: u8 = 0xDA;
pub(super) const QUANTIZATION_TABLES: u8 = 0xDB;
pub(super) const NUMBER_OF_LINES: u8 = 0xDC;
pub(super) const RESTART_INTERVAL: u8 = 0xDD;
pub(super) const HUFFMAN_TABLES: u8 = 0xC4;
pub(super) const FIRST_RESTART: u8 = 0xD0;
pub(super) const LAST_RESTART: u8 = 0xD7;
const TEMPORARY: u8 = 0x01;

/// A marker and what belongs to it.
pub(super) struct Segment<'a> {
    pub(super) marker: u8,
    /// Empty for markers that stand alone.
    pub(super) content: &'a [u8],
    /// Where what follows begins.
    pub(super) end: usize,
}

/// The next segment at or after `at`; `None` if the data ends first. Skips bytes before the marker, as decoders do.
pub(super) fn next_segment(data: &[u8], at: usize) -> Option<Segment<'_>> {
    let (marker, begin) = next_marker(data, at)?;
    let stands_alone = matches!(
        marker,
        START_OF_IMAGE | END_OF_IMAGE | TEMPORARY | FIRST_RESTART..=LAST_RESTART
    );
    if stands_alone {
        return Some(Segment {
            marker,
            content: &[],
            end: begin,
        });
    }
    let length = u16::from_be_bytes(*data.get(begin..)?.first_chunk()?);
    let end = begin + usize::from(length).max(2);
    Some(Segment {
        marker,
        content: data.get(begin + 2..end)?,
        end,
    })
}

/// The next marker at or after `at`, and where its content begins.
pub(super) fn next_marker(data: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += data.get(at..)?.iter().position(|byte| *byte == 0xFF)? + 1;
        match data.get(at)? {
            0x00 => {} // A byte FF in the data.
            0xFF => {} // A fill byte; the marker may follow.
            marker => return Some((*marker, at + 1)),
        }
    }
}

/// Where the entropy-coded data that includes `at` ends: at the next marker that is not a restart.
pub(super) fn end_of_scan(data: &[u8], mut at: usize) -> usize {
    while let Some((marker, after)) = next_marker(data, at) {
        if !(FIRST_RESTART..=LAST_RESTART).contains(&marker) {
            return after - 2;
        }
        at = after;
    }
    data.len()
}
