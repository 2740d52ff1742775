//! From an image to an answer, as in the application, and the count of answers.

use std::fmt;

use fervis::{
    detect::{DetectConfig, FaceFinder, TrackedFace},
    expression::Label,
    frame::Frame,
    model::{Classifier, Views},
};
use serde::Serialize;

use crate::evaluate::framing::region_of;

/// Face finder and network: an image in, the label of its largest face out.
pub struct ExpressionReader<'a> {
    finder: FaceFinder,
    classifier: &'a mut Classifier,
}

impl<'a> ExpressionReader<'a> {
    /// Finds faces with `config` and reads them with `classifier`.
    pub fn new(config: DetectConfig, classifier: &'a mut Classifier) -> Self {
        Self {
            finder: FaceFinder::new(config),
            classifier,
        }
    }

    /// All faces of an image.
    pub(super) fn faces(&mut self, frame: &Frame) -> Vec<TrackedFace> {
        self.finder.reset();
        self.finder.find(frame)
    }

    /// The largest face and its label; `None` without a face.
    ///
    /// # Errors
    /// If the network fails.
    pub(super) fn read(&mut self, frame: &Frame) -> anyhow::Result<Option<(TrackedFace, Label)>> {
        let faces = self.faces(frame);
        let width = |face: &TrackedFace| face.box_in_frame.width;
        let Some(face) = faces.iter().max_by(|a, b| width(a).total_cmp(&width(b))) else {
            return Ok(None);
        };
        let regions = [region_of(face)];
        let logits = self.classifier.classify(frame, &regions, Views::Single)?;
        Ok(logits
            .first()
            .map(|logits| (*face, logits.softmax(1.0).top().0)))
    }
}

/// The number of faces, of those found, and of those found and read correctly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Labeled faces.
    pub n: usize,
    /// Faces found.
    pub n_found: usize,
    /// Faces found and read as labeled.
    pub n_right: usize,
}

impl Tally {
    pub(super) fn add(&mut self, is_found: bool, is_right: bool) {
        self.n += 1;
        self.n_found += usize::from(is_found);
        self.n_right += usize::from(is_right);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: usize| 100.0 * part as f64 / self.n.max(1) as f64;
        write!(
            f,
            "found {:5.1} %, found and read as labeled {:5.1} % of {}",
            percent(self.n_found),
            percent(self.n_right),
            self.n
        )
    }
}
