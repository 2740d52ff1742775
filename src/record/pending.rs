//! Captured frames that wait for their results.
//!
//! Rows are written in the order of capture, so a row waits until it is known whether its frame was analyzed. The frame
//! waits with it, because the boxes belong on it, but not for long: frames are large. When too many wait, the oldest
//! goes into the video with what is known, and only its row keeps waiting.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use crate::{
    frame::{Frame, FrameId},
    pipeline::Analysis,
    session::tables::FrameRow,
    time::Ticks,
};

/// Maximum number of waiting frames: over half a second at 30 Hz, 60 MB at 1280×720.
const MAX_FRAMES: usize = 16;
/// Maximum number of waiting rows. Beyond it, the oldest frame counts as not analyzed.
const MAX_ROWS: usize = 600;

/// Something that can be done now.
#[derive(Debug)]
pub(super) enum Ready {
    /// A frame goes into the video, with its result if that is known. Report back with [`Pending::in_video`].
    Frame {
        frame: Arc<Frame>,
        analysis: Option<Arc<Analysis>>,
        /// Its row's number.
        number: u64,
        time: Ticks,
    },
    /// The oldest row goes into the table, with the frame's result if it has one.
    Row(FrameRow, Option<Arc<Analysis>>),
}

#[derive(Debug)]
struct Waiting {
    id: FrameId,
    captured_at: Instant,
    /// `None` once it was given to the video.
    frame: Option<Arc<Frame>>,
    row: FrameRow,
    /// `None` while unknown; `Some(None)` for a skipped frame.
    outcome: Option<Option<Arc<Analysis>>>,
}

/// The frames that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending {
    queue: VecDeque<Waiting>,
    n_frames: usize,
}

impl Pending {
    /// Adds a captured frame with its row so far.
    pub fn push(&mut self, frame: Arc<Frame>, row: FrameRow) {
        self.n_frames += 1;
        self.queue.push_back(Waiting {
            id: frame.id,
            captured_at: frame.captured_at,
            frame: Some(frame),
            row,
            outcome: None,
        });
    }

    /// Adds a result. Returns `false` if its frame is not waiting.
    ///
    /// Frames are analyzed in order, so earlier ones without a result will never get one.
    pub fn analyzed(&mut self, analysis: Analysis) -> bool {
        let frame = &analysis.frame;
        // Frame ids repeat after a seek, so the capture time must match too.
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

    /// Marks a frame that will have no result.
    pub fn skipped(&mut self, id: FrameId) {
        let is_it = |waiting: &&mut Waiting| waiting.id == id && waiting.outcome.is_none();
        if let Some(waiting) = self.queue.iter_mut().find(is_it) {
            waiting.outcome = Some(None);
        }
    }

    /// Marks all frames without a result as skipped.
    pub fn settle_all(&mut self) {
        for waiting in &mut self.queue {
            waiting.outcome.get_or_insert(None);
        }
    }

    /// Sets the position in the video of the frame with this number; `None` if the encoder dropped it.
    pub fn in_video(&mut self, number: u64, video_frame: Option<u64>) {
        let mut waiting = self.queue.iter_mut();
        if let Some(waiting) = waiting.find(|waiting| waiting.row.frame == number) {
            waiting.row.video_frame = video_frame;
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next thing that can be done: frames in the order of capture, rows likewise, each row after its frame.
    pub fn next(&mut self) -> Option<Ready> {
        let first = self.queue.front()?;
        if first.frame.is_none() && (first.outcome.is_some() || self.queue.len() > MAX_ROWS) {
            let first = self.queue.pop_front()?;
            return Some(Ready::Row(first.row, first.outcome.flatten()));
        }
        let crowded = self.n_frames > MAX_FRAMES;
        let next = self
            .queue
            .iter_mut()
            .find(|waiting| waiting.frame.is_some())?;
        let known = next.outcome.is_some();
        if !known && !crowded {
            return None;
        }
        self.n_frames -= 1;
        Some(Ready::Frame {
            frame: next.frame.take()?,
            analysis: next.outcome.clone().flatten(),
            number: next.row.frame,
            time: next.row.time,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::{frame::Resolution, pipeline::Settings, session::fixtures};

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

    fn push(pending: &mut Pending, frame: &Arc<Frame>) {
        let row = FrameRow {
            frame: frame.id.0,
            ..fixtures::two_people().frames.remove(0)
        };
        pending.push(Arc::clone(frame), row);
    }

    fn analysis(frame: &Arc<Frame>) -> Analysis {
        Analysis {
            frame: Arc::clone(frame),
            faces: Vec::new(),
            meshes: Vec::new(),
            checkpoint: None,
            second: None,
            settings: Settings::default(),
            completed_at: Instant::now(),
            detect_time: Duration::ZERO,
            classify_time: Duration::ZERO,
        }
    }

    /// `frame +3` for frame 3 with a result, `-3` without; `row +` and `row -` likewise.
    fn done(pending: &mut Pending) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(ready) = pending.next() {
            all.push({
                let sign = |known: bool| if known { '+' } else { '-' };
                match ready {
                    Ready::Frame {
                        frame,
                        analysis,
                        number,
                        ..
                    } => {
                        assert_eq!(frame.id.0, number);
                        pending.in_video(number, Some(number + 100));
                        format!("frame {}{number}", sign(analysis.is_some()))
                    }
                    Ready::Row(row, analysis) => {
                        assert_eq!(row.video_frame, Some(row.frame + 100));
                        let result = analysis.as_ref().map(|analysis| analysis.frame.id.0);
                        assert!(result.is_none_or(|frame| frame == row.frame));
                        format!("row {}{}", sign(result.is_some()), row.frame)
                    }
                }
            });
        }
        all
    }

    #[test]
    fn frames_wait_for_their_results_and_keep_their_order() {
        let mut pending = Pending::default();
        let frames: Vec<_> = (0..5).map(frame).collect();
        for frame in &frames {
            push(&mut pending, frame);
        }
        pending.skipped(FrameId(1));
        assert_eq!(done(&mut pending), Vec::<String>::new(), "0 is still open");
        assert!(pending.analyzed(analysis(&frames[0])));
        assert_eq!(
            done(&mut pending),
            ["frame +0", "row +0", "frame -1", "row -1"]
        );
        assert!(!pending.analyzed(analysis(&frames[0])), "it is done");
        assert!(pending.analyzed(analysis(&frames[3])));
        assert_eq!(
            done(&mut pending),
            ["frame -2", "row -2", "frame +3", "row +3"],
            "2 was skipped"
        );
        assert!(
            !pending.analyzed(analysis(&frame(4))),
            "another frame with the same id"
        );
        pending.settle_all();
        assert_eq!(done(&mut pending), ["frame -4", "row -4"]);
        assert!(pending.is_empty());
    }

    #[test]
    fn frames_do_not_wait_forever_but_their_rows_do() {
        let mut pending = Pending::default();
        let frames: Vec<_> = (0..700).map(frame).collect();
        for frame in &frames[..=MAX_FRAMES] {
            push(&mut pending, frame);
        }
        assert_eq!(done(&mut pending), ["frame -0"]);
        assert!(pending.analyzed(analysis(&frames[0])), "late, but not lost");
        assert_eq!(done(&mut pending), ["row +0"]);
        for frame in &frames[MAX_FRAMES + 1..] {
            push(&mut pending, frame);
        }
        let done = done(&mut pending);
        let n_rows = done.iter().filter(|done| done.starts_with("row")).count();
        assert_eq!(n_rows, 699 - MAX_ROWS);
    }

    proptest! {
        #[test]
        fn every_frame_goes_into_the_video_once_and_then_into_the_table(
            decisions in proptest::collection::vec((0u64..40, any::<bool>()), 0..120)
        ) {
            let mut pending = Pending::default();
            let frames: Vec<_> = (0..40).map(frame).collect();
            let mut all = Vec::new();
            let mut next = 0;
            for (ahead, good) in decisions {
                while next <= ahead {
                    push(&mut pending, &frames[next as usize]);
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
            prop_assert_eq!(numbers("frame "), expected.clone());
            prop_assert_eq!(numbers("row "), expected);
            prop_assert!(pending.is_empty());
        }
    }
}
