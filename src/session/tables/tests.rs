//! Rows are read as they were written, and mistakes are named with their line.

use std::fs;

use super::*;
use crate::{expression::N_EXPRESSIONS, session::SessionError};

/// A face in frame `frame` of a recording at 30 Hz.
pub(crate) fn face(frame: u64, track: u64, happy: f32) -> FaceRow {
    let mut raw = Probabilities([(1.0 - happy) / 6.0; N_EXPRESSIONS]);
    raw.0[Expression::Happy.index()] = happy;
    FaceRow {
        frame,
        pts_90k: frame * 3000,
        track,
        score: 12.5,
        box_in_frame: BoundingBox::new(-1.5, 20.0, 100.25, 101.0),
        unseen_for: Duration::ZERO,
        raw,
        smoothed: raw,
        model: 0,
        detect_time: Duration::from_micros(11_250),
        classify_time: Duration::from_micros(1500),
        shape: None,
    }
}

fn frame(frame: u64) -> FrameRow {
    FrameRow {
        frame,
        pts_90k: frame * 3000,
        unix_s: 1_700_000_000.25,
        source_s: 0.5,
        status: FrameStatus::Analysed,
        video_frame: Some(frame),
        n_faces: Some(1),
        latency: Some(Duration::from_micros(31_250)),
    }
}

fn written<R: Row>(rows: &[R]) -> String {
    let mut lines = Lines::<R>::default();
    let mut text = lines.header().to_vec();
    text.extend_from_slice(lines.rows(rows));
    String::from_utf8(text).unwrap()
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
    let faces = vec![face(0, 1, 0.4), face(0, 2, 0.7)];
    let again = read_again::<FaceRow>(&written(&faces)).unwrap();
    assert_eq!(again.len(), 2);
    assert_eq!(again[0].box_in_frame, faces[0].box_in_frame);
    assert!((again[1].raw.0[3] - 0.7).abs() < 1e-4);
    assert_eq!(again[1].label(), Expression::Happy);
    let events: Vec<EventRow> = EventKind::ALL
        .into_iter()
        .map(|kind| EventRow {
            pts_90k: 45_000,
            unix_s: 1.5,
            kind,
            detail: "a \"note\", with\na line".to_owned(),
        })
        .collect();
    assert_eq!(read_again::<EventRow>(&written(&events)).unwrap(), events);
}

#[test]
fn the_lines_are_what_statistics_packages_expect() {
    let text = written(&[frame(1)]);
    assert_eq!(
        text,
        "frame,t_s,pts_90k,unix_s,source_s,status,video_frame,n_faces,latency_ms\n\
         1,0.033333,3000,1700000000.250000,0.500000,analysed,1,1,31.25\n"
    );
    let text = written(&[face(2, 1, 0.4)]);
    assert!(text.ends_with(
        "\n2,0.066667,6000,1,12.50,-1.50,20.00,100.25,101.00,0.000,\
         0.1000,0.1000,0.1000,0.4000,0.1000,0.1000,0.1000,\
         0.1000,0.1000,0.1000,0.4000,0.1000,0.1000,0.1000,happy,0,11.25,1.50,,,,,,,,,,,,,,\n"
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
        missing.contains("line 2: there is no column raw_happy"),
        "{missing}"
    );
}

#[test]
fn times_are_exact_in_ticks() {
    assert_eq!(ticks(Duration::from_nanos(33_333_333)), 3000);
    assert_eq!(ticks(Duration::from_secs(36_000)), 3_240_000_000);
    assert!((seconds(ticks(Duration::from_millis(1234))) - 1.234).abs() < 1e-9);
}

#[test]
fn a_mesh_comes_back_and_old_tables_have_none() {
    let mut shape = FaceShape::default();
    for (at, measure) in FaceShape::MEASURES.iter().enumerate() {
        (measure.set)(&mut shape, at as f32 + 0.25);
    }
    let with_mesh = FaceRow {
        shape: Some(shape),
        ..face(1, 1, 0.4)
    };
    let text = written(&[with_mesh.clone(), face(2, 1, 0.4)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, &text).unwrap();
    let rows: Vec<FaceRow> = read(&path).unwrap();
    assert_eq!((rows[0].shape, rows[1].shape), (with_mesh.shape, None));
    // As an earlier version wrote it.
    let old: String = text
        .lines()
        .map(|line| line.split(',').take(28).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    fs::write(&path, old).unwrap();
    let rows: Vec<FaceRow> = read(&path).unwrap();
    assert_eq!((rows.len(), rows[0].shape), (2, None));
}
