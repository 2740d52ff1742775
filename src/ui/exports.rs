//! Exports of the session that is open, on a thread of their own: an hour of rows takes a while to read again.

use std::{path::PathBuf, thread};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use super::{notices::Severity, state_screen::sentence};
use crate::{
    export::{self, ExportOptions, Format},
    record::reader::Session,
};

/// What became of exports.
pub struct Exports {
    news: (Sender<(Severity, String)>, Receiver<(Severity, String)>),
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            news: crossbeam_channel::unbounded(),
        }
    }
}

impl Exports {
    /// Exports the session in `folder` to `file`, which may be replaced: the dialog has asked.
    pub fn start(&self, folder: PathBuf, format: Format, file: PathBuf, ctx: &Context) {
        let news = self.news.0.clone();
        let wake = ctx.clone();
        let work = move || {
            // Nobody listens any more only when the window is closed.
            news.send(outcome(&folder, format, &file)).ok();
            wake.request_repaint();
        };
        if let Err(error) = thread::Builder::new().name("export".to_owned()).spawn(work) {
            let text = format!("No thread could be started to export the session: {error}.");
            self.news.0.send((Severity::Error, text)).ok();
        }
    }

    /// What came of those that are done.
    pub fn take(&self) -> impl Iterator<Item = (Severity, String)> + '_ {
        self.news.1.try_iter()
    }
}

fn outcome(folder: &std::path::Path, format: Format, file: &std::path::Path) -> (Severity, String) {
    let options = ExportOptions {
        overwrite: true,
        ..ExportOptions::default()
    };
    let session = match Session::open(folder) {
        Ok(session) => session,
        Err(error) => return (Severity::Error, sentence(&error.to_string())),
    };
    match export::export(&session, format, file, &options) {
        Ok(files) => {
            let names: Vec<String> = files
                .iter()
                .map(|file| file.display().to_string())
                .collect();
            (
                Severity::Info,
                format!("{} written to {}.", format.title(), names.join(" and ")),
            )
        }
        Err(error) => (Severity::Error, sentence(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_exported_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.csv");
        let (severity, text) = outcome(folder.path(), Format::Summary, &file);
        assert_eq!(severity, Severity::Error);
        assert!(text.contains("is not a session"), "{text}");
        assert!(!file.exists());
    }
}
