//! Recordings with networks whose labels are not FER-2013's.

use super::*;
use crate::expression::PerLabel;

fn with_labels(name: &str, names: &[&str]) -> Arc<CheckpointInfo> {
    let labels = Labels::new(names).unwrap();
    Arc::new(CheckpointInfo {
        labels,
        outputs: labels.names().map(str::to_owned).collect(),
        ..(*checkpoint(name)).clone()
    })
}

/// Sends a result with this many faces, read by a network with other labels.
fn analyze(script: &Script, frame: &Arc<Frame>, n_faces: u64, network: &Arc<CheckpointInfo>) {
    let values = PerLabel::from_values(network.labels, [0.25, 0.75]);
    let face = |track: u64| FaceAnalysis {
        track: TrackId(track),
        number: track,
        box_in_frame: BoundingBox::new(10.0, 8.0, 20.0, 20.0),
        score: 12.0,
        unseen_for: Duration::ZERO,
        shape: None,
        corrected: None,
        second: None,
        raw: Probabilities(values),
        smoothed: Probabilities(values),
        label: Probabilities(values).top().0,
    };
    let analysis = Analysis {
        frame: Arc::clone(frame),
        faces: (1..=n_faces).map(face).collect(),
        meshes: Vec::new(),
        checkpoint: Some(Arc::clone(network)),
        second: None,
        settings: script.settings,
        completed_at: frame.captured_at + Duration::from_millis(20),
        detect_time: Duration::from_millis(11),
        classify_time: Duration::from_millis(2),
    };
    script.tap.analyzed(RUN, &analysis);
}

#[test]
fn tables_have_the_labels_of_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::None));
    // As long as no face has a row, the network may be any.
    let first = script.capture();
    script.analyze(&first, 0, &checkpoint("seven"));
    let masks = with_labels("masks", &["mask", "no mask"]);
    for n_faces in [0, 1, 2] {
        let frame = script.capture();
        analyze(&script, &frame, n_faces, &masks);
    }
    script.recorder.stop("stopped");
    let (ending, session) = script.finish();
    assert!(!ending.failed, "{}", ending.reason);
    assert_eq!(session.labels(), masks.labels);
    assert_eq!(session.manifest.labels, masks.labels);
    assert_eq!(session.manifest.models[1].labels, ["mask", "no mask"]);
    let columns = &session.manifest.columns["faces.csv"];
    assert!(columns.contains_key("smoothed_no mask") && !columns.contains_key("raw_happy"));
    assert_eq!(session.faces.len(), 3);
    assert_eq!(session.faces[0].label().name(), "no mask");
    assert_eq!(session.faces[0].face.smoothed.0[..], [0.25, 0.75]);
}

#[test]
fn other_labels_end_a_recording_that_has_faces() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::None));
    let first = script.capture();
    script.analyze(&first, 1, &checkpoint("seven"));
    let masks = with_labels("masks", &["mask", "no mask"]);
    let second = script.capture();
    analyze(&script, &second, 1, &masks);
    let (ending, session) = script.finish();
    assert!(ending.failed);
    assert!(
        ending
            .reason
            .contains("changed to “masks”, which has other labels (mask, no mask)"),
        "{}",
        ending.reason
    );
    assert_eq!(session.labels(), Labels::FER_2013);
    assert_eq!((session.frames.len(), session.faces.len()), (2, 1));
    assert_eq!(session.frames[1].status, FrameStatus::Skipped);
}
