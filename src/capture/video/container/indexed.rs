//! Files whose index says where each packet is: MP4, QuickTime and AVI.
//!
//! The index may be wrong: a packet that cannot be read is a bad packet, and the ones after it are read all the same.

use std::{
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use super::demuxer::{BadPacket, Demuxer, HIDDEN, Packet, Track, read_bytes};
use crate::capture::video::error::OpenError;

/// Where one packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::capture::video) struct Place {
    pub(in crate::capture::video) offset: u64,
    /// Length, bytes.
    pub(in crate::capture::video) size: u64,
    /// Presentation time, ns.
    pub(in crate::capture::video) pts: i64,
    pub(in crate::capture::video) is_sync: bool,
    /// Whether it is shown, or decoded only because others depend on it.
    pub(in crate::capture::video) is_shown: bool,
}

/// A file with its index.
#[derive(Debug)]
pub(in crate::capture::video) struct Indexed<R> {
    reader: R,
    track: Track,
    /// In decoding order.
    places: Vec<Place>,
    /// Presentation times of what is shown, sorted.
    times: Vec<i64>,
    next: usize,
}

impl<R: Read + Seek> Indexed<R> {
    /// Sets the rate and duration of `track` from the times themselves.
    ///
    /// Drops places beyond the end of the file, as in one that is cut short; `n_missing` were dropped before.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] if no place is left.
    pub(in crate::capture::video) fn new(
        mut reader: R,
        mut track: Track,
        mut places: Vec<Place>,
        n_missing: usize,
    ) -> Result<Self, OpenError> {
        let file_size = reader.seek(SeekFrom::End(0)).unwrap_or(u64::MAX);
        let n_places = places.len() + n_missing;
        places.retain(|place| place.offset.saturating_add(place.size) <= file_size);
        if places.is_empty() {
            return Err(OpenError::Damaged(if n_places == 0 {
                "its video has no frames".to_owned()
            } else {
                "it is cut short before its first frame".to_owned()
            }));
        }
        if places.len() < n_places {
            let n_missing = n_places - places.len();
            log::warn!("{n_missing} of {n_places} frames are missing: the file is cut short");
        }
        let mut times: Vec<i64> = places
            .iter()
            .filter(|place| place.is_shown)
            .map(|place| place.pts)
            .collect();
        times.sort_unstable();
        track.rate_hz = rate_hz(&times);
        track.duration = duration(&times);
        Ok(Self {
            reader,
            track,
            places,
            times,
            next: 0,
        })
    }

    #[cfg(test)]
    pub(in crate::capture::video) fn places(&self) -> &[Place] {
        &self.places
    }
}

impl<R: Read + Seek> Demuxer for Indexed<R> {
    fn track(&self) -> &Track {
        &self.track
    }

    fn times(&self) -> Option<&[i64]> {
        Some(&self.times)
    }

    fn next_packet(&mut self, packet: &mut Packet) -> Result<bool, BadPacket> {
        let Some(place) = self.places.get(self.next) else {
            return Ok(false);
        };
        self.next += 1;
        packet.pts = if place.is_shown { place.pts } else { HIDDEN };
        packet.is_sync = place.is_sync;
        self.reader
            .seek(SeekFrom::Start(place.offset))
            .and_then(|_| read_bytes(&mut self.reader, place.size, &mut packet.data))
            .map_err(|_| BadPacket)?;
        Ok(true)
    }

    fn position(&self) -> u64 {
        self.next as u64
    }

    fn sync_before(&mut self, pts: i64) -> u64 {
        // An edit list may show a part twice, so find the frame itself first.
        let shown_before = |place: &&Place| place.is_shown && place.pts <= pts;
        let Some(time) = self.places.iter().filter(shown_before).map(|p| p.pts).max() else {
            return 0;
        };
        let is_wanted = |place: &Place| place.is_shown && place.pts == time;
        let wanted = self.places.iter().position(is_wanted).unwrap_or(0);
        self.places[..=wanted]
            .iter()
            .rposition(|place| place.is_sync && place.pts <= time)
            .unwrap_or(0) as u64
    }

    fn seek_to(&mut self, position: u64) {
        self.next = usize::try_from(position).unwrap_or(usize::MAX);
    }
}

/// From the first to the last of the sorted `times`, s.
fn span_s(times: &[i64]) -> Option<f64> {
    Some((i128::from(*times.last()?) - i128::from(*times.first()?)) as f64 / 1e9)
}

/// Frames per second on average; phone videos have no other rate.
fn rate_hz(times: &[i64]) -> Option<f64> {
    let span_s = span_s(times)?;
    (span_s > 0.0).then(|| (times.len() - 1) as f64 / span_s)
}

/// Assumes that the last frame is shown as long as the average of the others.
fn duration(times: &[i64]) -> Option<Duration> {
    let interval_s = rate_hz(times).map_or(0.0, |rate_hz| 1.0 / rate_hz);
    Duration::try_from_secs_f64(span_s(times)? + interval_s).ok()
}
