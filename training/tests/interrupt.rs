//! Ctrl-C on the program itself: it saves, says how to go on, and goes on.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as the tests themselves do"
)]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

/// A small network and so many epochs that the run does not end by itself.
const RECIPE: &str = r#"
name = "endless"
seed = 1
batch_size = 2
max_epochs = 100000
schedule = "constant"

[network]
architecture = "three-block"
[network.hyperparameters]
channels = [2, 2, 2]
hidden = 4
dropout2d = 0.0
dropout = 0.0

[optimizer.adam]
learning_rate = 1e-6

[selection]
metric = "loss"
patience = 100000
"#;

/// Writes a data set of two images for each of the seven expressions and each split.
fn write_data(path: &Path) {
    let mut table = "emotion,pixels,Usage\n".to_owned();
    for usage in ["Training", "PublicTest", "PrivateTest"] {
        for number in 0..14 {
            let shade = (number * 17).to_string();
            let pixels = vec![shade.as_str(); 48 * 48].join(" ");
            table += &format!("{},{pixels},{usage}\n", number % 7);
        }
    }
    fs::write(path, table).unwrap();
}

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
fn ctrl_c_saves_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    write_data(&folder.path().join("faces.csv"));
    fs::write(folder.path().join("endless.toml"), RECIPE).unwrap();
    for n_epochs in [1, 20] {
        let output = interrupted(folder.path(), n_epochs);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{err}");
        assert!(err.contains("finishing the step and saving"), "{err}");
        assert!(out.contains("interrupted in epoch"), "{out}");
        assert!(out.contains("to go on at the same step:"), "{out}");
        assert!(
            out.contains("train --data faces.csv --recipe endless.toml --out 'my run'"),
            "{out}"
        );
    }
}
