//! Gives detections an identity that lasts.
//!
//! Each frame the tracker moves its faces on by their velocity, pairs them with the frame's detections, begins tracks
//! for what is left over and ends those unseen for too long. Time comes from the frames ([`Frame::time`]), never from a
//! clock, so the same frames give the same tracks at any speed. Time may jump: a file is rewound, a folder's pictures are
//! a second apart, a camera stalls. After a jump nothing is carried over, since a face at the same place is as likely
//! somebody else's.
//!
//! [`Frame::time`]: crate::frame::Frame::time

use std::time::Duration;

use super::{
    Detection, FaceShape, Standing, TrackId, TrackedFace,
    duplicates::{are_same_face, suppress},
    motion::{Motion, Steadiness},
};
use crate::bounding_box::BoundingBox;

/// A face that is not found for longer than this has left, and frames further apart than this are unrelated.
///
/// A turn of the head past the detector's limits and back takes 0.4 to 0.8 s; a box that stays much longer after its
/// face left the frame looks like a mistake. The pictures of a folder must be further apart than this.
pub const LOST_GRACE: Duration = Duration::from_millis(800);

/// Boxes are enlarged by this part of their size on every side before they are compared, so that a face which moved by
/// its whole width between two frames still overlaps itself (the buffered IoU of Yang et al., WACV 2023).
const MATCH_MARGIN: f32 = 0.3;

/// Minimum IoU of the enlarged boxes for the same face: a move by one side, or a change of size by a factor of 2.2.
const MIN_AFFINITY: f32 = 0.2;

/// The affinity of a missing face is multiplied by this: a face that walks up to the place where another one vanished is
/// the one that was seen walking.
const MISSING_DISCOUNT: f32 = 0.6;

/// Detections in, identities out.
#[derive(Debug, Default)]
pub struct Tracker {
    /// Oldest first.
    tracks: Vec<FollowedFace>,
    n_begun: u64,
    now: Option<Duration>,
    /// Whether nothing was carried over into the current frame.
    is_fresh: bool,
}

/// A known face before it is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedFace {
    /// Where it should be if it keeps moving as it did.
    pub box_in_frame: BoundingBox,
    /// Time since it was last found; the interval between frames if that was in the frame before.
    pub unseen_for: Duration,
    /// What the mesh said when it was last found, moved likewise.
    pub shape: Option<FaceShape>,
}

#[derive(Debug)]
struct FollowedFace {
    id: TrackId,
    motion: Motion,
    score: f32,
    shape: Option<FaceShape>,
    /// Whether it was not found in the last frame.
    is_missing: bool,
    is_confirmed: bool,
}

impl Tracker {
    /// Ends all tracks. Their numbers are never used again.
    pub fn reset(&mut self) {
        self.tracks.clear();
        self.now = None;
    }

    /// Advances to the time of the next frame: faces move as expected, and tracks lost for too long end.
    ///
    /// Returns whether the frame is unrelated to the previous one: the first, an earlier one, or one more than
    /// [`LOST_GRACE`] later. All tracks end then.
    pub fn advance(&mut self, time: Duration) -> bool {
        let elapsed = self.now.and_then(|before| time.checked_sub(before));
        self.now = Some(time);
        match elapsed {
            Some(elapsed) if elapsed <= LOST_GRACE => {
                for track in &mut self.tracks {
                    track.motion.advance(elapsed);
                }
                self.tracks
                    .retain(|track| track.motion.unseen_for() <= LOST_GRACE);
                self.is_fresh = false;
            }
            _ => {
                self.tracks.clear();
                self.is_fresh = true;
            }
        }
        self.is_fresh
    }

    /// Where to look for the known faces in this frame, oldest first.
    pub fn expected(&self) -> impl Iterator<Item = ExpectedFace> {
        self.tracks.iter().map(|track| {
            let [dx, dy] = track.motion.moved();
            let shape = track.shape.map(|mut shape| {
                shape.upright.x += dx;
                shape.upright.y += dy;
                shape
            });
            ExpectedFace {
                box_in_frame: track.motion.predicted(),
                unseen_for: track.motion.unseen_for(),
                shape,
            }
        })
    }

    /// Takes in what was found in this frame, in any order.
    ///
    /// Every detection may continue a track; its [`Standing`] says whether it may begin one. Duplicates and boxes without
    /// area are dropped.
    pub fn update(&mut self, detections: &[Detection]) {
        let mut detections: Vec<Detection> = detections.iter().copied().filter(is_usable).collect();
        suppress(&mut detections);

        let mut is_taken = vec![false; detections.len()];
        let pairs = self.pair(&detections);
        for (track, detection_idx) in self.tracks.iter_mut().zip(&pairs) {
            track.is_missing = detection_idx.is_none();
            let Some(detection_idx) = *detection_idx else {
                track.motion.not_found();
                continue;
            };
            is_taken[detection_idx] = true;
            let detection = &detections[detection_idx];
            let steadiness = match detection.shape {
                Some(_) => Steadiness::MESH,
                None => Steadiness::DETECTOR,
            };
            track.motion.found_at(&detection.box_in_frame, steadiness);
            track.score = detection.score;
            track.shape = detection.shape;
            track.is_confirmed = true;
        }
        self.tracks
            .retain(|track| track.is_confirmed || !track.is_missing);

        let mut newcomers: Vec<Detection> = detections
            .into_iter()
            .zip(is_taken)
            .filter(|(detection, is_taken)| !is_taken && detection.standing >= Standing::Begins)
            .map(|(detection, _)| detection)
            .collect();
        // Faces that appear together are numbered from left to right.
        newcomers.sort_by(|a, b| a.box_in_frame.x.total_cmp(&b.box_in_frame.x));
        for newcomer in newcomers {
            self.tracks.push(FollowedFace {
                id: TrackId(self.n_begun),
                motion: Motion::starting_at(&newcomer.box_in_frame),
                score: newcomer.score,
                shape: newcomer.shape,
                is_missing: false,
                // No frame precedes an unrelated one, and none follows a still picture.
                is_confirmed: self.is_fresh || newcomer.standing == Standing::Sure,
            });
            self.n_begun += 1;
        }
    }

    /// The faces of this frame, oldest first.
    ///
    /// A face that was not found is left out while another one is where it is expected: it is behind that one, or the same.
    pub fn faces(&self) -> Vec<TrackedFace> {
        let is_hidden = |track: &FollowedFace| {
            let expected = track.motion.shown();
            self.tracks.iter().any(|other| {
                other.is_confirmed
                    && other.motion.unseen_for() < track.motion.unseen_for()
                    && are_same_face(&other.motion.shown(), &expected)
            })
        };
        self.tracks
            .iter()
            .filter(|track| track.is_confirmed && !is_hidden(track))
            .map(|track| TrackedFace {
                track: track.id,
                box_in_frame: track.motion.shown(),
                score: track.score,
                unseen_for: track.motion.unseen_for(),
                shape: track.shape,
            })
            .collect()
    }

    /// For each track, the index of the detection that continues it.
    ///
    /// Greedy, best pair first. The optimal assignment (Hungarian) differs only where two faces compete for two
    /// detections at nearly equal affinity; boxes of one frame hardly overlap, so there the best pair is nearly always
    /// the right one, and taking it first can never give a clear match away for a better sum.
    fn pair(&self, detections: &[Detection]) -> Vec<Option<usize>> {
        let mut candidates = Vec::new();
        for (track_idx, track) in self.tracks.iter().enumerate() {
            let expected = track.motion.predicted();
            let was_missing = track.is_missing;
            for (detection_idx, detection) in detections.iter().enumerate() {
                let affinity = affinity(&expected, &detection.box_in_frame);
                if affinity >= MIN_AFFINITY {
                    let discount = if was_missing { MISSING_DISCOUNT } else { 1.0 };
                    candidates.push((affinity * discount, track_idx, detection_idx));
                }
            }
        }
        // The sort is stable: among equals the older track and the higher score come first.
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut pairs = vec![None; self.tracks.len()];
        let mut is_taken = vec![false; detections.len()];
        for (_, track_idx, detection_idx) in candidates {
            if pairs[track_idx].is_none() && !is_taken[detection_idx] {
                pairs[track_idx] = Some(detection_idx);
                is_taken[detection_idx] = true;
            }
        }
        pairs
    }
}

/// How well a box continues another, 0 to 1: the IoU of both, each enlarged by 30 % of its
/// size on every side.
pub fn affinity(expected: &BoundingBox, found: &BoundingBox) -> f32 {
    let enlarged = |inner: &BoundingBox| {
        let (x, y) = inner.center();
        let (width, height) = (
            inner.width * (1.0 + 2.0 * MATCH_MARGIN),
            inner.height * (1.0 + 2.0 * MATCH_MARGIN),
        );
        BoundingBox::new(x - width / 2.0, y - height / 2.0, width, height)
    };
    enlarged(expected).iou(&enlarged(found))
}

fn is_usable(detection: &Detection) -> bool {
    let found = &detection.box_in_frame;
    [found.x, found.y, found.width, found.height, detection.score]
        .iter()
        // No frame is larger; beyond it areas would overflow.
        .all(|value| value.abs() <= 1e6)
        && found.width > 0.0
        && found.height > 0.0
}

#[cfg(test)]
mod tests;
