//! A still face in front of a noisy camera: what is shown must be still too.
//!
//! A network answers for each frame alone, and sensor noise moves its answers and the detector's box. Tracking and smoothing
//! hide that; this runs all of it, as the application does.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fervis::{
    capture::{CaptureError, FrameSource, SourceInfo, SourceKind, SourceSpec},
    frame::{Frame, FrameId, FramePool, RGBA_BYTES, Resolution},
    model::{CheckpointChoice, DeviceChoice},
    percentiles::percentile,
    pipeline::{Analysis, Pacing, Parts, Pipeline, PipelineConfig, Settings},
};

const N_FRAMES: u64 = 75;
const RATE_HZ: u32 = 30;
/// Standard deviation of the noise in each channel, on 0 to 255: a webcam in a dim room.
const NOISE: f32 = 8.0;
/// The filter's first second, in which a label may still change.
const SETTLED_AFTER: u64 = 30;
/// The probability of the label, once it has settled, may move by this much.
const MAX_WANDERING: f32 = 0.1;
/// From frame to frame the center of the box moves by at most this part of its side, in the median.
const MAX_CENTER_STEP: f32 = 0.002;
/// The same for its size.
const MAX_SIZE_STEP: f32 = 0.0015;

/// The portrait, each frame with noise of its own.
struct NoisyPortrait {
    info: SourceInfo,
    image: Vec<u8>,
    next: u64,
    noise: Noise,
}

/// Seeded noise, nearly normal: the sum of twelve uniform numbers has variance 1.
struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u32 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }
}

impl NoisyPortrait {
    fn new(seed: u64) -> Self {
        let bytes = include_bytes!("../../assets/faces/astronaut.png");
        let image = image::load_from_memory(bytes).unwrap().into_rgba8();
        let (width, height) = image.dimensions();
        Self {
            info: SourceInfo {
                name: "portrait".to_owned(),
                kind: SourceKind::File,
                resolution: Resolution::new(width, height),
                rate_hz: Some(RATE_HZ.into()),
                n_frames: Some(N_FRAMES),
                duration: None,
                format: "noise".to_owned(),
                mirror_by_default: false,
            },
            image: image.into_raw(),
            next: 0,
            noise: Noise(seed),
        }
    }
}

impl FrameSource for NoisyPortrait {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        if self.next == N_FRAMES {
            return Ok(None);
        }
        let number = self.next;
        self.next += 1;
        let mut rgba = self.image.clone();
        for pixel in rgba.chunks_exact_mut(RGBA_BYTES) {
            for channel in &mut pixel[..3] {
                let noisy = f32::from(*channel) + NOISE * self.noise.normal();
                *channel = noisy.round().clamp(0.0, 255.0) as u8;
            }
        }
        let time = Duration::from_secs_f64(number as f64 / f64::from(RATE_HZ));
        let size = self.info.resolution;
        Ok(Some(Frame::new(
            FrameId(number),
            Instant::now(),
            time,
            size,
            rgba.into(),
        )))
    }
}

fn analyze() -> Vec<Analysis> {
    let config = PipelineConfig {
        // The parts below open it, whatever the path is.
        source: Some(SourceSpec::Path("portrait".into())),
        checkpoint: CheckpointChoice::default(),
        second: None,
        device: DeviceChoice::Cpu,
        settings: Settings::default(),
        pacing: Pacing::EveryFrame,
    };
    let parts = Parts {
        open_source: Arc::new(|_| Ok(Box::new(NoisyPortrait::new(2013)))),
        ..Parts::real(Pacing::EveryFrame)
    };
    let pipeline = Pipeline::start_with(config, parts, || {}).unwrap();
    std::iter::from_fn(|| pipeline.next_analysis()).collect()
}

#[test]
fn a_still_face_in_sensor_noise_keeps_its_label_and_its_box() {
    let analyses = analyze();
    assert_eq!(analyses.len() as u64, N_FRAMES);
    let settled: Vec<_> = analyses
        .iter()
        .filter(|analysis| analysis.frame.id.0 >= SETTLED_AFTER)
        .map(|analysis| {
            let [face] = &analysis.faces[..] else {
                panic!("in frame {}: {:?}", analysis.frame.id.0, analysis.faces)
            };
            *face
        })
        .collect();
    let label = settled[0].label;
    let (mut lowest, mut highest, mut raw_moves) = (1.0_f32, 0.0_f32, false);
    for face in &settled {
        assert_eq!(face.track, settled[0].track);
        assert_eq!(face.label, label);
        let probability = face.smoothed.of(label);
        (lowest, highest) = (lowest.min(probability), highest.max(probability));
        raw_moves |= face.raw != settled[0].raw;
    }
    assert!(raw_moves, "noise moves what a frame says by itself");
    let wandering = highest - lowest;
    assert!(wandering < MAX_WANDERING, "{label} wanders by {wandering}");

    let boxes = settled.windows(2).map(|pair| {
        let [before, after] = [pair[0].box_in_frame, pair[1].box_in_frame];
        let ((x0, y0), (x1, y1)) = (before.center(), after.center());
        let center = (x1 - x0).hypot(y1 - y0) / before.width;
        (center, (after.width / before.width - 1.0).abs())
    });
    let (mut center, mut size): (Vec<f32>, Vec<f32>) = boxes.unzip();
    for steps in [&mut center, &mut size] {
        steps.sort_by(f32::total_cmp);
    }
    let [center, size] = [center, size].map(|steps| percentile(&steps, 50).unwrap());
    assert!(
        center <= MAX_CENTER_STEP && size <= MAX_SIZE_STEP,
        "the box moves by {center} and grows by {size} of its side"
    );
}
