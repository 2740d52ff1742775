//! A container and a decoder joined: pictures of a file, one after the other.

use super::{
    Refusal,
    codec::Decoder,
    container::{BadPacket, Demuxer, Packet},
    picture::Picture,
};
use crate::frame::FramePool;

/// A file being decoded.
pub(super) struct Stream {
    pub(super) demuxer: Box<dyn Demuxer>,
    pub(super) decoder: Box<dyn Decoder>,
    packet: Packet,
    /// Whether the decoder was asked for its last pictures; it then starts anew for any other.
    is_flushed: bool,
    /// Packets that were read, and those of them that could not be read or decoded.
    pub(super) n_packets: u64,
    pub(super) n_bad: u64,
}

/// What came of a packet.
pub(super) enum Step<'a> {
    Picture(Picture<'a>),
    /// The decoder keeps the picture for a while, or there is none.
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
            Ok(Some(picture)) => Step::Picture(picture),
            Ok(None) | Err(BadPacket) if self.is_flushed => Step::End,
            Ok(None) => Step::Nothing,
            Err(BadPacket) => {
                self.n_bad += 1;
                Step::Bad
            }
        }
    }

    /// Whether the packet that was read last begins a new group.
    pub(super) fn is_at_sync(&self) -> bool {
        self.packet.is_sync
    }

    /// Whether decoding on from here comes to the picture at `pts` soonest, after the one at `last`.
    pub(super) fn is_on_the_way_to(&self, position: u64, last: Option<i64>, pts: i64) -> bool {
        position < self.demuxer.position()
            && !self.is_flushed
            && last.is_some_and(|last| last < pts)
    }

    /// Starts anew at a place that the demuxer has named.
    pub(super) fn go_to(&mut self, position: u64) -> Result<(), Refusal> {
        self.decoder.reset()?;
        self.demuxer.go_to(position);
        self.is_flushed = false;
        Ok(())
    }
}
