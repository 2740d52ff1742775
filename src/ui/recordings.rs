//! The window's side of recordings: starts them, follows them, tells how they ended.
//!
//! Creating a session's files and repairing interrupted ones take time on a slow disk, so both happen on threads of their
//! own; what came of them is taken in [`Recordings::update`].

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};
use egui::{
    Align2, Button, Color32, Context, Key, Label, Response, RichText, Role, Sense, TextEdit, Ui,
    Vec2, WidgetInfo, Window, vec2,
};

use super::{
    colors, commands::Command, keyboard, notices::Severity, quit::QuitRequest,
    state_screen::sentence,
};
use crate::{
    error_text::error_text,
    pipeline::TapHandle,
    privacy::FacePrivacy,
    record::{
        Phase, RecordError, Recorder, RecorderStatus, RecordingConfig,
        recover::{self, Report},
    },
    session::{SessionError, folder::interrupted_sessions},
    time::clock,
};

/// With less room than this on the disk the bar says how much is left.
const LITTLE_ROOM_BYTES: u64 = 5_000_000_000;

/// How long a recording that is being started may take until the window closes without it.
const STARTS_WITHIN: Duration = Duration::from_secs(2);
/// Why a recording ended that did not end before the window.
const CLOSED: &str = "the program was closed";

/// News from a thread.
enum Done {
    Started(Result<Recorder, RecordError>),
    Repaired(PathBuf, Result<Report, SessionError>),
}

/// The recording, if there is one, and what came of those before.
pub struct Recordings {
    state: State,
    news: (Sender<Done>, Receiver<Done>),
    note: Option<Note>,
    quit: QuitRequest,
}

enum State {
    Off,
    Starting,
    On {
        recorder: Recorder,
        /// Listens for the recorder until both are dropped.
        _tap: TapHandle,
    },
}

/// A marker whose note is being written; it counts from when the key was pressed.
struct Note {
    at: Instant,
    text: String,
}

/// How a recording stands, for menus and the bar.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingView {
    /// There is none; `can_start` if a source is live.
    Off {
        /// Whether one can be started.
        can_start: bool,
    },
    /// Its files are being created.
    Starting,
    /// It goes on, is paused, or is being ended.
    On(RecorderStatus),
}

impl Recordings {
    /// None yet. A recording ends when `quit` is requested, even if the window does not answer.
    pub fn new(quit: QuitRequest) -> Self {
        Self {
            state: State::Off,
            news: crossbeam_channel::unbounded(),
            note: None,
            quit,
        }
    }

    /// Starts a recording unless there is one.
    pub fn start(&mut self, config: RecordingConfig, ctx: &Context) {
        if !matches!(self.state, State::Off) {
            return;
        }
        self.state = State::Starting;
        let wake = ctx.clone();
        self.spawn("recording start", ctx, move || {
            let started = Recorder::start(&config, move || wake.request_repaint());
            vec![Done::Started(started)]
        });
    }

    /// Ends the recording in the background.
    pub fn stop(&self) {
        if let State::On { recorder, .. } = &self.state {
            recorder.stop("stopped");
        }
    }

    /// Pauses the recording or goes on.
    pub fn toggle_pause(&self) {
        if let State::On { recorder, .. } = &self.state {
            recorder.set_paused(recorder.status().phase == Phase::Recording);
        }
    }

    /// Covers faces in the videos from now on, or not any longer.
    pub fn set_privacy(&self, privacy: Option<FacePrivacy>) {
        if let State::On { recorder, .. } = &self.state {
            recorder.set_privacy(privacy);
        }
    }

    /// Sets a mark at this moment.
    pub fn mark(&self) {
        if let State::On { recorder, .. } = &self.state {
            recorder.mark(String::new(), Instant::now());
        }
    }

    /// Sets a mark at this moment, whose note the user writes now.
    pub fn mark_with_note(&mut self) {
        if self.is_on() && self.note.is_none() {
            self.note = Some(Note {
                at: Instant::now(),
                text: String::new(),
            });
        }
    }

    /// Repairs the sessions in `root` whose recording was interrupted.
    pub fn repair(&self, root: PathBuf, ctx: &Context) {
        self.spawn("session repair", ctx, move || {
            let interrupted = interrupted_sessions(&root).into_iter();
            interrupted
                .map(|folder| {
                    let repaired = recover::recover(&folder);
                    Done::Repaired(folder, repaired)
                })
                .collect()
        });
    }

    /// Takes what has come; returns what to tell. `attach` lets a recorder listen to the pipeline.
    pub fn update(&mut self, attach: impl Fn(&Recorder) -> TapHandle) -> Vec<(Severity, String)> {
        let mut told = Vec::new();
        while let Ok(done) = self.news.1.try_recv() {
            match done {
                Done::Started(Ok(recorder)) => {
                    let stop = recorder.stopper();
                    self.quit.on_request(move || stop(CLOSED));
                    let tap = attach(&recorder);
                    self.state = State::On {
                        recorder,
                        _tap: tap,
                    };
                }
                Done::Started(Err(error)) => {
                    self.state = State::Off;
                    told.push((Severity::Error, sentence(&error_text(&error))));
                }
                Done::Repaired(folder, Ok(report)) => told.extend(repaired(&folder, &report)),
                Done::Repaired(_, Err(error)) => {
                    told.push((Severity::Warning, sentence(&error_text(&error))));
                }
            }
        }
        if let State::On { recorder, .. } = &self.state {
            let status = recorder.status();
            if let Phase::Ended(ending) = &status.phase {
                told.push(ended(
                    recorder.folder(),
                    &ending.reason,
                    ending.failed,
                    &status,
                ));
                self.state = State::Off;
                self.note = None;
            }
        }
        told
    }

    /// Whether a recording goes on.
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::On { .. })
    }

    /// How it stands. `can_start` says whether a source is live.
    pub fn view(&self, can_start: bool) -> RecordingView {
        match &self.state {
            State::Off => RecordingView::Off { can_start },
            State::Starting => RecordingView::Starting,
            State::On { recorder, .. } => RecordingView::On(recorder.status()),
        }
    }

    /// Draws the window in which a marker's note is written, while there is one.
    pub fn note_ui(&mut self, ctx: &Context) {
        let Some(note) = &mut self.note else { return };
        let mut done = None;
        Window::new("Marker")
            .collapsible(false)
            .resizable(false)
            .anchor(Align2::CENTER_CENTER, Vec2::ZERO)
            .show(ctx, |ui| {
                ui.set_width(320.0);
                let label = ui.label("What happened?");
                let edit = TextEdit::singleline(&mut note.text).desired_width(f32::INFINITY);
                let response = ui.add(edit).labelled_by(label.id);
                if !response.has_focus() && !response.lost_focus() {
                    response.request_focus();
                }
                let entered =
                    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                ui.add_space(6.0);
                ui.horizontal(|ui| {
                    if ui.button("Set marker").clicked() || entered {
                        done = Some(true);
                    }
                    let cancelled = ui.input(|input| input.key_pressed(Key::Escape));
                    if ui.button("Cancel").clicked() || cancelled {
                        done = Some(false);
                    }
                });
            });
        if let (Some(set), State::On { recorder, .. }) = (done, &self.state)
            && set
        {
            recorder.mark(note.text.trim().to_owned(), note.at);
        }
        if done.is_some() {
            self.note = None;
        }
    }

    fn spawn(&self, name: &str, ctx: &Context, work: impl FnOnce() -> Vec<Done> + Send + 'static) {
        let news = self.news.0.clone();
        let wake = ctx.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            for done in work() {
                // Nobody listens any more only when the window is closed; a recorder in it is then dropped, and ends.
                news.send(done).ok();
            }
            wake.request_repaint();
        });
        if let Err(error) = thread {
            self.news
                .0
                .send(Done::Started(Err(RecordError::Thread(error))))
                .ok();
        }
    }
}

impl Drop for Recordings {
    fn drop(&mut self) {
        // A recorder that is dropped ends its recording well, but one that nobody takes ends with the program.
        while matches!(self.state, State::Starting)
            && let Ok(done) = self.news.1.recv_timeout(STARTS_WITHIN)
        {
            if let Done::Started(_) = done {
                self.state = State::Off;
            }
        }
    }
}

fn repaired(folder: &Path, report: &Report) -> Option<(Severity, String)> {
    report.repaired.then(|| {
        let text = format!(
            "The recording {} had been interrupted; it was repaired and holds {} frames, {}.",
            folder.display(),
            report.n_frames,
            clock(Duration::from_secs_f64(report.duration_s)),
        );
        (Severity::Warning, text)
    })
}

fn ended(folder: &Path, reason: &str, failed: bool, status: &RecorderStatus) -> (Severity, String) {
    let folder = folder.display();
    if failed {
        return (
            Severity::Error,
            format!("{} The recording to {folder} has ended.", sentence(reason)),
        );
    }
    let n_refused = status.counts.refused;
    let mut text = format!("{} recorded to {folder}.", clock(status.elapsed));
    if n_refused == 0 {
        return (Severity::Info, text);
    }
    text.push_str(&format!(
        " {n_refused} of {} frames could not be written in time, or at all.",
        status.counts.captured
    ));
    (Severity::Warning, text)
}

/// Draws the buttons of the recording at the right end of the menu bar. The caller lays out from right to left.
pub fn bar_ui(ui: &mut Ui, view: &RecordingView) -> Option<Command> {
    let palette = colors::palette(ui.ctx().theme());
    let ctx = ui.ctx().clone();
    let shortcut = |shortcut| ctx.format_shortcut(&shortcut);
    match view {
        RecordingView::Off { can_start } => {
            let hint = format!(
                "Record to a folder of its own ({})",
                shortcut(keyboard::RECORD)
            );
            let clicked = ui
                .add_enabled_ui(*can_start, |ui| {
                    let response = button_ui(ui, "Record", Some(palette.error));
                    response.on_hover_text(hint).clicked()
                })
                .inner;
            clicked.then_some(Command::ToggleRecording)
        }
        RecordingView::Starting => {
            ui.label(RichText::new("starting to record…").weak());
            None
        }
        RecordingView::On(status) => {
            let mut command = None;
            let is_ending = matches!(status.phase, Phase::Finishing | Phase::Ended(_));
            let is_paused = status.phase == Phase::Paused;
            ui.add_enabled_ui(!is_ending, |ui| {
                if ui
                    .button("Stop")
                    .on_hover_text(shortcut(keyboard::RECORD))
                    .clicked()
                {
                    command = Some(Command::ToggleRecording);
                }
                let pause = if is_paused { "Go on" } else { "Pause" };
                if ui
                    .button(pause)
                    .on_hover_text(shortcut(keyboard::PAUSE_RECORDING))
                    .clicked()
                {
                    command = Some(Command::PauseRecording);
                }
                let hint = format!(
                    "Set a marker ({}); with a note: {}",
                    shortcut(keyboard::MARK),
                    shortcut(keyboard::MARK_WITH_NOTE)
                );
                if ui.button("Mark").on_hover_text(hint).clicked() {
                    command = Some(Command::Mark);
                }
            });
            let color = if is_paused || is_ending {
                palette.weak_text
            } else {
                palette.error
            };
            let text = status_text(status);
            ui.add(Label::new(RichText::new(&text).monospace()).extend())
                .on_hover_text(details(status));
            dot_ui(ui, color, &text);
            command
        }
    }
}

/// A button with a dot before its word.
fn button_ui(ui: &mut Ui, word: &str, dot: Option<Color32>) -> Response {
    // The dot is drawn into the room that the blanks leave.
    let response = ui.add(Button::new(format!("     {word}")));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), word));
    if let Some(color) = dot {
        let color = if ui.is_enabled() {
            color
        } else {
            color.gamma_multiply(0.4)
        };
        let center = response.rect.left_center() + vec2(15.0, 0.0);
        ui.painter().circle_filled(center, 4.5, color);
    }
    response
}

fn dot_ui(ui: &mut Ui, color: Color32, name: &str) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Recording {name}")));
    ui.painter().circle_filled(rect.center(), 4.5, color);
}

fn status_text(status: &RecorderStatus) -> String {
    let mut text = match status.phase {
        Phase::Paused => format!("paused {}", clock(status.elapsed)),
        Phase::Finishing | Phase::Ended(_) => "finishing…".to_owned(),
        Phase::Recording => clock(status.elapsed).to_string(),
    };
    text.push_str(&format!("  {}", size(status.n_bytes)));
    if status.counts.refused > 0 {
        text.push_str(&format!("  {} refused", status.counts.refused));
    }
    if let Some(free) = status.free_bytes
        && free < LITTLE_ROOM_BYTES
    {
        text.push_str(&format!("  {} free", size(free)));
    }
    text
}

fn details(status: &RecorderStatus) -> String {
    let counts = status.counts;
    let mut text = format!(
        "{} frames, {} analysed, {} in the video, {} faces",
        counts.captured, counts.analyzed, counts.recorded, counts.faces
    );
    if let Some(free) = status.free_bytes {
        text.push_str(&format!("\n{} free on the disk", size(free)));
    }
    text
}

/// "3.4 MB" or "1.2 GB".
fn size(bytes: u64) -> String {
    if bytes >= 1_000_000_000 {
        format!("{:.1} GB", bytes as f64 / 1e9)
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::session::manifest::Counts;

    fn status(phase: Phase) -> RecorderStatus {
        RecorderStatus {
            phase,
            elapsed: Duration::from_secs(125),
            counts: Counts {
                captured: 3750,
                refused: 3,
                ..Counts::default()
            },
            n_bytes: 61_400_000,
            free_bytes: Some(1_200_000_000),
        }
    }

    fn clicked(view: RecordingView, label: &'static str) -> Option<Command> {
        let mut harness = Harness::new_ui_state(
            move |ui, sent: &mut Option<Command>| {
                *sent = bar_ui(ui, &view).or(sent.take());
            },
            None,
        );
        harness.run_steps(2);
        harness.get_by_label(label).click();
        harness.run_steps(2);
        harness.into_state()
    }

    #[test]
    fn the_buttons_do_what_they_say() {
        let off = |can_start| RecordingView::Off { can_start };
        assert_eq!(clicked(off(true), "Record"), Some(Command::ToggleRecording));
        assert_eq!(
            clicked(off(false), "Record"),
            None,
            "there is nothing to record"
        );
        let on = |phase| RecordingView::On(status(phase));
        assert_eq!(
            clicked(on(Phase::Recording), "Stop"),
            Some(Command::ToggleRecording)
        );
        assert_eq!(
            clicked(on(Phase::Recording), "Pause"),
            Some(Command::PauseRecording)
        );
        assert_eq!(
            clicked(on(Phase::Paused), "Go on"),
            Some(Command::PauseRecording)
        );
        assert_eq!(clicked(on(Phase::Recording), "Mark"), Some(Command::Mark));
        assert_eq!(clicked(on(Phase::Finishing), "Stop"), None, "it is at it");
    }

    #[test]
    fn the_bar_tells_time_size_losses_and_room() {
        assert_eq!(
            status_text(&status(Phase::Recording)),
            "2:05  61.4 MB  3 refused  1.2 GB free"
        );
        let mut roomy = status(Phase::Paused);
        roomy.counts.refused = 0;
        roomy.free_bytes = Some(50_000_000_000);
        assert_eq!(status_text(&roomy), "paused 2:05  61.4 MB");
    }

    #[test]
    fn an_ending_says_where_everything_is() {
        let folder = Path::new("sessions/mine");
        let mut status = status(Phase::Recording);
        let (severity, text) = ended(
            folder,
            "the disk is almost full (12 MB left)",
            true,
            &status,
        );
        assert_eq!(severity, Severity::Error);
        assert_eq!(
            text,
            "The disk is almost full (12 MB left). The recording to sessions/mine has ended."
        );
        assert_eq!(
            ended(folder, "stopped", false, &status).0,
            Severity::Warning,
            "3 refused"
        );
        status.counts.refused = 0;
        let (severity, text) = ended(folder, "stopped", false, &status);
        assert_eq!(
            (severity, text.as_str()),
            (Severity::Info, "2:05 recorded to sessions/mine.")
        );
    }
}
