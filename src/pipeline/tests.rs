//! All threads together, with scripted parts.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::{
    fakes::{Opening, Step, camera, disconnected, file, info, parts},
    *,
};
use crate::{
    capture::{CaptureError, SourceKind},
    expression::Expression,
    frame::FrameId,
    model::bundled_names,
};

/// Only a broken pipeline waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Rig {
    pub pipeline: Pipeline,
    wakes: Receiver<()>,
}

fn config(pacing: Pacing) -> PipelineConfig {
    PipelineConfig {
        source: Some(SourceSpec::Demo),
        checkpoint: CheckpointChoice::Bundled("first".to_owned()),
        second: None,
        device: DeviceChoice::Cpu,
        settings: Settings::default(),
        pacing,
    }
}

pub(super) fn start(pacing: Pacing, openings: Vec<Opening>) -> Rig {
    start_with(config(pacing), parts(openings))
}

fn start_with(config: PipelineConfig, parts: Parts) -> Rig {
    let (wake, wakes) = crossbeam_channel::unbounded();
    let pipeline = Pipeline::start_with(config, parts, move || {
        wake.send(()).ok();
    });
    Rig {
        pipeline: pipeline.expect("threads"),
        wakes,
    }
}

impl Rig {
    pub fn event(&self) -> Event {
        self.wait_for(Pipeline::take_event)
    }

    pub fn state(&self) -> SourceState {
        loop {
            if let Event::Source(state) = self.event() {
                return state;
            }
        }
    }

    pub fn states_until(&self, last: &SourceState) -> Vec<SourceState> {
        let mut states = Vec::new();
        while states.last() != Some(last) {
            states.push(self.state());
        }
        states
    }

    pub fn wait_for<T>(&self, take: impl Fn(&Pipeline) -> Option<T>) -> T {
        loop {
            if let Some(value) = take(&self.pipeline) {
                return value;
            }
            self.wakes
                .recv_timeout(PATIENCE)
                .expect("the pipeline wakes its reader for everything new");
        }
    }

    fn frame_ids(&self) -> Vec<u64> {
        std::iter::from_fn(|| self.pipeline.next_analysis())
            .map(|analysis| analysis.frame.id.0)
            .collect()
    }
}

fn live() -> SourceState {
    SourceState::Live(info(SourceKind::Live))
}

fn lost(error: &CaptureError) -> SourceState {
    SourceState::Lost(error.to_string())
}

fn stalled() -> CaptureError {
    stalled_for(3)
}

fn stalled_for(seconds: u64) -> CaptureError {
    CaptureError::Stalled {
        name: "Fake".to_owned(),
        waited: Duration::from_secs(seconds),
    }
}

/// A step that hangs until the returned sender is dropped.
fn hang() -> (crossbeam_channel::Sender<()>, Step) {
    let (release, until) = crossbeam_channel::bounded(0);
    (release, Step::Hang(until))
}

#[test]
fn every_frame_of_a_file_is_analyzed_in_order() {
    let mut parts = parts(vec![file(vec![Step::Frames(300)])]);
    // The network loads slowly; no frame may pass before it is ready.
    let (release, gate) = crossbeam_channel::bounded::<()>(0);
    let load = Arc::clone(&parts.load_network);
    parts.load_network = Arc::new(move |choice, device| {
        gate.recv().ok();
        load(choice, device)
    });
    let rig = start_with(config(Pacing::EveryFrame), parts);
    assert!(matches!(
        rig.pipeline.wait_analysis(Duration::from_millis(5)),
        NextAnalysis::NotYet
    ));
    drop(release);
    assert!(rig.frame_ids().into_iter().eq(0..300));
    assert!(rig.pipeline.next_analysis().is_none(), "it stays ended");
    assert!(matches!(
        rig.pipeline.wait_analysis(PATIENCE),
        NextAnalysis::Ended
    ));
    let expected = [
        SourceState::Starting,
        SourceState::Live(info(SourceKind::File)),
        SourceState::Ended,
    ];
    assert_eq!(rig.states_until(&SourceState::Ended), expected);
    let stats = rig.pipeline.stats();
    assert_eq!(
        (stats.n_captured, stats.n_analyzed, stats.n_dropped),
        (300, 300, 0)
    );
}

#[test]
fn a_watched_file_ends_after_its_last_result() {
    let (release, hang) = hang();
    let rig = start(Pacing::Realtime, vec![file(vec![hang, Step::Frames(50)])]);
    // The network is ready from the start, so unread results replace each other; their frames were not dropped.
    rig.wait_for(|pipeline| {
        pipeline
            .take_event()
            .filter(|event| matches!(event, Event::CheckpointLoaded(_)))
    });
    drop(release);
    rig.states_until(&SourceState::Ended);
    // Nothing was read, so the mailbox holds the newest result: that of the last frame.
    let last = rig.pipeline.take_analysis().expect("the last result");
    assert_eq!(last.frame.id.0, 49);
    assert_eq!(last.faces[0].label, Expression::Happy);
    assert_eq!(last.faces[0].track, TrackId(1));
    assert_eq!(
        last.checkpoint.map(|info| info.name.clone()),
        Some("first".to_owned())
    );
    assert_eq!(
        rig.pipeline.take_preview().map(|frame| frame.id.0),
        Some(49)
    );
    let stats = rig.pipeline.stats();
    assert_eq!(stats.n_captured, 50);
    assert_eq!(stats.n_analyzed + stats.n_dropped, 50);
}

#[test]
fn a_camera_is_unplugged_and_comes_back() {
    let (_release, hang) = hang();
    let rig = start(
        Pacing::Realtime,
        vec![
            Err(CaptureError::NoCamera),
            Err(CaptureError::NoCamera),
            camera(vec![
                Step::Frames(2),
                Step::Error(stalled()),
                Step::Error(stalled_for(6)), // Told already.
                Step::Frames(1),
                Step::Error(disconnected()),
            ]),
            Err(CaptureError::NoCamera),
            camera(vec![Step::Frames(1), hang]),
        ],
    );
    let states: Vec<_> = (0..7).map(|_| rig.state()).collect();
    let expected = [
        SourceState::Starting,
        SourceState::NoCamera,
        live(),
        lost(&stalled()),
        live(),
        lost(&disconnected()), // A later "no camera found" does not hide it.
        live(),
    ];
    assert_eq!(states, expected);
    // Frame numbers continue.
    let newest = rig.wait_for(|pipeline| pipeline.take_preview().filter(|f| f.id.0 == 3));
    assert!(newest.time > Duration::ZERO);
}

#[test]
fn a_silent_camera_that_is_unplugged_is_lost() {
    let (_release, hang) = hang();
    let instead = || CaptureError::NoSuchCamera {
        wanted: "Fake".to_owned(),
        found: "0 “Fake Pro”".to_owned(),
    };
    let rig = start(
        Pacing::Realtime,
        vec![
            camera(vec![
                Step::Frames(1),
                Step::Error(stalled()),
                Step::Error(disconnected()),
            ]),
            Err(CaptureError::NoCamera),
            Err(instead()),
            Err(instead()),
            camera(vec![Step::Frames(1), hang]),
        ],
    );
    let states: Vec<_> = (0..6).map(|_| rig.state()).collect();
    let expected = [
        SourceState::Starting,
        live(),
        lost(&stalled()),
        lost(&disconnected()),
        lost(&instead()), // Once.
        live(),
    ];
    assert_eq!(states, expected);
}

#[test]
fn damaged_frames_are_counted() {
    let (_release, hang) = hang();
    let rig = start(
        Pacing::Realtime,
        vec![
            camera(vec![Step::Damaged(2), Step::Frames(1), Step::Damaged(3)]),
            camera(vec![Step::Damaged(1), Step::Frames(1), hang]),
        ],
    );
    rig.wait_for(|pipeline| (pipeline.stats().n_captured == 2).then_some(()));
    assert_eq!(
        rig.pipeline.stats().n_damaged,
        6,
        "since the source was chosen"
    );
}

#[test]
fn a_busy_camera_is_tried_again() {
    let busy = |transient| CaptureError::OpenCamera {
        name: "Fake".to_owned(),
        reason: "another program uses it".to_owned(),
        transient,
    };
    let (_release, hang) = hang();
    let waiting = SourceState::Waiting(busy(true).to_string());
    let failed = SourceState::Failed(busy(false).to_string());
    let openings = vec![
        Err(busy(true)),
        Err(busy(true)),
        camera(vec![Step::Frames(1), hang]),
    ];
    let rig = start(Pacing::Realtime, openings);
    assert_eq!(
        rig.states_until(&live()),
        [SourceState::Starting, waiting, live()]
    );
    // A camera that cannot work at all is not.
    let openings = vec![Err(busy(false)), camera(vec![Step::Frames(1)])];
    let rig = start(Pacing::EveryFrame, openings);
    assert!(rig.pipeline.next_analysis().is_none());
    assert_eq!(rig.states_until(&failed), [SourceState::Starting, failed]);
}

#[test]
fn a_damaged_file_keeps_the_frames_before_the_damage() {
    let reason = CaptureError::Unsupported {
        path: "clip.mp4".into(),
        reason: "it is damaged after frame 3".to_owned(),
    };
    let failed = SourceState::Failed(reason.to_string());
    let opening = file(vec![Step::Frames(3), Step::Error(reason)]);
    let rig = start(Pacing::EveryFrame, vec![opening]);
    assert_eq!(rig.frame_ids(), [0, 1, 2]);
    assert_eq!(rig.states_until(&failed).len(), 3);
}

#[test]
fn a_source_that_panics_is_reported() {
    let rig = start(
        Pacing::EveryFrame,
        vec![file(vec![Step::Frames(1), Step::Panic])],
    );
    assert_eq!(rig.frame_ids(), [0]);
    let failed = rig.wait_for(|pipeline| match pipeline.take_event() {
        Some(Event::Source(SourceState::Failed(reason))) => Some(reason),
        _ => None,
    });
    assert!(failed.contains("a bug in the source"), "{failed}");

    let (_release, hang) = hang();
    let openings = vec![
        camera(vec![Step::Frames(1), Step::Panic]),
        camera(vec![Step::Frames(1), hang]),
    ];
    let rig = start(Pacing::Realtime, openings);
    assert_eq!(rig.state(), SourceState::Starting);
    assert_eq!(rig.state(), live());
    assert!(matches!(rig.state(), SourceState::Lost(_)));
    assert_eq!(rig.state(), live(), "opened again");
}

#[test]
fn another_source_can_be_opened_while_one_hangs() {
    let (release, hang) = hang();
    // The first source still delivers a frame when its call returns; nobody may see it.
    let rig = start(
        Pacing::EveryFrame,
        vec![
            file(vec![Step::Frames(1), hang, Step::Frames(100)]),
            file(vec![Step::Frames(200)]),
        ],
    );
    assert_eq!(
        rig.pipeline.next_analysis().map(|first| first.frame.id.0),
        Some(0)
    );
    let started = Instant::now();
    rig.pipeline.open(SourceSpec::Demo);
    assert!(started.elapsed() < PATIENCE / 10, "returns at once");
    assert_eq!(rig.pipeline.stats().n_captured, 0, "counts start over");
    let second = rig.pipeline.next_analysis().expect("a result");
    assert_eq!(second.frame.id.0, 0);
    drop(release);
    assert!(rig.frame_ids().into_iter().eq(1..200));
    assert_eq!(rig.pipeline.stats().n_captured, 200);
}

#[test]
fn a_hung_source_does_not_delay_the_end() {
    let (release, hang) = hang();
    let rig = start(Pacing::Realtime, vec![camera(vec![Step::Frames(1), hang])]);
    rig.states_until(&live());
    let started = Instant::now();
    drop(rig);
    assert!(
        started.elapsed() < PATIENCE / 4,
        "took {:?}",
        started.elapsed()
    );
    drop(release);
}

#[test]
fn it_ends_without_a_reader() {
    let rig = start(Pacing::EveryFrame, vec![file(vec![Step::Frames(1000)])]);
    // All mailboxes fill up and every stage waits.
    rig.wait_for(|pipeline| (pipeline.stats().n_captured > 3).then_some(()));
    let started = Instant::now();
    drop(rig);
    assert!(
        started.elapsed() < PATIENCE / 4,
        "took {:?}",
        started.elapsed()
    );
}

#[test]
fn a_checkpoint_that_fails_changes_nothing() {
    let (release, hang) = hang();
    let rig = start(
        Pacing::EveryFrame,
        vec![file(vec![Step::Frames(1), hang, Step::Frames(20)])],
    );
    let choose = |name: &str| {
        let choice = CheckpointChoice::Bundled(name.to_owned());
        rig.pipeline.load_checkpoint(choice.clone());
        choice
    };
    let loaded = |event: Option<Event>| match event {
        Some(Event::CheckpointLoaded(info)) => Some(info.name.clone()),
        _ => None,
    };
    assert_eq!(rig.wait_for(|p| loaded(p.take_event())), "first");
    let bad = choose("bad");
    let failed = rig.wait_for(|p| match p.take_event() {
        Some(Event::CheckpointFailed { choice, reason }) => Some((choice, reason)),
        _ => None,
    });
    assert_eq!(failed.0, bad);
    assert!(failed.1.contains("bad checkpoint"), "{}", failed.1);
    let made_by = |analysis: &Analysis| analysis.checkpoint.as_ref().map(|info| info.name.clone());
    let first = rig.pipeline.next_analysis().expect("a result");
    assert_eq!(made_by(&first).as_deref(), Some("first"));

    choose("second");
    assert_eq!(rig.wait_for(|p| loaded(p.take_event())), "second");
    drop(release);
    let last = std::iter::from_fn(|| rig.pipeline.next_analysis()).last();
    assert_eq!(last.as_ref().and_then(made_by).as_deref(), Some("second"));
}

#[test]
fn without_the_first_checkpoint_the_bundled_one_is_used() {
    let mut config = config(Pacing::EveryFrame);
    config.checkpoint = CheckpointChoice::File("missing.safetensors".into());
    let rig = start_with(config.clone(), parts(vec![file(vec![Step::Frames(1)])]));
    let result = rig.pipeline.next_analysis().expect("a result");
    assert_eq!(
        result.checkpoint.map(|info| info.name.clone()).as_deref(),
        bundled_names().first().copied()
    );
    assert!(matches!(
        rig.wait_for(|p| p
            .take_event()
            .filter(|event| matches!(event, Event::CheckpointFailed { .. }))),
        Event::CheckpointFailed { .. }
    ));

    let mut parts = parts(vec![file(vec![Step::Frames(3)])]);
    parts.load_network = Arc::new(|_, _| panic!("a bug in the loader"));
    let rig = start_with(config, parts);
    let results: Vec<_> = std::iter::from_fn(|| rig.pipeline.next_analysis()).collect();
    assert_eq!(results.len(), 3);
    assert!(
        results
            .iter()
            .all(|result| result.faces.is_empty() && result.checkpoint.is_none())
    );
    rig.wait_for(|p| {
        p.take_event()
            .filter(|event| matches!(event, Event::Warning(_)))
    });
}

#[test]
fn settings_apply_from_the_next_frame() {
    let (release, hang) = hang();
    let rig = start(
        Pacing::EveryFrame,
        vec![file(vec![Step::Frames(1), hang, Step::Frames(1)])],
    );
    let score = |rig: &Rig| rig.pipeline.next_analysis().expect("a result").faces[0].score;
    assert_eq!(score(&rig), Settings::default().detect.score_threshold);
    let mut settings = Settings::default();
    settings.detect.score_threshold = 17.0;
    rig.pipeline.apply(settings);
    drop(release);
    assert_eq!(score(&rig), 17.0);
}

#[test]
fn a_stage_that_panics_loses_only_its_frame() {
    let mut parts = parts(vec![file(vec![Step::Frames(4)])]);
    let find = Arc::clone(&parts.build_finder);
    let n_built = Mutex::new(0);
    parts.build_finder = Arc::new(move |config| {
        let mut n_built = n_built.lock().expect("not poisoned by a panic below");
        *n_built += 1;
        let first = *n_built == 1;
        drop(n_built);
        assert!(!first, "a bug in the detector");
        find(config)
    });
    let rig = start_with(config(Pacing::EveryFrame), parts);
    assert_eq!(rig.frame_ids(), [1, 2, 3]);
    let warning = rig.wait_for(|p| match p.take_event() {
        Some(Event::Warning(text)) => Some(text),
        _ => None,
    });
    assert!(warning.contains("a bug in the detector"), "{warning}");
    assert_eq!(rig.pipeline.stats().n_dropped, 1);
}

#[test]
fn notes_of_a_source_are_passed_on_with_every_pacing() {
    for pacing in [Pacing::Realtime, Pacing::EveryFrame] {
        let steps = vec![Step::Frames(1), Step::Note("b.png is left out")];
        let rig = start(pacing, vec![file(steps)]);
        let warning = rig.wait_for(|p| match p.take_event() {
            Some(Event::Warning(text)) => Some(text),
            _ => None,
        });
        assert_eq!(warning, "b.png is left out");
    }
}

/// The calls of a tap about frames, in order.
#[derive(Default)]
struct Listener {
    captured: Mutex<Vec<u64>>,
    decided: Mutex<Vec<(u64, bool)>>,
    states: Mutex<Vec<SourceState>>,
}

impl Tap for Listener {
    fn captured(&self, run: SourceRun, frame: &Arc<Frame>) {
        assert_eq!(run, SourceRun(1));
        self.captured.lock().unwrap().push(frame.id.0);
    }

    fn analyzed(&self, _run: SourceRun, analysis: &Analysis) {
        let mut decided = self.decided.lock().unwrap();
        decided.push((analysis.frame.id.0, true));
    }

    fn skipped(&self, _run: SourceRun, frame: FrameId) {
        self.decided.lock().unwrap().push((frame.0, false));
    }

    fn event(&self, run: Option<SourceRun>, event: &Event) {
        if let (Some(_), Event::Source(state)) = (run, event) {
            self.states.lock().unwrap().push(state.clone());
        }
    }
}

#[test]
fn a_tap_gets_the_outcome_of_every_frame() {
    for pacing in [Pacing::EveryFrame, Pacing::Realtime] {
        let config = PipelineConfig {
            source: None,
            ..config(pacing)
        };
        let rig = start_with(config, parts(vec![file(vec![Step::Frames(200)])]));
        let listener = Arc::<Listener>::default();
        let handle = rig.pipeline.attach(Arc::clone(&listener) as Arc<dyn Tap>);
        rig.pipeline.open(SourceSpec::Demo);
        if pacing == Pacing::EveryFrame {
            assert_eq!(rig.frame_ids().len(), 200);
        }
        rig.states_until(&SourceState::Ended);
        drop(handle);
        let captured = listener.captured.lock().unwrap();
        assert!(captured.iter().copied().eq(0..200));
        let mut decided = listener.decided.lock().unwrap().clone();
        let n_analyzed = decided.iter().filter(|(_, analyzed)| *analyzed).count();
        assert!(n_analyzed > 0 && (pacing == Pacing::Realtime || n_analyzed == 200));
        decided.sort_unstable();
        assert!(decided.iter().map(|(id, _)| *id).eq(0..200), "each once");
        assert_eq!(
            listener.states.lock().unwrap().last(),
            Some(&SourceState::Ended)
        );
    }
}
