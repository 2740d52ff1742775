//! `fervis-train runs`: the figures of several runs in one table, beside those published.

use std::path::PathBuf;

use anyhow::Result;
use fervis::{
    error_text::error_text,
    model::{ComputeDevice, DeviceChoice},
};
use fervis_train::{
    augment::View,
    data::dataset::Split,
    evaluate::{logits::logits_of, metrics::Metrics},
    report::{
        run_folder::RunFolder,
        runs::{RunSummary, table},
    },
};

use super::{Datasets, load, output::print};

const EXAMPLES: &str = "\
Examples:
  fervis-train runs runs/*
  fervis-train runs runs/three-block runs/custom-cnn --data fer2013.csv";

/// Which runs.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folders of runs, such as runs/*
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Also measure each best checkpoint on PrivateTest of this data, as most published figures were
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

/// Reads the runs, measures them with --data, and prints the table.
pub fn run(args: &Args) -> Result<()> {
    let mut datasets = args.data.as_deref().map(Datasets::new);
    let device = ComputeDevice::start(args.device);
    let mut runs = Vec::new();
    for folder in &args.folders {
        let mut run = match RunSummary::read(folder) {
            Ok(run) => run,
            // A run that has just started must not hide the others.
            Err(error) => {
                log::warn!("skipped: {}", error_text(error.as_ref()));
                continue;
            }
        };
        if let Some(datasets) = &mut datasets {
            log::info!("measuring {}", folder.display());
            let mut classifier = load(&RunFolder::at(folder).best_path(), &device)?;
            let dataset = datasets.of_network(&classifier)?;
            let indices = dataset.split(Split::PrivateTest);
            let logits = logits_of(&mut classifier, &dataset, indices, View::PLAIN)?;
            let temperature = classifier.info().temperature;
            let labels = dataset.labels_of(indices);
            run.private = Some(Metrics::from_logits(&logits, &labels, temperature));
        }
        runs.push(run);
    }
    print(&table(&runs).to_string())
}
