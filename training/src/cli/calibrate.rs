//! `fervis-train calibrate`: fits temperature, threshold and crop on PublicTest and writes the final checkpoint.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device};
use fervis::model::{Classifier, checkpoint::Checkpoint, import};
use fervis_train::{
    data::dataset::{Dataset, Split},
    evaluate::{calibration::calibrate, framing, reliability::Reliability, risk},
    report::plots,
};

use super::{output::Results, votes};

/// Images from which the crop is learned: with 1,000, the medians of the two halves differ by less than 0.01.
const N_FRAMING_IMAGES: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  fervis-train calibrate runs/mine/best.safetensors mine.safetensors --data fer2013.csv --half
  fervis-train calibrate runs/fervis-plus/best.safetensors plus.safetensors --data fer2013.csv --ferplus fer2013new.csv";

/// What to calibrate, on which data, and which files to write.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoint to calibrate
    checkpoint: PathBuf,
    /// Calibrated checkpoint to write
    out: PathBuf,
    /// FER-2013, in any of the forms that `train` takes; only PublicTest is used
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Store the weights in half precision, which halves the file
    #[arg(long)]
    half: bool,
    /// FER+'s fer2013new.csv, for networks that learned from its votes
    ///
    /// A confidence of 70 % then means that 7 of 10 people would say the same; without it, that FER-2013's label agrees in
    /// 70 % of the cases.
    #[arg(long, value_name = "FILE.csv")]
    ferplus: Option<PathBuf>,
    /// Also draw how often answers are wrong if less confident ones are withheld
    #[arg(long, value_name = "FILE.svg")]
    risk: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// Calibrates, and writes the checkpoint.
pub fn run(args: &Args) -> Result<()> {
    let inputs = [&args.checkpoint].into_iter().chain(&args.ferplus);
    let mut results = Results::new(args.force, Some(&args.data), inputs);
    let mut out = results.file(&args.out)?;
    let mut risk_file = results.optional(args.risk.as_ref())?;
    let mut checkpoint = import::read(&args.checkpoint)?;
    let side_px = checkpoint.metadata.input.width;
    let (classes, _) = checkpoint.metadata.outputs()?;
    let dataset = Arc::new(Dataset::load_as(&args.data, side_px, Some(classes))?);
    if args.half {
        for weight in checkpoint.weights.values_mut() {
            *weight = weight.to_dtype(DType::F16)?;
        }
    }
    let public = dataset.split(Split::PublicTest);
    ensure!(
        !public.is_empty(),
        "{}: no PublicTest images to calibrate with",
        args.data.display()
    );
    let framing = framing::learn(&dataset, &public[..public.len().min(N_FRAMING_IMAGES)])
        .with_context(|| {
            format!(
                "{}: the detector finds no face in PublicTest; are these images of faces?",
                args.data.display()
            )
        })?;
    checkpoint.metadata.input.crop = framing.crop;
    checkpoint.metadata.input.upright_crop = Some(framing.upright_crop);
    let mut classifier = Classifier::new(
        checkpoint.clone(),
        checkpoint.metadata.name.clone(),
        None,
        &Device::Cpu,
    )?;
    let votes = votes(args.ferplus.as_ref(), &dataset)?;
    for file in [Some(&mut out), risk_file.as_mut()].into_iter().flatten() {
        file.begin()?;
    }
    let before = checkpoint.metadata.temperature;
    let calibration = calibrate(&mut classifier, &dataset, votes.as_ref())?;
    checkpoint.metadata.temperature = calibration.temperature;
    checkpoint.metadata.uncertain_below = calibration.uncertain_below;
    out.write_whole(Checkpoint::to_bytes(
        &checkpoint.metadata,
        &checkpoint.weights,
    )?)?;
    let threshold = f64::from(calibration.uncertain_below);
    if let Some(file) = risk_file {
        file.write_whole(plots::risk(&calibration.answers, threshold)?)?;
    }
    let answered = risk::at(&calibration.answers, threshold);
    let mut text = String::new();
    writeln!(
        text,
        "face mesh in {} of {} images: upright crop scale {:.3}, shifted down by {:.3} of its square; rustface's box has {:.3} of \
         its side, shifted down by {:.3}",
        framing.n_meshes,
        framing.n_images,
        framing.upright_crop.scale,
        framing.upright_crop.shift_y,
        framing.box_from_mesh.scale,
        framing.box_from_mesh.shift_y
    )?;
    writeln!(
        text,
        "face box by rustface in {} of {} images: crop scale {:.3}, shifted down by {:.3} of the box",
        framing.n_found, framing.n_images, framing.crop.scale, framing.crop.shift_y
    )?;
    writeln!(
        text,
        "temperature {:.4} (was {before:.4}): calibration error on PublicTest {:.2} % (was {:.2} %), negative \
         log-likelihood {:.4} (was {:.4})",
        calibration.temperature,
        Reliability::new(&calibration.answers).calibration_error() * 100.0,
        Reliability::new(&calibration.answers_before).calibration_error() * 100.0,
        calibration.surprise,
        calibration.surprise_before
    )?;
    writeln!(
        text,
        "uncertain below {threshold:.2}: {:.1} % of the images get an answer, {:.1} % of these are wrong, instead of {:.1} % of \
         all",
        answered.coverage * 100.0,
        answered.risk * 100.0,
        risk::at(&calibration.answers, 0.0).risk * 100.0
    )?;
    writeln!(text, "written to {}", args.out.display())?;
    results.print(&text)
}
