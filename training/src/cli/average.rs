//! `fervis-train average`: one network between a network and what was trained from it.

use std::path::PathBuf;

use anyhow::Result;
use fervis::model::{checkpoint::Checkpoint, import};
use fervis_train::train::average::average;

use super::output::Results;

const EXAMPLES: &str = "\
Example:
  fervis-train average models/fervis-plus.safetensors runs/robust/best.safetensors mean.safetensors --share 0.4";

/// Which networks to average, and how.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoint that the other was trained from; the result keeps its description
    first: PathBuf,
    /// Checkpoint that was trained from it
    second: PathBuf,
    /// Checkpoint to write; calibrate it next
    out: PathBuf,
    /// Share of the second network, from 0 to 1
    #[arg(long, default_value_t = 0.5)]
    share: f64,
    /// Name of the result; the first network's unless given
    #[arg(long)]
    name: Option<String>,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
}

/// Averages, and writes the checkpoint.
pub fn run(args: &Args) -> Result<()> {
    let mut results = Results::new(args.force, None, [&args.first, &args.second]);
    let mut out = results.file(&args.out)?;
    let (first, second) = (import::read(&args.first)?, import::read(&args.second)?);
    let mut mean = average(&first, &second, args.share)?;
    if let Some(name) = &args.name {
        mean.metadata.name.clone_from(name);
    }
    out.begin()?;
    out.write_whole(Checkpoint::to_bytes(&mean.metadata, &mean.weights)?)?;
    let (n_weights, out) = (mean.weights.len(), args.out.display());
    results.print(&format!(
        "{n_weights} tensors averaged, {:.0} % of {} and {:.0} % of {}, in {out}\n",
        (1.0 - args.share) * 100.0,
        first.metadata.name,
        args.share * 100.0,
        second.metadata.name,
    ))
}
