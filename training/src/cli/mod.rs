//! The trainer's command line: one file per command.

mod average;
mod calibrate;
mod compare;
mod damage;
mod detect_eval;
mod doctor;
mod evaluate;
mod export;
mod import;
mod memory;
mod output;
mod preview;
mod runs;
mod train;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use fervis::{
    expression::Labels,
    model::{CheckpointChoice, Classifier, ComputeDevice},
    shell_command::ShellCommand,
};
use fervis_train::data::{
    dataset::{Dataset, Split},
    ferplus::FerPlus,
};

const EXAMPLES: &str = "\
Examples:
  fervis-train train --data fer2013.csv --recipe fervis-plus --votes fer2013new.csv
  fervis-train calibrate runs/fervis-plus/best.safetensors mine.safetensors --data fer2013.csv --half
  fervis-train evaluate mine.safetensors --data fer2013.csv --split PublicTest
  fervis --checkpoint mine.safetensors

docs/train.md of the source code explains every step, docs/recipes.md every key of a recipe.";

/// Trains, calibrates and evaluates the networks that fervis runs.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network on FER-2013, or resume an interrupted run
    Train(train::Args),
    /// Measure a checkpoint on one split of FER-2013
    Evaluate(evaluate::Args),
    /// Fit temperature, threshold and crop on PublicTest, and write the final checkpoint
    Calibrate(calibrate::Args),
    /// Average the weights of a network and of one that was trained from it
    Average(average::Args),
    /// Measure how many faces the application finds and reads correctly
    DetectEval(detect_eval::Args),
    /// Convert a PyTorch file to a checkpoint, without running any of its code
    Import(import::Args),
    /// Write a network as a file of ONNX or PyTorch
    Export(export::Args),
    /// Check a copy of FER-2013, and list the images to exclude
    Doctor(doctor::Args),
    /// Draw the network's input before and after augmentation
    Preview(preview::Args),
    /// Measure several checkpoints and print one table
    Compare(compare::Args),
    /// Write a split's images, damaged as `evaluate --robust` does, for other programs
    Damage(damage::Args),
    /// Print the figures of several runs beside those published for their recipes
    Runs(runs::Args),
    #[command(flatten)]
    Shell(ShellCommand),
}

impl Cli {
    /// Runs the command.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(args) => train::run(args),
            Command::Evaluate(args) => evaluate::run(args),
            Command::Calibrate(args) => calibrate::run(args),
            Command::Average(args) => average::run(args),
            Command::DetectEval(args) => detect_eval::run(args),
            Command::Import(args) => import::run(args),
            Command::Export(args) => export::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::Preview(args) => preview::run(args),
            Command::Compare(args) => compare::run(args),
            Command::Damage(args) => damage::run(args),
            Command::Runs(args) => runs::run(args),
            Command::Shell(command) => Ok(command.run(Self::command())?),
        }
    }
}

/// One dataset, for networks with inputs of different sizes.
struct Datasets<'a> {
    path: &'a Path,
    loaded: Vec<(usize, Labels, Arc<Dataset>)>,
}

impl<'a> Datasets<'a> {
    fn new(path: &'a Path) -> Self {
        Self {
            path,
            loaded: Vec::new(),
        }
    }

    /// The data for a network; loaded once for each size of the input and each set of labels.
    fn of_network(&mut self, network: &Classifier) -> Result<Arc<Dataset>> {
        let (side_px, classes) = (network.spec().width, network.info().labels);
        let mut loaded = self.loaded.iter();
        if let Some((.., dataset)) = loaded.find(|known| (known.0, known.1) == (side_px, classes)) {
            return Ok(Arc::clone(dataset));
        }
        let dataset = Arc::new(Dataset::load_as(self.path, side_px, Some(classes))?);
        self.loaded.push((side_px, classes, Arc::clone(&dataset)));
        Ok(dataset)
    }
}

/// The network of a checkpoint.
fn load(path: &Path, device: &ComputeDevice) -> Result<Classifier> {
    let choice = CheckpointChoice::File(path.to_owned());
    Ok(Classifier::load(&choice, device)?)
}

/// FER+'s votes, if their file is given.
fn votes(path: Option<&PathBuf>, dataset: &Dataset) -> Result<Option<FerPlus>> {
    path.map(|path| FerPlus::load(path, dataset)).transpose()
}

fn parse_split(text: &str) -> Result<Split, String> {
    Split::of_usage(text)
        .ok_or_else(|| format!("“{text}” is not a split; use Training, PublicTest or PrivateTest"))
}
