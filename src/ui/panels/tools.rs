//! The lines at the bottom of the window that say what is being done with recorded sessions, and how far it is.

use egui::{Align, Label, Layout, ProgressBar, Ui, vec2};

use crate::ui::{commands::Command, session_tools::Job, words::text};

/// Height of a line, points.
pub const LINE_HEIGHT: f32 = 30.0;
/// Width of the bar, points.
const BAR_WIDTH: f32 = 200.0;

/// Draws a line for each job.
pub fn tools_ui(ui: &mut Ui, jobs: &[Job]) -> Option<Command> {
    let mut command = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().button_padding = vec2(9.0, 2.0);
    for job in jobs {
        let line = vec2(ui.available_width(), LINE_HEIGHT);
        ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
            let is_canceled = job.progress.is_canceled();
            ui.add_enabled_ui(!is_canceled, |ui| {
                let word = match is_canceled {
                    true => text!("tool-canceling"),
                    false => text!("cancel"),
                };
                if ui.button(word).clicked() {
                    command = Some(Command::CancelTool(job.number));
                }
            });
            match job.progress.share() {
                Some(share) => {
                    let bar = ProgressBar::new(share).desired_height(10.0);
                    ui.add(bar.desired_width(BAR_WIDTH));
                    ui.label(format!("{:.0} %", share * 100.0))
                }
                None => ui.spinner(),
            };
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(job.progress.words()).truncate());
            });
        });
    }
    command
}
