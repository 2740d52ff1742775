//! What to record, and where.

use std::{path::PathBuf, time::Duration};

use super::VideoChoice;
use crate::{
    capture::{SourceInfo, SourceSpec},
    pipeline::{Pacing, Settings, face_names::FaceNames},
    privacy::FacePrivacy,
    session::{about::About, marker_keys::MarkerKeys},
};

/// What to record, and where.
#[derive(Debug, Clone)]
pub struct RecordingConfig {
    /// The session's folder. It is created, and must be empty if it exists.
    pub folder: PathBuf,
    /// Which videos.
    pub video: VideoChoice,
    /// The source that the user opened.
    pub source: SourceSpec,
    /// What the source says about itself, if it is live.
    pub info: Option<SourceInfo>,
    /// The current settings.
    pub settings: Settings,
    /// What the network runs on, in words, if that is known.
    pub device: Option<String>,
    /// Whose faces are covered in the videos, and how.
    pub privacy: Option<FacePrivacy>,
    /// Below this probability, 0 to 1, the video shows no expression's name; `None` uses the network's own threshold.
    pub uncertain_below: Option<f32>,
    /// The pipeline's pacing. With [`Pacing::EveryFrame`] no frame of a file is dropped: reading waits for the recorder.
    pub pacing: Pacing,
    /// The recording ends before the first frame that is this much later than the first, by the source's own time. For
    /// files that are read with [`Pacing::EveryFrame`].
    pub limit: Option<Duration>,
    /// Who and what the session is about.
    pub about: About,
    /// What the keys for markers say.
    pub marker_keys: MarkerKeys,
    /// What faces are called, by their identities ([`FaceAnalysis::track`](crate::pipeline::FaceAnalysis::track)).
    pub face_names: FaceNames,
}
