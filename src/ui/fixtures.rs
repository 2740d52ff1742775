//! Made-up frames and results for tests of the window.
//!
//! Times only order frames; no test waits for them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    bounding_box::BoundingBox,
    capture::{SourceInfo, SourceKind},
    detect::TrackId,
    expression::{Expression, Labels, N_EXPRESSIONS, Probabilities},
    frame::{Frame, FrameId, Resolution},
    model::{
        CheckpointInfo,
        assumptions::{Assumed, Color, KnownOrder, Order, PerChannel, Settings as Said},
    },
    pipeline::{Analysis, FaceAnalysis, Settings},
};

/// A face of track `track` with the given probability for `class`, the rest spread evenly.
pub fn face(track: u64, class: Expression, probability: f32) -> FaceAnalysis {
    let rest = (1.0 - probability) / (N_EXPRESSIONS - 1) as f32;
    let mut smoothed = [rest; N_EXPRESSIONS];
    smoothed[class.index()] = probability;
    FaceAnalysis {
        track: TrackId(track),
        number: track,
        box_in_frame: BoundingBox::new(100.0 + 160.0 * track as f32, 120.0, 140.0, 140.0),
        score: 12.0,
        unseen_for: Duration::ZERO,
        shape: None,
        corrected: None,
        second: None,
        raw: Probabilities::from([1.0 / N_EXPRESSIONS as f32; N_EXPRESSIONS]),
        smoothed: Probabilities::from(smoothed),
        label: class.into(),
    }
}

/// `n_faces` different faces.
pub fn faces(n_faces: usize) -> Vec<FaceAnalysis> {
    Expression::ALL
        .into_iter()
        .cycle()
        .take(n_faces)
        .enumerate()
        .map(|(idx, class)| face(idx as u64, class, 0.4 + 0.05 * idx as f32))
        .collect()
}

/// A gray frame captured at `captured_at`.
pub fn frame(id: u64, resolution: Resolution, captured_at: Instant) -> Arc<Frame> {
    let rgba = [120, 120, 120, 255].repeat(resolution.n_pixels());
    Arc::new(Frame::new(
        FrameId(id),
        captured_at,
        Duration::from_millis(33 * id),
        resolution,
        rgba.into(),
    ))
}

/// The result for `frame`.
pub fn analysis(frame: &Arc<Frame>, faces: Vec<FaceAnalysis>) -> Analysis {
    Analysis {
        frame: Arc::clone(frame),
        faces,
        meshes: Vec::new(),
        checkpoint: None,
        second: None,
        settings: Settings::default(),
        completed_at: frame.captured_at + Duration::from_millis(40),
        detect_time: Duration::from_millis(20),
        classify_time: Duration::from_millis(8),
    }
}

/// A webcam.
pub fn webcam() -> SourceInfo {
    SourceInfo {
        name: "Integrated Webcam".to_owned(),
        kind: SourceKind::Live,
        resolution: Resolution::new(1280, 720),
        rate_hz: Some(30.0),
        n_frames: None,
        duration: None,
        format: "MJPG".to_owned(),
        mirror_by_default: true,
    }
}

/// What is assumed about FER+'s network.
pub fn assumed() -> Assumed {
    Assumed {
        family: Some("FER+"),
        settings: Said {
            labels: Some(Order::Known(KnownOrder::Ferplus)),
            width: Some(64),
            height: Some(64),
            color: Some(Color::Gray),
            mean: Some(PerChannel::One(0.0)),
            std: Some(PerChannel::One(1.0 / 255.0)),
            ..Said::default()
        },
        order_is_a_guess: true,
        input_is_a_guess: true,
        n_channels: 1,
        n_outputs: 8,
    }
}

/// A bundled checkpoint.
pub fn checkpoint() -> Arc<CheckpointInfo> {
    Arc::new(CheckpointInfo {
        name: "three-block".to_owned(),
        path: None,
        architecture: "three-block".to_owned(),
        n_parameters: 5_100_000,
        labels: Labels::FER_2013,
        outputs: Vec::new(),
        temperature: 1.2,
        uncertain_below: 0.0,
        metrics: vec![("PrivateTest accuracy".to_owned(), "62 %".to_owned())],
        sha256: "0123456789abcdef".repeat(4),
        assumed: None,
    })
}
