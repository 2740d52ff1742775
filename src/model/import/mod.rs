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
//! without an error and is always wrong, so show [`Import::assumptions`] to the user.

mod candidates;
mod conversion;
mod foreign;
mod labels;
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
    checkpoint::{Checkpoint, read_bytes},
    error::ModelError,
};

/// Extensions of the files that [`read`] takes: our own, and PyTorch's (`tar` as in `model_best.pth.tar`, which is not
/// an archive).
pub const EXTENSIONS: [&str; 7] = ["safetensors", "pt", "pth", "ckpt", "t7", "tar", "bin"];

/// Reads any file of weights as a checkpoint. One that does not describe itself is imported with the default options,
/// and what was assumed is logged.
///
/// # Errors
/// [`ModelError::Read`] or [`ModelError::Refused`].
pub fn read(path: &Path) -> Result<Checkpoint, ModelError> {
    parse(&read_bytes(path)?, &path.display().to_string())
}

/// As [`read`], for the bytes of a file called `file` in messages.
///
/// # Errors
/// [`ModelError::Refused`].
pub fn parse(bytes: &[u8], file: &str) -> Result<Checkpoint, ModelError> {
    if Checkpoint::is_one(bytes) {
        return Checkpoint::parse(bytes, file);
    }
    let import = import(bytes, file, &ImportOptions::default())?;
    log::warn!("{file}: {}", import.assumptions());
    Ok(import.checkpoint)
}
