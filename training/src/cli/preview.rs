//! `fervis-train preview`: a sheet of the network's inputs.

use std::{fmt::Write, io::Cursor, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use fervis_train::{
    data::dataset::{Dataset, Split},
    recipe::Recipe,
    report::preview::{PreviewConfig, choose, sheet},
};
use image::ImageFormat;

use super::{output::Results, parse_split};

const EXAMPLES: &str = "\
Examples:
  fervis-train preview sheet.png --data fer2013.csv --recipe fervis-plus
  fervis-train preview sheet.png --data fer2013.csv --recipe mine.toml --per-class 4 --epochs 12";

/// What to show, and which file to write.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Image to write
    #[arg(value_name = "OUT.png")]
    out: PathBuf,
    /// FER-2013, in any of the forms that `train` takes
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: PathBuf,
    /// Recipe with the augmentation: a built-in one by name, or a .toml file
    #[arg(long, value_name = "NAME-OR-FILE", default_value = "three-block")]
    recipe: String,
    /// Training, PublicTest or PrivateTest
    #[arg(long, default_value = "Training", value_parser = parse_split)]
    split: Split,
    /// Rows per expression
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    per_class: u16,
    /// Columns of augmented images, one per epoch
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=100))]
    epochs: u16,
    /// Seed of the run [default: the recipe's]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Replace the sheet if it exists
    #[arg(long)]
    force: bool,
}

/// Draws the sheet, and prints what its rows and columns are.
pub fn run(args: &Args) -> Result<()> {
    let recipe_file = PathBuf::from(&args.recipe);
    let mut results = Results::new(args.force, Some(&args.data), [&recipe_file]);
    let out = results.file(&args.out)?;
    let format = match ImageFormat::from_path(&args.out) {
        // A pipe has no extension.
        Err(_) if out.is_stream() => ImageFormat::Png,
        format => {
            format.with_context(|| format!("choosing a format for {}", args.out.display()))?
        }
    };
    let recipe = Recipe::find(&args.recipe)?;
    let side_px = recipe.input.side_px;
    let dataset = Arc::new(Dataset::load_for(&args.data, side_px)?);
    let indices = choose(&dataset, args.split, args.per_class.into());
    let config = PreviewConfig {
        augment: recipe.augment,
        normalization: recipe.normalization(),
        side_px,
        seed: args.seed.unwrap_or(recipe.seed),
        n_epochs: args.epochs.into(),
    };
    let sheet = sheet(&dataset, &indices, &config)?;
    let mut image = Cursor::new(Vec::new());
    sheet
        .write_to(&mut image, format)
        .context("encoding the sheet")?;
    out.write_whole(image.into_inner())?;
    let mut text = format!(
        "columns: stored, evaluated, then epochs 1 to {} of {}\n",
        args.epochs, recipe.name
    );
    for (row, index) in indices.iter().enumerate() {
        let label = dataset.classes().at(dataset.label(*index).into());
        writeln!(
            text,
            "row {:>3}: {label}, image {}",
            row + 1,
            dataset.name(*index)
        )?;
    }
    writeln!(text, "written to {}", args.out.display())?;
    results.print(&text)
}
