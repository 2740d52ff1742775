//! What is done with recorded sessions on threads of their own: another network reads them, or a video is drawn again
//! with hidden faces.
//!
//! It is what `fervis reanalyze` and `fervis redraw` do. Sessions themselves are never changed.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use egui::Context;

use super::{
    background::Background,
    commands::{Command, Reading},
    messages::{Message, Severity, sentence},
    progress::Progress,
    words::text,
};
use crate::{
    detect::TrackId,
    error_text::error_text,
    model::{Classifier, ComputeDevice, DeviceChoice},
    privacy::{Effect, FacePrivacy, Who},
    reanalyze::{self, Reanalysis, ReanalyzeError},
    record::{
        VideoChoice,
        redraw::{self, RedrawError, Redrawn},
    },
    session::{Session, folder::free_folder},
};

/// How long a window that closes waits for work to end: a frame takes far less, loading a network a second or two.
const PATIENCE: Duration = Duration::from_secs(5);

/// A video to be drawn again with hidden faces.
#[derive(Debug, Clone, PartialEq)]
pub struct Sharing {
    /// The session's folder.
    pub folder: PathBuf,
    /// How faces are hidden.
    pub effect: Effect,
    /// Faces that stay visible.
    pub shown: Vec<TrackId>,
    /// With or without boxes.
    pub video: VideoChoice,
    /// The folder in which the new one is made; beside the session if `None`.
    pub out: Option<PathBuf>,
}

/// A message, and what can be done about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The message.
    pub message: Message,
    /// The words of buttons, and what each asks for.
    pub actions: Vec<(&'static str, Command)>,
}

/// Work that runs.
pub struct Job {
    /// Names it in [`Command::CancelTool`].
    pub number: u64,
    /// How far it is.
    pub progress: Progress,
}

/// The work that runs.
pub struct SessionTools {
    jobs: Vec<Job>,
    n_begun: u64,
    ended: Background<(u64, Vec<Told>)>,
    refused: Vec<Told>,
}

impl Default for SessionTools {
    fn default() -> Self {
        Self {
            jobs: Vec::new(),
            n_begun: 0,
            ended: Background::new("session tool", PATIENCE),
            refused: Vec::new(),
        }
    }
}

impl Drop for SessionTools {
    fn drop(&mut self) {
        for job in &self.jobs {
            job.progress.cancel();
        }
    }
}

impl SessionTools {
    /// Lets a network read sessions.
    pub fn read_again(&mut self, reading: Reading, ctx: &Context) {
        let words = text!("tool-loading", network = reading.network.name());
        self.begin(words, ctx, move |progress| read_again(&reading, progress));
    }

    /// Draws a video with hidden faces.
    pub fn share(&mut self, sharing: Sharing, ctx: &Context) {
        let words = text!("tool-opening", session = name_of(&sharing.folder));
        self.begin(words, ctx, move |progress| vec![share(&sharing, progress)]);
    }

    /// What runs, the oldest first.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// Ends a job soon.
    pub fn cancel(&mut self, number: u64) {
        if let Some(job) = self.jobs.iter().find(|job| job.number == number) {
            job.progress.cancel();
        }
    }

    /// What has come of jobs since the last call.
    pub fn update(&mut self) -> Vec<Told> {
        let mut told = std::mem::take(&mut self.refused);
        while let Some((number, outcome)) = self.ended.take() {
            self.jobs.retain(|job| job.number != number);
            told.extend(outcome);
        }
        told
    }

    fn begin(
        &mut self,
        words: String,
        ctx: &Context,
        work: impl FnOnce(&Progress) -> Vec<Told> + Send + 'static,
    ) {
        self.n_begun += 1;
        let number = self.n_begun;
        let progress = Progress::new(ctx, words);
        let own = progress.clone();
        match self.ended.spawn(ctx, move || (number, work(&own))) {
            Ok(()) => self.jobs.push(Job { number, progress }),
            Err(error) => self.refused.push(Told {
                message: (
                    Severity::Error,
                    text!("no-thread", reason = error.to_string()),
                ),
                actions: Vec::new(),
            }),
        }
    }
}

/// What a session's folder is called.
pub fn name_of(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    format!("“{}”", name.to_string_lossy())
}

fn told(severity: Severity, text: String) -> Told {
    Told {
        message: (severity, text),
        actions: Vec::new(),
    }
}

/// What has come of the sessions that a network was to read.
#[derive(Default)]
struct Outcomes {
    /// Those that it has read.
    read: Vec<PathBuf>,
    /// Those that it had read before.
    known: Vec<PathBuf>,
    /// What went wrong, and what to bear in mind: sentences.
    errors: Vec<String>,
    notes: Vec<String>,
    is_canceled: bool,
}

fn read_again(reading: &Reading, progress: &Progress) -> Vec<Told> {
    let device = ComputeDevice::start(DeviceChoice::Auto);
    let mut network = match Classifier::load(&reading.network, &device) {
        Ok(network) => network,
        Err(error) => return vec![told(Severity::Error, sentence(&error_text(&error)))],
    };
    let name = network.info().name.clone();
    let mut outcomes = Outcomes::default();
    // The share of the faces with the same label, if that is worth saying.
    let mut agreement = None;
    let n_all = reading.folders.len();
    for (at, folder) in reading.folders.iter().enumerate() {
        let (reader, session) = (name.clone(), name_of(folder));
        progress.begin(match n_all {
            1 => text!("tool-reads", network = reader, session = session),
            _ => text!(
                "tool-reads-one-of",
                network = reader,
                session = session,
                at = at + 1,
                all = n_all
            ),
        });
        let session = match Session::open(folder) {
            Ok(session) => session,
            Err(error) => {
                outcomes.errors.push(sentence(&error_text(&error)));
                continue;
            }
        };
        match read_one(&session, &mut network, reading.overwrite, progress) {
            Ok(read) => {
                agreement = read.diff.overall.agreement;
                outcomes.read.push(folder.clone());
                outcomes
                    .notes
                    .extend(read.diff.notes.iter().map(|note| sentence(note)));
            }
            Err(ReanalyzeError::Exists { .. }) => outcomes.known.push(folder.clone()),
            Err(ReanalyzeError::Canceled) => {
                outcomes.is_canceled = true;
                break;
            }
            Err(error) => outcomes.errors.push(sentence(&error_text(&error))),
        }
    }
    outcomes.told(&name, agreement.filter(|_| n_all == 1), reading)
}

fn read_one(
    session: &Session,
    network: &mut Classifier,
    overwrite: bool,
    progress: &Progress,
) -> Result<Reanalysis, ReanalyzeError> {
    let out = reanalyze::default_folder(&session.folder, &network.info().name);
    // Before the work, or it might be for nothing.
    reanalyze::check_folder(&out, overwrite)?;
    let read = reanalyze::reanalyze(session, network, &mut |done, total| {
        progress.advance(done, total)
    })?;
    read.write(&out, overwrite)?;
    Ok(read)
}

impl Outcomes {
    fn told(self, network: &str, agreement: Option<f64>, reading: &Reading) -> Vec<Told> {
        let mut all = Vec::new();
        let count = |folders: &[PathBuf]| match folders {
            [one] => name_of(one),
            many => text!("tool-sessions", count = many.len()),
        };
        if !self.read.is_empty() {
            let sessions = count(&self.read);
            let mut text = match agreement {
                Some(share) => text!(
                    "tool-read-agreement",
                    network = network,
                    session = sessions,
                    percent = format!("{:.0}", 100.0 * share)
                ),
                None => text!("tool-read", network = network, sessions = sessions),
            };
            let mut notes = self.notes.clone();
            notes.dedup();
            let severity = match notes.is_empty() {
                true => Severity::Info,
                false => Severity::Warning,
            };
            for note in notes.iter().take(2) {
                text.push(' ');
                text.push_str(note);
            }
            let mut told = told(severity, text);
            if let [folder] = &self.read[..] {
                told.actions
                    .push((text!("tool-open"), Command::OpenFolder(folder.clone())));
            }
            all.push(told);
        }
        if !self.known.is_empty() {
            let sessions = count(&self.known);
            let text = text!("tool-read-before", network = network, sessions = sessions);
            let again = Reading {
                folders: self.known,
                network: reading.network.clone(),
                overwrite: true,
            };
            all.push(Told {
                message: (Severity::Warning, text),
                actions: vec![(text!("tool-replace"), Command::ReadAgain(again))],
            });
        }
        if let [first, others @ ..] = &self.errors[..] {
            let text = match others.len() {
                0 => first.clone(),
                n => format!("{first} {}", text!("tool-more-failed", count = n)),
            };
            all.push(told(Severity::Error, text));
        }
        if self.is_canceled {
            let text = match self.read.len() {
                0 => text!("tool-canceled"),
                _ => text!("tool-canceled-after"),
            };
            all.push(told(Severity::Info, text.to_owned()));
        }
        all
    }
}

fn share(sharing: &Sharing, progress: &Progress) -> Told {
    match drawn(sharing, progress) {
        Err(RedrawError::Canceled) => told(Severity::Info, text!("tool-canceled").to_owned()),
        Err(error) => told(Severity::Error, sentence(&error_text(&error))),
        Ok((out, redrawn)) => {
            let name = name_of(&sharing.folder);
            let folder = out.display().to_string();
            let text = text!("tool-shared", session = name, folder = folder);
            let mut told = match redrawn.has_old_boxes {
                false => told(Severity::Info, text),
                true => told(
                    Severity::Warning,
                    format!("{text} {}", text!("tool-old-boxes")),
                ),
            };
            told.actions
                .push((text!("show-folder"), Command::ShowFolder(out)));
            told
        }
    }
}

fn drawn(sharing: &Sharing, progress: &Progress) -> Result<(PathBuf, Redrawn), RedrawError> {
    let session = Session::open(&sharing.folder)?;
    let privacy = FacePrivacy {
        effect: sharing.effect,
        who: match sharing.shown[..] {
            [] => Who::All,
            _ => Who::AllBut(sharing.shown.clone()),
        },
    };
    let beside = sharing.folder.parent().unwrap_or(&sharing.folder);
    let parent = sharing.out.as_deref().unwrap_or(beside);
    let out = free_folder(parent, &format!("{}-shared", session.name()));
    progress.begin(text!("tool-hides", session = name_of(&sharing.folder)));
    let n_frames = session.frames.len() as u64;
    let mut advance = |done| -> ControlFlow<()> { progress.advance(done, n_frames) };
    let redrawn = redraw::redraw(&session, sharing.video, Some(&privacy), &out, &mut advance)?;
    Ok((out, redrawn))
}
