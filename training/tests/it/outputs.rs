//! The trainer's results on the disk: no command destroys what it reads or what an earlier run found.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::fixtures::{recipe, write_data};

/// A folder with a small dataset, a checkpoint, and an earlier result.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder };
        fs::create_dir(desk.path("data")).unwrap();
        write_data(&desk.path("data/fer2013.csv"));
        fs::write(desk.path("short.toml"), recipe("short", 1)).unwrap();
        fs::write(desk.path("old"), "kept\n").unwrap();
        let net = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/three-block.safetensors");
        fs::copy(net, desk.path("net.safetensors")).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The files, with their content.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = fs::read(&path).unwrap();
                    files.push((path, content));
                }
            }
        }
        files.sort();
        files
    }

    fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_fervis-train"))
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("RUST_LOG", "error")
            .output()
            .unwrap()
    }

    fn succeeds(&self, line: &str) -> String {
        let output = self.run(line);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {words}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit status 1, one sentence that holds `words`, and no file is another than before.
    fn refuses(&self, line: &str, words: &str) {
        let before = self.files();
        let output = self.run(line);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {message}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
        assert!(message.contains(words), "{line}: {message}");
        assert!(self.files() == before, "{line} changed a file");
    }
}

#[test]
fn a_result_is_never_written_over_what_is_read() {
    let desk = Desk::new();
    fs::hard_link(desk.path("net.safetensors"), desk.path("hard")).unwrap();
    for line in [
        "evaluate net.safetensors --data data/fer2013.csv --logits data/fer2013.csv --force",
        "evaluate net.safetensors --data data --logits data/fer2013.csv --force",
        "evaluate net.safetensors --data data --risk net.safetensors --force",
        "evaluate net.safetensors --data data --reliability hard --force",
        "doctor --data data/fer2013.csv --index data/fer2013.csv --force",
        "import net.safetensors net.safetensors --force",
        "import net.safetensors ./hard --force",
        "preview data/fer2013.csv --data data --force",
        "calibrate net.safetensors net.safetensors --data data --force",
        "calibrate net.safetensors new --data data --risk hard --force",
    ] {
        desk.refuses(line, "is read by this command");
    }
    let line = "evaluate net.safetensors --data data --logits new --risk new";
    desk.refuses(line, "are the same file");
}

#[test]
fn an_earlier_result_is_replaced_on_demand_only() {
    let desk = Desk::new();
    fs::write(desk.path("old.png"), "kept\n").unwrap();
    for line in [
        "evaluate net.safetensors --data data --logits old",
        "evaluate net.safetensors --data data --reliability old",
        "evaluate net.safetensors --data data --risk old",
        "doctor --data data --index old",
        "import net.safetensors old",
        "preview old.png --data data",
        "calibrate net.safetensors old --data data",
    ] {
        desk.refuses(line, "exists already; --force replaces it");
    }
    let line = "evaluate net.safetensors --data data --logits old --risk risk.svg";
    desk.succeeds(&format!("{line} --force"));
    let logits = String::from_utf8(desk.read("old")).unwrap();
    assert!(logits.starts_with("angry,disgust,fear,happy,sad,surprise,neutral\n"));
    assert_eq!(logits.lines().count(), 15);
    assert!(desk.read("risk.svg").starts_with(b"<svg"));
    desk.succeeds("preview old.png --data data --force");
    assert!(desk.read("old.png").starts_with(b"\x89PNG"));
    desk.succeeds("doctor --data data --index old --force");
    assert!(desk.read("old").starts_with(b"# fervis index"));
}

#[test]
fn what_cannot_be_opened_leaves_earlier_results() {
    let desk = Desk::new();
    for line in [
        "evaluate net.safetensors --data typo --logits old --force",
        "evaluate typo --data data --logits old --force",
        "doctor --data typo --index old --force",
        "import typo old --force",
        "import old new",
        "calibrate old new --data data",
        "train --data typo --recipe short.toml --out run",
    ] {
        desk.refuses(line, "");
    }
}

#[test]
fn a_result_on_the_standard_output_is_alone_there() {
    let desk = Desk::new();
    let out = desk.succeeds("evaluate net.safetensors --data data --logits -");
    assert!(out.starts_with("angry,disgust,"), "{out}");
    assert_eq!(out.lines().count(), 15);
}

#[test]
fn a_run_writes_over_nothing_that_it_did_not_make() {
    let desk = Desk::new();
    let train = "train --data data --recipe short.toml --out run";
    desk.succeeds(train);
    let best = desk.read("run/best.safetensors");
    let teacher = format!("{train} --pretrained run/best.safetensors");
    desk.refuses(&teacher, "which it learns from");
    // Whoever cleans up keeps the checkpoint and deletes the state.
    fs::remove_file(desk.path("run/state.safetensors")).unwrap();
    desk.refuses(train, "no state to resume from");
    assert_eq!(desk.read("run/best.safetensors"), best);
    desk.succeeds(&format!("{train} --force"));
    assert!(desk.path("run/state.safetensors").exists());
}
