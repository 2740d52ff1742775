//! A recorded session in the window: its video with what was seen in it, and all of it over time.
//!
//! Nothing is analysed again. The live pipeline rests while a session is open, and a [`ReplayEngine`] takes its place:
//! the rest of the window draws what it gives as it draws everything else.

mod curves;
mod draw_thread;
mod engine;
mod event_list;
mod film;
#[cfg(test)]
pub mod fixtures;
mod lanes;
mod loader;
mod marks;
mod raster;
mod recording;
mod span;
#[cfg(test)]
mod tests;
mod timeline;

use std::{io, sync::Arc};

use egui::{Context, Margin, Panel, Ui};

use self::{draw_thread::DrawThread, engine::ReplayEngine, timeline::Timeline};
pub use self::{
    loader::{Loader, Opened},
    recording::{Picture, Recording},
};
use super::{
    engine::Engine,
    player::{Playback, PlayerView},
};

/// Least and most height of the timeline, points.
const HEIGHTS: std::ops::RangeInclusive<f32> = 130.0..=700.0;

/// An open session.
pub struct Replay {
    recording: Arc<Recording>,
    engine: ReplayEngine,
    timeline: Timeline,
}

impl Replay {
    /// Starts to play a session.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(recording: Arc<Recording>, ctx: &Context) -> io::Result<Self> {
        let (wake, wake_too) = (ctx.clone(), ctx.clone());
        let engine = ReplayEngine::start(Arc::clone(&recording), move || wake.request_repaint())?;
        let drawer = DrawThread::spawn(Arc::clone(&recording), move || wake_too.request_repaint())?;
        Ok(Self {
            timeline: Timeline::new(Arc::clone(&recording), Some(drawer)),
            recording,
            engine,
        })
    }

    /// What plays it.
    pub fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    /// Whether boxes and names are to be drawn: not on a video that has them already.
    pub fn wants_boxes(&self) -> bool {
        self.recording.picture != Picture::Annotated
    }

    /// The networks that read the expressions, in words.
    pub fn networks(&self) -> &str {
        &self.recording.recorded().name
    }

    /// Something to tell about the session, in a sentence.
    pub fn warning(&self) -> Option<&str> {
        self.recording.warning.as_deref()
    }

    /// Draws the timeline at the bottom of what is left of the window.
    pub fn panel_ui(&mut self, ui: &mut Ui, view: Option<PlayerView>) -> Option<Playback> {
        let frame = egui::Frame::new()
            .fill(ui.visuals().panel_fill)
            .inner_margin(Margin::symmetric(10, 6));
        let position = view.map(|view| view.position).unwrap_or_default();
        let mut wish = None;
        Panel::bottom("timeline")
            .frame(frame)
            .resizable(true)
            .default_size(self.timeline.usual_height())
            .size_range(HEIGHTS)
            .show(ui, |ui| wish = self.timeline.ui(ui, position));
        wish
    }
}
