//! Privacy in a session that plays: faces are covered where the recording found them.
//!
//! The tables say which frames were searched for faces. While a frame plays that was not, the one before it stays, as in
//! the live view; if that is too long ago, the frame is covered whole.

use std::{sync::Arc, time::Duration};

use super::loaded_session::{LoadedSession, ReplayVideo};
use crate::{
    bounding_box::BoundingBox,
    detect::TrackId,
    frame::Frame,
    privacy::{FacePrivacy, GRACE, PrivacyTracker},
    session::tables::FrameStatus,
    time::MAX_HOLD,
    ui::privacy::{Cover, sighting},
};

/// Where faces are to be covered.
type Boxes = Vec<(TrackId, BoundingBox)>;

/// The latest frame that was searched for faces, and where they are.
#[derive(Default)]
pub struct Searched(Option<(Arc<Frame>, Boxes)>);

impl Searched {
    /// Takes in the frame that plays.
    pub fn see(&mut self, frame: &Arc<Frame>, loaded: &LoadedSession) {
        if let Some(boxes) = boxes_at(loaded, frame.time) {
            self.0 = Some((Arc::clone(frame), boxes));
        }
    }

    /// The frame to show instead of the one that plays, and which part of it is covered.
    pub fn frame_to_show<'a>(
        &'a self,
        privacy: Option<FacePrivacy>,
        frame: Option<&'a Arc<Frame>>,
        loaded: &LoadedSession,
    ) -> (Option<&'a Arc<Frame>>, Cover) {
        let (Some(frame), Some(privacy)) = (frame, privacy) else {
            return (frame, Cover::Nothing);
        };
        if loaded.video == ReplayVideo::None {
            return (Some(frame), Cover::Nothing); // It shows nobody.
        }
        let age = |searched: &Frame| frame.time.checked_sub(searched.time);
        match &self.0 {
            Some((searched, boxes)) if age(searched).is_some_and(|age| age < MAX_HOLD) => {
                (Some(searched), Cover::Faces(privacy, boxes.clone()))
            }
            _ => (Some(frame), Cover::Everything(privacy)),
        }
    }
}

/// Where faces are to be covered in the frame at this time; `None` if it was not searched for faces.
///
/// Faces that were lost a moment ago are among them, whatever was shown before.
pub(super) fn boxes_at(loaded: &LoadedSession, time: Duration) -> Option<Boxes> {
    let session = &loaded.session;
    let row = session.row_in_video(time.into())?;
    // Without a network no faces are in the tables, though there may have been some.
    if row.status != FrameStatus::Analyzed || session.manifest.models.is_empty() {
        return None;
    }
    let from = row.time.saturating_sub(GRACE.into());
    let rows = &session.frames[session.frames.partition_point(|row| row.time < from)..];
    let rows = rows.iter().take_while(|other| other.time <= row.time);
    let mut tracker = PrivacyTracker::default();
    for row in rows.filter(|row| row.status == FrameStatus::Analyzed) {
        let faces = loaded.faces_of(row.frame).iter();
        tracker.see(row.time.into(), faces.map(|row| sighting(&row.face)));
    }
    Some(tracker.covers(row.time.into()).collect())
}
