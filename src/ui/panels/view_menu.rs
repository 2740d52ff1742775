//! The View menu: what is shown, and how faces are read.

use std::time::Duration;

use egui::{Key, KeyboardShortcut, Modifiers, Response, Slider, ThemePreference, Ui};

use super::menu_item::{MARK_WIDTH, Mark, action_ui, item_ui, note_ui, submenu_ui};
use crate::{
    detect::Detector,
    model::Views,
    privacy::Effect,
    ui::{
        commands::Command,
        keyboard::{
            BARS, BOXES, FORGET_NEUTRAL, MIRROR, PRIVACY, SET_NEUTRAL, TIMELINE,
            UNCERTAIN_BY_NETWORK, VIEWS, fullscreen,
        },
        settings::{FACE_SIZES_PX, MAX_SMOOTHING_MS, MAX_UNCERTAIN_PERCENT, UiSettings},
        words::{Language, text},
    },
};

/// What the menu shows.
#[derive(Debug, Clone, Copy)]
pub struct ViewData<'a> {
    /// Whether the view is mirrored.
    pub mirror: bool,
    /// Whether a session is open.
    pub session_open: bool,
    /// Below this probability, %, no expression is named: the setting, or else the network's own threshold.
    pub uncertain_below_percent: u32,
    /// All other settings.
    pub settings: &'a UiSettings,
}

/// The menu.
#[derive(Debug, Default)]
pub struct ViewMenu {
    /// Values of the sliders while they are dragged.
    smoothing_ms: u32,
    uncertain_below_percent: u32,
    min_face_size_px: u32,
}

impl ViewMenu {
    /// Draws the menu.
    pub fn ui(&mut self, ui: &mut Ui, data: ViewData<'_>, command: &mut Option<Command>) {
        let settings = data.settings;
        let ctx = ui.ctx().clone();
        let shortcut = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
        let (mirror, boxes, bars) = (shortcut(MIRROR), shortcut(BOXES), shortcut(BARS));
        if item_ui(ui, Mark::Check(data.mirror), text!("view-mirror"), &mirror).clicked() {
            *command = Some(Command::SetMirror(!data.mirror));
        }
        if item_ui(ui, Mark::Check(settings.boxes), text!("view-boxes"), &boxes).clicked() {
            *command = Some(Command::SetBoxes(!settings.boxes));
        }
        if item_ui(ui, Mark::Check(settings.mesh), text!("view-mesh"), "").clicked() {
            *command = Some(Command::SetMesh(!settings.mesh));
        }
        if item_ui(ui, Mark::Check(settings.bars), text!("view-bars"), &bars).clicked() {
            *command = Some(Command::SetBars(!settings.bars));
        }
        let key = shortcut(fullscreen(ctx.os()));
        if action_ui(ui, Mark::None, text!("view-fullscreen"), &key) {
            *command = Some(Command::ToggleFullscreen);
        }
        let key = shortcut(TIMELINE);
        if item_ui(
            ui,
            Mark::Check(settings.timeline),
            text!("view-timeline"),
            &key,
        )
        .clicked()
        {
            *command = Some(Command::SetTimeline(!settings.timeline));
        }
        if item_ui(
            ui,
            Mark::Check(settings.statistics),
            text!("view-statistics"),
            "",
        )
        .clicked()
        {
            *command = Some(Command::SetStatistics(!settings.statistics));
        }
        privacy_ui(ui, settings.privacy, command);
        ui.separator();
        self.smoothing_ms = settings.smoothing_ms;
        let slider = Slider::new(&mut self.smoothing_ms, 0..=MAX_SMOOTHING_MS)
            .step_by(50.0)
            .suffix(" ms");
        if slider_ui(ui, text!("view-smoothing"), slider).changed() {
            *command = Some(Command::SetSmoothing(Duration::from_millis(
                self.smoothing_ms.into(),
            )));
        }
        let mark = Mark::Check(settings.views == Views::Flip);
        let key = shortcut(VIEWS);
        if item_ui(ui, mark, text!("view-averaging"), &key).clicked() {
            *command = Some(Command::SetViews(settings.views.other()));
        }
        if !data.session_open {
            let key = shortcut(SET_NEUTRAL);
            if item_ui(ui, Mark::None, text!("view-set-neutral"), &key).clicked() {
                *command = Some(Command::SetNeutral(true));
            }
            let key = shortcut(FORGET_NEUTRAL);
            if item_ui(ui, Mark::None, text!("view-forget-neutral"), &key).clicked() {
                *command = Some(Command::SetNeutral(false));
            }
        }
        self.uncertain_below_percent = data.uncertain_below_percent;
        let slider =
            Slider::new(&mut self.uncertain_below_percent, 0..=MAX_UNCERTAIN_PERCENT).suffix(" %");
        if slider_ui(ui, text!("view-uncertain"), slider).changed() {
            *command = Some(Command::SetUncertainBelow(Some(
                self.uncertain_below_percent,
            )));
        }
        let by_network = settings.uncertain_below_percent.is_none();
        let mark = Mark::Check(by_network);
        let key = shortcut(UNCERTAIN_BY_NETWORK);
        if item_ui(ui, mark, text!("view-own-threshold"), &key).clicked() {
            *command = Some(Command::SetUncertainBelow(
                by_network.then_some(data.uncertain_below_percent),
            ));
        }
        self.min_face_size_px = settings.min_face_size_px;
        let slider = Slider::new(&mut self.min_face_size_px, FACE_SIZES_PX)
            .step_by(10.0)
            .suffix(" px");
        if slider_ui(ui, text!("view-min-face"), slider).changed() {
            *command = Some(Command::SetMinFaceSize(self.min_face_size_px));
        }
        let rustface_alone = settings.detector == Detector::Rustface;
        if item_ui(ui, Mark::Check(rustface_alone), text!("view-rustface"), "").clicked() {
            *command = Some(Command::SetDetector(if rustface_alone {
                Detector::Both
            } else {
                Detector::Rustface
            }));
        }
        ui.separator();
        note_ui(ui, text!("view-theme"));
        let theme = settings.theme;
        for (choice, label) in [
            (ThemePreference::System, text!("view-follow-system")),
            (ThemePreference::Light, text!("view-theme-light")),
            (ThemePreference::Dark, text!("view-theme-dark")),
        ] {
            if item_ui(ui, Mark::Choice(theme == choice), label, "").clicked() {
                *command = Some(Command::SetTheme(choice));
            }
        }
        language_ui(ui, settings.language, command);
    }
}

fn privacy_ui(ui: &mut Ui, privacy: Option<Effect>, command: &mut Option<Command>) {
    submenu_ui(ui, text!("view-privacy"), |ui| {
        let shortcut = ui.ctx().format_shortcut(&PRIVACY);
        note_ui(ui, &text!("view-privacy-key", key = shortcut));
        for (choice, label) in [
            (None, text!("view-privacy-off")),
            (Some(Effect::Pixelate), text!("view-privacy-pixelate")),
            (Some(Effect::Blur), text!("view-privacy-blur")),
        ] {
            if item_ui(ui, Mark::Choice(privacy == choice), label, "").clicked() {
                *command = Some(Command::SetPrivacy(choice));
            }
        }
    });
}

fn language_ui(ui: &mut Ui, chosen: Option<Language>, command: &mut Option<Command>) {
    submenu_ui(ui, text!("view-language"), |ui| {
        let system = (None, text!("view-follow-system"));
        let languages = Language::ALL.map(|language| (Some(language), language.own_name()));
        for (choice, label) in [system].into_iter().chain(languages) {
            if item_ui(ui, Mark::Choice(chosen == choice), label, "").clicked() {
                *command = Some(Command::SetLanguage(choice));
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
