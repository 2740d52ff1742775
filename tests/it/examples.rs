//! The programs in `examples/`, run once each.
//!
//! They are asked only where cargo built them, as in a test without a filter for targets.

use std::{path::Path, process::Command};

/// What an example prints; `None` if it was not built.
fn run(name: &str, args: &[&str]) -> Option<String> {
    let programs = Path::new(env!("CARGO_BIN_EXE_fervis")).parent().unwrap();
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = programs.join("examples").join(name);
    if !program.is_file() {
        println!("skipped: {} was not built", program.display());
        return None;
    }
    let output = Command::new(program).args(args).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn faces_in_image_reads_a_portrait() {
    let portrait = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/faces/astronaut.png");
    if let Some(text) = run("faces_in_image", &[portrait]) {
        assert!(text.contains("faces: 1\n"), "{text}");
        assert!(text.contains("happy      9"), "above 90 %: {text}");
    }
}

#[test]
#[cfg(feature = "h264-bundled")]
fn live_values_follow_the_demo() {
    if let Some(text) = run("live_values", &["demo", "5"]) {
        assert!(text.contains("frames analyzed\n"), "{text}");
    }
}

#[test]
#[cfg(feature = "h264-bundled")]
fn session_table_reads_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    super::exports::record_clip(folder.path());
    if let Some(text) = run("session_table", &[folder.path().to_str().unwrap()]) {
        let mut lines = text.lines();
        let header = lines.next().unwrap();
        assert!(header.trim_start().starts_with("face"), "{text}");
        assert!(lines.next().is_some(), "someone is in the clip: {text}");
    }
}
