//! Reads a Matroska file block by block, as a flat sequence of elements, and finds its way back after damage.

use std::io::{Read, Seek, SeekFrom};

use super::{header::Facts, id};
use crate::capture::video::container::{
    demuxer::{BadPacket, HIDDEN, MAX_PACKET_BYTES, find_bytes, read_bytes},
    ebml,
};

/// The first bytes of a cluster, to find one after damage.
const CLUSTER_MARK: [u8; 4] = id::CLUSTER.to_be_bytes();

/// No block has more bytes before its packet.
const BLOCK_HEAD_BYTES: u64 = 16;

/// The blocks of the video track.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    pub(super) reader: R,
    file_size: u64,
    pub(super) facts: Facts,
    /// Where the reader is.
    pub(super) at: Place,
}

/// A place in the file, and what was read on the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    /// Offset and time of the cluster around it; the time is not known yet right after its beginning.
    pub(super) cluster: u64,
    cluster_time: Option<i64>,
}

/// What a block says about its packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) pts: i64,
    pub(super) is_sync: bool,
}

/// What to do with a block's content.
pub(super) enum Content<'a> {
    Read(&'a mut Vec<u8>),
    Skip,
}

impl Place {
    pub(super) fn start(cluster: u64) -> Self {
        Self {
            offset: cluster,
            cluster,
            cluster_time: None,
        }
    }
}

impl<R: Read + Seek> Blocks<R> {
    /// Starts at the first cluster.
    pub(super) fn new(reader: R, file_size: u64, facts: Facts) -> Self {
        let start = Place::start(facts.first_cluster);
        let mut blocks = Self {
            reader,
            file_size,
            facts,
            at: start,
        };
        blocks.move_to(start);
        blocks
    }

    pub(super) fn move_to(&mut self, place: Place) {
        self.at = place;
        // If this fails, so does the next read.
        self.reader.seek(SeekFrom::Start(place.offset)).ok();
    }

    /// Reads to the next block of the track; `None` at the end of the file.
    pub(super) fn next(&mut self, mut content: Content<'_>) -> Result<Option<Block>, BadPacket> {
        loop {
            let start = self.at.offset;
            let header = match ebml::read_header(&mut self.reader) {
                Ok(Some(header)) => header,
                Ok(None) => return self.skip_damage(start),
                Err(_) => {
                    self.at.offset = self.file_size;
                    return Ok(None); // A header that is cut off is the end, too.
                }
            };
            let content_at = start + header.length;
            self.at.offset = content_at;
            if matches!(header.id, id::SEGMENT | id::CLUSTER) {
                if header.id == id::CLUSTER {
                    self.at.cluster = start;
                    self.at.cluster_time = None;
                }
                continue;
            }
            let left = self.file_size.saturating_sub(content_at);
            let Some(size) = header.size.filter(|size| *size <= left) else {
                return self.skip_damage(start);
            };
            match header.id {
                id::TIMESTAMP if size <= 8 => {
                    let mut bytes = Vec::new();
                    self.read(size, &mut bytes)?;
                    let time = ebml::unsigned(&bytes).and_then(|time| i64::try_from(time).ok());
                    self.at.cluster_time = time;
                }
                id::SIMPLE_BLOCK | id::BLOCK_GROUP => {
                    let block = match header.id {
                        id::SIMPLE_BLOCK => self.simple_block(size, &mut content),
                        _ => self.block_group(size, &mut content),
                    };
                    // However much of it was read, the next element comes after it.
                    self.move_to_offset(content_at + size);
                    if let Some(block) = block? {
                        return Ok(Some(block));
                    }
                }
                other if id::OTHERS.contains(&other) => self.move_to_offset(content_at + size),
                _ => return self.skip_damage(start),
            }
        }
    }

    fn read(&mut self, size: u64, bytes: &mut Vec<u8>) -> Result<(), BadPacket> {
        let result = read_bytes(&mut self.reader, size, bytes);
        self.at.offset += bytes.len() as u64;
        result.map_err(|_| BadPacket)
    }

    /// Moves forward, within the buffer if possible.
    fn move_to_offset(&mut self, offset: u64) {
        let distance = i64::try_from(offset - self.at.offset).unwrap_or(i64::MAX);
        self.reader.seek_relative(distance).ok();
        self.at.offset = offset;
    }

    /// A block with its own flags. `None` if it belongs to another track.
    fn simple_block(
        &mut self,
        size: u64,
        content: &mut Content<'_>,
    ) -> Result<Option<Block>, BadPacket> {
        let mut head = Vec::new();
        self.read(size.min(BLOCK_HEAD_BYTES), &mut head)?;
        let Some((block, head_length)) = self.block_head(&head)? else {
            return Ok(None);
        };
        if let Content::Read(data) = content {
            let rest = size - head.len() as u64;
            if rest > MAX_PACKET_BYTES {
                return Err(BadPacket);
            }
            data.clear();
            data.extend(&self.facts.stripped_header);
            data.extend(&head[head_length..]);
            let n_read = (&mut self.reader)
                .take(rest)
                .read_to_end(data)
                .map_err(|_| BadPacket)?;
            self.at.offset += n_read as u64;
            if n_read as u64 != rest {
                return Err(BadPacket);
            }
        }
        Ok(Some(block))
    }

    /// A block in a group; it is a key frame if the group references no other.
    fn block_group(
        &mut self,
        size: u64,
        content: &mut Content<'_>,
    ) -> Result<Option<Block>, BadPacket> {
        let mut group = Vec::new();
        self.read(size, &mut group)?;
        let bytes = ebml::child(&group, id::BLOCK).ok_or(BadPacket)?;
        let is_sync = ebml::child(&group, id::REFERENCE_BLOCK).is_none();
        let Some((block, head_length)) = self.block_head(bytes)? else {
            return Ok(None);
        };
        if let Content::Read(data) = content {
            data.clear();
            data.extend(&self.facts.stripped_header);
            data.extend(&bytes[head_length..]);
        }
        Ok(Some(Block { is_sync, ..block }))
    }

    /// What the block says before its packet, and how many bytes that takes; `None` if it belongs to another track.
    fn block_head(&self, bytes: &[u8]) -> Result<Option<(Block, usize)>, BadPacket> {
        const KEY_FRAME: u8 = 0x80;
        const INVISIBLE: u8 = 0x08;
        /// Several packets in one block, as for sound.
        const LACING: u8 = 0x06;
        let (track, track_length) = ebml::number(bytes).ok_or(BadPacket)?;
        if track != self.facts.track_number {
            return Ok(None);
        }
        let Some(&[high, low, flags]) = bytes.get(track_length..track_length + 3) else {
            return Err(BadPacket);
        };
        let cluster_time = self.at.cluster_time.ok_or(BadPacket)?;
        if flags & LACING != 0 {
            return Err(BadPacket);
        }
        let time = cluster_time.saturating_add(i16::from_be_bytes([high, low]).into());
        let is_visible = flags & INVISIBLE == 0;
        let block = Block {
            pts: if is_visible {
                self.facts.nanos(time)
            } else {
                HIDDEN
            },
            is_sync: flags & KEY_FRAME != 0,
        };
        Ok(Some((block, track_length + 3)))
    }

    /// Moves to the next cluster after `start`, or to the end if there is none.
    fn skip_damage(&mut self, start: u64) -> Result<Option<Block>, BadPacket> {
        match find_bytes::<4>(&mut self.reader, start + 1, |id, _| id == CLUSTER_MARK) {
            Some(offset) => {
                self.move_to(Place::start(offset));
                Err(BadPacket)
            }
            None => {
                // Usually the last packet is cut off and the ones before it are intact.
                self.at.offset = self.file_size;
                self.reader.seek(SeekFrom::End(0)).ok();
                Ok(None)
            }
        }
    }
}

impl Facts {
    /// A time of the file, ns.
    pub(super) fn nanos(&self, time: i64) -> i64 {
        let scaled = i128::from(time) * i128::from(self.timestamp_scale_ns);
        scaled.clamp(i128::from(HIDDEN + 1), i128::from(i64::MAX - 1)) as i64
    }
}
