//! What faces are called, said while they are recorded.

use super::*;
use crate::session::manifest::Manifest;

/// Sends a result with the face that the pipeline knows as 17, and that is the first in the recording.
fn analyze(script: &Script, frame: &Arc<Frame>) {
    let mut analysis = script.analysis(frame, 1, &checkpoint("first"));
    analysis.faces[0].track = TrackId(17);
    script.tap.analyzed(RUN, &analysis);
}

#[test]
fn names_are_written_by_number_although_they_come_late() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::None));
    let mut names = FaceNames::default();
    names.set(17, "Ben");
    names.set(3, "somebody who has left");
    let frame = script.capture();
    analyze(&script, &frame);
    script.recorder.name_faces(names.clone());
    // It is there long before the end, and nothing that happens later takes it back.
    let recorded = script.recorder.folder().to_owned();
    let said = || Manifest::read(&recorded).unwrap().face_names;
    for _ in 0..2000 {
        if said().get(1).is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(said().get(1), Some("Ben"));
    names.set(17, "Anna");
    script.recorder.name_faces(names);
    script.recorder.stop("stopped");
    let (ending, session) = script.finish();
    assert!(!ending.failed, "{}", ending.reason);
    assert_eq!(session.faces[0].face.track, TrackId(1));
    let names: Vec<_> = session.manifest.face_names.iter().collect();
    assert_eq!(names, [(1, "Anna")]);
    assert_eq!(session.manifest.counts.tracks, Some(1));
    // They may still be changed, and nothing else changes with them.
    let mut later = FaceNames::default();
    later.set(1, "Anna M.");
    crate::session::catalog::name_faces(&recorded, &later).unwrap();
    let again = Session::open(&recorded).unwrap();
    assert_eq!(again.manifest.face_names, later);
    assert_eq!((again.faces, again.events), (session.faces, session.events));
}
