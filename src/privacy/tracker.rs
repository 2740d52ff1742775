//! Where to cover faces at a given time, from results that are older or have gaps.
//!
//! Time is the frame's own ([`Frame::time`]), never a clock. A box grows with the time between frame and result, since
//! the face moves; it is dropped [`GRACE`] after the face was last found.
//!
//! [`Frame::time`]: crate::frame::Frame::time

use std::time::Duration;

use crate::{bounding_box::BoundingBox, detect::TrackId};

/// A face that was found within this time of a frame is covered in it. The face tracker drops a lost face after 0.8 s
/// ([`LOST_GRACE`](crate::detect::LOST_GRACE)); this is longer, so that the drop uncovers nobody.
pub const GRACE: Duration = Duration::from_millis(1000);

/// Growth of a box on each side per second, as a fraction of its size: at arm's length people move by a face's width in
/// about 0.7 s.
const GROWTH_PER_S: f32 = 1.4;
/// Most that a box grows on each side, as a fraction of its size. Whoever is out of sight for longer has either returned to
/// about the same spot (a turned head) or left, and people would switch off a cover over half the frame.
const MAX_GROWTH: f32 = 0.5;

/// A face in a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Its track.
    pub track: TrackId,
    /// Where it is, or is presumed to be.
    pub box_in_frame: BoundingBox,
    /// Time since it was last found; zero if it was found in this frame.
    pub unseen_for: Duration,
}

/// Remembers faces for as long as they must be covered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrivacyTracker {
    known: Vec<Known>,
    newest: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    track: TrackId,
    box_in_frame: BoundingBox,
    /// Time of the frame in which it was last found.
    found_at: Duration,
}

impl PrivacyTracker {
    /// Takes the result for the frame at `time`. A result earlier than the last one (a file was rewound) starts over.
    pub fn see(&mut self, time: Duration, faces: impl IntoIterator<Item = Sighting>) {
        if time < self.newest {
            self.known.clear();
        }
        self.newest = time;
        for face in faces {
            let known = Known {
                track: face.track,
                box_in_frame: face.box_in_frame,
                found_at: time.saturating_sub(face.unseen_for),
            };
            match self.known.iter_mut().find(|old| old.track == face.track) {
                Some(old) => *old = known,
                None => self.known.push(known),
            }
        }
        self.known
            .retain(|known| time.saturating_sub(known.found_at) <= GRACE);
    }

    /// Forgets all faces; call it when the source changes.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The faces to cover in the frame at `time`, before or after the newest result, for [`FacePrivacy::apply`].
    ///
    /// [`FacePrivacy::apply`]: super::FacePrivacy::apply
    pub fn covers(&self, time: Duration) -> impl Iterator<Item = (TrackId, BoundingBox)> {
        self.known.iter().filter_map(move |known| {
            let distance = known.found_at.abs_diff(time);
            (distance <= GRACE).then(|| (known.track, grown(&known.box_in_frame, distance)))
        })
    }
}

fn grown(face: &BoundingBox, distance: Duration) -> BoundingBox {
    let growth = (GROWTH_PER_S * distance.as_secs_f32()).min(MAX_GROWTH);
    let (dx, dy) = (growth * face.width, growth * face.height);
    BoundingBox::new(
        face.x - dx,
        face.y - dy,
        face.width + 2.0 * dx,
        face.height + 2.0 * dy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACE: BoundingBox = BoundingBox::new(100.0, 80.0, 40.0, 50.0);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn sighting(track: u64, unseen_ms: u64) -> Sighting {
        Sighting {
            track: TrackId(track),
            box_in_frame: FACE,
            unseen_for: ms(unseen_ms),
        }
    }

    fn tracks(tracker: &PrivacyTracker, time_ms: u64) -> Vec<u64> {
        tracker
            .covers(ms(time_ms))
            .map(|(track, _)| track.0)
            .collect()
    }

    #[test]
    fn a_face_stays_covered_for_a_second_after_it_is_lost() {
        let mut tracker = PrivacyTracker::default();
        tracker.see(ms(5000), [sighting(1, 0)]);
        assert_eq!(
            tracker.covers(ms(5000)).collect::<Vec<_>>(),
            [(TrackId(1), FACE)]
        );
        tracker.see(ms(5033), []);
        assert_eq!(tracks(&tracker, 5033), [1]);
        tracker.see(ms(6000), []);
        assert_eq!(tracks(&tracker, 6000), [1]);
        // It also expires without a further result.
        assert!(tracks(&tracker, 6001).is_empty());
        tracker.see(ms(6001), []);
        assert!(tracks(&tracker, 6000).is_empty());
    }

    #[test]
    fn a_presumed_face_is_covered_until_a_second_after_it_was_found() {
        let mut tracker = PrivacyTracker::default();
        tracker.see(ms(1000), [sighting(1, 0)]);
        tracker.see(ms(1800), [sighting(1, 800)]);
        assert_eq!(tracks(&tracker, 2000), [1]);
        assert!(tracks(&tracker, 2001).is_empty());
        // It is found again with the same track, beside another face.
        tracker.see(ms(1900), [sighting(2, 0), sighting(1, 0)]);
        assert_eq!(tracks(&tracker, 2900), [1, 2]);
    }

    #[test]
    fn covers_grow_with_the_distance_in_time_to_either_side() {
        let mut tracker = PrivacyTracker::default();
        tracker.see(ms(5000), [sighting(1, 0)]);
        let cover = |time_ms| tracker.covers(ms(time_ms)).next().expect("it is covered").1;
        let later = cover(5100);
        assert!((later.width - 40.0 * 1.28).abs() < 0.01, "{later:?}");
        assert!((later.height - 50.0 * 1.28).abs() < 0.01, "{later:?}");
        assert_eq!(later.center(), FACE.center());
        assert_eq!(cover(4900), later);
        assert_eq!(cover(5900).width, 2.0 * FACE.width);
    }

    #[test]
    fn a_rewound_file_and_another_source_start_over() {
        let mut tracker = PrivacyTracker::default();
        tracker.see(ms(500), [sighting(1, 0)]);
        tracker.see(ms(400), [sighting(2, 0)]);
        assert_eq!(tracks(&tracker, 400), [2]);
        tracker.reset();
        assert!(tracks(&tracker, 400).is_empty());
    }
}
