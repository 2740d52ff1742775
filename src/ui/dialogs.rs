//! The system's file dialogs, each on a thread of its own.
//!
//! A dialog blocks until the user is done, and on Linux it belongs to a desktop service that may not exist. rfd reports
//! both "canceled" and "no service" as `None`; [`NEVER_SHOWN_WITHIN`] tells them apart.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use egui::Context;

use super::{background::Background, compare::Part, words::text};
use crate::{capture::still, export::Format, model::import::EXTENSIONS};

/// A dialog that ends without a choice within this time was never on the screen: nobody finds its Cancel button that fast,
/// and a missing service answers within a few ms.
const NEVER_SHOWN_WITHIN: Duration = Duration::from_millis(300);

/// How long a window that closes waits for a dialog that is still open. Only the user can end one, so this leaves just
/// enough time for one that is closing.
const PATIENCE: Duration = Duration::from_millis(100);

/// Extensions of videos that can be opened.
pub const VIDEO_EXTENSIONS: [&str; 6] = ["mp4", "m4v", "mov", "mkv", "webm", "avi"];

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialog {
    /// An image or a video.
    File,
    /// A folder of images.
    Folder,
    /// The folder of a session.
    Session,
    /// A checkpoint.
    Checkpoint,
    /// A checkpoint for a second network.
    SecondCheckpoint,
    /// The folder that recordings go to.
    Sessions,
    /// The file that a session is exported to.
    Export(Format),
    /// Videos to analyze.
    ManyFiles,
    /// A folder of videos to analyze.
    ManyFolder,
    /// The folder of their results.
    ManyOut,
    /// A network that is to read sessions.
    Reader,
    /// The folder in which a copy to share is made.
    ShareOut,
    /// The file of a comparison.
    Comparison(Part),
}

/// How a dialog ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The user chose this in this dialog.
    Chosen(Dialog, PathBuf),
    /// The user chose these in a dialog for several.
    ChosenMany(Dialog, Vec<PathBuf>),
    /// The user chose nothing.
    Canceled,
    /// The system has no dialogs, so this one was never shown.
    Unavailable(Dialog),
}

/// The notice when this dialog cannot be shown: what to do instead.
pub fn unavailable(dialog: Dialog) -> String {
    let instead = match dialog {
        Dialog::File | Dialog::Folder | Dialog::Session => {
            text!("dialog-instead-source").to_owned()
        }
        Dialog::Checkpoint => text!("dialog-instead-checkpoint").to_owned(),
        Dialog::SecondCheckpoint => text!("dialog-instead-second").to_owned(),
        Dialog::Sessions => text!("dialog-instead-sessions").to_owned(),
        Dialog::ManyFiles | Dialog::ManyFolder | Dialog::ManyOut => {
            text!("dialog-instead-many").to_owned()
        }
        Dialog::Reader => text!("dialog-instead-reader").to_owned(),
        Dialog::ShareOut => text!("dialog-instead-share").to_owned(),
        Dialog::Comparison(Part::Table) => text!("dialog-instead-table").to_owned(),
        Dialog::Comparison(Part::Picture) => text!("dialog-instead-picture").to_owned(),
        Dialog::Export(format) => text!(
            "dialog-instead-export",
            format = format.name(),
            extension = format.extension()
        ),
    };
    format!("{} {instead}", text!("dialog-unavailable"))
}

/// Opens dialogs, one at a time, and collects their outcomes.
pub struct Dialogs {
    is_open: bool,
    threads: Background<Outcome>,
}

impl Default for Dialogs {
    fn default() -> Self {
        Self {
            is_open: false,
            threads: Background::new("file dialog", PATIENCE),
        }
    }
}

impl Dialogs {
    /// Opens a dialog unless one is open; its end wakes the window.
    pub fn open(&mut self, dialog: Dialog, ctx: &Context) {
        self.open_with(dialog, ctx, move || ask(dialog));
    }

    fn open_with(
        &mut self,
        dialog: Dialog,
        ctx: &Context,
        ask: impl FnOnce() -> Option<Vec<PathBuf>> + Send + 'static,
    ) {
        if self.is_open {
            return;
        }
        let work = move || {
            let opened_at = Instant::now();
            let chosen = ask();
            outcome(dialog, chosen, opened_at.elapsed())
        };
        match self.threads.spawn(ctx, work) {
            Ok(()) => self.is_open = true,
            Err(err) => log::warn!("a file dialog could not be opened: {err}"),
        }
    }

    /// How the open dialog ended, once it has.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        let outcome = self.threads.take()?;
        self.is_open = false;
        Some(outcome)
    }
}

fn ask(dialog: Dialog) -> Option<Vec<PathBuf>> {
    if dialog == Dialog::ManyFiles {
        return rfd::FileDialog::new()
            .set_title(text!("dialog-add-videos"))
            .add_filter(text!("dialog-videos"), &VIDEO_EXTENSIONS)
            .add_filter(text!("dialog-all-files"), &["*"])
            .pick_files();
    }
    ask_for_one(dialog).map(|path| vec![path])
}

fn ask_for_one(dialog: Dialog) -> Option<PathBuf> {
    let with_title = |title| rfd::FileDialog::new().set_title(title);
    match dialog {
        Dialog::ManyFiles => None, // Asks for several.
        Dialog::ManyFolder => with_title(text!("dialog-add-folder")).pick_folder(),
        Dialog::ManyOut => with_title(text!("dialog-results")).pick_folder(),
        Dialog::File => with_title(text!("dialog-file"))
            .add_filter(
                text!("dialog-images-and-videos"),
                &[still::EXTENSIONS.as_slice(), VIDEO_EXTENSIONS.as_slice()].concat(),
            )
            .add_filter(text!("dialog-all-files"), &["*"])
            .pick_file(),
        Dialog::Folder => with_title(text!("dialog-folder")).pick_folder(),
        Dialog::Sessions => with_title(text!("dialog-recordings")).pick_folder(),
        Dialog::Export(format) => with_title(text!("file-export"))
            .set_file_name(format!("session.{}", format.extension()))
            .save_file(),
        Dialog::Session => with_title(text!("dialog-session")).pick_folder(),
        Dialog::Checkpoint | Dialog::SecondCheckpoint | Dialog::Reader => {
            with_title(text!("dialog-checkpoint"))
                .add_filter(text!("dialog-checkpoints"), &EXTENSIONS)
                .pick_file()
        }
        Dialog::ShareOut => with_title(text!("dialog-share")).pick_folder(),
        Dialog::Comparison(Part::Table) => with_title(text!("dialog-save-table"))
            .set_file_name("comparison.csv")
            .save_file(),
        Dialog::Comparison(Part::Picture) => with_title(text!("dialog-save-picture"))
            .set_file_name("comparison.svg")
            .save_file(),
    }
}

fn outcome(dialog: Dialog, chosen: Option<Vec<PathBuf>>, open_for: Duration) -> Outcome {
    match chosen {
        Some(paths) if dialog == Dialog::ManyFiles => Outcome::ChosenMany(dialog, paths),
        Some(paths) => match paths.into_iter().next() {
            Some(path) => Outcome::Chosen(dialog, path),
            None => Outcome::Canceled,
        },
        None if open_for < NEVER_SHOWN_WITHIN => Outcome::Unavailable(dialog),
        None => Outcome::Canceled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canceled_dialog_is_not_an_unavailable_one() {
        let path = PathBuf::from("/tmp/a.png");
        assert_eq!(
            outcome(Dialog::File, Some(vec![path.clone()]), Duration::ZERO),
            Outcome::Chosen(Dialog::File, path)
        );
        assert_eq!(
            outcome(Dialog::File, None, Duration::from_millis(5)),
            Outcome::Unavailable(Dialog::File)
        );
        assert_eq!(
            outcome(Dialog::File, None, Duration::from_secs(2)),
            Outcome::Canceled
        );
    }

    #[test]
    fn without_dialogs_the_notice_says_what_to_do() {
        let text = unavailable(Dialog::Export(Format::WebVtt));
        assert!(
            text.contains("export SESSION --format webvtt --out FILE.vtt"),
            "{text}"
        );
        assert!(unavailable(Dialog::Checkpoint).contains("--checkpoint"));
    }

    #[test]
    fn only_one_dialog_is_open_at_a_time() {
        let mut dialogs = Dialogs::default();
        let ctx = Context::default();
        let (finish, wait) = crossbeam_channel::bounded(0);
        dialogs.open_with(Dialog::File, &ctx, move || wait.recv().ok());
        dialogs.open_with(Dialog::File, &ctx, || {
            unreachable!("a second dialog was opened")
        });
        assert_eq!(dialogs.take_outcome(), None);
        finish.send(vec![PathBuf::from("/tmp/a.png")]).unwrap();
        let outcome = loop {
            match dialogs.take_outcome() {
                Some(outcome) => break outcome,
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(
            outcome,
            Outcome::Chosen(Dialog::File, PathBuf::from("/tmp/a.png"))
        );
        assert!(!dialogs.is_open);
    }

    #[test]
    fn a_window_closes_although_a_dialog_is_open() {
        let mut dialogs = Dialogs::default();
        let (finish, wait) = crossbeam_channel::bounded::<Vec<PathBuf>>(0);
        dialogs.open_with(Dialog::File, &Context::default(), move || wait.recv().ok());
        drop(dialogs);
        // The dialog was open all the while.
        finish.send(Vec::new()).unwrap();
    }
}
