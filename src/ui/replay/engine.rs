//! Plays a session: an [`Engine`] whose frames come from its video and whose faces from its table.
//!
//! A pipeline of its own paces the video and seeks in it, without face detector and network. The faces of a frame are
//! those that were on screen with it.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    loaded_session::{self, LoadedSession, ReplayVideo},
    video,
};
use crate::{
    capture::SourceSpec,
    detect::{DetectConfig, TrackedFace},
    expression::{Labels, Logits},
    frame::Frame,
    model::{
        CheckpointChoice, CheckpointInfo, ComputeDevice, DeviceChoice, ModelError, Views,
        preprocess::FaceRegion,
    },
    pipeline::{
        Analysis, ClassifyFaces, Event, FindFaces, Pacing, Parts, Pipeline, PipelineConfig,
        Settings, Stats, Tap, TapHandle, Transport,
    },
    ui::engine::Engine,
};

/// A session that plays.
pub struct ReplayEngine {
    pipeline: Pipeline,
    loaded: Arc<LoadedSession>,
    /// The frame taken last, until its faces are taken too.
    pending: RefCell<Option<Arc<Frame>>>,
    /// The reading that stands beside the recorded one, by its position in [`LoadedSession::readings`].
    pub other: Cell<Option<usize>>,
}

impl ReplayEngine {
    /// Starts playing; `wake` is called when there is something new to take.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(
        loaded: Arc<LoadedSession>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let video = Arc::clone(&loaded);
        let parts = Parts {
            open_source: Arc::new(move |_| video::open(&video)),
            build_finder: Arc::new(|_| Box::new(NoFinder)),
            start_device: Arc::new(|_| ComputeDevice::start(DeviceChoice::Cpu)),
            load_network: Arc::new(|_, _| Ok(Box::new(NoNetwork(no_checkpoint())))),
            ..Parts::real(Pacing::Realtime)
        };
        let config = PipelineConfig {
            source: Some(SourceSpec::Path(loaded.session.folder.clone())),
            checkpoint: CheckpointChoice::Bundled(String::new()),
            second: None,
            device: DeviceChoice::Cpu,
            settings: Settings::default(),
            pacing: Pacing::Realtime,
        };
        Ok(Self {
            pipeline: Pipeline::start_with(config, parts, wake)?,
            loaded,
            pending: RefCell::default(),
            other: Cell::new(None),
        })
    }

    fn faces_with(&self, frame: Arc<Frame>) -> Analysis {
        // Boxes are in pixels of the source. Only blank frames have another size.
        let scale = match self.loaded.video {
            ReplayVideo::None => {
                let width = self.loaded.session.manifest.source.width;
                frame.resolution().width_px as f32 / width.max(1) as f32
            }
            ReplayVideo::Clean | ReplayVideo::Annotated => 1.0,
        };
        let rows = self.loaded.faces_at(frame.time);
        let other = self.other.get();
        let other = other.and_then(|other| self.loaded.readings.get(other));
        Analysis {
            faces: rows
                .iter()
                .map(|row| loaded_session::shown(row, scale, other))
                .collect(),
            frame,
            meshes: Vec::new(),
            checkpoint: None,
            second: None,
            settings: Settings::default(),
            completed_at: Instant::now(),
            detect_time: Duration::ZERO,
            classify_time: Duration::ZERO,
        }
    }
}

impl Engine for ReplayEngine {
    // It plays only its session, and is dropped before anything else is opened.
    fn open(&self, _source: SourceSpec) {}

    fn close(&self) {
        self.pipeline.close();
    }

    // A session is not analyzed again.
    fn load_checkpoint(&self, _choice: CheckpointChoice) {}

    fn load_second(&self, _choice: Option<CheckpointChoice>) {}

    fn apply(&self, _settings: Settings) {}

    fn set_neutral(&self, _learn: bool) {}

    fn take_preview(&self) -> Option<Arc<Frame>> {
        let frame = self.pipeline.take_preview()?;
        self.pending.replace(Some(Arc::clone(&frame)));
        Some(frame)
    }

    fn take_analysis(&self) -> Option<Analysis> {
        let frame = self.pending.take()?;
        Some(self.faces_with(frame))
    }

    fn take_event(&self) -> Option<Event> {
        // Device and network are not those of the recording.
        std::iter::from_fn(|| self.pipeline.take_event())
            .find(|event| matches!(event, Event::Source(_)))
    }

    // There are no results that were not recorded already.
    fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle {
        TapHandle::detached(tap)
    }

    // Analysis rates and latency are not those of the recording.
    fn stats(&self) -> Stats {
        let Stats {
            capture_rate_hz,
            n_captured,
            ..
        } = self.pipeline.stats();
        Stats {
            capture_rate_hz,
            n_captured,
            ..Stats::default()
        }
    }

    fn transport(&self) -> Option<Transport> {
        self.pipeline.transport()
    }

    fn set_paused(&self, paused: bool) {
        self.pipeline.set_paused(paused);
    }

    fn set_speed(&self, speed: f64) {
        self.pipeline.set_speed(speed);
    }

    fn step(&self) {
        self.pipeline.step();
    }

    fn seek(&self, time: Duration) -> bool {
        self.pipeline.seek(time)
    }
}

/// Finds no faces.
struct NoFinder;

impl FindFaces for NoFinder {
    fn set_config(&mut self, _config: DetectConfig) {}

    fn reset(&mut self) {}

    fn find(&mut self, _frame: &Frame) -> Vec<TrackedFace> {
        Vec::new()
    }
}

/// Never has a face to classify.
struct NoNetwork(Arc<CheckpointInfo>);

impl ClassifyFaces for NoNetwork {
    fn info(&self) -> &Arc<CheckpointInfo> {
        &self.0
    }

    fn classify(
        &mut self,
        _frame: &Frame,
        faces: &[FaceRegion],
        _views: Views,
    ) -> Result<Vec<Logits>, ModelError> {
        Ok(vec![Logits::default(); faces.len()])
    }
}

fn no_checkpoint() -> Arc<CheckpointInfo> {
    Arc::new(CheckpointInfo {
        name: String::new(),
        path: None,
        architecture: String::new(),
        n_parameters: 0,
        labels: Labels::FER_2013,
        outputs: Vec::new(),
        temperature: 1.0,
        uncertain_below: 0.0,
        metrics: Vec::new(),
        sha256: String::new(),
        assumed: None,
    })
}
