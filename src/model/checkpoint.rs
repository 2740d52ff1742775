//! Checkpoints that describe themselves: safetensors whose metadata says everything needed to run them.
//!
//! The format is documented for users in `models/README.md`. A file is refused, with one sentence, if its
//! description is missing, contradicts its tensors, or if it is damaged: a network that runs with the wrong labels or
//! the wrong normalisation looks as if it worked.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
};

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    error::ModelError,
    network::Architecture,
    preprocess::InputSpec,
    pytorch::{self, ImportOptions},
};
use crate::{
    expression::{Expression, N_EXPRESSIONS},
    result_file::replace,
};

/// Value of the metadata key `format`; it says that the key `fervis` holds a [`Metadata`] as JSON.
pub const FORMAT: &str = "fervis-checkpoint";
/// Newest version of the description that this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// Endings of the files that [`Checkpoint::read`] reads: our own, and PyTorch's.
pub const EXTENSIONS: [&str; 3] = ["safetensors", "pt", "pth"];

/// Larger files than this hold no network that can be run live, and would fill the memory.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// Larger inputs than this are a mistake or an attack on the memory.
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
    /// Label of each output, in order. Each of the seven expressions once.
    pub labels: Vec<String>,
    /// What the network is fed with.
    pub input: InputSpec,
    /// Divides the logits before softmax, so that confidence matches accuracy; 1 if never fitted.
    pub temperature: f32,
    /// Below this probability, 0 to 1, of the most probable expression the application says that it is uncertain. 0, also
    /// where it is absent, means never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uncertain_below: f32,
    /// Data, splits and recipe it was trained with.
    pub training: serde_json::Value,
    /// Measured figures by name, for example `PublicTest accuracy`.
    pub metrics: BTreeMap<String, f64>,
    /// Licence of the weights.
    pub license: String,
}

impl Metadata {
    /// Position in [`Expression::ALL`] of each output.
    fn expressions(&self) -> Result<Vec<Expression>, String> {
        let mut expressions = Vec::new();
        for label in &self.labels {
            match Expression::from_name(label) {
                Some(expression) if expressions.contains(&expression) => {
                    return Err(format!("its description lists the label “{label}” twice"));
                }
                Some(expression) => expressions.push(expression),
                None => {
                    return Err(format!(
                        "its description lists “{label}”, which is none of the seven FER-2013 expressions"
                    ));
                }
            }
        }
        if expressions.len() != N_EXPRESSIONS {
            return Err(format!(
                "its description lists {} labels instead of seven",
                expressions.len()
            ));
        }
        Ok(expressions)
    }

    /// What is wrong with the description by itself, as the end of a sentence.
    fn check(&self) -> Result<(), String> {
        if self.format_version > FORMAT_VERSION {
            return Err(format!(
                "it was written by a newer version (format {}, this build reads up to {FORMAT_VERSION}); update fervis",
                self.format_version
            ));
        }
        self.expressions()?;
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
                "it wants {} input channels; only 1 (grey) is supported",
                input.channels
            ));
        }
        let positive = |value: f32| value.is_finite() && value > 0.0;
        if !input.mean.is_finite() || !positive(input.std) {
            return Err(format!(
                "its normalisation (mean {}, std {}) makes no sense",
                input.mean, input.std
            ));
        }
        let crops = [Some(input.crop), input.upright_crop];
        for crop in crops.into_iter().flatten() {
            if !positive(crop.scale) || !crop.shift_y.is_finite() {
                return Err("its crop geometry makes no sense".to_owned());
            }
        }
        if !positive(self.temperature) {
            return Err(format!(
                "its temperature {} is not above zero",
                self.temperature
            ));
        }
        if !(0.0..=1.0).contains(&self.uncertain_below) {
            return Err(format!(
                "its threshold for uncertainty {} is no probability",
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

/// A checkpoint in memory: weights on the CPU, as stored.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The description.
    pub metadata: Metadata,
    /// The weights by name.
    pub weights: HashMap<String, Tensor>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

impl Checkpoint {
    /// Reads and checks a file. One that PyTorch wrote is taken as [`pytorch::import`] takes it by default.
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
        if pytorch::looks_like_pytorch(bytes) {
            let import = pytorch::import(bytes, file, &ImportOptions::default())?;
            log::warn!(
                "{file} does not say what its outputs mean and what it was fed with; taken for granted: {}",
                import.assumptions()
            );
            return Ok(import.checkpoint);
        }
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|_| refused(no_safetensors(bytes)))?;
        let metadata = parse_metadata(header.metadata().as_ref()).map_err(refused)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| {
            refused(format!("it is damaged or cut off ({error}); get it again"))
        })?;
        metadata.check().map_err(refused)?;
        let weights = check_weights(&metadata, &tensors).map_err(refused)?;
        Ok(Self {
            metadata,
            weights,
            sha256: format!("{:x}", Sha256::digest(bytes)),
        })
    }

    /// Puts together what comes from another format, with the checks that a file goes through. The weights must have
    /// the names and shapes that the description promises.
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
            sha256: format!("{:x}", Sha256::digest(bytes)),
        })
    }

    /// Writes the checkpoint, atomically: a file with this name is always whole.
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

    /// The checkpoint as a file's bytes.
    ///
    /// # Errors
    /// If the weights are no tensors that safetensors can hold.
    pub fn to_bytes(metadata: &Metadata, weights: &HashMap<String, Tensor>) -> io::Result<Vec<u8>> {
        let description = serde_json::to_string(metadata).map_err(io::Error::other)?;
        let header = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("fervis".to_owned(), description),
        ]);
        let tensors: BTreeMap<_, _> = weights.iter().collect();
        safetensors::serialize(tensors, Some(header)).map_err(io::Error::other)
    }

    /// Which expression each output stands for.
    pub(super) fn expressions(&self) -> Vec<Expression> {
        self.metadata.expressions().unwrap_or_default()
    }
}

/// Reads a file that may be a checkpoint.
///
/// # Errors
/// [`ModelError::Read`], also if it is larger than 2 GB.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, ModelError> {
    let read = || {
        let n_bytes = fs::metadata(path)?.len();
        if n_bytes > MAX_FILE_BYTES {
            return Err(io::Error::other(format!(
                "it has {} MB, more than any network that runs live",
                n_bytes >> 20
            )));
        }
        fs::read(path)
    };
    read().map_err(|source| ModelError::Read {
        path: path.to_owned(),
        source,
    })
}

/// What a file is that is no safetensors file.
fn no_safetensors(bytes: &[u8]) -> String {
    match bytes {
        [] => "it is empty".to_owned(),
        _ => "it is not a safetensors file, or it is damaged; get it again".to_owned(),
    }
}

fn parse_metadata(header: Option<&HashMap<String, String>>) -> Result<Metadata, String> {
    const REMEDY: &str = "models/README.md says how to write one";
    let description = header
        .filter(|header| header.get("format").is_some_and(|format| format == FORMAT))
        .and_then(|header| header.get("fervis"))
        .ok_or_else(|| {
            format!(
                "it does not describe its network (no fervis metadata); `fervis-train import` makes a checkpoint of \
                 PyTorch's weights, and {REMEDY}"
            )
        })?;
    serde_json::from_str(description)
        .map_err(|error| format!("its description is incomplete or wrong ({error}); {REMEDY}"))
}

/// Takes the weights out of the file if they are exactly what the description promises.
fn check_weights(
    metadata: &Metadata,
    tensors: &SafeTensors<'_>,
) -> Result<HashMap<String, Tensor>, String> {
    let name = metadata.architecture.name();
    let expected = metadata
        .architecture
        .weight_shapes(&metadata.input, metadata.labels.len());
    let known: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(stranger) = tensors
        .names()
        .into_iter()
        .find(|name| !known.contains(name))
    {
        return Err(format!(
            "it says it is a {name} network, but holds a tensor “{stranger}” that such a network does not have"
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

/// Refuses weights that are not numbers.
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
mod tests {
    use super::*;
    use crate::model::three_block::ThreeBlockConfig;

    fn tiny() -> (Metadata, HashMap<String, Tensor>) {
        let config = ThreeBlockConfig {
            channels: [1, 1, 1],
            hidden: 2,
            dropout2d: 0.0,
            dropout: 0.0,
        };
        let metadata = Metadata {
            format_version: FORMAT_VERSION,
            name: "tiny".to_owned(),
            architecture: Architecture::ThreeBlock(config),
            labels: Expression::ALL
                .map(|expression| expression.name().to_owned())
                .to_vec(),
            input: InputSpec {
                width: 8,
                height: 8,
                ..InputSpec::FER_2013
            },
            temperature: 1.5,
            uncertain_below: 0.45,
            training: serde_json::json!({ "data": "none" }),
            metrics: BTreeMap::from([("PublicTest accuracy".to_owned(), 0.5)]),
            license: "MIT OR Apache-2.0".to_owned(),
        };
        let weights = metadata
            .architecture
            .weight_shapes(&metadata.input, 7)
            .into_iter()
            .map(|(name, shape)| (name, Tensor::ones(shape, DType::F32, &Device::Cpu).unwrap()))
            .collect();
        (metadata, weights)
    }

    fn bytes(metadata: &Metadata, weights: &HashMap<String, Tensor>) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        Checkpoint::write(metadata, weights, &path).unwrap();
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no partial file is left"
        );
        fs::read(path).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let (metadata, weights) = tiny();
        let read = Checkpoint::parse(&bytes(&metadata, &weights), "net").unwrap();
        assert_eq!(read.metadata, metadata);
        assert_eq!(read.weights.len(), weights.len());
        assert_eq!(read.sha256.len(), 64);
    }

    /// Files from before there was a threshold stay what they were.
    #[test]
    fn without_a_threshold_nothing_is_uncertain() {
        let (mut metadata, weights) = tiny();
        metadata.uncertain_below = 0.0;
        let json = serde_json::to_string(&metadata).unwrap();
        assert!(!json.contains("uncertain"), "{json}");
        let read = Checkpoint::parse(&bytes(&metadata, &weights), "net").unwrap();
        assert_eq!(read.metadata.uncertain_below, 0.0);
    }

    /// The file begins with the length of its description, which may look like the beginning of a pickle.
    #[test]
    fn checkpoints_of_every_length_are_known_as_such() {
        let (mut metadata, weights) = tiny();
        for length in (0..256).step_by(8) {
            metadata.name = "x".repeat(length);
            let bytes = bytes(&metadata, &weights);
            let read = Checkpoint::parse(&bytes, "net").unwrap();
            assert_eq!(read.metadata.name.len(), length);
        }
    }

    #[track_caller]
    fn refused(bytes: &[u8], words: &str) {
        let message = Checkpoint::parse(bytes, "my.safetensors")
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("my.safetensors cannot be used: "),
            "{message}"
        );
        assert!(message.contains(words), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }

    #[test]
    fn bad_files_are_refused_with_one_sentence() {
        let (metadata, weights) = tiny();
        let good = bytes(&metadata, &weights);
        refused(&[], "it is empty");
        refused(b"PK\x03\x04 and more of a zip file", "damaged");
        refused(b"\x80\x02}.", "not one that torch.save wrote");
        refused(
            b"just some text, long enough to be read as a header length",
            "not a safetensors file",
        );
        refused(&good[..good.len() - 3], "");
        refused(&good[..40], "");
        let plain = safetensors::serialize(weights.iter(), None).unwrap();
        refused(&plain, "does not describe its network");
    }

    #[test]
    fn contradictions_are_refused() {
        let (good, weights) = tiny();
        let check = |change: &dyn Fn(&mut Metadata, &mut HashMap<String, Tensor>), words: &str| {
            let (mut metadata, mut weights) = (good.clone(), weights.clone());
            change(&mut metadata, &mut weights);
            refused(&bytes(&metadata, &weights), words);
        };
        check(&|_, w| drop(w.remove("fc2.bias")), "“fc2.bias” is missing");
        check(&|m, _| m.input.width = 16, "of shape");
        check(&|m, _| m.input.width = 12, "multiple of 8");
        check(&|m, _| m.input.width = 0, "out of range");
        check(&|m, _| m.input.channels = 3, "only 1 (grey)");
        check(&|m, _| m.input.std = 0.0, "normalisation");
        check(&|m, _| m.temperature = -1.0, "temperature");
        check(&|m, _| m.uncertain_below = 1.5, "no probability");
        check(&|m, _| m.labels[2] = "angry".to_owned(), "twice");
        check(&|m, _| m.labels[2] = "cat".to_owned(), "none of the seven");
        check(&|m, _| drop(m.labels.pop()), "instead of seven");
        check(&|m, _| m.format_version = 99, "newer version");
        check(
            &|_, w| drop(w.insert("extra".to_owned(), w["fc2.bias"].clone())),
            "“extra”",
        );
        let nan = Tensor::full(f32::NAN, 7, &Device::Cpu).unwrap();
        check(
            &|_, w| drop(w.insert("fc2.bias".to_owned(), nan.clone())),
            "not numbers",
        );
    }
}
