//! The commands: window, `analyze`, `record`, `recover`, `export`, `reanalyze`, `redraw`, `devices`, `models`.
//!
//! Part of the binary, not of the library: nothing else depends on how arguments are written. The exit status is
//! pinned for scripts: 0 when the source was read to its end, 2 for a usage error, 1 otherwise.

mod analyze;
mod args;
mod csv;
mod export;
#[cfg(test)]
mod fixtures;
mod interrupt;
mod list;
mod output;
mod progress;
mod reanalyze;
mod record;
mod redraw;
mod stream;
mod summary;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use fervis::{
    capture::SourceSpec,
    model::{CheckpointChoice, DeviceChoice},
};

use self::{
    args::AnalyzeArgs,
    record::{RecordArgs, RecoverArgs},
    stream::StreamArgs,
};

/// Reads facial expressions live, on your own machine.
///
/// Without a command it opens its window. Pictures never leave the machine.
#[derive(Debug, Parser)]
#[cfg_attr(
    not(feature = "gui"),
    expect(dead_code, reason = "only the window takes these options")
)]
#[command(name = "fervis", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// What to look at first: camera, camera:NAME-OR-NUMBER, demo, a video, an image, a folder of images or a recorded
    /// session
    #[arg(long, value_parser = args::source())]
    source: Option<SourceSpec>,

    /// Write one JSON object a line for every analysed frame while the window is open; `-` is the standard output
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

/// What reads the expressions, and where.
#[derive(Debug, clap::Args)]
pub struct NetworkArgs {
    /// Bundled checkpoint by name (`fervis models` lists them), or a .safetensors, .pt or .pth file
    #[arg(long, value_name = "NAME-OR-FILE", value_parser = args::checkpoint())]
    checkpoint: Option<CheckpointChoice>,

    /// Where to run the network: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

impl NetworkArgs {
    fn checkpoint(&self) -> CheckpointChoice {
        self.checkpoint
            .clone()
            .unwrap_or_else(args::default_checkpoint)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Analyses a source without a window and writes or sums up the results
    Analyze(Box<AnalyzeArgs>),
    /// Records a session: values, events and, if wished, video
    Record(Box<RecordArgs>),
    /// Repairs sessions whose recording was interrupted
    Recover(RecoverArgs),
    /// Writes a recorded session in a format that other programs read
    Export(export::ExportArgs),
    /// Lets another network read a recorded session and compares
    Reanalyze(reanalyze::ReanalyzeArgs),
    /// Draws a recorded session's video again, with faces hidden if wished
    Redraw(redraw::RedrawArgs),
    /// Lists the cameras and what they can do
    Devices,
    /// Lists the bundled checkpoints
    Models,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, for people; a [`clap::Error`] inside is a usage error.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        None => open_window(cli),
        Some(Command::Analyze(args)) => analyze::run(*args),
        Some(Command::Record(args)) => record::record(&args),
        Some(Command::Recover(args)) => record::recover(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Reanalyze(args)) => reanalyze::run(&args),
        Some(Command::Redraw(args)) => redraw::run(&args),
        Some(Command::Devices) => list::devices(),
        Some(Command::Models) => list::models(),
    }
}

#[cfg(feature = "gui")]
fn open_window(cli: Cli) -> anyhow::Result<ExitCode> {
    use std::sync::Arc;

    use anyhow::Context;
    use fervis::{
        pipeline::Tap, result_file::Outputs, signals, stream::json_lines::JsonLines,
        ui::QuitRequest,
    };

    let options = cli.stream.options(None)?;
    let checkpoint = cli.network.checkpoint();
    let inputs = output::inputs(cli.source.as_ref(), &checkpoint);
    let mut outputs = Outputs::new(cli.force).reading(inputs);
    let json = cli.json.as_deref().map(|path| {
        let file = outputs.file(path)?;
        JsonLines::start(file).context("the JSON lines could not be started")
    });
    let json = json.transpose()?;
    let quit = QuitRequest::default();
    let asked = quit.clone();
    signals::on_request_to_end(move || asked.request()).context("watching for Ctrl-C")?;
    fervis::ui::run(fervis::ui::UiOptions {
        source: cli.source,
        checkpoint,
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
