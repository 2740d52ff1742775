//! What each command does.

use egui::{Context, ViewportCommand};

use super::App;
use crate::{
    capture::SourceSpec,
    error_text::error_text,
    pipeline::SourceState,
    privacy::FacePrivacy,
    record::RecordingConfig,
    session::folder::new_session_folder,
    stream::Output,
    ui::{commands::Command, dialogs::Dialog, messages::Severity},
};

impl App {
    /// Runs a command. Returns at once; whatever takes time happens on other threads.
    pub fn execute(&mut self, command: Command, ctx: &Context) {
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
            Command::SetMirror(mirror) => {
                let by_default = self.mirror_by_default();
                self.settings.set_mirror(by_default, mirror);
                self.save_settings();
            }
            Command::SetBoxes(boxes) => {
                self.settings.boxes = boxes;
                self.save_settings();
            }
            Command::SetMesh(mesh) => {
                self.settings.mesh = mesh;
                self.save_settings();
            }
            Command::SetDetector(detector) => {
                self.settings.detector = detector;
                self.engine.apply(self.settings.pipeline_settings());
                self.save_settings();
            }
            Command::SetBars(bars) => {
                self.settings.bars = bars;
                self.save_settings();
            }
            Command::SetPrivacy(privacy) => {
                self.settings.privacy = privacy;
                self.recordings.set_privacy(self.face_privacy());
                self.save_settings();
            }
            Command::ShowFace(track, shown) => {
                self.privacy.set_shown(track, shown);
                self.recordings.set_privacy(self.face_privacy());
            }
            Command::SetSmoothing(smoothing) => {
                self.settings.smoothing_ms = smoothing.as_millis() as u32;
                self.engine.apply(self.settings.pipeline_settings());
                self.save_settings();
            }
            Command::SetViews(views) => {
                self.settings.views = views;
                self.engine.apply(self.settings.pipeline_settings());
                self.save_settings();
            }
            Command::SetUncertainBelow(percent) => {
                self.settings.uncertain_below_percent = percent;
                self.save_settings();
            }
            Command::SetMinFaceSize(px) => {
                self.settings.min_face_size_px = px;
                self.engine.apply(self.settings.pipeline_settings());
                self.save_settings();
            }
            Command::ToggleOutput(output) => self.toggle_output(output, ctx),
            Command::SetOutputPort(output, port) => {
                self.streams.set_port(output, port);
                self.settings.set_port(output, port);
                self.save_settings();
            }
            Command::SetTheme(theme) => {
                ctx.set_theme(theme);
                self.settings.theme = theme.into();
                self.save_settings();
            }
            Command::ToggleAbout => self.about_open = !self.about_open,
            Command::ToggleKeyboard => self.keyboard_open = !self.keyboard_open,
            Command::CloseWindows => {
                self.about_open = false;
                self.keyboard_open = false;
            }
            Command::DismissNotice(number) => self.notices.dismiss(number),
            Command::Export(format) => self.dialogs.open(Dialog::Export(format), ctx),
            Command::ToggleRecording if self.recordings.is_on() => self.recordings.stop(),
            Command::ToggleRecording => self.start_recording(ctx),
            Command::PauseRecording => self.recordings.toggle_pause(),
            Command::SetMarker => self.recordings.mark(),
            Command::SetMarkerWithNote => self.recordings.begin_note(),
            Command::EndNote(set) => self.recordings.end_note(set),
            Command::SetVideo(video) => {
                self.settings.video = video;
                self.save_settings();
            }
            Command::ChooseSessionsFolder => self.dialogs.open(Dialog::Sessions, ctx),
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
            folder: new_session_folder(&self.settings.sessions_root(), &jiff::ZonedDateTime::now()),
            video: self.settings.video,
            source: self.news.source.clone(),
            info: Some(info.clone()),
            settings: self.settings.pipeline_settings(),
            device: self.news.device.clone(),
            privacy: self.face_privacy(),
            uncertain_below: Some(self.uncertain_below()),
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
            let text = format!("{} stays off: {}.", output.name(), error_text(&error));
            self.notices.post(Severity::Error, text, now_s);
        } else if let Some(warning) = self.streams.exposure(output) {
            self.notices.post(Severity::Warning, warning, now_s);
        }
    }

    pub(super) fn save_settings(&self) {
        if let Some(saver) = &self.saver {
            saver.save(&self.settings);
        }
    }
}
