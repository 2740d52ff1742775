//! `fervis analyze … --out FOLDER` as a program: whole results, whatever happens in between.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use fervis::session::{Session, manifest::Status};

/// Timeout for analyzing a few seconds of video.
const PATIENCE: Duration = Duration::from_secs(180);
/// The bundled clip's frames: nine seconds at 30 a second.
#[cfg(feature = "h264-bundled")]
const N_DEMO_FRAMES: u64 = 270;

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `fervis analyze videos --out results` and further arguments, in a folder.
fn analyze(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fervis"));
    command
        .current_dir(root)
        .args(["analyze", "videos"])
        .args(args)
        .stdin(Stdio::null())
        .env("RUST_LOG", "error");
    command
}

fn run(root: &Path, args: &[&str]) -> Output {
    analyze(root, args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A folder `videos`: portraits, of which two have the same name, and videos without faces.
fn videos() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        let to = root.path().join("videos").join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(in_repository(from), to).unwrap();
    };
    let portrait = gif_of_a_portrait();
    for to in ["day1/P01_control.gif", "day2/P01_control.gif"] {
        let to = root.path().join("videos").join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, &portrait).unwrap();
    }
    copy("tests/media/mjpeg.avi", "day1/P02_control.avi");
    copy("tests/media/mjpeg.mkv", "day2/P02_treated.mkv");
    root
}

/// An animation of four frames with a face.
fn gif_of_a_portrait() -> Vec<u8> {
    let portrait = image::open(in_repository("assets/faces/astronaut.png")).unwrap();
    let portrait = portrait
        .resize(160, 160, image::imageops::FilterType::Triangle)
        .to_rgba8();
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for _ in 0..4 {
        let delay = image::Delay::from_numer_denom_ms(100, 1);
        let frame = image::Frame::from_parts(portrait.clone(), 0, 0, delay);
        encoder.encode_frame(frame).unwrap();
    }
    drop(encoder);
    bytes
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}

/// The rows of a table as lines, without the header.
fn rows(root: &Path, path: &str) -> BTreeSet<String> {
    let table = read(root, path);
    table.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn every_file_is_in_the_table_and_failures_stop_nothing() {
    let root = videos();
    let root = root.path();
    fs::write(root.join("videos/day1/page.mp4"), "<html>404</html>").unwrap();
    let args = [
        "--out",
        "results",
        "--jobs",
        "2",
        "--pattern",
        "{participant}_{condition}",
    ];
    let output = run(root, &args);
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{printed}{told}");
    assert!(
        printed.contains("5 files: 4 analyzed, 1 failed"),
        "{printed}"
    );
    let failure = "page.mp4 cannot be opened: it is a text file";
    assert!(printed.contains(failure), "{printed}");
    assert!(told.contains("day1/page.mp4 does not fit"), "{told}");

    // The same faces as one by one.
    let faces = read(root, "results/faces.csv");
    let header = faces.lines().next().unwrap();
    let lead = "file,participant,session,condition,note,name,frame,";
    assert!(header.starts_with(lead), "{header}");
    for file in ["day1/P01_control.gif", "day2/P01_control.gif"] {
        let path = format!("videos/{file}");
        let alone = Command::new(env!("CARGO_BIN_EXE_fervis"))
            .current_dir(root)
            .args(["analyze", &path, "--csv", "-"])
            .output()
            .unwrap();
        let alone = text(&alone.stdout).lines().skip(1);
        // Its last column names the picture file, and is empty for an animation.
        let alone: Vec<&str> = alone.map(|line| line.strip_suffix(',').unwrap()).collect();
        assert_eq!(alone.len(), 4, "a face in each frame");
        let lead = format!("{file},P01,,control,,,");
        let together = faces.lines().filter_map(|line| line.strip_prefix(&lead));
        assert_eq!(together.collect::<Vec<_>>(), alone);
    }

    let files = read(root, "results/files.csv");
    let of = |name: &str| files.lines().find(|line| line.starts_with(name)).unwrap();
    let avi = of("day1/P02_control.avi");
    assert!(
        avi.starts_with("day1/P02_control.avi,P02,,control,,analyzed,,12,0,0.440,64,48,25.000,"),
        "{avi}"
    );
    assert!(of("day1/page.mp4").contains(",failed,"), "{files}");
    let session = Session::open(&root.join("results/sessions/day2/P02_treated.mkv")).unwrap();
    assert_eq!(session.manifest.status, Status::Complete);
    assert_eq!(session.frames.len(), 12);
    assert_eq!(session.manifest.about.condition, "treated");
    assert_eq!(session.manifest.counts.skipped, 0);

    // Only the failure is tried again, and the tables stay as they were.
    let output = run(root, &args);
    assert_eq!(output.status.code(), Some(1));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("5 files: 4 finished before, 1 failed"),
        "{printed}"
    );
    assert_eq!(read(root, "results/faces.csv"), faces);
    assert_eq!(read(root, "results/files.csv"), files);

    // Who is in view can be corrected without another analysis, and the failure can be mended.
    fs::remove_file(root.join("videos/day1/page.mp4")).unwrap();
    fs::write(
        root.join("who.csv"),
        "file;participant\nday1/P01_control.gif;X1\n",
    )
    .unwrap();
    let output = run(root, &["--out", "results", "--participants", "who.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.contains("4 files: 4 finished before"), "{printed}");
    assert!(read(root, "results/faces.csv").contains("day1/P01_control.gif,X1,,,,"));

    // Other settings are not mixed in.
    let output = run(root, &["--out", "results", "--smoothing", "0"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.contains("was analyzed with smoothing_s 0.3, and now it would be smoothing_s 0.0"),
        "{told}"
    );
}

#[test]
fn the_parts_are_the_whole() {
    let root = videos();
    let root = root.path();
    let whole = run(root, &["--out", "whole"]);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole.stderr));
    let mut parts = BTreeSet::new();
    for shard in ["1/2", "2/2"] {
        let output = run(root, &["--out", "parts", "--shard", shard]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let table = format!("parts/faces-{}.csv", shard.replace('/', "-of-"));
        let rows = rows(root, &table);
        assert!(parts.is_disjoint(&rows), "each file is in one part");
        parts.extend(rows);
    }
    assert_eq!(parts, rows(root, "whole/faces.csv"));
    let merged = run(root, &["--out", "parts"]);
    let printed = text(&merged.stdout);
    assert!(printed.contains("4 files: 4 finished before"), "{printed}");
    for table in ["faces.csv", "files.csv"] {
        let [merged, whole] = ["parts", "whole"].map(|out| read(root, &format!("{out}/{table}")));
        assert_eq!(merged, whole, "{table}");
    }
    #[cfg(feature = "parquet")]
    {
        let [merged, whole] =
            ["parts", "whole"].map(|out| fs::read(root.join(out).join("faces.parquet")).unwrap());
        assert_eq!(merged, whole);
    }
}

#[test]
#[cfg(all(unix, feature = "h264-bundled"))]
fn what_was_interrupted_is_started_again() {
    let root = videos();
    let root = root.path();
    fs::copy(
        in_repository("assets/demo.mp4"),
        root.join("videos/day2/long.mp4"),
    )
    .unwrap();
    let wait_for = |path: &str, n_lines: usize| {
        let deadline = Instant::now() + PATIENCE;
        let n_now = || {
            let text = fs::read_to_string(root.join(path)).unwrap_or_default();
            text.lines().count()
        };
        while n_now() < n_lines {
            assert!(Instant::now() < deadline, "{path} has {} lines", n_now());
            thread::sleep(Duration::from_millis(10));
        }
    };
    let partial = "results/sessions/day2/long.mp4.partial";
    let begin = || {
        let mut command = analyze(root, &["--out", "results"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        child.unwrap()
    };
    // Killed in the middle of the last file.
    let mut child = begin();
    wait_for(&format!("{partial}/frames.csv"), 10);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!root.join("results/faces.csv").exists());
    assert!(root.join("results/sessions/day1/P01_control.gif").is_dir());
    assert!(!root.join("results/sessions/day2/long.mp4").exists());

    // Then ended by Ctrl-C.
    fs::remove_dir_all(root.join(partial)).unwrap();
    let child = begin();
    wait_for(&format!("{partial}/frames.csv"), 10);
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("run the same command again to resume"),
        "{printed}"
    );
    assert!(!root.join("results/faces.csv").exists());
    assert!(root.join(partial).is_dir(), "and is started again:");

    let output = run(root, &["--out", "results"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("5 files: 1 analyzed, 4 finished before"),
        "{printed}"
    );
    assert!(!root.join(partial).exists());
    let session = Session::open(&root.join("results/sessions/day2/long.mp4")).unwrap();
    assert_eq!(session.manifest.counts.analyzed, N_DEMO_FRAMES);
}

#[test]
fn mistakes_cost_no_time() {
    let root = videos();
    let root = root.path();
    let fails = |args: &[&str], status: i32, what: &str| {
        let output = run(root, args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {told}");
        assert!(told.contains(what), "{args:?}: {told}");
    };
    fails(
        &["nowhere", "--out", "r"],
        1,
        "nowhere: there is no such file",
    );
    fails(
        &["*.mkv", "--out", "r", "--pattern", "{who}"],
        2,
        "is none of",
    );
    fails(&["--participants", "who.csv", "--out", "r"], 1, "who.csv");
    fails(&["demo", "--out", "r"], 2, "--out is for files");
    fails(
        &["--checkpoint", "none.safetensors", "--out", "r"],
        1,
        "none.safetensors",
    );
    // Somebody's own table is not replaced.
    fs::create_dir(root.join("mine")).unwrap();
    fs::write(root.join("mine/faces.csv"), "mine").unwrap();
    fails(&["--out", "mine"], 1, "faces.csv");
    assert_eq!(read(root, "mine/faces.csv"), "mine");
}

#[test]
#[cfg(feature = "h264-bundled")]
fn recording_a_file_drops_no_frame() {
    let root = tempfile::tempdir().unwrap();
    let clip = in_repository("assets/demo.mp4");
    let record = |out: &str, further: &[&str]| {
        let out = root.path().join(out);
        let output = Command::new(env!("CARGO_BIN_EXE_fervis"))
            .args(["record", clip.to_str().unwrap(), "--out"])
            .arg(&out)
            .args(further)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        Session::open(&out).unwrap()
    };
    let about = [
        "--participant",
        "P01",
        "--name",
        "first",
        "--condition",
        "c",
        "--note",
        "n",
    ];
    let whole = record("whole", &[&["--video", "none"][..], &about].concat());
    assert_eq!(whole.frames.len() as u64, N_DEMO_FRAMES);
    let counts = whole.manifest.counts;
    assert_eq!(counts.captured, N_DEMO_FRAMES);
    assert_eq!(counts.analyzed, N_DEMO_FRAMES);
    assert_eq!((counts.skipped, counts.refused), (0, 0));
    let step = whole.frames[1].time - whole.frames[0].time;
    for pair in whole.frames.windows(2) {
        assert_eq!(pair[1].time - pair[0].time, step, "the file's own times");
    }
    let said = &whole.manifest.about;
    assert_eq!(
        [&said.participant, &said.name, &said.condition, &said.note],
        ["P01", "first", "c", "n"]
    );
    let short = record("short", &["--video", "clean", "--seconds", "0.5"]);
    assert_eq!(short.frames.len(), 15, "of 30 a second");
    assert!(short.frames.iter().all(|frame| frame.video_frame.is_some()));
    assert_eq!(
        short.manifest.ended_because.as_deref(),
        Some("time limit reached")
    );
}

/// Ray's example with two workers, and the tables in pandas, polars and DuckDB.
#[test]
#[cfg(all(unix, feature = "h264-bundled", feature = "parquet"))]
fn ray_and_other_readers_agree() {
    let python = std::env::var("FERVIS_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_ray = Command::new(&python).args(["-c", "import ray"]).output();
    if !has_ray.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no Ray (pip install ray)");
        return;
    }
    let output = Command::new(&python)
        .arg(in_repository("tests/batch/check_many.py"))
        .args(["--copies", "2", "--fervis", env!("CARGO_BIN_EXE_fervis")])
        .output()
        .unwrap();
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    assert!(printed.ends_with("all as expected\n"), "{printed}");
}
