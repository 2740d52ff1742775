//! Command line of the trainer.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use fervis::model::{ComputeDevice, DeviceChoice};
use fervis_train::{
    dataset::{Dataset, Split},
    recipe::Recipe,
    train::{Outcome, train},
};

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
