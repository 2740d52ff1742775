//! The list of cameras for the Source menu, made on a thread of its own.
//!
//! Asking the system for cameras can take a second and more (a driver that wakes its device, a busy bus), so the
//! window never waits for it. Cameras are chosen by name: their numbers change when one is unplugged.

use std::{sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use crate::capture::{CameraChoice, SourceSpec};

/// Lists the cameras there are. Called on a thread of its own.
pub type ListCameras = Arc<dyn Fn() -> Vec<ListedCamera> + Send + Sync>;

/// A camera as the system lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCamera {
    /// Its name, unique within the list.
    pub name: String,
    /// Why it cannot be used now, in words.
    pub problem: Option<String>,
}

impl ListedCamera {
    /// What opens this camera.
    pub fn source(&self) -> SourceSpec {
        SourceSpec::Camera(CameraChoice {
            camera: Some(self.name.clone()),
            ..CameraChoice::default()
        })
    }
}

/// The newest list and the search for the next one.
pub struct Cameras {
    list: ListCameras,
    entries: Vec<ListedCamera>,
    searching: bool,
    found: (Sender<Vec<ListedCamera>>, Receiver<Vec<ListedCamera>>),
}

impl Cameras {
    /// An empty list that `list` will fill at the first [`Cameras::refresh`].
    pub fn new(list: ListCameras) -> Self {
        Self {
            list,
            entries: Vec::new(),
            searching: false,
            found: crossbeam_channel::unbounded(),
        }
    }

    /// Starts a search unless one is running; its end wakes the window.
    pub fn refresh(&mut self, ctx: &Context) {
        if self.searching {
            return;
        }
        let list = Arc::clone(&self.list);
        let found = self.found.0.clone();
        let ctx = ctx.clone();
        let thread = thread::Builder::new()
            .name("camera list".to_owned())
            .spawn(move || {
                // A driver's fault must not leave the menu at "Looking for cameras" for ever.
                let listed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| list()));
                found.send(listed.unwrap_or_default()).ok();
                ctx.request_repaint();
            });
        match thread {
            Ok(_) => self.searching = true,
            Err(err) => log::warn!("cameras could not be listed: {err}"),
        }
    }

    /// Takes over what a search has found.
    pub fn drain(&mut self) {
        while let Ok(entries) = self.found.1.try_recv() {
            self.entries = entries;
            self.searching = false;
        }
    }

    /// Waits for the search that is running.
    #[cfg(test)]
    pub fn wait(&mut self) {
        if self.searching {
            self.entries = self.found.1.recv().expect("the search always sends a list");
            self.searching = false;
        }
    }

    /// The newest list.
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
        let mut cameras = Cameras::new(Arc::new(|| panic!("a driver's fault")));
        let ctx = Context::default();
        cameras.refresh(&ctx);
        cameras.wait();
        assert!(!cameras.searching());
        assert!(cameras.entries().is_empty());
    }
}
