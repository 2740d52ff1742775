//! Detection on a real face, and the schedule of scans and close searches.

use image::{RgbImage, imageops};

use super::*;
use crate::detect::{
    TrackId,
    test_images::{ASTRONAUT_FACE, astronaut, canvas_with_astronaut, frame_from, frame_of, turned},
};

fn find_in(image: &RgbImage) -> Vec<TrackedFace> {
    FaceFinder::new(DetectConfig::default()).find(&frame_from(image, Duration::ZERO).into_still())
}

/// Asserts that there is exactly one face, centered within 12 % of its side and of the right size within 30 %: where a
/// face ends is a matter of taste, its center is not.
#[track_caller]
fn assert_one_face(faces: &[TrackedFace], (x, y, side): (f32, f32, f32)) {
    assert_eq!(faces.len(), 1, "{faces:?}");
    let found = faces[0].box_in_frame;
    let (found_x, found_y) = found.center();
    assert!((found_x - x).abs() < 0.12 * side, "{found:?} for x {x}");
    assert!((found_y - y).abs() < 0.12 * side, "{found:?} for y {y}");
    assert!(
        (found.width / side).ln().abs() < 0.3,
        "{found:?} for side {side}"
    );
}

#[test]
fn the_face_of_a_photograph_is_found() {
    assert_one_face(&find_in(&astronaut()), ASTRONAUT_FACE);
}

#[test]
fn it_is_found_mirrored_darkened_brightened_and_scaled() {
    let (x, y, side) = ASTRONAUT_FACE;
    let photo = astronaut();
    assert_one_face(
        &find_in(&imageops::flip_horizontal(&photo)),
        (512.0 - x, y, side),
    );
    let exposed = |factor: f32| {
        let mut image = photo.clone();
        for value in image.iter_mut() {
            *value = (f32::from(*value) * factor) as u8;
        }
        image
    };
    assert_one_face(&find_in(&exposed(0.3)), ASTRONAUT_FACE);
    assert_one_face(&find_in(&exposed(1.4)), ASTRONAUT_FACE);
    for scale in [0.45f32, 0.7, 1.6, 3.0] {
        let scaled_side = (512.0 * scale) as u32;
        let scaled = imageops::resize(
            &photo,
            scaled_side,
            scaled_side,
            imageops::FilterType::Triangle,
        );
        assert_one_face(&find_in(&scaled), (x * scale, y * scale, side * scale));
    }
}

#[test]
fn nothing_is_found_where_nobody_is() {
    let mut state = 1u32;
    let noise: Vec<u8> = (0..640 * 480 * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let noise = RgbImage::from_raw(640, 480, noise).expect("the right length");
    assert_eq!(find_in(&noise), []);
    // Noise with the grain of a close-up.
    let coarse = imageops::blur(&noise, 6.0);
    assert_eq!(find_in(&coarse), []);
    assert_eq!(
        find_in(&RgbImage::from_pixel(640, 480, image::Rgb([128; 3]))),
        []
    );
    assert_eq!(
        find_in(&RgbImage::from_fn(640, 480, |x, y| image::Rgb([
            x as u8, y as u8, 0
        ]))),
        []
    );
}

#[test]
fn frames_of_any_size_do_not_panic() {
    let mut finder = FaceFinder::new(DetectConfig::default());
    let sizes = (1..=45)
        .flat_map(|side| [(side, side), (side, 300), (300, side)])
        .chain([(641, 479), (39, 40), (1279, 3), (333, 777)]);
    for (width, height) in sizes {
        let checks = |x: u32, y: u32| {
            [if (x / 3 + y / 5).is_multiple_of(2) {
                30
            } else {
                220
            }; 3]
        };
        assert_eq!(finder.find(&frame_of(width, height, checks)), []);
    }
}

#[test]
fn odd_settings_do_not_panic() {
    for min_face_size_px in [0, 1, 5_000, u32::MAX] {
        for score_threshold in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            for detector in [Detector::Both, Detector::Rustface] {
                let mut finder = FaceFinder::new(DetectConfig {
                    detector,
                    min_face_size_px,
                    score_threshold,
                });
                finder.find(&frame_from(&astronaut(), Duration::ZERO));
            }
        }
    }
}

#[test]
fn faces_below_the_smallest_size_are_ignored() {
    let mut finder = FaceFinder::new(DetectConfig {
        min_face_size_px: 200,
        ..DetectConfig::default()
    });
    assert_eq!(finder.find(&frame_from(&astronaut(), Duration::ZERO)), []);
}

#[test]
fn a_change_of_settings_shows_in_the_next_frame() {
    let photo = astronaut();
    let mut finder = FaceFinder::new(DetectConfig {
        min_face_size_px: 200,
        ..DetectConfig::default()
    });
    let at = Duration::from_millis;
    assert_eq!(finder.find(&frame_from(&photo, at(0))), []);
    finder.set_config(DetectConfig::default());
    assert_eq!(finder.find(&frame_from(&photo, at(33))).len(), 1);
}

#[test]
fn two_faces_are_numbered_from_left_to_right_and_kept_apart() {
    let mut finder = FaceFinder::new(DetectConfig::default());
    for frame_idx in 0..6 {
        let moved = 4 * frame_idx;
        let image = canvas_with_astronaut((1000, 480), &[(500 - moved, 0, 0.9), (moved, 60, 0.8)]);
        let time = Duration::from_millis(33 * frame_idx as u64);
        let faces = finder.find(&frame_from(&image, time));
        let tracks: Vec<u64> = faces.iter().map(|face| face.track.0).collect();
        assert_eq!(tracks, [0, 1]);
        assert!(faces[0].box_in_frame.x < faces[1].box_in_frame.x);
        assert!(faces.iter().all(|face| face.unseen_for.is_zero()));
    }
}

#[test]
fn a_newcomer_is_noticed_within_the_interval() {
    let alone = canvas_with_astronaut((900, 460), &[(0, 0, 0.8)]);
    let joined = canvas_with_astronaut((900, 460), &[(0, 0, 0.8), (450, 20, 0.8)]);
    let mut finder = FaceFinder::new(DetectConfig::default());
    let mut time = Duration::ZERO;
    for _ in 0..4 {
        assert_eq!(finder.find(&frame_from(&alone, time)).len(), 1);
        time += Duration::from_millis(50);
    }
    let joined_at = time;
    while finder.find(&frame_from(&joined, time)).len() < 2 {
        time += Duration::from_millis(50);
        assert!(time - joined_at <= ROUTINE_SCAN_INTERVAL);
    }
}

#[test]
fn a_newcomer_to_an_empty_room_is_found_within_a_quarter_of_a_second() {
    const HD: (u32, u32) = (1280, 720);
    let nobody = canvas_with_astronaut(HD, &[]);
    for place in [(40, 60, 1.2), (500, 0, 1.4), (750, 100, 1.1)] {
        let joined = canvas_with_astronaut(HD, &[place]);
        let mut finder = FaceFinder::new(DetectConfig::default());
        let mut time = Duration::ZERO;
        // Long enough for the scans to become rarer.
        while time < Duration::from_secs(4) {
            assert_eq!(finder.find(&frame_from(&nobody, time)), []);
            time += Duration::from_millis(100);
        }
        let joined_at = time;
        while finder.find(&frame_from(&joined, time)).is_empty() {
            time += Duration::from_millis(33);
            assert!(time - joined_at <= Duration::from_millis(250), "{place:?}");
        }
    }
}

#[test]
fn a_face_that_vanishes_stays_briefly_and_is_found_again_elsewhere() {
    let here = canvas_with_astronaut((900, 460), &[(0, 0, 0.8)]);
    let nobody = canvas_with_astronaut((900, 460), &[]);
    let there = canvas_with_astronaut((900, 460), &[(450, 20, 0.8)]);
    let mut finder = FaceFinder::new(DetectConfig::default());
    let at = Duration::from_millis;
    assert_eq!(finder.find(&frame_from(&here, at(0))).len(), 1);
    let lost = finder.find(&frame_from(&nobody, at(100)));
    assert_eq!((lost.len(), lost[0].unseen_for), (1, at(100)));
    // Somebody is missing, so the next frame is scanned; it is too far away to be the same face.
    let found = finder.find(&frame_from(&there, at(200)));
    let tracks: Vec<TrackId> = found.iter().map(|face| face.track).collect();
    assert_eq!(tracks, [TrackId(0), TrackId(1)]);
}

#[test]
fn the_same_frames_give_the_same_faces() {
    let run = || -> Vec<Vec<TrackedFace>> {
        let mut finder = FaceFinder::new(DetectConfig::default());
        (0..8)
            .map(|frame_idx| {
                let image = canvas_with_astronaut((640, 400), &[(7 * frame_idx, 10, 0.7)]);
                finder.find(&frame_from(
                    &image,
                    Duration::from_millis(40 * frame_idx as u64),
                ))
            })
            .collect()
    };
    assert_eq!(run(), run());
}

/// The portrait on a canvas of its own, so that turning it cuts nothing off.
fn portrait() -> RgbImage {
    canvas_with_astronaut((700, 700), &[(94, 200, 1.0)])
}

#[test]
fn a_turned_portrait_is_found_and_its_turn_is_measured() {
    let upright = find_in(&portrait())[0].shape.expect("a mesh");
    for degrees in [-45.0f32, -30.0, 15.0, 45.0] {
        let faces = find_in(&turned(&portrait(), degrees));
        assert_eq!(faces.len(), 1, "{degrees}°");
        let shape = faces[0].shape.expect("a mesh");
        let turn = shape.upright.roll_deg - upright.upright.roll_deg;
        assert!((turn - degrees).abs() < 4.0, "{turn} for {degrees}°");
        assert!((shape.pose.roll_deg - upright.pose.roll_deg - degrees).abs() < 6.0);
        assert!(
            (shape.pose.yaw_deg - upright.pose.yaw_deg).abs() < 10.0,
            "{shape:?}"
        );
        assert!((shape.upright.side / upright.upright.side).ln().abs() < 0.06);
    }
}

#[test]
fn a_mirrored_portrait_looks_the_other_way() {
    let shape = |image: &RgbImage| find_in(image)[0].shape.expect("a mesh");
    let (one, other) = (
        shape(&portrait()),
        shape(&imageops::flip_horizontal(&portrait())),
    );
    assert!(
        (one.pose.yaw_deg + other.pose.yaw_deg).abs() < 4.0,
        "{one:?} {other:?}"
    );
    assert!((one.pose.roll_deg + other.pose.roll_deg).abs() < 3.0);
    assert!((one.pose.pitch_deg - other.pose.pitch_deg).abs() < 3.0);
}

#[test]
fn a_face_that_fills_the_picture_is_found() {
    let (x, y, side) = ASTRONAUT_FACE;
    for part in [0.9f32, 1.1, 1.4] {
        let crop_side = (part * side) as u32;
        let corner = |center: f32| (center - 0.5 * crop_side as f32) as u32;
        let photo = astronaut();
        let crop = imageops::crop_imm(&photo, corner(x), corner(y), crop_side, crop_side);
        let close = imageops::resize(&crop.to_image(), 400, 400, imageops::FilterType::Triangle);
        assert_eq!(find_in(&close).len(), 1, "{part} of the face");
    }
}

#[test]
fn every_face_with_a_mesh_has_its_points() {
    let image = canvas_with_astronaut((1000, 480), &[(500, 0, 0.9), (0, 60, 0.8)]);
    let mut finder = FaceFinder::new(DetectConfig::default());
    let faces = finder.find(&frame_from(&image, Duration::ZERO));
    assert_eq!((faces.len(), finder.meshes().len()), (2, 2));
    for (face, mesh) in faces.iter().zip(finder.meshes()) {
        assert_eq!(face.track, mesh.track);
        let [x, y, _] = mesh.points[1]; // The tip of the nose.
        let found = face.box_in_frame;
        assert!(x > found.x && x < found.right() && y > found.y && y < found.bottom());
    }
    finder.find(&frame_from(
        &RgbImage::new(64, 64),
        Duration::from_millis(33),
    ));
    assert!(finder.meshes().is_empty(), "none of these was found now");
}

#[test]
fn rustface_alone_has_no_meshes() {
    let mut finder = FaceFinder::new(DetectConfig {
        detector: Detector::Rustface,
        ..DetectConfig::default()
    });
    let faces = finder.find(&frame_from(&astronaut(), Duration::ZERO));
    assert_eq!((faces.len(), faces[0].shape), (1, None));
    assert!(faces[0].score > 2.0 && finder.meshes().is_empty());
}

/// At one face side per second, the shown box trails by at most 3 % of a side.
#[test]
fn a_moving_face_is_not_trailed() {
    let (x, y, side) = ASTRONAUT_FACE;
    let mut finder = FaceFinder::new(DetectConfig::default());
    let mut worst: f32 = 0.0;
    let mut rest = None;
    for frame_idx in 0..40u32 {
        let moved = (side * frame_idx as f32 / 30.0).round();
        let image = canvas_with_astronaut((900, 512), &[(moved as i64, 0, 1.0)]);
        let time = Duration::from_micros(33_333) * frame_idx;
        let faces = finder.find(&frame_from(&image, time));
        assert_eq!(
            (faces.len(), faces[0].track, faces[0].unseen_for.is_zero()),
            (1, TrackId(0), true)
        );
        let center = faces[0].box_in_frame.center();
        let offset = (center.0 - x - moved, center.1 - y);
        let rest = *rest.get_or_insert(offset);
        if frame_idx > 15 {
            worst = worst.max((offset.0 - rest.0).hypot(offset.1 - rest.1) / side);
        }
    }
    assert!(worst < 0.035, "trails by {:.1} % of a side", worst * 100.0);
}
