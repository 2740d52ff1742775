//! `fervis-train train`: trains a network, or resumes an interrupted run.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use fervis::{
    expression::Labels,
    model::{ComputeDevice, DeviceChoice, checkpoint::read_bytes},
};
use fervis_train::{
    data::{
        clean_index::CleanIndex,
        dataset::{Dataset, Split},
        ferplus::FerPlus,
    },
    recipe::Recipe,
    report::run_folder::RunFolder,
    train::{
        distillation::Teachers,
        job::Job,
        run::{RunOutcome, train},
        widen::first_weights,
    },
};

use super::{memory::keep_freed_memory, output::print};

const EXAMPLES: &str = "\
Examples:
  fervis-train train --data fer2013.csv
  fervis-train train --data fer2013.csv --recipe vgg-focal --budget 3h
  fervis-train train --data fer2013.csv --recipe mine.toml --out runs/mine --epochs 10
  fervis-train train --data fer2013.csv --recipe fervis-plus --votes fer2013new.csv
  fervis-train train --data fer2013.csv --recipe resnet18 --pretrained resnet18.pth
  fervis-train train --data faces --classes bored,calm,confused

Ctrl-C saves the run; the same command resumes it at the same step.";

/// What to train, on which data, and where the run is saved.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// FER-2013, or other data in the same form
    ///
    /// fer2013.csv, fer2013.csv.gz, icml_face_data.csv, or a folder with one folder per class, whatever the classes, inside train and test or
    /// alone (then it is split at random); or a zip of any of these.
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Classes to learn, in the order of the network's outputs, separated by commas [default: all of the data]
    ///
    /// A class is a folder's name, in any case. Images of other classes are left out. If all folders are named after
    /// FER-2013's expressions, the default is its seven; otherwise it is the folders in alphabetical order.
    #[arg(long, value_name = "A,B,C", value_parser = parse_classes)]
    classes: Option<Classes>,
    /// Images and labels to use: a table that `doctor --index` wrote for the same data; you may edit it [default: all]
    #[arg(long, value_name = "FILE.csv")]
    index: Option<PathBuf>,
    /// Built-in recipe by name, or a .toml file
    #[arg(long, value_name = "NAME-OR-FILE", default_value = "three-block")]
    recipe: String,
    /// Folder of the run; a run that is already there is resumed [default: runs/RECIPE]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:NUMBER or metal
    #[arg(long, default_value = "auto")]
    device: DeviceChoice,
    /// Maximum number of epochs [default: the recipe's]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "budget")]
    epochs: Option<u32>,
    /// Fit the number of epochs and the schedule to this time, such as 3h, 90m or 1h30m [default: the recipe's epochs]
    #[arg(long, value_name = "TIME", value_parser = parse_budget)]
    budget: Option<Duration>,
    /// Seed of first weights, order, augmentation and dropout [default: the recipe's]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// FER+'s fer2013new.csv, for recipes that learn from its votes; --data must be fer2013.csv in its original order
    #[arg(long, value_name = "FILE.csv")]
    votes: Option<PathBuf>,
    /// Checkpoints to learn from, for recipes with [distillation]; in the order of the recipe's weights, if it has any
    #[arg(long, value_name = "CHECKPOINT", num_args = 1..)]
    teacher: Vec<PathBuf>,
    /// Start from the weights of this file: torchvision's .pth, another PyTorch file, or safetensors [default: random]
    ///
    /// All layers before the head must be in it. The head is used if it fits, and otherwise starts at random. A narrower
    /// `compact` checkpoint is widened: the wider network starts with the same answers.
    #[arg(long, value_name = "FILE")]
    pretrained: Option<PathBuf>,
    /// Replace the results of a run whose state is missing
    #[arg(long)]
    force: bool,
}

/// The classes of `--classes`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Classes(Labels);

fn parse_classes(text: &str) -> Result<Classes, String> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    let (labels, _) = Labels::of_outputs(&names).map_err(|error| format!("it {error}"))?;
    Ok(Classes(labels))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    keep_freed_memory();
    let mut recipe = Recipe::find(&args.recipe)?;
    if let Some(epochs) = args.epochs {
        recipe.max_epochs = epochs as usize;
    }
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let default_out = || Path::new("runs").join(&recipe.name);
    let out = args.out.clone().unwrap_or_else(default_out);
    let mut inputs = vec![args.data.clone(), PathBuf::from(&args.recipe)];
    inputs.extend(
        [&args.index, &args.votes, &args.pretrained]
            .into_iter()
            .flatten()
            .cloned(),
    );
    inputs.extend(args.teacher.iter().cloned());
    RunFolder::at(&out).check(&inputs, args.force)?;
    let side_px = recipe.largest_side_px();
    let classes = args.classes.as_ref().map(|classes| classes.0);
    let mut dataset = Dataset::load_as(&args.data, side_px, classes)?;
    if let Some(path) = &args.index {
        CleanIndex::load(path, &dataset)?.apply(&mut dataset);
    }
    let dataset = Arc::new(dataset);
    if dataset.classes() != Labels::FER_2013 {
        print(&format!("classes      {}\n", dataset.classes().list()))?;
    }
    for split in Split::ALL {
        let n_images = dataset.split(split).len();
        print(&format!("{:<12} {n_images:>6} images\n", split.name()))?;
    }
    let load_votes = |path: &PathBuf| FerPlus::load(path, &dataset).map(Arc::new);
    let votes = args.votes.as_ref().map(load_votes).transpose()?;
    let device = ComputeDevice::start(args.device);
    if let Some(warning) = &device.warning {
        log::warn!("{warning}");
    }
    print(&format!(
        "recipe {}, computing on {}\n",
        recipe.name, device.name
    ))?;
    let load_weights = |path: &PathBuf| {
        let bytes = read_bytes(path)?;
        let file = path.display().to_string();
        first_weights(
            &bytes,
            &file,
            &recipe.network,
            &recipe.input_spec(),
            dataset.classes().len(),
            recipe.seed,
        )
    };
    let pretrained = args.pretrained.as_ref().map(load_weights).transpose()?;
    if pretrained.is_none() && recipe.groups.iter().any(|group| group.if_pretrained) {
        print("no --pretrained: all layers start at random, so none is frozen\n")?;
    }
    let job = Job {
        recipe: &recipe,
        dataset: &dataset,
        votes,
        teachers: (!args.teacher.is_empty())
            .then(|| Teachers::load(&args.teacher, &device))
            .transpose()?,
        device: &device.device,
        budget: args.budget,
        pretrained,
    };
    let stop = stop_on_interrupt()?;
    let (outcome, progress) = train(&job, &out, &|| stop.load(Ordering::Relaxed))?;
    if outcome == RunOutcome::Interrupted {
        print(&format!("to resume at the same step: {}\n", command_line()))?;
    }
    if let Some(best) = progress.best(&recipe) {
        let agreement = best.public_agreement;
        let agreement =
            agreement.map(|share| format!(", agreement with FER+ {:.2} %", share * 100.0));
        print(&format!(
            "best: epoch {}, PublicTest accuracy {:.2} %, macro-F1 {:.2} %{}, in {}\n",
            best.epoch,
            best.public_accuracy * 100.0,
            best.public_macro_f1 * 100.0,
            agreement.unwrap_or_default(),
            out.join("best.safetensors").display()
        ))?;
    }
    Ok(())
}

/// A flag that is set by the first Ctrl-C, SIGTERM or closed terminal; a second one ends the program at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    fervis::signals::on_request_to_end(move || {
        flag.store(true, Ordering::Relaxed);
        // If the terminal was closed, there is nobody left to tell.
        writeln!(
            io::stderr(),
            "\nfinishing the step and saving; press Ctrl-C again to quit without saving"
        )
        .ok();
    })
    .context("watching for Ctrl-C")?;
    Ok(stop)
}

/// The command line of this program, for the user to repeat.
fn command_line() -> String {
    let quote = |argument: String| {
        if argument.contains(char::is_whitespace) {
            format!("'{argument}'")
        } else {
            argument
        }
    };
    std::env::args().map(quote).collect::<Vec<_>>().join(" ")
}

/// Hours, minutes and seconds, such as `1h30m`.
fn parse_budget(text: &str) -> Result<Duration> {
    let wrong = || anyhow!("“{text}” is not a time; write 3h, 90m or 1h30m");
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(char::is_alphabetic).ok_or_else(wrong)?;
        let number: f64 = rest[..at].parse().map_err(|_| wrong())?;
        let unit = rest[at..].chars().next().ok_or_else(wrong)?;
        seconds += number
            * match unit {
                'h' => 3600.0,
                'm' => 60.0,
                's' => 1.0,
                _ => return Err(wrong()),
            };
        rest = &rest[at + unit.len_utf8()..];
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(budget) if !budget.is_zero() => Ok(budget),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_hours_minutes_and_seconds() {
        for (text, seconds) in [("3h", 10_800), ("1h30m", 5400), ("1.5m", 90), ("45s", 45)] {
            assert_eq!(parse_budget(text).unwrap().as_secs(), seconds);
        }
        for text in ["", "3", "h", "3 hours", "-1h", "1d", "0s", "1e999h", "3ħ"] {
            assert!(parse_budget(text).is_err(), "{text}");
        }
    }
}
