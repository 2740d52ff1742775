//! Finishes what a crash left, and tells the times of pictures.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::{
    finish::{make_plain, make_plain_type},
    layout::{FRAGMENT_BYTES, FRAGMENT_BYTES_PER_SAMPLE},
    scan::{Found, Scan, be_u32, ends_with_plain_moov, scan, split_nal_unit},
};
use crate::record::video::{
    RecoverError, Recovered, duration_of,
    file::{is_zero_from, read_at, save_tail},
};

/// Half a second of pictures is smaller than this. What is longer is looked at only so far.
const MOST_TAIL_BYTES: u64 = 64 << 20;

/// See [`crate::record::video::recover`].
pub(in crate::record::video) fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    let io_error = RecoverError::io(path);
    // Only to read: a finished recording may lie on a disk that cannot be written.
    let found = scan_file(path)?;
    let to_write = || File::options().read(true).write(true).open(path);
    match found {
        Found::Plain { times, is_finished } => {
            let n_frames = times.len() as u64 - 1;
            let duration = duration_of(times.last().copied().unwrap_or(0));
            if is_finished {
                return Ok(Recovered::Complete { n_frames, duration });
            }
            to_write()
                .and_then(|mut file| make_plain_type(&mut file))
                .map_err(io_error)?;
            Ok(Recovered::Repaired {
                n_frames,
                duration,
                lost_bytes: 0,
                tail: None,
            })
        }
        Found::Fragments(scan) if scan.index.n_samples() > 0 => {
            let (lost_bytes, tail) = to_write()
                .and_then(|mut file| repair(&mut file, path, &scan))
                .map_err(io_error)?;
            Ok(Recovered::Repaired {
                n_frames: scan.index.n_samples().into(),
                duration: duration_of(scan.index.end_ticks()),
                lost_bytes,
                tail,
            })
        }
        Found::Fragments(_) | Found::Empty => Ok(Recovered::Empty),
        Found::Foreign => Err(RecoverError::foreign(path)),
        Found::Damaged(reason) => Err(RecoverError::damaged(path, reason)),
    }
}

/// See [`crate::record::video::frame_times`].
pub(in crate::record::video) fn frame_times(path: &Path) -> Result<Vec<u64>, RecoverError> {
    match scan_file(path)? {
        Found::Plain { mut times, .. } => {
            times.pop();
            Ok(times)
        }
        Found::Fragments(scan) => Ok(scan.index.times()),
        Found::Empty => Ok(Vec::new()),
        Found::Foreign => Err(RecoverError::foreign(path)),
        Found::Damaged(reason) => Err(RecoverError::damaged(path, reason)),
    }
}

fn scan_file(path: &Path) -> Result<Found, RecoverError> {
    File::open(path)
        .and_then(|mut file| scan(&mut file))
        .map_err(RecoverError::io(path))
}

fn repair(file: &mut File, path: &Path, scan: &Scan) -> io::Result<(u64, Option<PathBuf>)> {
    let (lost_bytes, tail) = match tail_of(file, scan)? {
        Tail::OurIndex => (0, None),
        Tail::OurPiece => (scan.length - scan.end, None),
        Tail::Unknown => {
            let tail = save_tail(file, path, scan.end)?;
            (scan.length - scan.end, Some(tail))
        }
    };
    make_plain(file, &scan.track, &scan.index, scan.end)?;
    Ok((lost_bytes, tail))
}

/// What follows the last whole picture.
#[derive(Debug, PartialEq, Eq)]
enum Tail {
    /// Nothing, or the plain file's index, whole or begun; it is written anew.
    OurIndex,
    /// Zeros, or a fragment that had begun to be written.
    OurPiece,
    /// Something else.
    Unknown,
}

fn tail_of(file: &mut File, scan: &Scan) -> io::Result<Tail> {
    let length = scan.length - scan.end;
    if length == 0 || ends_with_plain_moov(file, scan)? {
        return Ok(Tail::OurIndex);
    }
    if scan.length <= scan.fragment_end || is_zero_from(file, scan.end)? {
        return Ok(Tail::OurPiece);
    }
    if length > MOST_TAIL_BYTES {
        return Ok(Tail::Unknown);
    }
    let mut tail = vec![0; length as usize];
    let n_read = read_at(file, scan.end, &mut tail)?;
    tail.truncate(n_read);
    Ok(what_is(&tail))
}

fn what_is(tail: &[u8]) -> Tail {
    let Some(header) = tail.first_chunk::<8>() else {
        // Shorter than the header of a box: is it the beginning of one?
        let kind = tail.get(4..).unwrap_or_default();
        let is_ours =
            tail.first() == Some(&0) && (b"moof".starts_with(kind) || b"moov".starts_with(kind));
        return if is_ours {
            Tail::OurPiece
        } else {
            Tail::Unknown
        };
    };
    let size = be_u32(header) as usize;
    match &header[4..] {
        // A box that goes on beyond the end of the file was cut by it.
        b"moov" if size > tail.len() => Tail::OurIndex,
        b"moof" if size + 8 > tail.len() => Tail::OurPiece,
        // A whole header whose first picture is cut: larger than the tail all the same.
        b"moof" if mdat_size_after(tail, size).is_some_and(|mdat| size + mdat > tail.len()) => {
            Tail::OurPiece
        }
        _ if is_fragment_without_header(tail) => Tail::OurPiece,
        _ => Tail::Unknown,
    }
}

fn mdat_size_after(tail: &[u8], moof_size: usize) -> Option<usize> {
    let header = tail.get(moof_size..)?.first_chunk::<8>()?;
    (header[4..] == *b"mdat").then(|| be_u32(header) as usize)
}

/// Whether these are the pictures of a fragment after the zeros in the place of its header, written up to anywhere.
fn is_fragment_without_header(tail: &[u8]) -> bool {
    let n_zeros = tail.iter().take_while(|byte| **byte == 0).count() as u64;
    // The first length begins with zeros as well, so the header may be shorter than they are, never longer.
    (1..)
        .map(|n_samples| FRAGMENT_BYTES + FRAGMENT_BYTES_PER_SAMPLE * n_samples)
        .take_while(|header_bytes| *header_bytes <= n_zeros)
        .any(|header_bytes| are_nal_units_to_the_end(&tail[header_bytes as usize..]))
}

/// Whether NAL units follow each other, the last of which may be cut; blocks that never arrived end them with zeros.
fn are_nal_units_to_the_end(mut bytes: &[u8]) -> bool {
    let mut n_units = 0;
    while let Some(Some(rest)) = split_nal_unit(bytes) {
        n_units += 1;
        bytes = rest;
    }
    // Less than a length and a header tell nothing but that no picture has 16 MB.
    let is_short = bytes.len() < 5 && bytes.first().is_none_or(|byte| *byte == 0);
    let is_cut = is_short || split_nal_unit(bytes) == Some(None);
    is_cut || (n_units > 0 && bytes.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of these lengths after `n_zeros` zeros.
    fn pictures(n_zeros: usize, lengths: &[u32]) -> Vec<u8> {
        let mut tail = vec![0; n_zeros];
        for length in lengths {
            tail.extend(length.to_be_bytes());
            tail.push(0x65);
            tail.extend(vec![0xAB; *length as usize - 1]);
        }
        tail
    }

    #[test]
    fn tails_are_told_apart() {
        let header = (FRAGMENT_BYTES + 2 * FRAGMENT_BYTES_PER_SAMPLE) as usize;
        let whole = pictures(header, &[300, 70_000]);
        let blocks_missing = [pictures(header, &[300]), vec![0; 500]].concat();
        let other_gap = pictures(header + 1, &[300, 70_000]);
        let text = [vec![0; 200], b"my notes of the session".to_vec()].concat();
        let long_moof = b"\0\0\x01\0moof\0\0\0\x10mfhd".to_vec();
        for (name, tail, wanted) in [
            (
                "pictures without their header",
                whole.as_slice(),
                Tail::OurPiece,
            ),
            ("the same, cut in a picture", &whole[..1000], Tail::OurPiece),
            (
                "the same, cut in a length",
                &whole[..header + 2],
                Tail::OurPiece,
            ),
            ("the same, blocks missing", &blocks_missing, Tail::OurPiece),
            (
                "pictures at a place where none can be",
                &other_gap,
                Tail::Unknown,
            ),
            ("something else after zeros", &text, Tail::Unknown),
            ("something else", b"my notes", Tail::Unknown),
            ("a cut header", &long_moof, Tail::OurPiece),
            ("a cut header of a box", &long_moof[..6], Tail::OurPiece),
            ("less than that", b"xy", Tail::Unknown),
            ("a cut index", b"\0\0\x01\0moov\0\0", Tail::OurIndex),
            (
                "a whole index of something else",
                b"\0\0\0\x08moov",
                Tail::Unknown,
            ),
        ] {
            assert_eq!(what_is(tail), wanted, "{name}");
        }
    }
}
