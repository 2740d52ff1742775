//! Plays a session: an [`Engine`] whose pictures come from its video and whose faces from its table.
//!
//! A pipeline of its own paces the video and goes where it is told to; it looks for no faces and has no network. The
//! faces that go with a picture are those that were on the screen with it.

use std::{
    cell::RefCell,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    film,
    recording::{self, Picture, Recording},
};
use crate::{
    capture::SourceSpec,
    detect::{DetectConfig, TrackedFace},
    expression::Logits,
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
    recording: Arc<Recording>,
    /// The picture taken last, until its faces are taken too.
    pending: RefCell<Option<Arc<Frame>>>,
}

impl ReplayEngine {
    /// Starts to play; `wake` is called when there is something new to take.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(
        recording: Arc<Recording>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let film = Arc::clone(&recording);
        let parts = Parts {
            open_source: Arc::new(move |_| film::open(&film)),
            build_finder: Arc::new(|_| Box::new(Blind)),
            start_device: Arc::new(|_| ComputeDevice::start(DeviceChoice::Cpu)),
            load_network: Arc::new(|_, _| Ok(Box::new(Mute(nothing())))),
            ..Parts::real(Pacing::Realtime)
        };
        let config = PipelineConfig {
            source: Some(SourceSpec::Path(recording.session.folder.clone())),
            checkpoint: CheckpointChoice::Bundled(String::new()),
            device: DeviceChoice::Cpu,
            settings: Settings::default(),
            pacing: Pacing::Realtime,
        };
        Ok(Self {
            pipeline: Pipeline::start_with(config, parts, wake)?,
            recording,
            pending: RefCell::default(),
        })
    }

    fn faces_with(&self, frame: Arc<Frame>) -> Analysis {
        // Only blank pictures have another size than the source's, in which boxes are given.
        let scale = match self.recording.picture {
            Picture::None => {
                let width = self.recording.session.manifest.source.width;
                frame.resolution().width_px as f32 / width.max(1) as f32
            }
            Picture::Clean | Picture::Annotated => 1.0,
        };
        let rows = self.recording.faces_at(frame.time);
        Analysis {
            faces: rows
                .iter()
                .map(|row| recording::shown(row, scale))
                .collect(),
            frame,
            meshes: Vec::new(),
            checkpoint: None,
            settings: Settings::default(),
            completed_at: Instant::now(),
            detect_time: Duration::ZERO,
            classify_time: Duration::ZERO,
        }
    }
}

impl Engine for ReplayEngine {
    // The session is all it plays; it is left before anything else is opened.
    fn open(&self, _source: SourceSpec) {}

    fn close(&self) {
        self.pipeline.close();
    }

    // What a session holds is not analysed again.
    fn load_checkpoint(&self, _choice: CheckpointChoice) {}

    fn apply(&self, _settings: Settings) {}

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
        // Device and network are not what the session was recorded with.
        std::iter::from_fn(|| self.pipeline.take_event())
            .find(|event| matches!(event, Event::Source(_)))
    }

    // Nothing is found out here that was not known before.
    fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle {
        TapHandle::detached(tap)
    }

    // Pictures are played; what they were analysed with, and how fast, is past.
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

/// Finds nothing.
struct Blind;

impl FindFaces for Blind {
    fn set_config(&mut self, _config: DetectConfig) {}

    fn reset(&mut self) {}

    fn find(&mut self, _frame: &Frame) -> Vec<TrackedFace> {
        Vec::new()
    }
}

/// Is never asked.
struct Mute(Arc<CheckpointInfo>);

impl ClassifyFaces for Mute {
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

fn nothing() -> Arc<CheckpointInfo> {
    Arc::new(CheckpointInfo {
        name: String::new(),
        path: None,
        architecture: String::new(),
        n_parameters: 0,
        labels: Vec::new(),
        temperature: 1.0,
        uncertain_below: 0.0,
        metrics: Vec::new(),
        sha256: String::new(),
    })
}
