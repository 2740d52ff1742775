//! Makes faces in a frame unrecognizable before anybody sees or stores it.
//!
//! [`FacePrivacy`] changes pixels, [`PrivacyTracker`] remembers where: a face that is lost for a moment must stay covered,
//! because one uncovered frame is enough to recognize somebody.
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
//! privacy.apply(&mut rgba, resolution, tracker.covers(frame_time)); // … and for each frame, before it goes anywhere.
//! ```
//!
//! # What it protects against, and what it does not
//!
//! With either effect, only the mean colors of some forty blocks remain of a covered face: the shape of eyes and mouth is
//! gone. That protects against being recognized by people who watch. It does not protect against
//!
//! - faces that the detector does not find: turned far away, half hidden, smaller than the minimum face size, or just
//!   entering, until they are found (up to half a second beside other faces, a tenth otherwise);
//! - being recognized by hair, clothes, posture, place, or voice;
//! - a determined comparison by machine with images of a few candidates (McPherson et al. 2016, arXiv:1609.00408). Mean
//!   colors still differ from person to person, and a video holds many of them. If that matters, record values only.
//!
//! With [`Who::AllBut`], the exception belongs to the track: if two people cross and their faces swap tracks, the wrong one
//! is shown.

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

/// Blocks across a face. People recognize far fewer faces below 18 blocks across (Bachmann 1991, European Journal of
/// Cognitive Psychology 3); a third of that leaves one block for an eye with its brow.
const BLOCKS_PER_FACE: f32 = 6.0;
/// Smallest block, px: smaller ones would still show a face of that size.
const MIN_BLOCK_PX: usize = 4;
/// Blocks across the shorter side of a frame that was not searched for faces. One face may fill it.
const BLOCKS_PER_FRAME: usize = 8;

/// A box with an edge further out than this, px, is invalid.
const MAX_COORDINATE_PX: f32 = 1e9;

/// The detector's box spans forehead to chin. Enlarged by these fractions of its size, it also covers the ears, hairline
/// and chin of a tilted head.
const SIDE_MARGIN: f32 = 0.25;
/// See [`SIDE_MARGIN`].
const TOP_MARGIN: f32 = 0.35;
/// See [`SIDE_MARGIN`].
const BOTTOM_MARGIN: f32 = 0.25;

/// What is done to a face. Both leave the same information, see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Each block in its mean color.
    Pixelate,
    /// The same colors with smooth transitions.
    Blur,
}

/// Whose faces are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everybody's.
    All,
    /// Everybody's except these. A face that is found again later has a new track, and is covered.
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
    /// Boxes are the detector's, in pixels of this frame, and are enlarged here. Alpha does not change.
    ///
    /// A box that is not finite, or absurdly far out, may stand for a face anywhere: then the whole frame is covered. A box
    /// without area covers nothing.
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
            if !is_valid(&face) {
                return self.cover_everything(rgba, resolution);
            }
            let Some(area) = Area::of(&with_margins(&face), resolution) else {
                continue;
            };
            let block_px = (face.width.max(face.height) / BLOCKS_PER_FACE).ceil() as usize;
            self.cover(rgba, resolution, area, block_px.max(MIN_BLOCK_PX));
        }
    }

    /// Covers the whole frame: for frames that were not searched for faces.
    ///
    /// # Panics
    /// As [`FacePrivacy::apply`].
    pub fn cover_everything(&self, rgba: &mut [u8], resolution: Resolution) {
        check_size(rgba, resolution);
        let Some(area) = Area::whole(resolution) else {
            return;
        };
        let side_px = resolution.width_px.min(resolution.height_px) as usize;
        let block_px = side_px.div_ceil(BLOCKS_PER_FRAME).max(MIN_BLOCK_PX);
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

fn is_valid(face: &BoundingBox) -> bool {
    [face.x, face.y, face.right(), face.bottom()]
        .into_iter()
        .all(|edge| edge.abs() <= MAX_COORDINATE_PX)
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
