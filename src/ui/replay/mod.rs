//! A recorded session in the window: its video with the recorded faces, and a timeline of them.
//!
//! Nothing is analyzed again. While a session is open the live pipeline is closed and a [`ReplayEngine`] takes its place;
//! the rest of the window draws its results like any others.

mod draw_thread;
mod engine;
mod event_list;
#[cfg(test)]
pub mod fixtures;
mod lanes;
mod legend;
mod loaded_session;
mod loader;
mod marks;
mod notes;
mod privacy;
pub mod raster;
mod span;
#[cfg(test)]
mod tests;
mod timeline_panel;
mod video;

use std::{io, path::PathBuf, sync::Arc};

use egui::{Context, Margin, Panel, Ui};

use self::{
    draw_thread::DrawThread, engine::ReplayEngine, privacy::Searched, timeline_panel::TimelinePanel,
};
pub use self::{
    loaded_session::{LoadedSession, ReplayVideo},
    loader::{Loader, Opened},
    notes::{Excluding, Notes},
};
use super::{commands::Command, engine::Engine, player::PlayerStatus, privacy::Cover};
use crate::{
    detect::TrackId,
    frame::Frame,
    pipeline::face_names::FaceNames,
    privacy::FacePrivacy,
    session::{annotations::Annotations, tables::EventRow},
};

/// Range of heights of the timeline, points.
const HEIGHTS: std::ops::RangeInclusive<f32> = 130.0..=700.0;

/// What plays now: the session if one is open, else the live pipeline.
pub fn playing<'a>(replay: &'a Option<Replay>, live: &'a dyn Engine) -> &'a dyn Engine {
    match replay {
        Some(replay) => replay.engine(),
        None => live,
    }
}

/// An open session.
pub struct Replay {
    loaded: Arc<LoadedSession>,
    engine: ReplayEngine,
    searched: Searched,
    timeline: TimelinePanel,
    mirror: bool,
    /// What the faces are called, by their tracks, which are their numbers.
    names: FaceNames,
    /// What is being said about it.
    pub notes: Notes,
    /// The annotations that are written, or on their way.
    kept: Annotations,
}

impl Replay {
    /// Starts to play a session.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(loaded: Arc<LoadedSession>, ctx: &Context) -> io::Result<Self> {
        let (wake, wake_too) = (ctx.clone(), ctx.clone());
        let engine = ReplayEngine::start(Arc::clone(&loaded), move || wake.request_repaint())?;
        let drawer = DrawThread::spawn(Arc::clone(&loaded), move || wake_too.request_repaint())?;
        let timeline = TimelinePanel::new(Arc::clone(&loaded), Some(drawer));
        engine.other.set(timeline.other());
        Ok(Self {
            timeline,
            notes: Notes::new(loaded.session.annotations.clone()),
            kept: loaded.session.annotations.clone(),
            names: loaded.session.manifest.face_names.clone(),
            loaded,
            engine,
            searched: Searched::default(),
            mirror: false,
        })
    }

    /// The engine that plays it.
    pub fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    /// Whether to draw boxes and names: not on a video that has them already.
    pub fn wants_boxes(&self) -> bool {
        self.loaded.video != ReplayVideo::Annotated
    }

    /// Whether the video is shown mirrored: as long as the session is open, and never if it has names drawn into it, which
    /// must stay readable.
    pub fn is_mirrored(&self) -> bool {
        self.mirror && self.wants_boxes()
    }

    /// Sets whether the video is shown mirrored.
    pub fn set_mirrored(&mut self, mirror: bool) {
        self.mirror = mirror;
    }

    /// Takes in the frame that plays.
    pub fn see(&mut self, frame: &Arc<Frame>) {
        self.searched.see(frame, &self.loaded);
    }

    /// The frame to show instead of `frame`, the one that plays, and which part of it is covered.
    pub fn frame_to_show<'a>(
        &'a self,
        privacy: Option<FacePrivacy>,
        frame: Option<&'a Arc<Frame>>,
    ) -> (Option<&'a Arc<Frame>>, Cover) {
        self.searched.frame_to_show(privacy, frame, &self.loaded)
    }

    /// Whether there are frames to see, and not only values.
    pub fn has_video(&self) -> bool {
        self.loaded.video != ReplayVideo::None
    }

    /// What the faces are called, by their tracks.
    pub fn names(&self) -> &FaceNames {
        &self.names
    }

    /// Calls a face by a name. Returns the session's folder and all names, which are to be written.
    pub fn name_face(&mut self, track: TrackId, name: &str) -> (PathBuf, FaceNames) {
        self.names.set(track.0, name);
        (self.loaded.session.folder.clone(), self.names.clone())
    }

    /// Below this probability, 0 to 1, faces were uncertain when it was recorded, if it says so.
    pub fn uncertain_below(&self) -> Option<f32> {
        let threshold = self.loaded.session.manifest.uncertain_below(0);
        (threshold > 0.0).then_some(threshold)
    }

    /// The networks that were used, in order.
    pub fn networks(&self) -> &str {
        &self.loaded.recorded().name
    }

    /// The network whose values stand beside the recorded ones, if one is chosen.
    pub fn second_network(&self) -> Option<&str> {
        let other = self.loaded.readings.get(self.timeline.other()?)?;
        Some(&other.name)
    }

    /// What is wrong with the session, if anything.
    pub fn warning(&self) -> Option<&str> {
        self.loaded.warning.as_deref()
    }

    /// The events as they were recorded.
    pub fn recorded_events(&self) -> &[EventRow] {
        &self.loaded.session.events
    }

    /// What is being said about it, and the events as they were recorded.
    pub fn notes_mut(&mut self) -> (&mut Notes, &[EventRow]) {
        (&mut self.notes, &self.loaded.session.events)
    }

    /// Whether an excluded span has begun.
    pub fn is_excluding(&self) -> bool {
        self.notes.excluding_from().is_some()
    }

    /// Shows the annotations as they are now.
    pub fn show_notes(&mut self) {
        let marks = marks::marks(&self.loaded, self.notes.annotations());
        self.timeline.set_marks(marks, self.notes.excluding_from());
    }

    /// The session's folder and its annotations, if they are to be written.
    pub fn take_changed(&mut self) -> Option<(PathBuf, Annotations)> {
        let now = self.notes.annotations();
        if *now == self.kept {
            return None;
        }
        self.kept = now.clone();
        Some((self.loaded.session.folder.clone(), now.clone()))
    }

    /// Draws the timeline at the bottom of the remaining window.
    pub fn panel_ui(
        &mut self,
        ui: &mut Ui,
        status: Option<PlayerStatus>,
        uncertain_below: f32,
    ) -> Option<Command> {
        let frame = egui::Frame::new()
            .fill(ui.visuals().panel_fill)
            .inner_margin(Margin::symmetric(10, 6));
        let position = status.map(|status| status.position).unwrap_or_default();
        let mut command = None;
        Panel::bottom("timeline")
            .frame(frame)
            .resizable(true)
            .default_size(self.timeline.default_height(ui))
            .size_range(HEIGHTS)
            .show(ui, |ui| {
                command = self.timeline.ui(ui, position, uncertain_below, &self.names);
            });
        self.engine.other.set(self.timeline.other());
        command
    }
}
