//! `fervis-train detect-eval`: how many faces the application finds and reads as people do.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use fervis::{
    detect::{DetectConfig, Detector},
    model::{ComputeDevice, DeviceChoice},
};
use fervis_train::{
    data::dataset::{Dataset, Split},
    evaluate::detect_eval::{
        Damage, ExpressionReader, TurnRow, count_false_faces, measure_photos, measure_rolls,
        read_labels,
    },
};

use super::{load, parse_split, votes};

const EXAMPLES: &str = "\
Examples:
  fervis-train detect-eval mine.safetensors --data fer2013.csv --ferplus fer2013new.csv
  fervis-train detect-eval mine.safetensors --data fer2013.csv --every 10 --rolls 0,15,30
  fervis-train detect-eval mine.safetensors --photos photos --empty landscapes";

/// What to measure.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoint that reads the faces
    checkpoint: PathBuf,
    /// FER-2013, in any of the forms that `train` takes
    #[arg(long, value_name = "FILE-OR-FOLDER")]
    data: Option<PathBuf>,
    /// Training, PublicTest or PrivateTest
    #[arg(long, default_value = "PublicTest", value_parser = parse_split)]
    split: Split,
    /// FER+'s fer2013new.csv, to measure the agreement with its votes too
    #[arg(long, value_name = "FILE.csv")]
    ferplus: Option<PathBuf>,
    /// Use only every Nth image of the split
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,
    /// Angles by which the images are rolled, degrees; every second image is rolled the other way
    #[arg(
        long,
        value_name = "ANGLES",
        value_delimiter = ',',
        default_value = "0,30,45"
    )]
    rolls: Vec<f32>,
    /// Folder of photographs with a `labels.csv` (columns image and expression)
    #[arg(long, value_name = "FOLDER")]
    photos: Option<PathBuf>,
    /// Folder of pictures without a face
    #[arg(long, value_name = "FOLDER")]
    empty: Option<PathBuf>,
    /// Find faces with rustface only
    #[arg(long)]
    rustface: bool,
}

/// Measures, and prints the figures.
pub fn run(args: &Args) -> Result<()> {
    ensure!(
        args.data.is_some() || args.photos.is_some() || args.empty.is_some(),
        "nothing to measure; give --data, --photos or --empty"
    );
    let device = ComputeDevice::start(DeviceChoice::Auto);
    let mut classifier = load(&args.checkpoint, &device)?;
    let config = DetectConfig {
        detector: if args.rustface {
            Detector::Rustface
        } else {
            Detector::Both
        },
        ..DetectConfig::default()
    };
    let mut reader = ExpressionReader::new(config, &mut classifier);
    if let Some(folder) = &args.photos {
        let photos = read_labels(folder)?;
        for (name, damage) in [
            ("unchanged", Damage::None),
            (
                "dark ×0.15, noise σ 3",
                Damage::Dark {
                    gain: 0.15,
                    noise: 3.0,
                },
            ),
            ("face 160 px, blur σ 4", Damage::Blur { sigma_px: 4.0 }),
            ("face 48 px in 1280×720", Damage::Small { face_px: 48.0 }),
        ] {
            println!(
                "photographs, {name:<24} {}",
                measure_photos(&mut reader, &photos, damage)?
            );
        }
    }
    if let Some(folder) = &args.empty {
        let (n, wrong) = count_false_faces(&mut reader, folder)?;
        println!(
            "pictures without a face: false faces in {} of {n}",
            wrong.len()
        );
        for path in wrong {
            println!("  {}", path.display());
        }
    }
    if let Some(data) = &args.data {
        let dataset = Dataset::load(data)?;
        let votes = votes(args.ferplus.as_ref(), &dataset)?;
        let indices = dataset.split(args.split);
        let indices: Vec<usize> = indices.iter().copied().step_by(args.every.max(1)).collect();
        for row in measure_rolls(&mut reader, &dataset, &indices, votes.as_ref(), &args.rolls)? {
            println!(
                "{}, roll ±{}°: by labels {}",
                args.split.name(),
                row.roll_deg,
                row.labels
            );
            if let Some(ferplus) = &row.ferplus {
                println!("  by FER+ {ferplus}");
                println!("  agreement by yaw:  {}", by_turn(&row.by_yaw));
                println!("  agreement by pitch:{}", by_turn(&row.by_pitch));
            }
        }
    }
    Ok(())
}

fn by_turn(rows: &[TurnRow]) -> String {
    let row = |row: &TurnRow| match row.n {
        0 => format!(" to {}°: none", row.up_to_deg),
        n => format!(
            " to {}°: {:.1} % of {n}",
            row.up_to_deg,
            100.0 * row.n_right as f64 / n as f64
        ),
    };
    rows.iter().map(row).collect::<Vec<_>>().join(",")
}
