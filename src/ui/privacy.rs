//! Privacy in the window: which frame may be shown, and which part of it is covered.
//!
//! With privacy off the preview shows the newest frame at once. With privacy on it shows the frame of the newest result, some
//! tens of ms later: a frame that was not searched may show somebody who has just come in. Without a result, the newest
//! frame is covered whole.

use std::{sync::Arc, time::Duration};

use crate::{
    bounding_box::BoundingBox,
    detect::TrackId,
    frame::{Frame, Resolution},
    pipeline::{Analysis, FaceAnalysis},
    privacy::{Effect, FacePrivacy, PrivacyTracker, Sighting, Who},
};

/// If the newest result is this much older than the newest frame, no more results are coming (the detector fails, say). The
/// view then continues with covered frames instead of freezing.
const MAX_DELAY: Duration = Duration::from_secs(2);

/// Which part of a frame is covered.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cover {
    /// Nothing.
    #[default]
    Nothing,
    /// These faces.
    Faces(FacePrivacy, Vec<(TrackId, BoundingBox)>),
    /// All of it.
    Everything(FacePrivacy),
}

impl Cover {
    /// Covers a copy of the frame that has every `step`th pixel of each row and column; `size` is the copy's.
    pub fn apply(&self, rgba: &mut [u8], size: Resolution, step: usize) {
        match self {
            Self::Nothing => {}
            Self::Faces(privacy, boxes) => {
                let factor = 1.0 / step as f32;
                let boxes = boxes
                    .iter()
                    .map(|(track, face)| (*track, face.scaled(factor)));
                privacy.apply(rgba, size, boxes);
            }
            Self::Everything(privacy) => privacy.cover_everything(rgba, size),
        }
    }
}

/// Where a face is, for what covers it.
pub fn sighting(face: &FaceAnalysis) -> Sighting {
    Sighting {
        track: face.track,
        box_in_frame: face.box_in_frame,
        unseen_for: face.unseen_for,
    }
}

/// Remembers where faces are, and which are shown.
#[derive(Debug, Default)]
pub struct LivePrivacy {
    tracker: PrivacyTracker,
    /// Tracks whose face is shown.
    shown: Vec<TrackId>,
}

impl LivePrivacy {
    /// Takes a result.
    pub fn see(&mut self, analysis: &Analysis) {
        let sightings = analysis.faces.iter().map(sighting);
        self.tracker.see(analysis.frame.time, sightings);
        // A permission was given for a face, and ends with its track.
        self.shown
            .retain(|track| analysis.faces.iter().any(|face| face.track == *track));
    }

    /// Forgets faces and permissions; call it when another source is opened.
    pub fn forget(&mut self) {
        self.tracker.reset();
        self.end_permissions();
    }

    /// Ends all permissions; call it when the source is interrupted. Faces stay covered where they were in the last frame.
    pub fn end_permissions(&mut self) {
        self.shown.clear();
    }

    /// Shows the face of `track`, or covers it again.
    pub fn set_shown(&mut self, track: TrackId, shown: bool) {
        self.shown.retain(|other| *other != track);
        if shown {
            self.shown.push(track);
        }
    }

    /// Tracks whose face is shown.
    pub fn shown(&self) -> &[TrackId] {
        &self.shown
    }

    /// What to cover with `effect`, given the permissions.
    pub fn face_privacy(&self, effect: Effect) -> FacePrivacy {
        let who = if self.shown.is_empty() {
            Who::All
        } else {
            Who::AllBut(self.shown.clone())
        };
        FacePrivacy { effect, who }
    }

    /// The frame to show, given the newest `frame` and the newest result, and which part of it is covered.
    pub fn frame_to_show<'a>(
        &self,
        effect: Option<Effect>,
        frame: Option<&'a Arc<Frame>>,
        analysis: Option<&'a Analysis>,
    ) -> (Option<&'a Arc<Frame>>, Cover) {
        let (Some(frame), Some(effect)) = (frame, effect) else {
            return (frame, Cover::Nothing);
        };
        let privacy = self.face_privacy(effect);
        // Without a network no faces are reported, though there may be some.
        let searched = analysis.filter(|analysis| {
            let delay = frame
                .captured_at
                .saturating_duration_since(analysis.frame.captured_at);
            analysis.checkpoint.is_some() && delay <= MAX_DELAY
        });
        match searched {
            Some(analysis) => {
                let boxes = self.tracker.covers(analysis.frame.time).collect();
                (Some(&analysis.frame), Cover::Faces(privacy, boxes))
            }
            None => (Some(frame), Cover::Everything(privacy)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::ui::fixtures;

    const SIZE: Resolution = Resolution::new(640, 480);

    fn analysis(frame: &Arc<Frame>, n_faces: usize) -> Analysis {
        Analysis {
            checkpoint: Some(fixtures::checkpoint()),
            ..fixtures::analysis(frame, fixtures::faces(n_faces))
        }
    }

    #[test]
    fn only_searched_frames_are_shown() {
        let start = Instant::now();
        let searched = fixtures::frame(1, SIZE, start);
        let newest = fixtures::frame(2, SIZE, start + Duration::from_millis(33));
        let mut privacy = LivePrivacy::default();
        let result = analysis(&searched, 2);
        privacy.see(&result);

        let (shown, cover) = privacy.frame_to_show(None, Some(&newest), Some(&result));
        assert_eq!(shown.map(|frame| frame.id), Some(newest.id));
        assert_eq!(cover, Cover::Nothing);

        let effect = Some(Effect::Blur);
        let (shown, cover) = privacy.frame_to_show(effect, Some(&newest), Some(&result));
        assert_eq!(shown.map(|frame| frame.id), Some(searched.id));
        let expected = result
            .faces
            .iter()
            .map(|face| (face.track, face.box_in_frame));
        let all = privacy.face_privacy(Effect::Blur);
        assert_eq!(cover, Cover::Faces(all.clone(), expected.collect()));

        let check_covered = |result: Option<&Analysis>, newest: &Arc<Frame>| {
            let (shown, cover) = privacy.frame_to_show(effect, Some(newest), result);
            assert_eq!(shown.map(|frame| frame.id), Some(newest.id));
            assert_eq!(cover, Cover::Everything(all.clone()));
        };
        check_covered(None, &newest);
        let unread = Analysis {
            checkpoint: None,
            ..analysis(&searched, 0)
        };
        check_covered(Some(&unread), &newest);
        let late = fixtures::frame(99, SIZE, start + Duration::from_millis(2001));
        check_covered(Some(&result), &late);
    }

    #[test]
    fn a_permission_ends_with_its_track() {
        let frame = fixtures::frame(1, SIZE, Instant::now());
        let mut privacy = LivePrivacy::default();
        privacy.see(&analysis(&frame, 2));
        privacy.set_shown(TrackId(0), true);
        privacy.set_shown(TrackId(1), true);
        let but = |tracks: &[u64]| Who::AllBut(tracks.iter().copied().map(TrackId).collect());
        assert_eq!(privacy.face_privacy(Effect::Blur).who, but(&[0, 1]));
        privacy.see(&analysis(&frame, 1));
        assert_eq!(privacy.face_privacy(Effect::Blur).who, but(&[0]));
        privacy.set_shown(TrackId(0), false);
        assert_eq!(privacy.face_privacy(Effect::Blur).who, Who::All);
        privacy.set_shown(TrackId(0), true);
        privacy.end_permissions();
        assert_eq!(privacy.face_privacy(Effect::Blur).who, Who::All);
        let result = analysis(&frame, 1);
        let (_, cover) = privacy.frame_to_show(Some(Effect::Blur), Some(&frame), Some(&result));
        let Cover::Faces(_, boxes) = cover else {
            panic!("{cover:?}");
        };
        assert!(!boxes.is_empty(), "the last frame stays covered");
    }
}
