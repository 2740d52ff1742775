//! Where each frame of a file is, how long it is shown, and at which ones decoding can start.
//!
//! It is all that grows in memory during a recording: 8 bytes a frame, 16 a fragment and 4 a key frame, which is
//! 9.1 bytes a frame of H.264 at 30 per second, or 1 MB an hour.

use crate::time::Ticks;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// Length, bytes.
    pub(super) size: u32,
    /// How long it is shown, ticks.
    pub(super) duration: u32,
}

/// Pictures that lie one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Place of the first frame in the file.
    pub(super) offset: u64,
    /// Number of its first frame, from 0.
    pub(super) first_sample: u32,
}

/// The index of a file.
#[derive(Debug, Default)]
pub(super) struct SampleIndex {
    samples: Vec<Sample>,
    chunks: Vec<Chunk>,
    key_samples: Vec<u32>,
    /// Presentation time at which the last frame ends.
    end_ticks: u64,
}

impl SampleIndex {
    /// Starts a chunk whose first frame has the presentation time `start_ticks`; the frame before is shown until
    /// then, however long it was said to last.
    ///
    /// Returns false, and changes nothing, if that is not after the start of the frame before or too far from it.
    pub(super) fn start_chunk(&mut self, offset: u64, start_ticks: u64) -> bool {
        if let Some(last) = self.samples.last_mut() {
            let last_start = self.end_ticks - u64::from(last.duration);
            let duration = start_ticks
                .checked_sub(last_start)
                .and_then(|ticks| u32::try_from(ticks).ok());
            match duration {
                Some(duration) if duration > 0 => last.duration = duration,
                _ => return false,
            }
        } else if start_ticks != 0 {
            return false;
        }
        self.end_ticks = start_ticks;
        self.chunks.push(Chunk {
            offset,
            first_sample: self.n_samples(),
        });
        true
    }

    /// Adds a frame to the chunk.
    pub(super) fn push(&mut self, sample: Sample, is_key: bool) {
        if is_key {
            self.key_samples.push(self.n_samples());
        }
        self.end_ticks += u64::from(sample.duration);
        self.samples.push(sample);
    }

    /// Pictures. A file holds at most `u32::MAX`, four years of them.
    pub(super) fn n_samples(&self) -> u32 {
        self.samples.len() as u32
    }

    /// From the first frame to the end of the last, ticks.
    pub(super) fn end_ticks(&self) -> u64 {
        self.end_ticks
    }

    pub(super) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Numbers of the frames at which decoding can start, from 0.
    pub(super) fn key_samples(&self) -> &[u32] {
        &self.key_samples
    }

    /// The frames of a chunk.
    pub(super) fn samples_of(&self, chunk_idx: usize) -> &[Sample] {
        let start = self.chunks[chunk_idx].first_sample as usize;
        let end = self
            .chunks
            .get(chunk_idx + 1)
            .map_or(self.samples.len(), |next| next.first_sample as usize);
        &self.samples[start..end]
    }

    /// Presentation times.
    pub(super) fn times(&self) -> Vec<Ticks> {
        let mut time = 0;
        self.samples
            .iter()
            .map(|sample| {
                let start = time;
                time += u64::from(sample.duration);
                Ticks(start)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(index: &mut SampleIndex, durations: &[u32]) {
        for (i, duration) in durations.iter().enumerate() {
            let sample = Sample {
                size: 10,
                duration: *duration,
            };
            index.push(sample, i == 0);
        }
    }

    #[test]
    fn the_next_chunk_says_how_long_the_last_frame_was_shown() {
        let mut index = SampleIndex::default();
        assert!(index.start_chunk(100, 0));
        push(&mut index, &[5, 5]);
        assert!(index.start_chunk(200, 50));
        push(&mut index, &[5]);
        assert_eq!(index.times(), [0, 5, 50].map(Ticks));
        assert_eq!(index.end_ticks(), 55);
        assert_eq!(index.samples_of(0).len(), 2);
        assert_eq!(index.samples_of(1).len(), 1);
    }

    #[test]
    fn time_that_runs_backward_is_refused() {
        let mut index = SampleIndex::default();
        assert!(!index.start_chunk(100, 7), "the first frame is at 0");
        assert!(index.start_chunk(100, 0));
        push(&mut index, &[5, 5]);
        for start in [0, 5, 6 + u64::from(u32::MAX)] {
            assert!(!index.start_chunk(200, start), "{start}");
        }
        assert_eq!((index.chunks().len(), index.end_ticks()), (1, 10));
    }
}
