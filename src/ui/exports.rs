//! Exports of the session that is open, on a thread of their own: an hour of rows takes a while to read again.

use std::{
    path::{Path, PathBuf},
    thread,
};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use super::{notices::Severity, state_screen::sentence};
use crate::{
    error_text::error_text,
    export::{self, ExportOptions, Format},
    session::Session,
};

/// What to tell, and how bad it is.
type News = (Severity, String);

/// What became of exports.
pub struct Exports {
    news: (Sender<News>, Receiver<News>),
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
    pub fn take(&self) -> impl Iterator<Item = News> + '_ {
        self.news.1.try_iter()
    }
}

fn outcome(folder: &Path, format: Format, file: &Path) -> News {
    let options = ExportOptions {
        overwrite: true,
        ..ExportOptions::default()
    };
    let session = match Session::open(folder) {
        Ok(session) => session,
        Err(error) => return (Severity::Error, sentence(&error_text(&error))),
    };
    // The dialog has asked about this file only, not about those that are named after it.
    let others = export::files(&session, format, file).split_off(1);
    if let Some(other) = others.iter().find(|other| other.exists()) {
        let other = other.display();
        let text = format!("{other} exists already. Delete it, or choose another name.");
        return (Severity::Error, text);
    }
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
        Err(error) => (Severity::Error, sentence(&error_text(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::replay::fixtures;

    #[test]
    fn what_cannot_be_exported_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out.csv");
        let (severity, text) = outcome(folder.path(), Format::Summary, &file);
        assert_eq!(severity, Severity::Error);
        assert!(text.contains("is not a session"), "{text}");
        assert!(!file.exists());
    }

    #[test]
    fn only_the_file_that_was_asked_about_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("session");
        std::fs::create_dir(&session).unwrap();
        fixtures::write(&fixtures::session(30, &[(1, 0..30)]), &session);
        let out = folder.path().join("events.tsv");
        let description = folder.path().join("events.json");
        std::fs::write(&out, "old").unwrap();
        std::fs::write(&description, "mine").unwrap();
        let (severity, text) = outcome(&session, Format::Bids, &out);
        assert_eq!(severity, Severity::Error);
        assert!(text.contains("events.json exists already."), "{text}");
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(
            (read(&out), read(&description)),
            ("old".into(), "mine".into())
        );
        std::fs::remove_file(&description).unwrap();
        assert_eq!(outcome(&session, Format::Bids, &out).0, Severity::Info);
        assert_ne!(read(&out), "old");
    }
}
