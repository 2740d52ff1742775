//! Finds faces and keeps their identity from frame to frame.
//!
//! rustface (SeetaFace) searches a small luma copy of the frame: its cost grows with the area, and the size of
//! the copy decides the smallest face it can find. The detector is not `Send`; build it in its thread.
//!
//! In reading order: [`FaceFinder`] decides where to look, [`luma`] makes the small copies, [`face_detector`] searches
//! one, [`duplicates`] leaves one detection per face, [`tracker`] gives detections an identity, and [`motion`] predicts
//! and smooths one face's box.

use std::time::Duration;

use crate::bounding_box::BoundingBox;

pub mod duplicates;
pub mod face_detector;
mod face_finder;
pub mod luma;
pub mod motion;
#[cfg(test)]
mod test_pictures;
pub mod tracker;

pub use face_finder::FaceFinder;
pub use tracker::LOST_GRACE;

/// Identity of a face across frames; never reused within a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

/// One face found in one frame, without identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where.
    pub box_in_frame: BoundingBox,
    /// rustface's score: about 2 (doubtful) to 30 and more (clear).
    pub score: f32,
}

/// A face with its identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackedFace {
    /// Who.
    pub track: TrackId,
    /// Where, smoothed over time.
    pub box_in_frame: BoundingBox,
    /// The score when it was last found.
    pub score: f32,
    /// How long ago it was last really found; zero when found in this frame, at most [`LOST_GRACE`].
    pub unseen_for: Duration,
}

/// What people can adjust about detection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectConfig {
    /// Smallest face to look for, as its box's side in source-frame px. Clearly smaller faces are left out.
    ///
    /// In a stream, faces below a sixteenth of the frame's width (80 px of 1280) may stay unnoticed however small this
    /// is, as the search would cost too much; in still pictures it is a thirty-second. A larger value makes both cheaper.
    pub min_face_size_px: u32,
    /// A new face must score at least this. One that is already followed is kept at two fifths of it.
    pub score_threshold: f32,
}

impl Default for DetectConfig {
    fn default() -> Self {
        Self {
            min_face_size_px: 40,
            score_threshold: 4.0,
        }
    }
}
