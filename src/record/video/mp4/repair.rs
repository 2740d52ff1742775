//! Finishes what a crash left, and tells the times of frames.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    finish::{make_plain, make_plain_type},
    scan::{Found, Scan, scan},
};
use crate::{
    record::video::{error::RecoverError, file::save_beside},
    session::files,
    time::Ticks,
};

/// What [`recover`] found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovered {
    /// The file was finished; it was not touched.
    Complete {
        /// Frames in it.
        n_frames: u64,
        /// From the first frame to the end of the last.
        duration: Duration,
    },
    /// The file is now a plain one.
    Repaired {
        /// Frames in it.
        n_frames: u64,
        /// From the first frame to the end of the last.
        duration: Duration,
        /// When its first frame was shown, since the recording's first: not 0 if the frames before it are lost.
        first_time: Ticks,
        /// Bytes that belong to no whole frame.
        lost_bytes: u64,
        /// Where a copy of these bytes is now; `None` if they were only zeros or the beginning of a frame.
        tail: Option<PathBuf>,
    },
    /// The recording ended before its first frame reached the disk. The file was not touched.
    Empty,
}

/// Finishes in place what a crash, a power cut or a full disk left of a video.
///
/// Damage costs the frames that it hides, and no others. Bytes that are neither frames nor the beginning of one are
/// kept in a file beside it (`video.mp4.tail`). It can be interrupted and run again at any point.
///
/// # Errors
/// If the file is not ours or damaged at its start ([`RecoverError::Foreign`], [`RecoverError::Damaged`]; it was not
/// touched), or if the disk refuses ([`RecoverError::Io`]; nothing is lost then either).
pub fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    let io_error = RecoverError::io(path);
    // Opened read-only: a finished recording may be on a read-only disk.
    let found = scan_file(path)?;
    let to_write = || files::open_to_change(path);
    match found {
        Found::Plain { times, is_finished } => {
            let n_frames = times.len() as u64 - 1;
            let duration = times.last().copied().unwrap_or_default().into();
            if is_finished {
                return Ok(Recovered::Complete { n_frames, duration });
            }
            to_write()
                .and_then(|mut file| make_plain_type(&mut file))
                .map_err(io_error)?;
            Ok(Recovered::Repaired {
                n_frames,
                duration,
                first_time: Ticks::ZERO,
                lost_bytes: 0,
                tail: None,
            })
        }
        Found::Fragments(scan) => {
            let tail = to_write()
                .and_then(|mut file| repair(&mut file, path, &scan))
                .map_err(io_error)?;
            Ok(Recovered::Repaired {
                n_frames: scan.index.n_samples().into(),
                duration: Ticks(scan.index.end_ticks()).into(),
                first_time: scan.first_time,
                lost_bytes: scan.lost_bytes,
                tail,
            })
        }
        Found::Empty => Ok(Recovered::Empty),
        Found::Foreign => Err(RecoverError::foreign(path)),
        Found::Damaged(reason) => Err(RecoverError::damaged(path, reason)),
    }
}

/// The presentation time of each frame in a finished, killed or recovered file of ours.
///
/// # Errors
/// If the file is not ours or cannot be read. One without frames returns an empty list.
pub fn frame_times(path: &Path) -> Result<Vec<Ticks>, RecoverError> {
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
    files::open(path)
        .and_then(|mut file| scan(&mut file))
        .map_err(RecoverError::io(path))
}

/// Makes the file a plain one, after saving what is unexplained to a file beside it.
fn repair(file: &mut File, path: &Path, scan: &Scan) -> io::Result<Option<PathBuf>> {
    let tail = if scan.unexplained.is_empty() {
        None
    } else {
        Some(save_beside(file, path, &scan.unexplained)?)
    };
    make_plain(file, &scan.track, &scan.index, scan.end)?;
    Ok(tail)
}
