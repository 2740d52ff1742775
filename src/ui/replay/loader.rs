//! Opens folders: a session is loaded; anything else is handed back, to be opened as images.
//!
//! Both the check and the loading happen on a thread of their own: the folder may be on a slow drive, and an hour takes
//! seconds to load.

use std::{path::PathBuf, sync::Arc, time::Duration};

use egui::Context;

use super::loaded_session::LoadedSession;
use crate::{
    error_text::error_text,
    session::is_session,
    ui::{background::Background, words::text},
};

/// How long a window that closes waits for a folder that is still being read, which nobody will look at.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a folder turned out to be.
#[derive(Debug)]
pub enum Opened {
    /// A session.
    Session(Arc<LoadedSession>),
    /// A session that cannot be shown, and why.
    Broken(String),
    /// No session.
    Other(PathBuf),
}

/// Opens one folder at a time; a new request replaces the previous one.
pub struct Loader {
    /// What folders turned out to be, each with the number of its request.
    reading: Background<(u64, Opened)>,
    /// Number of the newest request.
    newest: u64,
    /// Why the newest could not be begun.
    refused: Option<Opened>,
}

impl Default for Loader {
    fn default() -> Self {
        Self {
            reading: Background::new("session", PATIENCE),
            newest: 0,
            refused: None,
        }
    }
}

impl Loader {
    /// Opens `folder` in the background; the result wakes the window.
    pub fn open(&mut self, folder: PathBuf, ctx: &Context) {
        self.newest += 1;
        let number = self.newest;
        if let Err(err) = self.reading.spawn(ctx, move || (number, open(folder))) {
            let reason = text!("replay-no-thread", reason = err.to_string());
            self.refused = Some(Opened::Broken(reason));
        }
    }

    /// Discards the folder that is being opened.
    pub fn cancel(&mut self) {
        self.newest += 1;
    }

    /// What the latest folder turned out to be, once it is known.
    pub fn take(&mut self) -> Option<Opened> {
        if let Some(refused) = self.refused.take() {
            return Some(refused);
        }
        std::iter::from_fn(|| self.reading.take())
            .find(|(number, _)| *number == self.newest)
            .map(|(_, opened)| opened)
    }
}

fn open(folder: PathBuf) -> Opened {
    if !is_session(&folder) {
        return Opened::Other(folder);
    }
    match LoadedSession::open(&folder) {
        Ok(loaded) => Opened::Session(Arc::new(loaded)),
        Err(error) => Opened::Broken(error_text(&error)),
    }
}
