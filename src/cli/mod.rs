//! The command line: one file per command, and the window if no command is given.
//!
//! It is part of the binary, not of the library, so nothing depends on how arguments are written. The exit status is
//! fixed for scripts: 0 when the source was read to its end, 2 for a usage error, 130 when a file was interrupted, and
//! 1 otherwise.

mod analyze;
mod analyze_many;
mod args;
#[cfg(all(windows, feature = "gui"))]
mod console;
mod csv;
mod export;
#[cfg(test)]
mod fixtures;
mod interrupt;
mod list;
mod mark;
mod output;
mod progress;
mod reanalyze;
mod record;
mod redraw;
mod stream;
mod summarize;
mod summary;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use fervis::{
    capture::SourceSpec,
    model::{CheckpointChoice, DeviceChoice, assumptions::Settings},
    shell_command::ShellCommand,
};

use self::{
    args::AnalyzeArgs,
    record::{RecordArgs, RecoverArgs},
    stream::StreamArgs,
};

const EXAMPLES: &str = "\
Examples:
  fervis                                     Open the window on the first camera that works
  fervis --source demo                       Open the window on the bundled clip
  fervis analyze clip.mp4 --csv clip.csv     Analyze every frame of a video
  fervis record camera --out monday          Record a session until Ctrl-C
  fervis export monday --format eaf --out monday.eaf

The manual is in docs/ of the source code.";

/// Reads facial expressions live, on your own machine.
///
/// Without a command, the window opens. Frames never leave this computer.
#[derive(Debug, Parser)]
#[command(name = "fervis", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// What to open first: camera, camera:NAME-OR-NUMBER, demo, a video, an image, a folder of images or a recorded
    /// session [default: the first camera that works]
    #[arg(long, value_parser = args::source())]
    source: Option<SourceSpec>,

    /// Write one JSON object per analyzed frame while the window is open, one per line; `-` is the standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Replace the file of --json if it exists
    #[arg(long, requires = "json")]
    force: bool,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    stream: StreamArgs,
}

/// Which network reads the expressions, and where it runs.
#[derive(Debug, clap::Args)]
pub struct NetworkArgs {
    /// Bundled checkpoint by name (`fervis models` lists them), or a .safetensors, .pt, .pth or .onnx file
    #[arg(long, value_name = "NAME-OR-FILE", value_parser = args::checkpoint(), default_value = args::default_checkpoint())]
    checkpoint: CheckpointChoice,

    /// What the file of another program does not say, for example mean=0.5 or labels=ferplus; may be repeated
    ///
    /// Keys: labels (fer2013, alphabetical, ferplus, affectnet, or names with commas), width, height, color (gray, rgb,
    /// bgr), mean, std, crop_scale, crop_shift, outputs (logits, probabilities), temperature. The same keys can stand in
    /// a file beside the network, net.onnx.json.
    #[arg(long, value_name = "KEY=VALUE", value_parser = args::assumption)]
    assume: Vec<Settings>,

    /// A second network that reads the same faces, for comparison; its values get columns of their own
    #[arg(long, value_name = "NAME-OR-FILE", value_parser = args::checkpoint())]
    second: Option<CheckpointChoice>,

    /// Where to run the network: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

impl NetworkArgs {
    /// The network to load.
    ///
    /// # Errors
    /// If something is said about a bundled checkpoint.
    fn choice(&self) -> anyhow::Result<CheckpointChoice> {
        args::choice(&self.checkpoint, &self.assume)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Analyze a source without a window, and print a summary or write tables
    Analyze(Box<AnalyzeArgs>),
    /// Record a session: values, events and video
    Record(Box<RecordArgs>),
    /// Set a marker in the recording that runs, in the window or in `fervis record`
    Mark(mark::MarkArgs),
    /// Repair sessions whose recording was interrupted
    Recover(RecoverArgs),
    /// Write a recorded session in a format that other programs read
    Export(export::ExportArgs),
    /// Compare recorded sessions by participant and condition
    Summarize(summarize::SummarizeArgs),
    /// Read a recorded session with another network, and compare
    Reanalyze(reanalyze::ReanalyzeArgs),
    /// Draw a recorded session's video again, with or without boxes, with faces hidden or shown
    Redraw(redraw::RedrawArgs),
    /// List the cameras and their formats
    #[command(after_help = "Examples:\n  fervis devices\n  fervis --source camera:1")]
    Devices,
    /// List the bundled checkpoints
    #[command(after_help = "Examples:\n  fervis models\n  fervis --checkpoint three-block")]
    Models,
    #[command(flatten)]
    Shell(ShellCommand),
}

/// Runs the command.
///
/// # Errors
/// What went wrong, in one sentence; a [`clap::Error`] inside is a usage error.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => open_window(cli),
        Some(Command::Analyze(args)) => analyze::run(*args),
        Some(Command::Record(args)) => record::record(&args),
        Some(Command::Mark(args)) => mark::run(&args),
        Some(Command::Recover(args)) => record::recover(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Summarize(args)) => summarize::run(&args),
        Some(Command::Reanalyze(args)) => reanalyze::run(&args),
        Some(Command::Redraw(args)) => redraw::run(&args),
        Some(Command::Devices) => list::devices(),
        Some(Command::Models) => list::models(),
        Some(Command::Shell(command)) => {
            command.run(Cli::command())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A usage error of a command, or of the program without one, with its usage.
fn usage(command: Option<&str>, message: &str) -> clap::Error {
    let mut cli = Cli::command();
    cli.build(); // So that the error shows the command's own usage.
    let command = command.and_then(|name| cli.find_subcommand_mut(name).cloned());
    let mut command = command.unwrap_or(cli);
    command.error(ErrorKind::ArgumentConflict, message)
}

#[cfg(feature = "gui")]
fn open_window(cli: Cli) -> anyhow::Result<ExitCode> {
    #[cfg(windows)]
    return console::without(|| show_window(cli));
    #[cfg(not(windows))]
    show_window(cli)
}

#[cfg(feature = "gui")]
fn show_window(cli: Cli) -> anyhow::Result<ExitCode> {
    use std::sync::Arc;

    use anyhow::Context;
    use fervis::{
        pipeline::Tap, result_file::Outputs, signals, stream::json_lines::JsonLines,
        ui::QuitRequest,
    };

    let options = cli.stream.options(None)?;
    let checkpoint = cli.network.choice()?;
    let inputs = output::inputs(cli.source.as_ref(), &checkpoint);
    let mut outputs = Outputs::new(cli.force).reading(inputs);
    let json = cli.json.as_deref().map(|path| {
        let file = outputs.file(path)?;
        JsonLines::start(file).context("JSON Lines could not be started")
    });
    let json = json.transpose()?;
    let quit = QuitRequest::default();
    let request = quit.clone();
    signals::on_request_to_end(move || request.request()).context("watching for Ctrl-C")?;
    fervis::ui::run(fervis::ui::UiOptions {
        source: cli.source,
        checkpoint,
        second: cli.network.second,
        device: cli.network.device,
        quit,
        stream: options,
        taps: json
            .map(|json| Arc::new(json) as Arc<dyn Tap>)
            .into_iter()
            .collect(),
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "gui"))]
fn open_window(_: Cli) -> anyhow::Result<ExitCode> {
    anyhow::bail!(
        "this build has no window (feature `gui`); try `fervis analyze demo`, or `fervis --help`"
    )
}
