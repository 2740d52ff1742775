//! Time of each stage for one frame of 1280×720: decode, luma, detect, preprocess, classify, draw.
//!
//! Run it with `cargo bench --bench stages`. Stages run one at a time here; in the application they run in parallel.

mod scene;
mod timing;

use std::time::Duration;

use anyhow::Result;
use fervis::{
    capture::{camera_format::PixelFormat, decode::decode},
    detect::{
        DetectConfig, FaceFinder,
        luma::{LumaCopy, Region},
    },
    frame::{Frame, FramePool, Resolution},
    model::{
        CheckpointChoice, Classifier, ComputeDevice, DeviceChoice, Views, bundled_names,
        preprocess::{FaceRegion, Preprocessor},
    },
};

use self::{
    scene::{SIZE, Scene},
    timing::{Timing, measure},
};

/// Time between frames at the contract's rate.
const INTERVAL: Duration = Duration::from_micros(33_333);

fn main() -> Result<()> {
    let scene = Scene::load()?;
    println!(
        "{:58} {:>9} {:>9}",
        "one frame of 1280×720", "p50 ms", "p95 ms"
    );
    decoding(&scene)?;
    detecting(&scene);
    classifying(&scene)?;
    #[cfg(feature = "overlay")]
    drawing();
    Ok(())
}

fn row(name: &str, timing: Timing) {
    println!("{name:58} {timing}");
}

fn decoding(scene: &Scene) -> Result<()> {
    let pool = FramePool::default();
    let jpeg = scene.jpeg(1, 0)?;
    let yuyv: Vec<u8> = (0..SIZE.n_pixels() * 2).map(|at| (at * 7) as u8).collect();
    for (name, format, data) in [
        (
            format!("decode MJPG ({} kB)", jpeg.len() / 1000),
            PixelFormat::Mjpg,
            &jpeg,
        ),
        ("decode YUYV".to_owned(), PixelFormat::Yuyv, &yuyv),
    ] {
        let mut rgba = pool.buffer(SIZE);
        decode(format, SIZE, data, &mut rgba)?; // If it fails, it fails here and not silently below.
        row(
            &name,
            measure(|| decode(format, SIZE, data, &mut rgba).is_ok()),
        );
    }
    Ok(())
}

fn detecting(scene: &Scene) {
    let (nobody, _) = scene.frame(0);
    let mut copy = LumaCopy::default();
    let small = Resolution::new(SIZE.width_px / 2, SIZE.height_px / 2);
    row(
        "luma, reduced to 640×360",
        measure(|| copy.fill(&nobody, Region::full(SIZE), small)),
    );
    // While there is no face, a stream is scanned every 100 ms, so each of these frames is scanned.
    row(
        "detect, whole frame in a stream",
        find_every(Duration::from_millis(100), nobody),
    );
    // A frame long after the previous one counts as a single frame.
    row(
        "detect, whole single frame, with one face",
        find_every(Duration::from_secs(10), scene.frame(1).0),
    );
    for n_faces in [1, 3] {
        row(
            &format!("detect, around {n_faces} known (p95: with a scan for newcomers)"),
            find_every(INTERVAL, scene.frame(n_faces).0),
        );
    }
}

/// The same frame repeatedly, `interval` of media time apart, including luma copies.
fn find_every(interval: Duration, mut frame: Frame) -> Timing {
    let mut finder = FaceFinder::new(DetectConfig::default());
    measure(|| {
        frame.time += interval;
        finder.find(&frame)
    })
}

/// Every bundled network, the default first.
fn classifying(scene: &Scene) -> Result<()> {
    let device = ComputeDevice::start(DeviceChoice::Auto);
    let (frame, boxes) = scene.frame(3);
    let mut preprocessor = Preprocessor::default();
    let mut input = Vec::new();
    for (position, &name) in bundled_names().iter().enumerate() {
        let choice = CheckpointChoice::Bundled(name.to_owned());
        let mut classifier = Classifier::load(&choice, &device)?;
        if position == 0 {
            let spec = *classifier.spec();
            row(
                &format!("preprocess, one face of {:.0} px", boxes[0].width),
                measure(|| {
                    input.clear();
                    preprocessor.append(&frame, &boxes[0].into(), &spec, &mut input);
                }),
            );
        }
        for n_faces in [1, 3, 8] {
            let faces: Vec<FaceRegion> = boxes
                .iter()
                .map(|face| (*face).into())
                .cycle()
                .take(n_faces)
                .collect();
            row(
                &format!("preprocess and classify, {name}, faces: {n_faces}"),
                measure(|| {
                    classifier
                        .classify(&frame, &faces, Views::Single)
                        .map(|logits| logits.len())
                        .ok()
                }),
            );
        }
    }
    println!("(networks on {})", device.name);
    Ok(())
}

/// Shapes and their triangles, up to where the graphics card takes over.
#[cfg(feature = "overlay")]
fn drawing() {
    use egui::{Context, LayerId, RawInput, Rect, pos2};
    use fervis::{
        bounding_box::BoundingBox,
        detect::TrackId,
        expression::Logits,
        overlay::{self, OverlayLook, UiFromFrame},
        pipeline::FaceAnalysis,
    };

    let faces: Vec<FaceAnalysis> = (0..3u8)
        .map(|number| {
            let mut logits = Logits::default();
            logits.0[usize::from(number)] = 2.0;
            let probabilities = logits.softmax(1.0);
            FaceAnalysis {
                track: TrackId(number.into()),
                number: number.into(),
                box_in_frame: BoundingBox::new(
                    150.0 + 350.0 * f32::from(number),
                    250.0,
                    160.0,
                    160.0,
                ),
                score: 20.0,
                unseen_for: Duration::ZERO,
                shape: None,
                corrected: None,
                second: None,
                raw: probabilities,
                smoothed: probabilities,
                label: probabilities.top().0,
            }
        })
        .collect();
    let screen = Rect::from_min_max(pos2(0.0, 0.0), pos2(1280.0, 720.0));
    let ui_from_frame = UiFromFrame {
        frame_rect: screen,
        resolution: SIZE,
        mirror: true,
    };
    let look = OverlayLook::default();
    let context = Context::default();
    let draw = || {
        let input = RawInput {
            screen_rect: Some(screen),
            ..RawInput::default()
        };
        let output = context.run_ui(input, |ui| {
            let painter = ui.ctx().layer_painter(LayerId::background());
            overlay::paint(&painter, &ui_from_frame, &faces, &[], &look, 1.0);
        });
        context.tessellate(output.shapes, output.pixels_per_point)
    };
    row("draw, boxes and names of 3 faces", measure(draw));
}
