//! rustface (SeetaFace) with its bundled model: a luma image in, boxes and scores out.
//!
//! The size of the image decides how small a face can be found: the search window is 40 px, and the image pyramid only
//! goes down from the image given (`set_min_face_size` has no effect in rustface 0.1.7). To look for smaller faces, pass a
//! larger image, and pay for its area.
//!
//! rustface copies windows with raw pointers and trusts that none lies wholly outside the image. In 45,000 images
//! (photographs cropped, inverted, noisy; noise of every grain; a million windows) none left it by more than half its
//! width, so images are passed as they are, without a border that would cost time.

use std::io::Cursor;

use rustface::ImageData;

use crate::{bounding_box::BoundingBox, frame::Resolution, panics};

/// Side of the detector's search window, px. In an image smaller than this in either direction it finds nothing.
pub const WINDOW_PX: u32 = 40;

/// rustface's own limit, set low: the caller decides what counts as a face, since it knows whether a face is new or known.
/// Scores are sums over the windows that agree; a single doubtful window scores about 1.
const MIN_SCORE: f64 = 1.0;

/// SeetaFace's frontal model (BSD-2-Clause, `assets/seeta_fd_frontal_v1.0.LICENSE`), as shipped with rustface 0.1.7.
static MODEL: &[u8] = include_bytes!("../../assets/seeta_fd_frontal_v1.0.bin");

/// Size of each level of rustface's pyramid relative to the previous one. With 0.7 a scan takes a quarter less, but scores
/// fall by a third (20 to 13 on a clear face) and no longer tell a doubtful face from none.
const PYRAMID_FACTOR: f32 = 0.8;

/// How thoroughly to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// Pixels from one window to the next, in every level of the pyramid; at least 1. Scores are sums over windows, so
    /// they fall as this grows: 38 at 2, 21 at 4, 13 at 6 for the same face, in 74, 34 and 21 ms (640×360).
    pub window_step_px: u32,
    /// Faces larger than about this in the image are not looked for; [`ANY_SIZE`] for all.
    pub max_face_px: u32,
}

/// A box in which rustface sees something like a face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredBox {
    /// Where, in px: of the image from [`FaceDetector::detect`], of the frame from
    /// [`RustfaceSearch`](super::rustface_search::RustfaceSearch).
    pub bounding_box: BoundingBox,
    /// rustface's score, at least 1.
    pub score: f32,
}

/// No upper limit to the size of faces.
pub const ANY_SIZE: u32 = i32::MAX as u32;

/// The detector. Not `Send`, as rustface's trait object is not: build it in the thread that uses it.
pub struct FaceDetector {
    rustface: Box<dyn rustface::Detector>,
}

impl Default for FaceDetector {
    /// Loads the bundled model; takes 1 to 2 ms.
    fn default() -> Self {
        Self { rustface: load() }
    }
}

impl FaceDetector {
    /// Finds the faces of a luma image, in the image's own pixels, in no particular order.
    ///
    /// `luma` holds `size.n_pixels()` bytes, rows without padding. An image too small for the search window has no faces.
    /// If rustface panics on an image, that is logged and the image counts as one without faces.
    ///
    /// # Panics
    /// If the length of `luma` contradicts `size`.
    pub fn detect(&mut self, luma: &[u8], size: Resolution, search: Search) -> Vec<ScoredBox> {
        assert_eq!(luma.len(), size.n_pixels(), "one byte a pixel");
        if size.width_px.min(size.height_px) < WINDOW_PX {
            return Vec::new();
        }
        let step = search.window_step_px.max(1);
        self.rustface.set_slide_window_step(step, step);
        self.rustface
            .set_max_face_size(search.max_face_px.clamp(WINDOW_PX, ANY_SIZE));
        let image = ImageData::new(luma, size.width_px, size.height_px);
        // rustface does much arithmetic on arbitrary images: one bad frame must not end the thread.
        match panics::catch(|| self.rustface.detect(&image)) {
            Some(faces) => faces.iter().filter_map(detection_from).collect(),
            None => {
                log::warn!("the face detector failed on an image of {size}; it is skipped");
                // Its buffers may be left half-written.
                self.rustface = load();
                Vec::new()
            }
        }
    }
}

fn load() -> Box<dyn rustface::Detector> {
    let model = rustface::read_model(Cursor::new(MODEL)).expect("the bundled model is complete");
    let mut detector = rustface::create_detector_with_model(model);
    detector.set_score_thresh(MIN_SCORE);
    detector.set_pyramid_scale_factor(PYRAMID_FACTOR);
    detector
}

/// `None` for an empty box: the model's box regression can shrink a window to nothing.
fn detection_from(face: &rustface::FaceInfo) -> Option<ScoredBox> {
    let found = face.bbox();
    let score = face.score() as f32;
    (found.width() > 0 && found.height() > 0 && score.is_finite()).then(|| ScoredBox {
        bounding_box: BoundingBox::new(
            found.x() as f32,
            found.y() as f32,
            found.width() as f32,
            found.height() as f32,
        ),
        score,
    })
}
