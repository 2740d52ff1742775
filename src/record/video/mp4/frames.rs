//! Recognizes frames by their content.
//!
//! A frame of H.264 is NAL units, each after its length; a JPEG begins and ends with a marker. So the end of either is
//! known without the list in the fragment's header, and each checks the other.

use std::{fs::File, io, ops::Range};

use super::header::Header;
use crate::record::video::file::read_at;

/// A frame has fewer NAL units than this; ours have one.
const MAX_NAL_UNITS: usize = 64;
/// The first bytes of a JPEG: the start of an image, and of the marker that follows.
const JPEG_START: [u8; 3] = [0xFF, 0xD8, 0xFF];
/// The last bytes of a JPEG. Ours have them nowhere else: entropy-coded data contains no marker but restarts, and the
/// headers before it hold small numbers.
const JPEG_END: [u8; 2] = [0xFF, 0xD9];
/// How many bytes are searched at a time for the end of a JPEG.
const BLOCK_BYTES: usize = 1 << 16;

/// What frames consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameSyntax {
    /// NAL units, each after its length in four bytes.
    NalUnits,
    /// One JPEG.
    Jpeg,
}

/// Looks for frames in a file. A *unit* is a NAL unit with its length, or a JPEG.
#[derive(Clone, Copy)]
pub(super) struct Frames {
    pub(super) syntax: FrameSyntax,
    /// Nothing is read from here on.
    pub(super) limit: u64,
    /// No unit is larger.
    pub(super) max_unit_bytes: u64,
}

impl Frames {
    /// Where the unit at `at` ends, and whether it is (a part of) a frame at which decoding can start. A NAL unit may
    /// continue beyond the limit.
    fn unit_end(self, file: &mut File, at: u64) -> io::Result<Option<(u64, bool)>> {
        match self.syntax {
            FrameSyntax::NalUnits => self.nal_unit_end(file, at),
            FrameSyntax::Jpeg => Ok(self.jpeg_end(file, at)?.map(|end| (end, true))),
        }
    }

    fn nal_unit_end(self, file: &mut File, at: u64) -> io::Result<Option<(u64, bool)>> {
        let mut start = [0; 5];
        if at + 5 > self.limit || read_at(file, at, &mut start)? < start.len() {
            return Ok(None);
        }
        let [a, b, c, d, first] = start;
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        // The forbidden bit is clear, and the type is one that our encoder makes: slices and supplements.
        let is_unit = first & 0x80 == 0 && matches!(first & 0x1F, 1 | 5 | 6 | 14);
        let is_plausible = is_unit && (1..=self.max_unit_bytes).contains(&length);
        Ok(is_plausible.then_some((at + 4 + length, first & 0x1F == 5)))
    }

    /// Where the JPEG at `at` ends; `None` if there is none, or if it does not end before the limit.
    fn jpeg_end(self, file: &mut File, at: u64) -> io::Result<Option<u64>> {
        let limit = self.limit.min(at.saturating_add(self.max_unit_bytes));
        if !is_there(file, at, &JPEG_START)? {
            return Ok(None);
        }
        let mut block = vec![0; BLOCK_BYTES];
        let mut offset = at + JPEG_START.len() as u64;
        while offset < limit {
            let n_wanted = block.len().min((limit - offset) as usize);
            let n_read = read_at(file, offset, &mut block[..n_wanted])?;
            let mut pairs = block[..n_read].windows(JPEG_END.len());
            if let Some(found) = pairs.position(|pair| pair == JPEG_END) {
                return Ok(Some(offset + found as u64 + JPEG_END.len() as u64));
            }
            if n_read < block.len() {
                break;
            }
            offset += n_read as u64 - 1; // The last byte may begin the end.
        }
        Ok(None)
    }

    /// Whether whole units fill this part of the file; if so, whether decoding can start there. Of a JPEG only the
    /// markers at both ends are read.
    pub(super) fn fill(self, file: &mut File, part: Range<u64>) -> io::Result<Option<bool>> {
        if part.end > self.limit {
            return Ok(None);
        }
        if self.syntax == FrameSyntax::Jpeg {
            let n_marker_bytes = (JPEG_START.len() + JPEG_END.len()) as u64;
            let is_whole = part.start + n_marker_bytes <= part.end
                && is_there(file, part.start, &JPEG_START)?
                && is_there(file, part.end - JPEG_END.len() as u64, &JPEG_END)?;
            return Ok(is_whole.then_some(true));
        }
        let (mut at, mut is_key) = (part.start, false);
        for _ in 0..MAX_NAL_UNITS {
            match self.unit_end(file, at)? {
                Some((end, starts)) if end <= part.end => (at, is_key) = (end, is_key | starts),
                _ => return Ok(None),
            }
            if at == part.end {
                return Ok(Some(is_key));
            }
        }
        Ok(None)
    }

    /// Whether every frame of the header's list is where it says, from `data_at` on.
    pub(super) fn all_whole(
        self,
        file: &mut File,
        header: &Header,
        data_at: u64,
    ) -> io::Result<bool> {
        let mut at = data_at;
        for sample in &header.samples {
            let end = at + u64::from(sample.size);
            if self.fill(file, at..end)?.is_none() {
                return Ok(false);
            }
            at = end;
        }
        Ok(true)
    }

    /// Where the frame at `at` ends if its size in the list is wrong; `next` is the size of the frame after it.
    pub(super) fn real_end(
        self,
        file: &mut File,
        at: u64,
        next: Option<u64>,
    ) -> io::Result<Option<(u64, bool)>> {
        let max_units = match self.syntax {
            FrameSyntax::NalUnits => MAX_NAL_UNITS,
            FrameSyntax::Jpeg => 1,
        };
        let mut ends = Vec::new();
        let (mut end, mut is_key) = (at, false);
        while ends.len() < max_units
            && let Some((after, starts)) = self.unit_end(file, end)?
            && after <= self.limit
            && after - at <= u64::from(u32::MAX)
        {
            (end, is_key) = (after, is_key | starts);
            ends.push((end, is_key));
        }
        for &(end, is_key) in &ends {
            let fits = match next {
                Some(_) => self.is_frame(file, end, next)?,
                None => end == self.limit,
            };
            if fits {
                return Ok(Some((end, is_key)));
            }
        }
        // Its neighbor's size may be wrong too; one unit is a frame.
        Ok(ends.first().copied())
    }

    /// Where the frame at `at` ends if the one after it, of the size `next`, begins after its first unit.
    pub(super) fn first_fit(
        self,
        file: &mut File,
        at: u64,
        next: Option<u64>,
    ) -> io::Result<Option<(u64, bool)>> {
        match self.unit_end(file, at)? {
            Some((end, is_key)) if self.is_frame(file, end, next)? => Ok(Some((end, is_key))),
            _ => Ok(None),
        }
    }

    pub(super) fn is_frame(self, file: &mut File, at: u64, size: Option<u64>) -> io::Result<bool> {
        Ok(match size {
            Some(size) => self.fill(file, at..at + size)?.is_some(),
            None => false,
        })
    }

    /// Whether the bytes from `at` to the limit are the beginning of a frame that ends at `frame_end` by its list.
    pub(super) fn is_cut(self, file: &mut File, mut at: u64, frame_end: u64) -> io::Result<bool> {
        if frame_end <= self.limit {
            return Ok(false);
        }
        if self.syntax == FrameSyntax::Jpeg {
            let n_there = (self.limit - at).min(JPEG_START.len() as u64) as usize;
            return Ok(is_there(file, at, &JPEG_START[..n_there])?
                && frame_end - at <= self.max_unit_bytes
                && self.jpeg_end(file, at)?.is_none());
        }
        for _ in 0..MAX_NAL_UNITS {
            // Fewer bytes than a length and the byte after it say nothing.
            if self.limit - at < 5 {
                return Ok(true);
            }
            match self.unit_end(file, at)? {
                Some((end, _)) if end <= self.limit => at = end,
                // The length of the unit and the size of the frame must agree.
                Some((end, _)) => return Ok(end <= frame_end),
                None => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// Whether the file holds `bytes` at `offset`.
fn is_there(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    let mut found = [0; JPEG_START.len()];
    let found = &mut found[..bytes.len()];
    Ok(read_at(file, offset, found)? == bytes.len() && found == bytes)
}
