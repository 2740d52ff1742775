//! Faces of a frame in, probabilities out: the one way from a network's answer to the values that are shown.
//!
//! There are two steps, because re-analysis may read the frames of a video in another order than the session's: [`read`]
//! runs the network on faces and checks its answer, [`FaceReader::follow`] smooths a frame's probabilities over time.
//!
//! A face that was not found in a frame keeps its last values: its box is a prediction, and the network would read an
//! expression from whatever is there now.

use std::time::Duration;

use super::{
    Settings,
    parts::ClassifyFaces,
    smoothing::{FaceValues, Smoother},
    worker::guarded,
};
use crate::{
    bounding_box::BoundingBox,
    detect::{FaceShape, TrackId, TrackedFace},
    expression::Probabilities,
    frame::Frame,
    model::{ModelError, Views, preprocess::FaceRegion},
};

/// Why the faces of a frame have no probabilities.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The network could not be run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The network panicked; holds the message.
    #[error("{0}")]
    Panicked(String),
    /// The network did not return one row of logits per face.
    #[error("the network answered for {n_answers} faces instead of {n_faces}")]
    WrongCount {
        /// Rows of logits.
        n_answers: usize,
        /// Faces it was given.
        n_faces: usize,
    },
    /// A logit is infinite or not a number.
    #[error("the network's output is not finite")]
    NotFinite,
}

/// The part of the frame that the network sees of a face in `box_in_frame`.
pub fn region(box_in_frame: BoundingBox, shape: Option<FaceShape>) -> FaceRegion {
    FaceRegion {
        box_in_frame,
        upright: shape.map(|shape| shape.upright),
    }
}

/// Runs the network on `faces`. Returns one [`Probabilities`] per face, in their order, of this frame alone.
///
/// # Errors
/// [`ReadError`]. Without faces the network does not run.
pub fn read(
    network: &mut dyn ClassifyFaces,
    frame: &Frame,
    faces: &[FaceRegion],
    views: Views,
) -> Result<Vec<Probabilities>, ReadError> {
    if faces.is_empty() {
        return Ok(Vec::new());
    }
    let logits =
        guarded(|| network.classify(frame, faces, views)).map_err(ReadError::Panicked)??;
    if logits.len() != faces.len() {
        return Err(ReadError::WrongCount {
            n_answers: logits.len(),
            n_faces: faces.len(),
        });
    }
    if !logits
        .iter()
        .flat_map(|row| row.0.iter())
        .all(|logit| logit.is_finite())
    {
        return Err(ReadError::NotFinite);
    }
    let temperature = network.info().temperature;
    let probabilities = logits.iter().map(|row| row.softmax(temperature));
    Ok(probabilities.collect())
}

/// Smooths the probabilities of one source's faces over time.
#[derive(Debug, Default)]
pub struct FaceReader {
    smoother: Smoother,
}

impl FaceReader {
    /// Runs the network on those faces of the next frame that it must read, and smooths. Returns the values of all faces in
    /// their order; `None` for one that has none yet.
    ///
    /// # Errors
    /// [`ReadError`]. Nothing of the frame counts then.
    pub(super) fn read(
        &mut self,
        network: &mut dyn ClassifyFaces,
        frame: &Frame,
        faces: &[TrackedFace],
        settings: &Settings,
    ) -> Result<Vec<Option<FaceValues>>, ReadError> {
        let must_read = |face: &&TrackedFace| self.must_read(face.track, face.unseen_for);
        let regions: Vec<FaceRegion> = faces
            .iter()
            .filter(must_read)
            .map(|face| region(face.box_in_frame, face.shape))
            .collect();
        let mut read = read(network, frame, &regions, settings.views)?.into_iter();
        let read: Vec<_> = faces
            .iter()
            .map(|face| (face.track, must_read(&face).then(|| read.next()).flatten()))
            .collect();
        Ok(self.follow(&read, frame.time, settings.smoothing))
    }

    /// Whether the network must read this face of the next frame: it was found there, or it was never read.
    pub fn must_read(&self, track: TrackId, unseen_for: Duration) -> bool {
        unseen_for.is_zero() || self.smoother.held(track).is_none()
    }

    /// Takes in all faces of a frame at media time `time`: the track of each, and its probabilities if it was read.
    /// Returns their values in the same order; a face that was not read keeps those it had, `None` if it never had any.
    ///
    /// Tracks that are not in the frame are forgotten.
    pub fn follow(
        &mut self,
        faces: &[(TrackId, Option<Probabilities>)],
        time: Duration,
        time_constant: Duration,
    ) -> Vec<Option<FaceValues>> {
        let smoother = &mut self.smoother;
        smoother.retain(|alive| faces.iter().any(|&(track, _)| track == alive));
        let values = faces.iter().map(|&(track, read)| match read {
            Some(raw) => Some(smoother.update(track, raw, time, time_constant)),
            None => smoother.held(track),
        });
        values.collect()
    }

    /// Forgets all faces: before another source, and before another network, since a result names the one that made it.
    pub fn clear(&mut self) {
        self.smoother.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        expression::{Expression, Logits},
        model::CheckpointInfo,
        pipeline::fakes::{checkpoint, frame},
    };

    /// Always answers with the same rows, or panics.
    struct Fixed(Arc<CheckpointInfo>, Option<Vec<Logits>>);

    impl ClassifyFaces for Fixed {
        fn info(&self) -> &Arc<CheckpointInfo> {
            &self.0
        }

        fn classify(
            &mut self,
            _frame: &Frame,
            _faces: &[FaceRegion],
            _views: Views,
        ) -> Result<Vec<Logits>, ModelError> {
            Ok(self.1.clone().expect("an answer"))
        }
    }

    fn answer(rows: Option<Vec<Logits>>, n_faces: usize) -> Result<Vec<Probabilities>, ReadError> {
        let mut network = Fixed(Arc::new(checkpoint("fixed")), rows);
        let face = region(BoundingBox::new(0.0, 0.0, 2.0, 2.0), None);
        read(&mut network, &frame(0), &vec![face; n_faces], Views::Single)
    }

    #[test]
    fn an_answer_is_checked_before_it_counts() {
        let row = Logits::default();
        assert_eq!(
            answer(Some(vec![row; 2]), 2).unwrap(),
            [row.softmax(2.0); 2]
        );
        assert_eq!(answer(None, 0).unwrap(), [], "the network does not run");
        let mut infinite = row;
        infinite.0[3] = f32::INFINITY;
        for (rows, reason) in [
            (
                Some(vec![row]),
                "the network answered for 1 faces instead of 2",
            ),
            (
                Some(vec![row, infinite]),
                "the network's output is not finite",
            ),
            (None, "an answer"),
        ] {
            assert_eq!(answer(rows, 2).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn a_face_that_was_not_read_keeps_its_values_while_it_is_in_the_frame() {
        let mut sad = Logits::default();
        sad.0[Expression::Sad.index()] = 3.0;
        let sad = sad.softmax(1.0);
        let [known, unknown] = [TrackId(1), TrackId(2)];
        let unseen_for = Duration::from_millis(40);
        let mut reader = FaceReader::default();
        assert!(reader.must_read(known, unseen_for), "it has no values yet");
        let mut follow = |faces: &[(TrackId, Option<Probabilities>)]| {
            reader.follow(faces, Duration::ZERO, Duration::ZERO)
        };
        let values = Some(FaceValues {
            raw: sad,
            smoothed: sad,
            label: sad.top().0,
        });
        assert_eq!(follow(&[(known, Some(sad))]), [values]);
        assert_eq!(follow(&[(unknown, None), (known, None)]), [None, values]);
        assert!(!reader.must_read(known, unseen_for));
        assert!(reader.must_read(known, Duration::ZERO));
        let mut follow = |faces: &[(TrackId, Option<Probabilities>)]| {
            reader.follow(faces, Duration::ZERO, Duration::ZERO)
        };
        assert_eq!(follow(&[]), []);
        assert_eq!(follow(&[(known, None)]), [None], "it had left");
    }
}
