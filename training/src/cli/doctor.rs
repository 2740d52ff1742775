//! `fervis-train doctor`: what is wrong with a copy of FER-2013.

use std::path::PathBuf;

use anyhow::Result;
use fervis_train::{dataset::Dataset, doctor::Diagnosis};

/// What to examine, and where the result goes.
#[derive(clap::Args)]
pub struct Args {
    /// FER-2013, in any of the forms that `train` takes.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Print one JSON object, with every image by number (and of a folder or zip the path of each), instead of the report.
    #[arg(long)]
    json: bool,
    /// Also write which images to use, one row each with the reason; the table can be changed by hand.
    #[arg(long, value_name = "FILE.csv")]
    index: Option<PathBuf>,
}

/// Examines and reports.
pub fn run(args: &Args) -> Result<()> {
    let dataset = Dataset::load(&args.data)?;
    let (diagnosis, index) = Diagnosis::of(&dataset)?;
    if args.json {
        println!("{}", serde_json::to_string(&diagnosis)?);
    } else {
        println!("{diagnosis}");
    }
    if let Some(path) = &args.index {
        index.write(path)?;
        log::info!("written to {}", path.display());
    }
    Ok(())
}
