//! The window in which the user says what the digits 1 to 9 set as markers.

use egui::{Context, Grid, Ui};

use super::form;
use crate::{
    session::marker_keys::{MAX_CHARS, MarkerKeys},
    ui::{commands::Command, words::text},
};

/// The words while they are being written.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkerForm {
    /// What is written so far.
    pub keys: MarkerKeys,
    has_focus: bool,
}

impl MarkerForm {
    /// A form that begins with these words.
    pub fn new(keys: MarkerKeys) -> Self {
        Self {
            keys,
            has_focus: false,
        }
    }

    /// Draws the window. [`Command::EndMarkerKeys`] ends it.
    pub fn ui(&mut self, ctx: &Context) -> Option<Command> {
        let mut command = None;
        form::window_ui(ctx, text!("marker-keys-title"), 360.0, |ui| {
            ui.label(text!("marker-keys-use"));
            ui.add_space(6.0);
            let entered = self.fields_ui(ui);
            ui.add_space(4.0);
            ui.weak(text!("marker-keys-kept"));
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                command = form::end_ui(ui, true, entered).map(Command::EndMarkerKeys);
                if ui.button(text!("clear")).clicked() {
                    self.keys = MarkerKeys::default();
                }
            });
        });
        command
    }

    /// Whether Enter was pressed in one of the fields.
    fn fields_ui(&mut self, ui: &mut Ui) -> bool {
        let mut entered = false;
        let has_focus = &mut self.has_focus;
        Grid::new("marker keys")
            .num_columns(2)
            .spacing([12.0, 5.0])
            .show(ui, |ui| {
                for (at, words) in self.keys.words_mut().iter_mut().enumerate() {
                    let name = text!("marker-keys-key", number = at + 1);
                    entered |= form::field_ui(ui, &name, (words, MAX_CHARS), 280.0, has_focus);
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
    fn words_are_written_and_saved() {
        let form = MarkerForm::new(MarkerKeys::default());
        let mut harness = Harness::new_ui_state(
            |ui, (form, sent): &mut (MarkerForm, Option<Command>)| {
                *sent = form.ui(ui.ctx()).or(sent.take());
            },
            (form, None),
        );
        harness.run_steps(2);
        let role = Role::TextInput;
        harness.get_by_role_and_label(role, "Key 2").focus();
        harness.run_steps(2);
        let field = harness.get_by_role_and_label(role, "Key 2");
        field.type_text("stimulus on");
        harness.run_steps(2);
        harness.get_by_label("Save").click();
        harness.run_steps(2);
        let (form, sent) = harness.state();
        assert_eq!(form.keys.words(2), Some("stimulus on"));
        assert_eq!(*sent, Some(Command::EndMarkerKeys(true)));
    }
}
