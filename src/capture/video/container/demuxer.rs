//! What every container provides: packets of one video track, with their times.

use std::{
    io::{self, Read, Seek, SeekFrom},
    time::Duration,
};

use crate::{
    capture::video::{
        decoded::{Colors, PixelAspect},
        orientation::Orientation,
    },
    frame::Resolution,
};

/// No packet is longer; a larger length is damage and must not become an allocation.
pub(in crate::capture::video) const MAX_PACKET_BYTES: u64 = 64 << 20;

/// No file has more packets: 38 hours at 60 frames a second. A larger number is damage.
pub(super) const MAX_PACKETS: usize = 1 << 23;

/// The time of packets that are decoded only because others depend on them, and never shown.
pub(in crate::capture::video) const HIDDEN: i64 = i64::MIN;

/// What a file says about its video track.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::capture::video) struct Track {
    pub(in crate::capture::video) codec: Codec,
    /// How to tell ffmpeg which track this is.
    pub(in crate::capture::video) ffmpeg_stream: String,
    /// Size of the stored frames, before they are stretched or turned; 0×0 if the container does not say.
    pub(in crate::capture::video) resolution: Resolution,
    pub(in crate::capture::video) orientation: Orientation,
    pub(in crate::capture::video) pixel_aspect: PixelAspect,
    pub(in crate::capture::video) colors: Colors,
    /// Nominal or average frames per second.
    pub(in crate::capture::video) rate_hz: Option<f64>,
    pub(in crate::capture::video) duration: Option<Duration>,
}

/// How a track is compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::capture::video) enum Codec {
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
pub(in crate::capture::video) struct Packet {
    pub(in crate::capture::video) data: Vec<u8>,
    /// Presentation time, ns.
    pub(in crate::capture::video) pts: i64,
    /// Whether decoding can start with it.
    pub(in crate::capture::video) is_sync: bool,
}

/// A packet could not be read or decoded. The next one may be fine.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::capture::video) struct BadPacket;

/// A file as a sequence of packets.
pub(in crate::capture::video) trait Demuxer {
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

/// Reads `size` bytes into `bytes`, or fails. A wrong size costs no more memory than the file has bytes.
pub(super) fn read_bytes(reader: &mut impl Read, size: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
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

/// The offset of the first `N` bytes from `from` on that `is_it` accepts; it also gets the offset of the block they are in.
pub(super) fn find_bytes<const N: usize>(
    reader: &mut (impl Read + Seek),
    from: u64,
    is_it: impl Fn(&[u8], u64) -> bool,
) -> Option<u64> {
    let mut offset = from;
    reader.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = Vec::new();
    let mut step = 1 << 9;
    loop {
        let n_kept = bytes.len();
        let n_read = (&mut *reader).take(step).read_to_end(&mut bytes).ok()?;
        step = (step * 2).min(1 << 16);
        if let Some(found) = bytes.windows(N).position(|window| is_it(window, offset)) {
            return Some(offset + found as u64);
        }
        if n_read == 0 {
            return None;
        }
        let n_done = (n_kept + n_read).saturating_sub(N - 1);
        bytes.drain(..n_done);
        offset += n_done as u64;
    }
}

/// Converts units of 1/`timescale` s to nanoseconds.
pub(in crate::capture::video) fn nanos(units: i64, timescale: u64) -> i64 {
    let nanos = i128::from(units) * 1_000_000_000 / i128::from(timescale.max(1));
    nanos.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX - 1)) as i64
}
