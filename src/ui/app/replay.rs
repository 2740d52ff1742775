//! How the application opens and plays sessions.

use std::path::PathBuf;

use super::{App, News};
use crate::{
    capture::SourceSpec,
    pipeline::SourceState,
    ui::{
        commands::{Command, PlayCommand},
        messages::{Severity, sentence},
        panels::notices::Topic,
        player::PlayerStatus,
        replay::{Opened, Replay, playing},
        words::text,
    },
};

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

    /// Passes a command to whatever plays.
    pub(super) fn play(&mut self, command: PlayCommand, status: PlayerStatus) {
        let engine = playing(&self.replay, &*self.engine);
        self.player.execute(command, status, engine);
    }
}
