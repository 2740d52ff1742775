//! The window's side of recordings: starts them, follows them, reports how they ended.
//!
//! Creating a session's files and repairing interrupted sessions take time on a slow disk, so both happen on other threads;
//! [`Recordings::update`] takes the results.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use egui::Context;

use super::{
    background::Background,
    messages::{Message, Severity, sentence},
    quit::QuitRequest,
    words::text,
};
use crate::{
    error_text::error_text,
    pipeline::{
        TapHandle,
        face_names::FaceNames,
        markers::{MarkerRelay, MarkerSet},
    },
    privacy::FacePrivacy,
    record::{
        Phase, RecordError, Recorder, RecorderStatus, RecordingConfig,
        recover::{self, Report},
    },
    session::{SessionError, folder::interrupted_sessions},
    time::clock,
};

/// How long a window that closes waits for a recording that is just being started, to end it well; and for repairs, which
/// the next start takes up again.
const PATIENCE: Duration = Duration::from_secs(2);
/// Reason for the end of a recording when the window closes.
const CLOSED: &str = "the program was closed";

/// The outcome for each interrupted session.
type Repairs = Vec<(PathBuf, Result<Report, SessionError>)>;

/// The recording, if there is one, and the threads around it.
pub struct Recordings {
    state: State,
    starting: Background<Result<Recorder, RecordError>>,
    repairs: Background<Repairs>,
    /// A thread that could not be started.
    refused: Option<Message>,
    note: Option<MarkerNote>,
    /// Brings markers of other programs.
    relay: Arc<MarkerRelay>,
    /// The number of the latest marker that was taken.
    last_marker: u64,
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

/// A marker whose note is being written. Its time is when the key was pressed, not when the note is done.
pub struct MarkerNote {
    at: Instant,
    /// The note so far.
    pub text: String,
}

/// The state of the recording, for menus and the bar.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordingStatus {
    /// There is none.
    Off {
        /// Whether one can be started: a source is live.
        can_start: bool,
    },
    /// Its files are being created.
    Starting,
    /// It is running, paused, or finishing.
    On(Box<RecorderStatus>),
}

impl Recordings {
    /// None yet. A recording ends when `quit` is requested, even if the window does not answer.
    pub fn new(quit: QuitRequest, relay: Arc<MarkerRelay>) -> Self {
        Self {
            state: State::Off,
            starting: Background::new("recording start", PATIENCE),
            repairs: Background::new("session repair", PATIENCE),
            refused: None,
            note: None,
            relay,
            last_marker: 0,
            quit,
        }
    }

    /// Starts a recording unless there is one.
    pub fn start(&mut self, config: RecordingConfig, ctx: &Context) {
        if !matches!(self.state, State::Off) {
            return;
        }
        let wake = ctx.clone();
        let work = move || Recorder::start(&config, move || wake.request_repaint());
        match self.starting.spawn(ctx, work) {
            Ok(()) => self.state = State::Starting,
            Err(error) => self.refused = Some(failed(&RecordError::Thread(error))),
        }
    }

    /// Ends the recording in the background.
    pub fn stop(&self) {
        if let State::On { recorder, .. } = &self.state {
            recorder.stop("stopped");
        }
    }

    /// Pauses or resumes the recording.
    pub fn toggle_pause(&self) {
        if let State::On { recorder, .. } = &self.state {
            recorder.set_paused(recorder.status().phase == Phase::Recording);
        }
    }

    /// Covers faces in the videos from now on, or stops covering them.
    pub fn set_privacy(&self, privacy: Option<FacePrivacy>) {
        if let State::On { recorder, .. } = &self.state {
            recorder.set_privacy(privacy);
        }
    }

    /// Names faces, by their tracks.
    pub fn name_faces(&self, names: FaceNames) {
        if let State::On { recorder, .. } = &self.state {
            recorder.name_faces(names);
        }
    }

    /// Sets a marker at this moment, with a text that may be empty.
    pub fn mark(&self, text: &str) {
        if let State::On { recorder, .. } = &self.state {
            recorder.mark(text.to_owned(), Instant::now());
        }
    }

    /// The latest marker, if it was set since the last call.
    pub fn take_marker(&mut self) -> Option<MarkerSet> {
        let State::On { recorder, .. } = &self.state else {
            return None;
        };
        let marker = recorder.status().last_marker?;
        let is_new = marker.number > self.last_marker;
        self.last_marker = marker.number;
        is_new.then_some(marker)
    }

    /// Begins a marker at this moment, whose note the user writes now.
    pub fn begin_note(&mut self) {
        if self.is_on() && self.note.is_none() {
            self.note = Some(MarkerNote {
                at: Instant::now(),
                text: String::new(),
            });
        }
    }

    /// The marker whose note is being written.
    pub fn note_mut(&mut self) -> Option<&mut MarkerNote> {
        self.note.as_mut()
    }

    /// Ends the note: sets its marker, or discards it.
    pub fn end_note(&mut self, set: bool) {
        if let (Some(note), true, State::On { recorder, .. }) = (self.note.take(), set, &self.state)
        {
            recorder.mark(note.text.trim().to_owned(), note.at);
        }
    }

    /// Repairs the sessions in `root` whose recording was interrupted.
    pub fn repair(&mut self, root: PathBuf, ctx: &Context) {
        let work = move || {
            let interrupted = interrupted_sessions(&root).into_iter();
            interrupted
                .map(|folder| {
                    let repaired = recover::recover(&folder);
                    (folder, repaired)
                })
                .collect()
        };
        if let Err(error) = self.repairs.spawn(ctx, work) {
            self.refused = Some(failed(&RecordError::Thread(error)));
        }
    }

    /// Takes new results and returns messages about them. `attach` connects a recorder to the pipeline.
    ///
    /// With the end of a recording comes its folder, unless it failed.
    pub fn update(
        &mut self,
        attach: impl Fn(&Recorder) -> TapHandle,
    ) -> (Vec<Message>, Option<PathBuf>) {
        let mut told: Vec<Message> = self.refused.take().into_iter().collect();
        let mut recorded = None;
        match self.starting.take() {
            None => {}
            Some(Ok(recorder)) => {
                let stop = recorder.stopper();
                self.quit.on_request(move || stop(CLOSED));
                let tap = attach(&recorder);
                self.relay.connect(recorder.markers());
                self.last_marker = 0;
                self.state = State::On {
                    recorder,
                    _tap: tap,
                };
            }
            Some(Err(error)) => {
                self.state = State::Off;
                told.push(failed(&error));
            }
        }
        for (folder, outcome) in std::iter::from_fn(|| self.repairs.take()).flatten() {
            told.extend(repaired(&folder, &outcome));
        }
        if let State::On { recorder, .. } = &self.state {
            let status = recorder.status();
            if let Phase::Ended(ending) = &status.phase {
                recorded = (!ending.failed).then(|| recorder.folder().to_owned());
                told.push(ended(
                    recorder.folder(),
                    &ending.reason,
                    ending.failed,
                    &status,
                ));
                self.relay.disconnect();
                self.state = State::Off;
                self.note = None;
            }
        }
        (told, recorded)
    }

    /// Whether a recording is running, paused or finishing.
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::On { .. })
    }

    /// How long has been recorded so far; `None` if nothing is, or if it is finishing.
    pub fn elapsed(&self) -> Option<Duration> {
        let State::On { recorder, .. } = &self.state else {
            return None;
        };
        let status = recorder.status();
        matches!(status.phase, Phase::Recording | Phase::Paused).then_some(status.elapsed)
    }

    /// Its state. `can_start` says whether a source is live.
    pub fn status(&self, can_start: bool) -> RecordingStatus {
        match &self.state {
            State::Off => RecordingStatus::Off { can_start },
            State::Starting => RecordingStatus::Starting,
            State::On { recorder, .. } => RecordingStatus::On(Box::new(recorder.status())),
        }
    }
}

fn failed(error: &RecordError) -> Message {
    (Severity::Error, sentence(&error_text(error)))
}

fn repaired(folder: &Path, outcome: &Result<Report, SessionError>) -> Option<Message> {
    let text = match outcome {
        Err(error) => sentence(&error_text(error)),
        Ok(report) if report.repaired => text!(
            "recorded-repaired",
            folder = folder.display().to_string(),
            frames = report.n_frames,
            time = clock(Duration::from_secs_f64(report.duration_s)).to_string()
        ),
        Ok(_) => return None,
    };
    Some((Severity::Warning, text))
}

fn ended(folder: &Path, reason: &str, failed: bool, status: &RecorderStatus) -> Message {
    let folder = folder.display().to_string();
    if failed {
        return (
            Severity::Error,
            text!(
                "recorded-failed",
                reason = sentence(reason),
                folder = folder
            ),
        );
    }
    let n_dropped = status.counts.refused;
    let time = clock(status.elapsed).to_string();
    let text = text!("recorded", time = time, folder = folder);
    if n_dropped == 0 {
        return (Severity::Info, text);
    }
    let dropped = text!(
        "recorded-dropped",
        dropped = n_dropped,
        captured = status.counts.captured
    );
    (Severity::Warning, format!("{text} {dropped}"))
}

#[cfg(test)]
mod tests {
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
            last_marker: None,
            last_frame_at: Instant::now(),
        }
    }

    #[test]
    fn the_end_of_a_recording_says_where_it_is() {
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
            "The disk is almost full (12 MB left). Recording to sessions/mine has stopped."
        );
        assert_eq!(
            ended(folder, "stopped", false, &status).0,
            Severity::Warning,
            "3 dropped"
        );
        status.counts.refused = 0;
        let (severity, text) = ended(folder, "stopped", false, &status);
        assert_eq!(
            (severity, text.as_str()),
            (Severity::Info, "Recorded 2:05 to sessions/mine.")
        );
    }
}
