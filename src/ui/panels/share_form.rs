//! The window in which the user says how a session's video is drawn again, with hidden faces, to pass it on.

use std::path::PathBuf;

use egui::{Context, Grid, Label, TextEdit, Ui};

use super::form;
use crate::{
    detect::TrackId,
    privacy::Effect,
    record::VideoChoice,
    ui::{
        colors,
        commands::Command,
        session_tools::{Sharing, name_of},
        words::text,
    },
};

/// Most that the field for faces takes, characters.
const MAX_CHARS: usize = 200;

/// What is chosen so far.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareForm {
    folder: PathBuf,
    effect: Effect,
    video: VideoChoice,
    /// The numbers of faces that stay visible, as they are being written.
    shown: String,
    /// The folder in which the new one is made, if not beside the session.
    pub out: Option<PathBuf>,
}

impl ShareForm {
    /// A form about the session in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            effect: Effect::Pixelate,
            video: VideoChoice::Clean,
            shown: String::new(),
            out: None,
        }
    }

    /// What is asked for.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn sharing(&self) -> Result<Sharing, String> {
        let words = self.shown.split([',', ';', ' ']);
        let shown = words.filter(|word| !word.is_empty()).map(|word| {
            let number = word.parse().ok();
            let number = number.map(TrackId);
            number.ok_or_else(|| text!("share-not-a-number", word = word))
        });
        Ok(Sharing {
            folder: self.folder.clone(),
            effect: self.effect,
            shown: shown.collect::<Result<_, _>>()?,
            video: self.video,
            out: self.out.clone(),
        })
    }

    /// Draws the window. [`Command::EndShare`] ends it.
    pub fn ui(&mut self, ctx: &Context) -> Option<Command> {
        let mut command = None;
        form::window_ui(ctx, text!("share-title"), 440.0, |ui| {
            let video = text!("share-video", session = name_of(&self.folder));
            ui.add(Label::new(video).truncate());
            ui.add_space(4.0);
            command = self.choices_ui(ui);
            ui.add_space(4.0);
            ui.weak(text!("share-limits"));
            let sharing = self.sharing();
            if let Err(reason) = &sharing {
                let palette = colors::palette(ui.ctx().theme());
                ui.colored_label(palette.error, reason);
            }
            ui.add_space(6.0);
            ui.horizontal(|ui| {
                let ended = form::end_with_ui(ui, text!("share-make"), sharing.is_ok(), false);
                command = ended.map(Command::EndShare).or(command.take());
            });
        });
        command
    }

    fn choices_ui(&mut self, ui: &mut Ui) -> Option<Command> {
        let mut command = None;
        let grid = Grid::new("share").num_columns(2).spacing([16.0, 8.0]);
        grid.show(ui, |ui| {
            ui.label(text!("share-faces"));
            ui.horizontal(|ui| {
                colors::outline_boxes(ui);
                for (effect, word) in [
                    (Effect::Pixelate, text!("share-pixelated")),
                    (Effect::Blur, text!("share-blurred")),
                ] {
                    ui.radio_value(&mut self.effect, effect, word);
                }
            });
            ui.end_row();
            ui.label(text!("view-boxes"));
            ui.horizontal(|ui| {
                colors::outline_boxes(ui);
                for (video, word) in [
                    (VideoChoice::Clean, text!("share-without-boxes")),
                    (VideoChoice::Annotated, text!("share-with-boxes")),
                    (VideoChoice::Both, text!("share-both")),
                ] {
                    if video.is_built() {
                        ui.radio_value(&mut self.video, video, word);
                    }
                }
            });
            ui.end_row();
            let label = ui.label(text!("share-visible"));
            let edit = TextEdit::singleline(&mut self.shown)
                .hint_text(text!("share-visible-hint"))
                .char_limit(MAX_CHARS)
                .desired_width(260.0);
            ui.add(edit).labelled_by(label.id);
            ui.end_row();
            ui.label(text!("share-folder"));
            ui.horizontal(|ui| {
                if ui.button(text!("many-choose")).clicked() {
                    command = Some(Command::ChooseShareOut);
                }
                let parent = self.out.as_deref().or_else(|| self.folder.parent());
                let parent = parent.unwrap_or(&self.folder).display().to_string();
                ui.add(Label::new(&parent).truncate()).on_hover_text(parent);
            });
            ui.end_row();
        });
        command
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    #[test]
    fn what_is_chosen_is_asked_for() {
        let form = ShareForm::new(PathBuf::from("/sessions/monday"));
        let mut harness = Harness::new_ui_state(
            |ui, (form, sent): &mut (ShareForm, Option<Command>)| {
                *sent = form.ui(ui.ctx()).or(sent.take());
            },
            (form, None),
        );
        harness.run_steps(2);
        harness.get_by_label("Blurred").click();
        harness.get_by_label("With").click();
        let role = egui::Role::TextInput;
        harness.get_by_role_and_label(role, "Leave visible").focus();
        harness.run_steps(2);
        let field = harness.get_by_role_and_label(role, "Leave visible");
        field.type_text("2, x");
        harness.run_steps(2);
        harness.get_by_label_contains("“x” is not the number of a face.");
        harness.get_by_label("Make copy").click();
        harness.run_steps(2);
        assert_eq!(harness.state().1, None, "not like this");
        harness.state_mut().0.shown = "2, 7".to_owned();
        harness.run_steps(2);
        harness.get_by_label("Make copy").click();
        harness.run_steps(2);
        let (form, sent) = harness.state();
        assert_eq!(*sent, Some(Command::EndShare(true)));
        let sharing = form.sharing().unwrap();
        assert_eq!(sharing.effect, Effect::Blur);
        assert_eq!(sharing.video, VideoChoice::Annotated);
        assert_eq!(sharing.shown, [TrackId(2), TrackId(7)]);
    }
}
