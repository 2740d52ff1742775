//! The handle through which a window or a command line runs the pipeline.
//!
//! Nothing here waits for a stage, except [`Pipeline::next_analysis`] and [`Pipeline::wait_analysis`], which are for
//! readers without a window, and `drop`, whose wait is bounded.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{
    Analysis, Event, PipelineConfig, Settings, SourceState, Stats, Tap, TapHandle,
    capture_thread::CaptureThread,
    classify_thread::{self, Network},
    controls::{Controls, Transport},
    detect_thread::{self, Found},
    latest::Latest,
    loader_thread::{Loader, LoaderThread},
    message::{Item, Message, Slot},
    parts::Parts,
    shared::{Shared, TaggedEvent},
    source_reader::{CaptureContext, Preview},
    worker::Worker,
};
use crate::{capture::SourceSpec, frame::Frame, model::CheckpointChoice};

/// What [`Pipeline::wait_analysis`] returns.
#[derive(Debug)]
pub enum NextAnalysis {
    /// The next result.
    Ready(Box<Analysis>),
    /// The time limit was reached.
    NotYet,
    /// The source ended or failed for good, and all its results were read. Only with [`EveryFrame`].
    ///
    /// [`EveryFrame`]: super::Pacing::EveryFrame
    Ended,
}

/// The running threads. Dropping it stops and joins them; one that hangs in a driver is abandoned.
///
/// After [`Pipeline::open`] returns, no results from the previous source are delivered.
///
/// ```
/// use std::{thread, time::Duration};
///
/// use fervis::{
///     capture::SourceSpec,
///     model::{CheckpointChoice, DeviceChoice},
///     pipeline::{Event, Pacing, Pipeline, PipelineConfig, Settings},
/// };
///
/// let config = PipelineConfig {
///     source: None, // Opened below, once the network is there.
///     checkpoint: CheckpointChoice::Bundled("fervis-plus".to_owned()),
///     second: None,
///     device: DeviceChoice::Cpu,
///     settings: Settings::default(),
///     pacing: Pacing::EveryFrame,
/// };
/// let pipeline = Pipeline::start(config, || {})?;
/// while !matches!(pipeline.take_event(), Some(Event::CheckpointLoaded(_))) {
///     thread::sleep(Duration::from_millis(2));
/// }
/// pipeline.open(SourceSpec::Path("assets/faces/astronaut.png".into()));
/// let analysis = pipeline.next_analysis().expect("an image has a frame");
/// assert_eq!(analysis.faces.len(), 1);
/// assert!(pipeline.next_analysis().is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Pipeline {
    shared: Arc<Shared>,
    controls: Arc<Controls>,
    preview: Arc<Preview>,
    captured: Slot<Arc<Frame>>,
    found: Slot<Found>,
    analyzed: Slot<Analysis>,
    networks: Arc<Latest<Network>>,
    seconds: Arc<Latest<Network>>,
    events: Receiver<TaggedEvent>,
    /// The run whose end was read from `analyzed`.
    ended_run: AtomicU64,
    abandon_after: Duration,
    /// `None` only while dropping.
    threads: Option<Threads>,
}

struct Threads {
    capture: CaptureThread,
    loader: LoaderThread,
    stages: [Worker; 2],
}

impl Pipeline {
    /// Starts all threads. `wake` is called, from any of them, when there is something new to take; it must return soon.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(
        config: PipelineConfig,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let parts = Parts::real(config.pacing);
        Self::start_with(config, parts, wake)
    }

    /// As [`Pipeline::start`], with other parts than the real ones.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start_with(
        config: PipelineConfig,
        parts: Parts,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        // Unbounded, but it carries only changes of state: a few a minute, one a second from a source that fails.
        let (events_in, events) = crossbeam_channel::unbounded();
        let shared = Arc::new(Shared::new(config.settings, events_in, wake));
        let controls = Arc::<Controls>::default();
        let preview = Arc::<Preview>::default();
        let captured = Slot::<Arc<Frame>>::default();
        let found = Slot::<Found>::default();
        let analyzed = Slot::<Analysis>::default();
        let networks = Arc::<Latest<Network>>::default();
        let seconds = Arc::<Latest<Network>>::default();

        let loader = Loader {
            start_device: parts.start_device,
            load_network: parts.load_network,
            networks: Arc::clone(&networks),
            seconds: Arc::clone(&seconds),
            shared: Arc::clone(&shared),
        };
        let capture = CaptureContext {
            open_source: parts.open_source,
            pacing: config.pacing,
            retry_after: parts.retry_after,
            abandon_after: parts.abandon_after,
            preview: Arc::clone(&preview),
            outbox: Arc::clone(&captured),
            controls: Arc::clone(&controls),
            shared: Arc::clone(&shared),
        };
        let threads = Threads {
            loader: LoaderThread::spawn(loader, config.device, config.checkpoint, config.second)?,
            stages: [
                detect_thread::spawn(
                    parts.build_finder,
                    Arc::clone(&captured),
                    Arc::clone(&found),
                    Arc::clone(&shared),
                    Arc::clone(&controls),
                    config.pacing,
                )?,
                classify_thread::spawn(
                    Arc::clone(&networks),
                    Arc::clone(&seconds),
                    Arc::clone(&found),
                    Arc::clone(&analyzed),
                    Arc::clone(&shared),
                    config.pacing,
                )?,
            ],
            capture: CaptureThread::spawn(capture)?,
        };
        let pipeline = Self {
            shared,
            controls,
            preview,
            captured,
            found,
            analyzed,
            networks,
            seconds,
            events,
            ended_run: AtomicU64::default(),
            abandon_after: parts.abandon_after,
            threads: Some(threads),
        };
        if let Some(source) = config.source {
            pipeline.open(source);
        }
        Ok(pipeline)
    }

    /// Opens another source; the current one is closed first. Returns at once.
    pub fn open(&self, source: SourceSpec) {
        let run = self.shared.begin_run();
        self.controls.reset(run);
        self.shared
            .emit_for(run, Event::Source(SourceState::Starting));
        self.threads().capture.open(run, Some(source));
    }

    /// Closes the source; a camera turns off. Returns at once. No results are delivered until another source is opened.
    pub fn close(&self) {
        let run = self.shared.begin_run();
        self.controls.reset(run);
        self.threads().capture.open(run, None);
    }

    /// How the open file plays; `None` if the source cannot be paused: live sources, still pictures, and any source with
    /// [`Pacing::EveryFrame`](super::Pacing).
    pub fn transport(&self) -> Option<Transport> {
        self.controls.transport()
    }

    /// Pauses or resumes the file.
    pub fn set_paused(&self, paused: bool) {
        self.controls.set_paused(paused);
    }

    /// Sets the speed, as a multiple of the file's own, clamped to [`SPEEDS`](super::SPEEDS). It also applies to files
    /// that are opened later.
    pub fn set_speed(&self, speed: f64) {
        self.controls.set_speed(speed);
    }

    /// Shows the next frame of a paused file.
    pub fn step(&self) {
        self.controls.step();
    }

    /// Seeks to the frame that is on screen at media time `time`, whether the file plays, is paused or has ended.
    /// Returns whether there is a file that can seek.
    ///
    /// Returns at once, and from then on no results of earlier frames are delivered. Where the file was analyzed before,
    /// faces are those of then; elsewhere they are new. Of several seeks only the newest counts.
    pub fn seek(&self, time: Duration) -> bool {
        self.controls.seek(&self.shared, time)
    }

    /// Loads a checkpoint in the background. Returns at once; the outcome comes as an [`Event`].
    pub fn load_checkpoint(&self, choice: CheckpointChoice) {
        self.threads().loader.load(choice);
    }

    /// Lets a second network read the same faces, once it is loaded, for comparison; `None` takes it away.
    pub fn load_second(&self, choice: Option<CheckpointChoice>) {
        self.threads().loader.load_second(choice);
    }

    /// Changes the settings from the next frame on.
    pub fn apply(&self, settings: Settings) {
        self.shared.apply(settings);
    }

    /// Learns the resting face of everybody in view over three seconds (`true`), or forgets what was learned. The outcome
    /// comes as [`Event::Neutral`].
    pub fn set_neutral(&self, learn: bool) {
        self.shared.ask_neutral(learn);
    }

    /// Attaches a recording or a stream until the handle is dropped. See [`Tap`] for what it must not do.
    pub fn attach(&self, tap: Arc<dyn Tap>) -> TapHandle {
        self.shared.attach(tap)
    }

    /// The newest captured frame, unless it was taken before.
    pub fn take_preview(&self) -> Option<Arc<Frame>> {
        let (run, frame) = self.preview.try_take()?;
        self.shared.is_current(run).then_some(frame)
    }

    /// The newest result, unless it was taken before. For windows, which pace themselves.
    pub fn take_analysis(&self) -> Option<Analysis> {
        self.sort(self.analyzed.try_take()?)
    }

    /// Waits for the next result. `None` once the source ended or failed for good and all its results were read; the
    /// [`Event`] that says which can then be taken.
    ///
    /// For [`Pacing::EveryFrame`](super::Pacing). With [`Pacing::Realtime`](super::Pacing) the end of a source is only an
    /// event.
    pub fn next_analysis(&self) -> Option<Analysis> {
        loop {
            if self.has_ended() {
                return None;
            }
            if let Some(analysis) = self.sort(self.analyzed.take()?) {
                return Some(analysis);
            }
        }
    }

    /// As [`Pipeline::next_analysis`], but waits at most `timeout`.
    pub fn wait_analysis(&self, timeout: Duration) -> NextAnalysis {
        let deadline = Instant::now() + timeout;
        loop {
            if self.has_ended() {
                return NextAnalysis::Ended;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.analyzed.take_timeout(left) {
                Ok(message) => {
                    if let Some(analysis) = self.sort(message) {
                        return NextAnalysis::Ready(Box::new(analysis));
                    }
                }
                Err(RecvTimeoutError::Timeout) => return NextAnalysis::NotYet,
                Err(RecvTimeoutError::Disconnected) => return NextAnalysis::Ended,
            }
        }
    }

    /// The next event, oldest first.
    pub fn take_event(&self) -> Option<Event> {
        self.events
            .try_iter()
            .find(|(run, event)| {
                run.is_none_or(|run| match event {
                    // The end is a position in the file, and the user may have sought back since.
                    Event::Source(SourceState::Ended) => self.shared.is_current(run),
                    _ => self.shared.is_of_current_source(run),
                })
            })
            .map(|(_, event)| event)
    }

    /// Figures for the status bar.
    pub fn stats(&self) -> Stats {
        self.shared.stats(Instant::now())
    }

    /// Notes the end of a source, and lets only results of the current run through.
    fn sort(&self, message: Message<Analysis>) -> Option<Analysis> {
        match message.item {
            _ if !self.shared.is_current(message.run) => None,
            Item::Frame(analysis) => Some(analysis),
            Item::End(_) => {
                self.ended_run.store(message.run.0, Ordering::SeqCst);
                None
            }
        }
    }

    fn has_ended(&self) -> bool {
        let current = self.shared.current_run().0;
        current != 0 && self.ended_run.load(Ordering::SeqCst) == current
    }

    fn threads(&self) -> &Threads {
        self.threads.as_ref().expect("taken only by drop")
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let Some(Threads {
            capture,
            loader,
            stages: [detect, classify],
        }) = self.threads.take()
        else {
            return;
        };
        // First every thread is told to end, then every thread is joined: otherwise one could wait for another that does
        // not know yet.
        let capture = capture.finish();
        let loader = loader.finish();
        self.captured.close();
        self.found.close();
        self.analyzed.close();
        self.networks.close();
        self.seconds.close();
        // The control thread itself waits that long for the reader, so it gets a little more.
        let deadline = Instant::now() + self.abandon_after + Duration::from_millis(250);
        for worker in [capture, detect, classify, loader] {
            worker.join_within(deadline.saturating_duration_since(Instant::now()));
        }
    }
}
