//! Files that are paused, stepped and sought through while they play.
//!
//! Most films here have an hour between their frames: the clock shows only the first one, and everything else happens on
//! request.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crossbeam_channel::Sender;

use super::{
    fakes::{Seeking, Step, camera, film},
    tests::{Rig, start},
    *,
};
use crate::detect::TrackId;

const HOUR: Duration = Duration::from_secs(3600);

type SeekTimes = Arc<Mutex<Vec<Duration>>>;

/// A film of ten frames an hour apart, the times of its seeks, and a sender that blocks seeks until it is dropped.
fn start_film() -> (Rig, SeekTimes, Sender<()>) {
    let (gate, until) = crossbeam_channel::bounded(0);
    let seeks = SeekTimes::default();
    let seeking = Seeking {
        seeks: Arc::clone(&seeks),
        until,
    };
    let rig = start(Pacing::Realtime, vec![film(10, HOUR, Some(seeking))]);
    (rig, seeks, gate)
}

/// The number of the next frame shown; checks that its result is for the same frame.
fn shown(rig: &Rig) -> u64 {
    let frame = rig.wait_for(Pipeline::take_preview);
    assert_eq!(frame.time, HOUR * u32::try_from(frame.id.0).unwrap());
    let analysis = rig.wait_for(Pipeline::take_analysis);
    assert_eq!(analysis.frame.id, frame.id);
    frame.id.0
}

#[test]
fn a_seek_shows_the_frame_with_its_own_number_and_time() {
    let (rig, _, gate) = start_film();
    drop(gate);
    assert_eq!(shown(&rig), 0);
    for (time, id) in [
        (HOUR * 3, 3),
        (HOUR * 4 - Duration::from_nanos(1), 3),
        (HOUR, 1),
    ] {
        assert!(rig.pipeline.seek(time));
        assert_eq!(shown(&rig), id);
    }
    // Also while paused.
    rig.pipeline.set_paused(true);
    rig.pipeline.seek(HOUR * 99);
    assert_eq!(shown(&rig), 9);
}

#[test]
fn faces_and_smoothing_start_over_after_a_seek() {
    let (rig, _, gate) = start_film();
    drop(gate);
    let track = |rig: &Rig| rig.wait_for(Pipeline::take_analysis).faces[0].track;
    assert_eq!(track(&rig), TrackId(1));
    rig.pipeline.set_paused(true);
    rig.pipeline.step();
    assert_eq!(track(&rig), TrackId(1), "a step is not a seek");
    rig.pipeline.seek(HOUR * 5);
    assert_eq!(track(&rig), TrackId(2), "who that is nobody knows");
    rig.pipeline.seek(Duration::ZERO);
    assert_eq!(track(&rig), TrackId(1), "it was there at this time");
}

#[test]
fn a_recording_numbers_faces_from_one_again() {
    struct Recording;
    impl Tap for Recording {
        fn begins_numbers(&self) -> bool {
            true
        }
    }
    let (rig, _, gate) = start_film();
    drop(gate);
    let face = |rig: &Rig| {
        let face = rig.wait_for(Pipeline::take_analysis).faces[0];
        (face.track, face.number)
    };
    assert_eq!(face(&rig), (TrackId(1), 1));
    rig.pipeline.set_paused(true);
    rig.pipeline.seek(HOUR * 5);
    assert_eq!(face(&rig), (TrackId(2), 2));
    let _attached = rig.pipeline.attach(Arc::new(Recording));
    rig.pipeline.step();
    assert_eq!(face(&rig), (TrackId(2), 1), "it is the same face");
    rig.pipeline.seek(Duration::ZERO);
    assert_eq!(face(&rig), (TrackId(1), 2));
}

#[test]
fn steps_show_one_frame_each() {
    let (rig, _, _gate) = start_film();
    assert_eq!(shown(&rig), 0);
    rig.pipeline.step(); // It plays: of no effect.
    rig.pipeline.set_paused(true);
    rig.pipeline.step();
    assert_eq!(shown(&rig), 1);
    rig.pipeline.step();
    assert_eq!(shown(&rig), 2);
    assert!(rig.pipeline.take_preview().is_none());
}

#[test]
fn of_many_seeks_only_the_newest_counts() {
    let (rig, seeks, gate) = start_film();
    assert_eq!(shown(&rig), 0);
    rig.pipeline.seek(HOUR);
    // The first seek hangs while a slider is dragged.
    while seeks.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    for minute in 0..500 {
        rig.pipeline.seek(Duration::from_secs(60 * minute));
    }
    drop(gate);
    assert_eq!(shown(&rig), 8, "499 minutes");
    assert_eq!(seeks.lock().unwrap().len(), 2);
}

#[test]
fn nothing_earlier_is_shown_after_a_seek() {
    let (rig, _, gate) = start_film();
    drop(gate);
    // Frame 0 and its result are unread.
    rig.wait_for(|pipeline| (pipeline.stats().n_analyzed == 1).then_some(()));
    rig.pipeline.seek(HOUR * 5);
    assert_eq!(shown(&rig), 5);
}

#[test]
fn a_file_that_has_ended_can_seek_back() {
    let interval = Duration::from_millis(1);
    // One source that can seek, and one that has to be opened again.
    let (_, until) = crossbeam_channel::bounded(0);
    let seeking = Seeking {
        seeks: SeekTimes::default(),
        until,
    };
    for openings in [
        vec![film(5, interval, Some(seeking))],
        vec![film(5, interval, None), film(5, interval, None)],
    ] {
        let rig = start(Pacing::Realtime, openings);
        rig.states_until(&SourceState::Ended);
        assert!(rig.pipeline.transport().is_some());
        let last = |rig: &Rig| {
            rig.wait_for(|pipeline| pipeline.take_preview().filter(|frame| frame.id.0 == 4))
        };
        last(&rig);
        rig.pipeline.set_paused(true);
        rig.pipeline.seek(interval * 2);
        let again = rig.wait_for(Pipeline::take_preview);
        assert_eq!((again.id.0, again.time), (2, interval * 2));
        assert!(matches!(rig.state(), SourceState::Live(_)));
        rig.pipeline.set_paused(false);
        rig.states_until(&SourceState::Ended);
        last(&rig);
        let stats = rig.pipeline.stats();
        assert_eq!(stats.n_captured, 8, "counted since it was opened");
    }
}

#[test]
fn a_film_that_cannot_seek_is_read_up_to_the_frame() {
    let openings = vec![film(10, HOUR, None), film(10, HOUR, None)];
    let rig = start(Pacing::Realtime, openings);
    assert_eq!(shown(&rig), 0);
    rig.pipeline.seek(HOUR * 7 + HOUR / 2);
    assert_eq!(shown(&rig), 7);
    rig.pipeline.set_paused(true);
    rig.pipeline.step();
    assert_eq!(shown(&rig), 8, "the one that had to be read to know");
}

#[test]
fn requests_apply_to_files_that_are_watched() {
    let (_release, until) = crossbeam_channel::bounded(0);
    let rig = start(
        Pacing::Realtime,
        vec![camera(vec![Step::Frames(1), Step::Hang(until)])],
    );
    assert_eq!(rig.wait_for(Pipeline::take_preview).id.0, 0);
    assert_eq!(rig.pipeline.transport(), None);
    assert!(!rig.pipeline.seek(HOUR));
    rig.wait_for(Pipeline::take_analysis); // Not stale.

    let rig = start(Pacing::EveryFrame, vec![film(3, HOUR, None)]);
    rig.pipeline.set_paused(true);
    assert!(!rig.pipeline.seek(Duration::ZERO));
    let n_results = std::iter::from_fn(|| rig.pipeline.next_analysis()).count();
    assert_eq!(n_results, 3);

    // A single picture cannot seek.
    let rig = start(Pacing::Realtime, vec![film(1, HOUR, None)]);
    rig.states_until(&SourceState::Ended);
    assert_eq!(rig.pipeline.transport(), None);
    rig.wait_for(Pipeline::take_analysis);
}

#[test]
fn another_file_plays_even_if_the_previous_one_was_paused() {
    let openings = vec![film(3, HOUR, None), film(3, Duration::from_millis(1), None)];
    let rig = start(Pacing::Realtime, openings);
    assert_eq!(shown(&rig), 0);
    rig.pipeline.set_speed(2.0);
    rig.pipeline.set_paused(true);
    rig.pipeline.open(SourceSpec::Demo);
    rig.states_until(&SourceState::Ended);
    let expected = Transport {
        paused: false,
        speed: 2.0,
    };
    assert_eq!(rig.pipeline.transport(), Some(expected));
}
