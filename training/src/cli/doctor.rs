//! `fervis-train doctor`: checks a copy of FER-2013.

use std::path::PathBuf;

use anyhow::Result;
use fervis_train::data::{dataset::Dataset, doctor::Diagnosis};

use super::output::Results;

const EXAMPLES: &str = "\
Examples:
  fervis-train doctor --data fer2013.csv
  fervis-train doctor --data faces.zip --index clean.csv
  fervis-train train --data faces.zip --index clean.csv";

/// What to check, and which file to write.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// FER-2013, in any of the forms that `train` takes
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Print one JSON object that lists every image, instead of the report
    #[arg(long)]
    json: bool,
    /// Also write a table of the images to use, with the reason for each excluded one; you may edit it
    #[arg(long, value_name = "FILE.csv")]
    index: Option<PathBuf>,
    /// Replace the table if it exists
    #[arg(long, requires = "index")]
    force: bool,
}

/// Checks, and prints the report.
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
