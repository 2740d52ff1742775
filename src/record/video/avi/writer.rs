//! Appends pictures, and closes segments.

use std::io;

use super::layout::{
    self, Format, HEAD_BYTES, MOST_SEGMENTS, PICTURE, SEGMENT_HEAD_BYTES, Segment, Slot,
};
use crate::{record::video::file::Storage, time::TICKS_PER_SECOND};

/// Old programs read no longer segments.
const MOST_SEGMENT_BYTES: u64 = 1 << 30;

/// What a file holds so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) format: Format,
    pub(super) closed: Vec<Segment>,
    /// Start of the segment being written, or that comes next.
    pub(super) start: u64,
    /// Its slots.
    pub(super) slots: Vec<Slot>,
    /// End of the last picture, or of the file once it is finished.
    pub(super) end: u64,
    /// Pictures, without empty slots.
    pub(super) n_frames: u64,
    pub(super) largest_picture: u32,
    /// Time of the last picture.
    pub(super) last_ticks: u64,
}

impl Contents {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            closed: Vec::new(),
            start: 0,
            slots: Vec::new(),
            end: HEAD_BYTES,
            n_frames: 0,
            largest_picture: 0,
            last_ticks: 0,
        }
    }

    pub(super) fn n_slots(&self) -> u64 {
        let closed: u64 = self
            .closed
            .iter()
            .map(|segment| u64::from(segment.n_slots))
            .sum();
        closed + self.slots.len() as u64
    }

    /// From the first picture to the end of the last one, which is shown for a slot, ticks.
    pub(super) fn end_ticks(&self) -> u64 {
        if self.n_frames == 0 {
            return 0;
        }
        let Format { scale, rate, .. } = self.format;
        self.last_ticks + u64::from(scale) * TICKS_PER_SECOND / u64::from(rate)
    }

    /// The slot of the grid that is nearest to a time.
    pub(super) fn slot_at(&self, ticks: u64) -> u64 {
        let Format { scale, rate, .. } = self.format;
        let per_slot = u128::from(scale) * u128::from(TICKS_PER_SECOND);
        ((u128::from(ticks) * u128::from(rate) + per_slot / 2) / per_slot) as u64
    }

    /// The segment being written, once its index stands after its pictures.
    pub(super) fn closed_segment(&self, closing: &[u8], index_bytes: u32) -> Segment {
        Segment {
            start: self.start,
            index_at: self.end,
            index_bytes,
            n_slots: self.slots.len() as u32,
            end: self.end + closing.len() as u64,
        }
    }

    /// The format to show the film with: if pictures came faster than the grid has slots, the rate at which they came,
    /// so that the whole has the right length.
    pub(super) fn final_format(&self) -> Format {
        let last_slot = self.n_slots().saturating_sub(1);
        if self.last_ticks == 0 || last_slot <= self.slot_at(self.last_ticks) + 1 {
            return self.format;
        }
        let (mut scale, mut rate) = (self.last_ticks, last_slot * TICKS_PER_SECOND);
        while scale.max(rate) > u64::from(u32::MAX) {
            (scale, rate) = (scale / 2, rate / 2);
        }
        Format {
            scale: scale as u32,
            rate: rate as u32,
            ..self.format
        }
    }
}

/// An AVI file being written.
pub(super) struct AviFile<S> {
    storage: S,
    contents: Contents,
    chunk: Vec<u8>,
    /// Segments end before this length.
    pub(super) most_segment_bytes: u64,
}

impl<S: Storage> AviFile<S> {
    /// A new file.
    pub(super) fn start(mut storage: S, format: Format) -> io::Result<Self> {
        storage.write_at(0, &layout::head(&format, &[], 0))?;
        Ok(Self::resume(storage, Contents::new(format)))
    }

    /// A file that holds `contents`, and perhaps something after them.
    pub(super) fn resume(storage: S, contents: Contents) -> Self {
        Self {
            storage,
            contents,
            chunk: Vec::new(),
            most_segment_bytes: MOST_SEGMENT_BYTES,
        }
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Appends a picture; `ticks` grows from picture to picture.
    ///
    /// # Errors
    /// When the disk refuses, or the file is full. What was there stays.
    pub(super) fn push(&mut self, jpeg: &[u8], ticks: u64) -> io::Result<()> {
        let size = u32::try_from(jpeg.len())
            .map_err(|_| io::Error::other("a picture is larger than 4 GB"))?;
        let slot = self.contents.slot_at(ticks);
        // The clock allows a gap of 6.6 hours at most: 6 MB of these at 30 Hz.
        let n_empty = slot.saturating_sub(self.contents.n_slots());
        let new_bytes = 8 * (n_empty + 1) + jpeg.len() as u64 + 1;
        // Each slot costs 24 bytes of index in the end.
        let index_bytes = 24 * (self.contents.slots.len() as u64 + n_empty + 1) + 64;
        let segment_bytes = self.contents.end - self.contents.start + new_bytes + index_bytes;
        if segment_bytes > self.most_segment_bytes && !self.contents.slots.is_empty() {
            self.start_segment()?;
        }
        self.chunk.clear();
        for _ in 0..n_empty {
            self.chunk.extend_from_slice(PICTURE);
            self.chunk.extend_from_slice(&[0; 4]);
        }
        self.chunk.extend_from_slice(PICTURE);
        self.chunk.extend_from_slice(&size.to_le_bytes());
        self.chunk.extend_from_slice(jpeg);
        if size % 2 == 1 {
            self.chunk.push(0);
        }
        if let Err(err) = self.storage.write_at(self.contents.end, &self.chunk) {
            self.storage.truncate(self.contents.end).ok();
            return Err(err);
        }
        let contents = &mut self.contents;
        let mut offset = (contents.end - contents.start) as u32 + 8;
        for _ in 0..n_empty {
            contents.slots.push(Slot { offset, size: 0 });
            offset += 8;
        }
        contents.slots.push(Slot { offset, size });
        contents.end += self.chunk.len() as u64;
        contents.n_frames += 1;
        contents.largest_picture = contents.largest_picture.max(size);
        contents.last_ticks = ticks;
        Ok(())
    }

    /// Closes the segment and opens the next.
    fn start_segment(&mut self) -> io::Result<()> {
        if self.contents.closed.len() + 1 >= MOST_SEGMENTS {
            return Err(io::Error::other("an AVI file holds 256 GB at most"));
        }
        self.close_segment(false)?;
        self.storage
            .write_at(self.contents.end, &layout::segment_head(0, 0))?;
        self.contents.end += SEGMENT_HEAD_BYTES;
        Ok(())
    }

    /// Adds the index of the segment being written, then fills in the headers.
    fn close_segment(&mut self, wait_for_disk: bool) -> io::Result<()> {
        let contents = &mut self.contents;
        let (closing, index_bytes) = layout::closing(contents.start, &contents.slots);
        let appended = self
            .storage
            .truncate(contents.end)
            .and_then(|()| self.storage.write_at(contents.end, &closing))
            .and_then(|()| {
                if wait_for_disk {
                    self.storage.sync()
                } else {
                    Ok(())
                }
            });
        if let Err(err) = appended {
            self.storage.truncate(contents.end).ok();
            return Err(err);
        }
        let segment = contents.closed_segment(&closing, index_bytes);
        if segment.start > 0 {
            self.storage.write_at(segment.start, &segment.head())?;
        }
        contents.closed.push(segment);
        contents.slots.clear();
        contents.end = segment.end;
        contents.start = segment.end;
        self.write_head()
    }

    fn write_head(&mut self) -> io::Result<()> {
        let contents = &self.contents;
        let head = layout::head(&contents.format, &contents.closed, contents.largest_picture);
        self.storage.write_at(0, &head)
    }

    /// Waits until everything is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.storage.sync()
    }

    /// Closes the last segment; returns what the file holds.
    ///
    /// # Errors
    /// When the disk refuses. All pictures are still in the file.
    pub(super) fn finish(mut self) -> io::Result<Contents> {
        if self.contents.n_frames > 0 {
            self.contents.format = self.contents.final_format();
            if self.contents.slots.is_empty() {
                // A segment without pictures is none.
                self.storage.truncate(self.contents.start)?;
                self.contents.end = self.contents.start;
                self.write_head()?;
            } else {
                self.close_segment(true)?;
            }
            self.storage.sync()?;
        }
        Ok(self.contents)
    }
}
