//! `fervis-train evaluate`: the figures of one checkpoint on one split.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use fervis::{
    expression::{Expression, Logits},
    model::{CheckpointChoice, Classifier, ComputeDevice, DeviceChoice},
};
use fervis_train::{
    dataset::{Dataset, Split},
    evaluate::Evaluation,
    ferplus::FerPlus,
    risk,
    through_detector::ThroughDetector,
};

use super::parse_split;

/// What to measure, on what, and where the figures go.
#[derive(clap::Args)]
pub struct Args {
    /// The checkpoint.
    checkpoint: PathBuf,
    /// FER-2013, in any of the forms that `train` takes.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Training, PublicTest or PrivateTest.
    #[arg(long, default_value = "PublicTest", value_parser = parse_split)]
    split: Split,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Also write one row of logits an image, in file order.
    #[arg(long, value_name = "FILE.csv")]
    logits: Option<PathBuf>,
    /// Votes of FER+ (fer2013new.csv), to measure the agreement with them as well. Only for data in the order of
    /// fer2013.csv.
    #[arg(long, value_name = "FILE.csv")]
    ferplus: Option<PathBuf>,
    /// Also draw how well confidence matches accuracy; by the votes of FER+, if they are given too.
    #[arg(long, value_name = "FILE.svg")]
    reliability: Option<PathBuf>,
    /// Also send every image through the application's detector and crop, and compare with straight in.
    #[arg(long)]
    through_detector: bool,
    /// Also draw how often answers are wrong if those below a confidence are not given; by the votes of FER+, if they
    /// are given too.
    #[arg(long, value_name = "FILE.svg")]
    risk: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:N or metal.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    evaluation: &'a Evaluation,
    #[serde(skip_serializing_if = "Option::is_none")]
    through_detector: Option<ThroughDetector>,
}

/// Measures, prints, and writes what was asked for.
pub fn run(args: &Args) -> Result<()> {
    let device = ComputeDevice::start(args.device);
    let mut classifier =
        Classifier::load(&CheckpointChoice::File(args.checkpoint.clone()), &device)?;
    let dataset = Arc::new(Dataset::load_for(&args.data, classifier.spec().width)?);
    let votes = args.ferplus.as_deref();
    let votes = votes
        .map(|path| FerPlus::load(path, &dataset))
        .transpose()?;
    let measured = Evaluation::measure(&mut classifier, &dataset, args.split, votes.as_ref())?;
    let evaluation = &measured.evaluation;
    if let Some(path) = &args.logits {
        write_logits(path, &measured.logits)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    if let Some(path) = &args.reliability {
        fs::write(path, measured.reliability.svg())
            .with_context(|| format!("writing {}", path.display()))?;
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
    if let Some(path) = &args.risk {
        let threshold = classifier.info().uncertain_below;
        fs::write(path, risk::svg(&measured.answers, threshold.into()))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    if args.json {
        let report = Report {
            evaluation,
            through_detector,
        };
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!(
        "{} on {} ({} images)\n",
        args.checkpoint.display(),
        evaluation.split,
        evaluation.n
    );
    println!("{}", measured.single);
    println!(
        "accuracy, flip          {:6.2} %",
        evaluation.accuracy_flip * 100.0
    );
    println!(
        "accuracy, ten-crop      {:6.2} %",
        evaluation.accuracy_ten_crop * 100.0
    );
    println!(
        "accuracy, de-duplicated {:6.2} % of {} images that are not in Training",
        evaluation.accuracy_deduplicated * 100.0,
        evaluation.n_deduplicated
    );
    let uncertain = &evaluation.uncertain;
    println!(
        "answers of {:.0} % or more  {:5.1} % of the images, {:.1} % of these wrong",
        uncertain.threshold * 100.0,
        uncertain.coverage * 100.0,
        uncertain.risk * 100.0
    );
    if let Some(ferplus) = &evaluation.ferplus {
        println!("{ferplus}");
        let percent = |share: Option<f64>| share.unwrap_or_default() * 100.0;
        println!(
            "  flip {:.2} %, ten-crop {:.2} %, de-duplicated {:.2} %",
            percent(evaluation.ferplus_flip),
            percent(evaluation.ferplus_ten_crop),
            percent(evaluation.ferplus_deduplicated)
        );
        println!(
            "  calibration error by the votes {:.2} %",
            percent(evaluation.ferplus_calibration_error)
        );
    }
    if let Some(through_detector) = through_detector {
        println!("{through_detector}");
    }
    Ok(())
}

fn write_logits(path: &Path, logits: &[Logits]) -> Result<()> {
    let mut table = csv::Writer::from_path(path)?;
    table.write_record(Expression::ALL.map(Expression::name))?;
    for row in logits {
        table.write_record(row.0.map(|value| value.to_string()))?;
    }
    Ok(table.flush()?)
}
