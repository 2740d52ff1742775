//! A second network that reads the same faces as the first, for comparison.
//!
//! It sees the same crops of the same frames, and its values are smoothed in the same way, so what differs is the networks.
//! Nothing else depends on it: if it fails, the first network's results go out without it.

use std::sync::Arc;

use super::{
    Event, FaceValues, Settings, face_reader::FaceReader, parts::ClassifyFaces, shared::Shared,
    words,
};
use crate::{detect::TrackedFace, expression::Labels, frame::Frame, model::CheckpointInfo};

/// The second network with its own values of each face.
pub(super) struct Second {
    network: Box<dyn ClassifyFaces>,
    reader: FaceReader,
    failing: bool,
}

impl Second {
    pub fn new(network: Box<dyn ClassifyFaces>) -> Self {
        Self {
            network,
            reader: FaceReader::default(),
            failing: false,
        }
    }

    pub fn info(&self) -> Arc<CheckpointInfo> {
        Arc::clone(self.network.info())
    }

    /// Forgets all faces, before another source.
    pub fn clear(&mut self) {
        self.reader.clear();
    }

    /// Why it cannot stand beside a network with `labels`, if it cannot: values are compared label by label.
    pub fn differs(&self, labels: Labels) -> Option<String> {
        let info = self.network.info();
        (info.labels != labels).then(|| {
            format!(
                "“{}” cannot be compared: it has other labels than the current network",
                info.name
            )
        })
    }

    /// The values of all faces of a frame, in their order; `None` if the network failed, which is said once for a streak.
    pub fn read(
        &mut self,
        frame: &Frame,
        faces: &[TrackedFace],
        settings: &Settings,
        shared: &Shared,
    ) -> Option<Vec<Option<FaceValues>>> {
        match self.reader.read(&mut *self.network, frame, faces, settings) {
            Ok(values) => {
                self.failing = false;
                Some(values)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    shared.emit(Event::Warning(format!(
                        "the second network gave no result for a frame: {}",
                        words(&error)
                    )));
                }
                None
            }
        }
    }
}
