//! Rows are read as they were written, and mistakes are named with their line.

use std::{fs, time::Duration};

use super::*;
use crate::{
    bounding_box::BoundingBox,
    detect::{FaceShape, HeadPose, TrackId},
    expression::{Expression, Labels, N_EXPRESSIONS, Probabilities},
    pipeline::{Corrected, FaceAnalysis, FaceValues, markers::Sent},
    session::SessionError,
    time::Ticks,
};

/// A face in frame `frame` of a recording at 30 Hz.
pub(crate) fn face(frame: u64, track: u64, happy: f32) -> FaceRow {
    let mut raw = Probabilities::from([(1.0 - happy) / 6.0; N_EXPRESSIONS]);
    raw.0[Expression::Happy.index()] = happy;
    FaceRow {
        frame,
        time: Ticks(frame * 3000),
        face: FaceAnalysis {
            track: TrackId(track),
            number: track,
            score: 12.5,
            box_in_frame: BoundingBox::new(-1.5, 20.0, 100.25, 101.0),
            unseen_for: Duration::ZERO,
            raw,
            smoothed: raw,
            label: raw.top().0,
            shape: None,
            corrected: None,
            second: None,
        },
        model: 0,
        second_model: None,
        detect_time: Some(Duration::from_micros(11_250)),
        classify_time: Some(Duration::from_micros(1500)),
        file: None,
    }
}

fn frame(frame: u64) -> FrameRow {
    FrameRow {
        frame,
        time: Ticks(frame * 3000),
        unix_s: 1_700_000_000.25,
        source_s: 0.5,
        status: FrameStatus::Analyzed,
        video_frame: Some(frame),
        n_faces: Some(1),
        latency: Some(Duration::from_micros(31_250)),
        file: None,
    }
}

fn written<R: Row>(rows: &[R]) -> String {
    String::from_utf8(table(Labels::FER_2013, rows)).unwrap()
}

fn read_again<R: Row>(text: &str) -> Result<Vec<R>, SessionError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(R::FILE);
    fs::write(&path, text).unwrap();
    read(&path)
}

#[test]
fn rows_are_read_as_they_were_written() {
    let frames = vec![
        frame(0),
        FrameRow {
            status: FrameStatus::Skipped,
            video_frame: None,
            n_faces: None,
            latency: None,
            ..frame(1)
        },
    ];
    assert_eq!(read_again::<FrameRow>(&written(&frames)).unwrap(), frames);
    let mut faces = vec![face(0, 1, 0.4), face(0, 2, 0.7)];
    let pose = HeadPose {
        yaw_deg: -12.5,
        ..HeadPose::default()
    };
    faces[1].face.corrected = Some(Corrected {
        probabilities: faces[0].face.raw,
        pose: Some(pose),
    });
    faces[1].second_model = Some(2);
    faces[1].face.second = Some(FaceValues {
        raw: faces[0].face.raw,
        smoothed: faces[1].face.raw,
        label: Expression::Sad.into(),
    });
    let again = read_again::<FaceRow>(&written(&faces)).unwrap();
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].face.corrected, None);
    assert_eq!((again[0].face.second, again[0].second_model), (None, None));
    let second = again[1].face.second.unwrap();
    assert_eq!(second.label, Expression::Sad, "a held label");
    assert!((second.raw.of(Expression::Happy) - 0.4).abs() < 1e-4);
    assert!((second.smoothed.of(Expression::Happy) - 0.7).abs() < 1e-4);
    assert_eq!(again[1].second_model, Some(2));
    let corrected = again[1].face.corrected.unwrap();
    assert!((corrected.probabilities.of(Expression::Happy) - 0.4).abs() < 1e-4);
    assert_eq!(corrected.pose, Some(pose));
    assert_eq!(again[0].face.box_in_frame, faces[0].face.box_in_frame);
    assert!((again[1].face.raw.0[3] - 0.7).abs() < 1e-4);
    assert_eq!(again[1].label(), Expression::Happy);
    let events: Vec<EventRow> = EventKind::ALL
        .into_iter()
        .map(|kind| EventRow {
            time: Ticks(45_000),
            unix_s: 1.5,
            kind,
            detail: "a \"note\", with\na line".to_owned(),
            sent: (kind == EventKind::Marker).then(|| Sent {
                sender: "osc".to_owned(),
                time_s: Some(1_764_075_785.25),
            }),
        })
        .collect();
    assert_eq!(read_again::<EventRow>(&written(&events)).unwrap(), events);
}

#[test]
fn the_lines_are_what_statistics_packages_expect() {
    let text = written(&[frame(1)]);
    assert_eq!(
        text,
        "frame,time_s,pts_90k,unix_s,source_s,status,video_frame,n_faces,latency_ms,file\n\
         1,0.033333,3000,1700000000.250000,0.500000,analysed,1,1,31.25,\n"
    );
    let text = written(&[face(2, 1, 0.4)]);
    assert!(text.ends_with(
        "\n2,0.066667,6000,1,12.50,-1.50,20.00,100.25,101.00,0.000,\
         0.1000,0.1000,0.1000,0.4000,0.1000,0.1000,0.1000,\
         0.1000,0.1000,0.1000,0.4000,0.1000,0.1000,0.1000,happy,0,11.25,1.50,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n"
    ));
}

#[test]
fn a_line_that_was_cut_off_is_not_read() {
    let text = written(&[face(0, 1, 0.4), face(1, 1, 0.4)]);
    let end_of_first = text.trim_end().rfind('\n').unwrap();
    for cut in [end_of_first + 1, end_of_first + 5, text.len() - 1] {
        assert_eq!(read_again::<FaceRow>(&text[..cut]).unwrap().len(), 1);
    }
    assert!(read_again::<FaceRow>("").is_err(), "not even a header");
}

#[test]
fn mistakes_are_named_with_their_line() {
    let text = written(&[face(0, 1, 0.4), face(1, 1, 0.4)]);
    let message = |text: &str| read_again::<FaceRow>(text).unwrap_err().to_string();
    let wrong = message(&text.replace("1,0.033333", "one,0.033333"));
    assert!(
        wrong.contains("faces.csv, line 3: frame is “one”"),
        "{wrong}"
    );
    let missing = message(&text.replace("raw_happy", "joy"));
    assert!(
        missing.contains("line 1: there is no column raw_happy"),
        "{missing}"
    );
}

#[test]
fn a_mesh_comes_back_and_old_tables_have_none() {
    let mut shape = FaceShape::default();
    for (at, measure) in FaceShape::MEASURES.iter().enumerate() {
        (measure.set)(&mut shape, at as f32 + 0.25);
    }
    let mut with_mesh = face(1, 1, 0.4);
    with_mesh.face.shape = Some(shape);
    with_mesh.file = Some("a, b.jpg".into());
    let text = written(&[with_mesh.clone(), face(2, 1, 0.4)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, &text).unwrap();
    let rows: Vec<FaceRow> = read(&path).unwrap();
    assert_eq!(
        (rows[0].face.shape, rows[1].face.shape),
        (Some(shape), None)
    );
    assert_eq!((&rows[0].file, &rows[1].file), (&with_mesh.file, &None));
    // As an earlier version wrote it: without a mesh, without names of files, and with another name of the time.
    let old: String = text
        .lines()
        .map(|line| line.split(',').take(28).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let old = old.replace("time_s", "t_s");
    fs::write(&path, old).unwrap();
    let rows: Vec<FaceRow> = read(&path).unwrap();
    assert_eq!((rows.len(), rows[0].face.shape), (2, None));
}
