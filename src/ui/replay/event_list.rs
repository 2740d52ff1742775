//! The events of a session as a list; a click seeks to one, and markers and excluded spans can be changed.

use std::time::Duration;

use egui::{
    Align2, Rect, Response, RichText, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, vec2,
};

use super::marks::{self, EventMark};
use crate::{
    session::annotations::Place,
    time::clock,
    ui::{
        colors,
        commands::{Command, PlayCommand},
        keyboard,
        words::text,
    },
};

/// Height of a line, points.
const ROW_HEIGHT: f32 = 22.0;
/// Room for "1:02:03.4", points.
const TIME_WIDTH: f32 = 66.0;

/// Height of the buttons below the list, points.
const ACTIONS_HEIGHT: f32 = 40.0;

/// Draws the list and highlights the latest event at or before `position`. `selected` is where the chosen mark stands, if
/// it can be changed. Returns the time to seek to, or a change.
pub fn event_list_ui(
    ui: &mut Ui,
    marks: &[EventMark],
    position: Duration,
    selected: &mut Option<Place>,
) -> Option<Command> {
    if marks.is_empty() {
        ui.label(RichText::new(text!("replay-no-events")).weak());
        return None;
    }
    let current = marks
        .partition_point(|mark| mark.time <= position)
        .checked_sub(1);
    let mut command = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    let room = match selected {
        Some(_) => ACTIONS_HEIGHT,
        None => 0.0,
    };
    ScrollArea::vertical()
        .id_salt("events")
        .max_height((ui.available_height() - room).max(ROW_HEIGHT))
        .auto_shrink(false)
        .show_rows(ui, ROW_HEIGHT, marks.len(), |ui, rows| {
            for at in rows {
                let mark = &marks[at];
                let is_selected = mark.place.is_some() && mark.place == *selected;
                let response = row_ui(ui, mark, current == Some(at), is_selected);
                if response.clicked() {
                    *selected = mark.place;
                    command = Some(PlayCommand::Seek(mark.time).into());
                }
                if let Some(place) = mark.place
                    && response.double_clicked()
                {
                    command = Some(Command::EditAnnotation(place));
                }
            }
        });
    match *selected {
        Some(place) => actions_ui(ui, place).or(command),
        None => command,
    }
}

/// What can be done with the chosen marker or span.
fn actions_ui(ui: &mut Ui, place: Place) -> Option<Command> {
    let mut command = None;
    let undo = ui.ctx().format_shortcut(&keyboard::UNDO);
    let undo = text!("replay-delete-hint", key = undo);
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.spacing_mut().button_padding = vec2(7.0, 2.0);
        for (word, hint, of) in [
            (
                text!("replay-edit"),
                text!("replay-edit-hint"),
                Command::EditAnnotation(place),
            ),
            (
                text!("replay-move"),
                text!("replay-move-hint"),
                Command::MoveAnnotation(place),
            ),
            (
                text!("replay-delete"),
                &undo,
                Command::RemoveAnnotation(place),
            ),
        ] {
            if ui.button(word).on_hover_text(hint).clicked() {
                command = Some(of);
            }
        }
    });
    command
}

fn row_ui(ui: &mut Ui, mark: &EventMark, is_current: bool, is_selected: bool) -> Response {
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let line = mark.line();
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, is_current, &line));
    if ui.is_rect_visible(rect) {
        let theme = ui.ctx().theme();
        let palette = colors::palette(theme);
        let visuals = ui.style().interact(&response);
        if is_selected {
            let fill = ui.visuals().selection.bg_fill;
            ui.painter().rect_filled(rect, visuals.corner_radius, fill);
        } else if response.hovered() || response.has_focus() || is_current {
            ui.painter()
                .rect_filled(rect, visuals.corner_radius, visuals.weak_bg_fill);
        }
        let font = TextStyle::Small.resolve(ui.style());
        let (weak, strong) = match is_selected {
            true => (palette.on_accent, palette.on_accent),
            false => (palette.weak_text, palette.text),
        };
        let time_at = rect.left_center() + vec2(TIME_WIDTH - 6.0, 0.0);
        ui.painter().text(
            time_at,
            Align2::RIGHT_CENTER,
            format!("{:.1}", clock(mark.time)),
            font.clone(),
            weak,
        );
        let chip = Rect::from_center_size(
            rect.left_center() + vec2(TIME_WIDTH + 4.0, 0.0),
            vec2(3.0, 12.0),
        );
        ui.painter()
            .rect_filled(chip, 1.0, marks::color(mark.kind, theme));
        let width = (rect.width() - TIME_WIDTH - 14.0).max(0.0);
        let galley = egui::WidgetText::from(mark.text.as_str()).into_galley(
            ui,
            Some(egui::TextWrapMode::Truncate),
            width,
            font,
        );
        let text_at = rect.left_center() + vec2(TIME_WIDTH + 12.0, -galley.size().y / 2.0);
        ui.painter().galley(text_at, galley, strong);
    }
    response.on_hover_text(line)
}
