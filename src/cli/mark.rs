//! `fervis mark`: sets a marker in the recording of another fervis, through its WebSocket server on this computer.

use std::process::ExitCode;

use clap::Args;
use fervis::stream::Output;

const EXAMPLES: &str = "\
Examples:
  fervis mark stimulus on
  fervis mark
  fervis mark smile --time 1764079509.25 --websocket 9200";

/// Arguments of `fervis mark`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct MarkArgs {
    /// What is marked, in one or more words [default: nothing, only the moment]
    text: Vec<String>,

    /// Your own time of the marker, in seconds; it stands beside the recording's [default: the system clock, since 1970]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    time: Option<f64>,

    /// The port on which the recording fervis was started with --websocket, or as its Stream menu says
    #[arg(long, value_name = "PORT", default_value_t = Output::WebSocket.default_port())]
    websocket: u16,
}

/// Runs the command.
///
/// # Errors
/// Why the marker was not set, in one sentence.
#[cfg(feature = "stream")]
pub fn run(args: &MarkArgs) -> anyhow::Result<ExitCode> {
    use std::time::Duration;

    use fervis::{stream::websocket, time::clock};

    let time_s = args.time.or_else(now_s);
    let marked = websocket::mark(args.websocket, &args.text.join(" "), time_s)?;
    let time = Duration::try_from_secs_f64(marked.time_s).unwrap_or_default();
    let text = format!("Marker {} at {:.3}\n", marked.number, clock(time));
    Ok(super::output::print(&text, ExitCode::SUCCESS)?)
}

/// Runs the command.
///
/// # Errors
/// Always: this build opens no sockets.
#[cfg(not(feature = "stream"))]
pub fn run(_: &MarkArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this build has no live outputs (feature `stream`)")
}

/// Seconds since 1970, UTC, by the system clock.
#[cfg(feature = "stream")]
fn now_s() -> Option<f64> {
    use std::time::{SystemTime, UNIX_EPOCH};

    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}
