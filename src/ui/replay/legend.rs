//! What the colors of the timeline mean.

use egui::{Color32, TextStyle, Ui};

use super::lanes;
use crate::{
    expression::Label,
    pipeline::Shown,
    ui::{
        colors,
        words::{self, text},
    },
};

/// Height of a line of it, points.
pub const HEIGHT: f32 = 18.0;
/// Room before the first entry, points.
const MARGIN: f32 = 8.0;
/// Room for a color and around it, points.
const CHIP: f32 = 26.0;

/// Room for all of it on one line, points.
pub fn width(ui: &Ui, labels: &[Label]) -> f32 {
    let entries = entries(labels).map(|shown| entry_width(ui, words::label(shown.word())));
    MARGIN + entries.sum::<f32>()
}

/// Draws it on one line, as far as there is room.
pub fn legend_ui(ui: &mut Ui, labels: &[Label]) {
    ui.style_mut().override_text_style = Some(TextStyle::Small);
    ui.spacing_mut().item_spacing.x = 4.0;
    let theme = ui.ctx().theme();
    ui.add_space(MARGIN);
    for shown in entries(labels) {
        let name = words::label(shown.word());
        if ui.available_width() < entry_width(ui, name) {
            return;
        }
        let chip = lanes::chip_ui(ui, colors::shown(shown, theme));
        let response = ui.label(name);
        if !shown.is_named() {
            colors::hatch(ui.painter(), chip, theme);
            response.on_hover_text(text!("replay-not-named"));
        }
        ui.add_space(6.0);
    }
}

fn entries(labels: &[Label]) -> impl Iterator<Item = Shown> {
    let named = labels.iter().map(|label| Shown::Label(*label));
    named.chain([Shown::Uncertain])
}

fn entry_width(ui: &Ui, name: &str) -> f32 {
    let font = TextStyle::Small.resolve(ui.style());
    let painter = ui.painter();
    let galley = painter.layout_no_wrap(name.to_owned(), font, Color32::WHITE);
    CHIP + galley.size().x
}
