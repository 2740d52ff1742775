//! Private readers as functions of bytes, for the targets in `fuzz/`.

use crate::{capture, model::import::pytorch::pickle::Pickle};

/// Reads `bytes` as an MP4, a Matroska and an AVI file, to the last packet.
pub fn containers(bytes: &[u8]) {
    capture::read_packets(bytes);
}

/// Reads a pickle.
pub fn pickle(bytes: &[u8]) {
    Pickle::read(bytes).ok();
}
