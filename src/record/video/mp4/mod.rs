//! MP4 files that can be read at every moment of a recording ("hybrid" MP4).
//!
//! ```text
//! while recording:  ftyp(iso5) free free[16] moov(no samples) (moof mdat)(moof mdat)…
//! after the end:    ftyp(isom) free mdat[all of what follows above]                   moov(every sample)
//! ```
//!
//! While recording, each half second is a fragment with an index of its own. At the end one index of everything is
//! appended, and the 16 bytes of the second `free` box become the header of an `mdat` box that swallows the
//! fragments' headers: a plain MP4 that every player opens and seeks in, without copying a frame. Plain
//! fragmented files would be simpler, but players show no duration for them or refuse to seek.
//!
//! Two orders make a crash harmless. Of a fragment the frames are written first and its header last: until then
//! there are zeros where a header is expected, which players take for the end of the file, while a header that promises
//! more than there is makes them refuse all of it. And the end is written back to front, each step on the disk
//! before the next: index, then `mdat` header, then `ftyp`.
//!
//! A finished file still holds all fragment headers, between its frames. If its index is lost, as in a copy that broke
//! off, [`scan`] finds the frames by those, as it does after a crash.

mod finish;
mod fragment;
mod frames;
mod header;
mod index;
mod layout;
mod repair;
mod scan;
#[cfg(test)]
mod tests;
mod track;
mod walk;
mod writer;

pub use self::repair::{Recovered, frame_times, recover};
pub(super) use self::{track::Track, writer::HybridMp4};
