//! Searches with rustface alone: the whole frame, a part of it, or around one face.
//!
//! Searching a whole frame is expensive, searching around a known face is cheap. What a scan proposes must pass the same
//! close search before it counts, so that all boxes and scores come from one kind of measurement and are comparable
//! between frames, and between large faces and small ones.

use super::{
    DetectConfig, Detection, Standing,
    luma::{LumaCopy, Region},
    rustface::{ANY_SIZE, FaceDetector, ScoredBox, Search, WINDOW_PX},
    tracker::affinity,
};
use crate::{
    bounding_box::BoundingBox,
    frame::{Frame, Resolution},
};

/// How a whole frame is searched.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    search: Search,
    max_pixels: f32,
}

impl Scan {
    /// While frames follow each other, a scan only has to propose; the next one is soon.
    pub const LIVE: Self = Self {
        search: Search {
            window_step_px: 6,
            max_face_px: ANY_SIZE,
        },
        max_pixels: 640.0 * 360.0,
    };

    /// For a single frame (the first, a still picture): nothing is known about it, there is no second chance, and no other
    /// frame waits. With this step the detector finds faces from 29 px of its copy on, with 6 not reliably below 37 px.
    pub const STILL: Self = Self {
        search: Search {
            window_step_px: 4,
            max_face_px: ANY_SIZE,
        },
        max_pixels: 1280.0 * 720.0,
    };
}

/// Side of the expected face in the copy of a close search, px: above the 40 px of the search window by as much as a face
/// shrinks from one frame to the next. With 48 px the search takes a quarter less, but scores fall by as much, and the box
/// of a resting face moves by 1.9 % of its side from frame to frame instead of 1.2 %.
const CLOSE_FACE_PX: f32 = 56.0;

/// The search around one face: of its size or not much more. Steps of 3 px cost half as much again and steady nothing.
const CLOSE_SEARCH: Search = Search {
    window_step_px: 4,
    max_face_px: 80,
};

/// Faces down to this part of the smallest size are still accepted: boxes of one face vary by about 15 %.
pub const SIZE_TOLERANCE: f32 = 0.8;

/// At most this many of a scan's proposals get a close search, so that a frame full of faces, or of things like faces,
/// cannot delay the stream.
pub const MAX_PROPOSALS: usize = 40;

/// rustface with its luma copy.
#[derive(Default)]
pub struct RustfaceSearch {
    detector: FaceDetector,
    copy: LumaCopy,
}

impl RustfaceSearch {
    /// Searches the whole frame; best proposals first, at most [`MAX_PROPOSALS`].
    pub fn scan(&mut self, frame: &Frame, config: &DetectConfig, scan: Scan) -> Vec<ScoredBox> {
        let whole = Region::full(frame.resolution());
        self.scan_part(frame, whole, config, scan)
    }

    /// Searches a part of the frame at the scale at which [`Self::scan`] searches all of it.
    pub fn scan_part(
        &mut self,
        frame: &Frame,
        part: Region,
        config: &DetectConfig,
        scan: Scan,
    ) -> Vec<ScoredBox> {
        let scale = scan_scale(frame.resolution(), config, scan.max_pixels);
        self.copy.fill(frame, part, scaled(part.size, scale));
        let mut candidates = self.detect_in_copy(scan.search);
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        candidates.truncate(MAX_PROPOSALS);
        candidates
    }

    /// Looks for one face around `target`; `span` is the side of the area searched, in sides of the target.
    ///
    /// Returns the best match for the target, if any scores enough for a known face.
    pub fn search_closely(
        &mut self,
        frame: &Frame,
        target: &BoundingBox,
        span: f32,
        config: &DetectConfig,
    ) -> Option<Detection> {
        let side = target.width.max(target.height);
        let area = BoundingBox::square_around(target.center(), span * side);
        let region = Region::touching(&area, frame.resolution())?;
        self.copy
            .fill(frame, region, scaled(region.size, CLOSE_FACE_PX / side));
        let min_side = SIZE_TOLERANCE * config.min_face_size_px as f32;
        let closeness = |found: &Detection| affinity(target, &found.box_in_frame);
        self.detect_in_copy(CLOSE_SEARCH)
            .into_iter()
            .filter_map(|candidate| {
                Some(Detection {
                    box_in_frame: candidate.bounding_box,
                    score: candidate.score,
                    standing: Standing::of_score(candidate.score, config.score_threshold)?,
                    shape: None,
                })
            })
            .filter(|found| found.box_in_frame.width >= min_side && closeness(found) > 0.0)
            .max_by(|a, b| closeness(a).total_cmp(&closeness(b)))
    }

    fn detect_in_copy(&mut self, search: Search) -> Vec<ScoredBox> {
        let mut candidates = self
            .detector
            .detect(self.copy.pixels(), self.copy.size(), search);
        for candidate in &mut candidates {
            candidate.bounding_box = self.copy.frame_from_copy(&candidate.bounding_box);
        }
        candidates
    }
}

/// The scale of a scan's copy: the smallest face just fills the search window, within `max_pixels`, and the copy is never
/// larger than the frame.
fn scan_scale(frame: Resolution, config: &DetectConfig, max_pixels: f32) -> f32 {
    let wanted = WINDOW_PX as f32 / config.min_face_size_px.max(1) as f32;
    let affordable = (max_pixels / frame.n_pixels() as f32).sqrt();
    wanted.min(affordable).min(1.0)
}

fn scaled(size: Resolution, scale: f32) -> Resolution {
    let scaled = |length_px: u32| (length_px as f32 * scale).round().max(1.0) as u32;
    Resolution::new(scaled(size.width_px), scaled(size.height_px))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_as_large_as_the_smallest_face_needs_and_no_larger_than_it_may_be() {
        let size = |width, height, min_face_size_px, max_pixels| {
            let config = DetectConfig {
                min_face_size_px,
                ..DetectConfig::default()
            };
            let size = Resolution::new(width, height);
            scaled(size, scan_scale(size, &config, max_pixels))
        };
        assert_eq!(
            size(1280, 720, 80, Scan::LIVE.max_pixels),
            Resolution::new(640, 360)
        );
        assert_eq!(
            size(1280, 720, 20, Scan::LIVE.max_pixels),
            Resolution::new(640, 360)
        );
        assert_eq!(
            size(1280, 720, 160, Scan::LIVE.max_pixels),
            Resolution::new(320, 180)
        );
        assert_eq!(
            size(320, 240, 10, Scan::LIVE.max_pixels),
            Resolution::new(320, 240)
        );
        assert_eq!(
            size(3840, 2160, 40, Scan::STILL.max_pixels),
            Resolution::new(1280, 720)
        );
        assert_eq!(
            size(1, 8000, 40, Scan::LIVE.max_pixels),
            Resolution::new(1, 8000)
        );
    }
}
