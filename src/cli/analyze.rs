//! `fervis analyze`: the pipeline without a window.
//!
//! A camera that is not there at the start ends it at once, since nobody may be watching; one that goes away later
//! is waited for.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use fervis::{
    capture::{SourceInfo, SourceKind, SourceSpec},
    pipeline::{Analysis, Event, NextAnalysis, Pacing, Pipeline, PipelineConfig, SourceState},
    stream::{StreamOptions, message},
};

use super::{
    args::AnalyzeArgs,
    csv,
    output::{Output, OutputError},
    progress::Progress,
    stream::Streams,
    summary::{Circumstances, Summary},
};

/// How often events and the time limit are looked at while no result comes.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn run(args: AnalyzeArgs) -> anyhow::Result<ExitCode> {
    let source = args.checked_source()?;
    let streams = args.stream.options(Some("analyze"))?;
    match analyze(&args, source, &streams) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // The source was not read to its end, but there is nobody left to tell.
        Err(error) if is_reader_gone(&error) => Ok(ExitCode::FAILURE),
        Err(error) => Err(error),
    }
}

fn is_reader_gone(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<OutputError>(),
        Some(OutputError::ReaderGone(_))
    )
}

fn analyze(args: &AnalyzeArgs, source: SourceSpec, streams: &StreamOptions) -> anyhow::Result<()> {
    // Before the work, so that a wrong path or a port that is taken costs no time.
    let mut reports = Reports::create(args)?;
    let streams = Streams::start(streams)?;
    let settings = args.detection.settings();
    let config = PipelineConfig {
        source: None, // Not before everybody listens.
        checkpoint: args.network.checkpoint(),
        device: args.network.device,
        settings,
        pacing: Pacing::EveryFrame,
    };
    let pipeline = Pipeline::start(config, || {}).context("the analysis could not be started")?;
    let mut session = Session::new(args.seconds);
    let mut progress = Progress::new();
    for note in streams.notes() {
        progress.note(&note);
    }
    let _attached = streams.attach(&pipeline);
    pipeline.open(source.clone());
    let mut first_frame_at = None;
    let mut last_result_at = Instant::now();
    loop {
        let next = pipeline.wait_analysis(LOOK_AROUND_EVERY);
        // Events first: that no network could be loaded was told before any result was made without it.
        while let Some(event) = pipeline.take_event() {
            match session.on_event(event, Instant::now())? {
                Some(Tell::Note(note)) => progress.note(&note),
                Some(Tell::Source(info)) => progress.begin(&info, reports.use_stdout),
                None => {}
            }
        }
        match next {
            NextAnalysis::Ready(analysis) => {
                if session.on_frame(analysis.frame.time).is_break() {
                    break;
                }
                first_frame_at.get_or_insert(analysis.frame.captured_at);
                last_result_at = analysis.completed_at;
                reports.add(&analysis)?;
                progress.advance(analysis.frame.time);
            }
            NextAnalysis::NotYet => {}
            NextAnalysis::Ended => match session.failure {
                Some(reason) => bail!(reason),
                None => break,
            },
        }
        if session.is_over(Instant::now()) {
            break;
        }
    }
    drop(progress);
    let circumstances = Circumstances {
        source: &source.to_string(),
        device: &session.device,
        elapsed: first_frame_at.map_or(Duration::ZERO, |first| {
            last_result_at.saturating_duration_since(first)
        }),
        stats: pipeline.stats(),
        min_face_size_px: settings.detect.min_face_size_px,
        warnings: &session.warnings,
    };
    reports.finish(&circumstances)
}

/// Something to tell the user while it runs.
#[derive(Debug, PartialEq)]
enum Tell {
    Note(String),
    Source(SourceInfo),
}

/// Decides what events mean without a window.
struct Session {
    limit: Option<Duration>,
    /// Since when a live source delivers.
    live_since: Option<Instant>,
    info: Option<SourceInfo>,
    /// Why there is nothing now, if the source failed.
    failure: Option<String>,
    device: String,
    /// What the summary tells again: on a terminal it has scrolled away.
    warnings: Vec<String>,
}

impl Session {
    fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            live_since: None,
            info: None,
            failure: None,
            device: String::new(),
            warnings: Vec::new(),
        }
    }

    /// What to tell.
    ///
    /// # Errors
    /// If the event ends the analysis as a failure.
    fn on_event(&mut self, event: Event, now: Instant) -> anyhow::Result<Option<Tell>> {
        let was_live = self.info.is_some();
        if let Event::Source(state) = &event {
            self.failure = match state {
                SourceState::Failed(reason) => Some(reason.clone()),
                _ => None,
            };
        }
        Ok(match event {
            Event::Source(SourceState::Live(info)) => {
                let returned = was_live && info.kind == SourceKind::Live;
                if info.kind == SourceKind::Live {
                    self.live_since.get_or_insert(now);
                }
                let name = info.name.clone();
                if self.info.replace(info.clone()).is_none() {
                    Some(Tell::Source(info))
                } else {
                    returned.then(|| Tell::Note(format!("{name} is live again")))
                }
            }
            Event::Source(SourceState::NoCamera) if !was_live => {
                bail!("no camera found; connect one, or try `fervis analyze demo`")
            }
            Event::Source(SourceState::Lost(reason) | SourceState::Failed(reason)) if !was_live => {
                bail!(reason)
            }
            Event::Source(SourceState::Failed(reason)) if self.live_since.is_none() => {
                bail!(reason)
            }
            Event::Source(SourceState::Lost(reason) | SourceState::Failed(reason)) => {
                Some(Tell::Note(format!("{reason}; waiting for it to come back")))
            }
            Event::Source(SourceState::NoCamera | SourceState::Starting | SourceState::Ended) => {
                None
            }
            Event::Device { name, warning } => {
                self.device = name;
                warning.map(Tell::Note)
            }
            // Results of another network than the one asked for would be wrong in silence.
            Event::CheckpointFailed { reason, .. } => bail!(reason),
            Event::CheckpointLoaded(_) => None,
            Event::Warning(text) => {
                self.warnings.push(text.clone());
                Some(Tell::Note(text))
            }
        })
    }

    /// Whether a frame with this media time still belongs to what was asked for.
    fn on_frame(&self, time: Duration) -> ControlFlow<()> {
        match self.limit {
            Some(limit) if time >= limit => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Whether the time of a live source is over, frames or not.
    fn is_over(&self, now: Instant) -> bool {
        match (self.limit, self.live_since) {
            (Some(limit), Some(since)) => now.saturating_duration_since(since) >= limit,
            _ => false,
        }
    }
}

/// All that is made of the results.
struct Reports {
    json: Option<Output>,
    csv: Option<Output>,
    summary: Option<Summary>,
    /// Whether results go to the standard output while it runs.
    use_stdout: bool,
}

impl Reports {
    fn create(args: &AnalyzeArgs) -> anyhow::Result<Self> {
        let mut csv = args.csv.as_deref().map(Output::create).transpose()?;
        if let Some(csv) = &mut csv {
            csv.write(&(csv::header() + "\n"))?;
        }
        let is_stdout = |path: &PathBuf| path.as_path() == "-";
        Ok(Self {
            json: args.json.as_deref().map(Output::create).transpose()?,
            csv,
            summary: (args.json.is_none() && args.csv.is_none()).then(Summary::default),
            use_stdout: args.json.iter().chain(&args.csv).any(is_stdout),
        })
    }

    fn add(&mut self, analysis: &Analysis) -> anyhow::Result<()> {
        if let Some(json) = &mut self.json {
            json.write(&(message::line(analysis)? + "\n"))?;
        }
        if let Some(csv) = &mut self.csv {
            csv.write(&csv::rows(analysis))?;
        }
        if let Some(summary) = &mut self.summary {
            summary.add(analysis);
        }
        Ok(())
    }

    fn finish(self, circumstances: &Circumstances<'_>) -> anyhow::Result<()> {
        if let Some(summary) = self.summary {
            Output::stdout().write(&summary.text(circumstances))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fervis::{frame::Resolution, model::CheckpointChoice};

    use super::*;

    fn live(kind: SourceKind) -> Event {
        Event::Source(SourceState::Live(info(kind)))
    }

    fn info(kind: SourceKind) -> SourceInfo {
        SourceInfo {
            name: "Test camera".to_owned(),
            kind,
            resolution: Resolution::new(640, 480),
            rate_hz: None,
            n_frames: None,
            duration: None,
            format: "MJPG".to_owned(),
            mirror_by_default: true,
        }
    }

    fn lost() -> Event {
        Event::Source(SourceState::Lost("unplugged".to_owned()))
    }

    fn failed() -> Event {
        Event::Source(SourceState::Failed("broken".to_owned()))
    }

    /// Feeds events and returns the error in words, or what was told last.
    fn outcome(events: Vec<Event>) -> Result<Option<Tell>, String> {
        let mut session = Session::new(None);
        let mut last = None;
        for event in events {
            last = session
                .on_event(event, Instant::now())
                .map_err(|error| error.to_string())?;
        }
        Ok(last)
    }

    #[test]
    fn a_source_that_never_worked_is_given_up() {
        let no_camera = outcome(vec![
            Event::Source(SourceState::Starting),
            Event::Source(SourceState::NoCamera),
        ]);
        assert!(no_camera.is_err_and(|text| text.starts_with("no camera found")));
        assert_eq!(outcome(vec![failed()]), Err("broken".to_owned()));
        assert_eq!(outcome(vec![lost()]), Err("unplugged".to_owned()));
    }

    #[test]
    fn a_camera_that_worked_is_waited_for() {
        use SourceKind::Live;
        assert_eq!(
            outcome(vec![live(Live)]),
            Ok(Some(Tell::Source(info(Live))))
        );
        let note = |text: &str| Ok(Some(Tell::Note(text.to_owned())));
        assert_eq!(
            outcome(vec![live(Live), lost()]),
            note("unplugged; waiting for it to come back")
        );
        assert_eq!(
            outcome(vec![live(Live), failed()]),
            note("broken; waiting for it to come back")
        );
        assert_eq!(
            outcome(vec![live(Live), lost(), live(Live)]),
            note("Test camera is live again")
        );
    }

    #[test]
    fn a_file_that_breaks_off_is_a_failure() {
        use SourceKind::File;
        assert_eq!(
            outcome(vec![live(File), failed()]),
            Err("broken".to_owned())
        );
        assert_eq!(
            outcome(vec![live(File), Event::Source(SourceState::Ended)]),
            Ok(None)
        );
    }

    #[test]
    fn no_other_network_is_used_in_silence() {
        let event = Event::CheckpointFailed {
            choice: CheckpointChoice::File("my.safetensors".into()),
            reason: "my.safetensors is truncated".to_owned(),
        };
        assert_eq!(
            outcome(vec![event]),
            Err("my.safetensors is truncated".to_owned())
        );
    }

    #[test]
    fn the_time_limit_is_a_cameras_or_a_files_own() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let session = |kind| {
            let mut session = Session::new(Some(2 * second));
            assert!(!session.is_over(start + 100 * second), "not while opening");
            session.on_event(live(kind), start).expect("no failure");
            session
        };
        let camera = session(SourceKind::Live);
        assert!(!camera.is_over(start + second) && camera.is_over(start + 2 * second));
        let file = session(SourceKind::File);
        assert!(
            !file.is_over(start + 100 * second),
            "a file takes the time it takes"
        );
        assert!(file.on_frame(second).is_continue() && file.on_frame(2 * second).is_break());
        assert!(Session::new(None).on_frame(1000 * second).is_continue());
    }
}
