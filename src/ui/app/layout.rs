//! Where the panels are, and what each is given.

use egui::{CentralPanel, Context, Frame as PanelFrame, Margin, Panel, Stroke, Ui};

use super::App;
use crate::{
    model,
    pipeline::SourceState,
    ui::{
        changes,
        commands::Command,
        panels::{
            face_panel::{FacePanelData, NetworkPair},
            menu_bar::MenuData,
            preview::PreviewData,
            recent, state_screen,
            status_bar::{self, StatusData},
            streams, timeline, tools, transport,
        },
        player,
        replay::{Replay, playing},
        words::text,
    },
};

/// Files, and as many sessions, that are offered again while there is no frame.
const MAX_RECENT: usize = 3;
/// In full screen, the menus come while the pointer is this close to the top, points.
const MENU_ZONE: f32 = 40.0;

impl App {
    /// Draws everything but the windows.
    pub(super) fn panels_ui(&mut self, ui: &mut Ui) -> Option<Command> {
        let fill = ui.visuals().panel_fill;
        let bar = PanelFrame::new().fill(fill);
        let mut command = None;
        let fullscreen = is_fullscreen(ui);
        // A recording must be seen.
        if !fullscreen || self.recordings.is_on() || wants_menus(ui) {
            Panel::top("menus")
                .frame(bar.inner_margin(Margin::symmetric(6, 3)))
                .show(ui, |ui| command = self.menus_ui(ui));
        }
        if !fullscreen {
            let n_lines = status_bar::n_lines(ui.available_width(), self.settings.statistics);
            Panel::bottom("status")
                .frame(bar.inner_margin(Margin::symmetric(12, 2)))
                .exact_size(n_lines as f32 * status_bar::LINE_HEIGHT + 5.0)
                .show(ui, |ui| {
                    let asked = status_bar::status_bar_ui(ui, self.status());
                    command = asked.or(command.take());
                });
        }
        if self.streams.is_any_on() {
            Panel::bottom("streams")
                .frame(bar.inner_margin(Margin::symmetric(12, 2)))
                .exact_size(streams::LINE_HEIGHT)
                .show(ui, |ui| {
                    let n_refused = self.streams.n_markers_refused();
                    streams::line_ui(ui, &self.streams.status(), n_refused);
                });
        }
        let jobs = self.library.tools.jobs();
        if !jobs.is_empty() {
            Panel::bottom("tools")
                .frame(bar.inner_margin(Margin::symmetric(12, 2)))
                .exact_size(jobs.len() as f32 * tools::LINE_HEIGHT + 4.0)
                .show(ui, |ui| {
                    command = tools::tools_ui(ui, jobs).or(command.take())
                });
        }
        let status = self.player_status();
        let uncertain_below = self.uncertain_below();
        if let Some(replay) = &mut self.replay {
            let asked = replay.panel_ui(ui, status, uncertain_below);
            command = asked.or(command);
        }
        if let Some(status) = status {
            Panel::bottom("transport")
                .frame(bar.inner_margin(Margin::symmetric(10, 4)))
                .exact_size(transport::HEIGHT + 8.0)
                .show(ui, |ui| {
                    command = self.transport_bar.ui(ui, status).or(command.take());
                });
        }
        if self.settings.timeline && self.has_strips() {
            Panel::bottom("live timeline")
                .frame(bar.inner_margin(Margin::symmetric(10, 6)))
                .resizable(true)
                .default_size(150.0)
                .size_range(70.0..=600.0)
                .show(ui, |ui| {
                    timeline::timeline_ui(ui, &mut self.strips, &self.names);
                });
        }
        if self.settings.bars {
            Panel::right("faces")
                .frame(bar.inner_margin(Margin::symmetric(14, 6)))
                .default_size(290.0)
                .size_range(230.0..=440.0)
                .show(ui, |ui| {
                    let has_strips = self.has_strips();
                    let mut strips = std::mem::take(&mut self.strips);
                    let mut panel = std::mem::take(&mut self.face_panel);
                    let data = FacePanelData {
                        faces: self.faces(),
                        uncertain_below: self.uncertain_below(),
                        hint: self.face_hint(),
                        shown: self.settings.privacy.map(|_| self.privacy.shown()),
                        names: self.names(),
                        portraits: self.shows_portraits().then_some(&self.portraits),
                        mirror: self.mirror(),
                        strips: has_strips.then_some(&mut strips),
                        networks: self.network_pair(),
                    };
                    let asked = panel.ui(ui, data);
                    (self.strips, self.face_panel) = (strips, panel);
                    command = asked.or(command.take());
                });
        }
        CentralPanel::default()
            .frame(PanelFrame::new().stroke(Stroke::NONE))
            .show(ui, |ui| {
                let area = ui.available_rect_before_wrap();
                let (effect, newest) = (self.settings.privacy, self.news.frame.as_ref());
                let (frame, cover) = match &self.replay {
                    Some(replay) => replay.frame_to_show(self.face_privacy(), newest),
                    None => {
                        let analysis = self.news.analysis.as_ref();
                        self.privacy.frame_to_show(effect, newest, analysis)
                    }
                };
                let recent = match self.news.state {
                    SourceState::Live(_) | SourceState::Starting => Vec::new(),
                    _ => {
                        let files = &self.settings.recent_files;
                        recent::recent(files, self.library.recent(), MAX_RECENT)
                    }
                };
                let data = PreviewData {
                    recent: &recent,
                    frame,
                    cover: &cover,
                    analysis: self.news.analysis.as_ref(),
                    state: &self.news.state,
                    source: Some(&self.news.source),
                    info: self.news.info.as_ref(),
                    mirror: self.mirror(),
                    boxes: self.settings.boxes
                        && self.replay.as_ref().is_none_or(Replay::wants_boxes),
                    mesh: self.settings.mesh,
                    has_transport: status.is_some(),
                    uncertain_below: self.uncertain_below(),
                    names: self.replay.as_ref().map_or(&self.names, Replay::names),
                };
                command = self.preview.ui(ui, data).or(command.take());
                command = self.notices.ui(ui, area).or(command.take());
                self.alarm_ui(ui.ctx(), area);
                self.readout.ui(ui, area);
                if ui.input(|input| !input.raw.hovered_files.is_empty()) {
                    state_screen::drop_ui(ui, area);
                }
            });
        command
    }

    /// The two networks whose values are shown, if there are two.
    fn network_pair(&self) -> Option<NetworkPair<'_>> {
        if let Some(replay) = &self.replay {
            return Some(NetworkPair {
                first: replay.networks(),
                second: replay.second_network()?,
                agreement: None, // Of the whole session; the timeline says it.
            });
        }
        Some(NetworkPair {
            first: &self.news.checkpoint.as_ref()?.name,
            second: &self.news.second.as_ref()?.name,
            agreement: self.agreement.share(),
        })
    }

    /// Whether faces have strips with their last minute: a session has a timeline instead, and an image has no time.
    fn has_strips(&self) -> bool {
        let is_still = self
            .news
            .info
            .as_ref()
            .is_some_and(|info| info.n_frames == Some(1));
        self.replay.is_none() && !is_still
    }

    /// Keeps the size of the window, and of everything in it, for the next start.
    pub(super) fn remember_window(&mut self, ctx: &Context) {
        let zoom_percent = (ctx.zoom_factor() * 100.0).round() as u32;
        if zoom_percent != self.settings.zoom_percent {
            self.settings.zoom_percent = zoom_percent;
            self.readout
                .show(text!("changed-zoom", percent = zoom_percent));
            self.save_settings();
        }
        if ctx.input(|input| input.viewport().close_requested()) {
            let window = ctx.input(|input| input.viewport().clone());
            let fills_screen = window.fullscreen == Some(true) || window.maximized == Some(true);
            self.settings.maximized = window.maximized == Some(true);
            // What it goes back to from there is not known.
            if let Some(rect) = window.inner_rect.filter(|_| !fills_screen) {
                // The builder takes points at a zoom of 100 %.
                let size = rect.size() * ctx.zoom_factor();
                self.settings.window_size = Some([size.x, size.y].map(|side| side.round() as u32));
            }
            self.save_settings();
        }
    }

    fn menus_ui(&mut self, ui: &mut Ui) -> Option<Command> {
        let checkpoint = self.checkpoint_choice();
        let recording = self.recording_status();
        let data = MenuData {
            cameras: self.cameras.entries(),
            searching: self.cameras.searching(),
            source: Some(&self.news.source),
            source_name: match &self.news.state {
                SourceState::Live(info) => Some(&info.name),
                _ => None,
            },
            can_play_again: self.can_play_again(),
            player: self.player_status(),
            bundled: model::bundled_names(),
            checkpoint: checkpoint.as_ref(),
            second: self.news.second.as_deref(),
            mirror: self.mirror(),
            session_open: self.replay.is_some(),
            excluding: self.replay.as_ref().is_some_and(Replay::is_excluding),
            recent: self.library.recent(),
            recording: &recording,
            streams: &self.streams.status(),
            uncertain_below_percent: self.uncertain_below_percent(),
            settings: &self.settings,
        };
        self.menu_bar.ui(ui, data)
    }

    fn status(&self) -> StatusData<'_> {
        StatusData {
            state: &self.news.state,
            info: self.news.info.as_ref(),
            picture: self.picture(),
            transport: playing(&self.replay, &*self.engine).transport(),
            stats: self.news.stats,
            device: self.news.device.as_deref(),
            checkpoint: match &self.replay {
                Some(replay) => Some(replay.networks()),
                None => self.news.checkpoint.as_ref().map(|info| info.name.as_str()),
            },
            loading: self.news.loading,
            statistics: self.settings.statistics,
            unusual: changes::unusual(&self.settings),
        }
    }
}

impl App {
    /// "2 of 4 · face2.png", if a folder of pictures is open.
    fn picture(&self) -> Option<String> {
        let (frame, info) = (self.news.frame.as_ref()?, self.news.info.as_ref()?);
        let (number, n_pictures) = player::picture(frame, info)?;
        let name = frame.file.as_deref().unwrap_or_default();
        let place = transport::picture_text(number, n_pictures);
        Some(format!("{place} · {name}"))
    }
}

/// Whether the window fills the screen.
pub(super) fn is_fullscreen(ui: &Ui) -> bool {
    ui.input(|input| input.viewport().fullscreen == Some(true))
}

/// Whether the menus are needed in full screen: one is open, is opened by Alt, or the pointer is near the top.
fn wants_menus(ui: &Ui) -> bool {
    let near = ui.input(|input| {
        let pointer = input.pointer.hover_pos();
        input.modifiers.alt || pointer.is_some_and(|at| at.y < MENU_ZONE)
    });
    near || egui::Popup::is_any_open(ui.ctx())
}
