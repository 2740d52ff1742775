//! Line icons, drawn: egui's default fonts have none that fit.
//!
//! All of them are decoration beside words, except [`close_button_ui`], which carries its name for screen readers.

use egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

/// What an icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// A camera, crossed out.
    NoCamera,
    /// A plug apart from its socket.
    Unplugged,
    /// A triangle with an exclamation mark.
    Warning,
    /// A frame with an arrow pointing into it.
    Drop,
}

/// Draws `icon` into the square `rect`.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let unit = rect.width() / 24.0;
    let stroke = Stroke::new(1.6 * unit, color);
    // Coordinates of the drawing are on a 24 × 24 grid.
    let at = |x: f32, y: f32| -> Pos2 { rect.min + vec2(x, y) * unit };
    let line = |points: &[(f32, f32)]| {
        let points: Vec<Pos2> = points.iter().map(|&(x, y)| at(x, y)).collect();
        painter.line(points, stroke);
    };
    let radius = CornerRadius::same((2.5 * unit) as u8);
    let outline = |min: Pos2, max: Pos2| {
        let rect = Rect::from_min_max(min, max);
        painter.rect_stroke(rect, radius, stroke, StrokeKind::Middle);
    };
    match icon {
        Icon::NoCamera => {
            outline(at(2.0, 6.5), at(15.5, 17.5));
            line(&[(15.5, 10.5), (21.5, 7.5), (21.5, 16.5), (15.5, 13.5)]);
            line(&[(3.5, 21.0), (20.5, 3.0)]);
        }
        Icon::Unplugged => {
            line(&[(2.0, 12.0), (6.0, 12.0)]);
            outline(at(6.0, 8.0), at(10.0, 16.0));
            line(&[(10.0, 10.2), (12.5, 10.2)]);
            line(&[(10.0, 13.8), (12.5, 13.8)]);
            outline(at(15.5, 7.0), at(19.0, 17.0));
            line(&[(19.0, 12.0), (22.0, 12.0)]);
        }
        Icon::Warning => {
            line(&[
                (12.0, 3.5),
                (22.0, 20.5),
                (2.0, 20.5),
                (12.0, 3.5),
                (12.5, 4.3),
            ]);
            line(&[(12.0, 9.5), (12.0, 14.5)]);
            painter.circle_filled(at(12.0, 17.4), 1.1 * unit, color);
        }
        Icon::Drop => {
            line(&[(4.0, 14.0), (4.0, 20.0), (20.0, 20.0), (20.0, 14.0)]);
            line(&[(12.0, 3.0), (12.0, 15.0)]);
            line(&[(7.5, 10.5), (12.0, 15.0), (16.5, 10.5)]);
        }
    }
}

/// A small button with a cross; `name` is what screen readers say and what the pointer is shown.
pub fn close_button_ui(ui: &mut Ui, name: &'static str) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let visuals = ui.style().interact(&response);
        if response.hovered() || response.has_focus() {
            ui.painter().rect(
                rect,
                visuals.corner_radius,
                visuals.weak_bg_fill,
                visuals.bg_stroke,
                StrokeKind::Inside,
            );
        }
        let cross = Rect::from_center_size(rect.center(), Vec2::splat(8.0));
        let stroke = Stroke::new(1.5, visuals.text_color());
        ui.painter()
            .line_segment([cross.left_top(), cross.right_bottom()], stroke);
        ui.painter()
            .line_segment([cross.right_top(), cross.left_bottom()], stroke);
    }
    response.on_hover_text(name)
}

/// Draws the arrow of a line that opens a further menu, into the square `rect`.
pub fn paint_submenu(painter: &Painter, rect: Rect, color: Color32) {
    let tip = rect.right_center() - vec2(rect.width() * 0.25, 0.0);
    let [top, bottom] = [rect.left_top(), rect.left_bottom()]
        .map(|corner| pos2(rect.center().x - rect.width() * 0.25, corner.y));
    painter.line(vec![top, tip, bottom], Stroke::new(1.5, color));
}

/// A check mark in `rect`.
pub fn paint_check(painter: &Painter, rect: Rect, color: Color32) {
    let at = |x: f32, y: f32| {
        pos2(
            rect.left() + x * rect.width(),
            rect.top() + y * rect.height(),
        )
    };
    painter.line(
        vec![at(0.1, 0.55), at(0.4, 0.85), at(0.95, 0.15)],
        Stroke::new(1.8, color),
    );
}
