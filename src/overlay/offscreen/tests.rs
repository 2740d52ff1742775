//! Drawn frames compared with the stored ones in `reference/`, and with what the window draws.
//!
//! After a change that is meant to change the look, write the references again and look at the difference before you commit:
//!
//! ```text
//! UPDATE_REFERENCE=1 cargo test -p fervis --lib overlay
//! ```

use std::{
    env,
    path::PathBuf,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use egui::{Rect, Shape, Vec2, pos2, vec2};
use image::RgbaImage;
use proptest::prelude::*;

use super::*;
use crate::overlay::colors;

/// A channel of a pixel may differ this much from the stored one, …
const CHANNEL_TOLERANCE: u8 = 6;
/// … and this share of the pixels by more: rounding moves an edge here and there, a change of the look moves more.
const OUTLIERS: f32 = 0.000_5;

fn face(track: u64, class: Expression, probability: f32, at: [f32; 4]) -> FaceAnalysis {
    let rest = (1.0 - probability) / (N_EXPRESSIONS - 1) as f32;
    let mut values = [rest; N_EXPRESSIONS];
    values[class.index()] = probability;
    let [x, y, width, height] = at;
    FaceAnalysis {
        track: TrackId(track),
        number: track,
        box_in_frame: BoundingBox::new(x, y, width, height),
        score: 12.0,
        unseen_for: Duration::ZERO,
        shape: None,
        corrected: None,
        second: None,
        raw: Probabilities::from(values),
        smoothed: Probabilities::from(values),
        label: class.into(),
    }
}

fn fading(unseen_ms: u64, face: FaceAnalysis) -> FaceAnalysis {
    FaceAnalysis {
        unseen_for: Duration::from_millis(unseen_ms),
        ..face
    }
}

/// Dark on the left, bright on the right, so that both contrasts occur.
fn ground(resolution: Resolution) -> RgbaImage {
    let Resolution {
        width_px,
        height_px,
    } = resolution;
    RgbaImage::from_fn(width_px, height_px, |x, y| {
        let light = (20 + 210 * x / width_px) as u8;
        image::Rgba([light, light, (40 + 160 * y / height_px) as u8, 255])
    })
}

fn drawn(resolution: Resolution, faces: &[FaceAnalysis], look: &OverlayLook) -> RgbaImage {
    let mut frame = ground(resolution);
    Offscreen::default().draw(&mut frame, resolution, faces, look);
    frame
}

/// Draws, and compares with `reference/NAME.png`.
fn check(name: &str, (width, height): (u32, u32), faces: &[FaceAnalysis], look: &OverlayLook) {
    let found = drawn(Resolution::new(width, height), faces, look);
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("src/overlay/reference/{name}.png"));
    if env::var_os("UPDATE_REFERENCE").is_some() {
        found.save(&path).unwrap();
    }
    let stored = image::open(&path)
        .unwrap_or_else(|err| panic!("{}: {err}", path.display()))
        .to_rgba8();
    assert_eq!(found.dimensions(), stored.dimensions(), "{name}");
    let differs = |(a, b): &(&image::Rgba<u8>, &image::Rgba<u8>)| {
        let mut channels = a.0.iter().zip(b.0);
        channels.any(|(a, b)| a.abs_diff(b) > CHANNEL_TOLERANCE)
    };
    let n_outliers = found.pixels().zip(stored.pixels()).filter(differs).count();
    let share = n_outliers as f32 / (width * height) as f32;
    assert!(
        share <= OUTLIERS,
        "{name}: {n_outliers} pixels differ from {}",
        path.display()
    );
}

#[test]
fn one_face() {
    let faces = [face(
        1,
        Expression::Happy,
        0.87,
        [110.0, 80.0, 100.0, 110.0],
    )];
    check("one_face", (320, 240), &faces, &OverlayLook::default());
}

#[test]
fn three_faces_have_numbers_and_their_plates_do_not_collide() {
    let faces = [
        face(4, Expression::Angry, 0.55, [60.0, 120.0, 120.0, 120.0]),
        face(9, Expression::Surprise, 1.0, [150.0, 126.0, 110.0, 110.0]),
        face(12, Expression::Neutral, 0.34, [450.0, 100.0, 140.0, 150.0]),
    ];
    check("three_faces", (640, 360), &faces, &OverlayLook::default());
}

#[test]
fn a_lost_face_fades() {
    let faces = [
        fading(
            400,
            face(1, Expression::Sad, 0.61, [30.0, 60.0, 90.0, 90.0]),
        ),
        fading(
            800,
            face(2, Expression::Disgust, 0.7, [180.0, 60.0, 90.0, 90.0]),
        ),
    ];
    check("fading", (320, 200), &faces, &OverlayLook::default());
}

#[test]
fn faces_at_the_edge_of_the_frame_keep_their_plates_inside() {
    let faces = [
        face(1, Expression::Fear, 0.5, [-60.0, -50.0, 120.0, 120.0]),
        face(2, Expression::Happy, 0.6, [270.0, 90.0, 120.0, 120.0]),
        face(3, Expression::Sad, 0.7, [90.0, 190.0, 120.0, 120.0]),
    ];
    check("edges", (320, 240), &faces, &OverlayLook::default());
}

#[test]
fn odd_sizes_and_a_caption() {
    let look = OverlayLook {
        caption: Some("00:01:23.456  Participant 7".to_owned()),
        ..OverlayLook::default()
    };
    let faces = [face(1, Expression::Neutral, 0.5, [20.3, 90.7, 61.5, 61.5])];
    check("odd_with_caption", (321, 199), &faces, &look);
    let look = OverlayLook {
        caption: Some("A caption that is much longer than this picture is wide".to_owned()),
        boxes: false,
        names: false,
        ..OverlayLook::default()
    };
    check("long_caption", (181, 61), &faces, &look);
}

#[test]
fn an_upright_frame_has_text_of_the_same_size() {
    let faces = [face(
        1,
        Expression::Surprise,
        0.93,
        [60.0, 150.0, 150.0, 160.0],
    )];
    check("upright", (270, 480), &faces, &OverlayLook::default());
}

#[test]
fn a_tiny_frame_shows_what_fits() {
    let faces = [face(1, Expression::Happy, 0.99, [10.0, 6.0, 24.0, 24.0])];
    check("tiny", (48, 36), &faces, &OverlayLook::default());
    for (width, height) in [(1, 1), (1, 300), (300, 1)] {
        drawn(
            Resolution::new(width, height),
            &faces,
            &OverlayLook::default(),
        );
    }
}

#[test]
fn without_faces_the_frame_does_not_change() {
    let resolution = Resolution::new(160, 90);
    let look = OverlayLook::default();
    assert_eq!(drawn(resolution, &[], &look), ground(resolution));
    let faces = [face(1, Expression::Happy, 0.9, [20.0, 20.0, 40.0, 40.0])];
    let nothing = OverlayLook {
        boxes: false,
        names: false,
        ..OverlayLook::default()
    };
    assert_eq!(drawn(resolution, &faces, &nothing), ground(resolution));
    // An empty frame must not panic.
    Offscreen::default().draw(&mut [], Resolution::new(0, 0), &faces, &look);
}

#[test]
fn text_scales_with_the_frame_and_stays_readable() {
    let check = |width, height, expected: f32| {
        let scale = scale_for(Resolution::new(width, height));
        assert!((scale - expected).abs() < 1e-6, "{width}×{height}: {scale}");
    };
    check(1280, 720, 1.0);
    check(720, 1280, 1.0);
    check(3840, 2160, 3.0);
    check(640, 480, MIN_SCALE);
    check(1, 1, MIN_SCALE);
    check(100_000, 100_000, MAX_SCALE);
}

/// Rectangles and texts with their positions relative to the frame, in drawing order.
fn geometry_of(shapes: &[ClippedShape], frame: Rect) -> Vec<(String, Rect)> {
    let mut found = Vec::new();
    for ClippedShape { shape, .. } in shapes {
        let (what, rect) = match shape {
            Shape::Rect(rect) if rect.fill == colors::PLATE => ("plate".to_owned(), rect.rect),
            Shape::Rect(rect) => ("rect".to_owned(), rect.rect),
            Shape::Text(text) => (
                text.galley.text().to_owned(),
                text.galley.rect.translate(text.pos.to_vec2()),
            ),
            _ => continue,
        };
        found.push((what, rect.translate(-frame.min.to_vec2())));
    }
    found
}

#[test]
fn the_window_draws_the_same_at_the_same_positions() {
    let resolution = Resolution::new(1280, 720);
    let faces = [
        face(4, Expression::Angry, 0.55, [160.0, 220.0, 220.0, 220.0]),
        face(9, Expression::Surprise, 1.0, [320.0, 226.0, 210.0, 210.0]),
        face(12, Expression::Fear, 0.34, [1150.0, -20.0, 240.0, 250.0]),
    ];
    let look = OverlayLook::default();
    let offscreen = Offscreen::default().shapes(resolution, &faces, &look);

    // A larger window with the frame somewhere in it, as in the preview.
    let frame_rect = Rect::from_min_size(pos2(60.0, 30.0), vec2(1280.0, 720.0));
    let place = UiFromFrame {
        frame_rect,
        ..UiFromFrame::identity(resolution)
    };
    let input = RawInput {
        screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), Vec2::splat(1600.0))),
        ..RawInput::default()
    };
    let mut window = Context::default().run_ui(input, |ui| {
        paint(ui.painter(), &place, &faces, &[], &look, 1.0);
    });
    window.textures_delta.clear();

    let offscreen = geometry_of(&offscreen, UiFromFrame::identity(resolution).frame_rect);
    let window = geometry_of(&window.shapes, frame_rect);
    let n_plates = |shapes: &[(String, Rect)]| {
        let plates = shapes.iter().filter(|(what, _)| what == "plate");
        plates.count()
    };
    assert_eq!(n_plates(&offscreen), 3);
    // For each face: rim, line, plate, number, chip, text.
    assert_eq!(offscreen.len(), 3 * 6);
    assert_eq!(window.len(), offscreen.len());
    for ((a, a_rect), (b, b_rect)) in offscreen.iter().zip(&window) {
        assert_eq!(a, b);
        let difference = (a_rect.min - b_rect.min).abs() + (a_rect.max - b_rect.max).abs();
        assert!(difference.max_elem() < 0.01, "{a}: {a_rect} and {b_rect}");
    }
}

#[test]
fn glyphs_are_ready_before_the_first_frame() {
    let mut offscreen = Offscreen::default();
    let before = offscreen.font_texture.clone();
    for side_px in COMMON_SIDES_PX {
        let resolution = Resolution::new(side_px * 4 / 3, side_px);
        for percent in 15..=100u8 {
            let faces: Vec<FaceAnalysis> = Expression::ALL
                .into_iter()
                .enumerate()
                .map(|(idx, class)| {
                    let track = u64::from(percent) * 10 + idx as u64;
                    face(
                        track,
                        class,
                        f32::from(percent) / 100.0,
                        [9.0, 9.0, 50.0, 50.0],
                    )
                })
                .collect();
            offscreen.primitives(resolution, &faces, &OverlayLook::default());
        }
    }
    assert!(
        offscreen.font_texture == before,
        "a glyph was missing from the texture"
    );
}

#[test]
fn it_can_be_sent_to_the_recorder() {
    fn is_send<T: Send>() {}
    is_send::<Offscreen>();
}

/// Making one takes longer than drawing with it a hundred times.
static SHARED: LazyLock<Mutex<Offscreen>> = LazyLock::new(Mutex::default);

fn coordinate() -> impl Strategy<Value = f32> {
    prop_oneof![-50.0f32..200.0, -1e9f32..1e9, any::<f32>()]
}

proptest! {
    #[test]
    fn no_box_makes_it_panic_or_touch_alpha(
        boxes in prop::collection::vec(prop::array::uniform4(coordinate()), 1..4),
        width in 1u32..150, height in 1u32..150,
        probability in any::<f32>(), unseen_ms in 0u64..2000,
    ) {
        let faces: Vec<FaceAnalysis> = boxes
            .into_iter()
            .map(|at| fading(unseen_ms, face(7, Expression::Sad, probability, at)))
            .collect();
        let resolution = Resolution::new(width, height);
        let mut frame = ground(resolution);
        let mut offscreen = SHARED.lock().unwrap();
        offscreen.draw(&mut frame, resolution, &faces, &OverlayLook::default());
        prop_assert!(frame.pixels().all(|pixel| pixel.0[3] == 255));
    }
}
