//! `fervis-train calibrate`: temperature and crop, fitted on PublicTest and written into the checkpoint that ships.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device};
use fervis::model::{Classifier, checkpoint::Checkpoint};
use fervis_train::{
    augment::View,
    dataset::{Dataset, Split},
    evaluate::logits_of,
    framing,
    metrics::Metrics,
    temperature::fit_temperature,
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
    ensure!(!public.is_empty(), "the data has no PublicTest images");
    let framing = framing::learn(&dataset, &public[..public.len().min(N_FRAMING_IMAGES)])
        .context("the detector found no face in PublicTest")?;
    checkpoint.metadata.input.crop = framing.crop;
    let mut classifier = Classifier::new(
        checkpoint.clone(),
        checkpoint.metadata.name.clone(),
        None,
        &Device::Cpu,
    )?;
    let before = checkpoint.metadata.temperature;
    let logits = logits_of(&mut classifier, &dataset, public, View::PLAIN)?;
    let labels = dataset.labels_of(public);
    let temperature = fit_temperature(&logits, &labels) as f32;
    checkpoint.metadata.temperature = temperature;
    let [was, is] = [before, temperature].map(|t| Metrics::from_logits(&logits, &labels, t));
    Checkpoint::write(&checkpoint.metadata, &checkpoint.weights, &args.out)?;
    println!(
        "face found in {} of {} images; crop scale {:.3}, shifted down by {:.3} of the box",
        framing.n_found, framing.n_images, framing.crop.scale, framing.crop.shift_y
    );
    println!(
        "temperature {temperature:.4} (was {before:.4}): calibration error on PublicTest {:.2} % (was {:.2} %), negative \
         log-likelihood {:.4} (was {:.4})",
        is.calibration_error * 100.0,
        was.calibration_error * 100.0,
        is.negative_log_likelihood,
        was.negative_log_likelihood
    );
    println!("written to {}", args.out.display());
    Ok(())
}
