//! `fervis-train calibrate`: temperature and crop, fitted on PublicTest and written into the checkpoint that ships.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use candle_core::{DType, Device};
use fervis::model::{Classifier, checkpoint::Checkpoint};
use fervis_train::{
    dataset::{Dataset, Split},
    evaluate::calibration_temperature,
    framing,
};

/// Images that the crop is learnt from: medians over 1,000 move by less than a hundredth between halves.
const N_FRAMING_IMAGES: usize = 1000;

/// What to calibrate, on what, and where the result goes.
#[derive(clap::Args)]
pub struct Args {
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

/// Fits, and writes the calibrated checkpoint.
pub fn run(args: &Args) -> Result<()> {
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
