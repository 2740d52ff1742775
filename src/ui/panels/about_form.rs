//! The window in which the user says who and what a session is about, before or after it is recorded.

use egui::{Context, Grid, Ui};

use super::form;
use crate::{
    session::about::{About, MAX_CHARS, tidy},
    ui::{
        commands::Command,
        words::{self, text},
    },
};

/// The texts while they are being written.
#[derive(Debug, Clone, PartialEq)]
pub struct AboutForm {
    /// The session; `None` for those that will be recorded.
    pub folder: Option<std::path::PathBuf>,
    /// What is written so far.
    pub about: About,
    has_focus: bool,
}

impl AboutForm {
    /// A form that begins with these texts.
    pub fn new(folder: Option<std::path::PathBuf>, about: About) -> Self {
        Self {
            folder,
            about,
            has_focus: false,
        }
    }

    /// What was written, each text on one line.
    pub fn tidy(&self) -> About {
        let mut about = self.about.clone();
        for field in About::FIELDS {
            let text = (field.get_mut)(&mut about);
            // The fields take no more than fits.
            *text = tidy(text).unwrap_or_default();
        }
        about
    }

    /// Draws the window. [`Command::EndAbout`] ends it.
    pub fn ui(&mut self, ctx: &Context) -> Option<Command> {
        let mut command = None;
        let title = match self.folder {
            None => text!("keys-about"),
            Some(_) => text!("session-rename-title"),
        };
        form::window_ui(ctx, title, 420.0, |ui| {
            let entered = self.fields_ui(ui);
            ui.add_space(4.0);
            if self.folder.is_none() {
                ui.weak(text!("session-about-hint"));
                ui.add_space(4.0);
            }
            ui.horizontal(|ui| {
                command = form::end_ui(ui, true, entered).map(Command::EndAbout);
                if self.folder.is_none() && ui.button(text!("clear")).clicked() {
                    self.about = About::default();
                }
            });
        });
        command
    }

    /// Whether Enter was pressed in one of the fields.
    fn fields_ui(&mut self, ui: &mut Ui) -> bool {
        let mut entered = false;
        // A session is renamed by its name, and recorded of a participant.
        let first = usize::from(self.folder.is_some());
        Grid::new("about")
            .num_columns(2)
            .spacing([12.0, 6.0])
            .show(ui, |ui| {
                for (number, field) in About::FIELDS.into_iter().enumerate() {
                    let name = words::field(&field);
                    let text = (field.get_mut)(&mut self.about);
                    let mut elsewhere = true;
                    let has_focus = match number == first {
                        true => &mut self.has_focus,
                        false => &mut elsewhere,
                    };
                    entered |= form::field_ui(ui, name, (text, MAX_CHARS), 290.0, has_focus);
                    ui.end_row();
                }
            });
        entered
    }
}

#[cfg(test)]
mod tests {
    use egui::Role;
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    #[test]
    fn texts_are_written_and_saved() {
        let form = AboutForm::new(None, About::default());
        let mut harness = Harness::new_ui_state(
            |ui, (form, sent): &mut (AboutForm, Option<Command>)| {
                *sent = form.ui(ui.ctx()).or(sent.take());
            },
            (form, None),
        );
        harness.run_steps(2);
        let role = Role::TextInput;
        harness.get_by_role_and_label(role, "Condition").focus();
        harness.run_steps(2);
        let condition = harness.get_by_role_and_label(role, "Condition");
        condition.type_text("control");
        harness.run_steps(2);
        harness.get_by_label("Save").click();
        harness.run_steps(2);
        let (form, sent) = harness.state();
        assert_eq!(form.about.condition, "control");
        assert_eq!(*sent, Some(Command::EndAbout(true)));
    }
}
