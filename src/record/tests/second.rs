//! Recordings with a second network.

use super::*;
use crate::{pipeline::FaceValues, session::tables::FaceRow};

/// Sends a result with one face, read by a second network too, if there is one.
fn compare(
    script: &Script,
    frame: &Arc<Frame>,
    network: &Arc<CheckpointInfo>,
    second: Option<&Arc<CheckpointInfo>>,
) {
    let mut analysis = script.analysis(frame, 1, network);
    analysis.second = second.map(Arc::clone);
    for face in &mut analysis.faces {
        face.second = second.map(|_| FaceValues {
            raw: face.raw,
            smoothed: face.raw,
            label: Expression::Sad.into(),
        });
    }
    script.tap.analyzed(RUN, &analysis);
}

#[test]
fn what_a_second_network_reads_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::None));
    let [first, one, two] = ["first", "one", "two"].map(checkpoint);
    for second in [None, Some(&one), Some(&two), Some(&one), None] {
        let frame = script.capture();
        compare(&script, &frame, &first, second);
    }
    script.recorder.stop("stopped");
    let (ending, session) = script.finish();
    assert!(!ending.failed, "{}", ending.reason);
    let of = |row: &FaceRow| (row.second_model, row.face.second.map(|second| second.label));
    let sad = Some(Expression::Sad.into());
    assert_eq!(
        session.faces.iter().map(of).collect::<Vec<_>>(),
        [
            (None, None),
            (Some(0), sad),
            (Some(1), sad),
            (Some(0), sad),
            (None, None)
        ]
    );
    assert_eq!(session.networks(), "first");
    assert_eq!(session.second_networks(), "one, two");
    let noted = session.events.iter();
    let noted = noted.filter(|event| event.kind == EventKind::Checkpoint);
    let noted: Vec<&str> = noted.map(|event| event.detail.as_str()).collect();
    assert_eq!(
        noted,
        ["one", "two", "one", "none"].map(|name| format!("second network: {name}"))
    );
}
