//! Walks the chunks of an AVI file, one after the other.

use std::io::{self, Read, Seek, SeekFrom};

use super::riff::{Name, name_at, u32_at};
use crate::capture::video::container::demuxer::{MAX_PACKETS, find_bytes, read_bytes};

/// No list of headers is longer.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A chunk of the video track; `size` is 0 where the frame before stays on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Of its content.
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// What the top level of a file holds.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Content of the list `hdrl`, as far as it goes.
    pub(super) header: Vec<u8>,
    /// Where the first chunk of the list `movi` is.
    pub(super) movie_at: Option<u64>,
    /// Offset and length of the old index.
    pub(super) old_index: Option<(u64, u64)>,
}

/// Finds the parts of the file's first gigabyte: after that, OpenDML has only more packets.
pub(super) fn parts(reader: &mut (impl Read + Seek), file_size: u64) -> io::Result<Parts> {
    let mut parts = Parts::default();
    let mut at = 12; // After `RIFF`, its length and `AVI `.
    while at + 8 <= file_size {
        let mut head = Vec::new();
        reader.seek(SeekFrom::Start(at))?;
        (&mut *reader).take(12).read_to_end(&mut head)?;
        let (name, kind) = (name_at(&head, 0), name_at(&head, 8));
        let size = u64::from(u32_at(&head, 4).unwrap_or(0));
        let end = at.saturating_add(8 + size + size % 2);
        match (name.as_ref(), kind.as_ref()) {
            (Some(b"LIST"), Some(b"hdrl")) => {
                let size = size.saturating_sub(4).min(MAX_HEADER_BYTES);
                // A list that is cut off is read as far as it goes.
                read_bytes(reader, size, &mut parts.header).ok();
            }
            (Some(b"LIST"), Some(b"movi")) => {
                parts.movie_at = parts.movie_at.or(Some(at + 12));
                if size == 0 || end > file_size {
                    break; // Unfinished: nothing follows it.
                }
            }
            (Some(b"idx1"), _) if end <= file_size + 1 => parts.old_index = Some((at + 8, size)),
            (Some(b"RIFF"), _) => break,
            _ => {}
        }
        at = end;
    }
    Ok(parts)
}

/// Whether a chunk with this name is a frame of the track with this number.
pub(super) fn is_of_stream(name: Name, stream: u8) -> bool {
    let [tens, ones, kind @ ..] = name;
    let is_frame = matches!(&kind, b"dc" | b"db");
    is_frame && [tens, ones] == [b'0' + stream / 10 % 10, b'0' + stream % 10]
}

/// Adds the chunks of the track from `at` on to `chunks`. After damage it continues at the next valid chunk.
pub(super) fn chunks_from(
    reader: &mut (impl Read + Seek),
    mut at: u64,
    file_size: u64,
    stream: u8,
    chunks: &mut Vec<Chunk>,
) {
    if reader.seek(SeekFrom::Start(at)).is_err() {
        return;
    }
    let mut n_damages = 0;
    while at + 8 <= file_size && chunks.len() < MAX_PACKETS {
        let mut head = [0; 8];
        if reader.read_exact(&mut head).is_err() {
            break;
        }
        let [n0, n1, n2, n3, a, b, c, d] = head;
        let (name, size) = (
            [n0, n1, n2, n3],
            u64::from(u32::from_le_bytes([a, b, c, d])),
        );
        // Enter lists of packets, and a further part of the file, after the name of their kind.
        let is_list = matches!(&name, b"RIFF") || (&name == b"LIST" && leads_to_packets(reader));
        let is_name = name
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let next = at + 8 + size + size % 2;
        if is_list {
            at += 12;
        } else if is_name && at + 8 + size <= file_size {
            if is_of_stream(name, stream) {
                chunks.push(Chunk {
                    offset: at + 8,
                    size,
                });
            }
            at = next;
        } else {
            n_damages += 1;
            match find_chunk(reader, at + 1, file_size, stream) {
                Some(found) => at = found,
                None => break,
            }
        }
        if reader.seek(SeekFrom::Start(at)).is_err() {
            break;
        }
    }
    if n_damages > 1 {
        log::warn!("the file is damaged in {n_damages} places; times after them are too early");
    }
}

/// Whether a list whose head was just read holds packets.
fn leads_to_packets(reader: &mut impl Read) -> bool {
    let mut kind = [0; 4];
    reader.read_exact(&mut kind).is_ok() && matches!(&kind, b"movi" | b"rec ")
}

/// Looks for the next chunk of the track that fits into the file.
fn find_chunk(
    reader: &mut (impl Read + Seek),
    from: u64,
    file_size: u64,
    stream: u8,
) -> Option<u64> {
    find_bytes::<8>(reader, from, |head, offset| {
        let size = u32_at(head, 4).map_or(u64::MAX, u64::from);
        let is_ours = name_at(head, 0).is_some_and(|name| is_of_stream(name, stream));
        is_ours && size > 0 && offset + size <= file_size
    })
}
