//! The application: takes news from the pipeline, lays out the panels, executes commands.
//!
//! [`App::update`] only takes what has come, [`App::draw`] only draws it; nothing here waits, and nothing asks again
//! and again. The pipeline wakes the window when there is something to take.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{
    CentralPanel, Context, Frame as PanelFrame, Margin, Panel, Stroke, Ui, ViewportCommand,
};

use super::{
    about::{self, AboutData},
    cameras::{Cameras, ListCameras, ListedCamera},
    colors,
    commands::Command,
    dialogs::{self, Dialog, Dialogs, Outcome},
    face_panel::{self, FaceHint},
    keyboard::{self, KeyContext},
    menu_bar::{MenuBar, MenuData},
    notices::{Notices, Severity},
    preview::{self, Preview, PreviewData},
    settings::{Saver, ViewSettings},
    state_screen::{self, sentence},
    status_bar::{self, StatusData},
};
use crate::{
    capture::{SourceInfo, SourceSpec},
    frame::Frame,
    model::{self, CheckpointChoice, CheckpointInfo},
    pipeline::{Analysis, Event, FaceAnalysis, Pipeline, Settings, SourceState, Stats},
};

/// How often the figures in the status bar change, s.
const STATS_EVERY_S: f64 = 0.25;

/// What the window needs of the pipeline; tests put made-up news behind it.
pub trait Engine {
    /// See [`Pipeline::open`].
    fn open(&self, source: SourceSpec);
    /// See [`Pipeline::load_checkpoint`].
    fn load_checkpoint(&self, choice: CheckpointChoice);
    /// See [`Pipeline::apply`].
    fn apply(&self, settings: Settings);
    /// See [`Pipeline::take_preview`].
    fn take_preview(&self) -> Option<Arc<Frame>>;
    /// See [`Pipeline::take_analysis`].
    fn take_analysis(&self) -> Option<Analysis>;
    /// See [`Pipeline::take_event`].
    fn take_event(&self) -> Option<Event>;
    /// See [`Pipeline::stats`].
    fn stats(&self) -> Stats;
}

impl Engine for Pipeline {
    fn open(&self, source: SourceSpec) {
        self.open(source);
    }

    fn load_checkpoint(&self, choice: CheckpointChoice) {
        self.load_checkpoint(choice);
    }

    fn apply(&self, settings: Settings) {
        self.apply(settings);
    }

    fn take_preview(&self) -> Option<Arc<Frame>> {
        self.take_preview()
    }

    fn take_analysis(&self) -> Option<Analysis> {
        self.take_analysis()
    }

    fn take_event(&self) -> Option<Event> {
        self.take_event()
    }

    fn stats(&self) -> Stats {
        self.stats()
    }
}

/// How the window starts.
pub struct AppConfig {
    /// The source the engine has been told to open.
    pub source: SourceSpec,
    /// Settings in force.
    pub view: ViewSettings,
    /// Something to tell about the settings, in words.
    pub settings_warning: Option<String>,
    /// Writes changed settings; `None` forgets them.
    pub saver: Option<Saver>,
    /// Lists cameras.
    pub list_cameras: ListCameras,
}

/// The newest of everything that comes from the engine.
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
    loading: bool,
}

/// The window's content.
pub struct App {
    engine: Box<dyn Engine>,
    news: News,
    view: ViewSettings,
    saver: Option<Saver>,
    cameras: Cameras,
    dialogs: Dialogs,
    notices: Notices,
    menu_bar: MenuBar,
    preview: Preview,
    about_open: bool,
    keyboard_open: bool,
}

impl App {
    /// The window's content on top of an engine that is already at work on `config.source`.
    pub fn new(ctx: &Context, engine: Box<dyn Engine>, config: AppConfig) -> Self {
        colors::install(ctx);
        ctx.set_theme(egui::ThemePreference::from(config.view.theme));
        let mut app = Self {
            engine,
            news: News {
                source: config.source,
                opened_at: Instant::now(),
                state: SourceState::Starting,
                info: None,
                frame: None,
                analysis: None,
                stats: Stats::default(),
                next_stats_at_s: 0.0,
                device: None,
                checkpoint: None,
                loading: true,
            },
            view: config.view,
            saver: config.saver,
            cameras: Cameras::new(config.list_cameras),
            dialogs: Dialogs::default(),
            notices: Notices::default(),
            menu_bar: MenuBar::default(),
            preview: Preview::default(),
            about_open: false,
            keyboard_open: false,
        };
        if let Some(warning) = config.settings_warning {
            app.notices.post(Severity::Warning, warning, 0.0);
        }
        app.cameras.refresh(ctx);
        app
    }

    /// Takes everything that has come since the last call. Draws nothing and never waits.
    pub fn update(&mut self, ctx: &Context) {
        let now_s = ctx.input(|input| input.time);
        self.cameras.drain();
        while let Some(event) = self.engine.take_event() {
            self.take_event(event, ctx, now_s);
        }
        let mut is_new = false;
        // Frames of the source before may still be on their way when another one is opened.
        if let Some(frame) = self.engine.take_preview()
            && frame.captured_at >= self.news.opened_at
        {
            self.news.frame = Some(frame);
            is_new = true;
        }
        if let Some(analysis) = self.engine.take_analysis()
            && analysis.frame.captured_at >= self.news.opened_at
        {
            self.news.analysis = Some(analysis);
            is_new = true;
        }
        if now_s >= self.news.next_stats_at_s {
            self.news.stats = self.engine.stats();
            self.news.next_stats_at_s = now_s + STATS_EVERY_S;
        } else if is_new {
            // The last frame of a burst must not leave figures from before it on the screen.
            let wait = Duration::from_secs_f64(self.news.next_stats_at_s - now_s);
            ctx.request_repaint_after(wait);
        }
        match self.dialogs.take_outcome() {
            Some(Outcome::Chosen(path)) => self.execute(Command::open_path(&path), ctx),
            Some(Outcome::Unavailable) => {
                self.notices
                    .post(Severity::Warning, dialogs::UNAVAILABLE, now_s);
            }
            Some(Outcome::Cancelled) | None => {}
        }
        let dropped = ctx.input(|input| {
            let files = &input.raw.dropped_files;
            files.first().map(|file| file.path().to_owned())
        });
        if let Some(path) = dropped {
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
                    SourceState::Live(info) => self.news.info = Some(info.clone()),
                    SourceState::NoCamera => self.news.frame = None,
                    SourceState::Starting
                    | SourceState::Lost(_)
                    | SourceState::Failed(_)
                    | SourceState::Ended => {}
                }
                // A camera has come or gone, and with it a line of the Source menu.
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
            Event::CheckpointLoaded(info) => {
                self.news.loading = false;
                if let Some(path) = &info.path {
                    self.view.remember_checkpoint(path);
                    self.save_view();
                }
                // The first one is no news.
                if self.news.checkpoint.is_some() {
                    let text = format!("{} is in force.", info.name);
                    self.notices.post(Severity::Info, text, now_s);
                }
                self.news.checkpoint = Some(info);
            }
            Event::CheckpointFailed { reason, .. } => {
                self.news.loading = false;
                let remedy = match &self.news.checkpoint {
                    Some(info) => format!("{} stays in force.", info.name),
                    None => "Choose another one in the Model menu.".to_owned(),
                };
                let text = format!("{} {remedy}", sentence(&reason));
                self.notices.post(Severity::Error, text, now_s);
            }
            Event::Warning(text) => self.notices.post(Severity::Warning, sentence(&text), now_s),
        }
    }

    /// Draws everything and executes what was asked for.
    pub fn draw(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let mut command = self.key_command(&ctx);
        command = self.panels_ui(ui).or(command);
        about::about_ui(
            &ctx,
            &mut self.about_open,
            AboutData {
                checkpoint: self.news.checkpoint.as_deref(),
                device: self.news.device.as_deref(),
            },
        );
        about::keyboard_ui(&ctx, &mut self.keyboard_open);
        if let Some(command) = command {
            self.execute(command, &ctx);
            // What was just changed is on the screen in the next frame, not when the next picture comes.
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
                boxes: self.view.boxes,
                bars: self.view.bars,
                smoothing_ms: self.view.smoothing_ms,
                uncertain_below_percent: self.uncertain_below_percent(),
                min_face_size_px: self.view.min_face_size_px,
                windows_open: self.about_open || self.keyboard_open,
            },
        )
    }

    fn panels_ui(&mut self, ui: &mut Ui) -> Option<Command> {
        let fill = ui.visuals().panel_fill;
        let bar = PanelFrame::new().fill(fill);
        let mut command = None;
        Panel::top("menus")
            .frame(bar.inner_margin(Margin::symmetric(6, 3)))
            .show(ui, |ui| command = self.menus_ui(ui));
        let n_lines = status_bar::n_lines(ui.available_width());
        Panel::bottom("status")
            .frame(bar.inner_margin(Margin::symmetric(12, 2)))
            .exact_size(n_lines as f32 * status_bar::LINE_HEIGHT + 5.0)
            .show(ui, |ui| status_bar::status_bar_ui(ui, self.status()));
        if self.view.bars {
            Panel::right("faces")
                .frame(bar.inner_margin(Margin::symmetric(14, 6)))
                .default_size(290.0)
                .size_range(230.0..=440.0)
                .show(ui, |ui| {
                    let below = self.uncertain_below();
                    face_panel::face_panel_ui(ui, self.faces(), below, self.face_hint());
                });
        }
        CentralPanel::default()
            .frame(PanelFrame::new().stroke(Stroke::NONE))
            .show(ui, |ui| {
                let area = ui.available_rect_before_wrap();
                let data = PreviewData {
                    frame: self.news.frame.as_ref(),
                    analysis: self.news.analysis.as_ref(),
                    state: &self.news.state,
                    source: Some(&self.news.source),
                    info: self.news.info.as_ref(),
                    mirror: self.mirror(),
                    boxes: self.view.boxes,
                    uncertain_below: self.uncertain_below(),
                };
                command = self.preview.ui(ui, data).or(command.take());
                command = self.notices.ui(ui, area).or(command.take());
                if ui.input(|input| !input.raw.hovered_files.is_empty()) {
                    state_screen::drop_ui(ui, area);
                }
            });
        command
    }

    fn menus_ui(&mut self, ui: &mut Ui) -> Option<Command> {
        let checkpoint = self.checkpoint_choice();
        let data = MenuData {
            cameras: self.cameras.entries(),
            searching: self.cameras.searching(),
            source: Some(&self.news.source),
            source_name: match &self.news.state {
                SourceState::Live(info) => Some(&info.name),
                _ => None,
            },
            can_play_again: self.can_play_again(),
            bundled: model::bundled_names(),
            checkpoint: checkpoint.as_ref(),
            mirror: self.mirror(),
            uncertain_below_percent: self.uncertain_below_percent(),
            view: &self.view,
        };
        self.menu_bar.ui(ui, data)
    }

    fn status(&self) -> StatusData<'_> {
        StatusData {
            state: &self.news.state,
            info: self.news.info.as_ref(),
            stats: self.news.stats,
            device: self.news.device.as_deref(),
            checkpoint: self.news.checkpoint.as_ref().map(|info| info.name.as_str()),
            loading: self.news.loading,
        }
    }

    /// Does what was asked for. Returns at once; what takes time happens on other threads.
    pub fn execute(&mut self, command: Command, ctx: &Context) {
        match command {
            Command::ChooseFile => self.dialogs.open(Dialog::File, ctx),
            Command::ChooseFolder => self.dialogs.open(Dialog::Folder, ctx),
            Command::ChooseCheckpoint => self.dialogs.open(Dialog::Checkpoint, ctx),
            Command::OpenSource(source) => self.open(source),
            Command::PlayAgain if self.can_play_again() => self.open(self.news.source.clone()),
            Command::PlayAgain => {}
            Command::RefreshCameras => self.cameras.refresh(ctx),
            Command::LoadCheckpoint(choice) => {
                self.news.loading = true;
                self.engine.load_checkpoint(choice);
            }
            Command::SetMirror(mirror) => {
                let by_default = self.mirror_by_default();
                self.view.set_mirror(by_default, mirror);
                self.save_view();
            }
            Command::SetBoxes(boxes) => {
                self.view.boxes = boxes;
                self.save_view();
            }
            Command::SetBars(bars) => {
                self.view.bars = bars;
                self.save_view();
            }
            Command::SetSmoothing(smoothing) => {
                self.view.smoothing_ms = smoothing.as_millis() as u32;
                self.engine.apply(self.view.pipeline_settings());
                self.save_view();
            }
            Command::SetUncertainBelow(percent) => {
                self.view.uncertain_below_percent = percent;
                self.save_view();
            }
            Command::SetMinFaceSize(px) => {
                self.view.min_face_size_px = px;
                self.engine.apply(self.view.pipeline_settings());
                self.save_view();
            }
            Command::SetTheme(theme) => {
                ctx.set_theme(theme);
                self.view.theme = theme.into();
                self.save_view();
            }
            Command::ToggleAbout => self.about_open = !self.about_open,
            Command::ToggleKeyboard => self.keyboard_open = !self.keyboard_open,
            Command::CloseWindows => {
                self.about_open = false;
                self.keyboard_open = false;
            }
            Command::DismissNotice(number) => self.notices.dismiss(number),
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    fn open(&mut self, source: SourceSpec) {
        self.news.source = source.clone();
        self.news.opened_at = Instant::now();
        self.news.state = SourceState::Starting;
        self.news.info = None;
        self.news.frame = None;
        self.news.analysis = None;
        self.engine.open(source);
    }

    fn save_view(&self) {
        if let Some(saver) = &self.saver {
            saver.save(&self.view);
        }
    }

    fn can_play_again(&self) -> bool {
        matches!(self.news.source, SourceSpec::Path(_))
    }

    fn mirror_by_default(&self) -> bool {
        match &self.news.info {
            Some(info) => info.mirror_by_default,
            None => matches!(self.news.source, SourceSpec::Camera(_)),
        }
    }

    fn mirror(&self) -> bool {
        self.view.mirror(self.mirror_by_default())
    }

    /// Below this probability, %, no expression is named: what people have chosen, or else what the checkpoint says.
    fn uncertain_below_percent(&self) -> u32 {
        let of_checkpoint = || {
            let info = self.news.checkpoint.as_ref();
            info.map_or(0.0, |info| info.uncertain_below * 100.0)
                .round() as u32
        };
        let chosen = self.view.uncertain_below_percent;
        chosen.unwrap_or_else(of_checkpoint)
    }

    /// The same as a share.
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

    fn has_current_picture(&self) -> bool {
        self.news.frame.is_some()
            && matches!(self.news.state, SourceState::Live(_) | SourceState::Ended)
    }

    fn faces(&self) -> &[FaceAnalysis] {
        if self.has_current_picture() {
            preview::faces_for(self.news.frame.as_deref(), self.news.analysis.as_ref())
        } else {
            &[]
        }
    }

    fn face_hint(&self) -> FaceHint {
        match (&self.news.checkpoint, self.news.loading) {
            (None, true) => FaceHint::Loading,
            (None, false) => FaceHint::NoNetwork,
            (Some(_), _) if !self.has_current_picture() => FaceHint::NoPicture,
            (Some(_), _) => FaceHint::NoFace {
                min_face_size_px: self.view.min_face_size_px,
            },
        }
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

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
