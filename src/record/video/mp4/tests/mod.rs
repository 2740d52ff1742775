//! Files with made-up frames, of both syntaxes.
//!
//! The crate `re_mp4` is the other reader: the writer's own crate would not see its mistakes.

mod crash;
mod damage;
mod foreign;
mod writing;

use std::{fs, io, path::Path, time::SystemTime};

use re_mp4::Mp4;

use super::{frames::FrameSyntax, track::Track, writer::HybridMp4};
use crate::{
    record::video::{
        file::Storage,
        test_support::{Journal, Random, ticks_of, webcam_times},
    },
    time::Ticks,
};

/// Parameters of H.264 at 64×48 (Constrained Baseline, level 1), made by hand after ITU-T H.264, 7.3.2.1.1.
const SPS: [u8; 7] = [0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x11, 0xE4];
const PPS: [u8; 4] = [0x68, 0xCE, 0x3C, 0x80];
/// 30 per second.
const NOMINAL_DURATION: u32 = 3000;

/// Made-up frames with their ticks. Every tenth is a key frame; every JPEG is one.
struct Clip {
    syntax: FrameSyntax,
    data: Vec<Vec<u8>>,
    ticks: Vec<Ticks>,
}

impl Clip {
    /// Frames of one or two NAL units.
    fn new(n_frames: usize, seed: u64) -> Self {
        Self::of_units(n_frames, seed, 2)
    }

    /// One of each syntax.
    fn both(n_frames: usize, seed: u64) -> [Self; 2] {
        [Self::new(n_frames, seed), Self::of_jpegs(n_frames, seed)]
    }

    fn of_jpegs(n_frames: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let data = (0..n_frames)
            .map(|_| {
                let mut frame = vec![0xFF, 0xD8, 0xFF, 0xE0];
                // JPEG data has no FF of its own.
                frame.extend((0..random.below(120)).map(|_| random.below(255) as u8));
                frame.extend([0xFF, 0xD9]);
                frame
            })
            .collect();
        Self {
            syntax: FrameSyntax::Jpeg,
            data,
            ticks: ticks_of(&webcam_times(n_frames, seed)),
        }
    }

    /// As our encoder makes them, with one NAL unit each.
    fn of_one_unit(n_frames: usize, seed: u64) -> Self {
        Self::of_units(n_frames, seed, 1)
    }

    fn of_units(n_frames: usize, seed: u64, max_units: u64) -> Self {
        let mut random = Random(seed);
        let data = (0..n_frames)
            .map(|number| {
                let mut frame = Vec::new();
                for _ in 0..=random.below(max_units) {
                    let length = 2 + random.below(120) as u32;
                    frame.extend(length.to_be_bytes());
                    frame.push(if number.is_multiple_of(10) {
                        0x65
                    } else {
                        0x41
                    });
                    frame.extend((1..length).map(|_| random.below(256) as u8));
                }
                frame
            })
            .collect();
        Self {
            syntax: FrameSyntax::NalUnits,
            data,
            ticks: ticks_of(&webcam_times(n_frames, seed)),
        }
    }

    fn track(&self) -> Track {
        match self.syntax {
            FrameSyntax::NalUnits => Track::h264(&SPS, &PPS, SystemTime::UNIX_EPOCH).unwrap(),
            FrameSyntax::Jpeg => Track::jpeg(64, 48, SystemTime::UNIX_EPOCH).unwrap(),
        }
    }

    fn is_key(&self, number: usize) -> bool {
        self.syntax == FrameSyntax::Jpeg || number.is_multiple_of(10)
    }

    fn start(&self, storage: impl Storage + 'static) -> io::Result<HybridMp4> {
        let mut mp4 = HybridMp4::start(Box::new(storage), NOMINAL_DURATION)?;
        mp4.set_track(self.track())?;
        Ok(mp4)
    }

    fn push(&self, mp4: &mut HybridMp4, number: usize) -> io::Result<()> {
        mp4.push(&self.data[number], self.is_key(number), self.ticks[number])
    }

    /// A file with all of them, not finished.
    fn record(&self, storage: impl Storage + 'static) -> io::Result<HybridMp4> {
        let mut mp4 = self.start(storage)?;
        for number in 0..self.data.len() {
            self.push(&mut mp4, number)?;
        }
        Ok(mp4)
    }

    /// The bytes of a recording that lost power, and of a finished one.
    fn files(&self) -> (Vec<u8>, Vec<u8>) {
        let journal = Journal::default();
        let mut mp4 = self.record(journal.clone()).unwrap();
        mp4.sync().unwrap();
        let killed = journal.file_after(journal.n_steps(), 0.0);
        mp4.finish().unwrap();
        (killed, journal.file_after(journal.n_steps(), 0.0))
    }

    /// Checks that another reader finds the first `n_frames` in the file, byte by byte.
    #[track_caller]
    fn check_by_other_reader(&self, path: &Path, n_frames: usize) {
        let bytes = fs::read(path).unwrap();
        let mp4 = Mp4::read_bytes(&bytes).unwrap();
        let track = mp4.tracks().values().next().unwrap();
        assert_eq!(
            (track.timescale, track.width, track.height),
            (90_000, 64, 48)
        );
        assert_eq!(track.samples.len(), n_frames);
        for (number, sample) in track.samples.iter().enumerate() {
            assert_eq!(
                Ticks(sample.composition_timestamp as u64),
                self.ticks[number],
                "frame {number}"
            );
            assert_eq!(sample.is_sync, self.is_key(number), "frame {number}");
            assert!(
                bytes[sample.byte_range()] == self.data[number],
                "frame {number}"
            );
            if number + 1 < n_frames {
                assert_eq!(
                    Ticks(sample.duration),
                    self.ticks[number + 1] - self.ticks[number]
                );
            }
        }
    }
}

/// The frames that another reader finds in a file, byte by byte.
fn frames_in(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let mp4 = Mp4::read_bytes(&bytes).unwrap();
    let track = mp4.tracks().values().next().unwrap();
    let frames = track.samples.iter();
    frames
        .map(|sample| bytes[sample.byte_range()].to_vec())
        .collect()
}

/// Where the headers of fragments are, with the lengths of `moof` and the header of `mdat`.
fn headers_in(bytes: &[u8]) -> Vec<(usize, usize)> {
    let words = bytes.windows(4).enumerate();
    let moofs = words.filter(|(_, word)| *word == b"moof");
    moofs
        .map(|(at, _)| {
            let size = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap());
            (at - 4, size as usize + 8)
        })
        .collect()
}
