//! When a stream is searched for newcomers, and where next.
//!
//! A whole scan would delay its frame, so it is cut into slices: squares for the short-range detector (the coarse ones,
//! which find most people, far more often than the fine ones) and parts of the frame for rustface. Each kind has its own
//! interval, which rises while nothing changes. Time is the frames' own, so the same frames are searched in the same places
//! at any speed.

use std::time::Duration;

use super::{luma::Region, tiles::tiles};
use crate::{frame::Resolution, oriented_box::OrientedBox};

/// Squares of the coarse levels: the whole frame and squares of its shorter side.
const MAX_COARSE: usize = 8;

/// Squares of all levels while frames follow each other. With 1280×720 they go down to faces of 58 px.
const MAX_SQUARES: usize = 32;

/// rustface's parts of a frame: columns and rows, each overlapping the next by a quarter.
const PARTS: [u32; 2] = [4, 2];

/// Maximum slices of one kind in one frame, however late they are.
const MAX_PER_FRAME: usize = 2;

/// The intervals rise after this long without a change.
const QUIET_AFTER: Duration = Duration::from_secs(3);

/// How often to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nobody is known, or somebody is missing.
    Searching,
    /// Every known face is followed.
    Routine,
}

/// One slice of a scan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slice {
    /// For the short-range detector.
    Square(OrientedBox),
    /// For rustface.
    Part(Region),
}

/// Which slices are due.
#[derive(Debug, Default)]
pub struct Schedule {
    frame: Resolution,
    min_face_px: u32,
    coarse: Cycle<OrientedBox>,
    fine: Cycle<OrientedBox>,
    parts: Cycle<Region>,
    last_change: Duration,
}

impl Schedule {
    /// Starts over at `now`, when everything was just searched.
    pub fn restart(&mut self, now: Duration, frame: Resolution, min_face_px: u32) {
        let (mut squares, _) = tiles(frame, min_face_px as f32, MAX_SQUARES);
        let (coarsest, _) = tiles(frame, min_face_px as f32, MAX_COARSE);
        let fine = squares.split_off(coarsest.len().min(squares.len()));
        *self = Self {
            frame,
            min_face_px,
            coarse: Cycle::new(squares, now),
            fine: Cycle::new(fine, now),
            parts: Cycle::new(parts(frame), now),
            last_change: now,
        };
    }

    /// Whether it was made for other frames.
    pub fn is_outdated(&self, frame: Resolution, min_face_px: u32) -> bool {
        (self.frame, self.min_face_px) != (frame, min_face_px)
    }

    /// Somebody came or went.
    pub fn changed(&mut self, now: Duration) {
        self.last_change = now;
    }

    /// The slices to search in the frame at `now`, at most a few.
    pub fn due(&mut self, now: Duration, need: Need) -> Vec<Slice> {
        let is_quiet = now.saturating_sub(self.last_change) > QUIET_AFTER;
        // Milliseconds between two slices of a kind. Four coarse squares of a 16:9 frame then take 130, 270 or 500 ms.
        let [coarse, fine, parts] = match (need, is_quiet) {
            (Need::Searching, false) => [33, 66, 250],
            // An empty room. A newcomer still waits for at most 200 ms.
            (Need::Searching, true) => [50, 133, 500],
            (Need::Routine, false) => [66, 133, 500],
            (Need::Routine, true) => [125, 250, 1000],
        }
        .map(Duration::from_millis);
        let mut slices = Vec::new();
        self.coarse
            .take_due(now, coarse, |square| slices.push(Slice::Square(square)));
        self.fine
            .take_due(now, fine, |square| slices.push(Slice::Square(square)));
        self.parts
            .take_due(now, parts, |part| slices.push(Slice::Part(part)));
        slices
    }
}

/// Slices of one kind, in turn.
#[derive(Debug)]
struct Cycle<T> {
    items: Vec<T>,
    next: usize,
    last: Duration,
}

impl<T> Default for Cycle<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: 0,
            last: Duration::ZERO,
        }
    }
}

impl<T: Copy> Cycle<T> {
    fn new(items: Vec<T>, now: Duration) -> Self {
        Self {
            items,
            next: 0,
            last: now,
        }
    }

    fn take_due(&mut self, now: Duration, interval: Duration, mut each: impl FnMut(T)) {
        for _ in 0..MAX_PER_FRAME {
            // A millisecond early is on time, or frames at 30 Hz would miss every other slice.
            if self.items.is_empty() || now + Duration::from_millis(1) < self.last + interval {
                return;
            }
            each(self.items[self.next]);
            self.next = (self.next + 1) % self.items.len();
            self.last += interval;
        }
        // Missed slices are not made up for.
        self.last = self.last.max(now.saturating_sub(interval));
    }
}

/// The frame in overlapping parts for rustface.
fn parts(frame: Resolution) -> Vec<Region> {
    let [columns, rows] = PARTS;
    let spans = |extent: u32, n: u32| -> Vec<(u32, u32)> {
        // n parts of length l that overlap by a quarter: l · (1 + 0.75 · (n − 1)) = extent.
        let length =
            ((extent as f32 / (1.0 + 0.75 * (n - 1) as f32)).ceil() as u32).clamp(1, extent);
        (0..n)
            .map(|at| ((extent - length) * at / (n - 1).max(1), length))
            .collect()
    };
    let across = spans(frame.width_px, columns);
    spans(frame.height_px, rows)
        .into_iter()
        .flat_map(|(y, height)| {
            across.iter().map(move |&(x, width)| Region {
                x,
                y,
                size: Resolution::new(width, height),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Resolution = Resolution::new(1280, 720);

    /// What is searched in `n` frames at 30 Hz.
    fn searched(schedule: &mut Schedule, from_ms: u64, n: u64, need: Need) -> Vec<Vec<Slice>> {
        (1..=n)
            .map(|frame| schedule.due(Duration::from_millis(from_ms + frame * 1000 / 30), need))
            .collect()
    }

    fn n_distinct(frames: &[Vec<Slice>], is_coarse: bool) -> usize {
        let mut seen: Vec<Slice> = Vec::new();
        for slice in frames.iter().flatten() {
            let coarse = matches!(slice, Slice::Square(square) if square.side >= 720.0);
            if coarse == is_coarse && !seen.contains(slice) {
                seen.push(*slice);
            }
        }
        seen.len()
    }

    #[test]
    fn an_empty_room_is_seen_whole_within_a_quarter_of_a_second() {
        let mut schedule = Schedule::default();
        schedule.restart(Duration::ZERO, HD, 40);
        assert!(!schedule.is_outdated(HD, 40) && schedule.is_outdated(HD, 41));
        let frames = searched(&mut schedule, 0, 7, Need::Searching);
        assert_eq!(n_distinct(&frames, true), 4);
        let frames = searched(&mut schedule, 233, 60, Need::Searching);
        assert_eq!(
            n_distinct(&frames, false),
            18 + 8,
            "all squares and parts in 2 s"
        );
        assert!(frames.iter().all(|slices| slices.len() <= 3), "{frames:?}");
    }

    #[test]
    fn a_newcomer_to_a_quiet_room_is_seen_as_soon() {
        let mut schedule = Schedule::default();
        schedule.restart(Duration::ZERO, HD, 40);
        searched(&mut schedule, 0, 150, Need::Searching);
        for window in 0..10 {
            let from_ms = 5000 + window * 7 * 1000 / 30;
            let frames = searched(&mut schedule, from_ms, 7, Need::Searching);
            assert_eq!(n_distinct(&frames, true), 4, "within 7 frames, 233 ms");
        }
    }

    #[test]
    fn the_interval_rises_while_nothing_changes() {
        let count = |frames: &[Vec<Slice>]| frames.iter().map(Vec::len).sum::<usize>();
        let mut schedule = Schedule::default();
        schedule.restart(Duration::ZERO, HD, 40);
        let busy = count(&searched(&mut schedule, 0, 60, Need::Routine));
        let quiet = count(&searched(&mut schedule, 10_000, 60, Need::Routine));
        assert!(quiet * 3 < busy * 2, "{quiet} {busy}");
        schedule.changed(Duration::from_secs(12));
        let again = count(&searched(&mut schedule, 12_000, 60, Need::Routine));
        assert!(again.abs_diff(busy) <= 4, "{again} {busy}");
    }

    #[test]
    fn slow_frames_search_more_each_but_not_without_bounds() {
        let mut schedule = Schedule::default();
        schedule.restart(Duration::ZERO, HD, 40);
        for second in 1..20 {
            let slices = schedule.due(Duration::from_secs(second), Need::Searching);
            assert!(slices.len() <= 3 * MAX_PER_FRAME);
            assert!(slices.len() >= 5);
        }
    }

    #[test]
    fn parts_cover_the_frame_and_stay_inside() {
        for size in [
            HD,
            Resolution::new(3, 2),
            Resolution::new(1, 1),
            Resolution::new(1279, 719),
        ] {
            let parts = parts(size);
            for part in &parts {
                assert!(part.size.n_pixels() > 0);
                assert!(part.x + part.size.width_px <= size.width_px);
                assert!(part.y + part.size.height_px <= size.height_px);
            }
            let right = parts.iter().map(|part| part.x + part.size.width_px).max();
            assert_eq!(right, Some(size.width_px));
        }
    }
}
