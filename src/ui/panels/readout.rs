//! A few large words over the frame for two seconds: what a key has just changed, or which marker was set.

use egui::{Align2, CornerRadius, FontId, Id, Rect, Role, Sense, Ui, Vec2, WidgetInfo};

use crate::overlay::colors;

/// How long the words stay, s.
const STAYS_S: f64 = 2.0;
/// Their size, points.
const TEXT_SIZE: f32 = 20.0;

/// The words, if any are shown.
#[derive(Debug, Default)]
pub struct Readout {
    text: String,
    /// Window time at which they go; `None` until they are drawn for the first time.
    goes_at: Option<f64>,
}

impl Readout {
    /// Shows `text` instead of what was shown before.
    pub fn show(&mut self, text: String) {
        self.text = text;
        self.goes_at = None;
    }

    /// Draws the words at the top of `area`.
    pub fn ui(&mut self, ui: &Ui, area: Rect) {
        if self.text.is_empty() {
            return;
        }
        let now_s = ui.input(|input| input.time);
        let goes_at = *self.goes_at.get_or_insert(now_s + STAYS_S);
        if now_s >= goes_at {
            self.text.clear();
            return;
        }
        let left = std::time::Duration::from_secs_f64(goes_at - now_s);
        ui.ctx().request_repaint_after(left);
        let font = FontId::proportional(TEXT_SIZE);
        let painter = ui.painter().with_clip_rect(area);
        let galley = painter.layout_no_wrap(self.text.clone(), font, colors::PLATE_TEXT);
        let size = galley.size() + Vec2::new(28.0, 14.0);
        let center = area.center_top() + Vec2::new(0.0, 16.0 + size.y / 2.0);
        let plate = Rect::from_center_size(center, size);
        painter.rect_filled(plate, CornerRadius::same(8), colors::PLATE);
        let at = Align2::CENTER_CENTER.anchor_size(plate.center(), galley.size());
        painter.galley(at.min, galley, colors::PLATE_TEXT);
        let response = ui.interact(plate, Id::unique("readout"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &self.text));
    }

    /// The words.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.text
    }
}
