//! How the application opens sessions, and what plays while one is open.

use std::path::PathBuf;

use super::{App, Engine, News, sentence};
use crate::{
    capture::SourceSpec,
    pipeline::SourceState,
    ui::{
        commands::Command,
        notices::Severity,
        player::{Playback, PlayerView},
        replay::{Opened, Replay},
    },
};

/// What plays now: the session if one is open, else the live pipeline.
pub(super) fn at_work<'a>(replay: &'a Option<Replay>, live: &'a dyn Engine) -> &'a dyn Engine {
    match replay {
        Some(replay) => replay.engine(),
        None => live,
    }
}

impl App {
    /// Finds out what a folder is and opens it as that.
    pub(super) fn open_folder(&mut self, folder: PathBuf, ctx: &egui::Context) {
        self.turn_to(SourceSpec::Path(folder.clone()));
        // The camera is not to be on while a session is watched, and what is recorded ends with its source.
        self.recordings.stop();
        self.engine.close();
        self.loader.open(folder, ctx);
    }

    /// Takes what became of a folder.
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
                    let reason = format!("no thread could be started to play the session: {err}");
                    self.news.state = SourceState::Failed(reason);
                }
            },
        }
    }

    /// Whatever was open is left; `source` is what is opened now.
    pub(super) fn turn_to(&mut self, source: SourceSpec) {
        self.replay = None;
        self.loader.cancel();
        self.player.reset();
        self.news = News {
            source,
            opened_at: std::time::Instant::now(),
            state: SourceState::Starting,
            info: None,
            frame: None,
            analysis: None,
            stats: self.news.stats,
            next_stats_at_s: self.news.next_stats_at_s,
            device: self.news.device.take(),
            checkpoint: self.news.checkpoint.take(),
            loading: self.news.loading,
        };
    }

    /// Starts the open file or session from its beginning.
    pub(super) fn play_again(&mut self, ctx: &egui::Context) {
        let view = self.player_view();
        match (&self.replay, view) {
            (Some(_), Some(view)) => {
                let over = PlayerView {
                    is_over: true,
                    ..view
                };
                self.play(Playback::TogglePause, over);
            }
            _ => {
                if let SourceSpec::Path(path) = &self.news.source {
                    let command = Command::open_path(path);
                    self.execute(command, ctx);
                }
            }
        }
    }

    /// Tells what plays what to do.
    pub(super) fn play(&mut self, wish: Playback, view: PlayerView) {
        let engine = at_work(&self.replay, &*self.engine);
        self.player.execute(wish, view, engine);
    }
}
