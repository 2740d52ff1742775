//! The question before a long recording ends by accident.

use std::time::Duration;

use egui::{Context, Frame, Id, Key, Margin, Modal};

use crate::{
    time::clock,
    ui::{commands::Command, words::text},
};

/// What would end the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Its key, which stops it.
    Key,
    /// The window closes.
    Closing,
    /// Another source is opened.
    OtherSource,
}

impl Ends {
    /// The question after how long it has been recorded, and the button that says yes.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Key => (text!("guard-key"), text!("record-stop")),
            Self::Closing => (text!("guard-closing"), text!("guard-close")),
            Self::OtherSource => (text!("guard-source"), text!("guard-open")),
        }
    }
}

/// Draws the question. [`Command::EndGuard`] answers it: the same key again is a yes, Escape a no.
pub fn guard_ui(ctx: &Context, ends: Ends, elapsed: Duration) -> Option<Command> {
    let (question, yes) = ends.words();
    let mut answer = None;
    let frame = Frame::popup(&ctx.global_style()).inner_margin(Margin::same(18));
    let modal = Modal::new(Id::unique("recording guard")).frame(frame);
    let modal = modal.show(ctx, |ui| {
        ui.set_width(320.0);
        let time = clock(elapsed).to_string();
        ui.heading(text!("guard-question", time = time, question = question));
        ui.add_space(4.0);
        ui.label(text!("guard-kept"));
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            let keep = ui.button(text!("guard-keep"));
            if keep.clicked() {
                answer = Some(false);
            }
            let yes = ui.button(yes);
            if yes.clicked() {
                answer = Some(true);
            }
            // Enter must not end what somebody began an hour ago.
            if !keep.has_focus() && !yes.has_focus() {
                keep.request_focus();
            }
        });
        if ends == Ends::Key {
            ui.weak(text!("guard-keys"));
            let again = ui.input(|input| {
                input.events.iter().any(|event| {
                    matches!(event, egui::Event::Key { key: Key::R, pressed: true, repeat: false, modifiers, .. } if modifiers.is_none())
                })
            });
            if again {
                answer = Some(true);
            }
        }
    });
    if modal.should_close() {
        answer = answer.or(Some(false));
    }
    answer.map(Command::EndGuard)
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    #[test]
    fn both_answers_are_buttons() {
        for (label, answer) in [("Keep recording", false), ("Stop and close", true)] {
            let mut harness = Harness::new_ui_state(
                |ui, sent: &mut Option<Command>| {
                    let asked = guard_ui(ui.ctx(), Ends::Closing, Duration::from_secs(724));
                    *sent = asked.or(sent.take());
                },
                None,
            );
            harness.run_steps(3);
            harness.get_by_label("Recording for 12:04. Stop and close?");
            harness.get_by_label(label).click();
            harness.run_steps(3);
            assert_eq!(harness.state(), &Some(Command::EndGuard(answer)));
        }
    }
}
