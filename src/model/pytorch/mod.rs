//! Checkpoints out of what PyTorch's `torch.save` wrote, zip and legacy, without running any of it.
//!
//! Read in this order: `pickle` turns the program that such a file is into plain values, `container` finds the
//! numbers, `state_dict` the named tensors among the values, and `recognize` the architecture that they are.
//! What such a file does *not* say is what its outputs mean and how pixels were scaled: a wrong guess runs
//! without an error and is wrong all the time, so [`Import::assumptions`] belongs in front of the user.

mod container;
mod pickle;
mod recognize;
mod state_dict;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
};

use candle_core::{DType, Tensor};

pub use self::container::looks_like_pytorch;
use self::{
    container::Container,
    recognize::{Recognized, recognize},
    state_dict::StateDict,
};
use super::{
    checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
    error::ModelError,
    preprocess::InputSpec,
};
use crate::expression::{Expression, N_EXPRESSIONS};

/// What a file of PyTorch's does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportOptions {
    /// What each output means.
    pub labels: [Expression; N_EXPRESSIONS],
    /// Normalisation, filter and crop; the size is read off the weights.
    pub input: InputSpec,
    /// Name of the architecture; all are tried if `None`.
    pub architecture: Option<String>,
    /// Licence of the weights.
    pub license: String,
}

impl Default for ImportOptions {
    /// Outputs in FER-2013's order, pixels from -1 to 1.
    fn default() -> Self {
        Self {
            labels: Expression::ALL,
            input: InputSpec::FER_2013,
            architecture: None,
            license: "unknown".to_owned(),
        }
    }
}

/// An imported checkpoint and how it came about.
#[derive(Debug, Clone)]
pub struct Import {
    /// Ready to be run or written.
    pub checkpoint: Checkpoint,
    recognized: Recognized,
    /// Names of the file's floating-point tensors.
    names: Vec<String>,
    skipped: Vec<String>,
    found_under: String,
}

impl Import {
    /// What the file does not say, in words.
    pub fn assumptions(&self) -> String {
        let input = &self.checkpoint.metadata.input;
        format!(
            "outputs {}; input (luma / 255 - {}) / {}",
            self.checkpoint.metadata.labels.join(", "),
            input.mean,
            input.std
        )
    }
}

/// Makes a checkpoint of the bytes of a file called `file` in messages. The temperature is 1.
///
/// # Errors
/// [`ModelError::Refused`].
pub fn import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, ModelError> {
    try_import(bytes, file, options).map_err(|reason| ModelError::refused(file, reason))
}

fn try_import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, String> {
    let (mut container, pickle) = Container::open(bytes)?;
    let found = StateDict::find(&pickle)?;
    let recognized = recognize(
        &found.tensors,
        &options.input,
        options.architecture.as_deref(),
    )?;
    // Tensors may share numbers; but a file that unfolds to many times its size is an attack on the memory.
    let mut n_bytes_left = bytes.len().saturating_mul(2);
    let mut read = |index: usize| -> Result<Tensor, String> {
        let tensor = &found.tensors[index];
        n_bytes_left = tensor
            .n_bytes()
            .and_then(|n_bytes| n_bytes_left.checked_sub(n_bytes))
            .ok_or_else(|| format!("“{}” is larger than the file", tensor.name))?;
        tensor.read(container.storage(tensor.storage_key())?)
    };
    let mut weights = HashMap::new();
    for (name, index) in &recognized.matched {
        weights.insert(name.clone(), read(*index)?);
    }
    for (index, mean) in &recognized.folded {
        let bias = read(*index)?;
        let shifted = weights.get(mean).map(|mean| shift(mean, &bias));
        let shifted = shifted.transpose().map_err(|error| error.to_string())?;
        weights.extend(shifted.map(|shifted| (mean.clone(), shifted)));
    }
    let stem = Path::new(file).file_stem().unwrap_or_default();
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: stem.to_string_lossy().into_owned(),
        architecture: recognized.architecture.clone(),
        labels: options.labels.map(|label| label.name().to_owned()).to_vec(),
        input: recognized.input,
        temperature: 1.0,
        uncertain_below: 0.0,
        training: serde_json::json!({ "imported from": "a PyTorch file" }),
        metrics: BTreeMap::new(),
        license: options.license.clone(),
    };
    Ok(Import {
        checkpoint: Checkpoint::assemble(metadata, weights, bytes)?,
        recognized,
        names: found
            .tensors
            .into_iter()
            .map(|tensor| tensor.name)
            .collect(),
        skipped: found.skipped,
        found_under: found.found_under,
    })
}

/// The running mean of what is left when the convolution before no longer adds `bias`.
fn shift(mean: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
    (mean.to_dtype(DType::F32)? - bias.to_dtype(DType::F32)?)?.to_dtype(mean.dtype())
}

impl fmt::Display for Import {
    /// The report for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = &self.checkpoint.metadata;
        let place = match self.found_under.as_str() {
            "" => String::new(),
            key => format!(" under “{key}”"),
        };
        writeln!(
            f,
            "{} for inputs of {}×{}, from {} tensors{place}",
            metadata.architecture.name(),
            metadata.input.width,
            metadata.input.height,
            self.names.len()
        )?;
        for (ours, index) in &self.recognized.matched {
            let shape = self.checkpoint.weights.get(ours).map(Tensor::dims);
            let shape = shape.unwrap_or_default();
            writeln!(f, "  {ours:<24} = {} {shape:?}", self.names[*index])?;
        }
        for (index, mean) in &self.recognized.folded {
            writeln!(f, "  {mean:<24} takes up {}", self.names[*index])?;
        }
        writeln!(
            f,
            "missing: none; left over: none; other types skipped: {}",
            self.skipped.len()
        )?;
        if !self.recognized.also_fits.is_empty() {
            writeln!(
                f,
                "the same tensors fit {} as well; --architecture decides",
                self.recognized.also_fits.join(", ")
            )?;
        }
        write!(f, "assumed: {}", self.assumptions())
    }
}
