//! Rules of the tracker, as examples and as properties over random scenes.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const THRESHOLD: f32 = 4.0;
const CLEAR: f32 = 20.0;
const DOUBTFUL: f32 = 5.0;
const FRAME: Duration = Duration::from_millis(33);

/// A detection by rustface; below two fifths of the threshold it would be none, so callers stay above.
fn face(x: f32, y: f32, side: f32, score: f32) -> Detection {
    Detection {
        box_in_frame: BoundingBox::new(x, y, side, side),
        score,
        standing: Standing::of_score(score, THRESHOLD).unwrap_or(Standing::Continues),
        shape: None,
    }
}

/// A tracker that has already seen an empty frame, so that the next one is not the first.
fn running() -> (Tracker, Duration) {
    let mut tracker = Tracker::default();
    tracker.advance(Duration::ZERO);
    tracker.update(&[]);
    (tracker, Duration::ZERO)
}

fn step(tracker: &mut Tracker, time: &mut Duration, detections: &[Detection]) -> Vec<TrackedFace> {
    *time += FRAME;
    tracker.advance(*time);
    tracker.update(detections);
    tracker.faces()
}

#[test]
fn a_clear_face_shows_at_once_and_a_doubtful_one_when_found_again() {
    let (mut tracker, mut time) = running();
    assert_eq!(
        step(&mut tracker, &mut time, &[face(50.0, 50.0, 80.0, CLEAR)]).len(),
        1
    );

    let (mut tracker, mut time) = running();
    let doubtful = [face(50.0, 50.0, 80.0, DOUBTFUL)];
    assert!(step(&mut tracker, &mut time, &doubtful).is_empty());
    assert_eq!(step(&mut tracker, &mut time, &doubtful).len(), 1);

    let (mut tracker, mut time) = running();
    assert!(step(&mut tracker, &mut time, &doubtful).is_empty());
    assert!(step(&mut tracker, &mut time, &[]).is_empty());
    assert!(
        step(&mut tracker, &mut time, &doubtful).is_empty(),
        "a false alarm that disappeared does not count as the first sighting"
    );
}

#[test]
fn a_doubtful_face_shows_at_once_in_a_still_picture() {
    let mut tracker = Tracker::default();
    for second in 0..3 {
        assert!(tracker.advance(Duration::from_secs(second)));
        tracker.update(&[face(50.0, 50.0, 80.0, DOUBTFUL)]);
        let faces = tracker.faces();
        assert_eq!(faces.len(), 1);
        assert_eq!(
            faces[0].track,
            TrackId(second),
            "still pictures share no faces"
        );
    }
}

#[test]
fn a_known_face_is_kept_at_a_score_that_would_not_begin_one() {
    let (mut tracker, mut time) = running();
    step(&mut tracker, &mut time, &[face(50.0, 50.0, 80.0, CLEAR)]);
    let weak = [
        face(52.0, 50.0, 80.0, THRESHOLD / 2.0),
        face(300.0, 50.0, 80.0, THRESHOLD / 2.0),
    ];
    let faces = step(&mut tracker, &mut time, &weak);
    assert_eq!(faces.len(), 1);
    assert_eq!(faces[0].unseen_for, Duration::ZERO);
}

#[test]
fn a_lost_face_stays_for_the_grace_period_and_keeps_its_identity_when_it_returns() {
    let (mut tracker, mut time) = running();
    let here = [face(50.0, 50.0, 80.0, CLEAR)];
    let first = step(&mut tracker, &mut time, &here)[0];
    let lost_at = time;
    while time + FRAME - lost_at <= LOST_GRACE {
        let faces = step(&mut tracker, &mut time, &[]);
        assert_eq!(faces[0].unseen_for, time - lost_at);
        assert_eq!(faces[0].box_in_frame, first.box_in_frame, "it was at rest");
    }
    let back = step(&mut tracker, &mut time.clone(), &here);
    assert!(back[0].track != first.track, "the grace period was over");

    let (mut tracker, mut time) = running();
    let first = step(&mut tracker, &mut time, &here)[0];
    for _ in 0..20 {
        step(&mut tracker, &mut time, &[]);
    }
    let back = step(&mut tracker, &mut time, &[face(70.0, 55.0, 85.0, CLEAR)])[0];
    assert_eq!((back.track, back.unseen_for), (first.track, Duration::ZERO));
}

#[test]
fn time_that_jumps_either_way_carries_nothing_over() {
    let (mut tracker, mut time) = running();
    let here = [face(50.0, 50.0, 80.0, CLEAR)];
    let first = step(&mut tracker, &mut time, &here)[0].track;
    time += Duration::from_secs(3);
    let after_gap = step(&mut tracker, &mut time, &here)[0].track;
    time = Duration::ZERO;
    let after_rewind = step(&mut tracker, &mut time, &here)[0].track;
    assert!(first < after_gap && after_gap < after_rewind);
    tracker.reset();
    let after_reset = step(&mut tracker, &mut time, &here)[0].track;
    assert!(after_rewind < after_reset, "not even after a reset");
}

#[test]
fn a_repeated_timestamp_is_harmless() {
    let mut tracker = Tracker::default();
    for x in [50.0, 60.0, 55.0] {
        tracker.advance(Duration::from_secs(1));
        tracker.update(&[face(x, 50.0, 80.0, CLEAR)]);
        assert_eq!(tracker.faces()[0].track, TrackId(0));
        assert!(tracker.faces()[0].box_in_frame.x.is_finite());
    }
}

#[test]
fn a_face_behind_another_is_not_drawn_twice() {
    let (mut tracker, mut time) = running();
    let both = [
        face(50.0, 50.0, 80.0, CLEAR),
        face(150.0, 50.0, 80.0, CLEAR),
    ];
    assert_eq!(step(&mut tracker, &mut time, &both).len(), 2);
    // The right one is no longer found, and the left one walks to where it was.
    let mut faces = Vec::new();
    for frame in 1..=20 {
        let walking = face(50.0 + 5.0 * frame as f32, 50.0, 80.0, CLEAR);
        faces = step(&mut tracker, &mut time, &[walking]);
    }
    assert_eq!(faces.len(), 1);
    assert_eq!(faces[0].track, TrackId(0));
}

fn any_detection() -> impl Strategy<Value = Detection> {
    (
        -50.0f32..700.0,
        -50.0f32..500.0,
        20.0f32..300.0,
        0.0f32..40.0,
    )
        .prop_map(|(x, y, side, score)| face(x, y, side, score))
}

/// Anything that a broken detector could return.
fn wild_detection() -> impl Strategy<Value = Detection> {
    let any_value = prop_oneof![
        4 => -1e4f32..1e4,
        1 => prop::num::f32::ANY,
    ];
    prop::array::uniform5(any_value).prop_map(|[x, y, width, height, score]| Detection {
        box_in_frame: BoundingBox::new(x, y, width, height),
        score,
        standing: Standing::Sure,
        shape: None,
    })
}

/// Mostly ordinary intervals, now and then a stall or a jump back.
fn any_times(n_frames: usize) -> impl Strategy<Value = Vec<Duration>> {
    let interval_ms = prop_oneof![
        20 => 0i64..150,
        1 => 500i64..5_000,
        1 => -3_000i64..0,
    ];
    prop::collection::vec(interval_ms, n_frames).prop_map(|intervals| {
        intervals
            .into_iter()
            .scan(0i64, |time, interval| {
                *time = (*time + interval).max(0);
                Some(Duration::from_millis(*time as u64))
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn identities_are_unique_ordered_and_never_return(
        scenes in prop::collection::vec(prop::collection::vec(any_detection(), 0..6), 40),
        times in any_times(40),
    ) {
        let mut tracker = Tracker::default();
        let mut ended = BTreeSet::new();
        let mut alive = BTreeSet::new();
        for (scene, time) in scenes.iter().zip(times) {
            tracker.advance(time);
            tracker.update(scene);
            let faces = tracker.faces();
            prop_assert!(faces.windows(2).all(|pair| pair[0].track < pair[1].track));
            for face in &faces {
                prop_assert!(face.unseen_for <= LOST_GRACE);
                prop_assert!(!ended.contains(&face.track), "{:?} came back", face.track);
            }
            let now_alive: BTreeSet<TrackId> = tracker.tracks.iter().map(|track| track.id).collect();
            prop_assert_eq!(now_alive.len(), tracker.tracks.len());
            ended.extend(alive.difference(&now_alive).copied());
            alive = now_alive;
        }
    }

    #[test]
    fn boxes_stay_finite_whatever_the_detector_returns(
        scenes in prop::collection::vec(prop::collection::vec(wild_detection(), 0..5), 30),
        times in any_times(30),
    ) {
        let mut tracker = Tracker::default();
        for (scene, time) in scenes.iter().zip(times) {
            tracker.advance(time);
            tracker.update(scene);
            let expected = tracker.expected().map(|expected| expected.box_in_frame);
            let shown: Vec<BoundingBox> = tracker
                .faces()
                .iter()
                .map(|face| face.box_in_frame)
                .chain(expected)
                .collect();
            for found in shown {
                for value in [found.x, found.y, found.width, found.height] {
                    prop_assert!(value.is_finite(), "{:?}", found);
                }
                prop_assert!(found.width > 0.0 && found.height > 0.0, "{:?}", found);
            }
        }
    }

    #[test]
    fn the_order_of_detections_does_not_matter(
        (scenes, shuffled) in prop::collection::vec(
            prop::collection::vec(any_detection(), 0..6)
                .prop_flat_map(|scene| (Just(scene.clone()), Just(scene).prop_shuffle())),
            20,
        )
        .prop_map(|pairs| pairs.into_iter().unzip::<_, _, Vec<_>, Vec<_>>()),
    ) {
        let (mut one, mut other) = (Tracker::default(), Tracker::default());
        for (frame_idx, (scene, shuffled)) in scenes.iter().zip(&shuffled).enumerate() {
            let time = FRAME * frame_idx as u32;
            one.advance(time);
            one.update(scene);
            other.advance(time);
            other.update(shuffled);
            prop_assert_eq!(one.faces(), other.faces());
        }
    }

    #[test]
    fn a_steadily_moving_face_keeps_its_identity(
        side in 30.0f32..200.0,
        // Face sides per second, at 15 to 60 frames per second.
        (vx, vy) in (-4.0f32..4.0, -4.0f32..4.0),
        interval_ms in 16u64..67,
        // Missed now and then.
        missed in prop::collection::vec(prop::bool::weighted(0.15), 60),
    ) {
        let interval = Duration::from_millis(interval_ms);
        let mut tracker = Tracker::default();
        let mut unseen_for = Duration::ZERO;
        for (frame_idx, is_missed) in missed.iter().enumerate() {
            let time = interval * frame_idx as u32;
            let moved = side * time.as_secs_f32();
            let here = face(500.0 + vx * moved, 500.0 + vy * moved, side, CLEAR);
            tracker.advance(time);
            unseen_for += interval;
            // Speeds are learned in the first frames. A face that is missed for longer is expected to come to a stop.
            let is_seen = !is_missed || frame_idx < 8 || unseen_for > Duration::from_millis(200);
            if is_seen {
                unseen_for = Duration::ZERO;
            }
            tracker.update(if is_seen { std::slice::from_ref(&here) } else { &[] });
            let faces = tracker.faces();
            prop_assert_eq!(faces.len(), 1);
            prop_assert_eq!(faces[0].track, TrackId(0));
        }
    }

    #[test]
    fn faces_that_do_not_cross_never_swap(
        side in 40.0f32..150.0,
        gap_sides in 1.3f32..4.0,
        wobbles in prop::collection::vec((-0.08f32..0.08, -0.08f32..0.08, any::<bool>(), any::<bool>()), 2..50),
    ) {
        let (mut tracker, mut time) = running();
        for (frame_idx, (left, right, left_seen, right_seen)) in wobbles.iter().enumerate() {
            // Independent jumps of up to 5 sides a second that leave them apart; each misses half its frames.
            let left_face = face(200.0 + left * side, 100.0, side, CLEAR);
            let right_face = face(200.0 + (gap_sides + right) * side, 100.0, side, CLEAR - 1.0);
            let mut scene = Vec::new();
            if *left_seen || frame_idx == 0 {
                scene.push(left_face);
            }
            if *right_seen || frame_idx == 0 {
                scene.push(right_face);
            }
            for found in step(&mut tracker, &mut time, &scene) {
                let center = found.box_in_frame.center().0;
                let middle = 200.0 + side / 2.0 + gap_sides / 2.0 * side;
                match found.track {
                    TrackId(0) => prop_assert!(center < middle),
                    TrackId(1) => prop_assert!(center > middle),
                    // A face that was missing for the whole grace period gets a new track.
                    TrackId(_) => {}
                }
            }
        }
    }
}
