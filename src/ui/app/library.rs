//! The windows around recorded sessions and files: the list of sessions, who and what they are about, and many files.

use std::path::{Path, PathBuf};

use egui::Context;

use super::App;
use crate::{
    batch::{BatchConfig, Who},
    model::{self, CheckpointChoice, DeviceChoice},
    session::catalog::Entry,
    ui::{
        commands::Command,
        compare::Compare,
        dialogs::Dialog,
        many::Many,
        messages::Message,
        panels::{
            about_form::AboutForm,
            compare::ComparePanel,
            many::ManyPanel,
            network_choice::Networks,
            sessions::{SessionsData, SessionsPanel},
            share_form::ShareForm,
        },
        session_tools::SessionTools,
        sessions::Sessions,
        settings::UiSettings,
        words::text,
    },
};

/// Sessions in the File menu.
const MAX_RECENT: usize = 8;

/// The windows and what they show.
#[derive(Default)]
pub(super) struct Library {
    sessions: Sessions,
    sessions_panel: SessionsPanel,
    sessions_open: bool,
    about: Option<AboutForm>,
    pub(super) tools: SessionTools,
    pub(super) share: Option<ShareForm>,
    pub(super) compare: Compare,
    pub(super) compare_panel: ComparePanel,
    pub(super) compare_open: bool,
    /// The sessions that the network is to read that is being chosen.
    pub(super) to_read: Vec<PathBuf>,
    many: Many,
    many_panel: ManyPanel,
    many_open: bool,
    /// The session that the next export is of, instead of the open one.
    export_of: Option<PathBuf>,
}

/// What can be done with a session that was just recorded.
fn of_recorded(folder: &Path) -> Vec<(&'static str, Command)> {
    let folder = || folder.to_owned();
    vec![
        (text!("recorded-replay"), Command::OpenFolder(folder())),
        (text!("show-folder"), Command::ShowFolder(folder())),
        (text!("recorded-rename"), Command::BeginRename(folder())),
    ]
}

/// Whether a dialog asks for many files.
pub(super) fn is_for_many(dialog: Dialog) -> bool {
    matches!(
        dialog,
        Dialog::ManyFiles | Dialog::ManyFolder | Dialog::ManyOut
    )
}

impl Library {
    /// Lists the sessions again.
    pub fn refresh(&mut self, settings: &UiSettings, ctx: &Context) {
        self.sessions.refresh(settings.sessions_root(), ctx);
    }

    /// The latest sessions.
    pub fn recent(&self) -> &[Entry] {
        let entries = self.sessions.entries();
        &entries[..entries.len().min(MAX_RECENT)]
    }

    /// Whether a window is open that Escape closes. A form has its own Cancel.
    pub fn is_open(&self) -> bool {
        let has_form = self.about.is_some() || self.share.is_some();
        !has_form && (self.sessions_open || self.many_open || self.compare_open)
    }

    pub fn close_windows(&mut self) {
        // One after another: the comparison stands before the list that it was made from.
        if std::mem::take(&mut self.compare_open) {
            return;
        }
        self.sessions_open = false;
        self.many_open = false;
    }

    /// Whether dropped files are to be analyzed.
    pub fn takes_files(&self) -> bool {
        self.many_open
    }

    pub fn add_files(&mut self, paths: Vec<PathBuf>) {
        self.many_panel.add(paths);
    }

    /// Takes what was chosen in a dialog for many files.
    pub fn chosen(&mut self, dialog: Dialog, paths: Vec<PathBuf>) {
        match dialog {
            Dialog::ManyOut => self.many_panel.out = paths.into_iter().next(),
            _ => self.many_panel.add(paths),
        }
    }

    /// The next export is of this session.
    pub fn export_next(&mut self, folder: PathBuf) {
        self.export_of = Some(folder);
    }

    /// The session that the export is of, if not of the open one.
    pub fn take_export(&mut self) -> Option<PathBuf> {
        self.export_of.take()
    }

    /// Draws the windows.
    pub fn ui(&mut self, ctx: &Context, settings: &UiSettings) -> Option<Command> {
        let mut command = None;
        if self.sessions_open {
            let data = SessionsData {
                sessions: &self.sessions,
                root: &settings.sessions_root(),
                networks: Networks {
                    bundled: model::bundled_names(),
                    recent: &settings.recent_checkpoints,
                },
            };
            let open = &mut self.sessions_open;
            command = self.sessions_panel.ui(ctx, open, data);
        }
        if self.many_open {
            let state = self.many.state();
            command = self
                .many_panel
                .ui(ctx, &mut self.many_open, state)
                .or(command);
        }
        if self.compare_open {
            let open = &mut self.compare_open;
            command = self.compare_panel.ui(ctx, open, &self.compare).or(command);
        }
        if let Some(form) = &mut self.about {
            command = form.ui(ctx).or(command);
        }
        if let Some(form) = &mut self.share {
            command = form.ui(ctx).or(command);
        }
        command
    }
}

impl App {
    /// Says that a session was recorded, and lists it.
    pub(super) fn post_recorded(
        &mut self,
        folder: &Path,
        (severity, text): Message,
        ctx: &Context,
        now_s: f64,
    ) {
        self.library.refresh(&self.settings, ctx);
        let actions = of_recorded(folder);
        self.notices.post_with(severity, text, actions, now_s);
    }

    /// Takes what the windows' threads have to say.
    pub(super) fn update_library(&mut self, ctx: &Context, now_s: f64) {
        for (severity, text) in self.library.sessions.update(ctx) {
            self.notices.post(severity, text, now_s);
        }
        self.update_tools(now_s);
        if let Some(((severity, text), out)) = self.library.many.update(ctx) {
            let actions = out.map(|out| (text!("show-folder"), Command::ShowFolder(out)));
            let actions = actions.into_iter().collect();
            self.notices.post_with(severity, text, actions, now_s);
        }
    }

    pub(super) fn execute_in_library(&mut self, command: Command, ctx: &Context) {
        let root = self.settings.sessions_root();
        let library = &mut self.library;
        match command {
            Command::ToggleSessions => {
                library.sessions_open = !library.sessions_open;
                if library.sessions_open {
                    library.sessions.refresh(root, ctx);
                }
            }
            Command::RefreshSessions => library.sessions.refresh(root, ctx),
            Command::ShowFolder(folder) => library.sessions.show_folder(folder, ctx),
            Command::TrashSession(folder) => library.sessions.trash(folder, root, ctx),
            Command::BeginAbout => {
                let about = self.settings.about.clone();
                library.about = Some(AboutForm::new(None, about));
            }
            Command::BeginRename(folder) => {
                // Of a session that was recorded a moment ago, the list may not know yet.
                let known = library.sessions.entries().iter();
                let known = known.clone().find(|entry| entry.folder == folder);
                let about = known.map_or_else(|| self.settings.about.clone(), |e| e.about.clone());
                library.about = Some(AboutForm::new(Some(folder), about));
            }
            Command::EndAbout(kept) => {
                let Some(form) = library.about.take().filter(|_| kept) else {
                    return;
                };
                let about = form.tidy();
                match form.folder {
                    Some(folder) => library.sessions.rename(folder, about, root, ctx),
                    None => {
                        self.settings.about = about;
                        self.save_settings();
                    }
                }
            }
            Command::ToggleMany => library.many_open = !library.many_open,
            Command::StartMany => self.start_many(ctx),
            Command::StopMany => library.many.stop(),
            _ => {}
        }
    }

    fn start_many(&mut self, ctx: &Context) {
        let checkpoint = self.checkpoint_choice();
        let panel = &self.library.many_panel;
        let (Some(out), Ok(pattern)) = (panel.out.clone(), panel.pattern()) else {
            return;
        };
        let bundled = || {
            let first = model::bundled_names().first().copied();
            CheckpointChoice::Bundled(first.unwrap_or_default().to_owned())
        };
        let config = BatchConfig {
            inputs: panel.inputs.clone(),
            out,
            who: pattern.map_or(Who::Unknown, Who::Pattern),
            shard: None,
            n_jobs: panel.n_jobs,
            overwrite: false,
            checkpoint: checkpoint.unwrap_or_else(bundled),
            second: None,
            device: DeviceChoice::Auto,
            settings: self.settings.pipeline_settings(),
        };
        self.library.many.start(config, ctx);
    }
}
