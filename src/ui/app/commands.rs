//! What each command does.

use egui::{Context, ViewportCommand};

use super::App;
use crate::{
    capture::SourceSpec,
    error_text::error_text,
    model::CheckpointChoice,
    pipeline::{Pacing, SourceState},
    privacy::FacePrivacy,
    record::RecordingConfig,
    session::folder::new_session_folder,
    stream::Output,
    ui::{
        changes,
        commands::Command,
        dialogs::Dialog,
        messages::Severity,
        panels::assumptions::Assumptions,
        settings::UiSettings,
        words::{self, text},
    },
};

impl App {
    /// Runs a command. Returns at once; whatever takes time happens on other threads.
    ///
    /// What would end a long recording waits for an answer.
    pub fn execute(&mut self, command: Command, ctx: &Context) {
        if self.asks_first(&command) {
            return;
        }
        match command {
            Command::ChooseFile => self.dialogs.open(Dialog::File, ctx),
            Command::ChooseFolder => self.dialogs.open(Dialog::Folder, ctx),
            Command::ChooseCheckpoint => self.dialogs.open(Dialog::Checkpoint, ctx),
            Command::OpenSource(source) => self.open(source),
            Command::ChooseSession => self.dialogs.open(Dialog::Session, ctx),
            Command::OpenFolder(folder) => self.open_folder(folder, ctx),
            Command::PlayAgain => self.play_again(ctx),
            Command::Play(command) => {
                if let Some(status) = self.player_status() {
                    self.play(command, status);
                }
            }
            Command::RefreshCameras => self.cameras.refresh(ctx),
            Command::LoadCheckpoint(choice) => {
                self.news.loading = true;
                self.engine.load_checkpoint(choice);
            }
            Command::LoadSecond(choice) => self.engine.load_second(choice),
            Command::ChooseSecond => self.dialogs.open(Dialog::SecondCheckpoint, ctx),
            // Of a session, for as long as it is open: what is set for live sources stays.
            Command::SetMirror(mirror) if self.replay.is_some() => {
                if let Some(replay) = &mut self.replay {
                    replay.set_mirrored(mirror);
                }
            }
            Command::SetMirror(mirror) => {
                let by_default = self.mirror_by_default();
                self.change(|settings| settings.set_mirror(by_default, mirror));
            }
            Command::SetBoxes(boxes) => self.change(|settings| settings.boxes = boxes),
            Command::SetMesh(mesh) => self.change(|settings| settings.mesh = mesh),
            Command::SetDetector(detector) => {
                self.change(|settings| settings.detector = detector);
            }
            Command::SetBars(bars) => self.change(|settings| settings.bars = bars),
            Command::SetPrivacy(privacy) => {
                self.change(|settings| settings.privacy = privacy);
                if privacy.is_some() {
                    self.portraits.clear();
                }
                self.recordings.set_privacy(self.face_privacy());
            }
            Command::ShowFace(track, shown) => {
                self.privacy.set_shown(track, shown);
                self.recordings.set_privacy(self.face_privacy());
            }
            Command::NameFace(track, name) => self.name_face(track, &name, ctx),
            Command::SetLoop(looped) => self.change(|settings| settings.loop_files = looped),
            Command::SetSmoothing(smoothing) => {
                self.change(|settings| settings.smoothing_ms = smoothing.as_millis() as u32);
            }
            Command::SetViews(views) => {
                self.change(|settings| settings.views = views);
            }
            Command::SetUncertainBelow(percent) => {
                self.change(|settings| settings.uncertain_below_percent = percent);
            }
            Command::SetMinFaceSize(px) => {
                self.change(|settings| settings.min_face_size_px = px);
            }
            Command::ToggleOutput(output) => self.toggle_output(output, ctx),
            Command::SetOutputPort(output, port) => {
                self.streams.set_port(output, port);
                self.change(|settings| settings.set_port(output, port));
            }
            Command::SetTheme(theme) => {
                ctx.set_theme(theme);
                self.change(|settings| settings.theme = theme);
            }
            Command::SetLanguage(language) => {
                words::set_language(language.unwrap_or(self.system_language));
                self.change(|settings| settings.language = language);
            }
            Command::SetTimeline(shown) => self.change(|settings| settings.timeline = shown),
            Command::SetStatistics(shown) => self.change(|settings| settings.statistics = shown),
            Command::ResetMeasured => {
                self.change(changes::reset);
                self.recordings.set_privacy(self.face_privacy());
            }
            Command::ToggleFullscreen => {
                let is_on = ctx.input(|input| input.viewport().fullscreen == Some(true));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!is_on));
            }
            Command::ToggleAbout => self.about_open = !self.about_open,
            Command::ToggleKeyboard => self.keyboard_open = !self.keyboard_open,
            Command::CloseWindows => {
                self.about_open = false;
                self.keyboard_open = false;
                self.library.close_windows();
            }
            Command::AskAboutNetwork => {
                let info = self.news.checkpoint.as_deref();
                self.assumptions = info.and_then(Assumptions::new);
                self.about_open = false;
            }
            Command::SetAssumptions(path, settings) => {
                self.assumptions = None;
                self.news.loading = true;
                self.engine
                    .load_checkpoint(CheckpointChoice::FileAs(path.clone(), settings.clone()));
                self.to_keep = Some((path, settings));
            }
            Command::CloseAssumptions => self.assumptions = None,
            Command::DismissNotice(number) => self.notices.dismiss(number),
            Command::Export(format) => {
                self.library.take_export(); // The open session, and none that was asked for before.
                self.dialogs.open(Dialog::Export(format), ctx);
            }
            Command::ToggleRecording | Command::RecordKey => match self.recordings.is_on() {
                true => self.recordings.stop(),
                false => self.start_recording(ctx),
            },
            Command::EndGuard(yes) => self.end_guard(yes, ctx),
            Command::PauseRecording => self.recordings.toggle_pause(),
            Command::SetMarker
            | Command::SetNamedMarker(_)
            | Command::SetMarkerWithNote
            | Command::EndNote(_)
            | Command::Exclude
            | Command::SetNeutral(_)
            | Command::EditAnnotation(_)
            | Command::EndAnnotation(_)
            | Command::MoveAnnotation(_)
            | Command::RemoveAnnotation(_)
            | Command::UndoAnnotation
            | Command::BeginMarkerKeys
            | Command::EndMarkerKeys(_) => self.execute_marker(command, ctx),
            Command::SetVideo(video) => self.change(|settings| settings.video = video),
            Command::ChooseSessionsFolder => self.dialogs.open(Dialog::Sessions, ctx),
            Command::ChooseManyFiles => self.dialogs.open(Dialog::ManyFiles, ctx),
            Command::ChooseManyFolder => self.dialogs.open(Dialog::ManyFolder, ctx),
            Command::ChooseManyOut => self.dialogs.open(Dialog::ManyOut, ctx),
            Command::ExportSession(folder, format) => {
                self.library.export_next(folder);
                self.dialogs.open(Dialog::Export(format), ctx);
            }
            Command::ToggleSessions
            | Command::RefreshSessions
            | Command::ShowFolder(_)
            | Command::TrashSession(_)
            | Command::BeginAbout
            | Command::BeginRename(_)
            | Command::EndAbout(_)
            | Command::ToggleMany
            | Command::StartMany
            | Command::StopMany => self.execute_in_library(command, ctx),
            Command::ReadAgain(_)
            | Command::ChooseReader(_)
            | Command::BeginShare(_)
            | Command::ChooseShareOut
            | Command::EndShare(_)
            | Command::CancelTool(_)
            | Command::CompareSessions(_)
            | Command::RestartComparison
            | Command::CancelComparison
            | Command::SaveComparison(_) => self.execute_tool(command, ctx),
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
        }
    }

    pub(super) fn open(&mut self, source: SourceSpec) {
        self.privacy.forget();
        self.turn_to(source.clone());
        self.engine.open(source);
    }

    /// Starts a recording of the live source; does nothing if there is none.
    pub(super) fn start_recording(&mut self, ctx: &Context) {
        let SourceState::Live(info) = &self.news.state else {
            return;
        };
        if self.replay.is_some() {
            return;
        }
        let config = RecordingConfig {
            folder: new_session_folder(
                &self.settings.sessions_root(),
                &jiff::ZonedDateTime::now(),
                &self.settings.about,
            ),
            video: self.settings.video,
            source: self.news.source.clone(),
            info: Some(info.clone()),
            settings: self.settings.pipeline_settings(),
            device: self.news.device.clone(),
            privacy: self.face_privacy(),
            uncertain_below: Some(self.uncertain_below()),
            pacing: Pacing::Realtime,
            limit: None,
            about: self.settings.about.clone(),
            marker_keys: self.settings.marker_keys.clone(),
            face_names: self.names.clone(),
        };
        self.recordings.start(config, ctx);
    }

    /// Which faces are covered now, and how.
    pub(super) fn face_privacy(&self) -> Option<FacePrivacy> {
        let effect = self.settings.privacy?;
        Some(self.privacy.face_privacy(effect))
    }

    pub(super) fn toggle_output(&mut self, output: Output, ctx: &Context) {
        let engine = &self.engine;
        let repaint = ctx.clone();
        let outcome = self.streams.toggle(
            output,
            |tap| engine.attach(tap),
            move || repaint.request_repaint(),
        );
        let now_s = ctx.input(|input| input.time);
        if let Err(error) = outcome {
            let text = text!(
                "stream-stays-off",
                output = words::output(output),
                reason = error_text(&error)
            );
            self.notices.post(Severity::Error, text, now_s);
        } else if let Some(warning) = self.streams.exposure(output) {
            self.notices.post(Severity::Warning, warning, now_s);
        }
    }

    /// Changes settings, and passes them on to the engine if they concern it.
    fn change(&mut self, change: impl FnOnce(&mut UiSettings)) {
        let before = self.settings.clone();
        change(&mut self.settings);
        let now = self.settings.pipeline_settings();
        if now != before.pipeline_settings() {
            self.engine.apply(now);
        }
        if let Some(words) = changes::readout(&before, &self.settings) {
            self.readout.show(words);
        }
        self.save_settings();
    }

    pub(super) fn save_settings(&self) {
        if let Some(saver) = &self.saver {
            saver.save(&self.settings);
        }
    }
}
