//! The list of cameras for the Source menu, made on a thread of its own.
//!
//! Asking the system for cameras can take a second and more (a driver that wakes its device, a busy bus), so the
//! window never waits for it. Cameras are chosen by name: their numbers change when one is unplugged.

use std::{sync::Arc, time::Duration};

use egui::Context;

use super::background::Background;
use crate::{
    capture::{CameraChoice, SourceSpec},
    panics,
};

/// How long a window that closes waits for a search. A driver that has not answered by then hangs, and cannot be stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lists the cameras. Called on a thread of its own.
pub type ListCameras = Arc<dyn Fn() -> Vec<ListedCamera> + Send + Sync>;

/// A camera as the system lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCamera {
    /// Its name, unique within the list.
    pub name: String,
    /// Why it cannot be used now.
    pub problem: Option<String>,
}

impl ListedCamera {
    /// The source that opens this camera.
    pub fn source(&self) -> SourceSpec {
        SourceSpec::Camera(CameraChoice {
            camera: Some(self.name.clone()),
            ..CameraChoice::default()
        })
    }
}

/// The latest list and the search for the next one.
pub struct Cameras {
    list: ListCameras,
    entries: Vec<ListedCamera>,
    searching: bool,
    searches: Background<Vec<ListedCamera>>,
}

impl Cameras {
    /// An empty list that `list` will fill at the first [`Cameras::refresh`].
    pub fn new(list: ListCameras) -> Self {
        Self {
            list,
            entries: Vec::new(),
            searching: false,
            searches: Background::new("camera list", PATIENCE),
        }
    }

    /// Starts a search unless one is running; its end wakes the window.
    pub fn refresh(&mut self, ctx: &Context) {
        if self.searching {
            return;
        }
        let list = Arc::clone(&self.list);
        // A driver that panics must not leave the menu at "Looking for cameras" forever.
        let work = move || panics::catch(|| list()).unwrap_or_default();
        match self.searches.spawn(ctx, work) {
            Ok(()) => self.searching = true,
            Err(err) => log::warn!("cameras could not be listed: {err}"),
        }
    }

    /// Takes what a search has found.
    pub fn drain(&mut self) {
        while let Some(entries) = self.searches.take() {
            self.entries = entries;
            self.searching = false;
        }
    }

    /// Waits for the search that is running.
    #[cfg(test)]
    pub fn wait(&mut self) {
        if self.searching {
            self.entries = self.searches.wait();
            self.searching = false;
        }
    }

    /// The latest list.
    pub fn entries(&self) -> &[ListedCamera] {
        &self.entries
    }

    /// Whether a search is running.
    pub fn searching(&self) -> bool {
        self.searching
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_panics_ends_with_an_empty_list() {
        let mut cameras = Cameras::new(Arc::new(|| panic!("a driver panicked")));
        let ctx = Context::default();
        cameras.refresh(&ctx);
        cameras.wait();
        assert!(!cameras.searching());
        assert!(cameras.entries().is_empty());
    }
}
