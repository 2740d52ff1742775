//! `fervis export` and `fervis reanalyze` as programs, on recorded sessions.
//!
//! The session is made here from the results of `fervis analyze` for the clip.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use fervis::{
    bounding_box::BoundingBox,
    detect::{FaceShape, TrackId},
    expression::{Expression, Labels, Probabilities},
    pipeline::FaceAnalysis,
    session::tables::{self, FaceRow, FrameRow, FrameStatus, Row},
    time::Ticks,
};
use serde_json::{Value, json};

fn fervis(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fervis"))
        .args(args)
        .env("RUST_LOG", "error")
        .output()
        .unwrap()
}

/// Standard output of a command that succeeds.
fn run(args: &[&str]) -> String {
    let output = fervis(args);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {message}");
    String::from_utf8(output.stdout).unwrap()
}

/// Exit status 1 and one line on stderr that names `what`.
fn assert_fails(args: &[&str], what: &str) {
    let output = fervis(args);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{args:?}: {message}");
    assert!(message.contains(what), "{args:?}: {message}");
}

/// A table as a recording writes it.
fn write<R: Row>(folder: &Path, rows: &[R]) {
    fs::write(folder.join(R::FILE), tables::table(Labels::FER_2013, rows)).unwrap();
}

fn manifest(source: &Path) -> Value {
    json!({
        "schema": "fervis-session/1",
        "app": {"name": "fervis", "version": "0.1.0"},
        "status": "complete",
        "started": "2026-11-25T14:03:05+01:00",
        "ended": null,
        "ended_because": null,
        "clock": {"zero_unix_s": 1.7e9, "time_zone": null, "t_s": ""},
        "source": {
            "kind": "file", "name": "demo.mp4", "path": source, "width": 640, "height": 480,
            "nominal_rate_hz": 30.0, "format": "H.264",
        },
        "device": null,
        "models": [{
            "name": "fervis-plus", "architecture": "fervis-plus", "path": null, "sha256": "", "labels": [],
            "temperature": 1.0,
        }],
        "settings": {
            "smoothing_s": 0.3, "min_face_size_px": 40, "score_threshold": 4.0, "video": "none", "privacy": null,
        },
        "video": [],
        "counts": {"captured": 0, "analysed": 0, "skipped": 0, "recorded": 0, "refused": 0, "faces": 0},
        "latency_ms": {"p50": null, "p95": null},
        "columns": {},
    })
}

/// A session of the first second of the clip, with the results of `fervis analyze`.
#[cfg(feature = "h264-bundled")]
pub fn record_clip(folder: &Path) {
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.mp4");
    let lines = run(&[
        "analyze",
        clip.to_str().unwrap(),
        "--json",
        "-",
        "--seconds",
        "1",
    ]);
    let (mut frames, mut faces) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let frame = line["frame"].as_u64().unwrap();
        let time_s = line["time_s"].as_f64().unwrap();
        let time = Ticks::from_secs_f64(time_s);
        for face in line["faces"].as_array().unwrap() {
            let edge = |index: usize| face["box"][index].as_f64().unwrap() as f32;
            let probabilities = |kind: &str| {
                let of =
                    |expression: Expression| face[kind][expression.name()].as_f64().unwrap() as f32;
                Probabilities::from(Expression::ALL.map(of))
            };
            faces.push(FaceRow {
                frame,
                time,
                face: FaceAnalysis {
                    track: TrackId(face["track"].as_u64().unwrap()),
                    number: face["track"].as_u64().unwrap(),
                    score: 10.0,
                    box_in_frame: BoundingBox::new(edge(0), edge(1), edge(2), edge(3)),
                    unseen_for: Default::default(),
                    raw: probabilities("raw"),
                    smoothed: probabilities("smoothed"),
                    label: probabilities("smoothed").top().0,
                    shape: face.get("mesh").map(|mesh| {
                        let mut shape = FaceShape::default();
                        for measure in &FaceShape::MEASURES {
                            let value = mesh[measure.name].as_f64().unwrap();
                            (measure.set)(&mut shape, value as f32);
                        }
                        shape
                    }),
                    corrected: None,
                    second: None,
                },
                model: 0,
                second_model: None,
                detect_time: Default::default(),
                classify_time: Default::default(),
                file: None,
            });
        }
        frames.push(FrameRow {
            frame,
            time,
            unix_s: 1.7e9 + time_s,
            source_s: time_s,
            status: FrameStatus::Analyzed,
            video_frame: None,
            n_faces: None,
            latency: None,
            file: None,
        });
    }
    write(folder, &frames);
    write(folder, &faces);
    fs::write(folder.join("session.json"), manifest(&clip).to_string()).unwrap();
}

#[test]
#[cfg(feature = "h264-bundled")]
fn the_same_network_gives_the_same_results_again() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("clip");
    fs::create_dir(&session).unwrap();
    record_clip(&session);
    let before = fs::read(session.join("faces.csv")).unwrap();
    let session_arg = session.to_str().unwrap();
    let args = ["reanalyze", session_arg, "--checkpoint", "fervis-plus"];
    let table = run(&args);
    assert!(
        table.contains("the same label for 100.0 % of them"),
        "{table}"
    );
    let results = session.join("reanalysis-fervis-plus");
    let diff: Value =
        serde_json::from_slice(&fs::read(results.join("diff.json")).unwrap()).unwrap();
    let n_faces = diff["overall"]["n_faces"].as_u64().unwrap();
    assert!(n_faces >= 30, "{n_faces} faces");
    assert_eq!(diff["faces"]["without_picture"], 0);
    for class in diff["overall"]["classes"].as_array().unwrap() {
        for change in ["mean_change", "mean_change_raw"] {
            // Boxes have two decimals in the table, probabilities four.
            assert!(class[change].as_f64().unwrap() < 2e-3, "{class}");
        }
    }
    assert_eq!(
        fs::read(session.join("faces.csv")).unwrap(),
        before,
        "the recording is unchanged"
    );
    assert_fails(&args, "exists already; --force replaces it");
    run(&[&args[..], &["--force"]].concat());
    assert_fails(
        &[&args[..], &["--out", session_arg, "--force"]].concat(),
        "is a session",
    );
}

#[test]
fn formats_are_written_to_their_files_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("session");
    fs::create_dir(&session).unwrap();
    fs::write(
        session.join("session.json"),
        manifest(Path::new("gone.mp4")).to_string(),
    )
    .unwrap();
    let session_arg = session.to_str().unwrap();
    let out = folder.path().join("labels.vtt");
    let export = |format: &str, out: &Path| -> Vec<PathBuf> {
        let out = out.to_str().unwrap();
        let written = run(&["export", session_arg, "--format", format, "--out", out]);
        written.lines().map(PathBuf::from).collect()
    };
    assert_eq!(export("webvtt", &out), [out.as_path()]);
    assert_eq!(fs::read_to_string(&out).unwrap(), "WEBVTT\n");
    let events = folder.path().join("events.tsv");
    assert_eq!(
        export("bids", &events),
        [events.clone(), events.with_extension("json")]
    );

    let args = [
        "export",
        session_arg,
        "--format",
        "webvtt",
        "--out",
        out.to_str().unwrap(),
    ];
    assert_fails(&args, "labels.vtt exists already; --force replaces it");
    run(&[&args[..], &["--force"]].concat());
    assert_fails(
        &[&args[..], &["--force", "--track", "3"]].concat(),
        "there is no face 3",
    );
    let nothing = folder.path().to_str().unwrap();
    assert_fails(
        &["export", nothing, "--format", "srt", "--out", "a.srt"],
        "is not a session",
    );
    assert_fails(
        &["reanalyze", session_arg, "--checkpoint", "fervis-plus"],
        "gone.mp4 is gone",
    );
    let usage = fervis(&["export", session_arg, "--format", "docx", "--out", "a"]);
    assert_eq!(usage.status.code(), Some(2));
    assert_eq!(
        fs::read_dir(&session).unwrap().count(),
        1,
        "the session is unchanged"
    );
}
