//! Checkpoints that describe themselves: safetensors whose metadata says everything needed to run them.
//!
//! The format is documented for users in `models/README.md`. A file whose description contradicts its tensors, or which is
//! damaged, is refused with one sentence: a network that runs with the wrong labels or the wrong normalization looks as if
//! it worked. Weights without a description are imported ([`import`](super::import)), as PyTorch's files are.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
};

use candle_core::{DType, Device, Tensor};
use safetensors::{SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use super::{
    assumptions::Assumed,
    error::ModelError,
    net::Architecture,
    preprocess::InputSpec,
    serialize::{serialize, sha256},
};
use crate::{
    expression::{Label, LabelError, Labels},
    read,
    result_file::replace,
};

/// Value of the header's key `format`. It says that the key `fervis` holds a [`Metadata`] as JSON.
pub const FORMAT: &str = "fervis-checkpoint";
/// Key of the description in the file's header.
const KEY: &str = "fervis";
/// Key in the header of the state of a training, which is not a checkpoint.
const TRAINING_KEY: &str = "fervis-train";
/// Newest version of the description that this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// A larger file holds no network that can run live, and would fill the memory.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// A larger input is a mistake, or an attack on the memory.
const MAX_INPUT_SIDE_PX: usize = 1024;

/// The description inside a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Version of this description.
    pub format_version: u32,
    /// Short name, for menus.
    pub name: String,
    /// Architecture with its hyper-parameters.
    #[serde(flatten)]
    pub architecture: Architecture,
    /// Label of each output, in order: from 2 to 32 distinct names. If they are the seven expressions, results are in
    /// FER-2013's order, others in this one.
    pub labels: Vec<String>,
    /// The input that the network takes.
    pub input: InputSpec,
    /// Divides the logits before softmax, so that confidence matches accuracy; 1 if never fitted.
    pub temperature: f32,
    /// If the most probable expression is less probable than this, 0 to 1, the application shows that it is uncertain. 0,
    /// which is also the default, means never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncertain_below: f32,
    /// The data, splits and recipe that it was trained with.
    pub training: serde_json::Value,
    /// Measured figures by name, for example `PublicTest accuracy`.
    pub metrics: BTreeMap<String, f64>,
    /// License of the weights.
    pub license: String,
}

impl Metadata {
    /// The labels, and which of them each output is.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn outputs(&self) -> Result<(Labels, Vec<Label>), LabelError> {
        Labels::of_outputs(&self.labels)
    }

    /// Checks the description on its own. The error is the end of a sentence.
    fn check(&self) -> Result<(), String> {
        if self.format_version > FORMAT_VERSION {
            return Err(format!(
                "it was written by a newer version (format {}, this build reads up to {FORMAT_VERSION}); update fervis",
                self.format_version
            ));
        }
        self.outputs()
            .map_err(|error| format!("its description {error}"))?;
        let input = &self.input;
        let side_ok = |side| (1..=MAX_INPUT_SIDE_PX).contains(&side);
        if !side_ok(input.width) || !side_ok(input.height) {
            return Err(format!(
                "its input size {}×{} is out of range",
                input.width, input.height
            ));
        }
        if input.channels != 1 {
            return Err(format!(
                "it takes {} input channels; only 1 (gray) is supported",
                input.channels
            ));
        }
        // The limits are far beyond any sensible value. NaN is in no range.
        let is_within = |value: f32, max: f32| (-max..=max).contains(&value);
        let is_positive = |value: f32, max: f32| value >= 1.0 / max && value <= max;
        if !is_within(input.mean, 1e4) || !is_positive(input.std, 1e4) {
            return Err(format!(
                "its normalization (mean {}, std {}) is out of range",
                input.mean, input.std
            ));
        }
        let crops = [Some(input.crop), input.upright_crop];
        for crop in crops.into_iter().flatten() {
            if !is_positive(crop.scale, 100.0) || !is_within(crop.shift_y, 100.0) {
                return Err("its crop geometry is out of range".to_owned());
            }
        }
        if !is_positive(self.temperature, 1e4) {
            return Err(format!(
                "its temperature {} is out of range",
                self.temperature
            ));
        }
        if !(0.0..=1.0).contains(&self.uncertain_below) {
            return Err(format!(
                "its threshold for uncertainty {} is not a probability",
                self.uncertain_below
            ));
        }
        self.architecture.objection_to(input).map_or(Ok(()), Err)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

/// A checkpoint in memory, with its weights on the CPU as they are stored.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The description.
    pub metadata: Metadata,
    /// The weights by name.
    pub weights: HashMap<String, Tensor>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What is assumed about a file that does not describe itself.
    pub assumed: Option<Assumed>,
}

impl Checkpoint {
    /// Whether these are the bytes of a checkpoint, or of the state of a training, by what their header says.
    pub(super) fn is_one(bytes: &[u8]) -> bool {
        let header = SafeTensors::read_metadata(bytes).ok();
        header
            .and_then(|(_, header)| header.metadata().clone())
            .is_some_and(|header| {
                [KEY, TRAINING_KEY]
                    .iter()
                    .any(|key| header.contains_key(*key))
            })
    }

    /// Reads and checks a file that [`Self::write`] wrote. [`super::import::read`] opens others too.
    ///
    /// # Errors
    /// [`ModelError::Read`] or [`ModelError::Refused`].
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        Self::parse(&read_bytes(path)?, &path.display().to_string())
    }

    /// Checks the bytes of a file called `file` in messages.
    ///
    /// # Errors
    /// [`ModelError::Refused`].
    pub fn parse(bytes: &[u8], file: &str) -> Result<Self, ModelError> {
        let refused = |reason: String| ModelError::refused(file, reason);
        let damaged = |error: SafeTensorError| {
            refused(format!("it is damaged or cut off ({error}); get it again"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
        let header = header.metadata().clone().unwrap_or_default();
        if header.contains_key(TRAINING_KEY) {
            let reason =
                "it is the state of a training; the network is in best.safetensors beside it";
            return Err(refused(reason.to_owned()));
        }
        let Some(description) = header.get(KEY) else {
            return Err(refused("it does not describe its network".to_owned()));
        };
        let metadata = parse_metadata(description).map_err(refused)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
        metadata.check().map_err(refused)?;
        let weights = check_weights(&metadata, &tensors).map_err(refused)?;
        Ok(Self {
            metadata,
            weights,
            sha256: sha256(&[bytes]),
            assumed: None,
        })
    }

    /// Makes a checkpoint of imported weights, with the checks that a file undergoes. The weights must have the names and
    /// shapes of the description's architecture.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub(super) fn assemble(
        metadata: Metadata,
        weights: HashMap<String, Tensor>,
        bytes: &[u8],
    ) -> Result<Self, String> {
        metadata.check()?;
        for (name, weight) in &weights {
            check_finite(name, weight)?;
        }
        Ok(Self {
            metadata,
            weights,
            sha256: sha256(&[bytes]),
            assumed: None,
        })
    }

    /// Writes the checkpoint atomically: a file with this name is always complete.
    ///
    /// # Errors
    /// [`ModelError::Write`].
    pub fn write(
        metadata: &Metadata,
        weights: &HashMap<String, Tensor>,
        path: &Path,
    ) -> Result<(), ModelError> {
        Self::to_bytes(metadata, weights)
            .and_then(|bytes| replace(path, &bytes))
            .map_err(|source| ModelError::Write {
                path: path.to_owned(),
                source,
            })
    }

    /// The checkpoint as the bytes of a file.
    ///
    /// # Errors
    /// If safetensors cannot store the weights.
    pub fn to_bytes(metadata: &Metadata, weights: &HashMap<String, Tensor>) -> io::Result<Vec<u8>> {
        let description = serde_json::to_string(metadata).map_err(io::Error::other)?;
        let header = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            (KEY.to_owned(), description),
        ]);
        serialize(weights, &header).map_err(io::Error::other)
    }

    /// The labels, and which of them each output is.
    ///
    /// # Errors
    /// [`ModelError::Refused`] if the description was changed since the checkpoint was read.
    pub(super) fn outputs(&self) -> Result<(Labels, Vec<Label>), ModelError> {
        let metadata = &self.metadata;
        let refused =
            |error| ModelError::refused(&metadata.name, format!("its description {error}"));
        metadata.outputs().map_err(refused)
    }
}

/// Reads a file of weights of any format.
///
/// # Errors
/// [`ModelError::Read`], also if it is larger than 2 GB or not a regular file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, ModelError> {
    read::bytes(path, MAX_FILE_BYTES).map_err(|source| ModelError::Read {
        path: path.to_owned(),
        source,
    })
}

fn parse_metadata(description: &str) -> Result<Metadata, String> {
    serde_json::from_str(description).map_err(|error| {
        format!(
            "its description is incomplete or wrong ({error}); models/README.md documents the format"
        )
    })
}

/// Reads the weights if they are exactly those of the description's architecture.
fn check_weights(
    metadata: &Metadata,
    tensors: &SafeTensors<'_>,
) -> Result<HashMap<String, Tensor>, String> {
    let name = metadata.architecture.name();
    let expected = metadata
        .architecture
        .weight_shapes(&metadata.input, metadata.labels.len());
    let known: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    let unknown = tensors
        .names()
        .into_iter()
        .filter(|name| !known.contains(name));
    // Tensors have no order. The smallest name makes the message deterministic.
    if let Some(unknown) = unknown.min() {
        return Err(format!(
            "it says it is a {name} network, but holds a tensor “{unknown}” that such a network does not have"
        ));
    }
    let mut weights = HashMap::new();
    for (tensor_name, shape) in expected {
        let view = tensors.tensor(&tensor_name).map_err(|_| {
            format!("it says it is a {name} network, but the tensor “{tensor_name}” is missing")
        })?;
        if view.shape() != shape {
            return Err(format!(
                "its description asks for “{tensor_name}” of shape {shape:?}, but the file holds {:?}",
                view.shape()
            ));
        }
        let tensor = read_weight(&view, &shape)
            .map_err(|error| format!("“{tensor_name}” is unreadable ({error})"))?;
        check_finite(&tensor_name, &tensor)?;
        weights.insert(tensor_name, tensor);
    }
    Ok(weights)
}

/// Refuses weights with NaN or infinity.
pub(super) fn check_finite(name: &str, tensor: &Tensor) -> Result<(), String> {
    let total = tensor
        .to_dtype(DType::F32)
        .and_then(|tensor| tensor.sum_all()?.to_scalar::<f32>());
    if !total.is_ok_and(f32::is_finite) {
        return Err(format!("“{name}” holds values that are not numbers"));
    }
    Ok(())
}

fn read_weight(
    view: &safetensors::tensor::TensorView<'_>,
    shape: &[usize],
) -> candle_core::Result<Tensor> {
    let dtype = match view.dtype() {
        safetensors::Dtype::F16 => DType::F16,
        safetensors::Dtype::BF16 => DType::BF16,
        safetensors::Dtype::F32 => DType::F32,
        other => candle_core::bail!("its type {other:?} is none of F16, BF16, F32"),
    };
    Tensor::from_raw_buffer(view.data(), dtype, shape, &Device::Cpu)
}

#[cfg(test)]
mod tests;
