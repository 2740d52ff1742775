//! The header of a fragment, in a file that may be damaged.
//!
//! Our writer gives every header the same layout, so everything but the list of frames is known in advance, and the number
//! of frames is stated five times. So a partly damaged header is still recognized, and what it states more than once is
//! read from an undamaged copy. The crate that writes headers cannot do this: it believes what a box says.

use std::{fs::File, io};

use super::{
    index::Sample,
    layout::{FRAGMENT_BYTES, FRAGMENT_BYTES_PER_SAMPLE, KEY_FLAGS, OTHER_FLAGS, TRACK_ID},
};
use crate::record::video::file::read_at;

/// A fragment holds fewer frames than this: half a second of them.
const MAX_SAMPLES: u32 = 1 << 16;
/// Bytes before the list of frames.
pub(super) const START_BYTES: usize = FRAGMENT_BYTES as usize - 8;
/// The words that are the same in every header, with their offsets.
const WORDS: [(usize, [u8; 4]); 14] = [
    (4, *b"moof"),
    (8, 16u32.to_be_bytes()),
    (12, *b"mfhd"),
    (16, [0; 4]),
    (28, *b"traf"),
    (32, 16u32.to_be_bytes()),
    (36, *b"tfhd"),
    (40, [0, 2, 0, 0]),
    (44, TRACK_ID.to_be_bytes()),
    (48, 20u32.to_be_bytes()),
    (52, *b"tfdt"),
    (56, [1, 0, 0, 0]),
    (72, *b"trun"),
    (76, [0, 0, 7, 1]),
];
/// This many of them make a header. All have 448 bits; even half of them do not occur by chance.
const MIN_WORDS: usize = 9;
/// Those that a search looks for: damage spares at least one.
const LANDMARKS: [(usize, [u8; 4]); 4] = [
    (4, *b"moof"),
    (28, *b"traf"),
    (52, *b"tfdt"),
    (72, *b"trun"),
];
/// Offsets of what states the number of frames: sizes of the boxes around their list, which are larger than the list by
/// the second number, or the number itself.
const COUNTS: [(usize, u32); 5] = [(0, 88), (24, 64), (68, 20), (80, 0), (84, 96)];

/// What a fragment's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// Number of the fragment, from 1.
    pub(super) sequence: u32,
    pub(super) start_ticks: u64,
    /// Its length, with the header of `mdat`.
    pub(super) bytes: u64,
    /// Length of the frames after it, by the header of `mdat`.
    pub(super) payload_bytes: u64,
    /// The list of frames. Their content tells at which of them decoding can start.
    pub(super) samples: Vec<Sample>,
    /// Whether all of it is as our writer makes it, without contradictions.
    pub(super) is_whole: bool,
}

impl Header {
    /// Length of the frames, by their list.
    fn listed_bytes(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| u64::from(sample.size))
            .sum()
    }
}

/// The header at `offset`; `None` if there is none that ends before `limit`.
pub(super) fn header_at(file: &mut File, offset: u64, limit: u64) -> io::Result<Option<Header>> {
    let mut fixed = [0; START_BYTES];
    if limit.saturating_sub(offset) < FRAGMENT_BYTES
        || read_at(file, offset, &mut fixed)? < START_BYTES
    {
        return Ok(None);
    }
    let n_words = n_right_words(&fixed);
    let Some((n_samples, n_votes)) = count(&fixed).filter(|_| n_words >= MIN_WORDS) else {
        return Ok(None);
    };
    let bytes = FRAGMENT_BYTES + FRAGMENT_BYTES_PER_SAMPLE * u64::from(n_samples);
    if offset + bytes > limit {
        return Ok(None);
    }
    let mut rest = vec![0; bytes as usize - START_BYTES];
    if read_at(file, offset + START_BYTES as u64, &mut rest)? < rest.len() {
        return Ok(None);
    }
    let (list, mdat) = rest.split_at(rest.len() - 8);
    let has_usual_flags = |sample: &[u8]| {
        let flags = be_u32(sample, 8);
        flags == KEY_FLAGS.get() || flags == OTHER_FLAGS.get()
    };
    let samples: Vec<Sample> = list
        .chunks_exact(FRAGMENT_BYTES_PER_SAMPLE as usize)
        .map(|sample| Sample {
            size: be_u32(sample, 4),
            duration: be_u32(sample, 0),
        })
        .collect();
    let mut header = Header {
        sequence: be_u32(&fixed, 20),
        start_ticks: u64::from(be_u32(&fixed, 60)) << 32 | u64::from(be_u32(&fixed, 64)),
        bytes,
        payload_bytes: u64::from(be_u32(mdat, 0)).saturating_sub(8),
        samples,
        is_whole: false,
    };
    header.is_whole = n_words == WORDS.len()
        && n_votes == COUNTS.len()
        && mdat[4..] == *b"mdat"
        && header.payload_bytes == header.listed_bytes()
        && list
            .chunks_exact(FRAGMENT_BYTES_PER_SAMPLE as usize)
            .all(has_usual_flags)
        && header
            .samples
            .iter()
            .all(|sample| sample.size > 0 && sample.duration > 0);
    Ok(Some(header))
}

/// Whether a header may begin here; asked at every offset in a file.
pub(super) fn is_header_start(start: &[u8]) -> bool {
    let is_there = |(at, word): &(usize, [u8; 4])| start[*at..at + 4] == *word;
    LANDMARKS.iter().any(is_there) && n_right_words(start) >= MIN_WORDS
}

/// Whether these are the first bytes of a header that the end of the file cuts off. They hold no frame.
pub(super) fn is_cut_header(bytes: &[u8]) -> bool {
    let is_right = |(at, word): &(usize, [u8; 4])| match bytes.get(*at..) {
        Some(there) => word.starts_with(&there[..there.len().min(4)]),
        None => true,
    };
    let mut stated = COUNTS.iter().filter_map(|&(at, more)| {
        let there = bytes.get(at..at + 4)?;
        Some(n_samples(be_u32(there, 0), more, at))
    });
    let first = stated.next();
    // If its first word is cut too, all that is known is that it is a box of at most 16 MB.
    let is_size = match first {
        None => bytes.first().is_none_or(|byte| *byte == 0),
        Some(n) => n.is_some_and(|n| {
            (bytes.len() as u64) < FRAGMENT_BYTES + FRAGMENT_BYTES_PER_SAMPLE * u64::from(n)
        }),
    };
    is_size && WORDS.iter().all(is_right) && stated.all(|n| Some(n) == first)
}

fn n_right_words(fixed: &[u8]) -> usize {
    WORDS
        .iter()
        .filter(|(at, word)| fixed[*at..at + 4] == *word)
        .count()
}

/// The number of frames that most offsets state, and how many do; `None` if no two agree.
fn count(fixed: &[u8]) -> Option<(u32, usize)> {
    let stated = COUNTS.map(|(at, more)| n_samples(be_u32(fixed, at), more, at));
    let votes = |n: u32| stated.iter().filter(|other| **other == Some(n)).count();
    let best = stated
        .iter()
        .flatten()
        .map(|&n| (n, votes(n)))
        .max_by_key(|(_, n_votes)| *n_votes)?;
    (best.1 >= 2).then_some(best)
}

/// The number of frames by the word at `at`, which is `more` than the bytes of their list, or the number itself.
fn n_samples(word: u32, more: u32, at: usize) -> Option<u32> {
    let per_sample = if at == 80 {
        1
    } else {
        FRAGMENT_BYTES_PER_SAMPLE as u32
    };
    let bytes = word.checked_sub(more)?;
    let n = bytes / per_sample;
    (bytes.is_multiple_of(per_sample) && (1..MAX_SAMPLES).contains(&n)).then_some(n)
}

/// The number at an offset.
fn be_u32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{
        super::fragment::{FragmentSample, fragment_header},
        *,
    };

    fn written() -> Vec<u8> {
        let sample = |size, is_key| FragmentSample {
            size,
            duration: 3000,
            is_key,
        };
        let samples = [sample(900, true), sample(80, false), sample(70, false)];
        fragment_header(7, 123_456, samples.into_iter()).unwrap()
    }

    fn read(bytes: &[u8]) -> Option<Header> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        file.write_all(bytes).unwrap();
        header_at(&mut file, 6, 6 + bytes.len() as u64).unwrap()
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = read(&written()).unwrap();
        assert!(header.is_whole);
        assert_eq!((header.sequence, header.start_ticks), (7, 123_456));
        assert_eq!((header.bytes, header.payload_bytes), (132, 1050));
        assert_eq!(
            header.samples[1],
            Sample {
                size: 80,
                duration: 3000
            }
        );
        assert_eq!(read(&written()[..131]), None, "it is cut");
    }

    #[test]
    fn one_wrong_bit_is_noticed_and_hides_no_other_frame() {
        let whole = read(&written()).unwrap();
        for bit in 0..written().len() * 8 {
            let mut bytes = written();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let header = read(&bytes).unwrap_or_else(|| panic!("bit {bit}"));
            assert_eq!(header.samples.len(), 3, "bit {bit}");
            let differ = (header.samples.iter().zip(&whole.samples))
                .filter(|(a, b)| a != b)
                .count();
            assert!(differ <= 1, "bit {bit}");
            // Times are stated only once.
            let is_time = matches!(bit / 8, 20..24 | 60..68 | 88..92 | 100..104 | 112..116);
            assert!(!header.is_whole || is_time, "bit {bit}");
        }
    }

    #[test]
    fn what_claims_millions_of_frames_is_not_a_header() {
        for at in [0, 24, 68, 80, 84] {
            let mut bytes = written();
            for (count, more) in COUNTS {
                let n = if at == count { 3u32 } else { 1 << 24 };
                let per_sample = if count == 80 { 1 } else { 12 };
                bytes[count..count + 4].copy_from_slice(&(more + per_sample * n).to_be_bytes());
            }
            assert_eq!(read(&bytes), None);
        }
        assert_eq!(read(&[0; 500]), None);
    }

    #[test]
    fn cut_headers_are_distinguished_from_damaged_ones() {
        let bytes = written();
        for length in 0..bytes.len() {
            assert!(is_cut_header(&bytes[..length]), "{length}");
        }
        assert!(!is_cut_header(&bytes), "it is whole");
        let mut large = bytes.clone();
        large[0] = 1;
        assert!(
            !is_cut_header(&large[..100]),
            "its sizes contradict each other"
        );
        assert!(!is_cut_header(b"xy") && !is_cut_header(b"\0\0\x01\x0Cmoov\0\0\0\x10"));
    }
}
