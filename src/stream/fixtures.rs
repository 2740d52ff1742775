//! Synthetic results for the tests of this module.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    bounding_box::BoundingBox,
    detect::TrackId,
    expression::{Labels, Probabilities},
    frame::{Frame, FrameId, Resolution},
    model::CheckpointInfo,
    pipeline::{Analysis, FaceAnalysis, Settings},
};

/// Happy rather than neutral.
pub const SMOOTHED: [f32; 7] = [0.1, 0.0, 0.0, 0.5, 0.0, 0.0, 0.4];

/// A result 42 ms after its capture, with the given faces: track and smoothed probabilities.
pub fn analysis(frame: u64, time: Duration, faces: &[(u64, [f32; 7])]) -> Analysis {
    let captured_at = Instant::now();
    let size = Resolution::new(64, 48);
    let rgba = vec![255; size.n_pixels() * 4].into();
    let frame = Frame::new(FrameId(frame), captured_at, time, size, rgba);
    Analysis {
        frame: Arc::new(frame),
        faces: faces.iter().map(|&(track, p)| face(track, p)).collect(),
        meshes: Vec::new(),
        checkpoint: Some(Arc::new(CheckpointInfo {
            name: "three-block".to_owned(),
            path: None,
            architecture: "three-block".to_owned(),
            n_parameters: 1,
            labels: Labels::FER_2013,
            outputs: Vec::new(),
            temperature: 1.0,
            uncertain_below: 0.0,
            metrics: Vec::new(),
            sha256: String::new(),
            assumed: None,
        })),
        second: None,
        settings: Settings::default(),
        completed_at: captured_at + Duration::from_millis(42),
        detect_time: Duration::ZERO,
        classify_time: Duration::ZERO,
    }
}

fn face(track: u64, smoothed: [f32; 7]) -> FaceAnalysis {
    FaceAnalysis {
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
    }
}
