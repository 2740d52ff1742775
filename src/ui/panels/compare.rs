//! The Compare window: sessions by participant and condition, as a table and a picture.

use egui::{
    Align, Context, Grid, Label, Layout, ProgressBar, RichText, ScrollArea, Ui, Window, pos2, vec2,
};
#[cfg(feature = "plots")]
use egui::{Image, TextureFilter, TextureHandle, TextureOptions};

use crate::{
    summarize::{By, Summary},
    ui::{
        colors,
        commands::Command,
        compare::{Compare, Compared, Part},
        words::{self, text},
    },
};

/// Room for the bar that scrolls, points.
const SCROLL_BAR: f32 = 12.0;

/// The window's state.
pub struct ComparePanel {
    by: Vec<By>,
    /// The picture, on the graphics card, and of which comparison it is.
    #[cfg(feature = "plots")]
    texture: Option<(std::sync::Arc<egui::ColorImage>, TextureHandle)>,
}

impl Default for ComparePanel {
    fn default() -> Self {
        Self {
            by: vec![By::Condition],
            #[cfg(feature = "plots")]
            texture: None,
        }
    }
}

impl ComparePanel {
    /// What groups are made of.
    pub fn by(&self) -> Vec<By> {
        self.by.clone()
    }

    /// Draws the window while it is `open`.
    pub fn ui(&mut self, ctx: &Context, open: &mut bool, compare: &Compare) -> Option<Command> {
        let mut command = None;
        Window::new(text!("compare-title"))
            .open(open)
            .collapsible(false)
            .default_pos(pos2(90.0, 60.0))
            .default_size(vec2(900.0, 560.0))
            .min_size(vec2(420.0, 260.0))
            .show(ctx, |ui| command = self.content_ui(ui, compare));
        command
    }

    fn content_ui(&mut self, ui: &mut Ui, compare: &Compare) -> Option<Command> {
        let mut command = self.choice_ui(ui, compare);
        ui.add_space(4.0);
        let palette = colors::palette(ui.ctx().theme());
        if let Some(progress) = compare.running() {
            ui.horizontal(|ui| {
                if ui.button(text!("cancel")).clicked() {
                    command = Some(Command::CancelComparison);
                }
                let share = progress.share().unwrap_or_default();
                ui.add(ProgressBar::new(share).text(progress.words()));
            });
            return command;
        }
        match compare.result() {
            None => {
                ui.weak(text!("compare-canceled"));
            }
            Some(Err(reason)) => {
                ui.colored_label(palette.error, reason);
            }
            Some(Ok(compared)) => {
                ui.horizontal(|ui| {
                    if ui.button(text!("compare-save-table")).clicked() {
                        command = Some(Command::SaveComparison(Part::Table));
                    }
                    if cfg!(feature = "plots") && ui.button(text!("compare-save-picture")).clicked()
                    {
                        command = Some(Command::SaveComparison(Part::Picture));
                    }
                });
                ui.add_space(4.0);
                let width = ui.available_width() - SCROLL_BAR;
                ScrollArea::both()
                    .auto_shrink([false, false])
                    .show(ui, |ui| self.compared_ui(ui, compared, width));
            }
        }
        command
    }

    fn choice_ui(&mut self, ui: &mut Ui, compare: &Compare) -> Option<Command> {
        let mut command = None;
        ui.horizontal_wrapped(|ui| {
            colors::outline_boxes(ui);
            ui.label(text!("compare-by", count = compare.n_sessions()));
            for (by, word) in [
                (By::Participant, text!("compare-participant")),
                (By::Session, text!("compare-session")),
                (By::Condition, text!("compare-condition")),
            ] {
                let mut is_on = self.by.contains(&by);
                if ui.checkbox(&mut is_on, word).changed() {
                    match is_on {
                        true => self.by.push(by),
                        false => self.by.retain(|other| *other != by),
                    }
                    self.by.sort_unstable();
                    command = Some(Command::RestartComparison);
                }
            }
        });
        command
    }

    /// Only the table may be wider than `width`, points.
    fn compared_ui(&mut self, ui: &mut Ui, compared: &Compared, width: f32) {
        let palette = colors::palette(ui.ctx().theme());
        for note in &compared.notes {
            ui.colored_label(palette.warning, note);
        }
        let summary = &compared.summary;
        ui.add(Label::new(summary.title()).extend());
        ui.add_space(4.0);
        table_ui(ui, summary);
        ui.add_space(6.0);
        ui.vertical(|ui| {
            ui.set_max_width(width);
            for group in &summary.groups {
                let facts = group.facts().join("; ");
                let line = format!("{}: {facts}", group.name());
                ui.add(Label::new(RichText::new(line).weak()).wrap());
            }
        });
        self.picture_ui(ui, compared, width);
    }

    #[cfg(feature = "plots")]
    fn picture_ui(&mut self, ui: &mut Ui, compared: &Compared, width: f32) {
        use std::sync::Arc;

        ui.add_space(8.0);
        let is_shown = |shown: &Arc<egui::ColorImage>| Arc::ptr_eq(shown, &compared.picture);
        if !self
            .texture
            .as_ref()
            .is_some_and(|(shown, _)| is_shown(shown))
        {
            let image = Arc::clone(&compared.picture);
            // It is shown smaller than it is.
            let options = TextureOptions {
                mipmap_mode: Some(TextureFilter::Linear),
                ..TextureOptions::LINEAR
            };
            let texture = ui.ctx().load_texture("comparison", image, options);
            self.texture = Some((Arc::clone(&compared.picture), texture));
        }
        if let Some((_, texture)) = &self.texture {
            // It has two pixels for each unit.
            let size = texture.size_vec2() / 2.0;
            let size = size * (width / size.x).min(1.0);
            let alt = text!("compare-picture");
            ui.add(Image::new((texture.id(), size)).alt_text(alt));
        }
    }

    #[cfg(not(feature = "plots"))]
    fn picture_ui(&mut self, _ui: &mut Ui, _compared: &Compared, _width: f32) {}
}

fn table_ui(ui: &mut Ui, summary: &Summary) {
    Grid::new("shares")
        .striped(true)
        .spacing([14.0, 4.0])
        .show(ui, |ui| {
            ui.label("");
            let names = summary.labels.names().map(words::label);
            for title in std::iter::once("n").chain(names) {
                cell_ui(ui, RichText::new(title).strong());
            }
            ui.end_row();
            for group in &summary.groups {
                ui.label(group.name());
                cell_ui(ui, group.n().to_string().into());
                for share in summary.shares(group) {
                    cell_ui(ui, share.into());
                }
                ui.end_row();
            }
        });
}

/// A cell of figures, at the right.
fn cell_ui(ui: &mut Ui, words: RichText) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add(Label::new(words).extend());
    });
}
