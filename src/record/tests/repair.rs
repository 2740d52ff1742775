//! Sessions that were cut off are repaired, and no others.

use super::*;

#[test]
fn an_interrupted_session_is_repaired_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::Clean));
    let network = checkpoint("first");
    for _ in 0..20 {
        let frame = script.capture();
        script.analyze(&frame, 1, &network);
    }
    script.recorder.stop("stopped");
    let (_, session) = script.finish();
    // As a crash would have left it: two tables end in the middle of a line, and the description knows of no end.
    let mut manifest = session.manifest.clone();
    manifest.status = Status::Recording;
    manifest.ended = None;
    manifest.counts = Default::default();
    manifest.write(&session.folder).unwrap();
    for table in ["frames.csv", "faces.csv"] {
        let path = session.folder.join(table);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 9]).unwrap();
    }
    let found = folder::interrupted_sessions(folder.path());
    assert_eq!(found, std::slice::from_ref(&session.folder));
    let report = recover::recover(&session.folder).unwrap();
    assert!(report.repaired);
    assert_eq!(report.n_frames, 20, "the video has it, so it has a row");
    assert!(
        report.steps[0].starts_with("frames.csv: the last line"),
        "{:?}",
        report.steps
    );
    let tail = fs::read_to_string(session.folder.join("frames.csv.tail")).unwrap();
    assert!(tail.starts_with("19,"), "{tail}");
    let recovered = Session::open(&session.folder).unwrap();
    assert_eq!(recovered.manifest.status, Status::Recovered);
    assert_eq!(recovered.manifest.counts.captured, 20);
    assert_eq!(recovered.manifest.counts.recorded, 20);
    assert_eq!(
        recovered.manifest.video[0].n_frames,
        Some(20),
        "the video was whole"
    );
    assert_eq!(recovered.frames[..19], session.frames[..19]);
    let (added, lost) = (&recovered.frames[19], &session.frames[19]);
    assert_eq!((added.time, added.video_frame), (lost.time, Some(19)));
    assert_eq!(
        added.status,
        FrameStatus::Skipped,
        "its faces were cut off too"
    );
    assert!((added.unix_s - lost.unix_s).abs() < 1e-4);
    assert!((added.source_s - lost.source_s).abs() < 1e-4);
    let again = recover::recover(&session.folder).unwrap();
    assert!(!again.repaired && again.steps.is_empty());
    assert_eq!(Session::open(&session.folder).unwrap(), recovered);
}

#[test]
fn a_session_being_recorded_is_not_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::start(&config(folder.path(), VideoChoice::None));
    let error = recover::recover(script.recorder.folder()).unwrap_err();
    assert!(matches!(error, SessionError::InUse { .. }), "{error}");
    assert!(folder::interrupted_sessions(folder.path()).is_empty());
    assert!(
        script
            .recorder
            .folder()
            .join(tables::FrameRow::FILE)
            .exists()
    );
}
