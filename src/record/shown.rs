//! The faces that are drawn on frames of a video: those of the last result, for as long as it holds.

use std::time::{Duration, Instant};

use crate::{
    frame::Frame,
    pipeline::{Analysis, FaceAnalysis},
};

/// The last result that was drawn.
#[derive(Debug, Default)]
pub(super) struct Shown(Option<Drawn>);

#[derive(Debug)]
struct Drawn {
    captured_at: Instant,
    holds_for: Duration,
    faces: Vec<FaceAnalysis>,
}

impl Shown {
    /// Takes a newer result.
    pub fn set(&mut self, analysis: &Analysis) {
        self.0 = Some(Drawn {
            captured_at: analysis.frame.captured_at,
            holds_for: analysis.holds_for(),
            faces: analysis.faces.clone(),
        });
    }

    /// The faces for a frame.
    pub fn faces_on(&self, frame: &Frame) -> &[FaceAnalysis] {
        match &self.0 {
            Some(result) => {
                let age = frame
                    .captured_at
                    .saturating_duration_since(result.captured_at);
                if age < result.holds_for {
                    &result.faces
                } else {
                    &[]
                }
            }
            None => &[],
        }
    }
}
