//! `fervis-train import`: converts a PyTorch file to a checkpoint.

use std::path::PathBuf;

use anyhow::{Context, Result};
use fervis::{
    expression::{Expression, Labels, N_EXPRESSIONS},
    model::{
        checkpoint::{Checkpoint, read_bytes},
        import::{ImportOptions, import},
        preprocess::{CropGeometry, InputSpec},
    },
};

use super::output::Results;

/// The order in which torchvision's `ImageFolder` numbers the folders of FER-2013.
const ALPHABETICAL: [Expression; N_EXPRESSIONS] = [
    Expression::Angry,
    Expression::Disgust,
    Expression::Fear,
    Expression::Happy,
    Expression::Neutral,
    Expression::Sad,
    Expression::Surprise,
];

const EXAMPLES: &str = "\
Examples:
  fervis-train import model.pth mine.safetensors
  fervis-train import model.pth mine.safetensors --labels alphabetical --mean 0.449 --std 0.226
  fervis-train import resnet.pt mine.safetensors --size 96 --name mine --license MIT";

/// What the file does not say, and which file to write.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// .pt or .pth file written by any version of `torch.save`, or a .safetensors file of the same network
    file: PathBuf,
    /// Checkpoint to write, for example mine.safetensors
    out: PathBuf,
    /// Labels of the outputs, in their order: fer2013, alphabetical, or names separated by commas [default: the file's, or fer2013]
    ///
    /// fer2013: angry, disgust, fear, happy, sad, surprise, neutral. alphabetical: as torchvision's ImageFolder numbers
    /// them. A file may say it in class_to_idx or a similar entry. A network may have from 2 to 32 labels.
    #[arg(long, value_name = "LABELS", value_parser = parse_labels)]
    labels: Option<Outputs>,
    /// Width and height of the network's input, px, if the weights do not determine it (ResNet, VGG, DenseNet)
    #[arg(long, value_name = "PX", default_value_t = 48, value_parser = clap::value_parser!(u16).range(8..=1024))]
    size: u16,
    /// Subtracted from luma between 0 and 1
    #[arg(long, default_value_t = InputSpec::FER_2013.mean, allow_negative_numbers = true)]
    mean: f32,
    /// Divides the result
    #[arg(long, default_value_t = InputSpec::FER_2013.std)]
    std: f32,
    /// Side of the square that is cut out, relative to the face box; `calibrate` learns it
    #[arg(long, default_value_t = InputSpec::FER_2013.crop.scale)]
    crop_scale: f32,
    /// How far below the box's center the square lies, in sides of the box
    #[arg(long, default_value_t = InputSpec::FER_2013.crop.shift_y, allow_negative_numbers = true)]
    crop_shift: f32,
    /// Architecture of the network, if its tensors fit several [default: the only one that fits]
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// Name of the network in menus [default: the file's name]
    #[arg(long)]
    name: Option<String>,
    /// License of the weights
    #[arg(long, default_value = "unknown")]
    license: String,
    /// Replace the checkpoint if it exists
    #[arg(long)]
    force: bool,
}

/// The label of each output.
#[derive(Debug, Clone, PartialEq)]
struct Outputs(Vec<String>);

fn parse_labels(text: &str) -> Result<Outputs, String> {
    let names: Vec<&str> = match text {
        "fer2013" => Expression::ALL.map(Expression::name).to_vec(),
        "alphabetical" => ALPHABETICAL.map(Expression::name).to_vec(),
        list => list.split(',').map(str::trim).collect(),
    };
    let (_, outputs) = Labels::of_outputs(&names).map_err(|error| format!("it {error}"))?;
    let names = outputs.into_iter().map(|label| label.name().to_owned());
    Ok(Outputs(names.collect()))
}

/// Imports, writes the checkpoint, and reports what became of each tensor.
pub fn run(args: &Args) -> Result<()> {
    let options = ImportOptions {
        labels: args.labels.as_ref().map(|labels| labels.0.clone()),
        input: InputSpec {
            width: args.size.into(),
            height: args.size.into(),
            mean: args.mean,
            std: args.std,
            crop: CropGeometry {
                scale: args.crop_scale,
                shift_y: args.crop_shift,
            },
            ..InputSpec::FER_2013
        },
        architecture: args.architecture.clone(),
        license: args.license.clone(),
    };
    let mut results = Results::new(args.force, None, [&args.file]);
    let out = results.file(&args.out)?;
    let bytes = read_bytes(&args.file)?;
    let mut imported = import(&bytes, &args.file.display().to_string(), &options)?;
    if let Some(name) = &args.name {
        imported.checkpoint.metadata.name.clone_from(name);
    }
    let checkpoint = &imported.checkpoint;
    let bytes = Checkpoint::to_bytes(&checkpoint.metadata, &checkpoint.weights)?;
    let name = args.out.display();
    // Checked by the rules for reading checkpoints before anything is replaced.
    Checkpoint::parse(&bytes, &name.to_string()).context("checking the checkpoint")?;
    out.write_whole(bytes)?;
    results.print(&format!("{imported}\nwritten to {name}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_named_in_the_order_of_the_outputs() {
        let named = |names: [Expression; N_EXPRESSIONS]| {
            Ok(Outputs(names.map(|name| name.name().to_owned()).to_vec()))
        };
        let by_hand = parse_labels("anger,disgust,fear,happiness,neutral,sadness,surprise");
        assert_eq!(by_hand, named(ALPHABETICAL));
        assert_eq!(parse_labels("alphabetical"), named(ALPHABETICAL));
        assert_eq!(parse_labels("fer2013"), named(Expression::ALL));
        let mask = ["mask", "no mask"].map(str::to_owned).to_vec();
        assert_eq!(parse_labels("mask, no mask"), Ok(Outputs(mask)));
        let mut sorted = ALPHABETICAL.map(Expression::name);
        sorted.sort_unstable();
        assert_eq!(sorted, ALPHABETICAL.map(Expression::name));
        for (text, words) in [
            ("angry", "1 labels, but"),
            ("angry,fear,angry", "“angry” twice"),
            ("angry,,fear", "without a name"),
        ] {
            assert!(parse_labels(text).unwrap_err().contains(words));
        }
    }
}
