//! Where decoding can start in a Matroska file, for seeking.
//!
//! The file's own index (cues) usually comes after all packets, and live recordings have none. Then the headers of the
//! blocks are read, once, and only as far as a seek needs.

use std::io::{Read, Seek, SeekFrom};

use super::{
    blocks::{Blocks, Content, Place},
    header::Facts,
    id,
};
use crate::capture::video::container::{demuxer::read_bytes, ebml};

const CUE_POINT: u32 = 0xBB;
const CUE_TIME: u32 = 0xB3;
const CUE_TRACK_POSITIONS: u32 = 0xB7;
const CUE_TRACK: u32 = 0xF7;
const CUE_CLUSTER_POSITION: u32 = 0xF1;

/// Clusters with a packet at which decoding can start.
#[derive(Debug)]
pub(super) struct Index {
    /// The file's own index, sorted by time; `None` until the first seek looks for it.
    cues: Option<Vec<Entry>>,
    /// Found by reading, in file order.
    found: Vec<Entry>,
    /// How far the file was read for `found`.
    read_to: Place,
}

/// The time of a packet, ns, and the offset of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    pts: i64,
    cluster: u64,
}

impl Index {
    pub(super) fn new(first_cluster: u64) -> Self {
        Self {
            cues: None,
            found: Vec::new(),
            read_to: Place::start(first_cluster),
        }
    }

    /// The offset of the last cluster from which decoding reaches `pts`. Leaves the reader anywhere.
    pub(super) fn cluster_before<R: Read + Seek>(
        &mut self,
        blocks: &mut Blocks<R>,
        pts: i64,
    ) -> u64 {
        let first_cluster = blocks.facts.first_cluster;
        let last_before = |entries: &[Entry]| {
            (entries.iter().rev())
                .find(|entry| entry.pts <= pts)
                .map(|entry| entry.cluster)
        };
        let cues = self.cues.get_or_insert_with(|| read_cues(blocks));
        if !cues.is_empty() {
            let cluster = last_before(cues).unwrap_or(first_cluster);
            if is_cluster(blocks, cluster) {
                return cluster;
            }
            log::debug!("the index of the file is wrong");
            cues.clear();
        }
        self.read_headers_to(blocks, pts);
        last_before(&self.found).unwrap_or(first_cluster)
    }

    /// Reads block headers until one after `pts` at which decoding can start.
    fn read_headers_to<R: Read + Seek>(&mut self, blocks: &mut Blocks<R>, pts: i64) {
        if self.found.last().is_some_and(|last| last.pts > pts) {
            return;
        }
        blocks.move_to(self.read_to);
        loop {
            match blocks.next(Content::Skip) {
                Ok(None) => break,
                Ok(Some(block)) if block.is_sync => {
                    self.found.push(Entry {
                        pts: block.pts,
                        cluster: blocks.at.cluster,
                    });
                    if block.pts > pts {
                        break;
                    }
                }
                Ok(Some(_)) | Err(_) => {}
            }
        }
        self.read_to = blocks.at;
    }
}

fn is_cluster<R: Read + Seek>(blocks: &mut Blocks<R>, offset: u64) -> bool {
    blocks.reader.seek(SeekFrom::Start(offset)).is_ok()
        && matches!(
            ebml::read_header(&mut blocks.reader),
            Ok(Some(header)) if header.id == id::CLUSTER
        )
}

/// The file's index; empty if it has none or it is damaged.
fn read_cues<R: Read + Seek>(blocks: &mut Blocks<R>) -> Vec<Entry> {
    let Some(offset) = blocks.facts.cues_at else {
        return Vec::new();
    };
    let mut content = Vec::new();
    let is_read = blocks.reader.seek(SeekFrom::Start(offset)).is_ok()
        && match ebml::read_header(&mut blocks.reader) {
            Ok(Some(header)) if header.id == id::CUES => header
                .size
                .is_some_and(|size| read_bytes(&mut blocks.reader, size, &mut content).is_ok()),
            _ => false,
        };
    if !is_read {
        return Vec::new();
    }
    let mut cues: Vec<Entry> = ebml::children(&content)
        .filter(|(id, _)| *id == CUE_POINT)
        .filter_map(|(_, point)| read_cue(point, &blocks.facts))
        .collect();
    cues.sort_unstable();
    cues
}

fn read_cue(point: &[u8], facts: &Facts) -> Option<Entry> {
    let time = ebml::child(point, CUE_TIME).and_then(ebml::unsigned)?;
    let (_, positions) = ebml::children(point).find(|(id, positions)| {
        let track = ebml::child(positions, CUE_TRACK).and_then(ebml::unsigned);
        *id == CUE_TRACK_POSITIONS && track == Some(facts.track_number)
    })?;
    let position = ebml::child(positions, CUE_CLUSTER_POSITION).and_then(ebml::unsigned)?;
    Some(Entry {
        pts: facts.nanos(i64::try_from(time).ok()?),
        cluster: facts.segment_at.checked_add(position)?,
    })
}
