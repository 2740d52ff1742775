//! The File menu.

use std::path::{Path, PathBuf};

use egui::Ui;

use super::{
    menu_item::{Mark, action_ui, item_ui, keys, submenu_ui},
    network_choice::{Networks, networks_ui},
    recent::{recent_label, session_label},
};
use crate::{
    capture::SourceSpec,
    export::Format,
    session::catalog::Entry,
    ui::{
        commands::Command,
        keyboard::{self, CHOOSE_CHECKPOINT, CHOOSE_FILE, CHOOSE_FOLDER, CHOOSE_SESSION, QUIT},
        words::{self, text},
    },
};

/// What the menu shows.
pub struct FileMenu<'a> {
    /// The latest sessions.
    pub recent: &'a [Entry],
    /// Files and folders that were opened before, the latest first.
    pub recent_files: &'a [PathBuf],
    /// The open session.
    pub session: Option<&'a Path>,
    /// The networks that can read it.
    pub networks: Networks<'a>,
}

/// Draws the items.
pub fn file_menu_ui(ui: &mut Ui, data: FileMenu<'_>, command: &mut Option<Command>) {
    let items = [
        (text!("file-open-file"), CHOOSE_FILE, Command::ChooseFile),
        (
            text!("file-open-folder"),
            CHOOSE_FOLDER,
            Command::ChooseFolder,
        ),
        (
            text!("file-open-session"),
            CHOOSE_SESSION,
            Command::ChooseSession,
        ),
        (
            text!("file-open-checkpoint"),
            CHOOSE_CHECKPOINT,
            Command::ChooseCheckpoint,
        ),
    ];
    for (label, shortcut, item_command) in items {
        if action_ui(ui, Mark::None, label, &keys(ui.ctx(), shortcut)) {
            *command = Some(item_command);
        }
    }
    files_ui(ui, data.recent_files, command);
    ui.separator();
    let shortcut = keys(ui.ctx(), keyboard::SESSIONS);
    if action_ui(ui, Mark::None, text!("file-sessions"), &shortcut) {
        *command = Some(Command::ToggleSessions);
    }
    recent_ui(ui, data.recent, command);
    if let Some(folder) = data.session {
        ui.separator();
        export_ui(ui, command);
        submenu_ui(ui, text!("file-read-again"), |ui| {
            let asked = networks_ui(ui, data.networks, &[folder.to_owned()]);
            *command = asked.or(command.take());
        });
        if action_ui(ui, Mark::None, text!("file-share"), "") {
            *command = Some(Command::BeginShare(folder.to_owned()));
        }
        ui.separator();
    }
    if action_ui(ui, Mark::None, text!("file-many"), "") {
        *command = Some(Command::ToggleMany);
    }
    ui.separator();
    if action_ui(ui, Mark::None, text!("file-quit"), &keys(ui.ctx(), QUIT)) {
        *command = Some(Command::Quit);
    }
}

fn files_ui(ui: &mut Ui, recent: &[PathBuf], command: &mut Option<Command>) {
    if recent.is_empty() {
        return;
    }
    submenu_ui(ui, text!("file-recent-files"), |ui| {
        for path in recent {
            let response = item_ui(ui, Mark::None, &recent_label(path, recent), "");
            if response.clicked() {
                ui.close();
                *command = Some(Command::OpenSource(SourceSpec::Path(path.clone())));
            }
            response.on_hover_text(path.display().to_string());
        }
    });
}

fn recent_ui(ui: &mut Ui, recent: &[Entry], command: &mut Option<Command>) {
    if recent.is_empty() {
        return;
    }
    submenu_ui(ui, text!("file-recent"), |ui| {
        for entry in recent {
            if action_ui(ui, Mark::None, &session_label(entry), "") {
                *command = Some(Command::OpenFolder(entry.folder.clone()));
            }
        }
    });
}

fn export_ui(ui: &mut Ui, command: &mut Option<Command>) {
    submenu_ui(ui, text!("file-export"), |ui| {
        let built = Format::ALL
            .into_iter()
            .filter(|format| format.missing_feature().is_none());
        for format in built {
            if action_ui(ui, Mark::None, &format!("{}…", words::format(format)), "") {
                *command = Some(Command::Export(format));
            }
        }
    });
}
