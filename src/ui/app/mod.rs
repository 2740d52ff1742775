//! The application: takes news from the pipeline, lays out the panels, runs commands.
//!
//! [`App::update`] only takes what has arrived, [`App::draw`] only draws it. Nothing here waits or polls: the pipeline
//! wakes the window when there is something to take.

mod annotations;
mod commands;
mod faces;
mod guard;
mod layout;
mod library;
mod markers;
mod networks;
mod replay;
mod session_tools;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{Context, Ui};

use self::{guard::Guard, library::Library, markers::Markers};
use super::{
    agreement::Agreement,
    background::Background,
    cameras::{Cameras, ListCameras, ListedCamera},
    colors,
    commands::Command,
    dialogs::{self, Dialog, Dialogs, Outcome},
    engine::Engine,
    exports::Exports,
    keyboard::{self, KeyContext},
    messages::{Severity, sentence},
    panels::{
        about::{self, AboutData},
        assumptions::Assumptions,
        face_panel::FacePanel,
        menu_bar::MenuBar,
        notices::{Notices, Topic},
        preview::Preview,
        readout::Readout,
        recording,
        transport::TransportBar,
    },
    player::{Player, PlayerStatus},
    portraits::Portraits,
    privacy::LivePrivacy,
    quit::QuitRequest,
    recordings::{RecordingStatus, Recordings},
    replay::{Loader, Replay, playing},
    settings::{Saver, UiSettings},
    streams::Streams,
    strips::Strips,
    words::{self, Language},
};
use crate::{
    capture::{SourceInfo, SourceSpec},
    frame::Frame,
    model::{CheckpointChoice, CheckpointInfo, assumptions::Settings},
    pipeline::{Analysis, Event, SourceState, Stats, TapHandle, face_names::FaceNames},
    session::is_session,
    stream::StreamOptions,
};

/// How often the figures in the status bar change, s.
const STATS_EVERY_S: f64 = 0.25;

/// How long the window waits, when it closes, until what was said about a network is written.
const KEEPING_PATIENCE: Duration = Duration::from_secs(2);

/// How the window starts.
pub struct AppConfig {
    /// The source to open first.
    pub source: SourceSpec,
    /// Closes the window from outside.
    pub quit: QuitRequest,
    /// Live outputs that are on from the start.
    pub stream: StreamOptions,
    /// What listens for as long as the window is open.
    pub taps: Vec<TapHandle>,
    /// The settings.
    pub settings: UiSettings,
    /// What is wrong with the settings file, in a sentence.
    pub settings_warning: Option<String>,
    /// Writes changed settings; without one they are not kept.
    pub saver: Option<Saver>,
    /// The language that the system asks for.
    pub system_language: Language,
    /// Lists cameras.
    pub list_cameras: ListCameras,
}

/// The latest of everything that the engine reports.
struct News {
    source: SourceSpec,
    opened_at: Instant,
    state: SourceState,
    info: Option<SourceInfo>,
    frame: Option<Arc<Frame>>,
    analysis: Option<Analysis>,
    stats: Stats,
    next_stats_at_s: f64,
    device: Option<String>,
    checkpoint: Option<Arc<CheckpointInfo>>,
    second: Option<Arc<CheckpointInfo>>,
    loading: bool,
}

impl News {
    /// Nothing is known yet of the source, nor of the network.
    fn of(source: SourceSpec) -> Self {
        Self {
            source,
            opened_at: Instant::now(),
            state: SourceState::Starting,
            info: None,
            frame: None,
            analysis: None,
            stats: Stats::default(),
            next_stats_at_s: 0.0,
            device: None,
            checkpoint: None,
            second: None,
            loading: true,
        }
    }
}

/// The window's content.
pub struct App {
    /// Dropped before the engine: a recording ends while its source still runs.
    recordings: Recordings,
    library: Library,
    markers: Markers,
    guard: Guard,
    quit: QuitRequest,
    engine: Box<dyn Engine>,
    news: News,
    settings: UiSettings,
    /// The language that the system asks for.
    system_language: Language,
    saver: Option<Saver>,
    cameras: Cameras,
    dialogs: Dialogs,
    notices: Notices,
    menu_bar: MenuBar,
    preview: Preview,
    player: Player,
    transport_bar: TransportBar,
    loader: Loader,
    /// The session that is open, if one is.
    replay: Option<Replay>,
    privacy: LivePrivacy,
    streams: Streams,
    /// Dropped after the engine: the camera is off while an export is finished.
    exports: Exports,
    /// Detached when the window closes.
    _taps: Vec<TapHandle>,
    /// What is being said about a network of another program.
    assumptions: Option<Assumptions>,
    /// What holds for the network that is being loaded, and is kept beside its file if that works.
    to_keep: Option<(PathBuf, Box<Settings>)>,
    /// Writes it; each result is a message if that failed.
    keeping: Background<Option<String>>,
    about_open: bool,
    keyboard_open: bool,
    /// The setting that has just changed.
    readout: Readout,
    /// The last minute of each face.
    strips: Strips,
    /// Of the two networks, over the last minute.
    agreement: Agreement,
    face_panel: FacePanel,
    portraits: Portraits,
    /// What the faces of the live source are called, by their tracks.
    names: FaceNames,
}

impl App {
    /// The window's content on top of an engine, which is told to open `config.source`.
    pub fn new(ctx: &Context, engine: Box<dyn Engine>, config: AppConfig) -> Self {
        colors::install(ctx);
        words::set_language(config.settings.language.unwrap_or(config.system_language));
        ctx.set_theme(config.settings.theme);
        ctx.set_zoom_factor(config.settings.zoom_percent as f32 / 100.0);
        let markers = Markers::default();
        let mut app = Self {
            exports: Exports::default(),
            recordings: Recordings::new(config.quit.clone(), markers.relay()),
            library: Library::default(),
            guard: Guard::default(),
            quit: config.quit,
            engine,
            news: News::of(config.source),
            streams: Streams::new(
                config.stream.config(config.settings.stream_config()),
                markers.relay(),
            ),
            _taps: config.taps,
            markers,
            settings: config.settings,
            system_language: config.system_language,
            saver: config.saver,
            cameras: Cameras::new(config.list_cameras),
            dialogs: Dialogs::default(),
            notices: Notices::default(),
            menu_bar: MenuBar::default(),
            preview: Preview::default(),
            player: Player::default(),
            transport_bar: TransportBar::default(),
            loader: Loader::default(),
            replay: None,
            privacy: LivePrivacy::default(),
            assumptions: None,
            to_keep: None,
            keeping: Background::new("assumptions", KEEPING_PATIENCE),
            about_open: false,
            keyboard_open: false,
            readout: Readout::default(),
            strips: Strips::default(),
            agreement: Agreement::default(),
            face_panel: FacePanel::default(),
            portraits: Portraits::default(),
            names: FaceNames::default(),
        };
        if let Some(warning) = config.settings_warning {
            app.notices.post(Severity::Warning, warning, 0.0);
        }
        for (output, _) in config.stream.on {
            app.toggle_output(output, ctx);
        }
        match app.news.source.clone() {
            SourceSpec::Path(folder) if is_session(&folder) => {
                app.execute(Command::OpenFolder(folder), ctx);
            }
            source => app.engine.open(source),
        }
        app.cameras.refresh(ctx);
        app.recordings.repair(app.settings.sessions_root(), ctx);
        app.library.refresh(&app.settings, ctx);
        app
    }

    /// Takes everything that has arrived since the last call. Draws nothing and never waits.
    pub fn update(&mut self, ctx: &Context) {
        let now_s = ctx.input(|input| input.time);
        if self.quit.is_made() {
            self.guard.pass(); // Whoever sent a signal sees no question.
            self.execute(Command::Quit, ctx);
        }
        self.remember_window(ctx);
        self.guard_closing(ctx);
        self.ring_if_alarmed(ctx);
        self.cameras.drain();
        while let Some(event) = self.engine.take_event() {
            self.take_event(event, ctx, now_s);
        }
        let live = &self.engine;
        let (mut told, recorded) = self
            .recordings
            .update(|recorder| live.attach(recorder.tap()));
        if let (Some(folder), Some(last)) = (&recorded, told.pop_if(|_| recorded.is_some())) {
            self.post_recorded(folder, last, ctx, now_s);
        }
        self.take_markers(now_s);
        told.extend(std::iter::from_fn(|| self.exports.take()));
        for (severity, text) in told {
            self.notices.post(severity, text, now_s);
        }
        self.update_library(ctx, now_s);
        while let Some(outcome) = self.keeping.take() {
            if let Some(text) = outcome {
                self.notices.post(Severity::Warning, text, now_s);
            }
        }
        self.take_opened(ctx, now_s);
        while let Some(event) = self.replay.as_ref().and_then(|r| r.engine().take_event()) {
            self.take_event(event, ctx, now_s);
        }
        let engine = playing(&self.replay, &*self.engine);
        let mut is_new = false;
        // Frames of the previous source may still arrive after another one was opened.
        if let Some(frame) = engine.take_preview()
            && frame.captured_at >= self.news.opened_at
        {
            self.news.frame = Some(frame);
            if self.player.frame_arrived(engine) {
                self.news.analysis = None;
            }
            is_new = true;
        }
        if let Some(analysis) = engine.take_analysis()
            && analysis.frame.captured_at >= self.news.opened_at
        {
            self.privacy.see(&analysis);
            let uncertain_below = self.uncertain_below();
            self.strips.see(&analysis, uncertain_below);
            self.agreement.see(&analysis);
            if self.shows_portraits() {
                self.portraits.see(ctx, &analysis, now_s);
            }
            if let Some(replay) = &mut self.replay {
                replay.see(&analysis.frame);
            }
            self.news.analysis = Some(analysis);
            is_new = true;
        }
        if now_s >= self.news.next_stats_at_s {
            self.news.stats = playing(&self.replay, &*self.engine).stats();
            self.news.next_stats_at_s = now_s + STATS_EVERY_S;
        } else if is_new {
            // The last frame of a burst must not leave outdated figures on the screen.
            let wait = Duration::from_secs_f64(self.news.next_stats_at_s - now_s);
            ctx.request_repaint_after(wait);
        }
        self.repeat_if_due(now_s);
        match self.dialogs.take_outcome() {
            Some(Outcome::Chosen(Dialog::Sessions, folder)) => {
                self.settings.sessions_folder = Some(folder);
                self.save_settings();
            }
            Some(Outcome::Chosen(dialog, path)) if library::is_for_many(dialog) => {
                self.library.chosen(dialog, vec![path]);
            }
            Some(Outcome::ChosenMany(dialog, paths)) => self.library.chosen(dialog, paths),
            Some(Outcome::Chosen(Dialog::SecondCheckpoint, path)) => {
                let choice = CheckpointChoice::File(path);
                self.execute(Command::LoadSecond(Some(choice)), ctx);
            }
            Some(Outcome::Chosen(Dialog::Export(format), file)) => {
                if let Some(folder) = self.library.take_export() {
                    self.exports.start(folder, format, file, ctx);
                } else if let (Some(_), SourceSpec::Path(folder)) =
                    (&self.replay, &self.news.source)
                {
                    self.exports.start(folder.clone(), format, file, ctx);
                }
            }
            Some(Outcome::Chosen(Dialog::Reader, file)) => self.reader_chosen(file, ctx),
            Some(Outcome::Chosen(Dialog::ShareOut, folder)) => self.share_out_chosen(folder),
            Some(Outcome::Chosen(Dialog::Comparison(part), file)) => {
                self.comparison_chosen(part, file, ctx);
            }
            Some(Outcome::Chosen(_, path)) => self.execute(Command::open_path(&path), ctx),
            Some(Outcome::Unavailable(dialog)) => {
                let text = dialogs::unavailable(dialog);
                self.notices.post(Severity::Warning, text, now_s);
            }
            Some(Outcome::Canceled) | None => {}
        }
        let dropped = ctx.input(|input| {
            let files = &input.raw.dropped_files;
            let paths = files.iter().map(|file| file.path().to_owned());
            paths.collect::<Vec<_>>()
        });
        if self.library.takes_files() {
            self.library.add_files(dropped);
        } else if let Some(path) = dropped.into_iter().next() {
            self.execute(Command::open_path(&path), ctx);
        }
        if let Some(wait) = self.notices.expire(now_s) {
            ctx.request_repaint_after(wait);
        }
    }

    fn take_event(&mut self, event: Event, ctx: &Context, now_s: f64) {
        match event {
            Event::Source(state) => {
                match &state {
                    SourceState::Live(info) => {
                        self.news.info = Some(info.clone());
                        self.remember_source();
                    }
                    SourceState::NoCamera => self.news.frame = None,
                    SourceState::Failed(_) => self.player.reset(),
                    SourceState::Ended => {
                        self.player.seek_ended(playing(&self.replay, &*self.engine));
                        if self.repeats_later(ctx, now_s) {
                            return;
                        }
                    }
                    SourceState::Starting | SourceState::Lost(_) | SourceState::Waiting(_) => {}
                }
                // When a camera comes back, somebody else may be there.
                if !matches!(state, SourceState::Live(_) | SourceState::Ended) {
                    self.privacy.end_permissions();
                    self.recordings.set_privacy(self.face_privacy());
                }
                // A camera may have come or gone, and with it an item of the Source menu.
                if state != SourceState::Starting {
                    self.cameras.refresh(ctx);
                }
                self.news.state = state;
            }
            Event::Device { name, warning } => {
                self.news.device = Some(name);
                if let Some(warning) = warning {
                    self.notices
                        .post(Severity::Warning, sentence(&warning), now_s);
                }
            }
            Event::CheckpointLoaded(info) => self.network_loaded(info, ctx, now_s),
            Event::CheckpointFailed { reason, .. } => self.network_failed(&reason, now_s),
            Event::SecondChanged(info) => self.second_changed(info),
            Event::SecondFailed(reason) => self.second_failed(&reason, now_s),
            Event::Neutral(words) => self.readout.show(sentence(&words)),
            Event::Warning(text) => {
                let text = sentence(&text);
                self.notices
                    .post_about(Topic::Source, Severity::Warning, text, now_s);
            }
        }
    }

    /// Offers the open file again another time. Sessions are listed anyway.
    fn remember_source(&mut self) {
        let SourceSpec::Path(path) = &self.news.source else {
            return;
        };
        // The next start may be in another working directory.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if self.replay.is_none() && self.settings.recent_files.first() != Some(&path) {
            self.settings.remember_file(&path);
            self.save_settings();
        }
    }

    /// Draws everything and runs the command that resulted.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let is_asking = self.guard.is_asking();
        let mut command = match is_asking {
            true => None,
            false => self.key_command(&ctx),
        };
        command = self.panels_ui(ui).or(command);
        let asked = about::about_ui(
            &ctx,
            &mut self.about_open,
            AboutData {
                checkpoint: self.news.checkpoint.as_deref(),
                device: self.news.device.as_deref(),
            },
        );
        command = asked.or(command);
        if let Some(assumptions) = &mut self.assumptions {
            command = assumptions.ui(&ctx).or(command);
        }
        about::keyboard_ui(&ctx, &mut self.keyboard_open);
        if let Some(note) = self.recordings.note_mut() {
            command = recording::note_ui(&ctx, note).or(command);
        }
        command = self.library.ui(&ctx, &self.settings).or(command);
        command = self.markers.ui(&ctx).or(command);
        if is_asking {
            command = self.guard_ui(&ctx).or(command);
        }
        if let Some(command) = command {
            self.execute(command, &ctx);
            // Show the change in the next frame of the window, not with the next frame of the source.
            ctx.request_repaint();
        }
    }

    fn key_command(&self, ctx: &Context) -> Option<Command> {
        let sources: Vec<SourceSpec> = self
            .cameras
            .entries()
            .iter()
            .map(ListedCamera::source)
            .collect();
        keyboard::take_command(
            ctx,
            KeyContext {
                cameras: &sources,
                mirror: self.mirror(),
                boxes: self.settings.boxes,
                bars: self.settings.bars,
                timeline: self.settings.timeline,
                privacy: self.settings.privacy,
                smoothing_ms: self.settings.smoothing_ms,
                views: self.settings.views,
                uncertain_below_percent: self.uncertain_below_percent(),
                min_face_size_px: self.settings.min_face_size_px,
                windows_open: !self.markers.is_form_open()
                    && (self.about_open || self.keyboard_open || self.library.is_open()),
                can_pause: self.player_status().is_some(),
                marker_keys: &self.settings.marker_keys,
                session_open: self.replay.is_some(),
                looped: self.settings.loop_files,
            },
        )
    }

    fn recording_status(&self) -> RecordingStatus {
        let is_live = matches!(self.news.state, SourceState::Live(_));
        // A session that plays is recorded already.
        self.recordings.status(is_live && self.replay.is_none())
    }

    fn can_play_again(&self) -> bool {
        matches!(self.news.source, SourceSpec::Path(_))
    }

    /// How the file plays, if it is one that can be paused.
    fn player_status(&self) -> Option<PlayerStatus> {
        let news = &self.news;
        let transport = playing(&self.replay, &*self.engine).transport();
        self.player.status(
            transport,
            &news.state,
            news.info.as_ref(),
            news.frame.as_deref(),
            self.settings.loop_files,
        )
    }

    fn mirror_by_default(&self) -> bool {
        match &self.news.info {
            Some(info) => info.mirror_by_default,
            None => matches!(self.news.source, SourceSpec::Camera(_)),
        }
    }

    fn mirror(&self) -> bool {
        match &self.replay {
            Some(replay) => replay.is_mirrored(),
            None => self.settings.mirror(self.mirror_by_default()),
        }
    }

    /// Below this probability, %, no expression is named: the user's choice, or else the open session's, or the network's own
    /// threshold.
    fn uncertain_below_percent(&self) -> u32 {
        let of_checkpoint = || {
            let info = self.news.checkpoint.as_ref();
            info.map_or(0.0, |info| info.uncertain_below)
        };
        let own = || {
            let of_session = self.replay.as_ref().and_then(Replay::uncertain_below);
            (of_session.unwrap_or_else(of_checkpoint) * 100.0).round() as u32
        };
        let chosen = self.settings.uncertain_below_percent;
        chosen.unwrap_or_else(own)
    }

    /// The same, 0 to 1.
    fn uncertain_below(&self) -> f32 {
        self.uncertain_below_percent() as f32 / 100.0
    }

    fn checkpoint_choice(&self) -> Option<CheckpointChoice> {
        let info = self.news.checkpoint.as_ref()?;
        Some(match &info.path {
            Some(path) => CheckpointChoice::File(path.clone()),
            None => CheckpointChoice::Bundled(info.name.clone()),
        })
    }

    fn has_current_frame(&self) -> bool {
        self.news.frame.is_some()
            && matches!(self.news.state, SourceState::Live(_) | SourceState::Ended)
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.update(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}
