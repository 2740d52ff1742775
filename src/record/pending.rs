//! Captured frames that wait for their results.
//!
//! Rows are written in the order of capture, so a frame waits until it is known whether it was analysed. Its picture
//! waits with it, because the boxes belong on it, but not for ever: pictures are large. When too many wait, the
//! oldest is drawn with what is known, and only its row waits on.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use crate::{
    frame::{Frame, FrameId},
    pipeline::Analysis,
};

/// How many pictures wait at the most: over half a second at 30 Hz, 60 MB at 1280×720.
const MAX_PICTURES: usize = 16;
/// How many rows wait at the most. Beyond it a frame counts as not analysed.
const MAX_ROWS: usize = 600;

/// Something that can be done now.
#[derive(Debug)]
pub(super) enum Ready {
    /// The picture goes into the video, with this result if there is one yet.
    Picture(Arc<Frame>, Option<Arc<Analysis>>),
    /// The row of the frame whose picture was the oldest goes into the table.
    Row(Option<Arc<Analysis>>),
}

#[derive(Debug)]
struct Waiting {
    id: FrameId,
    captured_at: Instant,
    /// `None` once it is in the video.
    picture: Option<Arc<Frame>>,
    /// `Some(None)` is a frame that was skipped.
    outcome: Option<Option<Arc<Analysis>>>,
}

/// The frames that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    queue: VecDeque<Waiting>,
    n_pictures: usize,
}

impl Pending {
    /// A frame was captured.
    pub fn push(&mut self, frame: Arc<Frame>) {
        self.n_pictures += 1;
        self.queue.push_back(Waiting {
            id: frame.id,
            captured_at: frame.captured_at,
            picture: Some(frame),
            outcome: None,
        });
    }

    /// A result has come. Returns `false` if its frame does not wait (any more).
    ///
    /// Frames are analysed in order, so those before it that are still open will never be.
    pub fn analyzed(&mut self, analysis: Analysis) -> bool {
        let frame = &analysis.frame;
        // Numbers repeat when somebody goes back in a file; after `captured_at` the frame is the same one.
        let is_it =
            |waiting: &Waiting| waiting.id == frame.id && waiting.captured_at == frame.captured_at;
        let Some(at) = self.queue.iter().position(is_it) else {
            return false;
        };
        for before in self.queue.range_mut(..at) {
            before.outcome.get_or_insert(None);
        }
        self.queue[at].outcome = Some(Some(Arc::new(analysis)));
        true
    }

    /// A frame will have no result.
    pub fn skipped(&mut self, id: FrameId) {
        let is_it = |waiting: &&mut Waiting| waiting.id == id && waiting.outcome.is_none();
        if let Some(waiting) = self.queue.iter_mut().find(is_it) {
            waiting.outcome = Some(None);
        }
    }

    /// What is unknown so far will not become known.
    pub fn settle_all(&mut self) {
        for waiting in &mut self.queue {
            waiting.outcome.get_or_insert(None);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next thing that can be done: pictures in the order of capture, rows likewise, each row after its picture.
    pub fn next(&mut self) -> Option<Ready> {
        let first = self.queue.front()?;
        if first.picture.is_none() && (first.outcome.is_some() || self.queue.len() > MAX_ROWS) {
            let first = self.queue.pop_front()?;
            return Some(Ready::Row(first.outcome.flatten()));
        }
        let crowded = self.n_pictures > MAX_PICTURES;
        let next = self
            .queue
            .iter_mut()
            .find(|waiting| waiting.picture.is_some())?;
        let known = next.outcome.is_some();
        if !known && !crowded {
            return None;
        }
        self.n_pictures -= 1;
        Some(Ready::Picture(
            next.picture.take()?,
            next.outcome.clone().flatten(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::{frame::Resolution, pipeline::Settings};

    fn frame(id: u64) -> Arc<Frame> {
        let size = Resolution::new(1, 1);
        Arc::new(Frame::new(
            FrameId(id),
            Instant::now(),
            Duration::ZERO,
            size,
            vec![255; 4].into(),
        ))
    }

    fn analysis(frame: &Arc<Frame>) -> Analysis {
        Analysis {
            frame: Arc::clone(frame),
            faces: Vec::new(),
            meshes: Vec::new(),
            checkpoint: None,
            settings: Settings::default(),
            completed_at: Instant::now(),
            detect_time: Duration::ZERO,
            classify_time: Duration::ZERO,
        }
    }

    /// `picture +3` for the picture of frame 3 with a result, `-3` without; `row +` and `row -` likewise.
    fn done(pending: &mut Pending) -> Vec<String> {
        std::iter::from_fn(|| pending.next())
            .map(|ready| {
                let sign = |known: bool| if known { '+' } else { '-' };
                match ready {
                    Ready::Picture(frame, result) => {
                        format!("picture {}{}", sign(result.is_some()), frame.id.0)
                    }
                    Ready::Row(result) => match result {
                        Some(result) => format!("row +{}", result.frame.id.0),
                        None => "row -".to_owned(),
                    },
                }
            })
            .collect()
    }

    #[test]
    fn frames_wait_for_their_results_and_keep_their_order() {
        let mut pending = Pending::default();
        let frames: Vec<_> = (0..5).map(frame).collect();
        for frame in &frames {
            pending.push(Arc::clone(frame));
        }
        pending.skipped(FrameId(1));
        assert_eq!(done(&mut pending), Vec::<String>::new(), "0 is still open");
        assert!(pending.analyzed(analysis(&frames[0])));
        assert_eq!(
            done(&mut pending),
            ["picture +0", "row +0", "picture -1", "row -"]
        );
        assert!(!pending.analyzed(analysis(&frames[0])), "it is done");
        assert!(pending.analyzed(analysis(&frames[3])));
        assert_eq!(
            done(&mut pending),
            ["picture -2", "row -", "picture +3", "row +3"],
            "2 was passed over"
        );
        assert!(
            !pending.analyzed(analysis(&frame(4))),
            "of the same number, but another one"
        );
        pending.settle_all();
        assert_eq!(done(&mut pending), ["picture -4", "row -"]);
        assert!(pending.is_empty());
    }

    #[test]
    fn pictures_do_not_wait_for_ever_but_their_rows_do() {
        let mut pending = Pending::default();
        let frames: Vec<_> = (0..700).map(frame).collect();
        for frame in &frames[..=MAX_PICTURES] {
            pending.push(Arc::clone(frame));
        }
        assert_eq!(done(&mut pending), ["picture -0"]);
        assert!(pending.analyzed(analysis(&frames[0])), "late, but not lost");
        assert_eq!(done(&mut pending), ["row +0"]);
        for frame in &frames[MAX_PICTURES + 1..] {
            pending.push(Arc::clone(frame));
        }
        let done = done(&mut pending);
        let n_rows = done.iter().filter(|done| done.starts_with("row")).count();
        assert_eq!(n_rows, 699 - MAX_ROWS);
    }

    proptest! {
        #[test]
        fn every_frame_gets_one_picture_and_then_one_row_in_order(
            decisions in proptest::collection::vec((0u64..40, any::<bool>()), 0..120)
        ) {
            let mut pending = Pending::default();
            let frames: Vec<_> = (0..40).map(frame).collect();
            let mut all = Vec::new();
            let mut next = 0;
            for (ahead, good) in decisions {
                while next <= ahead {
                    pending.push(Arc::clone(&frames[next as usize]));
                    next += 1;
                }
                if good {
                    pending.analyzed(analysis(&frames[ahead as usize]));
                } else {
                    pending.skipped(FrameId(ahead));
                }
                all.extend(done(&mut pending));
            }
            pending.settle_all();
            all.extend(done(&mut pending));
            let numbers = |kind: &str| -> Vec<u64> {
                let of_kind = all.iter().filter_map(|done| done.strip_prefix(kind));
                of_kind.map(|rest| rest[1..].parse().unwrap()).collect()
            };
            let expected: Vec<u64> = (0..next).collect();
            prop_assert_eq!(numbers("picture "), expected);
            let n_rows = all.iter().filter(|done| done.starts_with("row")).count();
            prop_assert_eq!(n_rows as u64, next);
            let known: Vec<u64> = all
                .iter()
                .filter_map(|done| done.strip_prefix("row +"))
                .map(|number| number.parse().unwrap())
                .collect();
            prop_assert!(known.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(pending.is_empty());
        }
    }
}
