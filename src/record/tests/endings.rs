//! How recordings end: stopped, failed, interrupted, and repaired.

use super::{super::recording::Recording, *};
use crate::session::manifest::Manifest;

fn no_network(recording: &mut Recording, start: Instant, number: u64) {
    let time = Duration::from_micros(33_333 * number);
    let pixels = [90, 90, 120, 255].repeat(SMALL.n_pixels());
    let frame = Frame::new(FrameId(number), start + time, time, SMALL, pixels.into());
    recording.on_captured(RUN, Arc::new(frame)).unwrap();
}

#[test]
fn after_a_failure_every_frame_has_a_row_or_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), VideoChoice::Clean);
    let mut recording = Recording::start(&config).unwrap();
    let start = Instant::now();
    // More than may wait: some are in the video, some wait, and none has its row.
    for number in 0..31 {
        no_network(&mut recording, start, number);
    }
    recording.on_missed(RUN);
    recording.miss(2);
    let failure = RecordError::Bug("a disk of the test".to_owned());
    let finished = recording.finish("the disk is full", Some(&failure), Instant::now());
    finished.outcome.unwrap();
    let session = Session::open(&config.folder).unwrap();
    assert_eq!(session.frames.len(), 31);
    let counts = session.manifest.counts;
    assert_eq!(counts, finished.counts);
    assert_eq!(
        (counts.captured, counts.refused, counts.skipped),
        (34, 3, 31)
    );
    let n_named = session
        .frames
        .iter()
        .filter(|row| row.video_frame.is_some())
        .count() as u64;
    assert_eq!(Some(n_named), session.manifest.video[0].n_frames);
    assert_eq!(n_named, counts.recorded);
    assert!(n_named > 0 && n_named < 31, "{n_named}");
    let refused = session
        .events
        .iter()
        .find(|event| event.kind == EventKind::Refused);
    assert_eq!(refused.unwrap().detail, "3");
}

#[test]
fn the_final_status_agrees_with_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::Clean));
    for _ in 0..30 {
        script.capture(); // Never analyzed, so most are written only at the end.
    }
    script.recorder.stop("stopped");
    let path = script.recorder.folder().to_owned();
    let (_, status) = script.recorder.wait();
    let session = Session::open(&path).unwrap();
    assert_eq!(status.counts, session.manifest.counts);
    assert_eq!(
        Some(status.counts.recorded),
        session.manifest.video[0].n_frames
    );
    let seconds = status.elapsed.as_secs_f64();
    let last = session.last_time().as_secs_f64();
    assert!(
        (last - 1e-6..last + 0.5).contains(&seconds),
        "{seconds} s, and the last frame at {last} s"
    );
    let files = ["frames.csv", "faces.csv", "events.csv", "video.mp4"];
    let n_bytes: u64 = files
        .iter()
        .filter_map(|name| fs::metadata(path.join(name)).ok())
        .map(|file| file.len())
        .sum();
    assert!(
        status.n_bytes <= n_bytes && status.n_bytes > n_bytes / 2,
        "{} of {n_bytes}",
        status.n_bytes
    );
}

/// Waits until a recording has ended, and returns how long that took.
#[cfg(unix)]
fn wait_for_end(recorder: &Recorder) -> Duration {
    let since = Instant::now();
    while !matches!(recorder.status().phase, Phase::Ended(_)) {
        assert!(since.elapsed() < Duration::from_secs(20), "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    since.elapsed()
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_moved_or_replaced_ends_the_recording() {
    for is_replaced in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let mut script = Script::start(&config(root.path(), VideoChoice::Clean));
        let network = checkpoint("first");
        for _ in 0..40 {
            let frame = script.capture();
            script.analyze(&frame, 1, &network);
        }
        // What is still in the queue when the folder goes has no row.
        while script.recorder.n_waiting() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let folder = script.recorder.folder().to_owned();
        let moved = root.path().join("moved");
        fs::rename(&folder, &moved).unwrap();
        if is_replaced {
            let mut other = crate::session::manifest::tests::manifest();
            other.source.name = "another session".to_owned();
            fs::create_dir(&folder).unwrap();
            other.write(&folder).unwrap();
            fs::write(folder.join("frames.csv"), "theirs").unwrap();
        }
        // Another size would begin another file.
        script.resolution = Resolution::new(96, 64);
        script.capture();
        wait_for_end(&script.recorder);
        let (ending, _) = script.recorder.wait();
        assert!(
            ending.failed && ending.reason.contains("moved"),
            "{}",
            ending.reason
        );
        if is_replaced {
            assert_eq!(
                Manifest::read(&folder).unwrap().source.name,
                "another session"
            );
            assert_eq!(
                fs::read_to_string(folder.join("frames.csv")).unwrap(),
                "theirs"
            );
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        } else {
            assert!(!folder.exists());
        }
        let report = recover::recover(&moved).unwrap();
        assert!(report.repaired);
        let session = Session::open(&moved).unwrap();
        assert!(session.frames.len() >= 40);
        assert_eq!(
            session.manifest.video[0].n_frames,
            Some(session.manifest.counts.recorded)
        );
    }
}

#[cfg(windows)]
#[test]
fn nobody_deletes_or_moves_what_is_being_recorded() {
    let root = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(root.path(), VideoChoice::Clean));
    script.capture();
    let folder = script.recorder.folder().to_owned();
    for name in ["frames.csv", "faces.csv", "events.csv", "video.mp4"] {
        assert!(fs::remove_file(folder.join(name)).is_err(), "{name}");
        assert!(
            fs::rename(folder.join(name), folder.join("x")).is_err(),
            "{name}"
        );
    }
    script.recorder.stop("stopped");
    let (ending, _) = script.finish();
    assert!(!ending.failed, "{}", ending.reason);
}

#[cfg(unix)]
#[test]
fn a_table_that_is_deleted_ends_the_recording() {
    let root = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(root.path(), VideoChoice::None));
    script.capture();
    fs::remove_file(script.recorder.folder().join("faces.csv")).unwrap();
    wait_for_end(&script.recorder);
    let (ending, _) = script.recorder.wait();
    assert!(
        ending.failed && ending.reason.contains("faces.csv"),
        "{}",
        ending.reason
    );
    let manifest = Manifest::read(&root.path().join("session")).unwrap();
    assert_eq!(manifest.status, Status::Recording, "it is to be repaired");
}

/// A complete session with a video, as an interruption would have left it.
fn interrupted(root: &Path, n_frames: usize) -> Session {
    let mut script = Script::start(&config(root, VideoChoice::Clean));
    let network = checkpoint("first");
    for _ in 0..n_frames {
        let frame = script.capture();
        script.analyze(&frame, 1, &network);
    }
    script.recorder.stop("stopped");
    let (_, session) = script.finish();
    let mut manifest = session.manifest.clone();
    manifest.status = Status::Recording;
    manifest.write(&session.folder).unwrap();
    session
}

#[test]
fn after_recovery_rows_and_pictures_agree() {
    let root = tempfile::tempdir().unwrap();
    let session = interrupted(root.path(), 60);
    let folder = &session.folder;
    // The table ends before the video does.
    let text = fs::read_to_string(folder.join("frames.csv")).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(folder.join("frames.csv"), lines[..=45].concat()).unwrap();
    let report = recover::recover(folder).unwrap();
    assert_eq!(report.n_frames, 60, "{:?}", report.steps);
    let recovered = Session::open(folder).unwrap();
    let times = |session: &Session| {
        session
            .frames
            .iter()
            .map(|row| row.time)
            .collect::<Vec<_>>()
    };
    assert_eq!(times(&recovered), times(&session));
    assert!(
        recovered
            .frames
            .iter()
            .map(|row| row.video_frame)
            .eq((0..60).map(Some))
    );
    assert!(
        recovered.frames[45..]
            .iter()
            .all(|row| row.n_faces == Some(1)),
        "their faces were written"
    );
    let counts = recovered.manifest.counts;
    assert_eq!(
        (counts.captured, counts.recorded, counts.faces),
        (60, 60, 60)
    );

    // The video ends before the table does.
    let root = tempfile::tempdir().unwrap();
    let session = interrupted(root.path(), 60);
    let folder = &session.folder;
    let video = folder.join(&session.manifest.video[0].file);
    let bytes = fs::read(&video).unwrap();
    fs::write(&video, &bytes[..bytes.len() / 2]).unwrap();
    let report = recover::recover(folder).unwrap();
    assert_eq!(report.n_frames, 60, "{:?}", report.steps);
    let recovered = Session::open(folder).unwrap();
    let n_pictures = recovered.manifest.video[0].n_frames.unwrap();
    assert!(n_pictures > 10 && n_pictures < 60, "{n_pictures}");
    assert_eq!(recovered.manifest.counts.recorded, n_pictures);
    let named: Vec<u64> = recovered
        .frames
        .iter()
        .filter_map(|row| row.video_frame)
        .collect();
    assert!(named.iter().copied().eq(0..n_pictures));
    let without_picture = tables::FrameRow {
        video_frame: None,
        ..session.frames[59].clone()
    };
    assert_eq!(
        recovered.frames[59], without_picture,
        "the values are there"
    );
    assert!(!recover::recover(folder).unwrap().repaired);
}

/// As builds without H.264 recorded once.
#[test]
fn an_avi_is_left_as_it_is_and_its_tables_are_repaired() {
    let root = tempfile::tempdir().unwrap();
    let session = interrupted(root.path(), 20);
    let folder = &session.folder;
    let mut manifest = session.manifest.clone();
    manifest.status = Status::Recording;
    manifest.video[0].file = "video.avi".to_owned();
    manifest.write(folder).unwrap();
    fs::remove_file(folder.join("video.mp4")).unwrap();
    let video = b"RIFF\0\0\0\0AVI LIST, not finished".as_slice();
    fs::write(folder.join("video.avi"), video).unwrap();
    let path = folder.join("frames.csv");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "torn").unwrap();
    let report = recover::recover(folder).unwrap();
    assert!(report.repaired);
    let steps = report.steps.join(" ");
    assert!(steps.contains("plays without repair"), "{steps}");
    assert_eq!(fs::read(folder.join("video.avi")).unwrap(), video);
    let recovered = Session::open(folder).unwrap();
    assert_eq!(recovered.manifest.video[0].file, "video.avi");
    assert_eq!(recovered.frames, session.frames);
    assert!(!recover::recover(folder).unwrap().repaired);
}

#[test]
fn frames_lost_in_the_middle_leave_the_others_with_their_rows() {
    for lost in [0, 1] {
        let root = tempfile::tempdir().unwrap();
        let session = interrupted(root.path(), 60);
        let folder = &session.folder;
        let video = folder.join("video.mp4");
        let mut bytes = fs::read(&video).unwrap();
        // Without the index, and with a fragment's header destroyed.
        let at = |bytes: &[u8], word: &[u8], nth: usize| {
            let places = bytes
                .windows(4)
                .enumerate()
                .filter(|(_, there)| *there == word);
            places.map(|(at, _)| at).nth(nth).unwrap()
        };
        let index_at = at(&bytes, b"moov", 1) - 4;
        bytes.truncate(index_at);
        let header_at = at(&bytes, b"moof", lost) - 4;
        bytes[header_at..header_at + 100].fill(0x55);
        fs::write(&video, &bytes).unwrap();
        let report = recover::recover(folder).unwrap();
        let recovered = Session::open(folder).unwrap();
        let part = &recovered.manifest.video[0];
        let n_pictures = part.n_frames.unwrap();
        assert!(
            n_pictures > 25 && n_pictures < 60,
            "{n_pictures}: {:?}",
            report.steps
        );
        assert_eq!(recovered.manifest.counts.recorded, n_pictures);
        let times = picture_times(&recovered, 0);
        for (row, before) in recovered.frames.iter().zip(&session.frames) {
            assert_eq!(row.time, before.time);
            if let Some(number) = row.video_frame {
                assert_eq!(times[number as usize], row.time);
            }
        }
        let named = recovered
            .frames
            .iter()
            .filter(|row| row.video_frame.is_some());
        assert_eq!(named.count() as u64, n_pictures);
        let first = recovered
            .frames
            .iter()
            .find(|row| row.video_frame == Some(0))
            .unwrap();
        assert_eq!(
            (part.first_frame, part.first_time),
            (first.frame, first.time)
        );
        assert!(folder.join("video.mp4.tail").exists());
    }
}

#[cfg(unix)]
#[test]
fn recovery_touches_nothing_outside_the_folder() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "theirs, without an end of line").unwrap();
    let untouched = || {
        assert_eq!(
            fs::read_to_string(&victim).unwrap(),
            "theirs, without an end of line"
        );
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    };
    for name in [
        "frames.csv",
        "events.csv",
        "session.json",
        "video.mp4",
        ".recording.lock",
    ] {
        for target in [victim.clone(), outside.path().join("new")] {
            let root = tempfile::tempdir().unwrap();
            let folder = interrupted(root.path(), 5).folder;
            fs::remove_file(folder.join(name)).ok();
            symlink(&target, folder.join(name)).unwrap();
            for folder in folder::interrupted_sessions(root.path()) {
                recover::recover(&folder).ok();
            }
            recover::recover(&folder).ok();
            assert!(folder.join(name).is_symlink(), "{name}");
            untouched();
        }
    }
    // Names that should be unused may be taken.
    let root = tempfile::tempdir().unwrap();
    let folder = interrupted(root.path(), 5).folder;
    let path = folder.join("events.csv");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "torn").unwrap();
    for name in ["events.csv.tail", ".session.json.new", ".frames.csv.new"] {
        symlink(&victim, folder.join(name)).unwrap();
    }
    assert!(recover::recover(&folder).unwrap().repaired);
    assert_eq!(
        fs::read_to_string(folder.join("events.csv.tail-2")).unwrap(),
        "torn"
    );
    untouched();
    // A session reached by a link is not repaired without being asked.
    let root = tempfile::tempdir().unwrap();
    let real = interrupted(outside.path(), 5).folder;
    symlink(&real, root.path().join("link")).unwrap();
    assert!(folder::interrupted_sessions(root.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_look_at_a_session() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let folder = interrupted(root.path(), 20).folder;
    let path = folder.join("frames.csv");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "torn").unwrap();
    recover::recover(&folder).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut n_files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        n_files += 1;
    }
    assert!(n_files >= 6, "{n_files}");
}

#[test]
fn a_session_that_ends_during_recovery_stays_complete() {
    let root = tempfile::tempdir().unwrap();
    let script = Script::start(&config(root.path(), VideoChoice::None));
    let folder = script.recorder.folder().to_owned();
    let stop = Arc::new(AtomicBool::new(false));
    let repairing = std::thread::spawn({
        let (folder, stop) = (folder.clone(), Arc::clone(&stop));
        move || {
            while !stop.load(Ordering::Relaxed) {
                recover::recover(&folder).ok();
            }
        }
    });
    std::thread::sleep(Duration::from_millis(50));
    script.recorder.stop("stopped");
    let (ending, _) = script.recorder.wait();
    std::thread::sleep(Duration::from_millis(50));
    stop.store(true, Ordering::Relaxed);
    repairing.join().unwrap();
    assert!(!ending.failed, "{}", ending.reason);
    assert_eq!(Manifest::read(&folder).unwrap().status, Status::Complete);
}
