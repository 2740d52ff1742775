//! `fervis-train evaluate`: the figures of one checkpoint on one split.

use std::{
    fmt::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Result;
use fervis::{
    expression::Logits,
    model::{ComputeDevice, DeviceChoice},
};
use fervis_train::{
    data::dataset::{Dataset, Split},
    evaluate::{
        evaluation::{Evaluation, Measured},
        robust::Robustness,
        through_detector::ThroughDetector,
    },
    report::plots,
};

use super::{load, output::Results, parse_split, votes};

const EXAMPLES: &str = "\
Examples:
  fervis-train evaluate mine.safetensors --data fer2013.csv
  fervis-train evaluate mine.safetensors --data fer2013.csv --ferplus fer2013new.csv --robust
  fervis-train evaluate mine.safetensors --data fer2013.csv --reliability reliability.svg --risk risk.svg
  fervis-train evaluate mine.safetensors --data fer2013.csv --split PrivateTest --through-detector --json";

/// What to measure, on which data, and which files to write.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoint to measure
    checkpoint: PathBuf,
    /// FER-2013, in any of the forms that `train` takes
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Training, PublicTest or PrivateTest
    #[arg(long, default_value = "PublicTest", value_parser = parse_split)]
    split: Split,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Also write one row of logits per image, in the order of the data; images of a folder or zip by path
    #[arg(long, value_name = "FILE.csv")]
    logits: Option<PathBuf>,
    /// FER+'s fer2013new.csv, to measure the agreement with its votes too; --data must be in the order of fer2013.csv
    #[arg(long, value_name = "FILE.csv")]
    ferplus: Option<PathBuf>,
    /// Also draw confidence against accuracy, or against FER+'s votes with --ferplus
    #[arg(long, value_name = "FILE.svg")]
    reliability: Option<PathBuf>,
    /// Also send each image through the application's detector and crop, and compare with the plain image
    #[arg(long)]
    through_detector: bool,
    /// Also damage each image in fourteen ways, such as rotation, blur, noise, bad light and a covered mouth
    #[arg(long)]
    robust: bool,
    /// Also draw how often answers are wrong if less confident ones are withheld; by FER+'s votes with --ferplus
    #[arg(long, value_name = "FILE.svg")]
    risk: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    through_detector: Option<ThroughDetector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    robustness: Option<Robustness>,
}

/// Measures, prints the figures, and writes the requested files.
pub fn run(args: &Args) -> Result<()> {
    let inputs = [&args.checkpoint].into_iter().chain(&args.ferplus);
    let mut results = Results::new(args.force, Some(&args.data), inputs);
    let mut logits = results.optional(args.logits.as_ref())?;
    let mut reliability = results.optional(args.reliability.as_ref())?;
    let mut risk_file = results.optional(args.risk.as_ref())?;
    let device = ComputeDevice::start(args.device);
    let mut classifier = load(&args.checkpoint, &device)?;
    let classes = Some(classifier.info().labels);
    let dataset = Dataset::load_as(&args.data, classifier.spec().width, classes)?;
    let dataset = Arc::new(dataset);
    let votes = votes(args.ferplus.as_ref(), &dataset)?;
    let files = [&mut logits, &mut reliability, &mut risk_file];
    for file in files.into_iter().flatten() {
        file.begin()?;
    }
    let measured = Evaluation::measure(&mut classifier, &dataset, args.split, votes.as_ref())?;
    if let Some(file) = logits {
        file.write_whole(logits_table(&dataset, args.split, &measured.logits)?)?;
    }
    if let Some(file) = reliability {
        file.write_whole(plots::reliability(&measured.reliability)?)?;
    }
    let through_detector = args.through_detector.then(|| {
        let indices = dataset.split(args.split);
        ThroughDetector::measure(
            &mut classifier,
            &dataset,
            indices,
            &measured.logits,
            votes.as_ref(),
        )
    });
    let through_detector = through_detector.transpose()?;
    let robustness = args.robust.then(|| {
        let indices = dataset.split(args.split);
        Robustness::measure(&mut classifier, &dataset, indices, votes.as_ref())
    });
    let robustness = robustness.transpose()?;
    if let Some(file) = risk_file {
        let threshold = classifier.info().uncertain_below;
        file.write_whole(plots::risk(&measured.answers, threshold.into())?)?;
    }
    let text = if args.json {
        let report = Report {
            evaluation: &measured.evaluation,
            through_detector,
            robustness,
        };
        serde_json::to_string(&report)? + "\n"
    } else {
        let checkpoint = args.checkpoint.display().to_string();
        tables(
            &checkpoint,
            &measured,
            through_detector.as_ref(),
            robustness.as_ref(),
        )?
    };
    results.print(&text)
}

/// The figures as tables for the terminal.
fn tables(
    checkpoint: &str,
    measured: &Measured,
    through_detector: Option<&ThroughDetector>,
    robustness: Option<&Robustness>,
) -> Result<String, fmt::Error> {
    let evaluation = &measured.evaluation;
    let mut text = format!(
        "{checkpoint} on {} ({} images)\n\n{}\n",
        evaluation.split, evaluation.n, measured.single
    );
    writeln!(
        text,
        "accuracy, flip          {:6.2} %",
        evaluation.accuracy_flip * 100.0
    )?;
    writeln!(
        text,
        "accuracy, ten-crop      {:6.2} %",
        evaluation.accuracy_ten_crop * 100.0
    )?;
    writeln!(
        text,
        "accuracy, deduplicated  {:6.2} % of {} images that are not in Training",
        evaluation.accuracy_deduplicated * 100.0,
        evaluation.n_deduplicated
    )?;
    let uncertain = &evaluation.uncertain;
    writeln!(
        text,
        "confidence {:.0} % or more  {:5.1} % of the images, {:.1} % of these wrong",
        uncertain.threshold * 100.0,
        uncertain.coverage * 100.0,
        uncertain.risk * 100.0
    )?;
    if let Some(ferplus) = &evaluation.ferplus {
        let percent = |share: Option<f64>| share.unwrap_or_default() * 100.0;
        writeln!(text, "{ferplus}")?;
        writeln!(
            text,
            "  flip {:.2} %, ten-crop {:.2} %, deduplicated {:.2} %",
            percent(evaluation.ferplus_flip),
            percent(evaluation.ferplus_ten_crop),
            percent(evaluation.ferplus_deduplicated)
        )?;
        writeln!(
            text,
            "  calibration error by the votes {:.2} %",
            percent(evaluation.ferplus_calibration_error)
        )?;
    }
    if let Some(through_detector) = through_detector {
        writeln!(text, "{through_detector}")?;
    }
    if let Some(robustness) = robustness {
        write!(text, "\n{robustness}")?;
    }
    Ok(text)
}

/// The logits of each image as CSV, with the image's path where it has one.
fn logits_table(dataset: &Dataset, split: Split, logits: &[Logits]) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let path = (!dataset.paths().is_empty()).then_some("file");
    table.write_record(path.into_iter().chain(dataset.classes().names()))?;
    for (index, row) in dataset.split(split).iter().zip(logits) {
        let path = dataset.path(*index).map(str::to_owned);
        let values = row.0.iter().map(f32::to_string);
        table.write_record(path.into_iter().chain(values))?;
    }
    Ok(table.into_inner()?)
}
