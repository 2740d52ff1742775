//! Files of weights that others wrote, as checkpoints, without running any of their code.
//!
//! [`read`] opens any file: a checkpoint of ours, what PyTorch's `torch.save` wrote (zip and legacy), or safetensors
//! that do not describe themselves. Read the parts in this order: `pytorch` turns PyTorch's files into sets of named
//! tensors, `weight_file` hands out those and the tensors of safetensors files, `candidates` finds what in a set may be
//! a network, `recognize` which architecture that is, by `sizes` and `matching`, and `labels` what the outputs mean.
//! `conversion` makes a checkpoint of it all; `pretrained` takes weights to start a training from; `foreign` describes
//! files of other kinds.
//!
//! Such a file seldom says what its outputs mean, and never how pixels were scaled. With a wrong guess the network runs
//! without an error and is always wrong, so people may say it ([`assumptions`](super::assumptions)), and what is assumed is shown to them
//! ([`Assumed`](super::assumptions::Assumed)).

mod candidates;
mod conversion;
pub(super) mod foreign;
pub(super) mod labels;
mod matching;
mod pretrained;
pub(crate) mod pytorch;
mod recognize;
mod sizes;
mod weight_file;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::{
    conversion::{Import, ImportOptions, import},
    pretrained::{Pretrained, read_pretrained},
};
use super::{
    assumptions::Settings,
    checkpoint::{Checkpoint, read_bytes},
    error::ModelError,
};

/// Extensions of the files that [`read`] takes: our own, and PyTorch's (`tar` as in `model_best.pth.tar`, which is not
/// an archive).
pub const EXTENSIONS: [&str; 8] = [
    "safetensors",
    "pt",
    "pth",
    "ckpt",
    "t7",
    "tar",
    "bin",
    "onnx",
];

/// Reads any file of weights as a checkpoint. One that does not describe itself is imported with what the file beside it
/// says, and what is assumed is logged.
///
/// # Errors
/// [`ModelError::Read`] or [`ModelError::Refused`].
pub fn read(path: &Path) -> Result<Checkpoint, ModelError> {
    read_as(path, &Settings::default())
}

/// As [`read`], where `said` counts more than the file beside.
///
/// # Errors
/// As [`read`], and if the file describes itself and something is said about it.
pub fn read_as(path: &Path, said: &Settings) -> Result<Checkpoint, ModelError> {
    parse_as(&read_bytes(path)?, path, said)
}

/// As [`read_as`], for the bytes of the file.
pub(super) fn parse_as(
    bytes: &[u8],
    path: &Path,
    said: &Settings,
) -> Result<Checkpoint, ModelError> {
    let file = path.display().to_string();
    if Checkpoint::is_one(bytes) {
        if !said.is_empty() {
            let reason = "it describes itself, so nothing is assumed about it; leave out --assume";
            return Err(ModelError::refused(&file, reason));
        }
        return Checkpoint::parse(bytes, &file);
    }
    let said = said.clone().or(Settings::beside(path)?);
    parse_foreign(bytes, &file, &said)
}

/// Reads the bytes of a file called `file` in messages, about which nobody says anything.
///
/// # Errors
/// [`ModelError::Refused`].
pub fn parse(bytes: &[u8], file: &str) -> Result<Checkpoint, ModelError> {
    if Checkpoint::is_one(bytes) {
        return Checkpoint::parse(bytes, file);
    }
    parse_foreign(bytes, file, &Settings::default())
}

fn parse_foreign(bytes: &[u8], file: &str, said: &Settings) -> Result<Checkpoint, ModelError> {
    let options = ImportOptions::from_settings(said);
    let mut tried = options.iter().map(|options| import(bytes, file, options));
    let first = tried
        .next()
        .unwrap_or_else(|| import(bytes, file, &ImportOptions::default()));
    let imported = first.or_else(|error| tried.find_map(Result::ok).ok_or(error))?;
    log::warn!("{file}: {}", imported.assumptions());
    let mut checkpoint = imported.checkpoint.clone();
    checkpoint.metadata.temperature = said.temperature.unwrap_or(1.0);
    checkpoint.assumed = Some(imported.assumed(said));
    Ok(checkpoint)
}
