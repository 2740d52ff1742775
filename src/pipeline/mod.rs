//! The threads of the live application and the mailboxes between them.
//!
//! ```text
//! capture ──▶ detect ──▶ classify ──▶ reader (window, command line)
//!    └──────────────────────────────▶ reader (preview)
//! ```
//!
//! Live sources drop what cannot be handled in time; files wait, so that every frame is analysed, where
//! [`Pacing`] says so. The arrows are one-slot mailboxes ([`Latest`]), not queues: a queue would turn a slow stage
//! into a picture that lags ever further behind.

mod cancel;
mod capture_thread;
mod classify_thread;
mod controls;
mod detect_thread;
#[cfg(test)]
mod fakes;
mod handle;
mod latest;
mod loader_thread;
mod message;
mod parts;
mod play;
#[cfg(test)]
mod play_tests;
mod playback;
mod shared;
mod smoothing;
mod stats;
mod tap;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::{
    controls::{SPEEDS, Transport},
    handle::{NextAnalysis, Pipeline},
    latest::Latest,
    parts::{BuildFinder, ClassifyFaces, FindFaces, LoadNetwork, OpenSource, Parts, StartDevice},
    smoothing::{Held, Smoother},
    tap::{SourceRun, Tap, TapHandle},
};

use crate::{
    bounding_box::BoundingBox,
    capture::{SourceInfo, SourceSpec},
    detect::{DetectConfig, TrackId},
    expression::{Expression, Probabilities},
    frame::Frame,
    model::{CheckpointChoice, CheckpointInfo, DeviceChoice, Views},
};

/// State of the source, each with its own words on the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceState {
    /// Being opened.
    Starting,
    /// Frames arrive.
    Live(SourceInfo),
    /// There is no camera; we look again every second.
    NoCamera,
    /// It worked and stopped (unplugged, silent); we try again every second. Holds the reason in words.
    Lost(String),
    /// It cannot work without the user doing something. Holds the reason in words. A camera is tried again every
    /// second all the same: the something may be closing another program.
    Failed(String),
    /// A file was read to its end.
    Ended,
}

/// What is shown where no expression is probable enough to be named.
pub const UNCERTAIN: &str = "uncertain";

/// One face of one analysed frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceAnalysis {
    /// Identity across frames, from 1.
    pub track: TrackId,
    /// Where.
    pub box_in_frame: BoundingBox,
    /// Detector score.
    pub score: f32,
    /// How long ago the face was last really found; zero when found in this frame.
    pub unseen_for: Duration,
    /// Of this frame alone; of the last frame in which the face was found, while [`Self::unseen_for`] is not zero.
    pub raw: Probabilities,
    /// Smoothed over time; equal to `raw` when smoothing is off. Stands still while the face is not found.
    pub smoothed: Probabilities,
}

impl FaceAnalysis {
    /// The expression to show: the most probable after smoothing.
    pub fn label(&self) -> Expression {
        self.smoothed.top().0
    }

    /// The word to show for it: [`UNCERTAIN`] if its probability is below `uncertain_below`, 0 to 1.
    pub fn shown_label(&self, uncertain_below: f32) -> &'static str {
        match self.smoothed.top() {
            (_, probability) if probability < uncertain_below => UNCERTAIN,
            (label, _) => label.name(),
        }
    }
}

/// The result for one frame.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The frame it is about.
    pub frame: Arc<Frame>,
    /// Faces ordered by track, oldest first.
    pub faces: Vec<FaceAnalysis>,
    /// The network that read the expressions; `None` if none could be loaded, and then there are no faces.
    pub checkpoint: Option<Arc<CheckpointInfo>>,
    /// What was set when the expressions were read.
    pub settings: Settings,
    /// When the result was ready; less [`Frame::captured_at`] it is the latency.
    pub completed_at: Instant,
    /// Time spent finding faces.
    pub detect_time: Duration,
    /// Time spent on preprocessing and the network.
    pub classify_time: Duration,
}

impl Analysis {
    /// Where a face is in pixels of the file, also if the frame is a reduced copy of what is in there. What is drawn on
    /// the frame, or cut out of it, goes by [`FaceAnalysis::box_in_frame`] instead.
    pub fn box_in_file(&self, face: &FaceAnalysis) -> BoundingBox {
        let (frame, full) = (self.frame.resolution(), self.frame.full_resolution);
        if frame == full {
            return face.box_in_frame;
        }
        let [across, down] = [
            (full.width_px, frame.width_px),
            (full.height_px, frame.height_px),
        ]
        .map(|(full, reduced)| full as f32 / reduced as f32);
        let edges = face.box_in_frame;
        BoundingBox::new(
            edges.x * across,
            edges.y * down,
            edges.width * across,
            edges.height * down,
        )
    }
}

/// What people can adjust while it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Detection.
    pub detect: DetectConfig,
    /// Time constant of the smoothing of probabilities; zero switches it off.
    pub smoothing: Duration,
    /// What the network looks at of each face.
    pub views: Views,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            detect: DetectConfig::default(),
            smoothing: Duration::from_millis(300),
            views: Views::default(),
        }
    }
}

/// How fast stored sources are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// For people who watch: files play by their own timestamps, late stages drop frames.
    Realtime,
    /// For results: every frame of a file is analysed, as fast as that goes. Live sources still drop.
    EveryFrame,
}

/// How to start.
#[derive(Debug, Clone)]
pub struct PipelineConfig {
    /// First source; `None` waits for [`Pipeline::open`].
    pub source: Option<SourceSpec>,
    /// First checkpoint.
    pub checkpoint: CheckpointChoice,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Adjustable settings.
    pub settings: Settings,
    /// Watch or analyse.
    pub pacing: Pacing,
}

/// Something that happened outside the stream of frames.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The source changed state.
    Source(SourceState),
    /// The device that runs the network, in words, with a warning if it is not the wished-for one.
    Device {
        /// `CPU, 2 threads`, `CUDA 0`, ….
        name: String,
        /// Why it is not the wished-for one.
        warning: Option<String>,
    },
    /// A checkpoint is now in force.
    CheckpointLoaded(Arc<CheckpointInfo>),
    /// A checkpoint could not be loaded; the one before stays in force.
    CheckpointFailed {
        /// The one that was asked for.
        choice: CheckpointChoice,
        /// One sentence.
        reason: String,
    },
    /// Something worth telling that stops nothing.
    Warning(String),
}

/// Figures for the status bar, over the last few seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Frames per second from the source.
    pub capture_rate_hz: f64,
    /// Frames per second analysed.
    pub analysis_rate_hz: f64,
    /// Median time from capture to result.
    pub latency_p50: Option<Duration>,
    /// 95th percentile of the same.
    pub latency_p95: Option<Duration>,
    /// Frames captured since the source was opened.
    pub n_captured: u64,
    /// Frames analysed since the source was opened.
    pub n_analyzed: u64,
    /// Frames that were captured and never analysed since the source was opened.
    pub n_dropped: u64,
}

/// An error with its causes, as one line for people.
fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let error_text = error.to_string();
        // Some errors already quote their cause.
        if !text.contains(&error_text) {
            text.push_str(": ");
            text.push_str(&error_text);
        }
        cause = error.source();
    }
    text
}
