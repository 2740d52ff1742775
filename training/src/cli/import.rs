//! `fervis-train import`: a checkpoint out of what PyTorch saved.

use std::path::PathBuf;

use anyhow::{Context, Result};
use fervis::{
    expression::{Expression, N_EXPRESSIONS},
    model::{
        checkpoint::{Checkpoint, read_bytes},
        import::{ImportOptions, import},
        preprocess::{CropGeometry, InputSpec},
    },
};

use super::output::Results;

/// The order in which torchvision's `ImageFolder` numbers FER-2013's folders.
const ALPHABETICAL: [Expression; N_EXPRESSIONS] = [
    Expression::Angry,
    Expression::Disgust,
    Expression::Fear,
    Expression::Happy,
    Expression::Neutral,
    Expression::Sad,
    Expression::Surprise,
];

/// What the file does not say, and where the checkpoint goes.
#[derive(clap::Args)]
pub struct Args {
    /// A `.pt` or `.pth` file that `torch.save` wrote, of any version, or a `.safetensors` file of the same. None of its
    /// code is run.
    file: PathBuf,
    /// Where the checkpoint goes, for example mine.safetensors.
    out: PathBuf,
    /// What the outputs mean: fer2013 (angry, disgust, fear, happy, sad, surprise, neutral), alphabetical (as
    /// ImageFolder has it), or seven names with commas. Without it what the file says (class_to_idx or the like), else
    /// fer2013.
    #[arg(long, value_parser = parse_labels)]
    labels: Option<Labels>,
    /// Width and height of the network's images, px, where the weights do not say (ResNet, VGG, DenseNet).
    #[arg(long, value_name = "PX", default_value_t = 48, value_parser = clap::value_parser!(u16).range(8..=1024))]
    size: u16,
    /// Subtracted from luma that runs from 0 to 1.
    #[arg(long, default_value_t = InputSpec::FER_2013.mean, allow_negative_numbers = true)]
    mean: f32,
    /// Divides after that.
    #[arg(long, default_value_t = InputSpec::FER_2013.std)]
    std: f32,
    /// Side of the square that the network sees over the side of the detector's box; `calibrate` learns it.
    #[arg(long, default_value_t = InputSpec::FER_2013.crop.scale)]
    crop_scale: f32,
    /// How far down that square lies, in sides of the box.
    #[arg(long, default_value_t = InputSpec::FER_2013.crop.shift_y, allow_negative_numbers = true)]
    crop_shift: f32,
    /// Which architecture the file holds, where its tensors fit several.
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// Name of the network in menus; the file's, if not given.
    #[arg(long)]
    name: Option<String>,
    /// Licence of the weights.
    #[arg(long, default_value = "unknown")]
    license: String,
    /// Replace the checkpoint if it exists.
    #[arg(long)]
    force: bool,
}

/// What each output means.
#[derive(Debug, Clone, PartialEq)]
struct Labels([Expression; N_EXPRESSIONS]);

fn parse_labels(text: &str) -> Result<Labels, String> {
    let named = match text {
        "fer2013" => Expression::ALL.to_vec(),
        "alphabetical" => ALPHABETICAL.to_vec(),
        list => list
            .split(',')
            .map(|name| {
                Expression::from_name(name)
                    .ok_or_else(|| format!("“{name}” is none of the seven expressions"))
            })
            .collect::<Result<_, _>>()?,
    };
    let n_named = named.len();
    let labels = <[Expression; N_EXPRESSIONS]>::try_from(named)
        .map_err(|_| format!("{n_named} labels instead of seven"))?;
    match Expression::ALL
        .iter()
        .find(|expression| !labels.contains(expression))
    {
        Some(missing) => Err(format!("“{missing}” is missing")),
        None => Ok(Labels(labels)),
    }
}

/// Imports, writes, and reports what became of each tensor.
pub fn run(args: &Args) -> Result<()> {
    let options = ImportOptions {
        labels: args.labels.as_ref().map(|labels| labels.0),
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
    // By the rules that every checkpoint is read by, before anything is replaced.
    Checkpoint::parse(&bytes, &name.to_string()).context("checking the checkpoint")?;
    out.write_whole(bytes)?;
    results.print(&format!("{imported}\nwritten to {name}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_each_expression_once() {
        let by_hand = parse_labels("anger,disgust,fear,happiness,neutral,sadness,surprise");
        assert_eq!(by_hand, Ok(Labels(ALPHABETICAL)));
        assert_eq!(parse_labels("alphabetical"), Ok(Labels(ALPHABETICAL)));
        assert_eq!(parse_labels("fer2013"), Ok(Labels(Expression::ALL)));
        let mut sorted = ALPHABETICAL.map(Expression::name);
        sorted.sort_unstable();
        assert_eq!(sorted, ALPHABETICAL.map(Expression::name));
        for (text, words) in [
            ("angry,cat", "“cat” is none"),
            ("angry", "1 labels instead"),
            (
                "angry,angry,fear,happy,neutral,sad,surprise",
                "“disgust” is missing",
            ),
        ] {
            assert!(parse_labels(text).unwrap_err().contains(words));
        }
    }
}
