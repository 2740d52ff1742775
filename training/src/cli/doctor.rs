//! `fervis-train doctor`: what is wrong with a copy of FER-2013.

use std::path::PathBuf;

use anyhow::Result;
use fervis_train::data::{dataset::Dataset, doctor::Diagnosis};

use super::output::Results;

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
    /// Replace the table if it exists.
    #[arg(long, requires = "index")]
    force: bool,
}

/// Examines and reports.
pub fn run(args: &Args) -> Result<()> {
    let mut results = Results::new(args.force, Some(&args.data), []);
    let mut index_file = results.optional(args.index.as_ref())?;
    let dataset = Dataset::load(&args.data)?;
    if let Some(file) = &mut index_file {
        file.begin()?;
    }
    let (diagnosis, index) = Diagnosis::of(&dataset)?;
    if let Some(file) = index_file {
        file.write_whole(index.to_csv()?)?;
    }
    let report = if args.json {
        serde_json::to_string(&diagnosis)?
    } else {
        diagnosis.to_string()
    };
    results.print(&(report + "\n"))
}
