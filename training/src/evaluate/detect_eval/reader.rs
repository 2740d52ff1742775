//! The application's own way from a picture to an answer, and the count of the answers.

use std::fmt;

use fervis::{
    detect::{DetectConfig, FaceFinder, TrackedFace},
    expression::Expression,
    frame::Frame,
    model::{Classifier, Views},
};
use serde::Serialize;

use crate::evaluate::framing::region_of;

/// Finder and network together: a picture in, its clearest face read.
pub struct Reader<'a> {
    finder: FaceFinder,
    classifier: &'a mut Classifier,
}

impl<'a> Reader<'a> {
    /// Reads faces with `classifier` that are found as `config` says.
    pub fn new(config: DetectConfig, classifier: &'a mut Classifier) -> Self {
        Self {
            finder: FaceFinder::new(config),
            classifier,
        }
    }

    /// All faces of a picture.
    pub(super) fn faces(&mut self, frame: &Frame) -> Vec<TrackedFace> {
        self.finder.reset();
        self.finder.find(frame)
    }

    /// The largest face and what it shows; `None` without a face.
    ///
    /// # Errors
    /// If the network fails.
    pub(super) fn read(
        &mut self,
        frame: &Frame,
    ) -> anyhow::Result<Option<(TrackedFace, Expression)>> {
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

/// Of some pictures: how many faces were found, and how many of all were found and read as people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Pictures with a face and a label.
    pub n: usize,
    /// Faces found.
    pub n_found: usize,
    /// Found and read as labeled.
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
