//! The recorded sessions, for the Sessions window and the File menu.
//!
//! A thread reads them, and others change them: a slow disk never stops the window. What is read shows at once while the
//! list is empty, and replaces it as a whole later, so that rows do not jump.

use std::{
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender};
use egui::Context;

use super::{
    background::Background,
    messages::{Message, Severity, sentence},
    words::text,
};
use crate::{
    error_text::error_text,
    session::{
        about::About,
        catalog::{self, Entry},
        folder::is_in_use,
    },
};

/// How long a window that closes waits for a change to be finished, and for the reading to stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// Sessions that are passed on together.
const CHUNK: usize = 64;

/// The sessions and the threads around them.
pub struct Sessions {
    /// The latest first.
    entries: Vec<Entry>,
    /// Changes with the entries.
    version: u64,
    fresh: Vec<Entry>,
    is_reading: bool,
    /// Number of the newest reading; older ones end.
    reading: Arc<AtomicU64>,
    chunks: (Sender<Chunk>, Receiver<Chunk>),
    readers: Background<()>,
    changes: Background<Changed>,
    refused: Option<Message>,
}

struct Chunk {
    reading: u64,
    entries: Vec<Entry>,
    is_last: bool,
}

struct Changed {
    told: Option<Message>,
    /// The sessions to list anew, if the list is out of date.
    root: Option<PathBuf>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            version: 0,
            fresh: Vec::new(),
            is_reading: false,
            reading: Arc::default(),
            chunks: crossbeam_channel::unbounded(),
            readers: Background::new("session list", PATIENCE),
            changes: Background::new("session change", PATIENCE),
            refused: None,
        }
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.reading.fetch_add(1, Ordering::Relaxed); // Ends the reading.
    }
}

impl Sessions {
    /// Reads the sessions in `root` again, in the background.
    pub fn refresh(&mut self, root: PathBuf, ctx: &Context) {
        let number = self.reading.fetch_add(1, Ordering::Relaxed) + 1;
        let newest = Arc::clone(&self.reading);
        let sender = self.chunks.0.clone();
        let repaint = ctx.clone();
        let work = move || {
            let mut chunk = Vec::new();
            let is_newest = || newest.load(Ordering::Relaxed) == number;
            let send = |entries, is_last| {
                let chunk = Chunk {
                    reading: number,
                    entries,
                    is_last,
                };
                sender.send(chunk).ok();
                repaint.request_repaint();
            };
            catalog::list(&root, |entry| {
                chunk.push(entry);
                if chunk.len() == CHUNK {
                    send(std::mem::take(&mut chunk), false);
                }
                is_newest()
            });
            send(chunk, true);
        };
        self.fresh.clear();
        match self.readers.spawn(ctx, work) {
            Ok(()) => self.is_reading = true,
            Err(error) => {
                let text = text!("sessions-no-thread", reason = error.to_string());
                self.refused = Some((Severity::Error, text));
            }
        }
    }

    /// Takes what was read and changed since the last call, and returns messages about it.
    pub fn update(&mut self, ctx: &Context) -> Vec<Message> {
        let mut told: Vec<Message> = self.refused.take().into_iter().collect();
        while self.readers.take().is_some() {}
        while let Ok(chunk) = self.chunks.1.try_recv() {
            if chunk.reading != self.reading.load(Ordering::Relaxed) {
                continue;
            }
            self.fresh.extend(chunk.entries);
            if chunk.is_last || self.entries.len() < self.fresh.len() {
                self.entries.clone_from(&self.fresh);
                // By text: all are local times of one form.
                self.entries.sort_by(|a, b| b.started.cmp(&a.started));
                self.version += 1;
            }
            self.is_reading &= !chunk.is_last;
        }
        while let Some(changed) = self.changes.take() {
            told.extend(changed.told);
            if let Some(root) = changed.root {
                self.refresh(root, ctx);
            }
        }
        told
    }

    /// The sessions, the latest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A number that changes with [`Sessions::entries`].
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether they are being read.
    pub fn is_reading(&self) -> bool {
        self.is_reading
    }

    /// Changes who and what a session is about.
    pub fn rename(&mut self, folder: PathBuf, about: About, root: PathBuf, ctx: &Context) {
        self.change(ctx, root, move || {
            catalog::rename(&folder, &about)
                .err()
                .map(|error| (Severity::Error, sentence(&error_text(&error))))
        });
    }

    /// Moves a session to the system's trash.
    pub fn trash(&mut self, folder: PathBuf, root: PathBuf, ctx: &Context) {
        self.change(ctx, root, move || Some(move_to_trash(&folder)));
    }

    /// Shows a folder in the system's file manager.
    pub fn show_folder(&mut self, folder: PathBuf, ctx: &Context) {
        let work = move || Changed {
            told: show(&folder),
            root: None,
        };
        self.spawn(ctx, work);
    }

    fn change(
        &mut self,
        ctx: &Context,
        root: PathBuf,
        change: impl FnOnce() -> Option<Message> + Send + 'static,
    ) {
        self.spawn(ctx, move || Changed {
            told: change(),
            root: Some(root),
        });
    }

    fn spawn(&mut self, ctx: &Context, work: impl FnOnce() -> Changed + Send + 'static) {
        if let Err(error) = self.changes.spawn(ctx, work) {
            let text = text!("no-thread", reason = error.to_string());
            self.refused = Some((Severity::Error, text));
        }
    }
}

fn move_to_trash(folder: &Path) -> Message {
    let name = folder.display().to_string();
    if is_in_use(folder) {
        return (Severity::Warning, text!("sessions-in-use", folder = name));
    }
    match trash::delete(folder) {
        Ok(()) => (Severity::Info, text!("sessions-trashed", folder = name)),
        Err(error) => (
            Severity::Error,
            text!(
                "sessions-not-trashed",
                folder = name,
                reason = error.to_string()
            ),
        ),
    }
}

/// Shows a folder; a message if that failed.
fn show(folder: &Path) -> Option<Message> {
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let shown = Process::new(program)
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let reason = match shown {
        // Explorer says 1 even if it shows the folder.
        Ok(status) if status.success() || cfg!(windows) => return None,
        Ok(status) => text!(
            "sessions-program-failed",
            program = program,
            status = status.to_string()
        ),
        Err(error) => text!(
            "sessions-no-program",
            program = program,
            reason = error.to_string()
        ),
    };
    let text = text!(
        "sessions-not-shown",
        folder = folder.display().to_string(),
        reason = reason
    );
    Some((Severity::Warning, text))
}

#[cfg(test)]
mod tests {
    use std::{fs, thread, time::Instant};

    use super::*;
    use crate::ui::replay::fixtures;

    fn wait(sessions: &mut Sessions, ctx: &Context) -> Vec<Message> {
        let mut told = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        // A change is followed by a reading.
        thread::sleep(Duration::from_millis(20));
        loop {
            told.extend(sessions.update(ctx));
            if !sessions.is_reading() {
                return told;
            }
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn sessions_are_read_and_changed_in_the_background() {
        let root = tempfile::tempdir().unwrap();
        for name in ["one", "two"] {
            let folder = root.path().join(name);
            fs::create_dir(&folder).unwrap();
            fixtures::write(&fixtures::session(30, &[(1, 0..30)]), &folder);
        }
        let ctx = Context::default();
        let mut sessions = Sessions::default();
        sessions.refresh(root.path().to_owned(), &ctx);
        assert_eq!(wait(&mut sessions, &ctx), []);
        assert_eq!(sessions.entries().len(), 2);
        let version = sessions.version();
        let about = About {
            name: "renamed".to_owned(),
            ..About::default()
        };
        let (folder, root) = (root.path().join("one"), root.path().to_owned());
        sessions.rename(folder, about, root.clone(), &ctx);
        let deadline = Instant::now() + Duration::from_secs(20);
        while sessions.version() == version {
            assert_eq!(wait(&mut sessions, &ctx), []);
            assert!(Instant::now() < deadline);
        }
        let is_renamed = |entry: &Entry| entry.name() == "renamed";
        assert_eq!(
            sessions.entries().iter().filter(|e| is_renamed(e)).count(),
            1
        );
    }
}
