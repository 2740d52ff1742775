//! Opens folders: a session is loaded, anything else is handed back to be opened as pictures.
//!
//! Both the look into the folder and the loading happen on a thread of their own: the folder may lie on a slow drive,
//! and an hour takes seconds.

use std::{path::PathBuf, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use super::recording::Recording;
use crate::{error_text::error_text, session::is_session};

/// What a folder turned out to be.
#[derive(Debug)]
pub enum Opened {
    /// A session.
    Session(Arc<Recording>),
    /// A session that cannot be shown; why, in words.
    Broken(String),
    /// No session.
    Other(PathBuf),
}

/// What a folder turned out to be, with the number of the request.
type Numbered = (u64, Opened);

/// Opens one folder at a time; a further one takes the place of the one before.
pub struct Loader {
    results: (Sender<Numbered>, Receiver<Numbered>),
    /// Number of the newest request.
    newest: u64,
}

impl Default for Loader {
    fn default() -> Self {
        Self {
            results: crossbeam_channel::unbounded(),
            newest: 0,
        }
    }
}

impl Loader {
    /// Opens `folder` in the background; its end wakes the window.
    pub fn open(&mut self, folder: PathBuf, ctx: &Context) {
        self.newest += 1;
        let number = self.newest;
        let (results, wake) = (self.results.0.clone(), ctx.clone());
        let work = move || {
            results.send((number, open(folder))).ok();
            wake.request_repaint();
        };
        let spawned = thread::Builder::new()
            .name("session".to_owned())
            .spawn(work);
        if let Err(err) = spawned {
            let broken = Opened::Broken(format!("no thread could be started to read it: {err}"));
            self.results.0.send((number, broken)).ok();
        }
    }

    /// What is being opened is no longer wanted.
    pub fn cancel(&mut self) {
        self.newest += 1;
    }

    /// What the newest folder turned out to be, once it is known.
    pub fn take(&self) -> Option<Opened> {
        self.results
            .1
            .try_iter()
            .find(|(number, _)| *number == self.newest)
            .map(|(_, opened)| opened)
    }
}

fn open(folder: PathBuf) -> Opened {
    if !is_session(&folder) {
        return Opened::Other(folder);
    }
    match Recording::open(&folder) {
        Ok(recording) => Opened::Session(Arc::new(recording)),
        Err(error) => Opened::Broken(error_text(&error)),
    }
}
