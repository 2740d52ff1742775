//! What it costs to draw the overlay on a frame, and to cover the faces in it.
//!
//! `cargo bench --bench overlay`. Both work in place, as in the recorder; the copy of the frame that the recorder makes
//! first is not included.

mod timing;

use std::time::Duration;

use fervis::{
    bounding_box::BoundingBox,
    detect::TrackId,
    expression::Logits,
    frame::Resolution,
    overlay::{Offscreen, OverlayLook},
    pipeline::FaceAnalysis,
    privacy::{Effect, FacePrivacy, Who},
};

use self::timing::{Timing, measure};

const N_FACES: u8 = 3;

fn main() {
    println!("{:58} {:>9} {:>9}", "one frame", "p50 ms", "p95 ms");
    let mut offscreen = Offscreen::default();
    for resolution in [Resolution::new(640, 480), Resolution::new(1280, 720)] {
        let mut faces = faces(resolution);
        let mut rgba = vec![90; resolution.n_pixels() * 4];
        let look = OverlayLook::default();
        let mut frame = 0u16;
        row(
            &format!("overlay, {N_FACES} faces, {resolution}"),
            measure(|| {
                // Probabilities change from frame to frame, so text is laid out again.
                frame += 1;
                for face in &mut faces {
                    face.smoothed.0[usize::from(face.track.0 as u8)] =
                        0.3 + 0.007 * f32::from(frame % 90);
                    face.box_in_frame.x += if frame.is_multiple_of(2) { 0.7 } else { -0.7 };
                }
                offscreen.draw(&mut rgba, resolution, &faces, &look);
            }),
        );
        for (name, effect) in [("pixelate", Effect::Pixelate), ("blur", Effect::Blur)] {
            let privacy = FacePrivacy {
                effect,
                who: Who::All,
            };
            row(
                &format!("{name} {N_FACES} faces, {resolution}"),
                measure(|| {
                    let boxes = faces.iter().map(|face| (face.track, face.box_in_frame));
                    privacy.apply(&mut rgba, resolution, boxes);
                }),
            );
            row(
                &format!("{name} the whole frame, {resolution}"),
                measure(|| privacy.cover_everything(&mut rgba, resolution)),
            );
        }
    }
}

fn row(name: &str, timing: Timing) {
    println!("{name:58} {timing}");
}

/// Side by side, each a quarter of the frame's height.
fn faces(resolution: Resolution) -> Vec<FaceAnalysis> {
    let [width, height] = [resolution.width_px, resolution.height_px].map(|px| px as f32);
    let face = |number: u8| {
        let mut logits = Logits::default();
        logits.0[usize::from(number)] = 2.0;
        let probabilities = logits.softmax(1.0);
        let side = height / 4.0;
        let x = width * (f32::from(number) + 0.5) / f32::from(N_FACES) - side / 2.0;
        FaceAnalysis {
            track: TrackId(number.into()),
            number: number.into(),
            box_in_frame: BoundingBox::new(x, height * 0.4, side, side),
            score: 20.0,
            unseen_for: Duration::ZERO,
            shape: None,
            corrected: None,
            second: None,
            raw: probabilities,
            smoothed: probabilities,
            label: probabilities.top().0,
        }
    };
    (0..N_FACES).map(face).collect()
}
