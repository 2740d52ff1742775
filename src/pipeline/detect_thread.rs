//! Finds and follows faces, in every frame that there is time for.
//!
//! The face finder is built on this thread, since it is not `Send`. If it panics, the frame is skipped, the finder is
//! built again, and its faces get identities that were not used before.

use std::{
    borrow::Borrow,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Event, Pacing,
    cancel::CancelToken,
    controls::Controls,
    identities::Identities,
    message::{Item, Message, Slot, hand_over},
    parts::{BuildFinder, FindFaces},
    shared::{Run, Shared},
    worker::{Worker, guarded},
};
use crate::{
    detect::{TrackedFace, TrackedMesh},
    frame::Frame,
};

/// A frame and where its faces are.
#[derive(Debug)]
pub(super) struct Found {
    pub frame: Arc<Frame>,
    pub faces: Vec<TrackedFace>,
    pub meshes: Vec<TrackedMesh>,
    pub detect_time: Duration,
}

impl Borrow<Arc<Frame>> for Found {
    fn borrow(&self) -> &Arc<Frame> {
        &self.frame
    }
}

/// Starts the thread. It ends when `inbox` is closed.
///
/// # Errors
/// If the operating system refuses a thread.
pub(super) fn spawn(
    build: BuildFinder,
    inbox: Slot<Arc<Frame>>,
    outbox: Slot<Found>,
    shared: Arc<Shared>,
    controls: Arc<Controls>,
    pacing: Pacing,
) -> io::Result<Worker> {
    Worker::spawn("detect", move || {
        let mut stage = DetectStage::new(build, controls, pacing);
        let cancel = CancelToken::never(); // Closing the mailboxes ends this thread.
        while let Some(message) = inbox.take() {
            if let Some(found) = stage.handle(message, &shared) {
                hand_over(&outbox, found, &shared, &cancel);
            }
        }
    })
}

struct DetectStage {
    build: BuildFinder,
    controls: Arc<Controls>,
    pacing: Pacing,
    finder: Option<Box<dyn FindFaces>>,
    run: Run,
    /// The run in which the source was opened.
    opened: Run,
    identities: Identities,
    failing: bool,
}

impl DetectStage {
    fn new(build: BuildFinder, controls: Arc<Controls>, pacing: Pacing) -> Self {
        Self {
            build,
            controls,
            pacing,
            finder: None,
            run: Run::default(),
            opened: Run::default(),
            identities: Identities::default(),
            failing: false,
        }
    }

    fn handle(&mut self, message: Message<Arc<Frame>>, shared: &Shared) -> Option<Message<Found>> {
        let Message {
            run,
            lossless,
            item,
        } = message;
        if !shared.is_current(run) {
            return None;
        }
        let frame = match item {
            Item::Frame(frame) => frame,
            Item::End(state) => return Some(Message::end(run, state)),
        };
        let new_run = std::mem::replace(&mut self.run, run) != run;
        if new_run {
            self.begin_run(shared);
        }
        let started = Instant::now();
        match guarded(|| self.find(&frame, new_run, shared)) {
            Ok(mut faces) => {
                self.failing = false;
                let may_return = self.controls.transport().is_some();
                self.identities.identify(frame.time, &mut faces, may_return);
                let meshes = self.identified_meshes();
                let item = Item::Frame(Found {
                    frame,
                    faces,
                    meshes,
                    detect_time: started.elapsed(),
                });
                Some(Message {
                    run,
                    lossless,
                    item,
                })
            }
            Err(panic) => {
                self.finder = None;
                self.identities.forget_finder();
                shared.skipped(run, &frame);
                if !std::mem::replace(&mut self.failing, true) {
                    shared.emit(Event::Warning(format!(
                        "a frame was skipped because finding faces failed: {panic}"
                    )));
                }
                None
            }
        }
    }

    /// Another source was opened, or the open one continues from another time.
    fn begin_run(&mut self, shared: &Shared) {
        let opened = shared.opened_run();
        let new_source = std::mem::replace(&mut self.opened, opened) != opened;
        if new_source && self.pacing == Pacing::EveryFrame {
            // The result of a file must not depend on the files before it: neither its faces nor their identities.
            self.finder = None;
            self.identities = Identities::default();
        } else if new_source {
            self.identities.begin_source();
        } else {
            self.identities.begin_pass();
        }
    }

    fn find(&mut self, frame: &Frame, new_run: bool, shared: &Shared) -> Vec<TrackedFace> {
        let config = shared.settings().detect;
        let finder = self.finder.get_or_insert_with(|| (self.build)(config));
        if new_run {
            finder.reset();
        }
        finder.set_config(config);
        finder.find(frame)
    }

    fn identified_meshes(&self) -> Vec<TrackedMesh> {
        let meshes = self
            .finder
            .as_ref()
            .map_or(&[][..], |finder| finder.meshes());
        let identified = |mesh: &TrackedMesh| {
            Some(TrackedMesh {
                track: self.identities.of(mesh.track)?,
                points: Arc::clone(&mesh.points),
            })
        };
        meshes.iter().filter_map(identified).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::{DetectConfig, TrackId},
        pipeline::{Settings, SourceState, fakes::frame},
    };

    /// One face on every frame, in a track that is new after each further reset; panics on frame 1.
    struct Brittle {
        n_resets: u64,
    }

    impl FindFaces for Brittle {
        fn set_config(&mut self, _config: DetectConfig) {}

        fn reset(&mut self) {
            self.n_resets += 1;
        }

        fn find(&mut self, frame: &Frame) -> Vec<TrackedFace> {
            assert_ne!(frame.id.0, 1, "brittle");
            vec![TrackedFace {
                track: TrackId(self.n_resets.saturating_sub(1)),
                box_in_frame: Default::default(),
                score: 9.0,
                unseen_for: Duration::ZERO,
                shape: None,
            }]
        }
    }

    #[test]
    fn a_panic_costs_one_frame_and_no_identity() {
        let (events_in, events) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events_in, || {});
        let mut stage = DetectStage::new(
            Arc::new(|_| Box::new(Brittle { n_resets: 0 })),
            Arc::default(),
            Pacing::Realtime,
        );
        let handle = |stage: &mut DetectStage, run: Run, id: u64| {
            let message = Message {
                run,
                lossless: true,
                item: Item::Frame(Arc::new(frame(id))),
            };
            stage
                .handle(message, &shared)
                .map(|found| match found.item {
                    Item::Frame(found) => found.faces[0].track.0,
                    Item::End(state) => panic!("a frame came back as {state:?}"),
                })
        };
        let run = shared.begin_run();
        assert_eq!(handle(&mut stage, run, 0), Some(1));
        assert_eq!(handle(&mut stage, run, 1), None);
        assert_eq!(handle(&mut stage, run, 1), None);
        assert_eq!(handle(&mut stage, run, 2), Some(2), "not 1 again");
        assert_eq!(shared.stats(Instant::now()).n_dropped, 2);
        let warnings: Vec<_> = events.try_iter().collect();
        assert_eq!(warnings.len(), 1, "one for the streak: {warnings:?}");

        let next = shared.begin_run();
        assert_eq!(handle(&mut stage, run, 3), None, "from the previous source");
        assert_eq!(handle(&mut stage, next, 0), Some(3));
        assert_eq!(handle(&mut stage, shared.begin_run(), 0), Some(4));
        let next = shared.current_run();
        let end = stage.handle(Message::end(next, Some(SourceState::Ended)), &shared);
        assert!(matches!(
            end,
            Some(Message {
                item: Item::End(Some(SourceState::Ended)),
                ..
            })
        ));
    }
}
