//! What has a fixed place or length in our files.
//!
//! The first 80 bytes are laid out the same in every state of a file. Reading them tells the state, and overwriting 16 or
//! 32 of them changes it.

use std::io;

use shiguredo_mp4::SampleFlags;

/// `ftyp` while recording.
pub(super) const FTYP_RECORDING: [u8; 32] = *b"\0\0\0\x20ftypiso5\0\0\0\0iso5iso6avc1mp41";
/// `ftyp` of the plain file.
pub(super) const FTYP_FINISHED: [u8; 32] = *b"\0\0\0\x20ftypisom\0\0\0\0isomiso2avc1mp41";
/// A box that players skip; it marks our own files.
pub(super) const MARKER: [u8; 32] = *b"\0\0\0\x20freefervis crash-safe MP4, 1";
/// Offset of the marker.
pub(super) const MARKER_AT: u64 = 32;
/// Stands in place of the `mdat` header while recording.
pub(super) const NO_MDAT: [u8; 16] = *b"\0\0\0\x10free\0\0\0\0\0\0\0\0";
/// Offset of the `mdat` box of the plain file.
pub(super) const MDAT_AT: u64 = 64;
/// Length of all that; the first `moov` follows.
pub(super) const HEAD_BYTES: u64 = 80;

/// Bytes of a fragment's header without its list of frames: `moof`, `mfhd`, `traf`, `tfhd`, `tfdt`, `trun` and the
/// header of `mdat`.
pub(super) const FRAGMENT_BYTES: u64 = 8 + 16 + 8 + 16 + 20 + 20 + 8;
/// Bytes of each frame in that list.
pub(super) const FRAGMENT_BYTES_PER_SAMPLE: u64 = 12;

/// Flags of a frame that needs no other one (ISO/IEC 14496-12, 8.8.3.1: `sample_depends_on` = 2).
pub(super) const KEY_FLAGS: SampleFlags = SampleFlags::from_fields(0, 2, 0, 0, 0, false, 0);
/// Flags of one that does.
pub(super) const OTHER_FLAGS: SampleFlags = SampleFlags::from_fields(0, 1, 0, 0, 0, true, 0);

/// Number of the only track.
pub(super) const TRACK_ID: u32 = 1;

/// The header of the `mdat` box that goes up to `end`.
pub(super) fn mdat_header(end: u64) -> [u8; 16] {
    let mut header = *b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
    header[8..].copy_from_slice(&(end - MDAT_AT).to_be_bytes());
    header
}

/// The head of a file while it is recorded.
pub(super) fn recording_head() -> [u8; HEAD_BYTES as usize] {
    let mut head = [0; HEAD_BYTES as usize];
    head[..32].copy_from_slice(&FTYP_RECORDING);
    head[32..64].copy_from_slice(&MARKER);
    head[64..].copy_from_slice(&NO_MDAT);
    head
}

/// A box that could not be made, as an error of writing.
pub(super) fn not_encoded(err: shiguredo_mp4::Error) -> io::Error {
    io::Error::other(err.to_string())
}
