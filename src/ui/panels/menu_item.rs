//! One line of a menu: a mark, a label, a shortcut.
//!
//! egui's own buttons, check boxes and radio buttons start their text at different positions; in a menu that has all
//! three, labels must line up. This widget leaves the same room for the mark on every line.

use egui::{
    Context, KeyboardShortcut, Response, Role, Sense, TextStyle, TextWrapMode, Ui, Vec2,
    WidgetInfo, WidgetText, containers::menu::SubMenu, pos2,
};

use crate::ui::{colors, icons};

/// Minimum width of a menu, points.
const MENU_WIDTH: f32 = 210.0;
/// Room for the mark, points.
pub const MARK_WIDTH: f32 = 26.0;
/// Height of a line, points.
const HEIGHT: f32 = 26.0;
/// Longer labels are cut, points.
const MAX_LABEL_WIDTH: f32 = 340.0;
/// Minimum room between label and shortcut, points.
const GAP: f32 = 28.0;

/// What stands before the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: the line is an action.
    None,
    /// A check mark if on: the line is a switch.
    Check(bool),
    /// A dot if on: the line is one of several choices.
    Choice(bool),
}

/// Draws a menu line. `label` is also its accessible name; `shortcut` may be empty.
pub fn item_ui(ui: &mut Ui, mark: Mark, label: &str, shortcut: &str) -> Response {
    let layout = |text: WidgetText, width| {
        text.into_galley(ui, Some(TextWrapMode::Truncate), width, TextStyle::Button)
    };
    let label_galley = layout(label.into(), MAX_LABEL_WIDTH);
    let shortcut_galley = layout(shortcut.into(), f32::INFINITY);
    let shortcut_width = if shortcut.is_empty() {
        0.0
    } else {
        GAP + shortcut_galley.size().x
    };
    let width = MARK_WIDTH + label_galley.size().x + shortcut_width + 10.0;
    let (rect, response) = ui.allocate_at_least(Vec2::new(width, HEIGHT), Sense::click());
    response.widget_info(|| {
        let enabled = ui.is_enabled();
        match mark {
            Mark::None => WidgetInfo::labeled(Role::MenuItem, enabled, label),
            Mark::Check(on) => WidgetInfo::selected(Role::MenuItemCheckBox, enabled, on, label),
            Mark::Choice(on) => WidgetInfo::selected(Role::MenuItemRadio, enabled, on, label),
        }
    });
    if !ui.is_rect_visible(rect) {
        return response;
    }

    let palette = colors::palette(ui.ctx().theme());
    let visuals = ui.style().interact(&response);
    if ui.is_enabled() && (response.hovered() || response.has_focus()) {
        ui.painter().rect(
            rect,
            visuals.corner_radius,
            visuals.weak_bg_fill,
            visuals.bg_stroke,
            egui::StrokeKind::Inside,
        );
    }
    let middle = rect.center().y;
    let mark_center = pos2(rect.left() + MARK_WIDTH / 2.0, middle);
    match mark {
        Mark::Check(true) => {
            let square = egui::Rect::from_center_size(mark_center, Vec2::splat(10.0));
            icons::paint_check(ui.painter(), square, palette.accent);
        }
        Mark::Choice(true) => {
            ui.painter().circle_filled(mark_center, 3.5, palette.accent);
        }
        Mark::None | Mark::Check(false) | Mark::Choice(false) => {}
    }
    let top_of = |height: f32| middle - height / 2.0;
    let label_pos = pos2(rect.left() + MARK_WIDTH, top_of(label_galley.size().y));
    ui.painter()
        .galley(label_pos, label_galley, visuals.text_color());
    let size = shortcut_galley.size();
    let shortcut_pos = pos2(rect.right() - 10.0 - size.x, top_of(size.y));
    ui.painter()
        .galley(shortcut_pos, shortcut_galley, palette.weak_text);
    response
}

/// The width and the spacing of a menu's content.
pub fn menu_style(ui: &mut Ui) {
    ui.set_min_width(MENU_WIDTH);
    ui.spacing_mut().item_spacing.y = 1.0;
}

/// Draws a menu line that opens a submenu, and the submenu while it is open.
pub fn submenu_ui(ui: &mut Ui, label: &str, content: impl FnOnce(&mut Ui)) {
    let response = submenu_item_ui(ui, label);
    SubMenu::new().show(ui, &response, |ui| {
        menu_style(ui);
        content(ui);
    });
}

fn submenu_item_ui(ui: &mut Ui, label: &str) -> Response {
    let response = item_ui(ui, Mark::None, label, "");
    let center = pos2(response.rect.right() - 14.0, response.rect.center().y);
    let square = egui::Rect::from_center_size(center, Vec2::splat(8.0));
    let color = colors::palette(ui.ctx().theme()).weak_text;
    icons::paint_submenu(ui.painter(), square, color);
    response
}

/// A shortcut as the system writes it.
pub fn keys(ctx: &Context, shortcut: KeyboardShortcut) -> String {
    ctx.format_shortcut(&shortcut)
}

/// Draws a menu line that closes the menu when it is clicked; true if it was.
pub fn action_ui(ui: &mut Ui, mark: Mark, label: &str, shortcut: &str) -> bool {
    let clicked = item_ui(ui, mark, label, shortcut).clicked();
    if clicked {
        ui.close();
    }
    clicked
}

/// Draws a note on the lines near it, or on why there are none.
pub fn note_ui(ui: &mut Ui, text: &str) {
    ui.horizontal(|ui| {
        ui.add_space(MARK_WIDTH);
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.label(egui::RichText::new(text).small().weak());
    });
}
