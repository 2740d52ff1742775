//! Containers: files taken apart into the packets of one video track, with their times.
//!
//! A container knows nothing of pictures, and a decoder nothing of files, so that each of the one goes with each of the
//! other. All times are nanoseconds on the track's own clock, on which the first picture need not be at 0.

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
    Refusal,
    orientation::Orientation,
    picture::{Colours, PixelAspect},
};
use crate::frame::Resolution;

/// No packet is longer; a length above it is damage, and must not become an allocation.
pub(super) const MAX_PACKET_BYTES: u64 = 64 << 20;

/// No file has more packets: 38 hours at 60 frames a second. A number above it is damage.
const MAX_PACKETS: usize = 1 << 23;

/// The time of packets that are decoded for the sake of others and never shown.
pub(super) const HIDDEN: i64 = i64::MIN;

/// A kind of file that is taken apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::capture) enum Container {
    /// MP4 and QuickTime.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// AVI with its OpenDML extension.
    Avi,
}

/// What a file says of its video track.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Track {
    pub(super) codec: Codec,
    /// How ffmpeg is told of this track among the others.
    pub(super) ffmpeg_stream: String,
    /// Size of the stored pictures, before anything is stretched or turned; 0×0 if the container does not say.
    pub(super) resolution: Resolution,
    pub(super) orientation: Orientation,
    pub(super) pixel_aspect: PixelAspect,
    pub(super) colours: Colours,
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
    /// A JPEG picture in each packet.
    Mjpeg,
    /// One that is not decoded here, as people call it.
    Other(String),
}

/// One compressed picture.
#[derive(Debug, Default)]
pub(super) struct Packet {
    pub(super) data: Vec<u8>,
    /// Presentation time, ns.
    pub(super) pts: i64,
    /// Whether decoding can start with it.
    pub(super) is_sync: bool,
}

/// A packet could not be read or decoded. The next one may be well.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPacket;

/// A file as a sequence of packets.
pub(super) trait Demuxer {
    fn track(&self) -> &Track;

    /// The times of all pictures that are shown, in order, where the file has an index of them.
    fn times(&self) -> Option<&[i64]>;

    /// Reads the next packet, in the order in which they are decoded; `false` at the end.
    ///
    /// After an error it goes on behind the damage, and comes to the end at some time.
    fn next_packet(&mut self, packet: &mut Packet) -> Result<bool, BadPacket>;

    /// How far the reading has come, as a number that grows.
    fn position(&self) -> u64;

    /// The last place from which decoding leads to the picture at `pts`, for [`Demuxer::go_to`]; the beginning if
    /// there is none before.
    fn sync_before(&mut self, pts: i64) -> u64;

    /// Makes the next packet the one at a place that [`Demuxer::sync_before`] has named.
    fn go_to(&mut self, position: u64);
}

/// Reads the headers and the index of a file, not its pictures.
pub(super) fn open<R: Read + Seek + 'static>(
    container: Container,
    reader: R,
) -> Result<Box<dyn Demuxer>, Refusal> {
    Ok(match container {
        Container::Mp4 => Box::new(mp4::open(reader)?),
        Container::Matroska => Box::new(matroska::open(reader)?),
        Container::Avi => Box::new(avi::open(reader)?),
    })
}

/// Reads `size` bytes into `bytes`, or fails: a size that is wrong costs no more memory than there is file.
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

/// Time units of `timescale` a second as nanoseconds.
pub(super) fn nanos(units: i64, timescale: u64) -> i64 {
    let nanos = i128::from(units) * 1_000_000_000 / i128::from(timescale.max(1));
    nanos.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX - 1)) as i64
}
