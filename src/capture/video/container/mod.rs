//! Containers: files split into the packets of one video track, with their times.
//!
//! A container knows nothing about codecs, and a decoder nothing about files, so any of the one goes with any of the
//! other. All times are nanoseconds on the track's own clock, on which the first frame need not be at 0.

pub(super) mod avi;
mod ebml;
pub(super) mod indexed;
pub(super) mod matroska;
pub(super) mod mp4;

use std::{
    io::{self, Read, Seek},
    time::Duration,
};

use super::{
    OpenError,
    decoded::{Colors, PixelAspect},
    orientation::Orientation,
};
use crate::frame::Resolution;

/// No packet is longer; a larger length is damage and must not become an allocation.
pub(super) const MAX_PACKET_BYTES: u64 = 64 << 20;

/// No file has more packets: 38 hours at 60 frames a second. A larger number is damage.
const MAX_PACKETS: usize = 1 << 23;

/// The time of packets that are decoded only because others depend on them, and never shown.
pub(super) const HIDDEN: i64 = i64::MIN;

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

/// What a file says about its video track.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) codec: Codec,
    /// How to tell ffmpeg which track this is.
    pub(super) ffmpeg_stream: String,
    /// Size of the stored frames, before they are stretched or turned; 0×0 if the container does not say.
    pub(super) resolution: Resolution,
    pub(super) orientation: Orientation,
    pub(super) pixel_aspect: PixelAspect,
    pub(super) colors: Colors,
    /// Nominal or average frames per second.
    pub(super) rate_hz: Option<f64>,
    pub(super) duration: Option<Duration>,
}

/// How a track is compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Codec {
    /// With its `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15).
    H264(Vec<u8>),
    /// With its `AV1CodecConfigurationRecord` (AV1 in ISOBMFF, 2.3), which may be missing.
    Av1(Vec<u8>),
    /// A JPEG in each packet.
    Mjpeg,
    /// One that we do not decode; holds its common name.
    Other(String),
}

/// One compressed frame.
#[derive(Debug, Default)]
pub(super) struct Packet {
    pub(super) data: Vec<u8>,
    /// Presentation time, ns.
    pub(super) pts: i64,
    /// Whether decoding can start with it.
    pub(super) is_sync: bool,
}

/// A packet could not be read or decoded. The next one may be fine.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPacket;

/// A file as a sequence of packets.
pub(super) trait Demuxer {
    fn track(&self) -> &Track;

    /// The times of all frames that are shown, in order, if the file has an index of them.
    fn times(&self) -> Option<&[i64]>;

    /// Reads the next packet, in decoding order; `false` at the end.
    ///
    /// After an error it continues past the damage, and it always reaches the end.
    fn next_packet(&mut self, packet: &mut Packet) -> Result<bool, BadPacket>;

    /// How far reading has come, as a number that grows.
    fn position(&self) -> u64;

    /// The last position from which decoding reaches the frame at `pts`, for [`Demuxer::seek_to`]; the beginning if
    /// there is none before.
    fn sync_before(&mut self, pts: i64) -> u64;

    /// Makes the next packet the one at a position from [`Demuxer::sync_before`].
    fn seek_to(&mut self, position: u64);
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

/// Reads `size` bytes into `bytes`, or fails. A wrong size costs no more memory than the file has bytes.
fn read_bytes(reader: &mut impl Read, size: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    if size > MAX_PACKET_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let n_read = reader.take(size).read_to_end(bytes)?;
    if n_read as u64 == size {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Converts units of 1/`timescale` s to nanoseconds.
pub(super) fn nanos(units: i64, timescale: u64) -> i64 {
    let nanos = i128::from(units) * 1_000_000_000 / i128::from(timescale.max(1));
    nanos.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX - 1)) as i64
}
