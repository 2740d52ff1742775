//! What is done with recorded sessions beside playing them: another network reads them, a copy is shared, they are compared.

use std::path::PathBuf;

use egui::Context;

use super::App;
use crate::{
    model::CheckpointChoice,
    ui::{
        commands::{Command, Reading},
        compare::Part,
        dialogs::Dialog,
        panels::share_form::ShareForm,
    },
};

impl App {
    /// Takes what has come of such work.
    pub(super) fn update_tools(&mut self, now_s: f64) {
        for told in self.library.tools.update() {
            let (severity, text) = told.message;
            self.notices.post_with(severity, text, told.actions, now_s);
        }
        if !self.library.compare_open {
            self.library.compare.cancel(); // Nobody will look at it.
        }
        for (severity, text) in self.library.compare.update() {
            self.notices.post(severity, text, now_s);
        }
    }

    pub(super) fn execute_tool(&mut self, command: Command, ctx: &Context) {
        let library = &mut self.library;
        match command {
            Command::ReadAgain(reading) => library.tools.read_again(reading, ctx),
            Command::ChooseReader(folders) => {
                library.to_read = folders;
                self.dialogs.open(Dialog::Reader, ctx);
            }
            Command::BeginShare(folder) => library.share = Some(ShareForm::new(folder)),
            Command::ChooseShareOut => self.dialogs.open(Dialog::ShareOut, ctx),
            Command::EndShare(kept) => {
                let form = library.share.take().filter(|_| kept);
                // The form offers only what is right.
                if let Some(Ok(sharing)) = form.map(|form| form.sharing()) {
                    library.tools.share(sharing, ctx);
                }
            }
            Command::CancelTool(number) => library.tools.cancel(number),
            Command::CompareSessions(folders) => {
                library.compare.set_folders(folders);
                library.compare.start(library.compare_panel.by(), ctx);
                library.compare_open = true;
            }
            Command::RestartComparison => library.compare.start(library.compare_panel.by(), ctx),
            Command::CancelComparison => library.compare.cancel(),
            Command::SaveComparison(part) => self.dialogs.open(Dialog::Comparison(part), ctx),
            _ => {}
        }
    }

    /// Takes a file with a network that is to read sessions.
    pub(super) fn reader_chosen(&mut self, file: PathBuf, ctx: &Context) {
        let reading = Reading {
            folders: std::mem::take(&mut self.library.to_read),
            network: CheckpointChoice::File(file),
            overwrite: false,
        };
        self.library.tools.read_again(reading, ctx);
    }

    /// Takes the folder in which a copy to share is made.
    pub(super) fn share_out_chosen(&mut self, folder: PathBuf) {
        if let Some(form) = &mut self.library.share {
            form.out = Some(folder);
        }
    }

    /// Takes the file that a comparison is saved to.
    pub(super) fn comparison_chosen(&mut self, part: Part, file: PathBuf, ctx: &Context) {
        self.library.compare.save(part, file, ctx);
    }
}
