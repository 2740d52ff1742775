//! The bar below a file's frame: play, step, position, speed. And the menu with the same commands.
//!
//! The slider keeps the position it was dragged to until it is released: the frame that arrives lies a little before it,
//! and a handle that jumps back under the pointer would request the same position again and again.

use std::time::Duration;

use egui::{
    Align, Button, FontId, KeyboardShortcut, Layout, Slider, TextStyle, Ui,
    containers::menu::MenuButton, vec2,
};

use super::menu_item::{Mark, action_ui, note_ui};
use crate::{
    time::clock,
    ui::{
        colors,
        commands::{Command, PlayCommand},
        icons::{self, Icon},
        keyboard::{
            FASTER, LOOP, PLAY, SKIP_BACK, SKIP_FORWARD, SLOWER, START, STEP_BACK, STEP_FORWARD,
        },
        player::{PlayerStatus, SPEED_STEPS},
        words::text,
    },
};

/// Height of the bar without its margins, points.
pub const HEIGHT: f32 = 30.0;
/// Width of the button of the speed menu, points: room for "Speed 0.25×".
const SPEED_WIDTH: f32 = 104.0;

/// The bar.
#[derive(Debug, Default)]
pub struct TransportBar {
    /// The position at which the slider is held.
    held: Option<Duration>,
}

impl TransportBar {
    /// Draws the bar.
    pub fn ui(&mut self, ui: &mut Ui, status: PlayerStatus) -> Option<Command> {
        let mut command = None;
        let mut switched = None;
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), HEIGHT),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let buttons = [
                    (
                        Icon::StepBack,
                        text!("play-step-back"),
                        PlayCommand::StepBack,
                    ),
                    if status.paused || status.is_over {
                        (Icon::Play, text!("play-play"), PlayCommand::TogglePause)
                    } else {
                        (Icon::Pause, text!("play-pause"), PlayCommand::TogglePause)
                    },
                    (
                        Icon::StepForward,
                        text!("play-step-forward"),
                        PlayCommand::StepForward,
                    ),
                ];
                for (icon, name, playback) in buttons {
                    if icons::button_ui(ui, icon, name).clicked() {
                        command = Some(playback);
                    }
                }
                ui.add_space(8.0);
                match status.picture {
                    Some(picture) => picture_ui(ui, picture),
                    None => time_ui(ui, self.held.unwrap_or(status.position), status.duration),
                }
                ui.add_space(8.0);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    command = speed_ui(ui, status.speed).or(command);
                    if icons::toggle_ui(ui, Icon::Loop, status.looped, text!("keys-loop")).clicked()
                    {
                        switched = Some(Command::SetLoop(!status.looped));
                    }
                    ui.add_space(4.0);
                    if let Some(duration) = status.duration {
                        command = self.slider_ui(ui, status, duration).or(command);
                    }
                });
            },
        );
        command.map(Command::from).or(switched)
    }

    fn slider_ui(
        &mut self,
        ui: &mut Ui,
        status: PlayerStatus,
        duration: Duration,
    ) -> Option<PlayCommand> {
        let position = status.position;
        let length_s = duration.as_secs_f64().max(0.001);
        let mut position_s = self.held.unwrap_or(position).as_secs_f64();
        ui.spacing_mut().slider_width = ui.available_width();
        let slider = Slider::new(&mut position_s, 0.0..=length_s)
            .show_value(false)
            .smart_aim(false);
        let response = ui.add(slider);
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_label(text!("play-position"));
            node.set_value(match status.picture {
                Some((number, n_pictures)) => {
                    text!("play-picture-of", number = number, all = n_pictures)
                }
                None => format!("{:.1}", clock(position)),
            });
        });
        let place = Duration::try_from_secs_f64(position_s).unwrap_or_default();
        let is_held = response.is_pointer_button_down_on();
        let command = if response.changed() {
            self.held = is_held.then_some(place);
            Some(if is_held {
                PlayCommand::Drag(place)
            } else {
                PlayCommand::Seek(place)
            })
        } else if !is_held && self.held.take().is_some() {
            Some(PlayCommand::EndDrag)
        } else {
            None
        };
        if let Some(pointer) = response.hover_pos().filter(|_| !is_held) {
            // The center of the handle stays half its width inside either end of the slider.
            let radius = response.rect.height() / 2.5;
            let rail = response.rect.shrink2(vec2(radius, 0.0)).x_range();
            let share = ((pointer.x - rail.min) / rail.span().max(1.0)).clamp(0.0, 1.0);
            let time = duration.mul_f32(share);
            let words = match status.picture {
                Some((_, n_pictures)) => {
                    let before = (share * n_pictures as f32) as u64;
                    text!("play-picture", number = (before + 1).min(n_pictures))
                }
                None => format!("{:.1}", clock(time)),
            };
            response.on_hover_text_at_pointer(words);
        }
        command
    }
}

/// "0:07.3 / 1:02.0", in a slot that does not move while the digits change.
fn time_ui(ui: &mut Ui, position: Duration, duration: Option<Duration>) {
    let palette = colors::palette(ui.ctx().theme());
    let font: FontId = TextStyle::Body.resolve(ui.style());
    let text = match duration {
        Some(duration) => format!(
            "{:.1} / {:.1}",
            clock(position.min(duration)),
            clock(duration)
        ),
        None => format!("{:.1}", clock(position)),
    };
    // All digits have the same width in egui's font; the longest time sets the width.
    let widest = match duration {
        Some(duration) => format!("{0:.1} / {0:.1}", clock(duration)),
        None => text.clone(),
    };
    let width = ui
        .painter()
        .layout_no_wrap(widest, font, palette.text)
        .size()
        .x;
    ui.allocate_ui_with_layout(
        vec2(width, HEIGHT),
        Layout::right_to_left(Align::Center),
        |ui| ui.add(egui::Label::new(text).extend()),
    );
}

/// "2 of 4": pictures have no time of their own.
fn picture_ui(ui: &mut Ui, (number, n_pictures): (u64, u64)) {
    ui.add(egui::Label::new(picture_text(number, n_pictures)).extend());
}

/// Which of the pictures in a folder is shown.
pub fn picture_text(number: u64, n_pictures: u64) -> String {
    text!("play-of", number = number, all = n_pictures)
}

fn speed_ui(ui: &mut Ui, speed: f64) -> Option<PlayCommand> {
    let mut command = None;
    let button = Button::new(speed_text(speed)).min_size(vec2(SPEED_WIDTH, 0.0));
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        command = speeds_ui(ui, speed);
    });
    response.on_hover_text(text!("play-speed-hint"));
    command
}

fn speeds_ui(ui: &mut Ui, speed: f64) -> Option<PlayCommand> {
    let mut command = None;
    for step in SPEED_STEPS {
        if action_ui(ui, Mark::Choice(step == speed), &format!("{step}×"), "") {
            command = Some(PlayCommand::SetSpeed(step));
        }
    }
    command
}

fn speed_text(speed: f64) -> String {
    text!("play-speed", speed = speed.to_string())
}

/// The content of the menu; disabled without a file that can be paused.
pub fn menu_ui(ui: &mut Ui, status: Option<PlayerStatus>, command: &mut Option<Command>) {
    let ctx = ui.ctx().clone();
    let name = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    let (play, back, forward, start) =
        (name(PLAY), name(SKIP_BACK), name(SKIP_FORWARD), name(START));
    let is_playing = status.is_some_and(|status| !status.paused && !status.is_over);
    let play_label = if is_playing {
        text!("play-pause")
    } else {
        text!("play-play")
    };
    let groups: [&[(&str, String, PlayCommand)]; 3] = [
        &[
            (play_label, play, PlayCommand::TogglePause),
            (
                text!("play-step-back"),
                STEP_BACK.to_string(),
                PlayCommand::StepBack,
            ),
            (
                text!("play-step-forward"),
                STEP_FORWARD.to_string(),
                PlayCommand::StepForward,
            ),
        ],
        &[
            (text!("play-back"), back, PlayCommand::SkipBack),
            (text!("play-forward"), forward, PlayCommand::SkipForward),
            (
                text!("play-start"),
                start,
                PlayCommand::Seek(Duration::ZERO),
            ),
        ],
        &[
            (
                text!("play-slower"),
                SLOWER.to_string(),
                PlayCommand::Slower,
            ),
            (
                text!("play-faster"),
                FASTER.to_string(),
                PlayCommand::Faster,
            ),
        ],
    ];
    ui.add_enabled_ui(status.is_some(), |ui| {
        for items in groups {
            for (label, shortcut, playback) in items {
                if action_ui(ui, Mark::None, label, shortcut) {
                    *command = Some((*playback).into());
                }
            }
            ui.separator();
        }
    });
    ui.add_enabled_ui(status.is_some(), |ui| {
        let looped = status.is_some_and(|status| status.looped);
        if action_ui(ui, Mark::Check(looped), text!("keys-loop"), &name(LOOP)) {
            *command = Some(Command::SetLoop(!looped));
        }
        ui.separator();
    });
    match status {
        Some(status) => note_ui(ui, &speed_text(status.speed)),
        None => note_ui(ui, text!("play-unavailable")),
    }
}

#[cfg(test)]
mod tests {
    use egui::accesskit::Role;
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    const STATUS: PlayerStatus = PlayerStatus {
        position: Duration::from_millis(7_300),
        duration: Some(Duration::from_secs(62)),
        paused: false,
        is_over: false,
        speed: 1.0,
        picture: None,
        looped: false,
    };

    fn harness(status: PlayerStatus) -> Harness<'static, Vec<Command>> {
        let mut bar = TransportBar::default();
        let mut harness = Harness::builder().with_size([720.0, 60.0]).build_ui_state(
            move |ui, sent: &mut Vec<Command>| sent.extend(bar.ui(ui, status)),
            Vec::new(),
        );
        harness.run_steps(2);
        harness
    }

    fn click(status: PlayerStatus, label: &str) -> Vec<Command> {
        let mut harness = harness(status);
        harness.get_by_label(label).click();
        harness.run_steps(2);
        harness.into_state()
    }

    #[test]
    fn buttons_return_their_commands() {
        let check = |status, label, playback| {
            assert_eq!(click(status, label), [Command::Play(playback)], "{label}");
        };
        check(STATUS, "Pause", PlayCommand::TogglePause);
        check(STATUS, "Step back", PlayCommand::StepBack);
        check(STATUS, "Step forward", PlayCommand::StepForward);
        let paused = PlayerStatus {
            paused: true,
            ..STATUS
        };
        check(paused, "Play", PlayCommand::TogglePause);
        let over = PlayerStatus {
            is_over: true,
            ..STATUS
        };
        check(over, "Play", PlayCommand::TogglePause);
    }

    #[test]
    fn the_time_is_shown_beside_the_slider() {
        harness(STATUS).get_by_label("0:07.3 / 1:02.0");
        let endless = PlayerStatus {
            duration: None,
            ..STATUS
        };
        let harness = harness(endless);
        harness.get_by_label("0:07.3");
        assert!(harness.query_by_role(Role::Slider).is_none());
    }

    #[test]
    fn pictures_are_counted() {
        let folder = PlayerStatus {
            picture: Some((2, 4)),
            ..STATUS
        };
        let harness = harness(folder);
        harness.get_by_label("2 of 4");
        assert!(harness.query_by_label_contains("0:07.3").is_none());
    }

    #[test]
    fn the_loop_is_switched() {
        assert_eq!(click(STATUS, "Loop"), [Command::SetLoop(true)]);
        let looped = PlayerStatus {
            looped: true,
            ..STATUS
        };
        assert_eq!(click(looped, "Loop"), [Command::SetLoop(false)]);
    }

    #[test]
    fn the_slider_seeks() {
        let mut harness = harness(STATUS);
        let slider = harness.get_by_role_and_label(Role::Slider, "Position");
        slider.set_value_accesskit(31.0);
        harness.run_steps(2);
        let expected = PlayCommand::Seek(Duration::from_secs(31)).into();
        assert_eq!(harness.state(), &[expected]);
    }

    #[test]
    fn a_held_slider_requests_each_position_once() {
        let mut harness = harness(STATUS);
        let rect = harness.get_by_role(Role::Slider).rect();
        harness.drag_at(rect.center());
        harness.run_steps(4);
        let [Command::Play(PlayCommand::Drag(place))] = harness.state()[..] else {
            panic!("{:?}", harness.state());
        };
        assert!(place.abs_diff(Duration::from_secs(31)) < Duration::from_secs(1));
        harness.drop_at(rect.center());
        harness.run_steps(2);
        assert_eq!(
            harness.state().last(),
            Some(&Command::Play(PlayCommand::EndDrag))
        );
    }

    #[test]
    fn the_speed_is_chosen_from_a_menu() {
        let mut harness = harness(STATUS);
        harness.get_by_label("Speed 1×").click();
        harness.run_steps(2);
        harness.get_by_label("0.25×").click();
        harness.run_steps(2);
        let expected = PlayCommand::SetSpeed(0.25).into();
        assert_eq!(harness.state(), &[expected]);
    }
}
