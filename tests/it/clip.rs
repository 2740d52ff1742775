//! The bundled clip through the real pipeline, compared with the results stored in `clip.json`.
//!
//! `clip.json` depends on the bundled checkpoint. After a change that should change results, rewrite it and review the
//! difference before committing:
//!
//! ```text
//! UPDATE_REFERENCE=1 cargo test --workspace --test it clip
//! ```

use std::{env, fs, path::PathBuf, sync::Arc};

use fervis::{
    bounding_box::BoundingBox,
    capture::{self, CaptureError, FrameSource, SourceInfo, SourceSpec},
    expression::Expression,
    frame::{Frame, FramePool},
    model::{CheckpointChoice, DeviceChoice},
    pipeline::{Analysis, Event, Pacing, Parts, Pipeline, PipelineConfig, Settings},
};
use serde::{Deserialize, Serialize};

/// Every third frame of the clip is analyzed, ten a second: all of them would take three times as long and show no more.
const EVERY: u64 = 3;
/// How many of the clip's 270 frames that leaves.
const N_FRAMES: usize = 90;
/// A box may be this far from the stored one. Builds differ by rounding; a changed tracker differs by more.
const MIN_IOU: f32 = 0.9;
/// A probability may be this far off. Matrix products are summed in another order on other processors.
const PROBABILITY_TOLERANCE: f32 = 0.02;

/// The results for one frame.
#[derive(Debug, Serialize, Deserialize)]
struct StoredFrame {
    frame: u64,
    faces: Vec<StoredFace>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredFace {
    track: u64,
    #[serde(rename = "box")]
    edges: [f32; 4],
    label: Expression,
    /// Smoothed, in the order of [`Expression::ALL`].
    probabilities: [f32; 7],
}

impl StoredFace {
    fn bounding_box(&self) -> BoundingBox {
        let [x, y, width, height] = self.edges;
        BoundingBox::new(x, y, width, height)
    }

    /// Whether the label is so far ahead of the rest that tolerances cannot change it.
    fn is_clear(&self) -> bool {
        let [.., second, first] = {
            let mut sorted = self.probabilities;
            sorted.sort_by(f32::total_cmp);
            sorted
        };
        first - second > 2.0 * PROBABILITY_TOLERANCE
    }
}

/// A source that delivers only some of its frames.
struct Thinned(Box<dyn FrameSource>);

impl FrameSource for Thinned {
    fn info(&self) -> &SourceInfo {
        self.0.info()
    }

    fn next_frame(&mut self, pool: &FramePool) -> Result<Option<Frame>, CaptureError> {
        loop {
            match self.0.next_frame(pool)? {
                Some(frame) if frame.id.0 % EVERY != 0 => {}
                other => return Ok(other),
            }
        }
    }
}

fn analyze_clip() -> Vec<Analysis> {
    let config = PipelineConfig {
        source: Some(SourceSpec::Demo),
        checkpoint: CheckpointChoice::default(),
        second: None,
        device: DeviceChoice::Cpu,
        settings: Settings::default(),
        pacing: Pacing::EveryFrame,
    };
    let parts = Parts {
        open_source: Arc::new(|spec| Ok(Box::new(Thinned(capture::open_to_end(spec)?)))),
        ..Parts::real(Pacing::EveryFrame)
    };
    let pipeline = Pipeline::start_with(config, parts, || {}).unwrap();
    let analyses: Vec<Analysis> = std::iter::from_fn(|| pipeline.next_analysis()).collect();
    while let Some(event) = pipeline.take_event() {
        assert!(
            !matches!(event, Event::CheckpointFailed { .. } | Event::Warning(_)),
            "{event:?}"
        );
    }
    analyses
}

fn to_stored(analysis: &Analysis) -> StoredFrame {
    let rounded = |value: f32, steps: f32| (value * steps).round() / steps;
    StoredFrame {
        frame: analysis.frame.id.0,
        faces: analysis
            .faces
            .iter()
            .map(|face| {
                let BoundingBox {
                    x,
                    y,
                    width,
                    height,
                } = face.box_in_frame;
                StoredFace {
                    track: face.track.0,
                    edges: [x, y, width, height].map(|edge| rounded(edge, 4.0)),
                    label: face.label.expression().unwrap(),
                    probabilities: std::array::from_fn(|i| rounded(face.smoothed.0[i], 1000.0)),
                }
            })
            .collect(),
    }
}

fn reference_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/clip.json")
}

/// One frame per line, so that differences are readable.
fn write_reference(frames: &[StoredFrame]) {
    let lines: Vec<String> = frames
        .iter()
        .map(|frame| serde_json::to_string(frame).unwrap())
        .collect();
    fs::write(reference_path(), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

#[test]
fn the_clip_gives_the_stored_results() {
    let analyses = analyze_clip();
    let found: Vec<StoredFrame> = analyses.iter().map(to_stored).collect();
    if env::var_os("UPDATE_REFERENCE").is_some() {
        write_reference(&found);
    }
    let text = fs::read_to_string(reference_path()).unwrap();
    let stored: Vec<StoredFrame> = serde_json::from_str(&text).unwrap();
    assert_eq!(stored.len(), N_FRAMES, "the reference is the whole clip");
    assert_eq!(found.len(), N_FRAMES, "every frame is analyzed once");
    for (found, stored) in found.iter().zip(&stored) {
        let number = stored.frame;
        assert_eq!(found.frame, number, "frames arrive in order");
        let tracks = |frame: &StoredFrame| -> Vec<u64> {
            frame.faces.iter().map(|face| face.track).collect()
        };
        assert_eq!(tracks(found), tracks(stored), "tracks of frame {number}");
        for (found, stored) in found.faces.iter().zip(&stored.faces) {
            let iou = found.bounding_box().iou(&stored.bounding_box());
            assert!(
                iou >= MIN_IOU,
                "box in frame {number}: {:?} instead of {:?}, overlap {iou}",
                found.edges,
                stored.edges
            );
            for (found, stored) in found.probabilities.iter().zip(stored.probabilities) {
                assert!(
                    (found - stored).abs() <= PROBABILITY_TOLERANCE,
                    "probability in frame {number}: {found} instead of {stored}"
                );
            }
            if stored.is_clear() {
                assert_eq!(found.label, stored.label, "label in frame {number}");
            }
        }
    }
    assert_two_people(&stored);
}

/// What anyone sees in the clip, whatever the network says.
fn assert_two_people(frames: &[StoredFrame]) {
    let mut tracks: Vec<u64> = frames
        .iter()
        .flat_map(|frame| frame.faces.iter().map(|face| face.track))
        .collect();
    tracks.sort_unstable();
    tracks.dedup();
    assert_eq!(
        tracks.len(),
        2,
        "nobody is mistaken for another: {tracks:?}"
    );
    let n_with = |n_faces: usize| frames.iter().filter(|f| f.faces.len() == n_faces).count();
    assert!(n_with(1) > N_FRAMES / 4 && n_with(2) > N_FRAMES / 4);
}
