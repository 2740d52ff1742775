//! Result files: no command destroys what it reads or the results of an earlier run.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A folder with an image, a copy of a checkpoint, and an earlier result.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let copy = |from: &str, to: &str| {
            fs::copy(repository.join(from), folder.path().join(to)).unwrap();
        };
        copy("assets/faces/astronaut.png", "face.png");
        copy("models/three-block.safetensors", "net.safetensors");
        fs::write(folder.path().join("old.csv"), "kept\n").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// `fervis` with these arguments, in the folder.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fervis"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .env("RUST_LOG", "error");
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn succeeds(&self, line: &str) {
        let output = self.run(line);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {words}");
    }

    /// Exit status 1, one sentence that contains `words`, and no changed file.
    fn refuses(&self, line: &str, words: &str) {
        let content = || -> Vec<_> {
            let names = self.names().into_iter();
            names.map(|name| (self.read(&name), name)).collect()
        };
        let before = content();
        let output = self.run(line);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {message}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
        assert!(message.contains(words), "{line}: {message}");
        assert!(content() == before, "{line}: {:?}", self.names());
    }
}

#[test]
fn an_input_is_never_overwritten() {
    let desk = Desk::new();
    let words = "is read by this command";
    for line in [
        "analyze face.png --json face.png",
        "analyze face.png --json face.png --force",
        "analyze face.png --csv ./face.png --force",
        "analyze face.png --checkpoint net.safetensors --json net.safetensors --force",
        "analyze . --csv face.png --force",
    ] {
        desk.refuses(line, words);
    }
    fs::hard_link(desk.path("face.png"), desk.path("hard.json")).unwrap();
    desk.refuses("analyze face.png --json hard.json --force", words);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("face.png", desk.path("link.json")).unwrap();
        desk.refuses("analyze face.png --json link.json --force", words);
    }
    if cfg!(feature = "gui") {
        desk.refuses("--source face.png --json face.png --force", words);
    }
}

#[test]
fn a_failed_command_keeps_earlier_results() {
    let desk = Desk::new();
    fs::write(desk.path("broken.mp4"), b"\0\0\0\x18ftypisom\0\0\0\0isom").unwrap();
    fs::write(desk.path("broken.safetensors"), b"no weights").unwrap();
    for line in [
        "analyze typo.mp4 --csv old.csv --force",
        "analyze broken.mp4 --csv old.csv --json new.json --force",
        "analyze face.png --checkpoint typo --csv old.csv --force",
        "analyze face.png --checkpoint broken.safetensors --csv old.csv --force",
        "analyze camera:nobody-has-this --csv old.csv --force",
    ] {
        desk.refuses(line, "");
    }
}

#[test]
fn an_earlier_result_is_replaced_only_with_force() {
    let desk = Desk::new();
    let words = "old.csv exists already; --force replaces it";
    desk.refuses("analyze face.png --csv old.csv", words);
    desk.refuses("analyze face.png --json old.csv", words);
    if cfg!(feature = "gui") {
        desk.refuses("--json old.csv", words);
    }
    desk.succeeds("analyze face.png --csv old.csv --force");
    assert!(desk.text("old.csv").starts_with("frame,time_s,"));
    desk.succeeds("analyze face.png --json new.json --csv new.csv");
    assert_eq!(desk.text("new.json").lines().count(), 1);
    assert_eq!(desk.text("new.csv"), desk.text("old.csv"));
    let names = [
        "face.png",
        "net.safetensors",
        "new.csv",
        "new.json",
        "old.csv",
    ];
    assert_eq!(desk.names(), names, "nothing else is left");
}

#[test]
fn two_results_need_two_files() {
    let desk = Desk::new();
    let words = "are the same file";
    desk.refuses("analyze face.png --json x --csv x", words);
    desk.refuses("analyze face.png --json x --csv ./x", words);
    desk.refuses(
        "analyze face.png --json old.csv --csv old.csv --force",
        words,
    );
    desk.refuses("analyze face.png --json x --csv x.partial", words);
}

#[test]
fn an_impossible_destination_is_reported_before_the_work() {
    let desk = Desk::new();
    desk.refuses("analyze face.png --json no/such/x", "there is no folder");
    let output = desk.run("analyze face.png --json .");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains(". is a folder"), "{message}");
}

#[test]
#[cfg(all(unix, feature = "h264-bundled"))]
fn a_killed_run_keeps_the_old_result_and_its_own_partial_one() {
    let desk = Desk::new();
    let mut run = desk
        .command("analyze demo --json old.csv --force")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let partial = desk.path("old.csv.partial");
    let began = Instant::now();
    // Lines can be read while it runs.
    while fs::read_to_string(&partial).map_or(0, |text| text.lines().count()) < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "no line");
        assert!(run.try_wait().unwrap().is_none(), "it ended too early");
        thread::sleep(Duration::from_millis(2));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(desk.text("old.csv"), "kept\n");
    assert!(desk.text("old.csv.partial").starts_with(r#"{"frame":0,"#));
    // The partial result is not lost either, without --force.
    fs::remove_file(desk.path("old.csv")).unwrap();
    let line = "analyze face.png --csv old.csv";
    desk.refuses(line, "was left by an interrupted run");
    desk.succeeds(&format!("{line} --force"));
    assert!(desk.text("old.csv").starts_with("frame,time_s,"));
    assert!(!partial.exists());
}

#[test]
#[cfg(unix)]
fn devices_and_pipes_are_written_to() {
    let desk = Desk::new();
    desk.succeeds("analyze face.png --json /dev/null --csv /dev/null");
    let output = desk.run("analyze face.png --json /dev/stdout");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
    // Also if the shell redirects it to a file.
    let to_file = File::create(desk.path("shell.json")).unwrap();
    let mut command = desk.command("analyze face.png --json /dev/stdout");
    assert!(command.stdout(to_file).status().unwrap().success());
    assert_eq!(desk.text("shell.json").lines().count(), 1);
    let fifo = desk.path("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let mut run = desk.command("analyze face.png --csv fifo").spawn().unwrap();
    let mut text = String::new();
    File::open(&fifo)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(run.wait().unwrap().success());
    assert!(text.starts_with("frame,time_s,") && text.lines().count() == 2);
    let names = [
        "face.png",
        "fifo",
        "net.safetensors",
        "old.csv",
        "shell.json",
    ];
    assert_eq!(desk.names(), names);
}

#[test]
fn a_cause_is_stated_once() {
    let desk = Desk::new();
    let output = desk.run("analyze face.png --checkpoint missing.safetensors");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(message.matches("os error").count(), 1, "{message}");
}
