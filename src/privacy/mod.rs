//! Makes faces in a picture unrecognisable, before anybody sees or stores it.
//!
//! [`FacePrivacy`] changes pixels, [`PrivacyTracker`] remembers where to: a face that is lost for a moment must stay
//! covered, as one uncovered frame is enough to know somebody by.
//!
//! ```
//! # use fervis::{bounding_box::BoundingBox, detect::TrackId, frame::Resolution};
//! # use fervis::privacy::{Effect, FacePrivacy, PrivacyTracker, Sighting, Who};
//! # use std::time::Duration;
//! # let resolution = Resolution::new(64, 48);
//! # let mut rgba = vec![255; resolution.n_pixels() * 4];
//! # let (result_time, frame_time) = (Duration::ZERO, Duration::from_millis(33));
//! # let face = Sighting {
//! #     track: TrackId(1),
//! #     box_in_frame: BoundingBox::new(20.0, 10.0, 20.0, 20.0),
//! #     unseen_for: Duration::ZERO,
//! # };
//! let privacy = FacePrivacy { effect: Effect::Pixelate, who: Who::All };
//! let mut tracker = PrivacyTracker::default();
//! tracker.see(result_time, [face]); // For each result, …
//! privacy.apply(&mut rgba, resolution, tracker.covers(frame_time)); // … and for each picture, before it goes anywhere.
//! ```
//!
//! # What it protects from, and what not
//!
//! Of a covered face nothing is left but the mean colours of some forty blocks, with either effect: the shape of eyes and
//! mouth is gone. That protects from being recognised by those who look at the picture. It does not protect from
//!
//! - faces that the detector does not find: turned far away, half hidden, smaller than the smallest size it looks for,
//!   and somebody who has just come in, for as long as it takes to find them (up to half a second beside others, a tenth
//!   otherwise);
//! - being known by hair, clothes, posture, place, or voice;
//! - a determined comparison by machine with pictures of the few people who it may have been (McPherson et al. 2016,
//!   arXiv:1609.00408). Mean colours still differ from person to person, and a video holds many of them. Who must be safe
//!   from that records values only.
//!
//! With [`Who::AllBut`], a track that is taken over by another face (two people cross) takes its exception along.

mod mosaic;
#[cfg(test)]
mod tests;
mod tracker;

use serde::{Deserialize, Serialize};

use self::mosaic::{Area, Mosaic};
pub use self::tracker::{GRACE, PrivacyTracker, Sighting};
use crate::{
    bounding_box::BoundingBox,
    detect::TrackId,
    frame::{RGBA_BYTES, Resolution},
};

/// Blocks across a face. Recognition of faces in blocks falls steeply below 18 across (Bachmann 1991, European Journal of
/// Cognitive Psychology 3); a third of that leaves one block for an eye with its brow.
const BLOCKS_PER_FACE: f32 = 6.0;
/// Blocks are no smaller than this, px: smaller ones would still show a face of that size.
const LEAST_BLOCK_PX: usize = 4;
/// Blocks across the shorter side of a picture that nobody has searched for faces. One face may fill it.
const BLOCKS_PER_PICTURE: usize = 8;

/// A place further out than this, px, is no place.
const FARTHEST_PX: f32 = 1e9;

/// The detector's box goes from the forehead to the chin. Enlarged by these parts of its size it also covers ears, hair line and
/// chin of a head that is tilted.
const SIDE_MARGIN: f32 = 0.25;
/// See [`SIDE_MARGIN`].
const TOP_MARGIN: f32 = 0.35;
/// See [`SIDE_MARGIN`].
const BOTTOM_MARGIN: f32 = 0.25;

/// What is done to a face. Both leave the same information, see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Squares of one colour.
    Pixelate,
    /// The same colours with soft transitions.
    Blur,
}

/// Whose faces are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everybody's.
    All,
    /// Everybody's except these. A face that is found anew has a new track, and is covered.
    AllBut(Vec<TrackId>),
}

impl Who {
    /// Whether the face of `track` is covered.
    pub fn covers(&self, track: TrackId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(shown) => !shown.contains(&track),
        }
    }
}

/// Which faces are covered, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacePrivacy {
    /// What is done to them.
    pub effect: Effect,
    /// Whose.
    pub who: Who,
}

impl FacePrivacy {
    /// Covers `faces` in `rgba`: rows top to bottom without padding, four bytes a pixel, as in a frame of size `resolution`.
    /// Boxes are the detector's, in pixels of this frame, and are enlarged here; alpha is left as it is.
    ///
    /// A box that is no number, or a senseless one, could be anywhere: then the whole picture is covered. A box without
    /// area covers nothing.
    ///
    /// # Panics
    /// If `rgba` is not exactly `resolution.n_pixels() * 4` bytes long.
    pub fn apply(
        &self,
        rgba: &mut [u8],
        resolution: Resolution,
        faces: impl IntoIterator<Item = (TrackId, BoundingBox)>,
    ) {
        check_size(rgba, resolution);
        for (track, face) in faces {
            if !self.who.covers(track) {
                continue;
            }
            if !is_somewhere(&face) {
                return self.cover_everything(rgba, resolution);
            }
            let Some(area) = Area::of(&with_margins(&face), resolution) else {
                continue;
            };
            let block_px = (face.width.max(face.height) / BLOCKS_PER_FACE).ceil() as usize;
            self.cover(rgba, resolution, area, block_px.max(LEAST_BLOCK_PX));
        }
    }

    /// Covers the whole picture: for frames that have not been searched for faces.
    ///
    /// # Panics
    /// As [`FacePrivacy::apply`].
    pub fn cover_everything(&self, rgba: &mut [u8], resolution: Resolution) {
        check_size(rgba, resolution);
        let Some(area) = Area::whole(resolution) else {
            return;
        };
        let side_px = resolution.width_px.min(resolution.height_px) as usize;
        let block_px = side_px.div_ceil(BLOCKS_PER_PICTURE).max(LEAST_BLOCK_PX);
        self.cover(rgba, resolution, area, block_px);
    }

    fn cover(&self, rgba: &mut [u8], resolution: Resolution, area: Area, block_px: usize) {
        let stride = resolution.width_px as usize * RGBA_BYTES;
        let mosaic = Mosaic::measure(rgba, stride, area, block_px);
        match self.effect {
            Effect::Pixelate => mosaic.paint_blocks(rgba, stride),
            Effect::Blur => mosaic.paint_smooth(rgba, stride),
        }
    }
}

fn is_somewhere(face: &BoundingBox) -> bool {
    [face.x, face.y, face.right(), face.bottom()]
        .into_iter()
        .all(|edge| edge.abs() <= FARTHEST_PX)
}

fn check_size(rgba: &[u8], resolution: Resolution) {
    assert_eq!(
        rgba.len(),
        resolution.n_pixels() * RGBA_BYTES,
        "an RGBA frame has four bytes a pixel"
    );
}

fn with_margins(face: &BoundingBox) -> BoundingBox {
    BoundingBox::new(
        face.x - SIDE_MARGIN * face.width,
        face.y - TOP_MARGIN * face.height,
        (1.0 + 2.0 * SIDE_MARGIN) * face.width,
        (1.0 + TOP_MARGIN + BOTTOM_MARGIN) * face.height,
    )
}
