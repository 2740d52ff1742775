//! A long recording is not ended by a key, a closed window or another source without a question.

use std::time::{Duration, Instant};

use egui::{Context, Rect, ViewportCommand};

use super::App;
use crate::ui::{
    bell::Bell,
    commands::Command,
    panels::{
        alarm,
        guard::{self, Ends},
    },
    recordings::RecordingStatus,
    replay::playing,
};

/// Shorter recordings are easily made again, and end without a question.
const LONG: Duration = Duration::from_secs(10);
/// How often the window looks at a recording whose source is silent.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The question, while it is open.
#[derive(Default)]
pub(super) struct Guard {
    /// The command that waits for the answer.
    asking: Option<(Ends, Command)>,
    /// Whether the answer was yes.
    is_passed: bool,
    /// Whether something is wrong with the recording, and the bell has rung for it.
    is_alarmed: bool,
    bell: Bell,
}

impl Guard {
    /// Whether the question is open. No other key counts meanwhile.
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// The window closes whatever is recorded.
    pub fn pass(&mut self) {
        self.is_passed = true;
    }
}

impl App {
    /// Whether a command has to wait for an answer, which is asked for then.
    pub(super) fn asks_first(&mut self, command: &Command) -> bool {
        let ends = match command {
            Command::RecordKey => Ends::Key,
            Command::Quit => Ends::Closing,
            Command::OpenSource(_) | Command::OpenFolder(_) | Command::PlayAgain => {
                Ends::OtherSource
            }
            _ => return false,
        };
        let is_long = self.recordings.elapsed().is_some_and(|time| time >= LONG);
        let asks = is_long && !self.guard.is_passed;
        if asks {
            self.guard.asking = Some((ends, command.clone()));
        }
        asks
    }

    /// Keeps a window open that is closed from outside, until the question is answered.
    pub(super) fn guard_closing(&mut self, ctx: &Context) {
        let is_closing = ctx.input(|input| input.viewport().close_requested());
        if is_closing && self.asks_first(&Command::Quit) {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
        if self.recordings.is_on() {
            // Its time passes, and a silent source wakes nobody.
            ctx.request_repaint_after(LOOK_EVERY);
        }
    }

    /// Draws the question while it is open.
    pub(super) fn guard_ui(&mut self, ctx: &Context) -> Option<Command> {
        let (ends, _) = self.guard.asking.as_ref()?;
        match self.recordings.elapsed() {
            Some(elapsed) => guard::guard_ui(ctx, *ends, elapsed),
            // It has ended by itself.
            None => Some(Command::EndGuard(true)),
        }
    }

    /// Draws what is wrong with the recording.
    pub(super) fn alarm_ui(&self, ctx: &Context, area: Rect) {
        if let Some(words) = self.alarm() {
            alarm::alarm_ui(ctx, area, &words);
        }
    }

    /// Rings the bell once when something goes wrong with the recording, also while nobody sees the window.
    pub(super) fn ring_if_alarmed(&mut self, ctx: &Context) {
        let is_alarmed = self.alarm().is_some();
        if is_alarmed && !self.guard.is_alarmed {
            self.guard.bell.ring(ctx);
        }
        self.guard.is_alarmed = is_alarmed;
    }

    fn alarm(&self) -> Option<String> {
        let RecordingStatus::On(status) = self.recordings.status(false) else {
            return None;
        };
        let transport = playing(&self.replay, &*self.engine).transport();
        let is_waiting = transport.is_some_and(|transport| transport.paused);
        alarm::alarm(&status, is_waiting, Instant::now())
    }

    /// Does what was asked about, if the answer is yes.
    pub(super) fn end_guard(&mut self, yes: bool, ctx: &Context) {
        let Some((ends, command)) = self.guard.asking.take().filter(|_| yes) else {
            return;
        };
        match ends {
            Ends::Key => self.recordings.stop(),
            Ends::Closing => {
                self.guard.pass();
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Ends::OtherSource => {
                self.guard.is_passed = true;
                self.execute(command, ctx);
                self.guard.is_passed = false;
            }
        }
    }
}
