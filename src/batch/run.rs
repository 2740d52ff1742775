//! A batch from its beginning to its end, on a thread of its own: finds the files, shares them out to jobs, and writes
//! the tables.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Builder, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};

use super::{
    BatchConfig, BatchError, Failure, Outcome, Report, Update,
    job::{JobReport, Task, Work},
    list::{self, Item},
    tables::{self, FileRow, Plan},
    who,
};
use crate::{
    model::CheckpointChoice,
    record::{VideoChoice, manifest_settings},
    session::{
        SessionError,
        about::About,
        catalog,
        files::create_folder,
        manifest::{Manifest, Settings, Status},
    },
};

/// The folder of the sessions, in that of the results.
const SESSIONS: &str = "sessions";

/// A running batch. Dropping it stops it and waits for its threads, which takes up to a few seconds.
pub struct Batch {
    updates: Receiver<Update>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Batch {
    /// Starts. `wake` is called, from any thread, when there is an update to take.
    ///
    /// # Errors
    /// If the operating system refuses a thread.
    pub fn start(
        config: BatchConfig,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, BatchError> {
        let stop = Arc::<AtomicBool>::default();
        // Unbounded, because each job sends only a few updates a second.
        let (updates_in, updates) = crossbeam_channel::unbounded();
        let stopped = Arc::clone(&stop);
        let thread = Builder::new()
            .name("batch".to_owned())
            .spawn(move || {
                let ended = run(&config, &stopped, &updates_in, &wake);
                updates_in.send(Update::Ended(Box::new(ended))).ok();
                wake();
            })
            .map_err(BatchError::Start)?;
        Ok(Self {
            updates,
            stop,
            thread: Some(thread),
        })
    }

    /// What happened, oldest first. It is disconnected after [`Update::Ended`].
    pub fn updates(&self) -> &Receiver<Update> {
        &self.updates
    }

    /// Stops soon; the files that are being analyzed will be started again by the next run.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// How many jobs suit this machine.
///
/// A pipeline keeps two to three cores busy, and its network uses the others while it runs.
pub fn default_n_jobs() -> usize {
    let n_cores = thread::available_parallelism().map_or(1, usize::from);
    (n_cores / 4).max(1)
}

fn run(
    config: &BatchConfig,
    stop: &AtomicBool,
    updates: &Sender<Update>,
    wake: &(dyn Fn() + Sync),
) -> Result<Report, BatchError> {
    let tell = |update| {
        updates.send(update).ok();
        wake();
    };
    let mut list = list::find(&config.inputs, &config.out)?;
    let (about, notes) = who::about_each(&config.who, &list.items)?;
    for note in notes {
        tell(Update::Note(note));
    }
    let mut known: Vec<(Item, About)> = list.items.drain(..).zip(about).collect();
    if let Some(shard) = config.shard {
        known.retain(|(item, _)| item.is_in(shard));
        // What cannot be searched is every part's problem, but one report of it is enough.
        if shard.index > 1 {
            list.failures.clear();
        }
    }
    let sessions = config.out.join(SESSIONS);
    let is_ours = sessions.is_dir();
    let paths = known.iter().map(|(item, _)| item.path.clone());
    let plan = Plan::new(config, paths, is_ours)?;
    create_folder(&sessions).map_err(|source| SessionError::write(&sessions, source))?;

    let mut rows = Vec::new();
    let mut tasks = Vec::new();
    let mut sha256 = None;
    for (item, mut about) in known {
        let folder = sessions.join(&*item.name);
        let finished = finished(config, &item, &folder)?;
        if let Some(manifest) = &finished {
            // Who is in view may have been corrected since, or not be said again.
            if about.is_empty() {
                about.clone_from(&manifest.about);
            }
            if about != manifest.about {
                catalog::rename(&folder, &about)?;
            }
            let network = manifest.models.first();
            sha256 = sha256.or_else(|| network.map(|network| network.sha256.clone()));
        }
        let is_finished = finished.is_some();
        rows.push(FileRow {
            item: item.clone(),
            about: about.clone(),
            folder: folder.clone(),
            failure: None,
        });
        if !is_finished {
            tasks.push((
                rows.len() - 1,
                Task {
                    item,
                    about,
                    folder,
                },
            ));
        }
    }
    let (numbers, tasks): (Vec<usize>, Vec<Task>) = tasks.into_iter().unzip();
    let n_finished = rows.len() - tasks.len();
    tell(Update::Planned {
        n_files: tasks.len(),
        n_finished,
    });
    let work = Work {
        config,
        tasks: &tasks,
        next: AtomicUsize::new(0),
        sha256,
        stop,
        give_up: AtomicBool::new(false),
        updates: updates.clone(),
        wake,
    };
    let jobs = share_out(&work)?;
    let mut report = Report {
        n_files: rows.len(),
        n_finished,
        n_analyzed: 0,
        failures: list.failures,
        n_frames: 0,
        length: Duration::ZERO,
        elapsed: elapsed(&jobs),
        was_stopped: stop.load(Ordering::Relaxed),
        tables: Vec::new(),
    };
    let mut outcomes: Vec<_> = jobs.into_iter().flat_map(|job| job.outcomes).collect();
    outcomes.sort_by_key(|(number, _)| *number);
    for (number, outcome) in outcomes {
        let row = &mut rows[numbers[number]];
        match outcome {
            Outcome::Analyzed {
                n_frames, length, ..
            } => {
                report.n_analyzed += 1;
                report.n_frames += n_frames;
                report.length += length;
            }
            Outcome::Failed(reason) => {
                row.failure = Some(reason.clone());
                report.failures.push(Failure {
                    file: row.item.name.to_string(),
                    reason,
                });
            }
            Outcome::Stopped => {}
        }
    }
    if !report.was_stopped {
        tell(Update::Tables);
        report.tables = tables::write(plan, &rows)?;
    }
    Ok(report)
}

/// Runs the jobs until all files are done.
fn share_out(work: &Work<'_>) -> Result<Vec<JobReport>, BatchError> {
    let n_jobs = work.config.n_jobs.clamp(1, work.tasks.len().max(1));
    if work.tasks.is_empty() {
        return Ok(Vec::new()); // No network is needed to merge tables.
    }
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..n_jobs)
            .map(|job| {
                Builder::new()
                    .name(format!("job {job}"))
                    .spawn_scoped(scope, move || work.run_job(job))
            })
            .collect::<io::Result<_>>()
            .map_err(|error| {
                work.give_up.store(true, Ordering::Relaxed);
                BatchError::Start(error)
            })?;
        // All are joined before the first error is returned.
        let reports: Vec<_> = jobs.into_iter().map(|job| job.join()).collect();
        let reports = reports
            .into_iter()
            .map(|report| report.unwrap_or(Err(BatchError::Bug)));
        reports.collect()
    })
}

/// From the first job's beginning to the last one's end.
fn elapsed(jobs: &[JobReport]) -> Duration {
    let began = jobs.iter().filter_map(|job| job.began).min();
    let ended = jobs.iter().filter_map(|job| job.ended).max();
    let times: Option<(Instant, Instant)> = began.zip(ended);
    times.map_or(Duration::ZERO, |(began, ended)| {
        ended.saturating_duration_since(began)
    })
}

/// The description of a file's finished session; `None` if the file is to be analyzed.
///
/// # Errors
/// [`BatchError::OtherSettings`] if it was analyzed in another way than it would be now.
fn finished(
    config: &BatchConfig,
    item: &Item,
    folder: &Path,
) -> Result<Option<Manifest>, BatchError> {
    if config.overwrite {
        return Ok(None);
    }
    let manifest = match Manifest::read(folder) {
        Ok(manifest) => manifest,
        Err(SessionError::NotASession { .. }) => return Ok(None),
        // Of a later version, for example: nothing that cannot be read is replaced.
        Err(error) => return Err(error.into()),
    };
    let n_bytes = item.path.metadata().map(|metadata| metadata.len()).ok();
    let is_same_file = manifest.source.n_bytes.is_none() || manifest.source.n_bytes == n_bytes;
    if manifest.status != Status::Complete || !is_same_file {
        return Ok(None);
    }
    let wanted = manifest_settings(config.settings, VideoChoice::None);
    let mut differences = differences(&manifest.settings, &wanted);
    let second = config.second.as_ref().map(CheckpointChoice::name);
    let networks = [
        ("network", &manifest.models, Some(config.checkpoint.name())),
        ("second network", &manifest.second_models, second),
    ];
    for (what, models, wanted) in networks {
        let before = models.first().map(|model| model.name.clone());
        // A file of which no frame was read names no network.
        if !manifest.models.is_empty() && before != wanted {
            let words = |name: Option<String>| match name {
                Some(name) => format!("{what} {name}"),
                None => format!("no {what}"),
            };
            differences.push((words(before), words(wanted)));
        }
    }
    if differences.is_empty() {
        return Ok(Some(manifest));
    }
    let (before, now): (Vec<String>, Vec<String>) = differences.into_iter().unzip();
    Err(BatchError::OtherSettings {
        out: config.out.clone(),
        file: item.name.to_string(),
        before: before.join(", "),
        now: now.join(", "),
    })
}

/// The settings that differ, before and now, in the words of the description.
fn differences(before: &Settings, now: &Settings) -> Vec<(String, String)> {
    let map = |settings: &Settings| match serde_json::to_value(settings) {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (before, now) = (map(before), map(now));
    let differing = before
        .iter()
        .filter(|(key, value)| now.get(*key) != Some(value));
    let words = differing.map(|(key, value)| {
        let now = now.get(key).cloned().unwrap_or_default();
        (format!("{key} {value}"), format!("{key} {now}"))
    });
    words.collect()
}

/// Where the session of a file is in the results, as the table of files says.
pub(super) fn session_of(folder: &Path, out: &Path) -> PathBuf {
    folder.strip_prefix(out).unwrap_or(folder).to_owned()
}
