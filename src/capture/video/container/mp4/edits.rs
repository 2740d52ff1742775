//! Edit lists: which parts of a track are shown, in which order, and when.
//!
//! Almost every file has one, if only because the first frame is delayed by its decoding; cameras and editors cut with
//! it. What precedes a part is decoded all the same, from the last frame at which decoding can start, but not shown.
//! Source: ISO/IEC 14496-12, clause 8.6.6.

use super::boxes::{entries, find_path, i32_at, u32_at, u64_at, version_and_flags};
use crate::capture::video::{
    container::{demuxer::MAX_PACKETS, indexed::Place},
    error::OpenError,
};

/// Longer lists, or parts of more frames, are not worth the time.
const MAX_STEPS: usize = 1 << 28;

/// One part of an edit list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    /// Its start on the track's clock; `None` for a pause.
    start: Option<i64>,
    /// On the movie's clock; 0 if unknown.
    duration: u64,
}

/// Units per second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    pub(super) movie: u32,
    pub(super) track: u32,
}

impl Clocks {
    /// A time of the movie on the track's clock, rounded as in players.
    fn to_track(self, time: u64) -> i64 {
        let (movie, track) = (u128::from(self.movie.max(1)), u128::from(self.track));
        let scaled = (u128::from(time) * track + movie / 2) / movie;
        i64::try_from(scaled).unwrap_or(i64::MAX)
    }
}

/// The frames that are shown, with those that they depend on, and their times.
pub(super) fn apply(
    track: &[u8],
    places: Vec<Place>,
    clocks: Clocks,
) -> Result<Vec<Place>, OpenError> {
    let edits = read(find_path(track, &[b"edts", b"elst"]));
    if edits.len().saturating_mul(places.len()) > MAX_STEPS {
        return Err(OpenError::unsupported("video with a long edit list"));
    }
    let mut shown = Vec::new();
    let mut movie_time: u64 = 0;
    for edit in &edits {
        if let Some(start) = edit.start {
            let end = match edit.duration {
                0 => i64::MAX,
                duration => start.saturating_add(clocks.to_track(duration)),
            };
            let move_by = clocks.to_track(movie_time).saturating_sub(start);
            add_part(&places, start..end, move_by, &mut shown);
            if shown.len() > MAX_PACKETS {
                return Err(OpenError::unsupported("video with a long edit list"));
            }
        }
        movie_time = movie_time.saturating_add(edit.duration);
    }
    if shown.is_empty() && !edits.is_empty() && !places.is_empty() {
        log::warn!("the video's edit list shows nothing; the whole video is shown instead");
    }
    Ok(if shown.is_empty() { places } else { shown })
}

fn add_part(places: &[Place], span: std::ops::Range<i64>, move_by: i64, shown: &mut Vec<Place>) {
    let is_in = |place: &Place| span.contains(&place.pts);
    let (Some(first), Some(last)) = (
        places.iter().position(is_in),
        places.iter().rposition(is_in),
    ) else {
        return;
    };
    let can_start = |place: &Place| place.is_sync && place.pts <= span.start.max(places[first].pts);
    let from = places[..=first].iter().rposition(can_start).unwrap_or(0);
    shown.extend(places[from..=last].iter().map(|place| Place {
        pts: place.pts.saturating_add(move_by),
        is_shown: is_in(place),
        ..*place
    }));
}

fn read(list: &[u8]) -> Vec<Edit> {
    let pause_or = |start: i64| {
        // Some programs write the 32-bit form of a pause in 64 bits.
        let is_pause = start == -1 || start == i64::from(u32::MAX);
        (!is_pause).then_some(start)
    };
    if version_and_flags(list).0 == 1 {
        let edits = entries::<20>(list).iter().map(|edit| Edit {
            duration: u64_at(edit, 0).unwrap_or(0),
            start: pause_or(u64_at(edit, 8).unwrap_or(0).cast_signed()),
        });
        edits.collect()
    } else {
        let edits = entries::<12>(list).iter().map(|edit| Edit {
            duration: u32_at(edit, 0).unwrap_or(0).into(),
            start: pause_or(i32_at(edit, 4).unwrap_or(0).into()),
        });
        edits.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: Clocks = Clocks {
        movie: 1000,
        track: 100,
    };

    /// Ten frames at times 0, 10, 20, …; decoding can start at every fourth.
    fn places() -> Vec<Place> {
        let place = |number: u8| Place {
            offset: number.into(),
            size: 1,
            pts: i64::from(number) * 10,
            is_sync: number.is_multiple_of(4),
            is_shown: true,
        };
        (0..10).map(place).collect()
    }

    fn list(edits: &[(u32, i32)]) -> Vec<u8> {
        let mut list = vec![0; 4];
        list.extend((edits.len() as u32).to_be_bytes());
        for (duration, start) in edits {
            list.extend(duration.to_be_bytes());
            list.extend(start.to_be_bytes());
            list.extend([0, 1, 0, 0]);
        }
        let sized = |name: &[u8; 4], content: &[u8]| {
            let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
            bytes.extend(name);
            bytes.extend(content);
            bytes
        };
        sized(b"edts", &sized(b"elst", &list))
    }

    /// The numbers and times of the frames that are shown, and the numbers of all that are decoded.
    fn edited(edits: &[(u32, i32)]) -> (Vec<(u64, i64)>, Vec<u64>) {
        let places = apply(&list(edits), places(), CLOCKS).unwrap();
        let shown = places.iter().filter(|place| place.is_shown);
        (
            shown.map(|place| (place.offset, place.pts)).collect(),
            places.iter().map(|place| place.offset).collect(),
        )
    }

    #[test]
    fn one_part_cuts_the_beginning_and_the_end() {
        let (shown, decoded) = edited(&[(300, 60)]);
        assert_eq!(shown, [(6, 0), (7, 10), (8, 20)]);
        assert_eq!(decoded, [4, 5, 6, 7, 8]);
        let (shown, decoded) = edited(&[(0, 80)]);
        assert_eq!(shown, [(8, 0), (9, 10)], "to the end");
        assert_eq!(decoded, [8, 9]);
    }

    #[test]
    fn several_parts_follow_each_other() {
        let (shown, decoded) = edited(&[(200, 0), (100, -1), (200, 60)]);
        assert_eq!(shown, [(0, 0), (1, 10), (6, 30), (7, 40)]);
        assert_eq!(decoded, [0, 1, 4, 5, 6, 7]);
    }

    #[test]
    fn parts_may_be_repeated_and_rearranged() {
        let (shown, decoded) = edited(&[(200, 50), (100, 0), (200, 50)]);
        assert_eq!(shown, [(5, 0), (6, 10), (0, 20), (5, 30), (6, 40)]);
        assert_eq!(decoded, [4, 5, 6, 0, 4, 5, 6]);
    }

    #[test]
    fn a_list_that_shows_nothing_is_ignored() {
        for edits in [&[(100, 5000)][..], &[(1000, -1)], &[]] {
            assert_eq!(edited(edits).0.len(), 10, "{edits:?}");
        }
        let mut long = list(&[(1000, 0); 3]);
        long.truncate(long.len() - 5);
        let places = apply(&long, places(), CLOCKS).unwrap();
        assert_eq!(places.len(), 20, "as many parts as there are bytes for");
    }

    #[test]
    fn an_endless_list_is_left_to_ffmpeg() {
        let edits = list(&vec![(1000, 0); 20_000]);
        let many: Vec<Place> = places().into_iter().cycle().take(20_000).collect();
        assert!(matches!(
            apply(&edits, many, CLOCKS),
            Err(OpenError::Unsupported(_))
        ));
    }
}
