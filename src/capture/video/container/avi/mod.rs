//! AVI files, also those larger than 1 GiB (OpenDML).
//!
//! A recorder that was killed leaves lengths of 0 and no index, so the chunks themselves have the last word: an index
//! only saves looking for those that it names, and what lies behind them is looked for.
//! A frame has no time of its own but its place among all chunks of the track, of which empty ones repeat a picture.
//! Sources: "AVI RIFF File Reference" (Microsoft), "OpenDML AVI File Format Extensions" 1.02.

mod header;
mod index;
mod riff;
mod walk;

use std::io::{Read, Seek, SeekFrom};

use super::{
    MAX_PACKETS, Track,
    indexed::{Indexed, Place},
    read_bytes,
};
use crate::capture::video::Refusal;

/// A chunk of the video track; `size` is 0 where the picture before is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunk {
    /// Of its content.
    offset: u64,
    size: u64,
}

/// Reads the headers of a file and finds its packets.
pub(in crate::capture::video) fn open<R: Read + Seek>(
    mut reader: R,
) -> Result<Indexed<R>, Refusal> {
    let broken = |err: std::io::Error| Refusal::Broken(err.to_string());
    let file_size = reader.seek(SeekFrom::End(0)).map_err(broken)?;
    let parts = walk::parts(&mut reader, file_size).map_err(broken)?;
    let header = header::read(&parts.header)?;
    let Some(movie_at) = parts.movie_at else {
        return Err(Refusal::Broken(
            "it is cut short before its first frame".to_owned(),
        ));
    };
    let mut chunks = index::read(&mut reader, &parts, &header, movie_at);
    // An odd chunk is followed by a byte that belongs to none.
    let known_to = chunks
        .last()
        .map_or(movie_at, |chunk| chunk.offset + chunk.size + chunk.size % 2);
    walk::chunks_from(&mut reader, known_to, file_size, header.stream, &mut chunks);
    chunks.truncate(MAX_PACKETS);
    let interval_ns = |number: usize| {
        let nanos =
            number as u128 * u128::from(header.scale) * 1_000_000_000 / u128::from(header.rate);
        i64::try_from(nanos).unwrap_or(i64::MAX - 1)
    };
    let places: Vec<Place> = chunks
        .iter()
        .enumerate()
        .filter(|(_, chunk)| chunk.size > 0)
        .map(|(number, chunk)| Place {
            offset: chunk.offset,
            size: chunk.size,
            pts: interval_ns(number),
            is_sync: true,
            is_shown: true,
        })
        .collect();
    Indexed::new(reader, header.track, places, 0)
}

#[cfg(test)]
mod tests;
