//! A menu of the networks that can read recorded sessions.

use std::path::PathBuf;

use egui::Ui;

use super::{
    menu_item::{Mark, action_ui, item_ui, note_ui},
    recent::recent_label,
};
use crate::{
    model::CheckpointChoice,
    ui::{
        commands::{Command, Reading},
        words::{self, text},
    },
};

/// The networks to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Networks<'a> {
    /// Names of those that come with the program.
    pub bundled: &'a [&'a str],
    /// Files that were used before, the latest first.
    pub recent: &'a [PathBuf],
}

/// Draws the items. The chosen network is to read the sessions in `folders`.
pub fn networks_ui(ui: &mut Ui, networks: Networks<'_>, folders: &[PathBuf]) -> Option<Command> {
    let mut command = None;
    let read = |network| {
        Some(Command::ReadAgain(Reading {
            folders: folders.to_vec(),
            network,
            overwrite: false,
        }))
    };
    for &name in networks.bundled {
        if action_ui(ui, Mark::None, name, "") {
            command = read(CheckpointChoice::Bundled(name.to_owned()));
        }
        note_ui(ui, words::purpose(name));
    }
    ui.separator();
    if action_ui(ui, Mark::None, text!("file-choose-network"), "") {
        command = Some(Command::ChooseReader(folders.to_vec()));
    }
    for path in networks.recent {
        let response = item_ui(ui, Mark::None, &recent_label(path, networks.recent), "");
        if response.clicked() {
            ui.close();
            command = read(CheckpointChoice::File(path.clone()));
        }
        response.on_hover_text(path.display().to_string());
    }
    command
}
