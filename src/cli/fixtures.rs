//! Made-up results for the tests of what commands print.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fervis::{
    bounding_box::BoundingBox,
    detect::TrackId,
    expression::Probabilities,
    frame::{Frame, FrameId, Resolution},
    pipeline::{Analysis, FaceAnalysis, Settings},
};

/// A result with these faces: track and smoothed probabilities of each.
pub fn analysis(frame: u64, time: Duration, faces: &[(u64, [f32; 7])]) -> Analysis {
    let now = Instant::now();
    let size = Resolution::new(1, 1);
    let rgba = vec![255; 4].into();
    Analysis {
        frame: Arc::new(Frame::new(FrameId(frame), now, time, size, rgba)),
        faces: faces
            .iter()
            .map(|&(track, smoothed)| FaceAnalysis {
                track: TrackId(track),
                number: track,
                box_in_frame: BoundingBox::new(-1.5, 20.0, 100.25, 101.0),
                score: 12.5,
                unseen_for: Duration::ZERO,
                shape: None,
                corrected: None,
                second: None,
                raw: Probabilities::from([0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.75]),
                smoothed: Probabilities::from(smoothed),
                label: Probabilities::from(smoothed).top().0,
            })
            .collect(),
        meshes: Vec::new(),
        checkpoint: None,
        second: None,
        settings: Settings::default(),
        completed_at: now,
        detect_time: Duration::ZERO,
        classify_time: Duration::ZERO,
    }
}
