//! Frame in, faces out: decides where to look in each frame, so that the cost follows the need.
//!
//! Searching a whole frame is dear, looking around a known face is cheap. So every known face gets a search of its own
//! in every frame, and the whole frame is scanned for newcomers only now and then. What a scan proposes is looked at
//! again in the same close search before it counts: boxes and scores then always come from one kind of measurement,
//! comparable between frames and between large faces and small ones.

use std::time::Duration;

use super::{
    DetectConfig, Detection, TrackedFace,
    duplicates::are_same_face,
    face_detector::{ANY_SIZE, FaceDetector, Search, WINDOW_PX},
    luma::{LumaCopy, Region},
    tracker::{ExpectedFace, KEEP_SCORE_FACTOR, Tracker, affinity},
};
use crate::{
    bounding_box::BoundingBox,
    frame::{Frame, Resolution},
};

/// Time between scans while every known face is found: how long a newcomer may stay unnoticed beside others.
const ROUTINE_SCAN_INTERVAL: Duration = Duration::from_millis(500);

/// Time between scans while nobody is known or somebody is missing. Not every frame: an empty room would cost most of
/// a core for ever, and nobody sees the tenth of a second.
const SEARCHING_SCAN_INTERVAL: Duration = Duration::from_millis(100);

/// Most pixels of a scan's copy while frames follow each other.
const LIVE_SCAN_PIXELS: f32 = 640.0 * 360.0;

/// Most pixels of a scan's copy for a frame that stands alone (the first, a still picture): nothing is known about it,
/// there is no second chance, and nobody waits for the next.
const STILL_SCAN_PIXELS: f32 = 1280.0 * 720.0;

/// A scan while frames follow each other only has to propose; there is another one soon.
const LIVE_SCAN: Search = Search {
    window_step_px: 6,
    largest_face_px: ANY_SIZE,
};

/// A scan of a frame that stands alone. With this step the detector finds a face from 29 px of its copy on, with 6 not
/// reliably below 37 px.
const STILL_SCAN: Search = Search {
    window_step_px: 4,
    largest_face_px: ANY_SIZE,
};

/// The side the expected face gets in the copy of a close search, px: above the 40 px of the search window by as much
/// as a face shrinks from one frame to the next. With 48 px the search takes a quarter less, but scores fall by as much
/// and the box of a quiet face moves by 1.9 % of its side from frame to frame instead of 1.2 %.
const CLOSE_FACE_PX: f32 = 56.0;

/// The search around one face: of its size or not much more. Steps of 3 px cost half as much again and steady nothing.
const CLOSE_SEARCH: Search = Search {
    window_step_px: 4,
    largest_face_px: 80,
};

/// Side of the area of a close search, in expected face sides, for a face found a moment ago.
const CLOSE_SPAN: f32 = 1.6;

/// Growth of that area per second since the face was last found: 1.8 sides at 30 frames a second, 2 at 15. Heads move
/// by some three sides a second, which the prediction mostly knows.
const SPAN_GROWTH_PER_S: f32 = 6.0;

/// The area of a close search grows no further, and has this size around a scan's proposal.
const WIDEST_SPAN: f32 = 2.4;

/// Faces this far below the smallest size asked for are still taken: boxes of one face vary by some 15 %.
const SIZE_TOLERANCE: f32 = 0.8;

/// At most this many of a scan's proposals are looked at more closely, so that a picture full of faces (or of something
/// like faces) cannot hold up the stream.
const MAX_PROPOSALS: usize = 40;

/// Detector, region search and tracker together: frame in, faces out.
///
/// Not `Send`: build it in the thread that uses it. The result depends on the frames and their times only, never on
/// how fast they are processed.
pub struct FaceFinder {
    config: DetectConfig,
    detector: FaceDetector,
    copy: LumaCopy,
    tracker: Tracker,
    /// `None`: the next frame is to be scanned finely.
    last_scan: Option<Duration>,
}

impl FaceFinder {
    /// Loads the bundled detector model.
    pub fn new(config: DetectConfig) -> Self {
        Self {
            config,
            detector: FaceDetector::new(),
            copy: LumaCopy::default(),
            tracker: Tracker::default(),
            last_scan: None,
        }
    }

    /// Changes the settings without losing the tracks. The next frame is scanned, so that the change shows at once.
    pub fn set_config(&mut self, config: DetectConfig) {
        if config != self.config {
            self.config = config;
            self.last_scan = None;
        }
    }

    /// Forgets all tracks: call it when the source changes.
    pub fn reset(&mut self) {
        self.tracker.reset();
        self.last_scan = None;
    }

    /// Finds the faces of the next frame, ordered by track, oldest first.
    ///
    /// A frame more than [`LOST_GRACE`](super::LOST_GRACE) after the one before, or before it in time, is taken as
    /// unrelated: it is scanned whole and finely, and its faces get new tracks.
    pub fn find(&mut self, frame: &Frame) -> Vec<TrackedFace> {
        if self.tracker.advance(frame.time) {
            self.last_scan = None;
        }
        let expected: Vec<ExpectedFace> = self.tracker.expected().collect();
        let mut found = Vec::new();
        for face in &expected {
            let span = CLOSE_SPAN + SPAN_GROWTH_PER_S * face.unseen_for.as_secs_f32();
            found.extend(self.search_closely(frame, &face.box_in_frame, span.min(WIDEST_SPAN)));
        }
        let interval = if !expected.is_empty() && found.len() == expected.len() {
            ROUTINE_SCAN_INTERVAL
        } else {
            SEARCHING_SCAN_INTERVAL
        };
        let scan = match self.last_scan {
            None => Some((STILL_SCAN, STILL_SCAN_PIXELS)),
            Some(last_scan) if frame.time.saturating_sub(last_scan) >= interval => {
                Some((LIVE_SCAN, LIVE_SCAN_PIXELS))
            }
            Some(_) => None,
        };
        if let Some((search, most_pixels)) = scan {
            self.last_scan = Some(frame.time);
            for proposal in self.scan(frame, search, most_pixels) {
                let is_known = found.iter().any(|known: &Detection| {
                    are_same_face(&known.box_in_frame, &proposal.box_in_frame)
                });
                if !is_known {
                    found.extend(self.search_closely(frame, &proposal.box_in_frame, WIDEST_SPAN));
                }
            }
        }
        self.tracker.update(&found, self.config.score_threshold);
        self.tracker.faces()
    }

    /// Searches the whole frame in a copy of at most `most_pixels`; best proposals first.
    fn scan(&mut self, frame: &Frame, search: Search, most_pixels: f32) -> Vec<Detection> {
        let size = scan_size(frame.resolution(), &self.config, most_pixels);
        self.copy
            .fill(frame, Region::full(frame.resolution()), size);
        let mut proposals = self.detect_in_copy(search);
        proposals.sort_by(|a, b| b.score.total_cmp(&a.score));
        proposals.truncate(MAX_PROPOSALS);
        proposals
    }

    /// Looks for one face around `target`; `span` is the side of the area searched, in sides of the target.
    ///
    /// The best match for the target, if any, of a score that at least a known face may have.
    fn search_closely(
        &mut self,
        frame: &Frame,
        target: &BoundingBox,
        span: f32,
    ) -> Option<Detection> {
        let side = target.width.max(target.height);
        let area = BoundingBox::square_around(target.center(), span * side);
        let region = Region::touching(&area, frame.resolution())?;
        let scale = CLOSE_FACE_PX / side;
        let shrunk = |length_px: u32| (length_px as f32 * scale).round().max(1.0) as u32;
        let size = Resolution::new(shrunk(region.size.width_px), shrunk(region.size.height_px));
        self.copy.fill(frame, region, size);
        let least_score = KEEP_SCORE_FACTOR * self.config.score_threshold;
        let least_side = SIZE_TOLERANCE * self.config.min_face_size_px as f32;
        let closeness = |detection: &Detection| affinity(target, &detection.box_in_frame);
        self.detect_in_copy(CLOSE_SEARCH)
            .into_iter()
            .filter(|detection| {
                detection.score >= least_score
                    && detection.box_in_frame.width >= least_side
                    && closeness(detection) > 0.0
            })
            .max_by(|a, b| closeness(a).total_cmp(&closeness(b)))
    }

    fn detect_in_copy(&mut self, search: Search) -> Vec<Detection> {
        let mut detections = self
            .detector
            .detect(self.copy.pixels(), self.copy.size(), search);
        for detection in &mut detections {
            detection.box_in_frame = self.copy.frame_from_copy(&detection.box_in_frame);
        }
        detections
    }
}

/// The size of a scan's copy: the smallest face asked for just fills the search window, within `most_pixels`, and never
/// larger than the frame.
fn scan_size(frame: Resolution, config: &DetectConfig, most_pixels: f32) -> Resolution {
    let wanted = WINDOW_PX as f32 / config.min_face_size_px.max(1) as f32;
    let affordable = (most_pixels / frame.n_pixels() as f32).sqrt();
    let scale = wanted.min(affordable).min(1.0);
    let scaled = |length_px: u32| (length_px as f32 * scale).round().max(1.0) as u32;
    Resolution::new(scaled(frame.width_px), scaled(frame.height_px))
}

#[cfg(test)]
mod tests;
