//! The queue of files that the window analyzes: what it was asked for, and how far it is.
//!
//! It is [`fervis analyze … --out`](crate::batch) on threads of its own. The window only takes what it tells.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use egui::Context;

use super::{
    background::Background,
    messages::{Message, Severity, sentence},
    words::text,
};
use crate::{
    batch::{Batch, BatchConfig, BatchError, Outcome, Report, Update},
    error_text::error_text,
};

/// How long a window that closes waits for the files that are being analyzed to stop.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lines that are kept of what happened.
const MAX_LINES: usize = 200;

/// The queue.
pub struct Many {
    batch: Option<Batch>,
    /// Ends batches: that takes as long as a frame, or the loading of a network.
    ending: Background<()>,
    state: ManyState,
}

/// What the panel shows.
#[derive(Debug, Default)]
pub struct ManyState {
    /// Whether files are being analyzed.
    pub is_running: bool,
    /// Whether it was told to stop.
    pub is_stopping: bool,
    /// Files to analyze, once they are known.
    pub n_files: Option<usize>,
    /// Files that were finished before.
    pub n_finished: usize,
    /// Files that are done, also those that failed.
    pub n_done: usize,
    /// The file of each job.
    pub jobs: BTreeMap<usize, Job>,
    /// What happened, the latest last: the text, and whether it is bad.
    pub lines: Vec<(String, bool)>,
    /// How it ended.
    pub report: Option<Result<Report, String>>,
}

/// A file that is being analyzed.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub file: String,
    /// How far it is, 0 to 1, if the file says how long it is.
    pub share: Option<f32>,
    /// Frames so far.
    pub n_frames: u64,
    n_frames_of_file: Option<u64>,
    length: Option<Duration>,
}

impl Default for Many {
    fn default() -> Self {
        Self {
            batch: None,
            ending: Background::new("end of a batch", PATIENCE),
            state: ManyState::default(),
        }
    }
}

impl Drop for Many {
    fn drop(&mut self) {
        self.end(&Context::default());
    }
}

impl Many {
    /// Starts, unless it is running.
    pub fn start(&mut self, config: BatchConfig, ctx: &Context) {
        if self.state.is_running {
            return;
        }
        let repaint = ctx.clone();
        self.state = ManyState::default();
        match Batch::start(config, move || repaint.request_repaint()) {
            Ok(batch) => {
                self.batch = Some(batch);
                self.state.is_running = true;
            }
            Err(error) => self.state.report = Some(Err(sentence(&error_text(&error)))),
        }
    }

    /// Stops soon.
    pub fn stop(&mut self) {
        if let Some(batch) = &self.batch {
            batch.stop();
            self.state.is_stopping = true;
        }
    }

    /// Takes what has happened. Returns a message at the end.
    pub fn update(&mut self, ctx: &Context) -> Option<(Message, Option<PathBuf>)> {
        let batch = self.batch.as_ref()?;
        let updates: Vec<Update> = batch.updates().try_iter().collect();
        let mut ended = None;
        for update in updates {
            if let Update::Ended(outcome) = update {
                ended = Some(*outcome);
            } else {
                self.state.see(update);
            }
        }
        let outcome = ended?;
        self.end(ctx);
        Some(self.state.end(outcome))
    }

    /// What the panel shows.
    pub fn state(&self) -> &ManyState {
        &self.state
    }

    fn end(&mut self, ctx: &Context) {
        if let Some(batch) = self.batch.take() {
            batch.stop();
            // Without a thread, it is dropped here.
            self.ending.spawn(ctx, move || drop(batch)).ok();
        }
    }
}

impl ManyState {
    fn see(&mut self, update: Update) {
        match update {
            Update::Planned {
                n_files,
                n_finished,
            } => {
                self.n_files = Some(n_files);
                self.n_finished = n_finished;
            }
            Update::Note(text) => self.line(sentence(&text), false),
            Update::Begun { job, file } => {
                let file = file.to_string();
                self.jobs.insert(
                    job,
                    Job {
                        file,
                        share: None,
                        n_frames: 0,
                        n_frames_of_file: None,
                        length: None,
                    },
                );
            }
            Update::Opened { job, info } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.n_frames_of_file = info.n_frames;
                    job.length = info.duration;
                }
            }
            Update::Advanced {
                job,
                n_frames,
                time,
            } => {
                if let Some(job) = self.jobs.get_mut(&job) {
                    job.n_frames = n_frames;
                    let by_frames = job.n_frames_of_file.filter(|n| *n > 0);
                    let by_frames = by_frames.map(|n| n_frames as f32 / n as f32);
                    let by_time = job.length.filter(|length| !length.is_zero());
                    let by_time = by_time.map(|length| time.div_duration_f32(length));
                    job.share = by_frames.or(by_time).map(|share| share.min(1.0));
                }
            }
            Update::Done { job, file, outcome } => {
                self.jobs.remove(&job);
                match outcome {
                    Outcome::Analyzed { n_frames, .. } => {
                        self.n_done += 1;
                        let frames = text!("many-frames", count = n_frames);
                        self.line(format!("{file}: {frames}"), false);
                    }
                    Outcome::Failed(reason) => {
                        self.n_done += 1;
                        self.line(format!("{file}: {reason}"), true);
                    }
                    Outcome::Stopped => {}
                }
            }
            Update::Tables | Update::Ended(_) => self.jobs.clear(),
        }
    }

    fn line(&mut self, text: String, is_bad: bool) {
        self.lines.push((text, is_bad));
        // Failures stay in the report.
        if self.lines.len() > MAX_LINES {
            self.lines.remove(0);
        }
    }

    fn end(&mut self, outcome: Result<Report, BatchError>) -> (Message, Option<PathBuf>) {
        self.is_running = false;
        self.is_stopping = false;
        self.jobs.clear();
        let outcome = outcome.map_err(|error| sentence(&error_text(&error)));
        self.report = Some(outcome.clone());
        match outcome {
            Err(text) => ((Severity::Error, text), None),
            Ok(report) => {
                let n_whole = report.n_analyzed + report.n_finished;
                let n_failed = report.failures.len();
                let out = report.tables.first().and_then(|table| table.parent());
                let out = out.map(PathBuf::from);
                let message = match (report.was_stopped, n_failed) {
                    (true, _) => (
                        Severity::Info,
                        text!("many-stopped", done = n_whole, all = report.n_files),
                    ),
                    (false, 0) => (Severity::Info, text!("many-done", count = n_whole)),
                    (false, _) => (
                        Severity::Warning,
                        text!(
                            "many-failed",
                            done = n_whole,
                            all = report.n_files,
                            failed = n_failed
                        ),
                    ),
                };
                (message, out)
            }
        }
    }
}
