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
    ui::{commands::Command, dialogs::Dialog, notices::Severity},
};

impl App {
    /// Does what was asked for. Returns at once; what takes time happens on other threads.
    pub fn execute(&mut self, command: Command, ctx: &Context) {
        match command {
            Command::ChooseFile => self.dialogs.open(Dialog::File, ctx),
            Command::ChooseFolder => self.dialogs.open(Dialog::Folder, ctx),
            Command::ChooseCheckpoint => self.dialogs.open(Dialog::Checkpoint, ctx),
            Command::OpenSource(source) => self.open(source),
            Command::ChooseSession => self.dialogs.open(Dialog::Session, ctx),
            Command::OpenFolder(folder) => self.open_folder(folder, ctx),
            Command::PlayAgain => self.play_again(ctx),
            Command::Playback(wish) => {
                if let Some(view) = self.player_view() {
                    self.play(wish, view);
                }
            }
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
            Command::SetMesh(mesh) => {
                self.view.mesh = mesh;
                self.save_view();
            }
            Command::SetDetector(detector) => {
                self.view.detector = detector;
                self.engine.apply(self.view.pipeline_settings());
                self.save_view();
            }
            Command::SetBars(bars) => {
                self.view.bars = bars;
                self.save_view();
            }
            Command::SetPrivacy(privacy) => {
                self.view.privacy = privacy;
                self.recordings.set_privacy(self.face_privacy());
                self.save_view();
            }
            Command::ShowFace(track, shown) => {
                self.privacy.set_shown(track, shown);
                self.recordings.set_privacy(self.face_privacy());
            }
            Command::SetSmoothing(smoothing) => {
                self.view.smoothing_ms = smoothing.as_millis() as u32;
                self.engine.apply(self.view.pipeline_settings());
                self.save_view();
            }
            Command::SetViews(views) => {
                self.view.views = views;
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
            Command::ToggleOutput(output) => self.toggle_output(output, ctx),
            Command::SetOutputPort(output, port) => {
                self.streams.set_port(output, port);
                self.view.set_port(output, port);
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
            Command::Export(format) => self.dialogs.open(Dialog::Export(format), ctx),
            Command::ToggleRecording if self.recordings.is_on() => self.recordings.stop(),
            Command::ToggleRecording => self.start_recording(ctx),
            Command::PauseRecording => self.recordings.toggle_pause(),
            Command::Mark => self.recordings.mark(),
            Command::MarkWithNote => self.recordings.mark_with_note(),
            Command::SetVideo(video) => {
                self.view.video = video;
                self.save_view();
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

    /// Starts to record the live source; without one there is nothing to record.
    pub(super) fn start_recording(&mut self, ctx: &Context) {
        let SourceState::Live(info) = &self.news.state else {
            return;
        };
        if self.replay.is_some() {
            return;
        }
        let config = RecordingConfig {
            folder: new_session_folder(&self.view.sessions_root(), &jiff::Zoned::now()),
            video: self.view.video,
            source: self.news.source.clone(),
            info: Some(info.clone()),
            settings: self.view.pipeline_settings(),
            device: self.news.device.clone(),
            privacy: self.face_privacy(),
            uncertain_below: Some(self.uncertain_below()),
        };
        self.recordings.start(config, ctx);
    }

    /// Whose faces are covered now, and how.
    pub(super) fn face_privacy(&self) -> Option<FacePrivacy> {
        let effect = self.view.privacy?;
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

    pub(super) fn save_view(&self) {
        if let Some(saver) = &self.saver {
            saver.save(&self.view);
        }
    }
}
