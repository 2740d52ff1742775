//! Made-up sessions for tests.

use std::{path::PathBuf, time::Duration};

use super::{
    annotations::Annotations,
    manifest::{self, Video},
    reader::Session,
    tables::{EventKind, EventRow, FaceRow, FrameRow, FrameStatus},
};
use crate::{
    bounding_box::BoundingBox,
    detect::{FaceShape, HeadPose, TrackId},
    expression::{Expression, N_EXPRESSIONS, Probabilities},
    pipeline::FaceAnalysis,
    time::Ticks,
};

/// A note with everything that breaks files: quotes, tags, an arrow as in subtitles, two lines, a tab, umlauts.
pub(crate) const ODD_NOTE: &str = "\"so\" <b>&</b> --> näher\nzweite Zeile;\tTab, 😀";

/// Two people before a camera that gives a picture every 0.1 s, recorded without a video.
///
/// | s | 0.0–0.2 | 0.3 0.4 | 0.5 | 0.6 | 0.7 | 0.8 | 0.9–1.1 | 5.0–5.3 |
/// | --- | --- | --- | --- | --- | --- | --- | --- | --- |
/// | track 1 | happy | happy | neutral | (skipped) | neutral | away | happy | happy |
/// | track 2 | – | sad | sad, presumed | (skipped) | surprise | – | – | – |
///
/// Probabilities are 0.4 of the label and 0.1 of all others. Frames count from 0 to 15 without a hole.
pub(crate) fn two_people() -> Session {
    use Expression::{Happy, Neutral, Sad, Surprise};
    let time = |frame: u64| match frame {
        0..=11 => Ticks::from_millis(100 * frame),
        _ => Ticks::from_millis(5000 + 100 * (frame - 12)),
    };
    let face = |frame: u64, track: u64, label: Expression| FaceRow {
        frame,
        time: time(frame),
        face: FaceAnalysis {
            track: TrackId(track),
            number: track,
            score: 12.5,
            box_in_frame: BoundingBox::new(-1.5, 20.0, 100.25, 101.0),
            unseen_for: Duration::ZERO,
            raw: mostly(label),
            smoothed: mostly(label),
            label: label.into(),
            shape: None,
            corrected: None,
            second: None,
        },
        model: 0,
        second_model: None,
        detect_time: Some(Duration::from_micros(11_250)),
        classify_time: Some(Duration::from_micros(1_500)),
        file: None,
    };
    let mut faces: Vec<FaceRow> = (0..16)
        .filter(|frame| ![6, 8].contains(frame))
        .map(|frame| {
            face(
                frame,
                1,
                if (5..=7).contains(&frame) {
                    Neutral
                } else {
                    Happy
                },
            )
        })
        .collect();
    faces.extend([face(3, 2, Sad), face(4, 2, Sad), face(7, 2, Surprise)]);
    let mut presumed = face(5, 2, Sad);
    presumed.face.unseen_for = Duration::from_millis(100);
    faces.push(presumed);
    faces.sort_by_key(|row| (row.frame, row.face.track));
    let frames = (0..16)
        .map(|frame| {
            let n_faces = faces.iter().filter(|face| face.frame == frame).count() as u64;
            let analyzed = frame != 6;
            FrameRow {
                frame,
                time: time(frame),
                unix_s: 1_764_075_785.25 + time(frame).as_secs_f64(),
                source_s: time(frame).as_secs_f64(),
                status: if analyzed {
                    FrameStatus::Analyzed
                } else {
                    FrameStatus::Skipped
                },
                video_frame: None,
                n_faces: analyzed.then_some(n_faces),
                latency: analyzed.then_some(Duration::from_micros(31_250)),
                file: None,
            }
        })
        .collect();
    let event = |ticks: u64, kind: EventKind, detail: &str| EventRow {
        time: Ticks(ticks),
        unix_s: 1_764_075_785.25 + Ticks(ticks).as_secs_f64(),
        kind,
        detail: detail.to_owned(),
        sent: None,
    };
    Session {
        folder: PathBuf::from("session"),
        manifest: manifest::tests::manifest(),
        frames,
        faces,
        events: vec![
            event(0, EventKind::Started, ""),
            event(31_500, EventKind::Marker, ODD_NOTE),
            event(108_000, EventKind::Paused, ""),
            event(450_000, EventKind::Resumed, ""),
            event(486_000, EventKind::Stopped, "stopped"),
        ],
        annotations: Annotations::default(),
        annotations_problem: None,
        left_out: Default::default(),
    }
}

/// A session in which nothing happened.
pub(crate) fn empty() -> Session {
    Session {
        frames: Vec::new(),
        faces: Vec::new(),
        events: Vec::new(),
        ..two_people()
    }
}

/// [`two_people`], but both are out of sight all the time.
pub(crate) fn nobody() -> Session {
    let mut session = two_people();
    session.faces.clear();
    for frame in &mut session.frames {
        frame.n_faces = frame.n_faces.map(|_| 0);
    }
    session
}

/// A part of a video of 640×480.
pub(crate) fn video(file: &str, annotated: bool, first_frame: u64, first_ticks: u64) -> Video {
    Video {
        file: file.to_owned(),
        annotated,
        width: 640,
        height: 480,
        first_frame,
        first_time: Ticks(first_ticks),
        codec: "H.264".to_owned(),
        encoder: "OpenH264".to_owned(),
        n_frames: None,
        n_bytes: None,
    }
}

/// The shape of a face that is turned too far to the right.
pub(crate) fn turned_away() -> FaceShape {
    let pose = HeadPose {
        yaw_deg: 60.0,
        ..HeadPose::default()
    };
    FaceShape {
        pose,
        ..FaceShape::default()
    }
}

/// 0.4 for an expression and 0.1 for each of the others.
pub(crate) fn mostly(label: Expression) -> Probabilities {
    let mut probabilities = Probabilities::from([0.1; N_EXPRESSIONS]);
    probabilities.0[label.index()] = 0.4;
    probabilities
}
