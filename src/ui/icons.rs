//! Line icons, drawn, because egui's default fonts have none that fit.
//!
//! They decorate words, except on buttons, which carry their names for screen readers.

use egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::colors;

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
    /// A triangle pointing right.
    Play,
    /// Two bars.
    Pause,
    /// A bar, and a triangle pointing away from it to the left.
    StepBack,
    /// A bar, and a triangle pointing away from it to the right.
    StepForward,
    /// Two arrows in a circle.
    Loop,
    /// A flag.
    Mark,
    /// A square.
    Stop,
    /// A filled circle.
    Record,
}

/// Draws `icon` into the square `rect`.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let unit = rect.width() / 24.0;
    let stroke = Stroke::new(1.6 * unit, color);
    // Coordinates below are on a 24 × 24 grid.
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
    let solid = |points: &[(f32, f32)]| {
        let points: Vec<Pos2> = points.iter().map(|&(x, y)| at(x, y)).collect();
        painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
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
        Icon::Play => solid(&[(6.5, 4.0), (20.0, 12.0), (6.5, 20.0)]),
        Icon::Pause => {
            solid(&[(6.0, 4.5), (10.0, 4.5), (10.0, 19.5), (6.0, 19.5)]);
            solid(&[(14.0, 4.5), (18.0, 4.5), (18.0, 19.5), (14.0, 19.5)]);
        }
        Icon::StepBack => {
            solid(&[(17.0, 5.0), (17.0, 19.0), (5.5, 12.0)]);
            solid(&[(18.5, 5.0), (21.0, 5.0), (21.0, 19.0), (18.5, 19.0)]);
        }
        Icon::StepForward => {
            solid(&[(7.0, 5.0), (18.5, 12.0), (7.0, 19.0)]);
            solid(&[(3.0, 5.0), (5.5, 5.0), (5.5, 19.0), (3.0, 19.0)]);
        }
        Icon::Loop => {
            line(&[(4.0, 11.5), (4.0, 10.0), (6.5, 7.0), (18.0, 7.0)]);
            solid(&[(16.0, 3.0), (21.0, 7.0), (16.0, 11.0)]);
            line(&[(20.0, 12.5), (20.0, 14.0), (17.5, 17.0), (6.0, 17.0)]);
            solid(&[(8.0, 13.0), (8.0, 21.0), (3.0, 17.0)]);
        }
        Icon::Mark => {
            line(&[(6.0, 3.0), (6.0, 21.0)]);
            solid(&[(6.0, 4.0), (19.0, 8.5), (6.0, 13.0)]);
        }
        Icon::Stop => solid(&[(5.5, 5.5), (18.5, 5.5), (18.5, 18.5), (5.5, 18.5)]),
        Icon::Record => {
            painter.circle_filled(at(12.0, 12.0), 6.5 * unit, color);
        }
    }
}

/// Side of the button around an icon, points.
const BUTTON_SIDE: f32 = 30.0;
/// The same in the menu bar, which must not become higher.
const BAR_BUTTON_SIDE: f32 = 24.0;

/// A button with an icon; `name` is its tooltip and its accessible name.
pub fn button_ui(ui: &mut Ui, icon: Icon, name: &'static str) -> Response {
    let response = bare_button_ui(ui, BUTTON_SIDE, None, name, |painter, rect, color| {
        paint_in_button(painter, rect, icon, color);
    });
    response.on_hover_text(name)
}

/// As [`button_ui`], as high as a menu and with a tooltip that says more than the name.
pub fn bar_button_ui(ui: &mut Ui, icon: Icon, name: &'static str, hint: &str) -> Response {
    let response = bare_button_ui(ui, BAR_BUTTON_SIDE, None, name, |painter, rect, color| {
        paint_in_button(painter, rect, icon, color);
    });
    response.on_hover_text(hint)
}

/// A switch with an icon, which is colored while it is on; `name` as in [`button_ui`].
pub fn toggle_ui(ui: &mut Ui, icon: Icon, on: bool, name: &'static str) -> Response {
    let accent = colors::palette(ui.ctx().theme()).accent;
    let response = bare_button_ui(ui, BUTTON_SIDE, Some(on), name, |painter, rect, color| {
        paint_in_button(painter, rect, icon, if on { accent } else { color });
        if on {
            // Color is not the only sign.
            let under = rect.shrink2(vec2(7.0, 2.0));
            painter.hline(under.x_range(), under.bottom(), Stroke::new(2.0, accent));
        }
    });
    response.on_hover_text(name)
}

fn paint_in_button(painter: &Painter, rect: Rect, icon: Icon, color: Color32) {
    let square = Rect::from_center_size(rect.center(), Vec2::splat(18.0));
    paint(painter, square, icon, color);
}

/// A small button with a cross; `name` as in [`button_ui`].
pub fn close_button_ui(ui: &mut Ui, name: &'static str) -> Response {
    let response = bare_button_ui(ui, 22.0, None, name, |painter, rect, color| {
        let cross = Rect::from_center_size(rect.center(), Vec2::splat(8.0));
        let stroke = Stroke::new(1.5, color);
        painter.line_segment([cross.left_top(), cross.right_bottom()], stroke);
        painter.line_segment([cross.right_top(), cross.left_bottom()], stroke);
    });
    response.on_hover_text(name)
}

/// A square button that has a background only while the pointer is on it; `paint` draws its icon. `on` is the state of a
/// switch.
fn bare_button_ui(
    ui: &mut Ui,
    side: f32,
    on: Option<bool>,
    name: &'static str,
    paint: impl FnOnce(&Painter, Rect, Color32),
) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::click());
    response.widget_info(|| match on {
        None => WidgetInfo::labeled(Role::Button, ui.is_enabled(), name),
        Some(on) => WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), on, name),
    });
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
        paint(ui.painter(), rect, visuals.text_color());
    }
    response
}

/// Draws the arrow of a menu line that opens a submenu, into the square `rect`.
pub fn paint_submenu(painter: &Painter, rect: Rect, color: Color32) {
    let tip = rect.right_center() - vec2(rect.width() * 0.25, 0.0);
    let [top, bottom] = [rect.left_top(), rect.left_bottom()]
        .map(|corner| pos2(rect.center().x - rect.width() * 0.25, corner.y));
    painter.line(vec![top, tip, bottom], Stroke::new(1.5, color));
}

/// Draws a check mark into `rect`.
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
