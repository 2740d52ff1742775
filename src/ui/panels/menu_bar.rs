//! The menus along the top.
//!
//! A menu that switches things (View, Stream) stays open, so that several can be tried in a row; the others close.

use egui::{
    Align, Key, KeyboardShortcut, Layout, MenuBar as EguiMenuBar, Modifiers, Popup,
    PopupCloseBehavior, Ui,
    containers::menu::{MenuButton, MenuConfig},
};

use super::{
    file_menu::{self, FileMenu},
    menu_item::{Mark, action_ui, item_ui, keys, menu_style, note_ui, submenu_ui},
    network_choice::Networks,
    recent::recent_label,
    recording, streams, transport,
    view_menu::{ViewData, ViewMenu},
};
use crate::{
    capture::{CameraChoice, SourceSpec},
    model::{CheckpointChoice, CheckpointInfo},
    record::{Phase, VideoChoice},
    session::catalog::Entry,
    ui::{
        cameras::ListedCamera,
        commands::Command,
        keyboard::{
            self, CHOOSE_CHECKPOINT, DEMO, KEYBOARD, PAUSE_RECORDING, PLAY_AGAIN, RECORD, REFRESH,
            SET_MARKER, SET_MARKER_WITH_NOTE,
        },
        messages::sentence,
        player::PlayerStatus,
        recordings::RecordingStatus,
        settings::UiSettings,
        streams::StreamStatus,
        words::{self, text},
    },
};

/// What the menus show.
#[derive(Debug, Clone, Copy)]
pub struct MenuData<'a> {
    /// Cameras to choose from.
    pub cameras: &'a [ListedCamera],
    /// Whether the cameras are being listed.
    pub searching: bool,
    /// The source that is open.
    pub source: Option<&'a SourceSpec>,
    /// The name of the source, if it is live.
    pub source_name: Option<&'a str>,
    /// Whether the source is a file, which can be played again.
    pub can_play_again: bool,
    /// The file that plays, if it is one that can be paused.
    pub player: Option<PlayerStatus>,
    /// Names of the bundled checkpoints.
    pub bundled: &'a [&'a str],
    /// The current network.
    pub checkpoint: Option<&'a CheckpointChoice>,
    /// The second network, if there is one.
    pub second: Option<&'a CheckpointInfo>,
    /// Whether the view is mirrored.
    pub mirror: bool,
    /// Whether a session is open.
    pub session_open: bool,
    /// Whether an excluded span has begun in the open session.
    pub excluding: bool,
    /// The latest sessions.
    pub recent: &'a [Entry],
    /// State of the recording.
    pub recording: &'a RecordingStatus,
    /// The live outputs.
    pub streams: &'a [StreamStatus],
    /// Below this probability, %, no expression is named: the setting, or else the network's own threshold.
    pub uncertain_below_percent: u32,
    /// All other settings.
    pub settings: &'a UiSettings,
}

impl<'a> MenuData<'a> {
    fn view(self) -> ViewData<'a> {
        ViewData {
            mirror: self.mirror,
            session_open: self.session_open,
            uncertain_below_percent: self.uncertain_below_percent,
            settings: self.settings,
        }
    }

    fn file_menu(&self) -> FileMenu<'a> {
        let session = match self.source {
            Some(SourceSpec::Path(folder)) if self.session_open => Some(folder.as_path()),
            _ => None,
        };
        FileMenu {
            recent: self.recent,
            recent_files: &self.settings.recent_files,
            session,
            networks: Networks {
                bundled: self.bundled,
                recent: &self.settings.recent_checkpoints,
            },
        }
    }
}

/// The menus along the top.
#[derive(Debug, Default)]
pub struct MenuBar {
    view: ViewMenu,
}

impl MenuBar {
    /// Draws the bar and any open menu.
    pub fn ui(&mut self, ui: &mut Ui, data: MenuData<'_>) -> Option<Command> {
        let mut command = None;
        EguiMenuBar::new().ui(ui, |ui| {
            ui.spacing_mut().button_padding = egui::vec2(9.0, 3.0);
            ui.spacing_mut().item_spacing.x = 2.0;
            menu_ui(ui, text!("menu-file"), Key::F, |ui| {
                file_menu::file_menu_ui(ui, data.file_menu(), &mut command);
            });
            menu_ui(ui, text!("menu-source"), Key::S, |ui| {
                source_ui(ui, data, &mut command)
            });
            menu_ui(ui, text!("menu-playback"), Key::P, |ui| {
                transport::menu_ui(ui, data.player, &mut command);
            });
            menu_ui(ui, text!("menu-model"), Key::M, |ui| {
                model_ui(ui, data, &mut command)
            });
            menu_ui(ui, text!("menu-record"), Key::R, |ui| {
                record_ui(ui, data, &mut command)
            });
            menu_ui(ui, text!("menu-view"), Key::V, |ui| {
                self.view.ui(ui, data.view(), &mut command)
            });
            // Alt+S is Source.
            menu_ui(ui, text!("menu-stream"), Key::T, |ui| {
                streams::menu_ui(ui, data.streams, &mut command);
            });
            menu_ui(ui, text!("menu-help"), Key::H, |ui| {
                help_ui(ui, &mut command)
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                command =
                    recording::bar_ui(ui, data.recording, &data.settings.about).or(command.take());
            });
        });
        command
    }
}

/// Draws a menu's button, and the menu while it is open. Alt and `key` open it; F10 opens File.
fn menu_ui(ui: &mut Ui, label: &str, key: Key, content: impl FnOnce(&mut Ui)) {
    let opened_by_key = ui.input_mut(|input| {
        input.consume_shortcut(&KeyboardShortcut::new(Modifiers::ALT, key))
            || (key == Key::F
                && input.consume_shortcut(&KeyboardShortcut::new(Modifiers::NONE, Key::F10)))
    });
    let (response, _) = MenuButton::new(label)
        .config(MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside))
        .ui(ui, |ui| {
            menu_style(ui);
            content(ui);
        });
    if opened_by_key {
        response.request_focus();
        Popup::open_id(ui.ctx(), Popup::default_response_id(&response));
    }
}

fn source_ui(ui: &mut Ui, data: MenuData<'_>, command: &mut Option<Command>) {
    for (position, camera) in data.cameras.iter().enumerate() {
        let shortcut = keyboard::camera(position)
            .map_or_else(String::new, |shortcut| keys(ui.ctx(), shortcut));
        let mark = Mark::Choice(is_camera_open(data, camera));
        let response = item_ui(ui, mark, &camera.name, &shortcut);
        if response.clicked() {
            ui.close();
            *command = Some(Command::OpenSource(camera.source()));
        }
        if let Some(problem) = &camera.problem {
            response.on_hover_text(sentence(problem));
        }
    }
    if data.cameras.is_empty() {
        note_ui(
            ui,
            if data.searching {
                text!("source-searching")
            } else {
                text!("source-none")
            },
        );
    }
    ui.separator();
    let mark = Mark::Choice(data.source == Some(&SourceSpec::Demo));
    if action_ui(ui, mark, text!("source-demo"), &keys(ui.ctx(), DEMO)) {
        *command = Some(Command::OpenSource(SourceSpec::Demo));
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), PLAY_AGAIN);
    ui.add_enabled_ui(data.can_play_again, |ui| {
        if action_ui(ui, Mark::None, text!("source-play-again"), &shortcut) {
            *command = Some(Command::PlayAgain);
        }
    });
    let shortcut = keys(ui.ctx(), REFRESH);
    // The menu stays open to show the result.
    if item_ui(ui, Mark::None, text!("source-refresh"), &shortcut).clicked() {
        *command = Some(Command::RefreshCameras);
    }
}

/// Whether `camera` is open, even if it was opened as "the first camera" or by its number.
fn is_camera_open(data: MenuData<'_>, camera: &ListedCamera) -> bool {
    match data.source {
        Some(SourceSpec::Camera(CameraChoice { camera: wanted, .. })) => {
            let open = data.source_name.or(wanted.as_deref());
            open == Some(camera.name.as_str())
        }
        _ => false,
    }
}

fn model_ui(ui: &mut Ui, data: MenuData<'_>, command: &mut Option<Command>) {
    for &name in data.bundled {
        let choice = CheckpointChoice::Bundled(name.to_owned());
        if action_ui(ui, Mark::Choice(data.checkpoint == Some(&choice)), name, "") {
            *command = Some(Command::LoadCheckpoint(choice));
        }
        note_ui(ui, words::purpose(name));
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), CHOOSE_CHECKPOINT);
    if action_ui(ui, Mark::None, text!("file-open-checkpoint"), &shortcut) {
        *command = Some(Command::ChooseCheckpoint);
    }
    submenu_ui(ui, text!("model-second"), |ui| {
        second_ui(ui, data, command);
    });
    let recent = &data.settings.recent_checkpoints;
    if recent.is_empty() {
        return;
    }
    ui.separator();
    note_ui(ui, text!("model-recent"));
    for path in recent {
        let choice = CheckpointChoice::File(path.clone());
        let mark = Mark::Choice(data.checkpoint == Some(&choice));
        let response = item_ui(ui, mark, &recent_label(path, recent), "");
        if response.clicked() {
            ui.close();
            *command = Some(Command::LoadCheckpoint(choice));
        }
        response.on_hover_text(path.display().to_string());
    }
}

/// The network that reads the same faces for comparison.
fn second_ui(ui: &mut Ui, data: MenuData<'_>, command: &mut Option<Command>) {
    if action_ui(
        ui,
        Mark::Choice(data.second.is_none()),
        text!("model-second-none"),
        "",
    ) {
        *command = Some(Command::LoadSecond(None));
    }
    for &name in data.bundled {
        let is_it = |info: &CheckpointInfo| info.path.is_none() && info.name == name;
        if action_ui(ui, Mark::Choice(data.second.is_some_and(is_it)), name, "") {
            let choice = CheckpointChoice::Bundled(name.to_owned());
            *command = Some(Command::LoadSecond(Some(choice)));
        }
    }
    for path in &data.settings.recent_checkpoints {
        let is_it = |info: &CheckpointInfo| info.path.as_ref() == Some(path);
        let mark = Mark::Choice(data.second.is_some_and(is_it));
        let label = recent_label(path, &data.settings.recent_checkpoints);
        if action_ui(ui, mark, &label, "") {
            *command = Some(Command::LoadSecond(Some(CheckpointChoice::File(
                path.clone(),
            ))));
        }
    }
    ui.separator();
    if action_ui(ui, Mark::None, text!("file-open-checkpoint"), "") {
        *command = Some(Command::ChooseSecond);
    }
    note_ui(ui, text!("model-second-note"));
}

fn record_ui(ui: &mut Ui, data: MenuData<'_>, command: &mut Option<Command>) {
    let (is_on, is_paused, can_start) = match data.recording {
        RecordingStatus::Off { can_start } => (false, false, *can_start),
        RecordingStatus::Starting => (false, false, false),
        RecordingStatus::On(status) => (true, status.phase == Phase::Paused, true),
    };
    let mut item = |ui: &mut Ui, enabled: bool, label: &str, shortcut, item_command| {
        ui.add_enabled_ui(enabled, |ui| {
            if action_ui(ui, Mark::None, label, &keys(ui.ctx(), shortcut)) {
                *command = Some(item_command);
            }
        });
    };
    let toggle = if is_on {
        text!("record-stop")
    } else {
        text!("record-start")
    };
    item(ui, can_start, toggle, RECORD, Command::ToggleRecording);
    let pause = if is_paused {
        text!("record-resume")
    } else {
        text!("record-pause")
    };
    item(ui, is_on, pause, PAUSE_RECORDING, Command::PauseRecording);
    let can_mark = is_on || data.session_open;
    item(
        ui,
        can_mark,
        text!("record-mark"),
        SET_MARKER,
        Command::SetMarker,
    );
    item(
        ui,
        can_mark,
        text!("record-mark-with-note"),
        SET_MARKER_WITH_NOTE,
        Command::SetMarkerWithNote,
    );
    for (digit, words) in data.settings.marker_keys.all() {
        let command = Command::SetNamedMarker(digit);
        item(ui, can_mark, words, keyboard::named_marker(digit), command);
    }
    if data.session_open {
        let exclude = match data.excluding {
            true => text!("record-exclude-to"),
            false => text!("record-exclude-from"),
        };
        item(ui, true, exclude, keyboard::EXCLUDE, Command::Exclude);
        item(
            ui,
            true,
            text!("record-undo"),
            keyboard::UNDO,
            Command::UndoAnnotation,
        );
    }
    ui.separator();
    // The choice takes effect with the next recording.
    for choice in VideoChoice::ALL
        .into_iter()
        .filter(|choice| choice.is_built())
    {
        let label = match choice {
            VideoChoice::Annotated => text!("record-video-annotated"),
            VideoChoice::Clean => text!("record-video-clean"),
            VideoChoice::Both => text!("record-video-both"),
            VideoChoice::None => text!("record-video-none"),
        };
        if item_ui(ui, Mark::Choice(data.settings.video == choice), label, "").clicked() {
            *command = Some(Command::SetVideo(choice));
        }
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), keyboard::ABOUT_SESSION);
    if action_ui(ui, Mark::None, text!("record-about"), &shortcut) {
        *command = Some(Command::BeginAbout);
    }
    let shortcut = keys(ui.ctx(), keyboard::MARKER_KEYS);
    if action_ui(ui, Mark::None, text!("record-marker-keys"), &shortcut) {
        *command = Some(Command::BeginMarkerKeys);
    }
    let root = data.settings.sessions_root();
    let response = item_ui(ui, Mark::None, text!("record-folder"), "");
    if response.clicked() {
        ui.close();
        *command = Some(Command::ChooseSessionsFolder);
    }
    let root = root.display().to_string();
    response.on_hover_text(text!("record-folder-now", folder = root));
}

fn help_ui(ui: &mut Ui, command: &mut Option<Command>) {
    let shortcut = keys(ui.ctx(), KEYBOARD);
    if action_ui(ui, Mark::None, text!("help-keyboard"), &shortcut) {
        *command = Some(Command::ToggleKeyboard);
    }
    if action_ui(ui, Mark::None, text!("help-about"), "") {
        *command = Some(Command::ToggleAbout);
    }
}
