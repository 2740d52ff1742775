//! `fervis record` and `fervis recover` as programs, also when they are killed.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fervis::{
    record::video,
    session::{Session, manifest::Status},
};

/// Timeout for recording two seconds.
const PATIENCE: Duration = Duration::from_secs(120);

fn fervis(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fervis"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Waits until a recording has this many rows.
fn wait_for_rows(folder: &Path, n_rows: usize, child: &mut Child) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = fs::read_to_string(folder.join("frames.csv")).unwrap_or_default();
        if text.lines().count() > n_rows {
            return;
        }
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "it records until it is killed"
        );
        assert!(
            Instant::now() < deadline,
            "only {} rows",
            text.lines().count()
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Checks that the times of the video's frames are those of the rows, in the same order. Returns the number of frames.
fn check_pictures(session: &Session) -> usize {
    let part = &session.manifest.video[0];
    let times = video::frame_times(&session.folder.join(&part.file)).unwrap();
    let in_video = session
        .frames
        .iter()
        .filter(|row| row.video_frame.is_some());
    for (row, time) in in_video.zip(&times) {
        assert_eq!(row.time, part.first_time + *time);
    }
    times.len()
}

#[test]
fn a_recording_that_is_killed_is_recovered() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("session");
    let path = folder.to_str().unwrap();
    let mut child = fervis(&["record", "demo", "--out", path, "--video", "clean"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_rows(&folder, 35, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = Session::open(&folder).unwrap();
    assert_eq!(killed.manifest.status, Status::Recording);

    let output = fervis(&["recover", root.path().to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("recovered"),
        "{text}"
    );
    let session = Session::open(&folder).unwrap();
    assert_eq!(session.manifest.status, Status::Recovered);
    assert!(session.frames.len() >= 35);
    assert!(!session.faces.is_empty(), "the demo shows a face");
    let n_pictures = check_pictures(&session);
    let named = session.frames.iter().filter_map(|row| row.video_frame);
    assert!(
        named.eq(0..n_pictures as u64),
        "every frame of the video has a row, and no row names another"
    );
    let n_rows = session.frames.len();
    // Half a second of frames may not have reached the disk, and frames go before their rows.
    assert!(
        n_pictures + 20 > n_rows,
        "{n_pictures} pictures, {n_rows} rows"
    );

    let again = fervis(&["recover", path]).output().unwrap();
    let text = String::from_utf8(again.stdout).unwrap();
    assert!(text.contains("nothing to repair"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_a_recording_cleanly() {
    for signal in ["-TERM", "-HUP"] {
        if signal == "-HUP" && ignores_hangups() {
            println!("-HUP: skipped, because nohup or its like started this test");
            continue;
        }
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("session");
        let path = folder.to_str().unwrap();
        let mut child = fervis(&["record", "demo", "--out", path])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_rows(&folder, 20, &mut child);
        let kill = || {
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
        };
        // A logout sends several signals.
        assert!(kill().unwrap().success() && kill().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{signal}: {}", output.status);
        let session = Session::open(&folder).unwrap();
        assert_eq!(session.manifest.status, Status::Complete, "{signal}");
        assert_eq!(check_pictures(&session), session.frames.len(), "{signal}");
        let text = String::from_utf8(output.stdout).unwrap();
        let counts = session.manifest.counts;
        assert!(
            text.contains(&format!("{} frames captured", counts.captured)),
            "{text}"
        );
        assert!(
            text.contains(&format!("{} in the video", counts.recorded)),
            "{text}"
        );
    }
}

/// Whether this process ignores SIGHUP, and so do those that it starts.
#[cfg(unix)]
fn ignores_hangups() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 != 0)
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_deleted_ends_the_recording() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("session");
    let mut child = fervis(&["record", "demo", "--out", folder.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_rows(&folder, 5, &mut child);
    fs::remove_dir_all(&folder).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("was deleted"), "{text}");
    assert!(!folder.exists());
}

#[test]
fn a_recording_stops_at_its_time_limit_and_is_complete() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("session");
    let path = folder.to_str().unwrap();
    let output = fervis(&["record", "demo", "--out", path, "--seconds", "1.5"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let session = Session::open(&folder).unwrap();
    assert_eq!(session.manifest.status, Status::Complete);
    assert_eq!(session.manifest.models.len(), 1);
    assert_eq!(check_pictures(&session), session.frames.len());
    let seconds = session.last_time().as_secs_f64();
    assert!((1.2..10.0).contains(&seconds), "{seconds} s");
}

#[test]
fn a_missing_source_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("session");
    let output = fervis(&["record", "nowhere.mp4", "--out", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("nowhere.mp4"), "{text}");
    assert!(!folder.exists());
}

/// A recording of its own disk of 2 MB, which something else fills while it is recorded.
#[cfg(target_os = "linux")]
#[test]
fn a_recording_is_complete_although_its_disk_is_full() {
    const SCRIPT: &str = r#"
        mount -t tmpfs -o size=2m tmpfs "$2" && touch "$3/mounted" || exit
        "$1" record demo --video clean --out "$2/session" > "$3/log" 2>&1 & recorder=$!
        until [ "$(grep -c . "$2/session/frames.csv")" -gt 5 ] || ! kill -0 $recorder; do
            sleep 0.02
        done 2> "$3/waiting"
        cat /dev/zero > "$2/something else" 2> "$3/filling"
        wait $recorder; echo "status $?" >> "$3/log"
        cp -r "$2/session" "$3/session""#;
    let root = tempfile::tempdir().unwrap();
    let (disk, kept) = (root.path().join("disk"), root.path().join("kept"));
    fs::create_dir(&disk).unwrap();
    fs::create_dir(&kept).unwrap();
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            SCRIPT,
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_fervis"))
        .args([&disk, &kept])
        .output();
    if !kept.join("mounted").exists() {
        println!("skipped: a disk of its own cannot be mounted here: {output:?}");
        return;
    }
    let log = fs::read_to_string(kept.join("log")).unwrap();
    assert!(
        log.contains("ended early") && log.ends_with("status 1\n"),
        "{log}"
    );
    let session = Session::open(&kept.join("session")).unwrap();
    let manifest = &session.manifest;
    assert_eq!(manifest.status, Status::Complete, "{log}");
    let counts = manifest.counts;
    assert_eq!(
        counts.captured,
        session.frames.len() as u64 + counts.refused,
        "{log}"
    );
    let n_pictures = check_pictures(&session) as u64;
    assert_eq!(
        (counts.recorded, manifest.video[0].n_frames),
        (n_pictures, Some(n_pictures)),
        "{log}"
    );
    assert!(n_pictures > 0, "{log}");
}
