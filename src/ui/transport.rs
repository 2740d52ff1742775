//! The bar under the picture of a file: play, step, where it is, how fast. And the menu that says the same in words.
//!
//! The slider keeps the place it was dragged to until it is let go: the frame that comes lies a little before it, and
//! a handle that jumps back under the pointer would ask for the same place again and again.

use std::time::Duration;

use egui::{
    Align, Button, Context, FontId, Key, KeyboardShortcut, Layout, Modifiers, Slider, TextStyle,
    Ui, containers::menu::MenuButton, vec2,
};

use super::{
    colors,
    commands::Command,
    icons::{self, Icon},
    menu_item::{Mark, action_ui, note_ui},
    player::{Playback, PlayerView, SPEED_STEPS},
};
use crate::time::clock;

/// Height of the bar without its margins, points.
pub const HEIGHT: f32 = 30.0;
/// Width of the button of the speed menu, points: room for "Speed 0.25×".
const SPEED_WIDTH: f32 = 104.0;

/// Play and pause.
pub const PLAY: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Space);
/// Back by five seconds.
pub const SKIP_BACK: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::ArrowLeft);
/// On by five seconds.
pub const SKIP_FORWARD: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::ArrowRight);
/// To the start.
pub const START: KeyboardShortcut = KeyboardShortcut::new(Modifiers::NONE, Key::Home);
/// Characters, since on many keyboards some of them need Shift: step back and forward, slower and faster.
pub const STEP_BACK: char = ',';
/// See [`STEP_BACK`].
pub const STEP_FORWARD: char = '.';
/// See [`STEP_BACK`].
pub const SLOWER: char = '<';
/// See [`STEP_BACK`].
pub const FASTER: char = '>';

/// The bar.
#[derive(Debug, Default)]
pub struct TransportBar {
    /// Where the slider is held.
    held: Option<Duration>,
}

impl TransportBar {
    /// Draws the bar.
    pub fn ui(&mut self, ui: &mut Ui, view: PlayerView) -> Option<Command> {
        let mut wish = None;
        ui.allocate_ui_with_layout(
            vec2(ui.available_width(), HEIGHT),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let buttons = [
                    (Icon::StepBack, "Step back", Playback::StepBack),
                    if view.paused || view.is_over {
                        (Icon::Play, "Play", Playback::TogglePause)
                    } else {
                        (Icon::Pause, "Pause", Playback::TogglePause)
                    },
                    (Icon::StepForward, "Step forward", Playback::StepForward),
                ];
                for (icon, name, playback) in buttons {
                    if icons::button_ui(ui, icon, name).clicked() {
                        wish = Some(playback);
                    }
                }
                ui.add_space(8.0);
                time_ui(ui, self.held.unwrap_or(view.position), view.duration);
                ui.add_space(8.0);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    wish = speed_ui(ui, view.speed).or(wish);
                    ui.add_space(8.0);
                    if let Some(duration) = view.duration {
                        wish = self.slider_ui(ui, view.position, duration).or(wish);
                    }
                });
            },
        );
        wish.map(Command::from)
    }

    fn slider_ui(
        &mut self,
        ui: &mut Ui,
        position: Duration,
        duration: Duration,
    ) -> Option<Playback> {
        let length_s = duration.as_secs_f64().max(0.001);
        let mut position_s = self.held.unwrap_or(position).as_secs_f64();
        ui.spacing_mut().slider_width = ui.available_width();
        let slider = Slider::new(&mut position_s, 0.0..=length_s)
            .show_value(false)
            .smart_aim(false);
        let response = ui.add(slider);
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_label("Position");
            node.set_value(format!("{:.1}", clock(position)));
        });
        let place = Duration::try_from_secs_f64(position_s).unwrap_or_default();
        let is_held = response.is_pointer_button_down_on();
        let wish = if response.changed() {
            self.held = is_held.then_some(place);
            Some(if is_held {
                Playback::DragTo(place)
            } else {
                Playback::GoTo(place)
            })
        } else if !is_held && self.held.take().is_some() {
            Some(Playback::EndDrag)
        } else {
            None
        };
        if let Some(pointer) = response.hover_pos().filter(|_| !is_held) {
            // The handle's middle goes from half its width in the slider to half before its end.
            let radius = response.rect.height() / 2.5;
            let rail = response.rect.shrink2(vec2(radius, 0.0)).x_range();
            let share = ((pointer.x - rail.min) / rail.span().max(1.0)).clamp(0.0, 1.0);
            let time = clock(duration.mul_f32(share));
            response.on_hover_text_at_pointer(format!("{time:.1}"));
        }
        wish
    }
}

/// "0:07.3 / 1:02.0", in a slot that does not move while the figures change.
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
    // Digits are equally wide in egui's font; the longest time decides.
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

fn speed_ui(ui: &mut Ui, speed: f64) -> Option<Playback> {
    let mut wish = None;
    let button = Button::new(speed_text(speed)).min_size(vec2(SPEED_WIDTH, 0.0));
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        wish = speeds_ui(ui, speed);
    });
    response.on_hover_text("How fast the file plays");
    wish
}

fn speeds_ui(ui: &mut Ui, speed: f64) -> Option<Playback> {
    let mut wish = None;
    for step in SPEED_STEPS {
        if action_ui(ui, Mark::Choice(step == speed), &format!("{step}×"), "") {
            wish = Some(Playback::SetSpeed(step));
        }
    }
    wish
}

fn speed_text(speed: f64) -> String {
    format!("Speed {speed}×")
}

/// The content of the menu; without a file that can be paused everything in it rests.
pub fn menu_ui(ui: &mut Ui, view: Option<PlayerView>, command: &mut Option<Command>) {
    let name = |shortcut: KeyboardShortcut| ui.ctx().format_shortcut(&shortcut);
    let (play, back, on, start) = (name(PLAY), name(SKIP_BACK), name(SKIP_FORWARD), name(START));
    let is_playing = view.is_some_and(|view| !view.paused && !view.is_over);
    let play_label = if is_playing { "Pause" } else { "Play" };
    let groups: [&[(&str, String, Playback)]; 3] = [
        &[
            (play_label, play, Playback::TogglePause),
            ("Step back", STEP_BACK.to_string(), Playback::StepBack),
            (
                "Step forward",
                STEP_FORWARD.to_string(),
                Playback::StepForward,
            ),
        ],
        &[
            ("Back 5 seconds", back, Playback::SkipBack),
            ("On 5 seconds", on, Playback::SkipForward),
            ("To the start", start, Playback::GoTo(Duration::ZERO)),
        ],
        &[
            ("Slower", SLOWER.to_string(), Playback::Slower),
            ("Faster", FASTER.to_string(), Playback::Faster),
        ],
    ];
    ui.add_enabled_ui(view.is_some(), |ui| {
        for items in groups {
            for (label, shortcut, playback) in items {
                if action_ui(ui, Mark::None, label, shortcut) {
                    *command = Some((*playback).into());
                }
            }
            ui.separator();
        }
    });
    match view {
        Some(view) => note_ui(ui, &speed_text(view.speed)),
        None => note_ui(ui, "For videos, animations and folders"),
    }
}

/// Takes a key that is about a file that plays. A widget that has the focus keeps the keys that work it.
pub fn take_key(ctx: &Context) -> Option<Playback> {
    let has_focus = ctx.memory(|memory| memory.focused().is_some());
    ctx.input_mut(|input| {
        if !has_focus && !input.modifiers.any() {
            for (shortcut, playback) in [
                (PLAY, Playback::TogglePause),
                (SKIP_BACK, Playback::SkipBack),
                (SKIP_FORWARD, Playback::SkipForward),
                (START, Playback::GoTo(Duration::ZERO)),
            ] {
                if input.consume_shortcut(&shortcut) {
                    return Some(playback);
                }
            }
        }
        for (character, playback) in [
            (STEP_BACK, Playback::StepBack),
            (STEP_FORWARD, Playback::StepForward),
            (SLOWER, Playback::Slower),
            (FASTER, Playback::Faster),
        ] {
            if take_character(input, character) {
                return Some(playback);
            }
        }
        None
    })
}

/// Takes a typed character out of the input; true if it was there.
pub fn take_character(input: &mut egui::InputState, character: char) -> bool {
    let is_it = |event: &egui::Event| matches!(event, egui::Event::Text(text) if text.chars().eq([character]));
    let at = input.events.iter().position(is_it);
    at.map(|at| input.events.remove(at)).is_some()
}

/// The lines for the Keyboard window.
pub fn keys(ctx: &Context) -> Vec<(String, &'static str)> {
    let name = |shortcut: KeyboardShortcut| ctx.format_shortcut(&shortcut);
    vec![
        (name(PLAY), "Play and pause"),
        (
            format!("{} and {}", name(SKIP_BACK), name(SKIP_FORWARD)),
            "Back and on by 5 seconds",
        ),
        (name(START), "To the start"),
        (
            format!("{STEP_BACK} and {STEP_FORWARD}"),
            "One frame back and forward",
        ),
        (format!("{SLOWER} and {FASTER}"), "Slower and faster"),
    ]
}

#[cfg(test)]
mod tests {
    use egui::accesskit::Role;
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    const VIEW: PlayerView = PlayerView {
        position: Duration::from_millis(7_300),
        duration: Some(Duration::from_secs(62)),
        paused: false,
        is_over: false,
        speed: 1.0,
    };

    fn harness(view: PlayerView) -> Harness<'static, Vec<Command>> {
        let mut bar = TransportBar::default();
        let mut harness = Harness::builder().with_size([720.0, 60.0]).build_ui_state(
            move |ui, sent: &mut Vec<Command>| sent.extend(bar.ui(ui, view)),
            Vec::new(),
        );
        harness.run_steps(2);
        harness
    }

    fn click(view: PlayerView, label: &str) -> Vec<Command> {
        let mut harness = harness(view);
        harness.get_by_label(label).click();
        harness.run_steps(2);
        harness.into_state()
    }

    #[test]
    fn buttons_say_what_they_do() {
        let check = |view, label, playback| {
            assert_eq!(click(view, label), [Command::Playback(playback)], "{label}");
        };
        check(VIEW, "Pause", Playback::TogglePause);
        check(VIEW, "Step back", Playback::StepBack);
        check(VIEW, "Step forward", Playback::StepForward);
        let paused = PlayerView {
            paused: true,
            ..VIEW
        };
        check(paused, "Play", Playback::TogglePause);
        let over = PlayerView {
            is_over: true,
            ..VIEW
        };
        check(over, "Play", Playback::TogglePause);
    }

    #[test]
    fn the_time_is_written_beside_the_slider() {
        harness(VIEW).get_by_label("0:07.3 / 1:02.0");
        let endless = PlayerView {
            duration: None,
            ..VIEW
        };
        let harness = harness(endless);
        harness.get_by_label("0:07.3");
        assert!(harness.query_by_role(Role::Slider).is_none());
    }

    #[test]
    fn the_slider_goes_where_it_is_put() {
        let mut harness = harness(VIEW);
        let slider = harness.get_by_role_and_label(Role::Slider, "Position");
        slider.set_value_accesskit(31.0);
        harness.run_steps(2);
        let expected = Playback::GoTo(Duration::from_secs(31)).into();
        assert_eq!(harness.state(), &[expected]);
    }

    #[test]
    fn a_held_slider_asks_for_each_place_once() {
        let mut harness = harness(VIEW);
        let rect = harness.get_by_role(Role::Slider).rect();
        harness.drag_at(rect.center());
        harness.run_steps(4);
        let [Command::Playback(Playback::DragTo(place))] = harness.state()[..] else {
            panic!("{:?}", harness.state());
        };
        assert!(place.abs_diff(Duration::from_secs(31)) < Duration::from_secs(1));
        harness.drop_at(rect.center());
        harness.run_steps(2);
        assert_eq!(
            harness.state().last(),
            Some(&Command::Playback(Playback::EndDrag))
        );
    }

    #[test]
    fn the_speed_is_chosen_from_a_menu() {
        let mut harness = harness(VIEW);
        harness.get_by_label("Speed 1×").click();
        harness.run_steps(2);
        harness.get_by_label("0.25×").click();
        harness.run_steps(2);
        let expected = Playback::SetSpeed(0.25).into();
        assert_eq!(harness.state(), &[expected]);
    }
}
