//! Exports of the open session. Reading an hour of rows again takes a while, so each has a thread of its own.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use egui::Context;

use super::{
    background::Background,
    messages::{Message, Severity, sentence},
    words::{self, text},
};
use crate::{
    error_text::error_text,
    export::{self, ExportOptions, Format},
    session::Session,
};

/// How long a window that closes waits for an export. An hour's session takes a few seconds; one that takes longer hangs
/// on its disk. What is abandoned then is only a `.partial` file: see [`crate::result_file`].
const PATIENCE: Duration = Duration::from_secs(20);

/// The exports that run, and the outcomes of those that have ended.
pub struct Exports {
    running: Background<Message>,
    /// Why the latest could not be started.
    refused: Option<Message>,
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            running: Background::new("export", PATIENCE),
            refused: None,
        }
    }
}

impl Exports {
    /// Exports the session in `folder` to `file`, and replaces that: the dialog has asked whether to.
    pub fn start(&mut self, folder: PathBuf, format: Format, file: PathBuf, ctx: &Context) {
        let work = move || outcome(&folder, format, &file);
        if let Err(error) = self.running.spawn(ctx, work) {
            let text = text!("export-no-thread", reason = error.to_string());
            self.refused = Some((Severity::Error, text));
        }
    }

    /// The outcome of an export that has ended.
    pub fn take(&mut self) -> Option<Message> {
        self.refused.take().or_else(|| self.running.take())
    }
}

fn outcome(folder: &Path, format: Format, file: &Path) -> Message {
    let options = ExportOptions {
        overwrite: true,
        ..ExportOptions::default()
    };
    let session = match Session::open(folder) {
        Ok(session) => session.annotated(),
        Err(error) => return (Severity::Error, sentence(&error_text(&error))),
    };
    // The dialog has asked about this file only, not about those that are named after it.
    let others = export::files(&session, format, file).split_off(1);
    if let Some(other) = others.iter().find(|other| other.exists()) {
        let text = text!("export-exists", file = other.display().to_string());
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
                text!(
                    "export-done",
                    format = words::format(format),
                    files = names.join(", ")
                ),
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
    fn an_export_that_runs_when_the_window_closes_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("session");
        std::fs::create_dir(&session).unwrap();
        fixtures::write(&fixtures::session(3000, &[(1, 0..3000)]), &session);
        let file = folder.path().join("out.jsonl");
        let mut exports = Exports::default();
        exports.start(
            session,
            Format::JsonLines,
            file.clone(),
            &Context::default(),
        );
        drop(exports);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 3000);
        assert!(!crate::result_file::partial_path(&file).exists());
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
