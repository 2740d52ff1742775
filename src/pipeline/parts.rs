//! The parts that a pipeline is built from: sources, face finder, network, device.
//!
//! [`Parts::real`] are the default. A test or a replay puts its own source in, and nothing else changes.

use std::{sync::Arc, time::Duration};

use super::Pacing;
use crate::{
    capture::{self, CaptureError, FrameSource, SourceSpec},
    detect::{DetectConfig, FaceFinder, TrackedFace, TrackedMesh},
    expression::Logits,
    frame::Frame,
    model::{
        CheckpointChoice, CheckpointInfo, Classifier, ComputeDevice, DeviceChoice, ModelError,
        Views, preprocess::FaceRegion,
    },
};

/// Frame in, faces out; called for frame after frame on one thread.
pub trait FindFaces {
    /// Changes the settings without losing the tracks.
    fn set_config(&mut self, config: DetectConfig);
    /// Forgets all tracks.
    fn reset(&mut self);
    /// Finds the faces of the next frame, ordered by track, oldest first. A new finder numbers tracks from 0; the
    /// pipeline shows them from 1.
    fn find(&mut self, frame: &Frame) -> Vec<TrackedFace>;
    /// The meshes of the faces of the last frame, where they have one.
    fn meshes(&self) -> &[TrackedMesh] {
        &[]
    }
}

impl FindFaces for FaceFinder {
    fn set_config(&mut self, config: DetectConfig) {
        FaceFinder::set_config(self, config);
    }

    fn reset(&mut self) {
        FaceFinder::reset(self);
    }

    fn find(&mut self, frame: &Frame) -> Vec<TrackedFace> {
        FaceFinder::find(self, frame)
    }

    fn meshes(&self) -> &[TrackedMesh] {
        FaceFinder::meshes(self)
    }
}

/// Faces in, logits out. Loaded on one thread and used on another.
pub trait ClassifyFaces: Send {
    /// What the checkpoint says about itself.
    fn info(&self) -> &Arc<CheckpointInfo>;

    /// One [`Logits`] per face, in their order.
    ///
    /// # Errors
    /// A [`ModelError`] if the network could not be run.
    fn classify(
        &mut self,
        frame: &Frame,
        faces: &[FaceRegion],
        views: Views,
    ) -> Result<Vec<Logits>, ModelError>;
}

impl ClassifyFaces for Classifier {
    fn info(&self) -> &Arc<CheckpointInfo> {
        Classifier::info(self)
    }

    fn classify(
        &mut self,
        frame: &Frame,
        faces: &[FaceRegion],
        views: Views,
    ) -> Result<Vec<Logits>, ModelError> {
        Classifier::classify(self, frame, faces, views)
    }
}

/// Opens a source, on the thread that will read it.
pub type OpenSource =
    Arc<dyn Fn(&SourceSpec) -> Result<Box<dyn FrameSource>, CaptureError> + Send + Sync>;
/// Builds the face finder on its thread; called again if it panicked.
pub type BuildFinder = Arc<dyn Fn(DetectConfig) -> Box<dyn FindFaces> + Send + Sync>;
/// Starts a device; never fails, since the CPU is always there.
pub type StartDevice = Arc<dyn Fn(DeviceChoice) -> ComputeDevice + Send + Sync>;
/// Loads a network onto a device.
pub type LoadNetwork = Arc<
    dyn Fn(&CheckpointChoice, &ComputeDevice) -> Result<Box<dyn ClassifyFaces>, ModelError>
        + Send
        + Sync,
>;

/// The parts a [`Pipeline`](super::Pipeline) is built from.
#[derive(Clone)]
pub struct Parts {
    /// Where frames come from.
    pub open_source: OpenSource,
    /// What finds faces.
    pub build_finder: BuildFinder,
    /// What the network runs on.
    pub start_device: StartDevice,
    /// What reads expressions.
    pub load_network: LoadNetwork,
    /// How long to wait before opening a failed source again.
    pub retry_after: Duration,
    /// How long a thread may take to end before it is abandoned.
    pub abandon_after: Duration,
}

impl Parts {
    /// The real parts.
    ///
    /// [`Pacing::EveryFrame`] reads the demo clip once, as the file it is, instead of looping it.
    pub fn real(pacing: Pacing) -> Self {
        let open_source: OpenSource = match pacing {
            Pacing::Realtime => Arc::new(capture::open),
            Pacing::EveryFrame => Arc::new(capture::open_to_end),
        };
        Self {
            open_source,
            build_finder: Arc::new(|config| Box::new(FaceFinder::new(config))),
            start_device: Arc::new(ComputeDevice::start),
            load_network: Arc::new(|choice, device| {
                Ok(Box::new(Classifier::load(choice, device)?))
            }),
            // A camera that is plugged in again should be back before its user wonders. Opening takes a driver tens of
            // milliseconds, so trying more often would cost time and gain nothing.
            retry_after: Duration::from_secs(1),
            // Closing a camera takes up to about 100 ms. Beyond this it hangs, and the user waits for the next source.
            abandon_after: Duration::from_millis(1500),
        }
    }
}
