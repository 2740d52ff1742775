//! The events of a session as a list; a click seeks to one.

use std::time::Duration;

use egui::{Align2, Rect, RichText, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, vec2};

use super::marks::{self, EventMark};
use crate::{time::clock, ui::colors};

/// Height of a line, points.
const ROW_HEIGHT: f32 = 22.0;
/// Room for "1:02:03.4", points.
const TIME_WIDTH: f32 = 66.0;

/// Draws the list and highlights the latest event at or before `position`. Returns the time to seek to.
pub fn event_list_ui(ui: &mut Ui, marks: &[EventMark], position: Duration) -> Option<Duration> {
    if marks.is_empty() {
        ui.label(RichText::new("No events").weak());
        return None;
    }
    let current = marks
        .partition_point(|mark| mark.time <= position)
        .checked_sub(1);
    let mut command = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .id_salt("events")
        .auto_shrink(false)
        .show_rows(ui, ROW_HEIGHT, marks.len(), |ui, rows| {
            for at in rows {
                if row_ui(ui, &marks[at], current == Some(at)) {
                    command = Some(marks[at].time);
                }
            }
        });
    command
}

fn row_ui(ui: &mut Ui, mark: &EventMark, is_current: bool) -> bool {
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let line = mark.line();
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, is_current, &line));
    if ui.is_rect_visible(rect) {
        let theme = ui.ctx().theme();
        let palette = colors::palette(theme);
        let visuals = ui.style().interact(&response);
        if response.hovered() || response.has_focus() || is_current {
            ui.painter()
                .rect_filled(rect, visuals.corner_radius, visuals.weak_bg_fill);
        }
        let font = TextStyle::Small.resolve(ui.style());
        let time_at = rect.left_center() + vec2(TIME_WIDTH - 6.0, 0.0);
        ui.painter().text(
            time_at,
            Align2::RIGHT_CENTER,
            format!("{:.1}", clock(mark.time)),
            font.clone(),
            palette.weak_text,
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
        ui.painter().galley(text_at, galley, palette.text);
    }
    response.on_hover_text(line).clicked()
}
