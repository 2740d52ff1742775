//! The recording in the menu bar, and the window in which a marker's note is written.

use egui::{
    Align2, Button, Color32, Context, Key, Label, Response, RichText, Role, Sense, TextEdit,
    TextStyle, Ui, Vec2, WidgetInfo, Window, pos2, vec2,
};

use crate::{
    record::{Phase, RecorderStatus},
    session::about::About,
    time::clock,
    ui::{
        colors,
        commands::Command,
        icons::{self, Icon},
        keyboard,
        recordings::{MarkerNote, RecordingStatus},
        words::text,
    },
};

/// With less free space than this the bar says how much is left.
const LOW_SPACE_BYTES: u64 = 5_000_000_000;

/// Height of the pill with the clock, the diameter of its dot, and the space at its ends, points.
const PILL_HEIGHT: f32 = 22.0;
const PILL_DOT: f32 = 9.0;
const PILL_MARGIN: f32 = 9.0;

/// Between what stands beside the clock.
const GAP: &str = "  ";

/// More characters about the session would leave no room for the menus.
const MAX_ABOUT_CHARS: usize = 32;

/// Draws the buttons of the recording at the right end of the menu bar. The caller lays out from right to left.
pub fn bar_ui(ui: &mut Ui, status: &RecordingStatus, about: &About) -> Option<Command> {
    let palette = colors::palette(ui.ctx().theme());
    let ctx = ui.ctx().clone();
    let shortcut = |shortcut| ctx.format_shortcut(&shortcut);
    match status {
        RecordingStatus::Off { can_start } => {
            let hint = format!("{} ({})", text!("record-start"), shortcut(keyboard::RECORD));
            let clicked = ui
                .add_enabled_ui(*can_start, |ui| {
                    let response = button_ui(ui, text!("bar-record"), Some(palette.error));
                    response.on_hover_text(hint).clicked()
                })
                .inner;
            clicked
                .then_some(Command::ToggleRecording)
                .or_else(|| about_ui(ui, about))
        }
        RecordingStatus::Starting => {
            ui.label(RichText::new(text!("bar-starting")).weak());
            None
        }
        RecordingStatus::On(status) => {
            let mut command = None;
            let is_ending = matches!(status.phase, Phase::Finishing | Phase::Ended(_));
            let is_paused = status.phase == Phase::Paused;
            ui.add_enabled_ui(!is_ending, |ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                let (pause_icon, pause) = match is_paused {
                    true => (Icon::Record, text!("record-resume")),
                    false => (Icon::Pause, text!("record-pause")),
                };
                let mark = text!(
                    "bar-mark-hint",
                    key = shortcut(keyboard::SET_MARKER),
                    key_with_note = shortcut(keyboard::SET_MARKER_WITH_NOTE)
                );
                let buttons = [
                    (
                        Icon::Stop,
                        text!("record-stop"),
                        format!("{} ({})", text!("record-stop"), shortcut(keyboard::RECORD)),
                        Command::ToggleRecording,
                    ),
                    (
                        pause_icon,
                        pause,
                        format!("{pause} ({})", shortcut(keyboard::PAUSE_RECORDING)),
                        Command::PauseRecording,
                    ),
                    (Icon::Mark, text!("record-mark"), mark, Command::SetMarker),
                ];
                for (icon, name, hint, asked) in buttons {
                    if icons::bar_button_ui(ui, icon, name, &hint).clicked() {
                        command = Some(asked);
                    }
                }
            });
            let clock = clock_text(status);
            let further = further(status);
            let room = ui.available_width() - pill_width(ui, &clock) - ui.spacing().item_spacing.x;
            if let Some(text) = fitting(ui, &further, room) {
                ui.add(Label::new(RichText::new(text).monospace()).extend())
                    .on_hover_text(details(status));
            }
            let color = if is_paused || is_ending {
                palette.track
            } else {
                palette.error
            };
            pill_ui(ui, color, &clock, &further.join(GAP));
            command
        }
    }
}

/// Draws who is about to be recorded, if that was said. A click asks again.
fn about_ui(ui: &mut Ui, about: &About) -> Option<Command> {
    let texts = [&about.participant, &about.name, &about.condition];
    let texts: Vec<&str> = texts.into_iter().map(String::as_str).collect();
    let said: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
    if said.is_empty() {
        return None;
    }
    let words: String = said.join(" · ").chars().take(MAX_ABOUT_CHARS).collect();
    let button = Button::new(RichText::new(words).weak()).frame(false);
    let response = ui.add(button.truncate());
    let hint = text!("bar-about-hint");
    response
        .on_hover_text(hint)
        .clicked()
        .then_some(Command::BeginAbout)
}

/// Draws the window in which a marker's note is written.
pub fn note_ui(ctx: &Context, note: &mut MarkerNote) -> Option<Command> {
    let mut command = None;
    Window::new(text!("marker"))
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
        .show(ctx, |ui| {
            ui.set_width(320.0);
            let label = ui.label(text!("bar-note"));
            let edit = TextEdit::singleline(&mut note.text).desired_width(f32::INFINITY);
            let response = ui.add(edit).labelled_by(label.id);
            if !response.has_focus() && !response.lost_focus() {
                response.request_focus();
            }
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                if ui.button(text!("record-mark")).clicked() || entered {
                    command = Some(Command::EndNote(true));
                }
                let canceled = ui.input(|input| input.key_pressed(Key::Escape));
                if ui.button(text!("cancel")).clicked() || canceled {
                    command = Some(Command::EndNote(false));
                }
            });
        });
    command
}

/// A button with a dot before its word.
fn button_ui(ui: &mut Ui, word: &str, dot: Option<Color32>) -> Response {
    // The spaces leave room for the dot.
    let response = ui.add(Button::new(format!("     {word}")));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), word));
    if let Some(color) = dot {
        let color = if ui.is_enabled() {
            color
        } else {
            color.gamma_multiply(0.4)
        };
        let center = response.rect.left_center() + vec2(15.0, 0.0);
        ui.painter().circle_filled(center, 4.5, color);
    }
    response
}

/// Draws the clock on a pill. A screen reader says the rest with it.
fn pill_ui(ui: &mut Ui, color: Color32, clock: &str, further: &str) {
    let ink = colors::ink_on(color);
    let size = vec2(pill_width(ui, clock), PILL_HEIGHT);
    let font = TextStyle::Monospace.resolve(ui.style());
    let clock = ui.painter().layout_no_wrap(clock.to_owned(), font, ink);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let status = format!("{}{GAP}{further}", clock.text());
    let name = text!("bar-recording", status = status.trim_end());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    let painter = ui.painter();
    painter.rect_filled(rect, PILL_HEIGHT / 2.0, color);
    let dot = rect.left_center() + vec2(PILL_MARGIN + PILL_DOT / 2.0, 0.0);
    painter.circle_filled(dot, PILL_DOT / 2.0, ink);
    let left = dot.x + PILL_DOT / 2.0 + 6.0;
    let top = rect.center().y - clock.size().y / 2.0;
    painter.galley(pos2(left, top), clock, ink);
}

fn pill_width(ui: &Ui, clock: &str) -> f32 {
    text_width(ui, clock) + PILL_DOT + 2.0 * PILL_MARGIN + 6.0
}

fn text_width(ui: &Ui, text: &str) -> f32 {
    let font = TextStyle::Monospace.resolve(ui.style());
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, Color32::WHITE);
    galley.size().x
}

/// As much of what stands beside the clock as fits into `room`, points, beside the menus.
fn fitting(ui: &Ui, further: &[String], room: f32) -> Option<String> {
    let mut texts = (0..further.len()).map(|at| further[at..].join(GAP));
    texts.find(|text| text_width(ui, text) <= room)
}

/// How long the recording is.
fn clock_text(status: &RecorderStatus) -> String {
    match status.phase {
        Phase::Paused => text!("bar-paused", time = clock(status.elapsed).to_string()),
        Phase::Finishing | Phase::Ended(_) => text!("bar-finishing").to_owned(),
        Phase::Recording => clock(status.elapsed).to_string(),
    }
}

/// What stands beside the clock; what matters most comes last.
fn further(status: &RecorderStatus) -> Vec<String> {
    let mut parts = vec![size(status.n_bytes)];
    if let Some(marker) = &status.last_marker {
        parts.push(text!("bar-markers", count = marker.number));
    }
    if status.counts.refused > 0 {
        parts.push(text!("bar-dropped", count = status.counts.refused));
    }
    if let Some(free) = status.free_bytes
        && free < LOW_SPACE_BYTES
    {
        parts.push(text!("bar-free", size = size(free)));
    }
    parts
}

fn details(status: &RecorderStatus) -> String {
    let counts = status.counts;
    let mut text = text!(
        "bar-details",
        captured = counts.captured,
        analyzed = counts.analyzed,
        recorded = counts.recorded,
        faces = counts.faces
    );
    if let Some(free) = status.free_bytes {
        text.push('\n');
        text.push_str(&text!("bar-free-on-disk", size = size(free)));
    }
    text
}

/// "3.4 MB" or "1.2 GB".
fn size(bytes: u64) -> String {
    if bytes >= 1_000_000_000 {
        format!("{:.1} GB", bytes as f64 / 1e9)
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use egui::{Align, Layout};
    use egui_kittest::{Harness, kittest::Queryable as _};

    use std::time::{Duration, Instant};

    use super::*;
    use crate::{pipeline::markers::MarkerSet, session::manifest::Counts};

    fn status(phase: Phase) -> RecorderStatus {
        RecorderStatus {
            phase,
            elapsed: Duration::from_secs(125),
            counts: Counts {
                captured: 3750,
                refused: 3,
                ..Counts::default()
            },
            n_bytes: 61_400_000,
            free_bytes: Some(1_200_000_000),
            last_marker: Some(MarkerSet {
                number: 3,
                time: Duration::from_secs(61),
                text: String::new(),
            }),
            last_frame_at: Instant::now(),
        }
    }

    fn clicked(view: RecordingStatus, label: &'static str) -> Option<Command> {
        let mut harness = Harness::new_ui_state(
            move |ui, sent: &mut Option<Command>| {
                *sent = bar_ui(ui, &view, &About::default()).or(sent.take());
            },
            None,
        );
        harness.run_steps(2);
        harness.get_by_label(label).click();
        harness.run_steps(2);
        harness.into_state()
    }

    #[test]
    fn buttons_return_their_commands() {
        let off = |can_start| RecordingStatus::Off { can_start };
        assert_eq!(clicked(off(true), "Record"), Some(Command::ToggleRecording));
        assert_eq!(
            clicked(off(false), "Record"),
            None,
            "there is nothing to record"
        );
        let on = |phase| RecordingStatus::On(Box::new(status(phase)));
        assert_eq!(
            clicked(on(Phase::Recording), "Stop recording"),
            Some(Command::ToggleRecording)
        );
        assert_eq!(
            clicked(on(Phase::Recording), "Pause recording"),
            Some(Command::PauseRecording)
        );
        assert_eq!(
            clicked(on(Phase::Paused), "Resume recording"),
            Some(Command::PauseRecording)
        );
        assert_eq!(
            clicked(on(Phase::Recording), "Set marker"),
            Some(Command::SetMarker)
        );
        assert_eq!(
            clicked(on(Phase::Finishing), "Stop recording"),
            None,
            "it is stopping already"
        );
    }

    /// In a narrow window, or in a language of long words, the menus must stay free.
    #[test]
    fn without_room_the_bar_shows_what_matters_most() {
        for (width, text) in [
            (600.0, "61.4 MB  3 markers  3 dropped  1.2 GB free"),
            (400.0, "3 dropped  1.2 GB free"),
        ] {
            let mut harness = Harness::builder().with_size([width, 40.0]).build_ui(|ui| {
                let view = RecordingStatus::On(Box::new(status(Phase::Recording)));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    bar_ui(ui, &view, &About::default())
                });
            });
            harness.run_steps(2);
            harness.get_by_label(text);
            let pill = harness.get_by_label_contains("Recording 2:05").rect();
            assert!(pill.left() >= 0.0, "{pill}");
        }
    }

    #[test]
    fn the_bar_shows_time_size_drops_and_space() {
        let text = |status: &RecorderStatus| {
            format!("{}  {}", clock_text(status), further(status).join(GAP))
        };
        assert_eq!(
            text(&status(Phase::Recording)),
            "2:05  61.4 MB  3 markers  3 dropped  1.2 GB free"
        );
        let mut roomy = status(Phase::Paused);
        roomy.counts.refused = 0;
        roomy.free_bytes = Some(50_000_000_000);
        assert_eq!(text(&roomy), "paused 2:05  61.4 MB  3 markers");
        roomy.last_marker = None;
        assert_eq!(text(&roomy), "paused 2:05  61.4 MB");
    }
}
