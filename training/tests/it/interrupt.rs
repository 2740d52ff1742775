//! Ctrl-C on the program itself: it saves, says how to resume, and resumes.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use super::fixtures::{recipe, write_data};

/// The command under test.
fn train(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fervis-train"));
    command
        .current_dir(folder)
        .args([
            "train",
            "--data",
            "faces.csv",
            "--recipe",
            "endless.toml",
            "--out",
            "my run",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts a run, waits until `n_epochs` are done, and presses Ctrl-C.
fn interrupted(folder: &Path, n_epochs: usize) -> Output {
    let mut child = train(folder).spawn().unwrap();
    let epochs = folder.join("my run/epochs.csv");
    let n_done = || fs::read_to_string(&epochs).map_or(0, |table| table.lines().count());
    while n_done() <= n_epochs && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(status.success());
    child.wait_with_output().unwrap()
}

#[test]
fn ctrl_c_saves_and_says_how_to_resume() {
    let folder = tempfile::tempdir().unwrap();
    write_data(&folder.path().join("faces.csv"));
    fs::write(
        folder.path().join("endless.toml"),
        recipe("endless", 100_000),
    )
    .unwrap();
    for n_epochs in [1, 20] {
        let output = interrupted(folder.path(), n_epochs);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{err}");
        assert!(err.contains("finishing the step and saving"), "{err}");
        assert!(out.contains("interrupted in epoch"), "{out}");
        assert!(out.contains("to resume at the same step:"), "{out}");
        assert!(
            out.contains("train --data faces.csv --recipe endless.toml --out 'my run'"),
            "{out}"
        );
    }
}
