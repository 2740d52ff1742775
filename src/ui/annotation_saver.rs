//! Writes what the user says about a session on a thread of its own, in order: a slow disk never stops the window.

use std::{
    io,
    mem::discriminant,
    path::PathBuf,
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use super::{
    messages::{Message, Severity, sentence},
    words::text,
};
use crate::{
    error_text::error_text,
    pipeline::face_names::FaceNames,
    session::{annotations::Annotations, catalog},
};

/// What the user says about a session.
#[derive(Debug, Clone)]
pub enum Said {
    /// Markers, and spans that do not count.
    Annotations(Annotations),
    /// What the faces are called, by their numbers.
    Names(FaceNames),
}

/// A session's folder, and what to write there.
type Job = (PathBuf, Said);

/// The thread. Dropping it waits until the last of it is written.
pub struct AnnotationSaver {
    outbox: Option<Sender<Job>>,
    failures: Receiver<Message>,
    thread: Option<JoinHandle<()>>,
}

impl AnnotationSaver {
    /// Starts the thread, which wakes the window if something cannot be written.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(ctx: &Context) -> io::Result<Self> {
        let (outbox, inbox) = crossbeam_channel::unbounded::<Job>();
        let (failed, failures) = crossbeam_channel::unbounded();
        let ctx = ctx.clone();
        let write = move || {
            while let Ok(mut job) = inbox.recv() {
                // Of several of one kind for one session, only the latest counts.
                while let Ok(next) = inbox.try_recv() {
                    let before = std::mem::replace(&mut job, next);
                    if before.0 != job.0 || discriminant(&before.1) != discriminant(&job.1) {
                        save(&before, &failed, &ctx);
                    }
                }
                save(&job, &failed, &ctx);
            }
        };
        let thread = thread::Builder::new()
            .name("annotations".to_owned())
            .spawn(write)?;
        Ok(Self {
            outbox: Some(outbox),
            failures,
            thread: Some(thread),
        })
    }

    /// Writes what is said about a session. Returns at once.
    pub fn save(&self, folder: PathBuf, said: Said) {
        if let Some(outbox) = &self.outbox {
            outbox.send((folder, said)).ok(); // The thread lives as long as this.
        }
    }

    /// What could not be written.
    pub fn take_failure(&self) -> Option<Message> {
        self.failures.try_recv().ok()
    }
}

fn save((folder, said): &Job, failed: &Sender<Message>, ctx: &Context) {
    let written = match said {
        Said::Annotations(annotations) => annotations.write(folder),
        Said::Names(names) => catalog::name_faces(folder, names),
    };
    let Err(error) = written else {
        return;
    };
    let reason = sentence(&error_text(&error));
    let text = format!("{reason} {}", text!("annotation-shown-only"));
    failed.send((Severity::Error, text)).ok(); // The window is closing.
    ctx.request_repaint();
}

impl Drop for AnnotationSaver {
    fn drop(&mut self) {
        self.outbox = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // A panic has already been reported.
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::time::Ticks;

    #[test]
    fn the_latest_annotations_are_on_the_disk_when_the_window_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let saver = AnnotationSaver::start(&Context::default()).unwrap();
        let mut annotations = Annotations::default();
        for second in 0..50 {
            annotations.add_marker(Ticks::from(Duration::from_secs(second)), String::new());
            let said = Said::Annotations(annotations.clone());
            saver.save(folder.path().to_owned(), said);
        }
        drop(saver);
        assert_eq!(Annotations::read(folder.path()).unwrap(), annotations);
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let saver = AnnotationSaver::start(&Context::default()).unwrap();
        saver.save(missing, Said::Annotations(Annotations::default()));
        let (severity, text) = saver.failures.recv().unwrap();
        assert_eq!(severity, Severity::Error);
        assert!(
            text.contains("could not be written") && text.contains("not kept"),
            "{text}"
        );
    }
}
