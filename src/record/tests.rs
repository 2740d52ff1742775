//! Complete recordings of made-up sources, and the files they leave.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::*;
use crate::{
    bounding_box::BoundingBox,
    capture::{SourceInfo, SourceKind, SourceSpec},
    detect::TrackId,
    error_text::error_text,
    expression::{Expression, Labels, N_EXPRESSIONS, Probabilities},
    frame::{Frame, FrameId, Resolution},
    model::{CheckpointInfo, Views},
    pipeline::{
        Analysis, Event, FaceAnalysis, Pacing, Settings, SourceRun, SourceState, Tap,
        face_names::FaceNames,
    },
    session::{
        Session,
        about::About,
        folder,
        manifest::Status,
        marker_keys::MarkerKeys,
        tables::{self, EventKind, FrameStatus, Row},
    },
    time::Ticks,
};

mod endings;
mod files;
mod labels;
mod names;
mod repair;
mod second;

const RUN: SourceRun = SourceRun(7);
const SMALL: Resolution = Resolution::new(64, 48);

fn config(folder: &Path, video: VideoChoice) -> RecordingConfig {
    RecordingConfig {
        folder: folder.join("session"),
        video,
        source: SourceSpec::Demo,
        info: Some(SourceInfo {
            name: "made up".to_owned(),
            kind: SourceKind::Live,
            resolution: SMALL,
            rate_hz: Some(30.0),
            n_frames: None,
            duration: None,
            format: "RGBA".to_owned(),
            mirror_by_default: false,
        }),
        settings: Settings::default(),
        device: Some("CPU".to_owned()),
        privacy: None,
        uncertain_below: None,
        pacing: Pacing::Realtime,
        limit: None,
        about: About::default(),
        marker_keys: MarkerKeys::default(),
        face_names: FaceNames::default(),
    }
}

fn checkpoint(name: &str) -> Arc<CheckpointInfo> {
    Arc::new(CheckpointInfo {
        name: name.to_owned(),
        path: None,
        architecture: "made-up".to_owned(),
        n_parameters: 1,
        labels: Labels::FER_2013,
        outputs: vec!["angry".to_owned()],
        temperature: 1.0,
        uncertain_below: 0.0,
        metrics: Vec::new(),
        sha256: name.repeat(2),
        assumed: None,
    })
}

/// A source with a frame about every 33 ms, and a pipeline that reports on them.
struct Script {
    recorder: Recorder,
    tap: Arc<dyn Tap>,
    start: Instant,
    resolution: Resolution,
    /// Squares of 4 px, bright and dark, instead of one color.
    checkered: bool,
    n_frames: u64,
    /// What results are made with.
    settings: Settings,
}

impl Script {
    fn start(config: &RecordingConfig) -> Self {
        let recorder = Recorder::start(config, || {}).unwrap();
        Self {
            tap: recorder.tap(),
            recorder,
            start: Instant::now(),
            resolution: SMALL,
            checkered: false,
            n_frames: 0,
            settings: config.settings,
        }
    }

    /// A frame with its number written into its brightness, at a time that jitters.
    fn capture(&mut self) -> Arc<Frame> {
        let id = self.n_frames;
        self.n_frames += 1;
        let time = Duration::from_micros(33_333 * id + (id * 7919) % 5000);
        let gray = [(id * 5) as u8, 90, 120, 255];
        let mut rgba = gray.repeat(self.resolution.n_pixels());
        if self.checkered {
            let width = self.resolution.width_px as usize;
            for (n, pixel) in rgba.chunks_exact_mut(4).enumerate() {
                let is_bright = (n % width / 4 + n / width / 4).is_multiple_of(2);
                pixel[..3].fill(if is_bright { 200 } else { 40 });
            }
        }
        let frame = Frame::new(
            FrameId(id),
            self.start + time,
            time,
            self.resolution,
            rgba.into(),
        );
        let frame = Arc::new(frame);
        self.tap.captured(RUN, &frame);
        // The queue is bounded, and a test is faster than any source.
        while self.recorder.n_waiting() > 10 {
            std::thread::sleep(Duration::from_millis(1));
        }
        frame
    }

    fn analyze(&self, frame: &Arc<Frame>, n_faces: u64, network: &Arc<CheckpointInfo>) {
        self.tap
            .analyzed(RUN, &self.analysis(frame, n_faces, network));
    }

    fn analysis(
        &self,
        frame: &Arc<Frame>,
        n_faces: u64,
        network: &Arc<CheckpointInfo>,
    ) -> Analysis {
        let face = |track: u64| {
            let mut raw = Probabilities::from([0.05; N_EXPRESSIONS]);
            raw.0[Expression::Happy.index()] = 0.7;
            FaceAnalysis {
                track: TrackId(track),
                number: track,
                box_in_frame: BoundingBox::new(10.0 * track as f32, 8.0, 20.0, 20.0),
                score: 12.0,
                unseen_for: Duration::ZERO,
                shape: None,
                corrected: None,
                second: None,
                raw,
                smoothed: raw,
                label: raw.top().0,
            }
        };
        Analysis {
            frame: Arc::clone(frame),
            faces: (1..=n_faces).map(face).collect(),
            meshes: Vec::new(),
            checkpoint: Some(Arc::clone(network)),
            second: None,
            settings: self.settings,
            completed_at: frame.captured_at + Duration::from_millis(20),
            detect_time: Duration::from_millis(11),
            classify_time: Duration::from_millis(2),
        }
    }

    fn finish(self) -> (Ending, Session) {
        let folder = self.recorder.folder().to_owned();
        let (ending, _) = self.recorder.wait();
        (ending, Session::open(&folder).unwrap())
    }
}

fn kinds(session: &Session) -> Vec<EventKind> {
    session.events.iter().map(|event| event.kind).collect()
}

/// The times of the pictures of a video part, as the session counts them.
fn picture_times(session: &Session, part: usize) -> Vec<Ticks> {
    let part = &session.manifest.video[part];
    let times = video::frame_times(&session.folder.join(&part.file)).unwrap();
    times
        .into_iter()
        .map(|time| part.first_time + time)
        .collect()
}

#[test]
fn a_session_holds_everything_that_happened() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::Clean));
    let (first, second) = (checkpoint("first"), checkpoint("second"));
    for n in 0..40u64 {
        let frame = script.capture();
        match n {
            10 | 11 => script.tap.skipped(RUN, frame.id),
            20.. => {
                script.settings.smoothing = Duration::from_millis(if n < 30 { 300 } else { 500 });
                script.settings.views = Views::Flip;
                script.analyze(&frame, 2, &second);
            }
            _ => script.analyze(&frame, n % 2, &first),
        }
    }
    script.recorder.mark(
        "a laugh, loud".to_owned(),
        script.start + Duration::from_millis(500),
    );
    script.recorder.stop("stopped");
    let (ending, session) = script.finish();
    assert_eq!(
        ending,
        Ending {
            reason: "stopped".to_owned(),
            failed: false
        }
    );
    let manifest = &session.manifest;
    assert_eq!(manifest.status, Status::Complete);
    assert_eq!(manifest.ended_because.as_deref(), Some("stopped"));
    let names: Vec<&str> = manifest
        .models
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(
        (manifest.source.kind.as_str(), manifest.source.width),
        ("demo", 64)
    );
    let counts = manifest.counts;
    assert_eq!(
        (counts.captured, counts.analyzed, counts.skipped),
        (40, 38, 2)
    );
    assert_eq!((counts.recorded, counts.refused), (40, 0));
    assert_eq!(counts.faces, session.faces.len() as u64);
    assert_eq!(manifest.latency_ms.p50, Some(20.0));

    assert!(session.frames.iter().map(|row| row.frame).eq(0..40));
    assert!(
        session
            .frames
            .windows(2)
            .all(|pair| pair[0].time < pair[1].time)
    );
    let row = &session.frames[10];
    assert_eq!(
        (row.status, row.n_faces, row.latency),
        (FrameStatus::Skipped, None, None)
    );
    assert_eq!(
        session.frames[12].n_faces,
        Some(0),
        "analyzed, and nobody there"
    );
    assert_eq!(session.faces_of(25).len(), 2);
    assert_eq!(
        (session.faces_of(19)[0].model, session.faces_of(20)[0].model),
        (0, 1)
    );
    let clock = manifest.clock.zero_unix_s;
    for row in &session.frames {
        assert!((row.unix_s - clock - row.time.as_secs_f64()).abs() < 1e-3);
    }

    assert!(
        session
            .frames
            .iter()
            .map(|row| row.time)
            .eq(picture_times(&session, 0))
    );
    let marker = session
        .events
        .iter()
        .find(|event| event.kind == EventKind::Marker)
        .unwrap();
    assert_eq!(
        (marker.detail.as_str(), marker.time),
        ("a laugh, loud", Ticks(45_000))
    );
    assert_eq!(
        session
            .events
            .iter()
            .filter(|event| event.kind == EventKind::Checkpoint)
            .count(),
        1
    );
    let settings = session.events.iter();
    let settings: Vec<_> = settings
        .filter(|event| event.kind == EventKind::Settings)
        .map(|event| (event.time, event.detail.as_str()))
        .collect();
    let at = |frame: usize| session.frames[frame].time;
    assert_eq!(
        settings,
        [(at(20), "views flip"), (at(30), "smoothing_s 0.5")]
    );
    assert_eq!(manifest.settings.views, Views::Single, "as it began");
    assert!(kinds(&session).contains(&EventKind::Stopped));
    assert!(folder::interrupted_sessions(folder.path()).is_empty());
}

#[test]
fn pauses_and_losses_leave_gaps_and_events() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::None));
    let network = checkpoint("first");
    let analyze = |script: &mut Script| {
        let frame = script.capture();
        script.analyze(&frame, 1, &network);
    };
    analyze(&mut script);
    script.recorder.set_paused(true);
    while script.recorder.status().phase != Phase::Paused {
        std::thread::sleep(Duration::from_millis(1));
    }
    analyze(&mut script);
    // Taken from the queue, and ignored.
    std::thread::sleep(Duration::from_millis(150));
    script.recorder.set_paused(false);
    while script.recorder.status().phase != Phase::Recording {
        std::thread::sleep(Duration::from_millis(1));
    }
    script.tap.event(
        Some(RUN),
        &Event::Source(SourceState::Lost("unplugged".to_owned())),
    );
    script.tap.event(
        Some(RUN),
        &Event::Source(SourceState::Lost("unplugged".to_owned())),
    );
    // It fell silent first and was unplugged later.
    script.tap.event(
        Some(RUN),
        &Event::Source(SourceState::Lost("another reason".to_owned())),
    );
    let info = config(folder.path(), VideoChoice::None).info.unwrap();
    script
        .tap
        .event(Some(RUN), &Event::Source(SourceState::Live(info)));
    analyze(&mut script);
    // Another source: this recording is over.
    script
        .tap
        .event(Some(SourceRun(8)), &Event::Source(SourceState::Starting));
    let (ending, session) = script.finish();
    assert_eq!(ending.reason, "another source was opened");
    use EventKind::{Paused, Resumed, SourceBack, SourceLost, Started, Stopped};
    assert_eq!(
        kinds(&session),
        [
            Started, Paused, Resumed, SourceLost, SourceLost, SourceBack, Stopped
        ]
    );
    let numbers: Vec<u64> = session.frames.iter().map(|row| row.frame).collect();
    assert_eq!(numbers, [0, 1], "the frame of the pause has none");
    assert!(
        session.frames[1].time > Ticks(5000),
        "but its time has passed"
    );
    assert_eq!(session.manifest.video, []);
    let files = fs::read_dir(&session.folder).unwrap().count();
    assert_eq!(files, 4, "no pixels, no lock");
}

#[test]
fn another_size_begins_another_part() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::Clean));
    let network = checkpoint("first");
    for n in 0..12 {
        script.resolution = if n < 5 {
            SMALL
        } else {
            Resolution::new(96, 64)
        };
        let frame = script.capture();
        script.analyze(&frame, 1, &network);
    }
    script
        .tap
        .event(Some(RUN), &Event::Source(SourceState::Ended));
    let (ending, session) = script.finish();
    assert_eq!(ending.reason, "end of file");
    let parts = &session.manifest.video;
    assert_eq!(parts.len(), 2);
    assert_eq!((parts[1].width, parts[1].first_frame), (96, 5));
    assert_eq!((parts[0].n_frames, parts[1].n_frames), (Some(5), Some(7)));
    let times: Vec<Ticks> = [picture_times(&session, 0), picture_times(&session, 1)].concat();
    assert!(session.frames.iter().map(|row| row.time).eq(times));
    let numbers: Vec<_> = session
        .frames
        .iter()
        .filter_map(|row| row.video_frame)
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6]);
    assert!(kinds(&session).contains(&EventKind::Part));
}

#[test]
fn a_flood_of_frames_cannot_keep_a_recording_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), VideoChoice::Clean);
    config.info = None;
    let mut script = Script::start(&config);
    script.resolution = Resolution::new(640, 480);
    let flooding = Arc::new(AtomicBool::new(true));
    let flood = std::thread::spawn({
        let tap = script.recorder.tap();
        let flooding = Arc::clone(&flooding);
        let first = script.capture();
        move || {
            for id in 1.. {
                if !flooding.load(Ordering::Relaxed) {
                    return;
                }
                let time = Duration::from_micros(100 * id);
                let frame = Frame::new(
                    FrameId(id),
                    first.captured_at + time,
                    time,
                    first.resolution(),
                    vec![90; 4 * first.resolution().n_pixels()].into(),
                );
                // The queue is almost always full, and nothing is analyzed.
                tap.captured(RUN, &Arc::new(frame));
            }
        }
    });
    while script.recorder.status().counts.refused == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    script.recorder.stop("stopped");
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(script.finish()).ok());
    let ended = wait.recv_timeout(Duration::from_secs(60));
    flooding.store(false, Ordering::Relaxed);
    flood.join().unwrap();
    let (ending, session) = ended.expect("the recording continues after it was stopped");
    assert!(!ending.failed, "{}", ending.reason);
    assert_eq!(session.manifest.status, Status::Complete);
}

#[test]
fn no_existing_file_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), VideoChoice::None);
    fs::create_dir(&config.folder).unwrap();
    fs::write(config.folder.join("thesis.txt"), "mine").unwrap();
    let error = error_text(&Recorder::start(&config, || {}).err().unwrap());
    assert!(error.contains("not empty"), "{error}");
    assert_eq!(fs::read_dir(&config.folder).unwrap().count(), 1);
}

/// Mean brightness of the middle of a video's picture `number`, and how much it varies there.
fn middle(folder: &Path, file: &str, number: usize) -> (f64, f64) {
    let mut source = crate::capture::open(&SourceSpec::Path(folder.join(file))).unwrap();
    let pool = crate::frame::FramePool::default();
    let mut frame = None;
    for _ in 0..=number {
        frame = source.next_frame(&pool).unwrap();
    }
    let frame = frame.unwrap();
    let width = frame.resolution().width_px as usize;
    let values: Vec<f64> = (10..26)
        .flat_map(|y| (12..28).map(move |x| (x, y)))
        .map(|(x, y)| f64::from(frame.rgba()[(y * width + x) * 4]))
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, variance.sqrt())
}

#[test]
fn a_video_is_drawn_again_with_faces_hidden_and_the_same_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = Script::start(&config(folder.path(), VideoChoice::Clean));
    script.checkered = true;
    let network = checkpoint("first");
    for _ in 0..12 {
        let frame = script.capture();
        script.analyze(&frame, 1, &network);
    }
    script.recorder.stop("stopped");
    let (_, session) = script.finish();
    let privacy = crate::privacy::FacePrivacy {
        effect: crate::privacy::Effect::Pixelate,
        who: crate::privacy::Who::All,
    };
    let out = folder.path().join("shared");
    let mut n_done = 0;
    let redrawn = redraw::redraw(
        &session,
        VideoChoice::Clean,
        Some(&privacy),
        &out,
        &mut |n| {
            n_done = n;
            ControlFlow::Continue(())
        },
    );
    let redrawn = redrawn.unwrap();
    assert!(!redrawn.has_old_boxes);
    assert_eq!(n_done, 12);
    let file = redrawn.videos[0].file.clone();
    let times = |folder: &Path| video::frame_times(&folder.join(&file)).unwrap();
    assert_eq!(times(&out), times(&session.folder));
    let (before, hidden) = (middle(&session.folder, &file, 6), middle(&out, &file, 6));
    assert!(
        before.1 > 20.0,
        "the picture has something to hide: {before:?}"
    );
    assert!(
        hidden.1 < before.1 / 4.0,
        "{hidden:?} instead of {before:?}"
    );
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "only the video");
    let mut go_on = |_| ControlFlow::Continue(());
    let again = redraw::redraw(&session, VideoChoice::Clean, None, &out, &mut go_on);
    assert!(again.is_err(), "nothing is drawn over");
    let stopped = folder.path().join("stopped");
    let mut stop = |n| match n {
        3 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let canceled = redraw::redraw(&session, VideoChoice::Clean, None, &stopped, &mut stop);
    assert!(matches!(canceled, Err(redraw::RedrawError::Canceled)));
    assert!(!stopped.exists(), "nothing is left");
    // Neither a video of whose pictures nothing is known nor one that cannot be opened leaves a trace.
    let mut unknown = session.clone();
    for row in &mut unknown.frames {
        row.time += Ticks(1 << 40);
    }
    let nothing = folder.path().join("nothing");
    let redrawn = redraw::redraw(&unknown, VideoChoice::Clean, None, &nothing, &mut go_on);
    let message = redrawn.unwrap_err().to_string();
    assert!(message.contains("no row") && !nothing.exists(), "{message}");
    fs::write(session.folder.join(&file), "").unwrap();
    let broken = redraw::redraw(&session, VideoChoice::Clean, None, &nothing, &mut go_on);
    assert!(broken.is_err() && !nothing.exists());
}
