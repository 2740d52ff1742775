//! The faces in the window: which are shown, what they are called, and whether they have portraits.

use egui::Context;

use super::App;
use crate::{
    detect::TrackId,
    pipeline::{FaceAnalysis, face_names::FaceNames},
    ui::{
        annotation_saver::Said,
        panels::{face_panel::FaceHint, preview},
        replay::Replay,
    },
};

impl App {
    /// The faces that are shown now.
    pub(super) fn faces(&self) -> &[FaceAnalysis] {
        if self.has_current_frame() {
            preview::faces_for(self.news.frame.as_deref(), self.news.analysis.as_ref())
        } else {
            &[]
        }
    }

    /// Whether portraits of faces may be shown, and there is something to cut them out of.
    pub(super) fn shows_portraits(&self) -> bool {
        self.settings.privacy.is_none() && self.replay.as_ref().is_none_or(Replay::has_video)
    }

    /// What the faces are called, by their tracks.
    pub(super) fn names(&self) -> &FaceNames {
        self.replay.as_ref().map_or(&self.names, Replay::names)
    }

    /// Why there are none.
    pub(super) fn face_hint(&self) -> FaceHint {
        match (&self.news.checkpoint, self.news.loading) {
            _ if self.replay.is_some() => FaceHint::NotSeen,
            (None, true) => FaceHint::Loading,
            (None, false) => FaceHint::NoNetwork,
            (Some(_), _) if !self.has_current_frame() => FaceHint::NoFrame,
            // A large picture is searched for seconds.
            (Some(_), _) if self.news.analysis.is_none() => FaceHint::Searching,
            (Some(_), _) => FaceHint::NoFace {
                min_face_size_px: self.settings.min_face_size_px,
            },
        }
    }

    /// Calls a face of the open session, or of the live source and its recording, by a name.
    pub(super) fn name_face(&mut self, track: TrackId, name: &str, ctx: &Context) {
        let Some(replay) = &mut self.replay else {
            self.names.set(track.0, name);
            self.recordings.name_faces(self.names.clone());
            return;
        };
        let (folder, names) = replay.name_face(track, name);
        let now_s = ctx.input(|input| input.time);
        self.save_said(folder, Said::Names(names), ctx, now_s);
    }
}
