//! One job: a pipeline that analyzes one file after another, with a network that is loaded once.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::Sender;

use super::{
    BatchConfig, BatchError, FileError, Outcome, Update,
    list::{Item, PARTIAL},
};
use crate::{
    capture::SourceSpec,
    error_text::error_text,
    pipeline::{
        Event, NextAnalysis, Pacing, Pipeline, PipelineConfig, SourceState, face_names::FaceNames,
    },
    record::{Phase, Recorder, RecorderStatus, RecordingConfig, VideoChoice},
    result_file::rename,
    session::{
        SessionError,
        about::About,
        folder::{Removal, remove_if_empty, remove_values},
        marker_keys::MarkerKeys,
    },
};

/// How often a job looks at events and at requests to stop while no result arrives.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(50);
/// How often a job says how far it is.
const ADVANCE_EVERY: Duration = Duration::from_millis(200);

/// A file to analyze, and who is in it.
#[derive(Debug)]
pub(super) struct Task {
    pub item: Item,
    pub about: About,
    /// The folder of its finished session.
    pub folder: PathBuf,
}

/// What all jobs share.
pub(super) struct Work<'a> {
    pub config: &'a BatchConfig,
    pub tasks: &'a [Task],
    /// The next task that nobody has taken.
    pub next: AtomicUsize,
    /// Of the network of the sessions that are finished, if there are any.
    pub sha256: Option<String>,
    /// Set by the user.
    pub stop: &'a AtomicBool,
    /// Set when a job cannot work at all.
    pub give_up: AtomicBool,
    pub updates: Sender<Update>,
    pub wake: &'a (dyn Fn() + Sync),
}

impl Work<'_> {
    pub fn tell(&self, update: Update) {
        // Whoever no longer listens need not know.
        self.updates.send(update).ok();
        (self.wake)();
    }

    fn must_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.give_up.load(Ordering::Relaxed)
    }

    /// Analyzes files until none is left. `began` is when the first file of this job was begun.
    ///
    /// # Errors
    /// If nothing can be analyzed at all.
    pub fn run_job(&self, job: usize) -> Result<JobReport, BatchError> {
        let done = self.analyze_all(job);
        if done.is_err() {
            self.give_up.store(true, Ordering::Relaxed);
        }
        done
    }

    fn analyze_all(&self, job: usize) -> Result<JobReport, BatchError> {
        let config = PipelineConfig {
            source: None, // Opened once the network is loaded.
            checkpoint: self.config.checkpoint.clone(),
            second: self.config.second.clone(),
            device: self.config.device,
            settings: self.config.settings,
            pacing: Pacing::EveryFrame,
        };
        let pipeline = Pipeline::start(config, || {}).map_err(BatchError::Start)?;
        let Some(device) = self.wait_for_network(&pipeline, job)? else {
            return Ok(JobReport::default());
        };
        let mut report = JobReport {
            began: Some(Instant::now()),
            ..JobReport::default()
        };
        while !self.must_stop() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = self.tasks.get(number) else {
                break;
            };
            let file = Arc::clone(&task.item.name);
            self.tell(Update::Begun {
                job,
                file: Arc::clone(&file),
            });
            let outcome = match self.analyze(&pipeline, &device, task, job) {
                Ok(outcome) => outcome,
                Err(error) => Outcome::Failed(error_text(&error)),
            };
            report.outcomes.push((number, outcome.clone()));
            self.tell(Update::Done { job, file, outcome });
        }
        report.ended = Some(Instant::now());
        Ok(report)
    }

    /// The device's name once the network is loaded; `None` if the user stopped it.
    fn wait_for_network(
        &self,
        pipeline: &Pipeline,
        job: usize,
    ) -> Result<Option<String>, BatchError> {
        let mut device = String::new();
        loop {
            match pipeline.take_event() {
                Some(Event::Device { name, warning }) => {
                    device = name;
                    // All jobs have the same.
                    if let Some(warning) = warning.filter(|_| job == 0) {
                        self.tell(Update::Note(warning));
                    }
                }
                Some(Event::CheckpointLoaded(info)) => {
                    let before = self.sha256.as_ref();
                    return match before.filter(|before| **before != info.sha256) {
                        None => Ok(Some(device)),
                        Some(before) => Err(BatchError::OtherSettings {
                            out: self.config.out.clone(),
                            file: "an earlier file".to_owned(),
                            before: format!("the network with SHA-256 {before}"),
                            now: format!("{} with {}", info.name, info.sha256),
                        }),
                    };
                }
                // Results of another network than the requested one would be silently wrong.
                Some(Event::CheckpointFailed { reason, .. } | Event::SecondFailed(reason)) => {
                    return Err(BatchError::Network(reason));
                }
                Some(_) => {}
                None if self.must_stop() => return Ok(None),
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn analyze(
        &self,
        pipeline: &Pipeline,
        device: &str,
        task: &Task,
        job: usize,
    ) -> Result<Outcome, FileError> {
        let began = Instant::now();
        let partial = partial_folder(&task.folder);
        make_way(&partial)?;
        let source = SourceSpec::Path(task.item.path.clone());
        let recorder = Recorder::start(
            &RecordingConfig {
                folder: partial.clone(),
                video: VideoChoice::None,
                source: source.clone(),
                info: None,
                settings: self.config.settings,
                device: Some(device.to_owned()),
                privacy: None,
                uncertain_below: None,
                pacing: Pacing::EveryFrame,
                limit: None,
                about: task.about.clone(),
                marker_keys: MarkerKeys::default(),
                face_names: FaceNames::default(),
            },
            || {},
        )?;
        let tap = pipeline.attach(recorder.tap());
        pipeline.open(source);
        let watched = self.watch(pipeline, &recorder, task, job);
        drop(tap);
        // If it has not ended by itself.
        recorder.stop("stopped before the end of the file");
        let (ending, status) = recorder.wait();
        let failure = match watched {
            Watched::Stopped => {
                pipeline.close();
                remove_if_empty(&partial);
                return Ok(Outcome::Stopped);
            }
            Watched::Failed(reason) => Some(reason),
            Watched::ToTheEnd => ending.failed.then_some(ending.reason),
        };
        if let Some(reason) = failure {
            pipeline.close();
            // What was found until then stays under a name that says so.
            remove_if_empty(&partial);
            return Err(FileError::Source(reason));
        }
        make_way(&task.folder)?;
        rename(&partial, &task.folder)
            .map_err(|source| SessionError::write(&task.folder, source))?;
        Ok(analyzed(&status, began))
    }

    fn watch(&self, pipeline: &Pipeline, recorder: &Recorder, task: &Task, job: usize) -> Watched {
        let mut told_at = Instant::now();
        let mut n_frames = 0;
        let mut failure = None;
        loop {
            let next = pipeline.wait_analysis(LOOK_AROUND_EVERY);
            while let Some(event) = pipeline.take_event() {
                match event {
                    Event::Source(SourceState::Live(info)) => {
                        self.tell(Update::Opened { job, info });
                    }
                    Event::Source(
                        SourceState::Failed(reason)
                        | SourceState::Lost(reason)
                        | SourceState::Waiting(reason),
                    ) => failure = Some(reason),
                    Event::Warning(text) => {
                        self.tell(Update::Note(format!("{}: {text}", task.item.name)));
                    }
                    _ => {}
                }
            }
            match next {
                NextAnalysis::Ready(analysis) => {
                    n_frames += 1;
                    if told_at.elapsed() >= ADVANCE_EVERY {
                        told_at = Instant::now();
                        let time = analysis.frame.time;
                        self.tell(Update::Advanced {
                            job,
                            n_frames,
                            time,
                        });
                    }
                }
                NextAnalysis::NotYet => {}
                NextAnalysis::Ended => {
                    return failure.map_or(Watched::ToTheEnd, Watched::Failed);
                }
            }
            if self.must_stop() {
                return Watched::Stopped;
            }
            // A full disk, for example: the ending says so.
            if matches!(recorder.status().phase, Phase::Ended(ref ending) if ending.failed) {
                return Watched::ToTheEnd;
            }
        }
    }
}

/// What a job did.
#[derive(Debug, Default)]
pub(super) struct JobReport {
    /// By the number of the task.
    pub outcomes: Vec<(usize, Outcome)>,
    /// When it began to analyze, with the network loaded.
    pub began: Option<Instant>,
    /// When it had nothing left to do.
    pub ended: Option<Instant>,
}

/// How the reading of a file ended.
enum Watched {
    ToTheEnd,
    Failed(String),
    Stopped,
}

fn analyzed(status: &RecorderStatus, began: Instant) -> Outcome {
    Outcome::Analyzed {
        n_frames: status.counts.analyzed,
        n_faces: status.counts.faces,
        length: status.elapsed,
        elapsed: began.elapsed(),
    }
}

/// Where a session is while it is incomplete.
pub(super) fn partial_folder(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(PARTIAL);
    folder.with_file_name(name)
}

/// Removes a session without video, if there is one. Nothing is removed if the folder holds anything else.
fn make_way(folder: &Path) -> Result<(), FileError> {
    match remove_values(folder) {
        Ok(Removal::Gone) => Ok(()),
        Ok(Removal::HoldsMore) => Err(FileError::Foreign {
            folder: folder.to_owned(),
        }),
        Err(SessionError::InUse { .. }) => Err(FileError::InUse),
        Err(error) => Err(error.into()),
    }
}
