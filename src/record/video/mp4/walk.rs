//! Finds the frames of a file by its fragments, past whatever is damaged.
//!
//! A fragment is trusted if everything agrees: its header with itself, the frames with their list, and another
//! header, or the end of the file, right after them. Otherwise the next header is searched for, also
//! inside what the fragment claims, and the frames between are found by their content ([`Frames`]). What remains is
//! unexplained, and nothing here decides that it may be deleted.

use std::{fs::File, io, ops::Range};

use super::{
    frames::Frames,
    header::{Header, START_BYTES, header_at, is_header_start},
    index::{Sample, SampleIndex},
};
use crate::record::video::file::read_at;

/// How many bytes are searched at first, because the next header may be near, and at most at a time.
const BLOCK_BYTES: (usize, usize) = (1 << 12, 1 << 20);
/// How many frames of a fragment may contradict its list before the list is given up.
const MAX_WRONG: usize = 16;
/// A start that differs by less from the end of the fragment before is certainly right: one second.
const NEAR_90K: u64 = 90_000;

/// What was found.
pub(super) struct Walked {
    pub(super) pieces: Vec<Piece>,
    /// Parts of the file, before the end of the last frame, that are neither frames nor headers.
    pub(super) gaps: Vec<Range<u64>>,
    /// End of the last frame, or of what comes before the first.
    pub(super) end: u64,
    /// Where the frame that follows would end; it is not whole.
    pub(super) cut_frame_end: Option<u64>,
}

/// Consecutive frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    offset: u64,
    start_ticks: u64,
    samples: Vec<Sample>,
    /// For each of them, whether decoding can start there.
    is_key: Vec<bool>,
    /// Whether it is the very first of the recording.
    is_first: bool,
}

impl Piece {
    fn ticks(&self) -> u64 {
        self.samples
            .iter()
            .map(|sample| u64::from(sample.duration))
            .sum()
    }

    fn ticks_before_last(&self) -> u64 {
        self.ticks()
            - self
                .samples
                .last()
                .map_or(0, |last| u64::from(last.duration))
    }
}

/// Looks for frames from `start` to their limit.
pub(super) fn walk(file: &mut File, start: u64, frames: Frames) -> io::Result<Walked> {
    let limit = frames.limit;
    let mut walked = Walked {
        pieces: Vec::new(),
        gaps: Vec::new(),
        end: start,
        cut_frame_end: None,
    };
    let mut sequence = 0;
    let mut last_start = None;
    let mut at = start;
    loop {
        let header = header_at(file, at, limit)?;
        // An earlier fragment after a later one is left over from another recording.
        let header = header
            .filter(|header| header.sequence > sequence || Some(header.start_ticks) > last_start);
        let Some(header) = header else {
            match next_header(file, at + 1, limit)? {
                Some(next) => at = next,
                None => return Ok(walked),
            }
            continue;
        };
        if at > walked.end {
            walked.gaps.push(walked.end..at);
        }
        let is_first = sequence == 0 && (header.sequence == 1 || at == start);
        // Right after another fragment the number is known, whatever the header says.
        sequence = if at == walked.end {
            sequence + 1
        } else {
            header.sequence.max(sequence + 1)
        };
        last_start = Some(header.start_ticks);
        let data_at = at + header.bytes;
        let claimed_end = data_at + header.payload_bytes;
        let is_followed = header.is_whole
            && header.sequence == sequence
            && header_at(file, claimed_end, limit)?.is_some();
        let (next, is_right) = if is_followed && frames.all_whole(file, &header, data_at)? {
            (Some(claimed_end), true)
        } else {
            (next_header(file, data_at, limit)?, false)
        };
        let region_end = next.unwrap_or(limit);
        walked.end = data_at;
        take_frames(
            file,
            frames,
            &header,
            data_at,
            region_end,
            is_first,
            &mut walked,
        )?;
        debug_assert!(!is_right || walked.end == claimed_end);
        match next {
            Some(next) => at = next,
            None => return Ok(walked),
        }
        walked.cut_frame_end = None;
    }
}

/// The first header that begins at `from` or later.
pub(super) fn next_header(file: &mut File, from: u64, limit: u64) -> io::Result<Option<u64>> {
    let (mut n_bytes, most) = BLOCK_BYTES;
    let mut block = Vec::new();
    let mut offset = from;
    while offset < limit {
        block.resize(n_bytes, 0);
        let n_read = read_at(file, offset, &mut block)?;
        let found = block[..n_read]
            .windows(START_BYTES)
            .enumerate()
            .filter(|(_, start)| is_header_start(start));
        for (at, _) in found {
            let at = offset + at as u64;
            if header_at(file, at, limit)?.is_some() {
                return Ok(Some(at));
            }
        }
        if n_read < block.len() {
            break;
        }
        offset += (n_bytes - START_BYTES + 1) as u64;
        n_bytes = most.min(n_bytes * 4);
    }
    Ok(None)
}

impl Walked {
    fn add(&mut self, piece: Piece, end: u64) {
        if !piece.samples.is_empty() {
            self.end = end;
            self.pieces.push(piece);
        }
    }

    /// The index of all frames, and when the first of them was shown.
    pub(super) fn index(&mut self) -> (SampleIndex, u64) {
        self.mend_times();
        let first_ticks = self.pieces.first().map_or(0, |piece| piece.start_ticks);
        let mut index = SampleIndex::default();
        for piece in &self.pieces {
            let start = piece.start_ticks.saturating_sub(first_ticks);
            if !index.start_chunk(piece.offset, start) {
                index.start_chunk(piece.offset, index.end_ticks());
            }
            for (sample, is_key) in piece.samples.iter().zip(&piece.is_key) {
                index.push(*sample, *is_key);
            }
        }
        (index, first_ticks)
    }

    /// Replaces impossible times: each piece starts after the one before, and its frames follow one another until the
    /// next one starts.
    fn mend_times(&mut self) {
        // About the piece before: when it starts, when its last frame starts, and when that ends.
        let mut before: Option<(u64, u64, u64)> = None;
        for at in 0..self.pieces.len() {
            let next = self.pieces.get(at + 1).map(|next| next.start_ticks);
            let piece = &mut self.pieces[at];
            let this = piece.start_ticks;
            let is_before_next = next.is_none_or(|next| this < next);
            let is_right = match before {
                None if piece.is_first => this == 0,
                None => is_before_next,
                Some((start, last, end)) => {
                    let is_near = this.abs_diff(end) < NEAR_90K;
                    let is_far = this > last.saturating_add(i32::MAX as u64); // No gap is longer.
                    this > start && (is_near || is_before_next) && !is_far
                }
            };
            if !is_right {
                piece.start_ticks = match before {
                    None if piece.is_first => 0,
                    None => next.unwrap_or(0).saturating_sub(piece.ticks()),
                    Some((_, _, end)) => end,
                };
            }
            let start = piece.start_ticks;
            // The last frame is shown until the next piece, so only the others can be too long.
            let room = next.and_then(|next| next.checked_sub(start)).unwrap_or(0);
            if room > 0 && piece.ticks_before_last() >= room {
                let n_samples = piece.samples.len() as u64;
                let even = u32::try_from((room / n_samples).max(1)).unwrap_or(u32::MAX);
                piece
                    .samples
                    .iter_mut()
                    .for_each(|sample| sample.duration = even);
            }
            let last = start.saturating_add(piece.ticks_before_last());
            before = Some((start, last, start.saturating_add(piece.ticks())));
        }
    }
}

/// Adds the frames of a fragment that are whole, up to `region_end`.
fn take_frames(
    file: &mut File,
    frames: Frames,
    header: &Header,
    data_at: u64,
    region_end: u64,
    is_first: bool,
    walked: &mut Walked,
) -> io::Result<()> {
    let frames = Frames {
        limit: region_end,
        ..frames
    };
    let empty = |offset, start_ticks, is_first| Piece {
        offset,
        start_ticks,
        samples: Vec::new(),
        is_key: Vec::new(),
        is_first,
    };
    let mut piece = empty(data_at, header.start_ticks, is_first);
    // If so, frames that do not match it are damaged themselves.
    let is_list_right = header.is_whole && data_at + header.payload_bytes <= region_end;
    let (mut at, mut ticks, mut n_wrong) = (data_at, header.start_ticks, 0);
    for (nth, sample) in header.samples.iter().enumerate() {
        // In a header that was only partly written, the rest of the list is zeros.
        if sample.duration == 0 && sample.size == 0 {
            break;
        }
        let next = header.samples.get(nth + 1).map(|next| u64::from(next.size));
        let listed_end = at + u64::from(sample.size);
        let mut found = frames
            .fill(file, at..listed_end)?
            .map(|is_key| (listed_end, is_key));
        // A size that includes some of the next frames ends where one of them does.
        if !header.is_whole
            && found.is_some()
            && let Some((end, is_key)) = frames.first_fit(file, at, next)?
            && end < listed_end
        {
            found = Some((end, is_key));
        }
        let mut is_only_this = is_list_right;
        // A list that agrees with itself is right; the frame extends beyond the data.
        let is_cut = header.is_whole && listed_end > region_end;
        if found.is_none() && !is_list_right && !is_cut && n_wrong < MAX_WRONG {
            n_wrong += 1;
            found = frames.real_end(file, at, next)?;
            is_only_this = found.is_none() && frames.is_frame(file, listed_end, next)?;
        }
        let duration = sample.duration.max(1);
        let after = ticks.saturating_add(u64::from(duration));
        if let Some((end, is_key)) = found {
            piece.samples.push(Sample {
                size: (end - at) as u32,
                duration,
            });
            piece.is_key.push(is_key);
            at = end;
        } else if is_only_this {
            walked.gaps.push(at..listed_end);
            let after_gap = empty(listed_end, after, false);
            walked.add(std::mem::replace(&mut piece, after_gap), at);
            walked.end = listed_end;
            at = listed_end;
        } else {
            walked.cut_frame_end = Some(listed_end);
            break;
        }
        ticks = after;
    }
    walked.add(piece, at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start_ticks: u64, durations: &[u32]) -> Piece {
        Piece {
            offset: 0,
            start_ticks,
            samples: durations
                .iter()
                .map(|&duration| Sample { size: 10, duration })
                .collect(),
            is_key: vec![true; durations.len()],
            is_first: false,
        }
    }

    fn mended(pieces: Vec<Piece>) -> Vec<u64> {
        let mut walked = Walked {
            pieces,
            gaps: Vec::new(),
            end: 0,
            cut_frame_end: None,
        };
        let times = walked.index().0.times();
        times.into_iter().map(|time| time.0).collect()
    }

    #[test]
    fn impossible_times_are_replaced() {
        let first = || Piece {
            is_first: true,
            ..piece(0, &[3000, 3000])
        };
        let usual = [0, 3000, 6000, 9000, 12_000, 15_000];
        let three = |second: Piece| vec![first(), second, piece(12_000, &[3000, 3000])];
        assert_eq!(mended(three(piece(6000, &[3000, 3000]))), usual);
        assert_eq!(
            mended(three(piece(1 << 40, &[3000, 3000]))),
            usual,
            "far ahead"
        );
        assert_eq!(
            mended(three(piece(0, &[3000, 3000]))),
            usual,
            "not later than the one before"
        );
        assert_eq!(
            mended(three(piece(6000, &[1 << 30, 3000]))),
            [0, 3000, 6000, 9000, 12_000, 15_000],
            "spread evenly"
        );
        assert_eq!(
            mended(three(piece(6000, &[3000, 1 << 30]))),
            usual,
            "shown until the next one"
        );
        let wrong_first = Piece {
            is_first: true,
            ..piece(1 << 20, &[3000, 3000])
        };
        assert_eq!(
            mended(vec![wrong_first, piece(6000, &[3000])]),
            [0, 3000, 6000]
        );
        let gap = vec![first(), piece(900_000, &[3000]), piece(903_000, &[3000])];
        assert_eq!(
            mended(gap),
            [0, 3000, 900_000, 903_000],
            "a pause is not damage"
        );
        let lost_first = vec![piece(45_000, &[3000, 3000]), piece(51_000, &[3000])];
        assert_eq!(mended(lost_first), [0, 3000, 6000]);
        let low = vec![
            first(),
            piece(6000, &[3000]),
            piece(2, &[3000]),
            piece(12_000, &[3000]),
        ];
        assert_eq!(mended(low), [0, 3000, 6000, 9000, 12_000]);
    }
}
