//! Searches with rustface alone: the whole frame, a part of it, or around one face.
//!
//! Searching a whole frame is expensive, looking around a known face is cheap. What a scan proposes is looked at again in
//! the same close search before it counts: boxes and scores then always come from one kind of measurement, comparable
//! between frames and between large faces and small ones.

use super::{
    DetectConfig, Detection, Standing,
    luma::{LumaCopy, Region},
    rustface::{ANY_SIZE, FaceDetector, Search, WINDOW_PX},
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
    /// While frames follow each other a scan only has to propose; there is another one soon.
    pub const LIVE: Self = Self {
        search: Search {
            window_step_px: 6,
            largest_face_px: ANY_SIZE,
        },
        max_pixels: 640.0 * 360.0,
    };

    /// For a frame that stands alone (the first, a still picture): nothing is known about it, there is no second chance, and nobody
    /// waits for the next. With this step the detector finds a face from 29 px of its copy on, with 6 not reliably
    /// below 37 px.
    pub const STILL: Self = Self {
        search: Search {
            window_step_px: 4,
            largest_face_px: ANY_SIZE,
        },
        max_pixels: 1280.0 * 720.0,
    };
}

/// The side the expected face gets in the copy of a close search, px: above the 40 px of the search window by as much
/// as a face shrinks from one frame to the next. With 48 px the search takes a quarter less, but scores fall by as much
/// and the box of a quiet face moves by 1.9 % of its side from frame to frame instead of 1.2 %.
const CLOSE_FACE_PX: f32 = 56.0;

/// The search around one face: of its size or not much more. Steps of 3 px cost half as much again and steady nothing.
const CLOSE_SEARCH: Search = Search {
    window_step_px: 4,
    largest_face_px: 80,
};

/// Faces this far below the smallest size asked for are still taken: boxes of one face vary by some 15 %.
pub const SIZE_TOLERANCE: f32 = 0.8;

/// At most this many of a scan's proposals are looked at more closely, so that a picture full of faces (or of something
/// like faces) cannot hold up the stream.
pub const MAX_PROPOSALS: usize = 40;

/// A place where rustface sees something like a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Where, in frame px.
    pub box_in_frame: BoundingBox,
    /// rustface's score, at least 1.
    pub score: f32,
}

/// rustface with its luma copy.
#[derive(Default)]
pub struct RustfaceSearch {
    detector: FaceDetector,
    copy: LumaCopy,
}

impl RustfaceSearch {
    /// Searches the whole frame; best proposals first, at most [`MAX_PROPOSALS`].
    pub fn scan(&mut self, frame: &Frame, config: &DetectConfig, scan: Scan) -> Vec<Sighting> {
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
    ) -> Vec<Sighting> {
        let scale = scan_scale(frame.resolution(), config, scan.max_pixels);
        self.copy.fill(frame, part, scaled(part.size, scale));
        let mut sightings = self.detect_in_copy(scan.search);
        sightings.sort_by(|a, b| b.score.total_cmp(&a.score));
        sightings.truncate(MAX_PROPOSALS);
        sightings
    }

    /// Looks for one face around `target`; `span` is the side of the area searched, in sides of the target.
    ///
    /// The best match for the target, if any, of a score that at least a known face may have.
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
            .filter_map(|sighting| {
                Some(Detection {
                    box_in_frame: sighting.box_in_frame,
                    score: sighting.score,
                    standing: Standing::of_score(sighting.score, config.score_threshold)?,
                    shape: None,
                })
            })
            .filter(|found| found.box_in_frame.width >= min_side && closeness(found) > 0.0)
            .max_by(|a, b| closeness(a).total_cmp(&closeness(b)))
    }

    fn detect_in_copy(&mut self, search: Search) -> Vec<Sighting> {
        let mut sightings = self
            .detector
            .detect(self.copy.pixels(), self.copy.size(), search);
        for sighting in &mut sightings {
            sighting.box_in_frame = self.copy.frame_from_copy(&sighting.box_in_frame);
        }
        sightings
    }
}

/// The scale of a scan's copy: the smallest face asked for just fills the search window, within `max_pixels`, and never
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
