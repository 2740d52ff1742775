//! `fervis-train runs`: the folders of several runs in one table, beside what was published.

use std::path::PathBuf;

use anyhow::Result;
use fervis::{
    error_text::error_text,
    model::{CheckpointChoice, Classifier, ComputeDevice, DeviceChoice},
};
use fervis_train::{
    augment::View,
    data::dataset::Split,
    evaluate::{logits::logits_of, metrics::Metrics},
    report::{
        run_folder::RunFolder,
        runs::{Run, table},
    },
};

use super::{Datasets, output::print};

/// Which runs.
#[derive(clap::Args)]
pub struct Args {
    /// Folders of runs, such as runs/*.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Also measure each best checkpoint on PrivateTest of this FER-2013, single view: most published figures are such.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:N or metal.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

/// Reads, measures if asked to, and prints the table.
pub fn run(args: &Args) -> Result<()> {
    let mut datasets = args.data.as_deref().map(Datasets::new);
    let device = ComputeDevice::start(args.device);
    let mut runs = Vec::new();
    for folder in &args.folders {
        let mut run = match Run::read(folder) {
            Ok(run) => run,
            // A run that has just begun must not hide the others.
            Err(error) => {
                log::warn!("left out: {}", error_text(error.as_ref()));
                continue;
            }
        };
        if let Some(datasets) = &mut datasets {
            log::info!("measuring {}", folder.display());
            let choice = CheckpointChoice::File(RunFolder::at(folder).best_path());
            let mut classifier = Classifier::load(&choice, &device)?;
            let dataset = datasets.of_side(classifier.spec().width)?;
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
