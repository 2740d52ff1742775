//! Reads the expressions of all faces of a frame and smooths them over time; see [`face_reader`].

use std::{io, sync::Arc, time::Instant};

use super::{
    Analysis, Event, FaceAnalysis, Pacing,
    cancel::CancelToken,
    detect_thread::Found,
    face_reader::{FaceReader, ReadError},
    latest::Latest,
    message::{Item, Message, Slot, pass_on},
    neutral::{Neutral, neutral_of},
    numbers::Numbers,
    parts::ClassifyFaces,
    second::Second,
    shared::{Run, Shared},
    smoothing::FaceValues,
    words,
    worker::Worker,
};
use crate::detect::TrackedFace;

/// A network for the next frames, or `None` if none could be loaded.
pub(super) type Network = Option<Box<dyn ClassifyFaces>>;

/// Starts the thread. It takes no frame before the first network arrives, and ends when the mailboxes are closed.
///
/// # Errors
/// If the operating system refuses a thread.
pub(super) fn spawn(
    networks: Arc<Latest<Network>>,
    seconds: Arc<Latest<Network>>,
    inbox: Slot<Found>,
    outbox: Slot<Analysis>,
    shared: Arc<Shared>,
    pacing: Pacing,
) -> io::Result<Worker> {
    Worker::spawn("classify", move || {
        let Some(network) = networks.take() else {
            return;
        };
        let mut stage = ClassifyStage::new(network);
        let cancel = CancelToken::never(); // Closing the mailboxes ends this thread.
        while let Some(message) = inbox.take() {
            if let Some(network) = networks.try_take() {
                stage.replace_network(network);
            }
            if let Some(second) = seconds.try_take() {
                stage.second = second.map(Second::new);
            }
            let Some(result) = stage.handle(message, &shared) else {
                continue;
            };
            if let Item::End(state) = &result.item {
                if let Some(state) = state {
                    shared.emit_for(result.run, Event::Source(state.clone()));
                }
                if pacing == Pacing::Realtime {
                    // A window gets the end as an event. It need not read results, so none may wait for it.
                    continue;
                }
            }
            // An unread result was analyzed all the same, so it does not count as dropped.
            drop(pass_on(&outbox, result, &cancel));
            shared.wake();
        }
    })
}

struct ClassifyStage {
    network: Network,
    second: Option<Second>,
    reader: FaceReader,
    neutral: Neutral,
    numbers: Numbers,
    run: Run,
    failing: bool,
}

impl ClassifyStage {
    fn new(network: Network) -> Self {
        Self {
            network,
            second: None,
            reader: FaceReader::default(),
            neutral: Neutral::default(),
            numbers: Numbers::default(),
            run: Run::default(),
            failing: false,
        }
    }

    fn replace_network(&mut self, network: Network) {
        self.network = network;
        self.failing = false;
        self.reader.clear();
        // Another network reads a resting face in another way.
        self.neutral.clear();
    }

    fn handle(&mut self, message: Message<Found>, shared: &Shared) -> Option<Message<Analysis>> {
        let Message {
            run,
            lossless,
            item,
        } = message;
        if !shared.is_current(run) {
            return None;
        }
        let found = match item {
            Item::Frame(found) => found,
            Item::End(state) => return Some(Message::end(run, state)),
        };
        if std::mem::replace(&mut self.run, run) != run {
            self.reader.clear();
            if let Some(second) = &mut self.second {
                second.clear();
            }
            if shared.is_opening(run) {
                self.neutral.clear(); // Somebody else may be there.
            }
        }
        let frame = Arc::clone(&found.frame);
        match self.analyze(found, shared) {
            Ok(analysis) => {
                self.failing = false;
                shared.analyzed(run, &analysis);
                let item = Item::Frame(analysis);
                Some(Message {
                    run,
                    lossless,
                    item,
                })
            }
            Err(error) => {
                shared.skipped(run, &frame);
                if !std::mem::replace(&mut self.failing, true) {
                    shared.emit(Event::Warning(format!(
                        "a frame was skipped because reading expressions failed: {}",
                        words(&error)
                    )));
                }
                None
            }
        }
    }

    fn analyze(&mut self, found: Found, shared: &Shared) -> Result<Analysis, ReadError> {
        let started = Instant::now();
        let Found {
            frame,
            faces,
            meshes,
            detect_time,
        } = found;
        let settings = shared.settings();
        let (checkpoint, faces) = match &mut self.network {
            None => (None, Vec::new()),
            Some(network) => {
                let values = self
                    .reader
                    .read(&mut **network, &frame, &faces, &settings)?;
                let labels = network.info().labels;
                if let Some(reason) = self.second.as_ref().and_then(|it| it.differs(labels)) {
                    self.second = None;
                    shared.emit(Event::SecondFailed(reason));
                    shared.emit(Event::SecondChanged(None));
                }
                let second = self.second.as_mut();
                let second = second.and_then(|it| it.read(&frame, &faces, &settings, shared));
                let second = second.unwrap_or_else(|| vec![None; faces.len()]);
                let analysis = |((face, values), second): ((&TrackedFace, _), _)| {
                    let FaceValues {
                        raw,
                        smoothed,
                        label,
                    } = values?;
                    Some(FaceAnalysis {
                        track: face.track,
                        number: 0, // Given below.
                        box_in_frame: face.box_in_frame,
                        score: face.score,
                        unseen_for: face.unseen_for,
                        shape: face.shape,
                        raw,
                        smoothed,
                        label,
                        corrected: None,
                        second,
                    })
                };
                let faces = faces.iter().zip(values).zip(second).filter_map(analysis);
                let mut faces: Vec<FaceAnalysis> = faces.collect();
                self.numbers.follow(self.run, shared);
                self.numbers.give(&mut faces);
                let info = Arc::clone(network.info());
                match shared.take_neutral() {
                    None => {}
                    Some(true) if neutral_of(info.labels).is_none() => {
                        let words =
                            "the network has no label “neutral”, so no resting face is learned";
                        shared.emit(Event::Warning(words.to_owned()));
                    }
                    Some(true) => self.neutral.begin(),
                    Some(false) => {
                        self.neutral.clear();
                        shared.emit(Event::Neutral("neutral forgotten".to_owned()));
                    }
                }
                if let Some(learned) = self.neutral.see(frame.time, &mut faces) {
                    shared.emit(Event::Neutral(learned.words()));
                }
                (Some(info), faces)
            }
        };
        let completed_at = Instant::now();
        Ok(Analysis {
            frame,
            faces,
            meshes,
            checkpoint,
            second: self.second.as_ref().map(Second::info),
            settings,
            completed_at,
            detect_time,
            classify_time: completed_at.saturating_duration_since(started),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        bounding_box::BoundingBox,
        detect::TrackId,
        expression::{Expression, Logits},
        frame::Frame,
        model::{CheckpointInfo, ModelError, Views, preprocess::FaceRegion},
        pipeline::{
            Settings,
            fakes::{checkpoint, frame},
        },
    };

    /// Answers with one expression after another, twice as sure from two views, or with NaN.
    struct Moody {
        info: Arc<CheckpointInfo>,
        moods: Vec<Option<Expression>>,
    }

    impl ClassifyFaces for Moody {
        fn info(&self) -> &Arc<CheckpointInfo> {
            &self.info
        }

        fn classify(
            &mut self,
            _frame: &Frame,
            faces: &[FaceRegion],
            views: Views,
        ) -> Result<Vec<Logits>, ModelError> {
            let mut logits = Logits::default();
            match self.moods.remove(0) {
                Some(mood) => logits.0[mood.index()] = 4.0 * views.count() as f32,
                None => logits.0[0] = f32::NAN,
            }
            Ok(vec![logits; faces.len()])
        }
    }

    fn stage(moods: Vec<Option<Expression>>) -> ClassifyStage {
        ClassifyStage::new(Some(Box::new(Moody {
            info: Arc::new(checkpoint("moody")),
            moods,
        })))
    }

    /// Analyzes a frame at `time_ms` with one face, unseen for `unseen_ms`.
    fn analyze(
        stage: &mut ClassifyStage,
        shared: &Shared,
        time_ms: u64,
        unseen_ms: u64,
    ) -> Option<FaceAnalysis> {
        let mut frame = frame(time_ms);
        frame.time = Duration::from_millis(time_ms);
        let face = TrackedFace {
            track: TrackId(1),
            box_in_frame: BoundingBox::new(0.0, 0.0, 2.0, 2.0),
            score: 9.0,
            unseen_for: Duration::from_millis(unseen_ms),
            shape: None,
        };
        let message = Message {
            run: shared.current_run(),
            lossless: false,
            item: Item::Frame(Found {
                frame: Arc::new(frame),
                faces: vec![face],
                meshes: Vec::new(),
                detect_time: Duration::ZERO,
            }),
        };
        match stage.handle(message, shared)?.item {
            Item::Frame(analysis) => analysis.faces.first().copied(),
            Item::End(state) => panic!("a frame came back as {state:?}"),
        }
    }

    #[test]
    fn a_face_that_is_not_found_keeps_its_values() {
        use Expression::{Happy, Sad};
        let (events, _) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events, || {});
        shared.begin_run();
        // The network runs only twice; a third time would panic.
        let mut stage = stage(vec![Some(Sad), Some(Happy)]);
        let seen = analyze(&mut stage, &shared, 0, 0).expect("a face");
        assert_eq!((seen.label, seen.raw), (Sad.into(), seen.smoothed));
        // Temperature 2 of the checkpoint: logit 4 counts as 2.
        let e2 = 2f32.exp();
        assert!((seen.raw.of(Sad) - e2 / (e2 + 6.0)).abs() < 1e-6);
        for time_ms in [100, 200] {
            let unseen = analyze(&mut stage, &shared, time_ms, time_ms).expect("a face");
            assert_eq!((unseen.raw, unseen.smoothed), (seen.raw, seen.smoothed));
            assert_eq!(unseen.unseen_for, Duration::from_millis(time_ms));
        }
        let again = analyze(&mut stage, &shared, 300, 0).expect("a face");
        assert_eq!(again.raw.top().0, Happy);
        assert!(again.smoothed.of(Happy) < again.raw.of(Happy));
        assert!(again.smoothed.of(Happy) > seen.smoothed.of(Happy));
    }

    #[test]
    fn the_network_sees_the_views_that_are_set() {
        let (events, _) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events, || {});
        shared.begin_run();
        let mut stage = stage(vec![Some(Expression::Sad); 2]);
        let alone = analyze(&mut stage, &shared, 0, 0).expect("a face");
        shared.apply(Settings {
            views: Views::Flip,
            ..Settings::default()
        });
        let both = analyze(&mut stage, &shared, 40, 0).expect("a face");
        // Temperature 2 of the checkpoint: logits 4 and 8 count as 2 and 4.
        for (face, logit) in [(alone, 2f32), (both, 4.0)] {
            let expected = logit.exp() / (logit.exp() + 6.0);
            assert!((face.raw.of(Expression::Sad) - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_network_that_answers_nan_shows_nothing() {
        let (events_in, events) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events_in, || {});
        shared.begin_run();
        let mut stage = stage(vec![None, None, Some(Expression::Fear)]);
        assert_eq!(analyze(&mut stage, &shared, 0, 0), None);
        assert_eq!(analyze(&mut stage, &shared, 40, 0), None);
        let face = analyze(&mut stage, &shared, 80, 0).expect("a face");
        assert_eq!(face.label, Expression::Fear);
        assert_eq!(events.try_iter().count(), 1, "one warning for the streak");
        assert_eq!(shared.stats(Instant::now()).n_dropped, 2);
    }

    fn second(moods: Vec<Option<Expression>>) -> Second {
        Second::new(Box::new(Moody {
            info: Arc::new(checkpoint("second")),
            moods,
        }))
    }

    #[test]
    fn a_second_network_reads_the_same_faces() {
        use Expression::{Happy, Sad};
        let (events_in, events) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events_in, || {});
        shared.begin_run();
        let mut stage = stage(vec![Some(Sad); 4]);
        stage.second = Some(second(vec![Some(Happy), None, Some(Sad)]));
        let both = analyze(&mut stage, &shared, 0, 0).expect("a face");
        assert_eq!(both.label, Sad);
        assert_eq!(both.second.expect("a second reading").label, Happy);
        // It fails: the first network's result is there all the same, and it is said.
        let alone = analyze(&mut stage, &shared, 40, 0).expect("a face");
        assert_eq!((alone.label, alone.second), (Sad.into(), None));
        assert!(matches!(events.try_recv(), Ok((_, Event::Warning(_)))));
        // Smoothed over time, as the first.
        let again = analyze(&mut stage, &shared, 80, 0).expect("a face");
        let again = again.second.expect("a second reading");
        assert_eq!(again.raw.top().0, Sad);
        assert!(again.smoothed.of(Happy) > again.raw.of(Happy));
        // Not found: it keeps its values, without the network.
        let unseen = analyze(&mut stage, &shared, 120, 40).expect("a face");
        assert_eq!(unseen.second, Some(again));
    }

    #[test]
    fn a_second_network_with_other_labels_is_refused() {
        let (events_in, events) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events_in, || {});
        shared.begin_run();
        let mut stage = stage(vec![Some(Expression::Sad)]);
        let labels = crate::expression::Labels::new(&["mask", "no mask"]).unwrap();
        stage.second = Some(Second::new(Box::new(Moody {
            info: Arc::new(CheckpointInfo {
                labels,
                ..checkpoint("masks")
            }),
            moods: Vec::new(),
        })));
        let face = analyze(&mut stage, &shared, 0, 0).expect("a face");
        assert_eq!(face.second, None);
        let told: Vec<Event> = events.try_iter().map(|(_, event)| event).collect();
        let [Event::SecondFailed(reason), Event::SecondChanged(None)] = &told[..] else {
            panic!("{told:?}");
        };
        assert!(reason.contains("“masks” cannot be compared"), "{reason}");
    }

    #[test]
    fn another_source_or_network_starts_over() {
        let (events, _) = crossbeam_channel::unbounded();
        let shared = Shared::new(Settings::default(), events, || {});
        shared.begin_run();
        let mut stage = stage(vec![Some(Expression::Sad), Some(Expression::Happy)]);
        analyze(&mut stage, &shared, 0, 0);
        shared.begin_run();
        let other = analyze(&mut stage, &shared, 40, 0).expect("a face");
        assert_eq!(other.smoothed, other.raw);
        stage.replace_network(Some(Box::new(Moody {
            info: Arc::new(checkpoint("other")),
            moods: vec![Some(Expression::Fear)],
        })));
        let other = analyze(&mut stage, &shared, 80, 0).expect("a face");
        assert_eq!(
            (other.label, other.smoothed),
            (Expression::Fear.into(), other.raw)
        );
    }
}
