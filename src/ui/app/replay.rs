//! How the application opens and plays sessions.

use std::{path::PathBuf, time::Duration};

use super::{App, News};
use crate::{
    capture::SourceSpec,
    pipeline::{SourceState, face_names::FaceNames},
    ui::{
        commands::{Command, PlayCommand},
        messages::{Severity, sentence},
        panels::notices::Topic,
        player::PlayerStatus,
        replay::{Opened, Replay, playing},
        words::text,
    },
};

/// Shorter files do not play again by themselves.
const MIN_LOOP: Duration = Duration::from_millis(200);
/// The last frame of a file that plays again is not shown for longer than this. Pictures are shown for a second.
const MAX_LAST_FRAME: Duration = Duration::from_secs(2);

impl App {
    /// Opens a folder, as a session or as images.
    pub(super) fn open_folder(&mut self, folder: PathBuf, ctx: &egui::Context) {
        self.turn_to(SourceSpec::Path(folder.clone()));
        // The camera must be off while a session plays, and a recording ends with its source.
        self.recordings.stop();
        self.engine.close();
        self.loader.open(folder, ctx);
    }

    /// Takes the folder that has been opened.
    pub(super) fn take_opened(&mut self, ctx: &egui::Context, now_s: f64) {
        match self.loader.take() {
            None => {}
            Some(Opened::Other(path)) => self.open(SourceSpec::Path(path)),
            Some(Opened::Broken(reason)) => self.news.state = SourceState::Failed(reason),
            Some(Opened::Session(recording)) => match Replay::start(recording, ctx) {
                Ok(replay) => {
                    if let Some(warning) = replay.warning() {
                        self.notices
                            .post(Severity::Warning, sentence(warning), now_s);
                    }
                    self.replay = Some(replay);
                }
                Err(err) => {
                    let reason = text!("session-no-thread", reason = err.to_string());
                    self.news.state = SourceState::Failed(reason);
                }
            },
        }
    }

    /// Closes whatever was open; `source` is opened next.
    pub(super) fn turn_to(&mut self, source: SourceSpec) {
        self.replay = None;
        self.markers.annotation = None;
        self.loader.cancel();
        self.player.reset();
        self.notices.withdraw(Topic::Source);
        self.strips.clear();
        self.agreement.clear();
        self.portraits.clear();
        self.names = FaceNames::default();
        self.news = News {
            stats: self.news.stats,
            next_stats_at_s: self.news.next_stats_at_s,
            device: self.news.device.take(),
            checkpoint: self.news.checkpoint.take(),
            second: self.news.second.take(),
            loading: self.news.loading,
            ..News::of(source)
        };
    }

    /// Starts the open file or session from its beginning.
    pub(super) fn play_again(&mut self, ctx: &egui::Context) {
        match (&self.replay, self.player_status()) {
            (Some(_), Some(status)) => {
                let over = PlayerStatus {
                    is_over: true,
                    ..status
                };
                self.play(PlayCommand::TogglePause, over);
            }
            _ => {
                if let SourceSpec::Path(path) = &self.news.source {
                    let command = Command::open_path(path);
                    self.execute(command, ctx);
                }
            }
        }
    }

    /// The file has ended. Returns whether it plays again, after its last frame was shown for as long as any other.
    ///
    /// Not during a recording, which ends with the file.
    pub(super) fn repeats_later(&mut self, ctx: &egui::Context, now_s: f64) -> bool {
        let Some(wait_s) = self.wait_before_repeat_s() else {
            return false;
        };
        self.player.repeat_at(now_s + wait_s);
        ctx.request_repaint_after(Duration::from_secs_f64(wait_s));
        true
    }

    fn wait_before_repeat_s(&self) -> Option<f64> {
        let transport = playing(&self.replay, &*self.engine).transport()?;
        let wanted = self.settings.loop_files && !transport.paused && !self.recordings.is_on();
        let last = self.news.frame.as_ref().filter(|_| wanted)?.time;
        // A file of hardly any length would be opened again and again.
        if last < MIN_LOOP {
            return None;
        }
        let duration = self.news.info.as_ref()?.duration.unwrap_or(last);
        let wait = duration.saturating_sub(last).min(MAX_LAST_FRAME);
        Some(wait.as_secs_f64() / transport.speed)
    }

    /// Plays the file again, if it has ended and it is time.
    pub(super) fn repeat_if_due(&mut self, now_s: f64) {
        if !self.player.takes_repeat(now_s) {
            return;
        }
        // It may have been paused or recorded meanwhile.
        let status = self.player_status();
        match status.filter(|_| self.wait_before_repeat_s().is_some()) {
            Some(status) => self.play(PlayCommand::Seek(Duration::ZERO), status),
            None => self.news.state = SourceState::Ended,
        }
    }

    /// Passes a command to whatever plays.
    pub(super) fn play(&mut self, command: PlayCommand, status: PlayerStatus) {
        if self.player.cancel_repeat() {
            self.news.state = SourceState::Ended;
        }
        let engine = playing(&self.replay, &*self.engine);
        self.player.execute(command, status, engine);
    }
}
