//! The two kinds of index that an AVI file can have.
//!
//! Both are checked against the chunks that they list, because programs have written offsets from several origins.

use std::io::{Read, Seek, SeekFrom};

use super::{
    header::Header,
    riff::{name_at, u32_at, u64_at},
    walk::{Chunk, Parts, is_of_stream},
};
use crate::capture::video::container::demuxer::{MAX_PACKETS, read_bytes};

/// How many chunks of an index are compared with the file.
const N_CHECKED: usize = 16;

/// The chunks that an index lists, from the first on without a gap; empty if no index is right.
pub(super) fn read<R: Read + Seek>(
    reader: &mut R,
    parts: &Parts,
    header: &Header,
    movie_at: u64,
) -> Vec<Chunk> {
    let chunks = open_dml(reader, header).unwrap_or_default();
    if is_right(reader, &chunks, header.stream) {
        return chunks;
    }
    let mut bytes = Vec::new();
    let is_read = parts.old_index.is_some_and(|(offset, size)| {
        reader.seek(SeekFrom::Start(offset)).is_ok() && read_bytes(reader, size, &mut bytes).is_ok()
    });
    if is_read {
        // Offsets count from the name of the list of packets, as they should, or from the beginning of the file.
        for origin in [movie_at - 4, 0] {
            let chunks = old(&bytes, header.stream, origin);
            if is_right(reader, &chunks, header.stream) {
                return chunks;
            }
        }
    }
    Vec::new()
}

/// The chunk `idx1` of original AVI, which covers the first GiB.
fn old(index: &[u8], stream: u8, origin: u64) -> Vec<Chunk> {
    let (entries, _) = index.as_chunks::<16>();
    entries
        .iter()
        .filter(|entry| name_at(*entry, 0).is_some_and(|name| is_of_stream(name, stream)))
        .filter_map(|entry| {
            Some(Chunk {
                offset: origin + 8 + u64::from(u32_at(entry, 8)?),
                size: u32_at(entry, 12)?.into(),
            })
        })
        .collect()
}

/// The index of indexes and those that it lists; `None` if it is of another kind, damaged or unfinished.
fn open_dml<R: Read + Seek>(reader: &mut R, header: &Header) -> Option<Vec<Chunk>> {
    const INDEX_OF_INDEXES: u8 = 0;
    const INDEX_OF_CHUNKS: u8 = 1;
    const HEAD_BYTES: usize = 24;
    let super_index = &header.super_index[..];
    let kind = *super_index.get(3)?;
    let n_indexes = u32_at(super_index, 4)? as usize;
    if kind != INDEX_OF_INDEXES || n_indexes == 0 {
        return None;
    }
    let (entries, _) = super_index.get(HEAD_BYTES..)?.as_chunks::<16>();
    let mut chunks = Vec::new();
    let mut index = Vec::new();
    // In a damaged or hostile file all entries may name one index, to be read again and again.
    let mut n_bytes_left = reader.seek(SeekFrom::End(0)).ok()?;
    for entry in entries.get(..n_indexes)? {
        let offset = u64_at(entry, 0)?;
        reader.seek(SeekFrom::Start(offset)).ok()?;
        let mut head = [0; 8];
        reader.read_exact(&mut head).ok()?;
        let size = u64::from(u32_at(&head, 4)?);
        n_bytes_left = n_bytes_left.checked_sub(size)?;
        read_bytes(reader, size, &mut index).ok()?;
        let [words, 0, _sub_type, INDEX_OF_CHUNKS, ..] = index[..] else {
            return None;
        };
        let n_chunks = u32_at(&index, 4)? as usize;
        let origin = u64_at(&index, 12)?;
        let entry_bytes = usize::from(words) * 4;
        if entry_bytes < 8 {
            return None;
        }
        let entries = index.get(HEAD_BYTES..)?.chunks_exact(entry_bytes);
        for entry in entries.take(n_chunks) {
            chunks.push(Chunk {
                offset: origin.checked_add(u32_at(entry, 0)?.into())?,
                // The highest bit means that decoding cannot start here.
                size: u64::from(u32_at(entry, 4)? & 0x7FFF_FFFF),
            });
        }
        if chunks.len() > MAX_PACKETS {
            return None;
        }
    }
    Some(chunks)
}

/// Whether the chunks are where they should be, judged by a sample of them.
fn is_right<R: Read + Seek>(reader: &mut R, chunks: &[Chunk], stream: u8) -> bool {
    let Some(last) = chunks.len().checked_sub(1) else {
        return false;
    };
    let in_order = chunks
        .windows(2)
        .all(|pair| pair[0].offset.saturating_add(pair[0].size) <= pair[1].offset);
    in_order
        && (0..N_CHECKED).all(|i| {
            let chunk = chunks[last * i / (N_CHECKED - 1)];
            let mut head = [0; 8];
            chunk.offset.checked_sub(8).is_some_and(|at| {
                reader.seek(SeekFrom::Start(at)).is_ok()
                    && reader.read_exact(&mut head).is_ok()
                    && name_at(&head, 0).is_some_and(|name| is_of_stream(name, stream))
                    && u32_at(&head, 4).map(u64::from) == Some(chunk.size)
            })
        })
}
