//! `fervis-train export`: a network as a file of ONNX or PyTorch.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::ValueEnum;
use fervis::{model::CheckpointChoice, result_file::is_stdout};
use fervis_train::export::{onnx, python, pytorch};

use super::output::Results;

const EXAMPLES: &str = "\
Examples:
  fervis-train export mine.safetensors mine.onnx
  fervis-train export mine.safetensors --format torch
  fervis-train export fervis-plus --format onnx";

/// Which network, and as what.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Checkpoint, a PyTorch file that fervis can import, or the name of a network that is built in
    network: String,
    /// File to write [default: the network's name in this folder]
    out: Option<PathBuf>,
    /// Format of the file; `torch` also writes a Python module that loads it [default: by the file's extension]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// A format that other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A graph with its weights (.onnx), for ONNX Runtime and others
    Onnx,
    /// A state_dict (.pt) and a Python module (.py)
    Torch,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Torch => "pt",
        }
    }

    fn of_file(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "onnx" => Some(Self::Onnx),
            "pt" | "pth" => Some(Self::Torch),
            _ => None,
        }
    }
}

/// Writes the files, and says what is in them.
pub fn run(args: &Args) -> Result<()> {
    let choice = CheckpointChoice::parse(&args.network);
    let by_name = args.out.as_deref().and_then(Format::of_file);
    let Some(format) = args.format.or(by_name) else {
        bail!(
            "which format? Give --format onnx or --format torch, or a file that ends in .onnx or .pt"
        );
    };
    let out = match &args.out {
        Some(out) => out.clone(),
        None => PathBuf::from(format!("{}.{}", choice.name(), format.extension())),
    };
    let input = choice.path().map(Path::to_owned);
    let mut results = Results::new(args.force, None, &input);
    let mut file = results.file(&out)?;
    let module = match format {
        Format::Torch if is_stdout(&out) => {
            bail!("--format torch writes two files; name one of them instead of “-”")
        }
        Format::Torch => Some(module_path(&out)),
        Format::Onnx => None,
    };
    let mut module_file = results.optional(module.as_ref())?;
    let checkpoint = choice.read()?;
    let bytes = match format {
        Format::Onnx => onnx::to_bytes(&checkpoint)?,
        Format::Torch => pytorch::to_bytes(&checkpoint)?,
    };
    file.begin()?;
    file.write_whole(bytes)?;
    let mut files = out.display().to_string();
    if let (Some(mut module_file), Some(module)) = (module_file.take(), &module) {
        let weights = out.file_name().unwrap_or_default().to_string_lossy();
        module_file.begin()?;
        module_file.write_whole(python::module(&checkpoint, &weights).into_bytes())?;
        files = format!("{files} and {}", module.display());
    }
    let metadata = &checkpoint.metadata;
    let input = &metadata.input;
    results.print(&format!(
        "{} ({}) in {files}\ninput: luma of {}×{}, (luma / 255 - {}) / {}; outputs: logits of {}\n",
        metadata.name,
        metadata.architecture.name(),
        input.width,
        input.height,
        input.mean,
        input.std,
        metadata.labels.join(", "),
    ))
}

/// The module beside a file of weights, with a name that Python can import: `fervis-plus.pt` and `fervis_plus.py`.
fn module_path(weights: &Path) -> PathBuf {
    let stem = weights
        .file_stem()
        .and_then(OsStr::to_str)
        .unwrap_or("network");
    let plain = stem
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' });
    let mut name: String = plain.collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    weights.with_file_name(name + ".py")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_have_names_that_python_can_import() {
        let check = |weights: &str, module: &str| {
            assert_eq!(module_path(Path::new(weights)), Path::new(module));
        };
        check("out/fervis-plus.pt", "out/fervis_plus.py");
        check("3 blocks.v2.pth", "_3_blocks_v2.py");
    }
}
