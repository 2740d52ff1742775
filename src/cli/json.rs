//! One analysed frame as one line of JSON.
//!
//! The format is pinned for scripts: names and their order may gain, not change. Numbers are written in full, so
//! that what is read back is exactly what was computed.

use fervis::{
    bounding_box::BoundingBox,
    expression::Probabilities,
    pipeline::{Analysis, FaceAnalysis},
};
use serde::{Serialize, Serializer};

#[derive(Serialize)]
struct Line<'a> {
    frame: u64,
    time_s: f64,
    #[serde(serialize_with = "faces")]
    faces: &'a [FaceAnalysis],
}

#[derive(Serialize)]
struct Face {
    track: u64,
    #[serde(rename = "box", serialize_with = "edges")]
    box_in_frame: BoundingBox,
    score: f32,
    #[serde(serialize_with = "by_name")]
    raw: Probabilities,
    #[serde(serialize_with = "by_name")]
    smoothed: Probabilities,
    label: &'static str,
}

/// The line, without its end.
///
/// # Errors
/// None that can happen with these types; serde's signature says otherwise.
pub fn line(analysis: &Analysis) -> serde_json::Result<String> {
    serde_json::to_string(&Line {
        frame: analysis.frame.id.0,
        // Whole microseconds, as containers keep them: 0.066667 and not 0.06666666600000001.
        time_s: time_s(analysis),
        faces: &analysis.faces,
    })
}

/// Media time in seconds, to the microsecond.
pub fn time_s(analysis: &Analysis) -> f64 {
    (analysis.frame.time.as_secs_f64() * 1e6).round() / 1e6
}

fn faces<S: Serializer>(faces: &&[FaceAnalysis], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(faces.iter().map(|face| Face {
        track: face.track.0,
        box_in_frame: face.box_in_frame,
        score: face.score,
        raw: face.raw,
        smoothed: face.smoothed,
        label: face.label().name(),
    }))
}

fn edges<S: Serializer>(edges: &BoundingBox, serializer: S) -> Result<S::Ok, S::Error> {
    [edges.x, edges.y, edges.width, edges.height].serialize(serializer)
}

fn by_name<S: Serializer>(probabilities: &Probabilities, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        probabilities
            .iter()
            .map(|(expression, probability)| (expression.name(), probability)),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use std::{sync::Arc, time::Duration, time::Instant};

    use fervis::{
        detect::TrackId,
        frame::{Frame, FrameId, Resolution},
    };

    use super::*;

    /// A result with the given faces: track and smoothed probabilities.
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
                    box_in_frame: BoundingBox::new(-1.5, 20.0, 100.25, 101.0),
                    score: 12.5,
                    unseen_for: Duration::ZERO,
                    raw: Probabilities([0.0, 0.0, 0.0, 0.25, 0.0, 0.0, 0.75]),
                    smoothed: Probabilities(smoothed),
                })
                .collect(),
            checkpoint: None,
            completed_at: now,
            detect_time: Duration::ZERO,
            classify_time: Duration::ZERO,
        }
    }

    #[test]
    fn the_pinned_format() {
        let empty = analysis(0, Duration::ZERO, &[]);
        assert_eq!(
            line(&empty).expect("no error"),
            r#"{"frame":0,"time_s":0.0,"faces":[]}"#
        );
        let third = Duration::from_secs(2) / 3;
        let full = analysis(10, third, &[(1, [0.1, 0.0, 0.0, 0.5, 0.0, 0.0, 0.4])]);
        assert_eq!(
            line(&full).expect("no error"),
            concat!(
                r#"{"frame":10,"time_s":0.666667,"faces":[{"track":1,"box":[-1.5,20.0,100.25,101.0],"score":12.5,"#,
                r#""raw":{"angry":0.0,"disgust":0.0,"fear":0.0,"happy":0.25,"sad":0.0,"surprise":0.0,"neutral":0.75},"#,
                r#""smoothed":{"angry":0.1,"disgust":0.0,"fear":0.0,"happy":0.5,"sad":0.0,"surprise":0.0,"neutral":0.4},"#,
                r#""label":"happy"}]}"#
            )
        );
    }
}
