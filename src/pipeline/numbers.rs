//! The numbers that people know faces by: from 1 in each source, and again from 1 in each recording.
//!
//! An identity lasts as long as the pipeline and is no number to show: after an hour before a camera it would be a large
//! one, and a recording would begin with it.

use std::collections::HashMap;

use super::{
    FaceAnalysis,
    shared::{Run, Shared},
};
use crate::detect::TrackId;

/// The numbers of the faces in the current source or recording.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// See [`Shared::numbering`].
    within: (Run, u64),
    of: HashMap<TrackId, u64>,
}

impl Numbers {
    /// Starts over at 1 if another source was opened or a recording has begun. `run` is that of the next faces.
    pub fn follow(&mut self, run: Run, shared: &Shared) {
        let within = shared.numbering();
        // A frame of the last source may still be on its way, and must not take a number of the next one.
        if within != self.within && run >= within.0 {
            self.within = within;
            self.of.clear();
        }
    }

    /// Numbers the faces of a frame, and puts them in that order.
    pub fn give(&mut self, faces: &mut [FaceAnalysis]) {
        for face in faces.iter_mut() {
            let next = self.of.len() as u64 + 1;
            face.number = *self.of.entry(face.track).or_insert(next);
        }
        faces.sort_by_key(|face| face.number);
    }
}
