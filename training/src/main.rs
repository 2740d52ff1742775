//! Command line of the trainer.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use candle_core::{DType, Device};
use clap::{Args, Parser, Subcommand};
use fervis::{
    expression::{Expression, Logits},
    model::{CheckpointChoice, Classifier, ComputeDevice, DeviceChoice, checkpoint::Checkpoint},
};
use fervis_train::{
    dataset::{Dataset, Split},
    evaluate::{Evaluation, calibration_temperature},
    framing,
    recipe::Recipe,
    train::{Outcome, train},
};

/// Images that the crop is learnt from: medians over 1,000 move by less than a hundredth between halves.
const N_FRAMING_IMAGES: usize = 1000;

/// Trains and evaluates the networks that fervis runs.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network on FER-2013, or go on with an interrupted run.
    Train(TrainArgs),
    /// Measure a checkpoint on one split of FER-2013.
    Evaluate(EvaluateArgs),
    /// Fit temperature and crop on PublicTest and write the checkpoint that ships.
    Calibrate(CalibrateArgs),
}

#[derive(Args)]
struct EvaluateArgs {
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
    /// Where to compute: auto, cpu, cuda, cuda:N or metal.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
}

#[derive(Args)]
struct CalibrateArgs {
    /// The checkpoint to calibrate.
    checkpoint: PathBuf,
    /// Where the calibrated one goes.
    out: PathBuf,
    /// FER-2013, in any of the forms that `train` takes.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Store the weights in half precision: half the size.
    #[arg(long)]
    half: bool,
}

fn parse_split(text: &str) -> Result<Split, String> {
    Split::from_name(text)
        .ok_or_else(|| format!("“{text}” is none of Training, PublicTest, PrivateTest"))
}

#[derive(Args)]
struct TrainArgs {
    /// fer2013.csv, fer2013.csv.gz, icml_face_data.csv, Kaggle's zip, or a folder with one folder per class.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Where the run is kept; if there is one already, it goes on.
    #[arg(long, value_name = "FOLDER", default_value = "runs/three-block")]
    out: PathBuf,
    /// Where to compute: auto, cpu, cuda, cuda:N or metal.
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Epochs at the most.
    #[arg(long)]
    epochs: Option<usize>,
    /// Decides first weights, order, augmentation and dropout.
    #[arg(long)]
    seed: Option<u64>,
}

fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match Cli::parse().command {
        Command::Train(args) => run_training(&args),
        Command::Evaluate(args) => run_evaluation(&args),
        Command::Calibrate(args) => run_calibration(&args),
    }
}

fn run_training(args: &TrainArgs) -> Result<()> {
    let dataset = Arc::new(Dataset::load(&args.data)?);
    for split in Split::ALL {
        println!(
            "{:<12} {:>6} images",
            split.name(),
            dataset.split(split).len()
        );
    }
    let device = ComputeDevice::start(args.device);
    if let Some(warning) = &device.warning {
        log::warn!("{warning}");
    }
    println!("computing on {}", device.name);
    let defaults = Recipe::default();
    let recipe = Recipe {
        max_epochs: args.epochs.unwrap_or(defaults.max_epochs),
        seed: args.seed.unwrap_or(defaults.seed),
        ..defaults
    };
    let stop = Arc::new(AtomicBool::new(false));
    let on_interrupt = Arc::clone(&stop);
    ctrlc::set_handler(move || on_interrupt.store(true, Ordering::Relaxed))
        .context("watching for Ctrl-C")?;
    let (outcome, progress) = train(&recipe, &dataset, &args.out, &device.device, &stop)?;
    match outcome {
        Outcome::Finished(reason) => println!("finished: {reason}"),
        Outcome::Interrupted => {
            println!("interrupted; the same command goes on after the last whole epoch")
        }
    }
    if let Some(best) = progress.best() {
        println!(
            "best: epoch {}, PublicTest accuracy {:.2} %, macro-F1 {:.2} %, in {}",
            best.epoch,
            best.public_accuracy * 100.0,
            best.public_macro_f1 * 100.0,
            args.out.join("best.safetensors").display()
        );
    }
    Ok(())
}

fn run_evaluation(args: &EvaluateArgs) -> Result<()> {
    let dataset = Arc::new(Dataset::load(&args.data)?);
    let device = ComputeDevice::start(args.device);
    let mut classifier =
        Classifier::load(&CheckpointChoice::File(args.checkpoint.clone()), &device)?;
    let (evaluation, single, logits) = Evaluation::measure(&mut classifier, &dataset, args.split)?;
    if let Some(path) = &args.logits {
        write_logits(path, &logits).with_context(|| format!("writing {}", path.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&evaluation)?);
        return Ok(());
    }
    println!(
        "{} on {} ({} images)\n",
        args.checkpoint.display(),
        evaluation.split,
        evaluation.n
    );
    println!("{single}");
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

fn run_calibration(args: &CalibrateArgs) -> Result<()> {
    let dataset = Arc::new(Dataset::load(&args.data)?);
    let mut checkpoint = Checkpoint::read(&args.checkpoint)?;
    if args.half {
        for weight in checkpoint.weights.values_mut() {
            *weight = weight.to_dtype(DType::F16)?;
        }
    }
    let public = dataset.split(Split::PublicTest);
    let framing = framing::learn(&dataset, &public[..public.len().min(N_FRAMING_IMAGES)])
        .context("the detector found no face in PublicTest")?;
    checkpoint.metadata.input.crop = framing.crop;
    let mut classifier = Classifier::new(
        checkpoint.clone(),
        checkpoint.metadata.name.clone(),
        None,
        &Device::Cpu,
    )?;
    checkpoint.metadata.temperature = calibration_temperature(&mut classifier, &dataset)?;
    Checkpoint::write(&checkpoint.metadata, &checkpoint.weights, &args.out)?;
    println!(
        "face found in {} of {} images; crop scale {:.3}, shifted down by {:.3} of the box",
        framing.n_found, framing.n_images, framing.crop.scale, framing.crop.shift_y
    );
    println!(
        "temperature {:.4}, written to {}",
        checkpoint.metadata.temperature,
        args.out.display()
    );
    Ok(())
}
