//! `fervis analyze`: the pipeline without a window.
//!
//! A camera that is missing at the start ends the command at once, since nobody may be watching. One that leaves later is
//! waited for. Ctrl-C is the normal end for a camera; a file that is interrupted has no result.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use fervis::{
    capture::{SourceInfo, SourceKind, SourceSpec},
    expression::Labels,
    pipeline::{
        Analysis, Event, NextAnalysis, Pacing, Pipeline, PipelineConfig, SourceState, Stats,
    },
    result_file::{self, Outputs, ResultError, ResultFile},
    stream::{StreamOptions, message},
};

use super::{
    analyze_many,
    args::AnalyzeArgs,
    csv,
    interrupt::stop_on_interrupt,
    output,
    progress::Progress,
    stream::Streams,
    summary::{Circumstances, Summary},
};

/// How often events and the time limit are checked while no result arrives.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(50);

/// 128 plus the number of SIGINT, as shells do it.
pub const INTERRUPTED: u8 = 130;

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn run(args: AnalyzeArgs) -> anyhow::Result<ExitCode> {
    if let Some(out) = &args.many.out {
        return analyze_many::run(&args, out);
    }
    let source = args.checked_source()?;
    let streams = args.stream.options(Some("analyze"))?;
    let mut reports = Reports::plan(&args, &source)?;
    let outcome = analyze(&args, source, &streams, &mut reports);
    // After a run that ended well there are none.
    for partial in reports.partials() {
        let partial = partial.display();
        // Nothing to do if stderr is closed.
        writeln!(io::stderr(), "fervis: the results so far are in {partial}").ok();
    }
    match outcome {
        Ok(Ending::Done) => Ok(ExitCode::SUCCESS),
        Ok(Ending::Interrupted) => Ok(ExitCode::from(INTERRUPTED)),
        // The source was not read to its end, but no reader is left.
        Err(error) if is_reader_gone(&error) => Ok(ExitCode::FAILURE),
        Err(error) => Err(error),
    }
}

fn is_reader_gone(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<ResultError>(),
        Some(ResultError::ReaderGone(_))
    )
}

/// How an analysis ended that did not fail.
enum Ending {
    Done,
    /// Before the end of a file.
    Interrupted,
}

fn analyze(
    args: &AnalyzeArgs,
    source: SourceSpec,
    streams: &StreamOptions,
    reports: &mut Reports,
) -> anyhow::Result<Ending> {
    let interrupted = stop_on_interrupt()?;
    // Before the work: a port that is taken should cost no time.
    let streams = Streams::start(streams)?;
    let settings = args.detection.settings();
    let config = PipelineConfig {
        source: None, // Opened once the network is loaded and everyone listens.
        checkpoint: args.network.choice()?,
        second: args.network.second.clone(),
        device: args.network.device,
        settings,
        pacing: Pacing::EveryFrame,
    };
    let pipeline = Pipeline::start(config, || {}).context("the analysis could not be started")?;
    let mut run = Run::new(args.seconds);
    let mut progress = Progress::new();
    for note in streams.notes() {
        progress.note(&note);
    }
    let _attached = streams.attach(&pipeline);
    let mut is_open = false;
    let mut first_frame_at = None;
    let mut last_result_at = Instant::now();
    let is_interrupted = loop {
        let next = pipeline.wait_analysis(LOOK_AROUND_EVERY);
        // Events come first: a network that could not be loaded is reported before any result without it.
        while let Some(event) = pipeline.take_event() {
            // The source waits for the network, or --seconds would run out before anything can be classified.
            if matches!(event, Event::CheckpointLoaded(_)) && !is_open {
                pipeline.open(source.clone());
                is_open = true;
            }
            match run.on_event(event, Instant::now())? {
                Some(Report::Note(note)) => progress.note(&note),
                Some(Report::Source(info)) => progress.begin(&info, reports.use_stdout),
                None => {}
            }
        }
        match next {
            NextAnalysis::Ready(analysis) => {
                if run.on_frame(analysis.frame.time).is_break() {
                    break false;
                }
                first_frame_at.get_or_insert(analysis.frame.captured_at);
                last_result_at = analysis.completed_at;
                reports.add(&analysis)?;
                progress.advance(analysis.frame.time);
            }
            NextAnalysis::NotYet => {}
            NextAnalysis::Ended => match run.failure {
                Some(reason) => bail!(reason),
                None => break false,
            },
        }
        if run.is_over(Instant::now()) {
            break false;
        }
        if interrupted.load(Ordering::Relaxed) {
            break true;
        }
    };
    drop(progress);
    let stats = pipeline.stats();
    if is_interrupted && !run.is_live() {
        writeln!(
            io::stderr(),
            "fervis: interrupted; {source} was not analyzed to its end"
        )
        .ok();
        return Ok(Ending::Interrupted);
    }
    // An empty result without a message would look as if nobody had been there.
    if first_frame_at.is_none() && run.is_live() {
        bail!(nothing_analyzed(
            args.seconds.filter(|_| !is_interrupted),
            &stats
        ));
    }
    let circumstances = Circumstances {
        source: &source.to_string(),
        device: &run.device,
        elapsed: first_frame_at.map_or(Duration::ZERO, |first| {
            last_result_at.saturating_duration_since(first)
        }),
        stats,
        min_face_size_px: settings.detect.min_face_size_px,
        warnings: &run.warnings,
    };
    reports.finish(&circumstances)?;
    Ok(Ending::Done)
}

/// Why a camera that was analyzed for `limit`, or until it was interrupted, gave no result.
fn nothing_analyzed(limit: Option<Duration>, stats: &Stats) -> String {
    let when = limit.map_or_else(
        || "before it was interrupted".to_owned(),
        |limit| format!("in {} s", limit.as_secs_f64()),
    );
    let arrived = match (stats.n_captured, stats.n_damaged) {
        (0, 0) => "no frame arrived".to_owned(),
        (0, n_damaged) => format!("all {n_damaged} frames that arrived were damaged"),
        (n_captured, _) => {
            return format!(
                "nothing was analyzed {when}: {n_captured} frames arrived, but this machine finished none; try a longer time or a smaller --resolution"
            );
        }
    };
    format!("nothing was analyzed {when}: {arrived}")
}

/// Something to report while it runs.
#[derive(Debug, PartialEq)]
enum Report {
    Note(String),
    Source(SourceInfo),
}

/// Decides what events mean without a window.
struct Run {
    limit: Option<Duration>,
    /// When a live source began to deliver.
    live_since: Option<Instant>,
    info: Option<SourceInfo>,
    /// Why nothing arrives now, if the source failed.
    failure: Option<String>,
    device: String,
    /// What the summary repeats: on a terminal it has scrolled away.
    warnings: Vec<String>,
}

impl Run {
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

    /// What to report.
    ///
    /// # Errors
    /// If the event ends the analysis as a failure.
    fn on_event(&mut self, event: Event, now: Instant) -> anyhow::Result<Option<Report>> {
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
                    Some(Report::Source(info))
                } else {
                    returned.then(|| Report::Note(format!("{name} is live again")))
                }
            }
            Event::Source(SourceState::NoCamera) if !was_live => {
                bail!("no camera found; connect one, or try `fervis analyze demo`")
            }
            Event::Source(
                SourceState::Lost(reason)
                | SourceState::Waiting(reason)
                | SourceState::Failed(reason),
            ) if !was_live => {
                bail!(reason)
            }
            // It is not retried.
            Event::Source(SourceState::Failed(reason)) => bail!(reason),
            Event::Source(SourceState::Lost(reason) | SourceState::Waiting(reason)) => Some(
                Report::Note(format!("{reason}; waiting for it to come back")),
            ),
            Event::Source(SourceState::NoCamera | SourceState::Starting | SourceState::Ended) => {
                None
            }
            Event::Device { name, warning } => {
                self.device = name;
                warning.map(Report::Note)
            }
            // Results of another network than the requested one would be silently wrong.
            Event::CheckpointFailed { reason, .. } | Event::SecondFailed(reason) => bail!(reason),
            Event::CheckpointLoaded(_) | Event::SecondChanged(_) | Event::Neutral(_) => None,
            Event::Warning(text) => {
                self.warnings.push(text.clone());
                Some(Report::Note(text))
            }
        })
    }

    /// Whether the source has no end.
    fn is_live(&self) -> bool {
        self.live_since.is_some()
    }

    /// Whether a frame with this media time is within the time limit.
    fn on_frame(&self, time: Duration) -> ControlFlow<()> {
        match self.limit {
            Some(limit) if time >= limit => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Whether a live source's time is up, whether or not frames arrive.
    fn is_over(&self, now: Instant) -> bool {
        match (self.limit, self.live_since) {
            (Some(limit), Some(since)) => now.saturating_duration_since(since) >= limit,
            _ => false,
        }
    }
}

/// Where the results go.
struct Reports {
    json: Option<ResultFile>,
    csv: Option<ResultFile>,
    landmarks: Option<ResultFile>,
    has_header: bool,
    summary: Option<Summary>,
    /// Whether results go to the standard output while it runs.
    use_stdout: bool,
}

impl Reports {
    /// Decides where results go. No file is created before the first result.
    fn plan(args: &AnalyzeArgs, source: &SourceSpec) -> anyhow::Result<Self> {
        let inputs = output::inputs(Some(source), &args.network.checkpoint);
        let mut outputs = Outputs::new(args.force).reading(inputs);
        let mut plan = |path: &Option<PathBuf>| {
            let path = path.as_deref();
            path.map(|path| outputs.file(path)).transpose()
        };
        let mut paths = args.json.iter().chain(&args.csv).chain(&args.landmarks);
        Ok(Self {
            json: plan(&args.json)?,
            csv: plan(&args.csv)?,
            landmarks: plan(&args.landmarks)?,
            has_header: false,
            summary: [&args.json, &args.csv, &args.landmarks]
                .iter()
                .all(|path| path.is_none())
                .then(Summary::default),
            use_stdout: paths.any(|path| result_file::is_stdout(path)),
        })
    }

    fn add(&mut self, analysis: &Analysis) -> anyhow::Result<()> {
        if let Some(json) = &mut self.json {
            json.write_lines(message::line(analysis)? + "\n")?;
        }
        let checkpoint = analysis.checkpoint.as_ref();
        self.write_header(checkpoint.map_or_else(Labels::default, |info| info.labels))?;
        if let Some(csv) = &mut self.csv {
            csv.write_lines(csv::rows(analysis))?;
        }
        if let Some(landmarks) = &mut self.landmarks {
            landmarks.write_lines(csv::landmarks_rows(analysis))?;
        }
        if let Some(summary) = &mut self.summary {
            summary.add(analysis);
        }
        Ok(())
    }

    /// Writes the headers of the tables, once.
    fn write_header(&mut self, labels: Labels) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.has_header, true) {
            return Ok(());
        }
        if let Some(csv) = &mut self.csv {
            csv.write_lines(csv::header(labels))?;
        }
        if let Some(landmarks) = &mut self.landmarks {
            landmarks.write_lines(csv::landmarks_header())?;
        }
        Ok(())
    }

    /// Completes the results and puts them in their places.
    fn finish(&mut self, circumstances: &Circumstances<'_>) -> anyhow::Result<()> {
        self.write_header(Labels::default())?; // A table without faces has a header too.
        let files = [self.json.take(), self.csv.take(), self.landmarks.take()];
        for file in files.into_iter().flatten() {
            file.finish()?;
        }
        if let Some(summary) = &self.summary {
            ResultFile::stdout().write_lines(summary.text(circumstances))?;
        }
        Ok(())
    }

    /// What a run that did not end well leaves behind.
    fn partials(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.json, &self.csv, &self.landmarks]
            .into_iter()
            .flatten();
        files.filter_map(ResultFile::partial)
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

    fn busy() -> Event {
        Event::Source(SourceState::Waiting("busy".to_owned()))
    }

    fn failed() -> Event {
        Event::Source(SourceState::Failed("broken".to_owned()))
    }

    /// Feeds events and returns the error in words, or the last report.
    fn outcome(events: Vec<Event>) -> Result<Option<Report>, String> {
        let mut run = Run::new(None);
        let mut last = None;
        for event in events {
            last = run
                .on_event(event, Instant::now())
                .map_err(|error| error.to_string())?;
        }
        Ok(last)
    }

    #[test]
    fn a_source_that_never_worked_fails() {
        let no_camera = outcome(vec![
            Event::Source(SourceState::Starting),
            Event::Source(SourceState::NoCamera),
        ]);
        assert!(no_camera.is_err_and(|text| text.starts_with("no camera found")));
        assert_eq!(outcome(vec![failed()]), Err("broken".to_owned()));
        assert_eq!(outcome(vec![lost()]), Err("unplugged".to_owned()));
        assert_eq!(outcome(vec![busy()]), Err("busy".to_owned()));
    }

    #[test]
    fn an_empty_result_is_explained() {
        let stats = |n_captured, n_damaged| Stats {
            n_captured,
            n_damaged,
            ..Stats::default()
        };
        let limit = Some(Duration::from_secs(5));
        for (text, words) in [
            (
                nothing_analyzed(limit, &stats(7, 1)),
                "in 5 s: 7 frames arrived, but",
            ),
            (
                nothing_analyzed(limit, &stats(0, 4)),
                "all 4 frames that arrived were damaged",
            ),
            (
                nothing_analyzed(None, &stats(0, 0)),
                "nothing was analyzed before it was interrupted: no frame arrived",
            ),
        ] {
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn a_camera_that_worked_is_waited_for() {
        use SourceKind::Live;
        assert_eq!(
            outcome(vec![live(Live)]),
            Ok(Some(Report::Source(info(Live))))
        );
        let note = |text: &str| Ok(Some(Report::Note(text.to_owned())));
        assert_eq!(
            outcome(vec![live(Live), lost()]),
            note("unplugged; waiting for it to come back")
        );
        assert_eq!(
            outcome(vec![live(Live), busy()]),
            note("busy; waiting for it to come back")
        );
        assert_eq!(
            outcome(vec![live(Live), failed()]),
            Err("broken".to_owned()),
            "for good"
        );
        assert_eq!(
            outcome(vec![live(Live), lost(), live(Live)]),
            note("Test camera is live again")
        );
    }

    #[test]
    fn a_file_that_breaks_off_fails() {
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
    fn no_other_network_is_used_silently() {
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
        let run = |kind| {
            let mut run = Run::new(Some(2 * second));
            assert!(!run.is_over(start + 100 * second), "not while opening");
            run.on_event(live(kind), start).expect("no failure");
            run
        };
        let camera = run(SourceKind::Live);
        assert!(!camera.is_over(start + second) && camera.is_over(start + 2 * second));
        let file = run(SourceKind::File);
        assert!(
            !file.is_over(start + 100 * second),
            "a file may take as long as it needs"
        );
        assert!(file.on_frame(second).is_continue() && file.on_frame(2 * second).is_break());
        assert!(Run::new(None).on_frame(1000 * second).is_continue());
    }
}
