//! Finds faces and keeps their identity from frame to frame.
//!
//! *Propose, confirm, follow.* rustface (SeetaFace) and the short-range detector propose faces. The face mesh confirms
//! them and follows each known face from the previous frame without a detector. Scans for newcomers run in slices, so
//! that no single frame pays for a whole scan. With [`Detector::Rustface`], rustface does everything alone. The detector
//! is not `Send`; build it in its thread.
//!
//! In reading order: [`FaceFinder`] decides where to look. For the chain, [`chain`] runs its two networks on squares cut out by
//! [`sampler`], [`tiles`] says which squares, and [`face_shape`] and [`pose`] read the mesh. For rustface,
//! [`rustface_search`] searches [`luma`] copies through [`rustface`]. [`duplicates`] leaves one detection per face, [`tracker`]
//! gives detections an identity, and [`motion`] predicts and smooths one face's box.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::bounding_box::BoundingBox;

pub mod blinks;
#[doc(hidden)] // Hidden modules are for training, benches and tests.
pub mod chain;
#[doc(hidden)]
pub mod duplicates;
mod face_finder;
pub mod face_shape;
#[doc(hidden)]
pub mod luma;
#[doc(hidden)]
pub mod motion;
pub mod pose;
#[doc(hidden)]
pub mod rustface;
#[doc(hidden)]
pub mod rustface_search;
#[doc(hidden)]
pub mod sampler;
mod schedule;
#[cfg(test)]
mod test_images;
#[doc(hidden)]
pub mod tiles;
#[doc(hidden)]
pub mod tracker;

pub use blinks::{Blink, Blinks};
pub use face_finder::FaceFinder;
pub use face_shape::FaceShape;
pub use pose::{HeadPose, MeshPoints};
pub use tracker::LOST_GRACE;

/// Identity of a face across frames; never reused within a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

/// One face found in one frame, without identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where.
    pub box_in_frame: BoundingBox,
    /// How clear it is; see [`TrackedFace::score`].
    pub score: f32,
    /// What it may do.
    pub standing: Standing,
    /// What the face mesh says of it, if it lies on it.
    pub shape: Option<FaceShape>,
}

/// What a detection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Continue a face that is already followed.
    Continues,
    /// Begin a new face, which counts only if it is found again in the next frame.
    Begins,
    /// Begin a new face that counts at once.
    Sure,
}

/// A new face that scores at least this many times the threshold counts at once; below, it must be found again in the next
/// frame. One-frame false alarms score little above the threshold.
const SURE_SCORE_FACTOR: f32 = 2.0;

/// A face that is already followed is kept at this part of the threshold: turned and half-covered faces score low, and
/// little else could be at that place.
const KEEP_SCORE_FACTOR: f32 = 0.4;

impl Standing {
    /// The standing of a rustface score when a new face must score `threshold`; `None` if it is too low for any.
    pub fn of_score(score: f32, threshold: f32) -> Option<Self> {
        if score >= SURE_SCORE_FACTOR * threshold {
            Some(Self::Sure)
        } else if score >= threshold {
            Some(Self::Begins)
        } else if score >= KEEP_SCORE_FACTOR * threshold {
            Some(Self::Continues)
        } else {
            None
        }
    }
}

/// A face with its identity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackedFace {
    /// Who.
    pub track: TrackId,
    /// Where, smoothed over time.
    pub box_in_frame: BoundingBox,
    /// How clear it was when it was last found. With [`Detector::Both`], 0 to 1: the mesh's presence, or the
    /// short-range detector's score where there is no mesh. With [`Detector::Rustface`], rustface's score: about 2 (doubtful) to 30
    /// and more (clear).
    pub score: f32,
    /// Time since it was last found; zero if found in this frame, at most [`LOST_GRACE`].
    pub unseen_for: Duration,
    /// What the face mesh said when it was last found, if there was a mesh.
    pub shape: Option<FaceShape>,
}

/// The points of a face's mesh.
#[derive(Debug, Clone)]
pub struct TrackedMesh {
    /// Whose.
    pub track: TrackId,
    /// In frame pixels; see [`MeshPoints`].
    pub points: Arc<MeshPoints>,
}

named! {
    /// What finds faces.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Detector {
        /// rustface and the short-range detector propose, the face mesh confirms and follows.
        #[default]
        Both = "both",
        /// rustface alone.
        Rustface = "rustface",
    }
}

with_defaults! {
    /// What people can adjust about detection.
    #[derive(Debug, Clone, Copy, PartialEq)]
    pub struct DetectConfig {
        /// What finds faces.
        pub detector: Detector = Detector::default(),
        /// Smallest face to look for, as the side of its box in px of the source's frame. Clearly smaller faces are ignored.
        ///
        /// A still picture is searched for every face of that size. In a stream, newcomers below a twentieth of the frame's
        /// width (64 px of 1280) may stay unnoticed however small this is, since the search would cost too much. A larger value
        /// makes both cheaper.
        pub min_face_size_px: u32 = 40,
        /// With [`Detector::Rustface`], a new face must score at least this; one that is already followed is kept at two fifths of it.
        /// With [`Detector::Both`] the mesh decides, and this is what rustface must score to overrule it.
        pub score_threshold: f32 = 4.0,
    }
}
