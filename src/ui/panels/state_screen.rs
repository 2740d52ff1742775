//! What stands in the middle of the window when there is no live frame: what is wrong, and what to do.

use egui::{
    Align, Button, CornerRadius, Frame, Layout, Margin, Rect, RichText, Sense, Spinner, Stroke, Ui,
    UiBuilder, Vec2, vec2,
};

use super::recent::Recent;
use crate::{
    capture::SourceSpec,
    pipeline::SourceState,
    ui::{
        colors,
        commands::Command,
        icons::{self, Icon},
        messages::sentence,
        words::text,
    },
};

/// Width of the card where there is room for it, points.
const WIDTH: f32 = 420.0;

/// Most lines with what was opened before.
const MAX_RECENT: usize = 6;
/// Height of such a line, points.
const RECENT_HEIGHT: f32 = 26.0;
/// Height of a card without them, with room around it, points.
const HEIGHT_WITHOUT_RECENT: f32 = 290.0;

/// The text for a state, and what can be done about it.
struct Words {
    icon: Option<Icon>,
    title: &'static str,
    body: String,
    offer: Offer,
}

/// What can be opened instead.
#[derive(Clone, Copy, PartialEq)]
enum Offer {
    Nothing,
    /// The demo, or a file.
    Demo,
    /// Another file, or the demo.
    File,
}

/// Draws the card for `state` into the middle of `area`; nothing for states that show a frame.
pub fn state_screen_ui(
    ui: &mut Ui,
    area: Rect,
    state: &SourceState,
    source: Option<&SourceSpec>,
    recent: &[Recent],
) -> Option<Command> {
    let words = words(state, source)?;
    let mut command = None;
    card_ui(ui, area, "state", |ui| {
        match words.icon {
            Some(icon) => {
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(44.0), Sense::hover());
                let color = colors::palette(ui.ctx().theme()).weak_text;
                icons::paint(ui.painter(), rect, icon, color);
            }
            None => {
                ui.add(Spinner::new().size(32.0));
            }
        }
        ui.add_space(8.0);
        ui.label(RichText::new(words.title).heading());
        if !words.body.is_empty() {
            ui.label(RichText::new(&words.body).weak());
        }
        if words.offer != Offer::Nothing {
            ui.add_space(12.0);
            command = buttons_ui(ui, words.offer);
            let room = area.height() - HEIGHT_WITHOUT_RECENT;
            let n = ((room / RECENT_HEIGHT).max(0.0) as usize).min(MAX_RECENT);
            command = recent_ui(ui, &recent[..n.min(recent.len())]).or(command.take());
        }
    });
    command
}

/// Draws a line over the bottom of the frame: the file has ended, and can be played again.
pub fn ended_ui(ui: &mut Ui, frame: Rect, text: &str) -> Option<Command> {
    let size = vec2(400.0_f32.min(frame.width()), 44.0);
    let rect = Rect::from_center_size(
        egui::pos2(frame.center().x, frame.bottom() - 16.0 - size.y / 2.0),
        size,
    );
    let palette = colors::palette(ui.ctx().theme());
    ui.painter().rect(
        rect,
        CornerRadius::same(10),
        palette.card,
        Stroke::new(1.0, palette.line),
        egui::StrokeKind::Inside,
    );
    let mut command = None;
    let inner = rect.shrink2(vec2(14.0, 6.0));
    ui.scope_builder(
        UiBuilder::new()
            .max_rect(inner)
            .layout(Layout::right_to_left(Align::Center)),
        |ui| {
            if ui.button(text!("source-play-again")).clicked() {
                command = Some(Command::PlayAgain);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(text).truncate());
            });
        },
    );
    command
}

/// Draws the invitation to drop a dragged file.
pub fn drop_ui(ui: &mut Ui, area: Rect) {
    let palette = colors::palette(ui.ctx().theme());
    let frame = area.shrink(10.0);
    ui.painter()
        .rect_filled(area, 0.0, palette.canvas.gamma_multiply(0.85));
    ui.painter().rect_stroke(
        frame,
        CornerRadius::same(12),
        Stroke::new(2.0, palette.accent),
        egui::StrokeKind::Inside,
    );
    card_ui(ui, area, "drop", |ui| {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(44.0), Sense::hover());
        icons::paint(ui.painter(), rect, Icon::Drop, palette.accent);
        ui.add_space(8.0);
        ui.label(RichText::new(text!("state-drop")).heading());
        ui.label(RichText::new(text!("state-drop-what")).weak());
    });
}

fn words(state: &SourceState, source: Option<&SourceSpec>) -> Option<Words> {
    let is_camera = matches!(source, Some(SourceSpec::Camera(_)) | None);
    let words = |icon, title, body: String, offer| {
        Some(Words {
            icon,
            title,
            body,
            offer,
        })
    };
    match state {
        SourceState::Live(_) | SourceState::Ended => None,
        SourceState::Starting => words(
            None,
            if is_camera {
                text!("state-starting-camera")
            } else {
                text!("state-opening")
            },
            match source {
                Some(SourceSpec::Path(path)) => path.display().to_string(),
                _ => String::new(),
            },
            Offer::Nothing,
        ),
        SourceState::NoCamera => words(
            Some(Icon::NoCamera),
            text!("source-none"),
            text!("state-no-camera").to_owned(),
            Offer::Demo,
        ),
        SourceState::Lost(reason) => words(
            Some(Icon::Unplugged),
            text!("state-lost"),
            text!("state-retried", reason = sentence(reason)),
            Offer::Demo,
        ),
        SourceState::Waiting(reason) => words(
            Some(Icon::Warning),
            text!("state-unavailable"),
            text!("state-retried", reason = sentence(reason)),
            Offer::Demo,
        ),
        SourceState::Failed(reason) => words(
            Some(Icon::Warning),
            if is_camera {
                text!("state-camera-failed")
            } else {
                text!("state-failed")
            },
            sentence(reason),
            if is_camera { Offer::Demo } else { Offer::File },
        ),
    }
}

fn buttons_ui(ui: &mut Ui, offer: Offer) -> Option<Command> {
    let palette = colors::palette(ui.ctx().theme());
    let mut command = None;
    // Two buttons of one width, centered as a pair.
    let width = 130.0;
    let pair = 2.0 * width + ui.spacing().item_spacing.x;
    let demo = (
        text!("state-run-demo"),
        Command::OpenSource(SourceSpec::Demo),
    );
    let file = (text!("state-open-file"), Command::ChooseFile);
    let (first, second) = match offer {
        Offer::File => (file, demo),
        Offer::Demo | Offer::Nothing => (demo, file),
    };
    ui.allocate_ui_with_layout(
        vec2(pair, 32.0),
        Layout::left_to_right(Align::Center),
        |ui| {
            let button = Button::new(RichText::new(first.0).color(palette.on_accent))
                .fill(palette.accent)
                .min_size(vec2(width, 32.0));
            if ui.add(button).clicked() {
                command = Some(first.1);
            }
            let button = Button::new(second.0).min_size(vec2(width, 32.0));
            if ui.add(button).clicked() {
                command = Some(second.1);
            }
        },
    );
    command
}

/// Draws what was opened before, a line each.
fn recent_ui(ui: &mut Ui, recent: &[Recent]) -> Option<Command> {
    if recent.is_empty() {
        return None;
    }
    let mut command = None;
    ui.add_space(12.0);
    ui.label(RichText::new(text!("state-open-again")).small().weak());
    ui.spacing_mut().item_spacing.y = 0.0;
    for one in recent {
        let width = ui.available_width();
        let button = Button::new(&one.name).frame_when_inactive(false).truncate();
        let response = ui.add_sized(vec2(width, RECENT_HEIGHT), button);
        if response.clicked() {
            command = Some(one.command.clone());
        }
        response.on_hover_text(one.path.display().to_string());
    }
    command
}

/// A card of its content's height in the middle of `area`.
fn card_ui(ui: &mut Ui, area: Rect, id: &'static str, content: impl FnOnce(&mut Ui)) {
    let width = WIDTH.min(area.width() - 24.0).max(160.0);
    let palette = colors::palette(ui.ctx().theme());
    // The height is known only after layout: the last pass's height centers this one.
    let memory = ui.scope_id().with(id).with("height");
    let known: Option<f32> = ui.data(|data| data.get_temp(memory));
    let height = known.unwrap_or(200.0);
    let rect = Rect::from_center_size(area.center(), vec2(width, height));
    let mut builder = UiBuilder::new()
        .id_salt(id)
        .max_rect(Rect::from_min_size(rect.min, vec2(width, area.height())))
        .layout(Layout::top_down(Align::Center));
    if known.is_none() {
        builder = builder.invisible();
    }
    let used = ui
        .scope_builder(builder, |ui| {
            Frame::new()
                .fill(palette.card)
                .stroke(Stroke::new(1.0, palette.line))
                .corner_radius(CornerRadius::same(14))
                .inner_margin(Margin::symmetric(24, 22))
                .show(ui, |ui| {
                    ui.set_width(width - 48.0);
                    content(ui);
                })
                .response
                .rect
        })
        .inner;
    if known != Some(used.height()) {
        ui.data_mut(|data| data.insert_temp(memory, used.height()));
        // Lay out again, so that the card never jumps on the screen.
        ui.ctx().request_discard("the height of a card has changed");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::ui::panels::recent;

    fn harness(
        state: SourceState,
        source: Option<SourceSpec>,
    ) -> Harness<'static, Option<Command>> {
        offering(state, source, Vec::new())
    }

    fn offering(
        state: SourceState,
        source: Option<SourceSpec>,
        recent: Vec<Recent>,
    ) -> Harness<'static, Option<Command>> {
        let mut harness = Harness::new_ui_state(
            move |ui, sent: &mut Option<Command>| {
                let area = ui.max_rect();
                let command = state_screen_ui(ui, area, &state, source.as_ref(), &recent);
                *sent = command.or(sent.take());
            },
            None,
        );
        // A spinner never stops animating.
        harness.run_steps(3);
        harness
    }

    #[test]
    fn every_state_says_what_it_is() {
        let camera = || Some(SourceSpec::Camera(Default::default()));
        let file = || Some(SourceSpec::Path(PathBuf::from("/tmp/clip.mp4")));
        let check = |state, source, words: &str| {
            harness(state, source).get_by_label_contains(words);
        };
        check(SourceState::Starting, camera(), "Starting the camera");
        check(SourceState::Starting, file(), "/tmp/clip.mp4");
        check(SourceState::NoCamera, camera(), "starts automatically");
        let lost = SourceState::Lost("camera “C920” was disconnected".to_owned());
        check(
            lost,
            camera(),
            "Camera “C920” was disconnected. fervis retries",
        );
        let busy = SourceState::Waiting("another program is using it".to_owned());
        check(
            busy,
            camera(),
            "Another program is using it. fervis retries every second.",
        );
        let failed = SourceState::Failed("/tmp/clip.mp4 cannot be opened: no video".to_owned());
        check(failed, file(), "/tmp/clip.mp4 cannot be opened: no video.");
    }

    #[test]
    fn without_a_camera_the_demo_is_one_click_away() {
        let click = |label: &str| {
            let mut harness = harness(SourceState::NoCamera, None);
            harness.get_by_label(label).click();
            harness.run_steps(2);
            harness.into_state()
        };
        assert_eq!(
            click("Run the demo"),
            Some(Command::OpenSource(SourceSpec::Demo))
        );
        assert_eq!(click("Open a file…"), Some(Command::ChooseFile));
    }

    #[test]
    fn what_was_opened_before_is_one_click_away() {
        let files: Vec<PathBuf> = (0..9).map(|n| format!("/tmp/{n}.mp4").into()).collect();
        let recent = recent::recent(&files, &[], 9);
        let mut harness = offering(SourceState::NoCamera, None, recent);
        assert!(harness.query_by_label("6.mp4").is_none(), "not too many");
        harness.get_by_label("2.mp4").click();
        harness.run_steps(2);
        let file = SourceSpec::Path(files[2].clone());
        assert_eq!(harness.state(), &Some(Command::OpenSource(file)));
    }

    /// Who picked the wrong file wants to pick another one.
    #[test]
    fn after_a_failed_file_another_one_is_offered_first() {
        let order = |source| {
            let failed = SourceState::Failed("no video".to_owned());
            let harness = harness(failed, Some(source));
            let left = |label: &str| harness.get_by_label(label).rect().left();
            left("Open a file…") < left("Run the demo")
        };
        assert!(order(SourceSpec::Path(PathBuf::from("/tmp/clip.mp4"))));
        assert!(!order(SourceSpec::Camera(Default::default())));
    }

    #[test]
    fn a_card_is_centered() {
        let harness = harness(SourceState::NoCamera, None);
        let title = harness.get_by_label("No camera found").rect();
        assert!((title.center().x - 400.0).abs() < 2.0, "{title}");
        assert!((title.center().y - 300.0).abs() < 60.0, "{title}");
    }
}
