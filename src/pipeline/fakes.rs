//! Scripted parts for the tests of this module: no camera, no clock, no network.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::{ClassifyFaces, FindFaces, Parts};
use crate::{
    bounding_box::BoundingBox,
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind},
    detect::{DetectConfig, TrackId, TrackedFace},
    expression::{Expression, Labels, Logits},
    frame::{Frame, FrameId, FramePool, Resolution},
    model::{
        CheckpointChoice, CheckpointInfo, ComputeDevice, ModelError, Views, preprocess::FaceRegion,
    },
};

const SIZE: Resolution = Resolution::new(4, 2);

/// A small frame with number `id`, at media time zero.
pub(super) fn frame(id: u64) -> Frame {
    let rgba = vec![255; SIZE.n_pixels() * 4];
    Frame::new(
        FrameId(id),
        Instant::now(),
        Duration::ZERO,
        SIZE,
        rgba.into(),
    )
}

/// What a fake source does when the next frame is requested.
pub(super) enum Step {
    /// Returns frames at once, one per call.
    Frames(u64),
    /// Adds a note.
    Note(&'static str),
    /// Skips damaged frames.
    Damaged(u64),
    /// Returns an error.
    Error(CaptureError),
    /// Does not return until the sender of this is dropped.
    Hang(Receiver<()>),
    /// Panics.
    Panic,
}

/// A source that follows a script. At the end of the script a file ends and a camera is unplugged.
struct FakeSource {
    info: SourceInfo,
    steps: VecDeque<Step>,
    notes: Vec<String>,
    next_id: u64,
    n_damaged: u64,
    /// Media time from frame to frame.
    interval: Duration,
    seeking: Option<Seeking>,
}

/// How a fake film seeks.
#[derive(Clone)]
pub(super) struct Seeking {
    /// The times of its seeks.
    pub seeks: Arc<Mutex<Vec<Duration>>>,
    /// A seek does not return until the sender of this is dropped.
    pub until: Receiver<()>,
}

impl FrameSource for FakeSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        loop {
            match self.steps.pop_front() {
                Some(Step::Frames(0)) => {}
                Some(Step::Frames(n)) => {
                    self.steps.push_front(Step::Frames(n - 1));
                    self.next_id += 1;
                    let id = self.next_id - 1;
                    let mut frame = frame(id);
                    frame.time = self.interval * u32::try_from(id).unwrap_or(u32::MAX);
                    return Ok(Some(frame));
                }
                Some(Step::Note(note)) => self.notes.push(note.to_owned()),
                Some(Step::Damaged(n)) => self.n_damaged += n,
                Some(Step::Error(error)) => return Err(error),
                Some(Step::Hang(until)) => {
                    until.recv().ok();
                }
                Some(Step::Panic) => panic!("a bug in the source"),
                None if self.info.kind == SourceKind::File => return Ok(None),
                None => return Err(disconnected()),
            }
        }
    }

    fn n_damaged(&self) -> u64 {
        self.n_damaged
    }

    fn seek(&mut self, time: Duration) -> Result<bool, CaptureError> {
        let (Some(seeking), Some(n_frames)) = (&self.seeking, self.info.n_frames) else {
            return Ok(false);
        };
        seeking.seeks.lock().expect("not poisoned").push(time);
        seeking.until.recv().ok();
        let place = time.as_nanos() / self.interval.as_nanos();
        self.next_id = u64::try_from(place).unwrap_or(u64::MAX).min(n_frames - 1);
        self.steps = VecDeque::from([Step::Frames(n_frames - self.next_id)]);
        Ok(true)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

/// What a fake source is built from.
pub(super) struct Fake {
    kind: SourceKind,
    steps: Vec<Step>,
    n_frames: Option<u64>,
    interval: Duration,
    seeking: Option<Seeking>,
}

/// The outcome of one call to open a source.
pub(super) type Opening = Result<Fake, CaptureError>;

pub(super) fn file(steps: Vec<Step>) -> Opening {
    Ok(Fake {
        kind: SourceKind::File,
        steps,
        n_frames: None,
        interval: Duration::ZERO,
        seeking: None,
    })
}

pub(super) fn camera(steps: Vec<Step>) -> Opening {
    file(steps).map(|fake| Fake {
        kind: SourceKind::Live,
        ..fake
    })
}

/// A file of frames `interval` apart, which seeks as `seeking` says. Without it, a second one must be available to open
/// for a seek backward.
pub(super) fn film(n_frames: u64, interval: Duration, seeking: Option<Seeking>) -> Opening {
    file(vec![Step::Frames(n_frames)]).map(|fake| Fake {
        n_frames: Some(n_frames),
        interval,
        seeking,
        ..fake
    })
}

pub(super) fn disconnected() -> CaptureError {
    CaptureError::Disconnected {
        name: "Fake".to_owned(),
    }
}

/// The description of a fake source.
pub(super) fn info(kind: SourceKind) -> SourceInfo {
    SourceInfo {
        name: "Fake".to_owned(),
        kind,
        resolution: SIZE,
        rate_hz: None,
        n_frames: None,
        duration: None,
        format: "NONE".to_owned(),
        mirror_by_default: false,
    }
}

/// Parts that open the given sources one after another (then find no camera), find one face in every frame, and load every
/// checkpoint whose name does not begin with `bad`. Nothing waits longer than some milliseconds.
pub(super) fn parts(openings: Vec<Opening>) -> Parts {
    let openings = Mutex::new(VecDeque::from(openings));
    Parts {
        open_source: Arc::new(move |_| {
            let opening = openings.lock().expect("not poisoned").pop_front();
            let fake = opening.unwrap_or(Err(CaptureError::NoCamera))?;
            Ok(Box::new(FakeSource {
                info: SourceInfo {
                    n_frames: fake.n_frames,
                    ..info(fake.kind)
                },
                steps: fake.steps.into(),
                notes: Vec::new(),
                next_id: 0,
                n_damaged: 0,
                interval: fake.interval,
                seeking: fake.seeking,
            }))
        }),
        build_finder: Arc::new(|config| {
            Box::new(OneFace {
                config,
                n_resets: 0,
            })
        }),
        start_device: Arc::new(|_| ComputeDevice {
            device: candle_core::Device::Cpu,
            name: "Fake device".to_owned(),
            warning: None,
        }),
        load_network: Arc::new(|choice, _| match choice {
            CheckpointChoice::Bundled(name) if !name.starts_with("bad") => {
                Ok(Box::new(AlwaysHappy(Arc::new(checkpoint(name)))))
            }
            _ => Err(ModelError::Compute(candle_core::Error::Msg(
                "bad checkpoint".to_owned(),
            ))),
        }),
        retry_after: Duration::from_millis(1),
        abandon_after: Duration::from_millis(20),
    }
}

/// Finds a face in every frame, another one after each further reset. The score is taken from the settings.
struct OneFace {
    config: DetectConfig,
    n_resets: u64,
}

impl FindFaces for OneFace {
    fn set_config(&mut self, config: DetectConfig) {
        self.config = config;
    }

    fn reset(&mut self) {
        self.n_resets += 1;
    }

    fn find(&mut self, _frame: &Frame) -> Vec<TrackedFace> {
        vec![TrackedFace {
            track: TrackId(self.n_resets.saturating_sub(1)),
            box_in_frame: BoundingBox::new(0.0, 0.0, 2.0, 2.0),
            score: self.config.score_threshold,
            unseen_for: Duration::ZERO,
            shape: None,
        }]
    }
}

/// A network that always gives the same answer.
pub(super) struct AlwaysHappy(pub Arc<CheckpointInfo>);

impl ClassifyFaces for AlwaysHappy {
    fn info(&self) -> &Arc<CheckpointInfo> {
        &self.0
    }

    fn classify(
        &mut self,
        _frame: &Frame,
        faces: &[FaceRegion],
        _views: Views,
    ) -> Result<Vec<Logits>, ModelError> {
        let mut logits = Logits::default();
        logits.0[Expression::Happy.index()] = 4.0;
        Ok(vec![logits; faces.len()])
    }
}

/// A checkpoint's description of itself.
pub(super) fn checkpoint(name: &str) -> CheckpointInfo {
    CheckpointInfo {
        name: name.to_owned(),
        path: None,
        architecture: "fake".to_owned(),
        n_parameters: 0,
        labels: Labels::FER_2013,
        outputs: Vec::new(),
        temperature: 2.0,
        uncertain_below: 0.0,
        metrics: Vec::new(),
        sha256: String::new(),
        assumed: None,
    }
}
