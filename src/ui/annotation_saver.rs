//! Writes annotations on a thread of its own, in order: a slow disk never stops the window.

use std::{
    io,
    path::PathBuf,
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use super::{
    messages::{Message, Severity, sentence},
    words::text,
};
use crate::{error_text::error_text, session::annotations::Annotations};

/// A session's folder, and what to write there.
type Job = (PathBuf, Annotations);

/// The thread. Dropping it waits until the last annotations are written.
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
                // Of several for one session, only the latest counts.
                while let Ok(next) = inbox.try_recv() {
                    let before = std::mem::replace(&mut job, next);
                    if before.0 != job.0 {
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

    /// Writes the annotations of a session. Returns at once.
    pub fn save(&self, folder: PathBuf, annotations: Annotations) {
        if let Some(outbox) = &self.outbox {
            outbox.send((folder, annotations)).ok(); // The thread lives as long as this.
        }
    }

    /// What could not be written.
    pub fn take_failure(&self) -> Option<Message> {
        self.failures.try_recv().ok()
    }
}

fn save((folder, annotations): &Job, failed: &Sender<Message>, ctx: &Context) {
    let Err(error) = annotations.write(folder) else {
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
            saver.save(folder.path().to_owned(), annotations.clone());
        }
        drop(saver);
        assert_eq!(Annotations::read(folder.path()).unwrap(), annotations);
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let saver = AnnotationSaver::start(&Context::default()).unwrap();
        saver.save(missing, Annotations::default());
        let (severity, text) = saver.failures.recv().unwrap();
        assert_eq!(severity, Severity::Error);
        assert!(
            text.contains("could not be written") && text.contains("not kept"),
            "{text}"
        );
    }
}
