//! The menus along the top.
//!
//! A menu that switches things (View, Stream) stays open, so that several can be tried in a row; the others close.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use egui::{
    Align, Context, Key, KeyboardShortcut, Layout, MenuBar as EguiMenuBar, Modifiers, Popup,
    PopupCloseBehavior, Response, Slider, ThemePreference, Ui,
    containers::menu::{MenuButton, MenuConfig, SubMenu},
};

use super::{
    menu_item::{MARK_WIDTH, Mark, action_ui, item_ui, note_ui, submenu_item_ui},
    recording, streams, transport,
};
use crate::{
    capture::{CameraChoice, SourceSpec},
    detect::Detector,
    export::Format,
    model::{self, CheckpointChoice, Views},
    privacy::Effect,
    record::{Phase, VideoChoice},
    session::catalog::Entry,
    ui::{
        cameras::ListedCamera,
        commands::Command,
        keyboard::{
            self, BARS, BOXES, CHOOSE_CHECKPOINT, CHOOSE_FILE, CHOOSE_FOLDER, CHOOSE_SESSION, DEMO,
            KEYBOARD, MIRROR, PAUSE_RECORDING, PLAY_AGAIN, PRIVACY, QUIT, RECORD, REFRESH,
            SET_MARKER, SET_MARKER_WITH_NOTE, TIMELINE, UNCERTAIN_BY_NETWORK, VIEWS, fullscreen,
        },
        messages::sentence,
        player::PlayerStatus,
        recordings::RecordingStatus,
        settings::{FACE_SIZES_PX, MAX_SMOOTHING_MS, MAX_UNCERTAIN_PERCENT, UiSettings},
        streams::StreamStatus,
    },
};

/// Minimum width of a menu, points.
const MENU_WIDTH: f32 = 210.0;

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

/// The menus along the top.
#[derive(Debug, Default)]
pub struct MenuBar {
    /// Values of the sliders while they are dragged.
    smoothing_ms: u32,
    uncertain_below_percent: u32,
    min_face_size_px: u32,
}

impl MenuBar {
    /// Draws the bar and any open menu.
    pub fn ui(&mut self, ui: &mut Ui, data: MenuData<'_>) -> Option<Command> {
        let mut command = None;
        EguiMenuBar::new().ui(ui, |ui| {
            ui.spacing_mut().button_padding = egui::vec2(9.0, 3.0);
            ui.spacing_mut().item_spacing.x = 2.0;
            menu_ui(ui, "File", Key::F, |ui| file_ui(ui, data, &mut command));
            menu_ui(ui, "Source", Key::S, |ui| source_ui(ui, data, &mut command));
            menu_ui(ui, "Playback", Key::P, |ui| {
                transport::menu_ui(ui, data.player, &mut command);
            });
            menu_ui(ui, "Model", Key::M, |ui| model_ui(ui, data, &mut command));
            menu_ui(ui, "Record", Key::R, |ui| record_ui(ui, data, &mut command));
            menu_ui(ui, "View", Key::V, |ui| {
                self.view_ui(ui, data, &mut command)
            });
            // Alt+S is Source.
            menu_ui(ui, "Stream", Key::T, |ui| {
                streams::menu_ui(ui, data.streams, &mut command);
            });
            menu_ui(ui, "Help", Key::H, |ui| help_ui(ui, &mut command));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                command =
                    recording::bar_ui(ui, data.recording, &data.settings.about).or(command.take());
            });
        });
        command
    }

    fn view_ui(&mut self, ui: &mut Ui, data: MenuData<'_>, command: &mut Option<Command>) {
        let settings = data.settings;
        let ctx = ui.ctx().clone();
        let shortcut = |shortcut| ctx.format_shortcut(&shortcut);
        let (mirror, boxes, bars) = (shortcut(MIRROR), shortcut(BOXES), shortcut(BARS));
        if item_ui(ui, Mark::Check(data.mirror), "Mirror", &mirror).clicked() {
            *command = Some(Command::SetMirror(!data.mirror));
        }
        if item_ui(ui, Mark::Check(settings.boxes), "Boxes", &boxes).clicked() {
            *command = Some(Command::SetBoxes(!settings.boxes));
        }
        if item_ui(ui, Mark::Check(settings.mesh), "Face mesh", "").clicked() {
            *command = Some(Command::SetMesh(!settings.mesh));
        }
        if item_ui(ui, Mark::Check(settings.bars), "Bars", &bars).clicked() {
            *command = Some(Command::SetBars(!settings.bars));
        }
        let key = shortcut(fullscreen(ctx.os()));
        if action_ui(ui, Mark::None, "Full screen", &key) {
            *command = Some(Command::ToggleFullscreen);
        }
        let key = shortcut(TIMELINE);
        if item_ui(ui, Mark::Check(settings.timeline), "Timeline", &key).clicked() {
            *command = Some(Command::SetTimeline(!settings.timeline));
        }
        if item_ui(ui, Mark::Check(settings.statistics), "Statistics", "").clicked() {
            *command = Some(Command::SetStatistics(!settings.statistics));
        }
        privacy_ui(ui, settings.privacy, command);
        ui.separator();
        self.smoothing_ms = settings.smoothing_ms;
        let slider = Slider::new(&mut self.smoothing_ms, 0..=MAX_SMOOTHING_MS)
            .step_by(50.0)
            .suffix(" ms");
        if slider_ui(ui, "Smoothing", slider).changed() {
            *command = Some(Command::SetSmoothing(Duration::from_millis(
                self.smoothing_ms.into(),
            )));
        }
        let mark = Mark::Check(settings.views == Views::Flip);
        let key = keys(ui.ctx(), VIEWS);
        if item_ui(
            ui,
            mark,
            "Mirror averaging (slower; helps “fervis” only)",
            &key,
        )
        .clicked()
        {
            *command = Some(Command::SetViews(settings.views.other()));
        }
        if !data.session_open {
            let key = keys(ui.ctx(), keyboard::SET_NEUTRAL);
            if item_ui(ui, Mark::None, "Set neutral", &key).clicked() {
                *command = Some(Command::SetNeutral(true));
            }
            let key = keys(ui.ctx(), keyboard::FORGET_NEUTRAL);
            if item_ui(ui, Mark::None, "Forget neutral", &key).clicked() {
                *command = Some(Command::SetNeutral(false));
            }
        }
        self.uncertain_below_percent = data.uncertain_below_percent;
        let slider =
            Slider::new(&mut self.uncertain_below_percent, 0..=MAX_UNCERTAIN_PERCENT).suffix(" %");
        if slider_ui(ui, "Uncertain below", slider).changed() {
            *command = Some(Command::SetUncertainBelow(Some(
                self.uncertain_below_percent,
            )));
        }
        let by_network = settings.uncertain_below_percent.is_none();
        let mark = Mark::Check(by_network);
        let key = keys(ui.ctx(), UNCERTAIN_BY_NETWORK);
        if item_ui(ui, mark, "Use the network's own threshold", &key).clicked() {
            *command = Some(Command::SetUncertainBelow(
                by_network.then_some(data.uncertain_below_percent),
            ));
        }
        self.min_face_size_px = settings.min_face_size_px;
        let slider = Slider::new(&mut self.min_face_size_px, FACE_SIZES_PX)
            .step_by(10.0)
            .suffix(" px");
        if slider_ui(ui, "Minimum face size", slider).changed() {
            *command = Some(Command::SetMinFaceSize(self.min_face_size_px));
        }
        let rustface_alone = settings.detector == Detector::Rustface;
        if item_ui(
            ui,
            Mark::Check(rustface_alone),
            "Find faces with rustface alone",
            "",
        )
        .clicked()
        {
            *command = Some(Command::SetDetector(if rustface_alone {
                Detector::Both
            } else {
                Detector::Rustface
            }));
        }
        ui.separator();
        note_ui(ui, "Theme");
        let theme = settings.theme;
        for (choice, label) in [
            (ThemePreference::System, "Follow system"),
            (ThemePreference::Light, "Light"),
            (ThemePreference::Dark, "Dark"),
        ] {
            if item_ui(ui, Mark::Choice(theme == choice), label, "").clicked() {
                *command = Some(Command::SetTheme(choice));
            }
        }
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
            ui.set_min_width(MENU_WIDTH);
            ui.spacing_mut().item_spacing.y = 1.0;
            content(ui);
        });
    if opened_by_key {
        response.request_focus();
        Popup::open_id(ui.ctx(), Popup::default_response_id(&response));
    }
}

fn file_ui(ui: &mut Ui, data: MenuData<'_>, command: &mut Option<Command>) {
    let items = [
        ("Open image or video…", CHOOSE_FILE, Command::ChooseFile),
        ("Open folder…", CHOOSE_FOLDER, Command::ChooseFolder),
        ("Open session…", CHOOSE_SESSION, Command::ChooseSession),
        (
            "Open checkpoint…",
            CHOOSE_CHECKPOINT,
            Command::ChooseCheckpoint,
        ),
    ];
    for (label, shortcut, item_command) in items {
        if action_ui(ui, Mark::None, label, &keys(ui.ctx(), shortcut)) {
            *command = Some(item_command);
        }
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), keyboard::SESSIONS);
    if action_ui(ui, Mark::None, "Sessions…", &shortcut) {
        *command = Some(Command::ToggleSessions);
    }
    recent_ui(ui, data.recent, command);
    if data.session_open {
        export_ui(ui, command);
    }
    if action_ui(ui, Mark::None, "Analyze many…", "") {
        *command = Some(Command::ToggleMany);
    }
    ui.separator();
    if action_ui(ui, Mark::None, "Quit", &keys(ui.ctx(), QUIT)) {
        *command = Some(Command::Quit);
    }
}

fn recent_ui(ui: &mut Ui, recent: &[Entry], command: &mut Option<Command>) {
    if recent.is_empty() {
        return;
    }
    let response = submenu_item_ui(ui, "Recent sessions");
    SubMenu::new().show(ui, &response, |ui| {
        ui.set_min_width(MENU_WIDTH);
        ui.spacing_mut().item_spacing.y = 1.0;
        for entry in recent {
            let who = match entry.about.participant.as_str() {
                "" => String::new(),
                participant => format!(" · {participant}"),
            };
            if action_ui(ui, Mark::None, &format!("{}{who}", entry.name()), "") {
                *command = Some(Command::OpenFolder(entry.folder.clone()));
            }
        }
    });
}

fn export_ui(ui: &mut Ui, command: &mut Option<Command>) {
    let response = submenu_item_ui(ui, "Export session");
    SubMenu::new().show(ui, &response, |ui| {
        ui.set_min_width(MENU_WIDTH);
        ui.spacing_mut().item_spacing.y = 1.0;
        let built = Format::ALL
            .into_iter()
            .filter(|format| format.missing_feature().is_none());
        for format in built {
            if action_ui(ui, Mark::None, &format!("{}…", format.title()), "") {
                *command = Some(Command::Export(format));
            }
        }
    });
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
                "Looking for cameras…"
            } else {
                "No camera found"
            },
        );
    }
    ui.separator();
    let mark = Mark::Choice(data.source == Some(&SourceSpec::Demo));
    if action_ui(ui, mark, "Demo", &keys(ui.ctx(), DEMO)) {
        *command = Some(Command::OpenSource(SourceSpec::Demo));
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), PLAY_AGAIN);
    ui.add_enabled_ui(data.can_play_again, |ui| {
        if action_ui(ui, Mark::None, "Play again", &shortcut) {
            *command = Some(Command::PlayAgain);
        }
    });
    let shortcut = keys(ui.ctx(), REFRESH);
    // The menu stays open to show the result.
    if item_ui(ui, Mark::None, "Refresh cameras", &shortcut).clicked() {
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
        note_ui(ui, model::bundled_purpose(name));
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), CHOOSE_CHECKPOINT);
    if action_ui(ui, Mark::None, "Open checkpoint…", &shortcut) {
        *command = Some(Command::ChooseCheckpoint);
    }
    let recent = &data.settings.recent_checkpoints;
    if recent.is_empty() {
        return;
    }
    ui.separator();
    note_ui(ui, "Recent");
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

/// The file's name, with its folder if another recent file has the same name.
fn recent_label(path: &Path, recent: &[PathBuf]) -> String {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let own = name(path).unwrap_or_else(|| path.display().to_string());
    let n_same = recent
        .iter()
        .filter(|other| name(other).as_deref() == Some(own.as_str()))
        .count();
    match path.parent() {
        Some(folder) if n_same > 1 => format!("{own} in {}", folder.display()),
        _ => own,
    }
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
        "Stop recording"
    } else {
        "Start recording"
    };
    item(ui, can_start, toggle, RECORD, Command::ToggleRecording);
    let pause = if is_paused {
        "Resume recording"
    } else {
        "Pause recording"
    };
    item(ui, is_on, pause, PAUSE_RECORDING, Command::PauseRecording);
    let can_mark = is_on || data.session_open;
    item(ui, can_mark, "Set marker", SET_MARKER, Command::SetMarker);
    item(
        ui,
        can_mark,
        "Set marker with note…",
        SET_MARKER_WITH_NOTE,
        Command::SetMarkerWithNote,
    );
    for (digit, words) in data.settings.marker_keys.all() {
        let command = Command::SetNamedMarker(digit);
        item(ui, can_mark, words, keyboard::named_marker(digit), command);
    }
    if data.session_open {
        let exclude = match data.excluding {
            true => "Exclude to here",
            false => "Exclude from here",
        };
        item(ui, true, exclude, keyboard::EXCLUDE, Command::Exclude);
        item(ui, true, "Undo", keyboard::UNDO, Command::UndoAnnotation);
    }
    ui.separator();
    // The choice takes effect with the next recording.
    for choice in VideoChoice::ALL
        .into_iter()
        .filter(|choice| choice.is_built())
    {
        let label = match choice {
            VideoChoice::Annotated => "Video with boxes",
            VideoChoice::Clean => "Video without boxes",
            VideoChoice::Both => "Both videos",
            VideoChoice::None => "Values only, no video",
        };
        if item_ui(ui, Mark::Choice(data.settings.video == choice), label, "").clicked() {
            *command = Some(Command::SetVideo(choice));
        }
    }
    ui.separator();
    let shortcut = keys(ui.ctx(), keyboard::ABOUT_SESSION);
    if action_ui(ui, Mark::None, "Who and what…", &shortcut) {
        *command = Some(Command::BeginAbout);
    }
    let shortcut = keys(ui.ctx(), keyboard::MARKER_KEYS);
    if action_ui(ui, Mark::None, "Marker keys…", &shortcut) {
        *command = Some(Command::BeginMarkerKeys);
    }
    let root = data.settings.sessions_root();
    let response = item_ui(ui, Mark::None, "Recordings folder…", "");
    if response.clicked() {
        ui.close();
        *command = Some(Command::ChooseSessionsFolder);
    }
    response.on_hover_text(format!("Currently {}", root.display()));
}

fn help_ui(ui: &mut Ui, command: &mut Option<Command>) {
    let shortcut = keys(ui.ctx(), KEYBOARD);
    if action_ui(ui, Mark::None, "Keyboard shortcuts", &shortcut) {
        *command = Some(Command::ToggleKeyboard);
    }
    if action_ui(ui, Mark::None, "About fervis", "") {
        *command = Some(Command::ToggleAbout);
    }
}

fn privacy_ui(ui: &mut Ui, privacy: Option<Effect>, command: &mut Option<Command>) {
    let response = submenu_item_ui(ui, "Privacy");
    SubMenu::new().show(ui, &response, |ui| {
        ui.set_min_width(MENU_WIDTH);
        ui.spacing_mut().item_spacing.y = 1.0;
        let shortcut = keys(ui.ctx(), PRIVACY);
        note_ui(ui, &format!("Press {shortcut} to switch"));
        for (choice, label) in [
            (None, "Off"),
            (Some(Effect::Pixelate), "Pixelate faces"),
            (Some(Effect::Blur), "Blur faces"),
        ] {
            if item_ui(ui, Mark::Choice(privacy == choice), label, "").clicked() {
                *command = Some(Command::SetPrivacy(choice));
            }
        }
    });
}

/// Draws a slider of a menu. Arrow keys go from line to line there, so they must not change a value on their way.
fn slider_ui(ui: &mut Ui, label: &str, slider: Slider<'_>) -> Response {
    let mut response = None;
    if !ui.ctx().text_edit_focused() {
        ui.input_mut(|input| {
            for key in [Key::ArrowLeft, Key::ArrowRight] {
                input.consume_key(Modifiers::NONE, key);
            }
        });
    }
    ui.horizontal(|ui| {
        ui.add_space(MARK_WIDTH);
        ui.vertical(|ui| {
            ui.add_space(4.0);
            let name = ui.label(label);
            response = Some(ui.add(slider).labelled_by(name.id));
            ui.add_space(4.0);
        });
    });
    response.expect("the closures above run exactly once")
}

fn keys(ctx: &Context, shortcut: KeyboardShortcut) -> String {
    ctx.format_shortcut(&shortcut)
}
