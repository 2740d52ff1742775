//! AVI files, including those larger than 1 GiB (OpenDML).
//!
//! A recorder that was killed leaves lengths of 0 and no index, so the chunks themselves have the last word: an index
//! only saves the search for those that it lists, and the rest of the file is searched.
//! A frame's time is its place among all chunks of the track; an empty chunk repeats a frame.
//! Sources: "AVI RIFF File Reference" (Microsoft), "OpenDML AVI File Format Extensions" 1.02.

mod header;
mod index;
mod riff;
mod walk;

use std::io::{Read, Seek, SeekFrom};

use super::{
    demuxer::MAX_PACKETS,
    indexed::{Indexed, Place},
};
use crate::capture::video::error::OpenError;

/// Reads the headers of a file and finds its packets.
pub(in crate::capture::video) fn open<R: Read + Seek>(
    mut reader: R,
) -> Result<Indexed<R>, OpenError> {
    let broken = |err: std::io::Error| OpenError::Damaged(err.to_string());
    let file_size = reader.seek(SeekFrom::End(0)).map_err(broken)?;
    let parts = walk::parts(&mut reader, file_size).map_err(broken)?;
    let header = header::read(&parts.header)?;
    let Some(movie_at) = parts.movie_at else {
        return Err(OpenError::damaged("it is cut short before its first frame"));
    };
    let mut chunks = index::read(&mut reader, &parts, &header, movie_at);
    // A byte of padding follows an odd chunk.
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
