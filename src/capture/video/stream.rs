//! A container and a decoder joined: the frames of a file, one after the other.

use super::{
    codec::Decoder,
    container::{BadPacket, Demuxer, Packet},
    decoded::DecodedFrame,
    error::OpenError,
};
use crate::frame::FramePool;

/// A file being decoded.
pub(super) struct Stream {
    pub(super) demuxer: Box<dyn Demuxer>,
    pub(super) decoder: Box<dyn Decoder>,
    packet: Packet,
    /// Whether the decoder was asked for its last frames; it must restart before it takes another packet.
    is_flushed: bool,
    /// Packets that were read, and those of them that could not be read or decoded.
    pub(super) n_packets: u64,
    pub(super) n_bad: u64,
}

/// What came of a packet.
pub(super) enum Step<'a> {
    Frame(DecodedFrame<'a>),
    /// The decoder keeps the frame for a while, or there is none.
    Nothing,
    Bad,
    End,
}

impl Stream {
    pub(super) fn new(demuxer: Box<dyn Demuxer>, decoder: Box<dyn Decoder>) -> Self {
        Self {
            demuxer,
            decoder,
            packet: Packet::default(),
            is_flushed: false,
            n_packets: 0,
            n_bad: 0,
        }
    }

    /// Reads and decodes one more packet.
    pub(super) fn step(&mut self, pool: &FramePool) -> Step<'_> {
        let mut packet = None;
        if !self.is_flushed {
            match self.demuxer.next_packet(&mut self.packet) {
                Ok(true) => {
                    self.n_packets += 1;
                    packet = Some(&self.packet);
                }
                Ok(false) => self.is_flushed = true,
                Err(BadPacket) => {
                    self.n_packets += 1;
                    self.n_bad += 1;
                    return Step::Bad;
                }
            }
        }
        match self.decoder.decode(packet, pool) {
            Ok(Some(frame)) => Step::Frame(frame),
            Ok(None) | Err(BadPacket) if self.is_flushed => Step::End,
            Ok(None) => Step::Nothing,
            Err(BadPacket) => {
                self.n_bad += 1;
                Step::Bad
            }
        }
    }

    /// Whether decoding can start at the packet that was read last.
    pub(super) fn is_at_sync(&self) -> bool {
        self.packet.is_sync
    }

    /// Whether decoding on from here, after the frame at `last`, reaches the one at `pts` sooner than a restart.
    pub(super) fn leads_to(&self, position: u64, last: Option<i64>, pts: i64) -> bool {
        position < self.demuxer.position()
            && !self.is_flushed
            && last.is_some_and(|last| last < pts)
    }

    /// Restarts decoding at a position from [`Demuxer::sync_before`].
    pub(super) fn restart_at(&mut self, position: u64) -> Result<(), OpenError> {
        self.decoder.reset()?;
        self.demuxer.seek_to(position);
        self.is_flushed = false;
        Ok(())
    }
}
