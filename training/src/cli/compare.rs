//! `fervis-train compare`: the figures of several checkpoints in one table.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, ensure};
use fervis::model::{ComputeDevice, DeviceChoice};
use fervis_train::{
    data::dataset::Split,
    evaluate::{compare::CheckpointComparison, evaluation::Evaluation},
};

use super::{Datasets, load, output::print, parse_split};

const EXAMPLES: &str = "\
Examples:
  fervis-train compare models/fervis-plus.safetensors mine.safetensors --data fer2013.csv
  fervis-train compare runs/*/best.safetensors --data fer2013.csv --json";

/// What to compare, and on which data.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoints; each is compared with the first
    #[arg(required = true)]
    checkpoints: Vec<PathBuf>,
    /// FER-2013, in any of the forms that `train` takes
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Training, PublicTest or PrivateTest
    #[arg(long, default_value = "PublicTest", value_parser = parse_split)]
    split: Split,
    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
    /// Where to compute: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

/// Measures one checkpoint after the other, and prints the table.
pub fn run(args: &Args) -> Result<()> {
    let mut datasets = Datasets::new(&args.data);
    let mut labels = Vec::new();
    let device = ComputeDevice::start(args.device);
    let mut comparison = CheckpointComparison::default();
    let mut first_labels = None;
    for path in &args.checkpoints {
        let mut classifier = load(path, &device)?;
        let info = Arc::clone(classifier.info());
        let first = first_labels.get_or_insert(info.labels);
        ensure!(
            *first == info.labels,
            "{} has other labels ({}) than the first network ({}); compare networks with the same labels",
            path.display(),
            info.labels.list(),
            first.list()
        );
        log::info!("measuring {}", path.display());
        let dataset = datasets.of_network(&classifier)?;
        labels = dataset.labels_of(dataset.split(args.split));
        let measured = Evaluation::measure(&mut classifier, &dataset, args.split, None)?;
        comparison.add(
            path.display().to_string(),
            info.architecture.clone(),
            info.n_parameters,
            measured,
            &labels,
        );
    }
    if args.json {
        return print(&format!("{}\n", serde_json::to_string(&comparison)?));
    }
    let n_images = labels.len();
    print(&format!(
        "{n_images} images of {}\n\n{comparison}",
        args.split.name()
    ))
}
