//! `fervis record` and `fervis recover`: sessions without a window.
//!
//! Of a file, every frame is recorded, as fast as possible. Ctrl-C, SIGTERM and a closed terminal complete the recording. A second signal ends the program at once, and even then the session can be recovered.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use fervis::{
    capture::SourceSpec,
    error_text::error_text,
    pipeline::{
        Event, NextAnalysis, Pacing, Pipeline, PipelineConfig, Settings, SourceState,
        face_names::FaceNames,
    },
    privacy::{Effect, FacePrivacy, Who},
    record::{
        Ending, Phase, Recorder, RecorderStatus, RecordingConfig, TIME_LIMIT, VideoChoice,
        recover::{self, Report},
    },
    session::{
        folder::{interrupted_sessions, remove_if_empty},
        is_session,
        marker_keys::MarkerKeys,
    },
    time::clock,
};

use super::{
    NetworkArgs,
    args::{self, AboutArgs, CameraArgs, DetectionArgs},
    interrupt::stop_on_interrupt,
    output,
    stream::{StreamArgs, Streams},
};

/// How often the loop checks for events and signals.
const LOOK_AROUND_EVERY: Duration = Duration::from_millis(50);
/// How often the status line changes.
const SHOW_EVERY: Duration = Duration::from_millis(500);

const RECORD_EXAMPLES: &str = "\
Examples:
  fervis record camera --out monday
  fervis record camera --out monday --seconds 600 --video both
  fervis record camera --out P01 --participant P01 --condition control
  fervis record clip.mp4 --out clip --video none
  fervis record camera --out monday --hide-faces pixelate --websocket";

const RECOVER_EXAMPLES: &str = "\
Examples:
  fervis recover monday
  fervis recover ~/Videos/fervis";

/// Arguments of `fervis record`.
#[derive(Debug, Args)]
#[command(after_help = RECORD_EXAMPLES)]
pub struct RecordArgs {
    /// What to record: camera, camera:NAME-OR-NUMBER, demo, a video, an image or a folder of images
    ///
    /// Every frame of a file is recorded, as fast as possible, until its end, Ctrl-C or --seconds.
    #[arg(value_parser = args::source())]
    source: SourceSpec,

    /// The session's folder; it is created, and must be empty if it exists
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,

    /// Stop after N seconds of a camera's time, or of a video's own [default: at the end, or at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = args::seconds)]
    seconds: Option<Duration>,

    /// Frames with boxes and labels, frames without, one video of each, or values only
    #[arg(long, value_name = "WHICH", value_parser = args::video(&VideoChoice::ALL), default_value = VideoChoice::default().name())]
    video: VideoChoice,

    /// Make faces in the video unrecognizable; the values stay [default: faces stay visible]
    #[arg(long, value_name = "HOW", value_parser = args::effect())]
    hide_faces: Option<Effect>,

    /// Who and what the session is about.
    #[command(flatten)]
    about: AboutArgs,

    /// How faces are found and their values smoothed.
    #[command(flatten)]
    detection: DetectionArgs,

    /// Which network reads the expressions, and where it runs.
    #[command(flatten)]
    network: NetworkArgs,

    /// What to ask of a camera.
    #[command(flatten)]
    camera: CameraArgs,

    /// Live values for other programs.
    #[command(flatten)]
    stream: StreamArgs,
}

/// Arguments of `fervis recover`.
#[derive(Debug, Args)]
#[command(after_help = RECOVER_EXAMPLES)]
pub struct RecoverArgs {
    /// A session that was interrupted, or a folder of sessions
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Runs `fervis record`.
///
/// # Errors
/// What went wrong, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn record(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    let source = args.camera.applied_to(args.source.clone(), "record")?;
    let streams = args.stream.options(Some("record"))?;
    let streams = Streams::start(&streams)?;
    let settings = args.detection.settings();
    let interrupted = stop_on_interrupt()?;
    let pacing = match source {
        SourceSpec::Path(_) => Pacing::EveryFrame,
        SourceSpec::Camera(_) | SourceSpec::Demo => Pacing::Realtime,
    };
    let pipeline = Pipeline::start(
        PipelineConfig {
            source: None,
            checkpoint: args.network.choice()?,
            second: args.network.second.clone(),
            device: args.network.device,
            settings,
            pacing,
        },
        || {},
    )
    .context("the analysis could not be started")?;
    // The source waits for the network, so that the first seconds of a file are analyzed too.
    let device = wait_for_network(&pipeline)?;
    let recorder = start_recorder(args, &source, settings, pacing, device)?;
    let tap = pipeline.attach(recorder.tap());
    streams.markers().connect(recorder.markers());
    for note in streams.notes() {
        tell(&note);
    }
    let _attached = streams.attach(&pipeline);
    pipeline.open(source);
    let outcome = watch(&pipeline, &recorder, pacing, args.seconds, &interrupted);
    drop(tap);
    streams.markers().disconnect();
    let folder = recorder.folder().to_owned();
    if let Err(error) = outcome {
        recorder.stop(&error_text(error.as_ref()));
        recorder.wait();
        // Without a frame there is nothing to keep.
        remove_if_empty(&folder);
        return Err(error);
    }
    let (ending, status) = recorder.wait();
    if is_session(&folder) {
        let mut text = summary(&folder.display().to_string(), &ending, &status);
        let n_damaged = pipeline.stats().n_damaged;
        if n_damaged > 0 {
            text += &format!("\n{n_damaged} frames arrived damaged and were skipped");
        }
        // Nothing to do if the terminal is closed.
        writeln!(io::stdout(), "{text}").ok();
    }
    if ending.failed {
        bail!("the recording ended early: {}", ending.reason);
    }
    Ok(ExitCode::SUCCESS)
}

fn start_recorder(
    args: &RecordArgs,
    source: &SourceSpec,
    settings: Settings,
    pacing: Pacing,
    device: String,
) -> anyhow::Result<Recorder> {
    let config = RecordingConfig {
        folder: args.out.clone(),
        video: args.video,
        source: source.clone(),
        info: None,
        settings,
        device: Some(device),
        privacy: args.hide_faces.map(|effect| FacePrivacy {
            effect,
            who: Who::All,
        }),
        uncertain_below: None,
        pacing,
        // A file is read far faster than the loop below looks at it.
        limit: args.seconds.filter(|_| pacing == Pacing::EveryFrame),
        about: args.about.about(),
        marker_keys: MarkerKeys::default(),
        face_names: FaceNames::default(),
    };
    Ok(Recorder::start(&config, || {})?)
}

/// Waits until the network is loaded. Returns the device's name.
fn wait_for_network(pipeline: &Pipeline) -> anyhow::Result<String> {
    let mut device = String::new();
    loop {
        match pipeline.take_event() {
            Some(Event::Device { name, warning }) => {
                device = name;
                if let Some(warning) = warning {
                    tell(&warning);
                }
            }
            Some(Event::CheckpointLoaded(_)) => return Ok(device),
            // Results of another network than the requested one would be silently wrong.
            Some(Event::CheckpointFailed { reason, .. } | Event::SecondFailed(reason)) => {
                bail!(reason)
            }
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Watches the recording until it ends, or ends it at a signal or the time limit.
///
/// # Errors
/// If the source never delivered a frame.
fn watch(
    pipeline: &Pipeline,
    recorder: &Recorder,
    pacing: Pacing,
    limit: Option<Duration>,
    interrupted: &AtomicBool,
) -> anyhow::Result<()> {
    let mut was_live = false;
    let mut shown_at = Instant::now();
    let mut line = StatusLine::default();
    loop {
        while let Some(event) = pipeline.take_event() {
            match event {
                Event::Source(SourceState::Live(info)) => {
                    if was_live {
                        line.note(&format!("{} is live again", info.name));
                    }
                    was_live = true;
                }
                Event::Source(SourceState::NoCamera) if !was_live => {
                    bail!("no camera found; connect one, or try `fervis record demo --out FOLDER`")
                }
                Event::Source(
                    SourceState::Lost(reason)
                    | SourceState::Waiting(reason)
                    | SourceState::Failed(reason),
                ) => {
                    if !was_live {
                        bail!(reason);
                    }
                    line.note(&format!(
                        "{reason}; the recording waits for it to come back"
                    ));
                }
                Event::Warning(text) => line.note(&text),
                Event::CheckpointFailed { reason, .. } | Event::SecondFailed(reason) => {
                    line.note(&reason);
                }
                Event::Source(_)
                | Event::Device { .. }
                | Event::CheckpointLoaded(_)
                | Event::SecondChanged(_)
                | Event::Neutral(_) => {}
            }
        }
        let status = recorder.status();
        if let Phase::Ended(_) = status.phase {
            return Ok(());
        }
        if interrupted.load(Ordering::Relaxed) {
            recorder.stop("stopped by Ctrl-C or a signal");
        } else if pacing == Pacing::Realtime
            && limit.is_some_and(|limit| status.counts.captured > 0 && status.elapsed >= limit)
        {
            recorder.stop(TIME_LIMIT);
        }
        if shown_at.elapsed() >= SHOW_EVERY {
            shown_at = Instant::now();
            line.show(&status);
        }
        match pacing {
            Pacing::Realtime => std::thread::sleep(LOOK_AROUND_EVERY),
            // The pipeline waits until each result is taken.
            Pacing::EveryFrame => {
                if let NextAnalysis::Ended = pipeline.wait_analysis(LOOK_AROUND_EVERY) {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        }
    }
}

/// A line on the terminal that is overwritten.
#[derive(Default)]
struct StatusLine {
    len: usize,
}

impl StatusLine {
    fn show(&mut self, status: &RecorderStatus) {
        if !io::stderr().is_terminal() {
            return;
        }
        let mut text = format!(
            "{}  {} frames  {}",
            clock(status.elapsed),
            status.counts.captured,
            megabytes(status.n_bytes)
        );
        if status.counts.refused > 0 {
            text.push_str(&format!("  {} refused", status.counts.refused));
        }
        if let Some(free) = status.free_bytes {
            text.push_str(&format!("  {} free", megabytes(free)));
        }
        // Nothing to do if stderr is closed.
        write!(io::stderr(), "\r{text:<len$}", len = self.len).ok();
        self.len = text.chars().count();
    }

    fn note(&mut self, text: &str) {
        self.clear();
        tell(text);
    }

    fn clear(&mut self) {
        if self.len > 0 {
            write!(io::stderr(), "\r{:len$}\r", "", len = self.len).ok();
            self.len = 0;
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What was recorded, as `session.json` counts it.
fn summary(folder: &str, ending: &Ending, status: &RecorderStatus) -> String {
    let counts = status.counts;
    let mut text = format!("{folder}: {} recorded", clock(status.elapsed));
    // An error has its own message.
    if !ending.failed {
        text.push_str(&format!(" ({})", ending.reason));
    }
    text.push_str(&format!(
        "\n{} frames captured, {} analyzed, {} dropped (too slow), {} in the video, {}",
        counts.captured,
        counts.analyzed,
        counts.skipped,
        counts.recorded,
        megabytes(status.n_bytes),
    ));
    if counts.refused > 0 {
        text.push_str(&format!(
            "\n{} frames could not be written in time, or not at all",
            counts.refused
        ));
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn tell(text: &str) {
    // Nothing to do if stderr is closed.
    writeln!(io::stderr(), "fervis: {text}").ok();
}

/// Runs `fervis recover`.
///
/// # Errors
/// What went wrong, in one sentence.
pub fn recover(args: &RecoverArgs) -> anyhow::Result<ExitCode> {
    let sessions = if is_session(&args.folder) {
        vec![args.folder.clone()]
    } else {
        interrupted_sessions(&args.folder)
    };
    if sessions.is_empty() {
        if !args.folder.is_dir() {
            bail!("{}: no such folder", args.folder.display());
        }
        let text = format!("{}: no interrupted session\n", args.folder.display());
        output::print(&text, ExitCode::SUCCESS)?;
    }
    let mut failed = None;
    for session in sessions {
        match recover::recover(&session) {
            Ok(report) => {
                output::print(&(report_text(&report) + "\n"), ExitCode::SUCCESS)?;
            }
            // The others can still be repaired.
            Err(error) => {
                if let Some(before) = failed.replace(error) {
                    tell(&error_text(&before));
                }
            }
        }
    }
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// A report in words.
fn report_text(report: &Report) -> String {
    let folder = report.folder.display();
    if !report.repaired {
        return format!("{folder}: complete, nothing to repair");
    }
    let mut text = format!(
        "{folder}: recovered, {} frames, {:.2} s",
        report.n_frames, report.duration_s
    );
    for step in &report.steps {
        text.push_str(&format!("\n  {step}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(megabytes(12_345_678), "12.3 MB");
    }

    #[test]
    fn a_report_says_what_was_done() {
        let mut report = Report {
            folder: "mine".into(),
            repaired: false,
            steps: Vec::new(),
            n_frames: 90,
            duration_s: 2.966,
        };
        assert_eq!(report_text(&report), "mine: complete, nothing to repair");
        report.repaired = true;
        report
            .steps
            .push("video.mp4: repaired, 88 frames, 2.93 s.".to_owned());
        assert_eq!(
            report_text(&report),
            "mine: recovered, 90 frames, 2.97 s\n  video.mp4: repaired, 88 frames, 2.93 s."
        );
    }
}
