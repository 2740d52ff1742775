//! Checkpoints out of what PyTorch's `torch.save` wrote, zip and legacy, without running any of it.
//!
//! Read in this order: `pickle` turns the program that such a file is into plain values, `container` finds the
//! numbers, `state_dict` the named tensors among the values, `weight_file` hands them out, and those of safetensors
//! files too; `recognize` finds the architecture that they are, by `sizes` and `matching`. `pretrained` takes them
//! to begin a training with.
//! What such a file does *not* say is what its outputs mean and how pixels were scaled: a wrong guess runs
//! without an error and is wrong all the time, so [`Import::assumptions`] belongs in front of the user.

mod container;
mod matching;
mod pickle;
mod pretrained;
mod recognize;
mod sizes;
mod state_dict;
mod weight_file;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
};

use candle_core::{DType, Tensor};

pub use self::{
    container::looks_like_pytorch,
    pretrained::{Pretrained, read_pretrained},
};
use self::{
    matching::{Change, Match},
    recognize::{Recognized, recognize},
    weight_file::WeightFile,
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
    /// Normalisation, filter and crop; the size is read off the weights where it shows in them.
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

/// Makes a checkpoint of the bytes of a file called `file` in messages: what `torch.save` wrote, or safetensors that
/// do not describe themselves. The temperature is 1.
///
/// # Errors
/// [`ModelError::Refused`].
pub fn import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, ModelError> {
    try_import(bytes, file, options).map_err(|reason| ModelError::refused(file, reason))
}

fn try_import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, String> {
    let mut opened = WeightFile::open(bytes)?;
    let tensors = opened.tensors.clone();
    let in_words = |error: candle_core::Error| error.to_string();
    let recognized = recognize(
        &tensors,
        &options.input,
        options.architecture.as_deref(),
        &mut |index| {
            let values = opened.read(index)?.to_dtype(DType::F32);
            let values = values.and_then(|values| values.flatten_all()?.to_vec1());
            values.map_err(in_words)
        },
    )?;
    let mut weights = HashMap::new();
    for Match {
        ours,
        index,
        change,
    } in &recognized.matching.matched
    {
        let weight = change.apply(&opened.read(*index)?).map_err(in_words)?;
        weights.insert(ours.clone(), weight);
    }
    for (index, mean) in &recognized.matching.folded {
        let bias = opened.read(*index)?;
        let shifted = weights.get(mean).map(|mean| shift(mean, &bias));
        let shifted = shifted.transpose().map_err(in_words)?;
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
        names: tensors.into_iter().map(|tensor| tensor.name).collect(),
        skipped: opened.skipped,
        found_under: opened.found_under,
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
        let matching = &self.recognized.matching;
        let width = matching.matched.iter().map(|matched| matched.ours.len());
        let width = width.max().unwrap_or(0);
        for Match {
            ours,
            index,
            change,
        } in &matching.matched
        {
            let shape = self.checkpoint.weights.get(ours).map(Tensor::dims);
            let shape = shape.unwrap_or_default();
            write!(f, "  {ours:<width$} = {} {shape:?}", self.names[*index])?;
            writeln!(
                f,
                "{}",
                match change {
                    Change::None => "",
                    Change::Summed => ", added up over the colours",
                    Change::Spread(_) => ", spread over the colours",
                }
            )?;
        }
        for (index, mean) in &matching.folded {
            writeln!(f, "  {mean:<width$} takes up {}", self.names[*index])?;
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
