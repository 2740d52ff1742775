//! Finds faces and keeps their identity from frame to frame.
//!
//! rustface (SeetaFace) searches a small luma copy of the frame: its cost grows with the area, and the size of
//! the copy decides the smallest face it can find. The detector is not `Send`; build it in its thread.

use std::time::Duration;

use crate::{bounding_box::BoundingBox, frame::Frame};

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
    /// How long ago it was last really found; zero when found in this frame.
    pub unseen_for: Duration,
}

/// What people can adjust about detection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectConfig {
    /// Smallest face to look for, as its box's side in source-frame px.
    pub min_face_size_px: u32,
    /// Detections scored below this are ignored.
    pub score_threshold: f32,
}

impl Default for DetectConfig {
    fn default() -> Self {
        Self {
            min_face_size_px: 80,
            score_threshold: 4.0,
        }
    }
}

/// Detector, region search and tracker together: frame in, faces out.
pub struct FaceFinder {
    config: DetectConfig,
}

impl FaceFinder {
    /// Loads the bundled detector model.
    pub fn new(config: DetectConfig) -> Self {
        Self { config }
    }

    /// Changes the settings without losing the tracks.
    pub fn set_config(&mut self, config: DetectConfig) {
        self.config = config;
    }

    /// Forgets all tracks: call it when the source changes.
    pub fn reset(&mut self) {}

    /// Finds the faces of the next frame, ordered by track, oldest first.
    pub fn find(&mut self, _frame: &Frame) -> Vec<TrackedFace> {
        Vec::new()
    }
}
