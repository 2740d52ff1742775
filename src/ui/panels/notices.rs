//! Short messages at the lower edge of the frame, where they cover no face: what failed, what was loaded.
//!
//! A repeated message replaces itself, and only the newest few stay: a camera that fails every second must not fill the
//! window.

use std::time::Duration;

use egui::{
    Align, Align2, Area, Color32, CornerRadius, Frame, Id, Layout, Margin, Order, Rect, RichText,
    Stroke, Ui, Vec2, pos2, vec2,
};

use crate::ui::{colors, commands::Command, icons, messages::Severity, words::text};

/// Most notices shown at once.
const MAX_SHOWN: usize = 3;
/// How long an [`Severity::Info`] notice stays.
const INFO_STAYS: Duration = Duration::from_secs(4);
/// The same with buttons, which take a while to read and to reach.
const ACTIONS_STAY: Duration = Duration::from_secs(20);
/// Width of a notice where there is room for it, points.
const WIDTH: f32 = 460.0;

/// What a message is about, if a later success makes it pointless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Opening a source.
    Source,
    /// Loading a network.
    Network,
    /// Loading a second network.
    SecondNetwork,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Names it in [`Command::DismissNotice`].
    pub number: u64,
    /// How bad it is.
    pub severity: Severity,
    /// One or two sentences.
    pub text: String,
    /// What can be done about it: the button's word, and what it asks for.
    pub actions: Vec<(&'static str, Command)>,
    topic: Option<Topic>,
    /// Window time at which it disappears by itself, s.
    goes_at: Option<f64>,
}

/// The messages shown, oldest first.
#[derive(Debug, Default)]
pub struct Notices {
    shown: Vec<Notice>,
    n_posted: u64,
}

impl Notices {
    /// Shows a message from window time `now_s` on.
    pub fn post(&mut self, severity: Severity, text: impl Into<String>, now_s: f64) {
        self.post_with(severity, text, Vec::new(), now_s);
    }

    /// The same with buttons.
    pub fn post_with(
        &mut self,
        severity: Severity,
        text: impl Into<String>,
        actions: Vec<(&'static str, Command)>,
        now_s: f64,
    ) {
        let text = text.into();
        let stays = if actions.is_empty() {
            INFO_STAYS
        } else {
            ACTIONS_STAY
        };
        self.shown.retain(|notice| notice.text != text);
        self.n_posted += 1;
        self.shown.push(Notice {
            number: self.n_posted,
            severity,
            text,
            actions,
            topic: None,
            goes_at: (severity == Severity::Info).then_some(now_s + stays.as_secs_f64()),
        });
        if self.shown.len() > MAX_SHOWN {
            self.shown.remove(0);
        }
    }

    /// Shows a message that goes with the next success.
    pub fn post_about(&mut self, topic: Topic, severity: Severity, text: String, now_s: f64) {
        self.post(severity, text, now_s);
        if let Some(notice) = self.shown.last_mut() {
            notice.topic = Some(topic);
        }
    }

    /// Removes the messages about something that has succeeded since, or is no longer tried.
    pub fn withdraw(&mut self, topic: Topic) {
        self.shown.retain(|notice| notice.topic != Some(topic));
    }

    /// Removes a message.
    pub fn dismiss(&mut self, number: u64) {
        self.shown.retain(|notice| notice.number != number);
    }

    /// Removes expired messages; returns the time until the next one expires.
    pub fn expire(&mut self, now_s: f64) -> Option<Duration> {
        self.shown
            .retain(|notice| notice.goes_at.is_none_or(|at| at > now_s));
        self.shown
            .iter()
            .filter_map(|notice| notice.goes_at)
            .reduce(f64::min)
            .map(|at| Duration::from_secs_f64(at - now_s))
    }

    /// The messages shown, oldest first.
    #[cfg(test)]
    pub fn shown(&self) -> &[Notice] {
        &self.shown
    }

    /// Draws the messages at the bottom of `area`, over its content.
    pub fn ui(&self, ui: &Ui, area: Rect) -> Option<Command> {
        if self.shown.is_empty() {
            return None;
        }
        let width = WIDTH.min(area.width() - 24.0).max(120.0);
        let mut command = None;
        Area::new(Id::unique("notices"))
            .order(Order::Middle)
            .pivot(Align2::CENTER_BOTTOM)
            .fixed_pos(pos2(area.center().x, area.bottom() - 12.0))
            .constrain(false)
            .accessible_name(text!("notices"))
            .show(ui.ctx(), |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = 8.0;
                for notice in &self.shown {
                    command = notice_ui(ui, notice, width).or(command.take());
                }
            });
        command
    }
}

/// Draws one message.
fn notice_ui(ui: &mut Ui, notice: &Notice, width: f32) -> Option<Command> {
    let palette = colors::palette(ui.ctx().theme());
    let color: Color32 = match notice.severity {
        Severity::Info => palette.good,
        Severity::Warning => palette.warning,
        Severity::Error => palette.error,
    };
    let frame = Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(CornerRadius::same(8))
        .shadow(ui.visuals().popup_shadow)
        .inner_margin(Margin {
            left: 16,
            right: 8,
            top: 8,
            bottom: 8,
        });
    let mut command = None;
    let response = frame
        .show(ui, |ui| {
            ui.set_width(width - 24.0);
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                if icons::close_button_ui(ui, text!("notices-dismiss")).clicked() {
                    command = Some(Command::DismissNotice(notice.number));
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.label(RichText::new(notice.severity.word()).small().color(color));
                    ui.label(&notice.text);
                    if notice.actions.is_empty() {
                        return;
                    }
                    ui.add_space(2.0);
                    ui.horizontal(|ui| {
                        for (word, action) in &notice.actions {
                            if ui.button(*word).clicked() {
                                command = Some(action.clone());
                            }
                        }
                    });
                });
            });
        })
        .response;
    // The colored edge shows the severity at a glance; the word says it to everybody.
    let edge = Rect::from_min_size(
        response.rect.min + vec2(0.0, 8.0),
        Vec2::new(3.0, response.rect.height() - 16.0),
    );
    ui.painter().rect_filled(edge, CornerRadius::same(2), color);
    command
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;

    #[test]
    fn notices_neither_repeat_nor_pile_up() {
        let mut notices = Notices::default();
        for _ in 0..5 {
            notices.post(Severity::Error, "the same", 0.0);
        }
        assert_eq!(notices.shown().len(), 1);
        for number in 0..10 {
            notices.post(Severity::Warning, format!("number {number}"), 0.0);
        }
        let texts: Vec<_> = notices.shown().iter().map(|n| n.text.as_str()).collect();
        assert_eq!(texts, ["number 7", "number 8", "number 9"]);
    }

    #[test]
    fn infos_expire_and_errors_stay() {
        let mut notices = Notices::default();
        notices.post(Severity::Error, "bad", 10.0);
        assert_eq!(notices.expire(10.0), None);
        notices.post(Severity::Info, "good", 10.0);
        assert_eq!(notices.expire(11.0), Some(Duration::from_secs(3)));
        assert_eq!(notices.expire(14.0), None);
        assert_eq!(notices.shown().len(), 1);
        assert_eq!(notices.shown()[0].text, "bad");
    }

    #[test]
    fn a_success_removes_the_failures_before_it() {
        let mut notices = Notices::default();
        notices.post_about(Topic::Network, Severity::Error, "damaged".to_owned(), 0.0);
        notices.post_about(Topic::Source, Severity::Warning, "slow".to_owned(), 0.0);
        notices.post(Severity::Error, "the disk is full", 0.0);
        notices.withdraw(Topic::Network);
        let texts: Vec<_> = notices.shown().iter().map(|n| n.text.as_str()).collect();
        assert_eq!(texts, ["slow", "the disk is full"]);
    }

    #[test]
    fn the_close_button_dismisses_its_own_notice() {
        let mut notices = Notices::default();
        notices.post(Severity::Error, "The file is damaged.", 0.0);
        let number = notices.shown()[0].number;
        let mut harness = Harness::new_ui_state(
            |ui, sent: &mut Option<Command>| {
                let area = ui.max_rect();
                *sent = notices.ui(ui, area).or(sent.take());
            },
            None,
        );
        harness.run_ok();
        harness.get_by_label("Dismiss").click();
        harness.run_ok();
        assert_eq!(harness.state(), &Some(Command::DismissNotice(number)));
    }
}
