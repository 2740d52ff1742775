//! Matroska and WebM files.
//!
//! Few look like the textbook: browsers and crashed recorders write no index, no duration and no lengths of
//! the larger elements. So the file is read as a flat sequence of elements, and an index, if there is one, serves only to
//! seek. After damage, reading continues at the next cluster.
//! Source: RFC 9559.

mod blocks;
mod header;
mod id;
mod index;

use std::io::{Read, Seek, SeekFrom};

use self::{
    blocks::{Blocks, Content, Place},
    header::read_facts,
    index::Index,
};
use super::demuxer::{BadPacket, Demuxer, Packet, Track};
use crate::capture::video::error::OpenError;

/// A file, of which one video track is read.
#[derive(Debug)]
pub(in crate::capture::video) struct Matroska<R> {
    track: Track,
    blocks: Blocks<R>,
    index: Index,
    /// Whether packets are skipped until one at which decoding can start.
    awaits_sync: bool,
}

/// Reads the headers of a file, up to its first packets.
pub(in crate::capture::video) fn open<R: Read + Seek>(
    mut reader: R,
) -> Result<Matroska<R>, OpenError> {
    let (facts, track) = read_facts(&mut reader)?;
    let broken = |err: std::io::Error| OpenError::Damaged(err.to_string());
    let file_size = reader.seek(SeekFrom::End(0)).map_err(broken)?;
    Ok(Matroska {
        track,
        index: Index::new(facts.first_cluster),
        blocks: Blocks::new(reader, file_size, facts),
        awaits_sync: false,
    })
}

impl<R: Read + Seek> Demuxer for Matroska<R> {
    fn track(&self) -> &Track {
        &self.track
    }

    fn times(&self) -> Option<&[i64]> {
        None
    }

    fn next_packet(&mut self, packet: &mut Packet) -> Result<bool, BadPacket> {
        loop {
            let Some(block) = self.blocks.next(Content::Read(&mut packet.data))? else {
                return Ok(false);
            };
            if self.awaits_sync && !block.is_sync {
                continue;
            }
            self.awaits_sync = false;
            packet.pts = block.pts;
            packet.is_sync = block.is_sync;
            return Ok(true);
        }
    }

    fn position(&self) -> u64 {
        self.blocks.at.offset
    }

    fn sync_before(&mut self, pts: i64) -> u64 {
        let place = self.blocks.at;
        let found = self.index.cluster_before(&mut self.blocks, pts);
        self.blocks.move_to(place);
        found
    }

    fn seek_to(&mut self, position: u64) {
        self.awaits_sync = position != self.blocks.facts.first_cluster;
        self.blocks.move_to(Place::start(position));
    }
}
