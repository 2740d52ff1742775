//! For the targets in `fuzz/` alone: readers that are private otherwise, each as a function of bytes.

use crate::{capture, model::pytorch::pickle::Pickle};

/// Takes `bytes` apart as an MP4, a Matroska and an AVI file, to the last packet.
pub fn containers(bytes: &[u8]) {
    capture::read_packets(bytes);
}

/// Reads a pickle.
pub fn pickle(bytes: &[u8]) {
    Pickle::read(bytes).ok();
}
