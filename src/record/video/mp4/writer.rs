//! Writes fragments while recording.

use std::io;

use super::{
    finish::make_plain,
    fragment::{FragmentSample, fragment_header},
    index::{Sample, SampleIndex},
    layout,
    track::Track,
};
use crate::{record::video::file::Storage, time::Ticks};

/// Frames wait in memory this long until they are written as a fragment. It is the most that a crash loses;
/// shorter fragments cost more bytes for headers (0.1 kB each) and more writes.
const FRAGMENT: Ticks = Ticks::from_millis(500);

/// An MP4 file being written.
pub(in crate::record::video) struct HybridMp4 {
    storage: Box<dyn Storage>,
    /// Known with the first frame.
    track: Option<Track>,
    index: SampleIndex,
    /// End of the last fragment in the file.
    end: u64,
    n_fragments: u32,
    /// How long the last frame is shown as long as nothing says better, ticks.
    nominal_duration: u32,
    /// The frames of the next fragment, one after another.
    payload: Vec<u8>,
    waiting: Vec<Waiting>,
}

/// A frame that waits for its fragment.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    size: u32,
    ticks: Ticks,
    is_key: bool,
}

/// What [`HybridMp4::finish`] made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::record::video) struct Finished {
    pub(in crate::record::video) n_samples: u32,
    /// Frames that were accepted and could not be written.
    pub(in crate::record::video) n_lost: u32,
    pub(in crate::record::video) end: Ticks,
    pub(in crate::record::video) bytes: u64,
}

impl HybridMp4 {
    /// Starts a file. The last frame is shown for `nominal_duration` ticks as long as nothing says better.
    pub(in crate::record::video) fn start(
        mut storage: Box<dyn Storage>,
        nominal_duration: u32,
    ) -> io::Result<Self> {
        storage.write_at(0, &layout::recording_head())?;
        Ok(Self {
            storage,
            track: None,
            index: SampleIndex::default(),
            end: layout::HEAD_BYTES,
            n_fragments: 0,
            nominal_duration,
            payload: Vec::new(),
            waiting: Vec::new(),
        })
    }

    pub(in crate::record::video) fn has_track(&self) -> bool {
        self.track.is_some()
    }

    /// Describes the frames, before the first of them is pushed.
    pub(in crate::record::video) fn set_track(&mut self, track: Track) -> io::Result<()> {
        let moov = track.fragmented_moov()?;
        self.storage.write_at(self.end, &moov)?;
        self.end += moov.len() as u64;
        self.track = Some(track);
        Ok(())
    }

    /// Adds a frame in the track's syntax.
    ///
    /// `ticks` starts at 0 and grows from frame to frame, by at most `i32::MAX`.
    ///
    /// # Errors
    /// If a fragment was due and the disk refuses it. Its frames wait for [`HybridMp4::finish`], this one is lost.
    pub(in crate::record::video) fn push(
        &mut self,
        data: &[u8],
        is_key: bool,
        ticks: Ticks,
    ) -> io::Result<()> {
        let size = u32::try_from(data.len())
            .map_err(|_| io::Error::other("a frame is larger than 4 GB"))?;
        let is_due = self
            .waiting
            .first()
            .is_some_and(|first| ticks - first.ticks >= FRAGMENT);
        if is_due {
            self.flush(Some(ticks))?;
        }
        self.payload.extend_from_slice(data);
        self.waiting.push(Waiting {
            size,
            ticks,
            is_key,
        });
        Ok(())
    }

    /// Writes what waits as a fragment. The last frame is shown until `next`; without that for as long as is
    /// usual, which the next fragment's start corrects.
    fn flush(&mut self, next: Option<Ticks>) -> io::Result<()> {
        let Some(start) = self.waiting.first().map(|first| first.ticks) else {
            return Ok(());
        };
        let ends = self
            .waiting
            .iter()
            .skip(1)
            .map(|frame| Some(frame.ticks))
            .chain([next]);
        let samples: Vec<FragmentSample> = self
            .waiting
            .iter()
            .zip(ends)
            .map(|(sample, end)| FragmentSample {
                size: sample.size,
                duration: end.map_or(self.nominal_duration, |end| (end - sample.ticks).0 as u32),
                is_key: sample.is_key,
            })
            .collect();
        let written = fragment_header(self.n_fragments + 1, start.0, samples.iter().copied())
            .and_then(|header| {
                let data_at = self.end + header.len() as u64;
                self.storage.write_at(data_at, &self.payload)?;
                self.storage.write_at(self.end, &header)?;
                Ok(data_at)
            });
        match written {
            Ok(data_at) => {
                let fits = self.index.start_chunk(data_at, start.0);
                assert!(fits, "the caller's ticks grow");
                for sample in samples {
                    let FragmentSample {
                        size,
                        duration,
                        is_key,
                    } = sample;
                    self.index.push(Sample { size, duration }, is_key);
                }
                self.end = data_at + self.payload.len() as u64;
                self.n_fragments += 1;
                self.waiting.clear();
                self.payload.clear();
                Ok(())
            }
            Err(err) => {
                // A piece of a fragment does no harm, but the room is needed for the index.
                self.storage.truncate(self.end).ok();
                Err(err)
            }
        }
    }

    /// Writes what waits, and waits for the disk.
    pub(in crate::record::video) fn sync(&mut self) -> io::Result<()> {
        self.flush(None)?;
        self.storage.sync()
    }

    /// Bytes in the file.
    pub(in crate::record::video) fn len_bytes(&self) -> u64 {
        self.end
    }

    /// Frames that wait in memory.
    pub(in crate::record::video) fn n_waiting(&self) -> u32 {
        self.waiting.len() as u32
    }

    /// Writes what waits, and turns the file into a plain one.
    ///
    /// # Errors
    /// If the disk refuses the index. The file is left as it was while recording.
    pub(in crate::record::video) fn finish(mut self) -> io::Result<Finished> {
        let n_waiting = self.n_waiting();
        // What can be kept is kept: the frames before are complete without these.
        let n_lost = match self.flush(None) {
            Ok(()) => 0,
            Err(err) => {
                log::warn!("the last {n_waiting} frames of a video could not be written: {err}");
                n_waiting
            }
        };
        let mut bytes = self.end;
        if let Some(track) = &self.track
            && self.index.n_samples() > 0
        {
            bytes = make_plain(&mut *self.storage, track, &self.index, self.end)?;
        }
        Ok(Finished {
            n_samples: self.index.n_samples(),
            n_lost,
            end: Ticks(self.index.end_ticks()),
            bytes,
        })
    }
}
