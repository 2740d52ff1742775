//! Turns a file of fragments into a plain one: at the end of a recording, and after a crash.

use std::io;

use super::{index::SampleIndex, layout, track::Track};
use crate::record::video::file::Storage;

/// Turns a file of fragments that end at `end` into a plain one; returns its length.
///
/// # Errors
/// If the disk refuses; the fragments are not touched, and it can be tried again.
pub(super) fn make_plain(
    storage: &mut dyn Storage,
    track: &Track,
    index: &SampleIndex,
    end: u64,
) -> io::Result<u64> {
    let moov = track.plain_moov(index)?;
    let appended = storage
        .truncate(end)
        .and_then(|()| storage.write_at(end, &moov))
        .and_then(|()| storage.sync());
    if let Err(err) = appended {
        storage.truncate(end).ok();
        return Err(err);
    }
    storage.write_at(layout::MDAT_AT, &layout::mdat_header(end))?;
    storage.sync()?;
    make_plain_type(storage)?;
    Ok(end + moov.len() as u64)
}

/// The last step of [`make_plain`].
pub(super) fn make_plain_type(storage: &mut dyn Storage) -> io::Result<()> {
    storage.write_at(0, &layout::FTYP_FINISHED)?;
    storage.sync()
}
