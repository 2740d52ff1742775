//! Containers: files split into the packets of one video track, with their times.
//!
//! A container knows nothing about codecs, and a decoder nothing about files, so any of the one goes with any of the
//! other. All times are nanoseconds on the track's own clock, on which the first frame need not be at 0.

pub(super) mod avi;
mod demuxer;
mod ebml;
pub(super) mod indexed;
pub(super) mod matroska;
pub(super) mod mp4;

use std::io::{Read, Seek};

pub(super) use self::demuxer::{BadPacket, Codec, Demuxer, HIDDEN, Packet, Track, nanos};
use super::error::OpenError;

/// A kind of file that we split into packets ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::capture) enum Container {
    /// MP4 and QuickTime.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// AVI with its OpenDML extension.
    Avi,
}

/// Reads the headers and the index of a file, not its packets.
pub(super) fn open<R: Read + Seek + 'static>(
    container: Container,
    reader: R,
) -> Result<Box<dyn Demuxer>, OpenError> {
    Ok(match container {
        Container::Mp4 => Box::new(mp4::open(reader)?),
        Container::Matroska => Box::new(matroska::open(reader)?),
        Container::Avi => Box::new(avi::open(reader)?),
    })
}
