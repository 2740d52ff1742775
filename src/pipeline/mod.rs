//! The threads of the live application and the mailboxes between them.
//!
//! ```text
//! capture ──▶ detect ──▶ classify ──▶ reader (window, command line)
//!    └──────────────────────────────▶ reader (preview)
//! ```
//!
//! Live sources drop frames that cannot be processed in time. With [`Pacing::EveryFrame`] files wait instead, so that every
//! frame is analyzed. The arrows are one-slot mailboxes ([`Latest`]), not queues: with a queue, a slow stage would make the
//! image lag further and further behind.

mod cancel;
mod capture_thread;
mod classify_thread;
mod controls;
mod detect_thread;
pub mod face_names;
pub mod face_reader;
#[cfg(test)]
mod fakes;
mod frame_times;
mod handle;
mod identities;
mod latest;
mod loader_thread;
pub mod markers;
mod message;
pub mod neutral;
mod numbers;
mod parts;
mod play;
#[cfg(test)]
mod play_tests;
mod second;
mod shared;
mod smoothing;
mod source_reader;
mod stats;
mod tap;
#[cfg(test)]
mod tests;
mod worker;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use self::{
    controls::{SPEEDS, Transport},
    handle::{NextAnalysis, Pipeline},
    latest::Latest,
    neutral::Corrected,
    parts::{BuildFinder, ClassifyFaces, FindFaces, LoadNetwork, OpenSource, Parts, StartDevice},
    smoothing::FaceValues,
    tap::{SourceRun, Tap, TapHandle},
};

use crate::{
    bounding_box::BoundingBox,
    capture::{SourceInfo, SourceSpec},
    detect::{DetectConfig, FaceShape, TrackId, TrackedMesh},
    error_text::error_text as words,
    expression::{Label, Probabilities},
    frame::Frame,
    model::{CheckpointChoice, CheckpointInfo, DeviceChoice, Views},
    time::hold_for,
};

/// State of the source. Each has its own words on the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceState {
    /// Being opened.
    Starting,
    /// Frames arrive.
    Live(SourceInfo),
    /// No camera was found; looked for again every second.
    NoCamera,
    /// It worked and stopped (unplugged, silent); tried again every second. Holds the reason.
    Lost(String),
    /// A camera that cannot be used at the moment (another program has it, permission is missing); tried again every second.
    /// Holds the reason.
    Waiting(String),
    /// It cannot work and is not tried again. Holds the reason.
    Failed(String),
    /// End of the file.
    Ended,
}

/// Shown when no label is probable enough.
pub const UNCERTAIN: &str = "uncertain";

/// Shown for a face that is turned away too far to be read.
pub const TURNED_AWAY: &str = "turned away";

/// What is shown of a face: its label, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The label.
    Label(Label),
    /// The label is not probable enough.
    Uncertain,
    /// The face is turned away too far to be read.
    TurnedAway,
}

impl Shown {
    /// The word to show.
    pub fn word(self) -> &'static str {
        match self {
            Self::Label(label) => label.name(),
            Self::Uncertain => UNCERTAIN,
            Self::TurnedAway => TURNED_AWAY,
        }
    }

    /// The label, if it is shown.
    pub fn label(self) -> Option<Label> {
        match self {
            Self::Label(label) => Some(label),
            Self::Uncertain | Self::TurnedAway => None,
        }
    }

    /// Whether the label is shown.
    pub fn is_named(self) -> bool {
        self.label().is_some()
    }
}

/// One face of one analyzed frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceAnalysis {
    /// Identity across frames, never used again while the pipeline runs.
    pub track: TrackId,
    /// The number that people know it by, from 1 in each source and in each recording. Files and streams call it `track`.
    pub number: u64,
    /// Where.
    pub box_in_frame: BoundingBox,
    /// How clear the face is; see [`TrackedFace::score`](crate::detect::TrackedFace::score).
    pub score: f32,
    /// Time since the face was last found; zero if found in this frame.
    pub unseen_for: Duration,
    /// What the face mesh said when the face was last found, if there was a mesh.
    pub shape: Option<FaceShape>,
    /// Of this frame alone; of the last frame in which the face was found, while [`Self::unseen_for`] is not zero.
    pub raw: Probabilities,
    /// Smoothed over time; equal to `raw` if smoothing is off. Unchanged while the face is not found.
    pub smoothed: Probabilities,
    /// What is corrected by the person's resting face, if that was learned; see [`neutral`].
    pub corrected: Option<Corrected>,
    /// What the second network reads, if there is one; its labels are those of the first.
    pub second: Option<FaceValues>,
    /// The label to show. It is held: another takes over once it is smoothed to 5 points more, or has been the most
    /// probable for 300 ms. The most probable label if smoothing is off.
    pub label: Label,
}

impl FaceAnalysis {
    /// The smoothed probability of the label.
    pub fn probability(&self) -> f32 {
        self.smoothed.of(self.label)
    }

    /// Whether the face is turned away too far to be read: its probabilities mean little.
    pub fn is_turned_away(&self) -> bool {
        self.shape.is_some_and(|shape| shape.pose.is_turned_away())
    }

    /// What to show of it: the label, unless its probability is below `uncertain_below`, 0 to 1, or the face cannot be
    /// read.
    pub fn shown(&self, uncertain_below: f32) -> Shown {
        if self.is_turned_away() {
            Shown::TurnedAway
        } else if self.probability() < uncertain_below {
            Shown::Uncertain
        } else {
            Shown::Label(self.label)
        }
    }
}

/// The result for one frame.
#[derive(Debug, Clone)]
pub struct Analysis {
    /// The frame it is about.
    pub frame: Arc<Frame>,
    /// Faces ordered by number.
    pub faces: Vec<FaceAnalysis>,
    /// The meshes of those faces that have one in this frame.
    pub meshes: Vec<TrackedMesh>,
    /// The network that read the expressions; `None` if none could be loaded, in which case there are no faces.
    pub checkpoint: Option<Arc<CheckpointInfo>>,
    /// The second network, if one reads the same faces.
    pub second: Option<Arc<CheckpointInfo>>,
    /// The settings with which the expressions were read.
    pub settings: Settings,
    /// When the result was ready. The latency is the time since [`Frame::captured_at`].
    pub completed_at: Instant,
    /// Time spent finding faces.
    pub detect_time: Duration,
    /// Time spent on preprocessing and the network.
    pub classify_time: Duration,
}

impl Analysis {
    /// The faces to draw on a later frame that has no result: its own while it holds, then none.
    ///
    /// The rule is that of [`hold_for`]. The interval to the next result is not known yet, but where analysis is slow, it is
    /// about the time that this one took.
    pub fn faces_on(&self, frame: &Frame) -> &[FaceAnalysis] {
        let age = frame
            .captured_at
            .saturating_duration_since(self.frame.captured_at);
        let holds = age < hold_for(self.detect_time + self.classify_time);
        if holds { &self.faces } else { &[] }
    }

    /// Pixels of the file per pixel of the frame: above 1 if the frame is a reduced copy.
    pub fn file_scale(&self) -> f32 {
        let (frame, full) = (self.frame.resolution(), self.frame.full_resolution);
        full.width_px as f32 / frame.width_px as f32
    }

    /// What the mesh says of a face, in pixels of the file; see [`Self::box_in_file`].
    pub fn shape_in_file(&self, face: &FaceAnalysis) -> Option<FaceShape> {
        let mut shape = face.shape?;
        let scale = self.file_scale();
        for value in [
            &mut shape.upright.x,
            &mut shape.upright.y,
            &mut shape.upright.side,
        ] {
            *value *= scale;
        }
        Some(shape)
    }

    /// Where a face is, in pixels of the file even if the frame is a reduced copy. For drawing on the frame or cutting out of
    /// it, use [`FaceAnalysis::box_in_frame`].
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

with_defaults! {
    /// What users can adjust while it runs.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct Settings {
        /// Detection.
        pub detect: DetectConfig = DetectConfig::default(),
        /// Time constant of the smoothing of probabilities; zero turns it off.
        pub smoothing: Duration = Duration::from_millis(300),
        /// Which views of each face the network averages.
        pub views: Views = Views::default(),
    }
}

/// How fast stored sources are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// For watching: files play by their own timestamps, and late stages drop frames.
    Realtime,
    /// For results: every frame of a file is analyzed, as fast as possible. Live sources still drop frames.
    EveryFrame,
}

/// How to start.
#[derive(Debug, Clone)]
pub struct PipelineConfig {
    /// The first source; `None` waits for [`Pipeline::open`].
    pub source: Option<SourceSpec>,
    /// First checkpoint.
    pub checkpoint: CheckpointChoice,
    /// A second network that reads the same faces, for comparison.
    pub second: Option<CheckpointChoice>,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Adjustable settings.
    pub settings: Settings,
    /// Watch or analyze.
    pub pacing: Pacing,
}

/// Something that happened outside the stream of frames.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The source changed state.
    Source(SourceState),
    /// The device that runs the network, with a warning if it is not the requested one.
    Device {
        /// `CPU, 2 threads`, `CUDA 0`, ….
        name: String,
        /// Why it is not the requested one.
        warning: Option<String>,
    },
    /// A checkpoint is now the current network.
    CheckpointLoaded(Arc<CheckpointInfo>),
    /// A checkpoint could not be loaded; the current network stays.
    CheckpointFailed {
        /// The requested one.
        choice: CheckpointChoice,
        /// One sentence.
        reason: String,
    },
    /// A second network reads the same faces from now on, or none does any more.
    SecondChanged(Option<Arc<CheckpointInfo>>),
    /// A second network could not be loaded, or cannot stand beside the current one; holds one sentence. The one before stays
    /// unless [`Event::SecondChanged`] follows.
    SecondFailed(String),
    /// A resting face was learned or forgotten, in words.
    Neutral(String),
    /// A problem that stops nothing.
    Warning(String),
}

/// Figures for the status bar; rates and latencies are of the last seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Frames per second from the source.
    pub capture_rate_hz: f64,
    /// Frames per second analyzed.
    pub analysis_rate_hz: f64,
    /// Median time from capture to result.
    pub latency_p50: Option<Duration>,
    /// 95th percentile of that time.
    pub latency_p95: Option<Duration>,
    /// Frames captured since the source was opened.
    pub n_captured: u64,
    /// Frames analyzed since the source was opened.
    pub n_analyzed: u64,
    /// Frames captured since the source was opened that were never analyzed.
    pub n_dropped: u64,
    /// Frames that arrived damaged and were skipped since the source was opened; they do not count as captured.
    pub n_damaged: u64,
}
