//! A loaded network with its device, preprocessing and order of labels.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

#[cfg(feature = "onnx")]
use super::onnx;
use super::{
    assumptions::{Assumed, Settings},
    bundled::CheckpointChoice,
    checkpoint::{Checkpoint, read_bytes},
    device::ComputeDevice,
    error::ModelError,
    import,
    net::InferenceNet,
    preprocess::{FaceRegion, InputSpec, Preprocessor},
};
use crate::{
    expression::{Label, Labels, Logits, PerLabel},
    frame::Frame,
};

named! {
    /// Which views of a face the network sees.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Views {
        /// The face only.
        #[default]
        Single = "single",
        /// The face and its mirror image; the result is the mean of the two rows of logits ("flip averaging"). It takes twice as
        /// long.
        Flip = "flip",
    }
}

impl Views {
    /// The other choice.
    pub fn other(self) -> Self {
        match self {
            Self::Single => Self::Flip,
            Self::Flip => Self::Single,
        }
    }

    /// Number of views.
    pub fn count(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Flip => 2,
        }
    }
}

/// A checkpoint's description of itself, for menus, the status bar and reports.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointInfo {
    /// Display name: the bundled name, or the file's stem.
    pub name: String,
    /// The file, unless it is bundled.
    pub path: Option<PathBuf>,
    /// Architecture name, for example `three-block`.
    pub architecture: String,
    /// Number of weights.
    pub n_parameters: usize,
    /// What it tells apart, in the order of all results.
    pub labels: Labels,
    /// The names of its outputs in the file, in their order there.
    pub outputs: Vec<String>,
    /// Divides the logits before softmax; 1 if never calibrated.
    pub temperature: f32,
    /// The network's own threshold: if the most probable expression is less probable than this, it is uncertain. 0 for never.
    pub uncertain_below: f32,
    /// Measured figures: name and formatted value.
    pub metrics: Vec<(String, String)>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// What is assumed about a file of another program.
    pub assumed: Option<Assumed>,
}

/// What computes the logits.
enum Network {
    Ours(InferenceNet, Device),
    #[cfg(feature = "onnx")]
    Onnx(onnx::OnnxNetwork),
}

impl Network {
    /// Whole inputs, one after the other, to a row of logits for each.
    fn forward(&self, inputs: Vec<f32>, spec: &InputSpec) -> Result<Vec<Vec<f32>>, ModelError> {
        match self {
            Self::Ours(network, device) => {
                let shape = (
                    inputs.len() / spec.n_values(),
                    spec.channels,
                    spec.height,
                    spec.width,
                );
                let xs = Tensor::from_vec(inputs, shape, device)?;
                Ok(network.forward(&xs)?.to_vec2::<f32>()?)
            }
            #[cfg(feature = "onnx")]
            Self::Onnx(network) => {
                let rows = network.forward(&inputs);
                Ok(rows.map_err(candle_core::Error::Msg)?)
            }
        }
    }
}

/// A loaded network. Built and used on one thread.
pub struct Classifier {
    info: Arc<CheckpointInfo>,
    input: InputSpec,
    network: Network,
    /// The label of each output.
    outputs: Vec<Label>,
    preprocessor: Preprocessor,
}

impl Classifier {
    /// Loads a checkpoint onto a device and runs it once, so that the first face is not the slowest.
    ///
    /// # Errors
    /// [`ModelError`], as one sentence: which file, what is wrong, and what to do.
    pub fn load(choice: &CheckpointChoice, device: &ComputeDevice) -> Result<Self, ModelError> {
        let mut classifier = match choice {
            CheckpointChoice::Bundled(_) => {
                Self::new(choice.read()?, choice.name(), None, &device.device)?
            }
            CheckpointChoice::File(path) => Self::load_file(path, &Settings::default(), device)?,
            CheckpointChoice::FileAs(path, said) => Self::load_file(path, said, device)?,
        };
        let n_values = classifier.spec().n_values();
        classifier.logits(vec![0.0; n_values])?;
        Ok(classifier)
    }

    fn load_file(path: &Path, said: &Settings, device: &ComputeDevice) -> Result<Self, ModelError> {
        let bytes = read_bytes(path)?;
        #[cfg(feature = "onnx")]
        if import::foreign::is_onnx(&bytes) {
            let said = said.clone().or(Settings::beside(path)?);
            return Self::of_onnx(&bytes, path, &said);
        }
        let checkpoint = import::parse_as(&bytes, path, said)?;
        drop(bytes);
        let name = CheckpointChoice::File(path.to_owned()).name();
        Self::new(checkpoint, name, Some(path.to_owned()), &device.device)
    }

    /// An ONNX network. It runs on the CPU.
    #[cfg(feature = "onnx")]
    fn of_onnx(bytes: &[u8], path: &Path, said: &Settings) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        let loaded = onnx::load(bytes, path.parent(), &file, said)?;
        let (labels, outputs) = Labels::of_outputs(&loaded.labels)
            .map_err(|error| ModelError::refused(&file, format!("its description {error}")))?;
        if loaded.assumed.is_a_guess() {
            log::warn!("{file}: {}", loaded.assumed);
        }
        let info = CheckpointInfo {
            name: CheckpointChoice::File(path.to_owned()).name(),
            path: Some(path.to_owned()),
            architecture: match loaded.assumed.family {
                Some(family) => format!("ONNX ({family})"),
                None => "ONNX".to_owned(),
            },
            n_parameters: loaded.n_parameters,
            labels,
            outputs: loaded.labels,
            temperature: loaded.temperature,
            uncertain_below: loaded.uncertain_below,
            metrics: Vec::new(),
            sha256: loaded.sha256,
            assumed: Some(loaded.assumed),
        };
        Ok(Self {
            info: Arc::new(info),
            input: loaded.input,
            network: Network::Onnx(loaded.network),
            outputs,
            preprocessor: Preprocessor::default(),
        })
    }

    /// Builds the network of a checkpoint in memory.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if the device has no room for it.
    pub fn new(
        checkpoint: Checkpoint,
        name: String,
        path: Option<PathBuf>,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let (labels, outputs) = checkpoint.outputs()?;
        let metadata = checkpoint.metadata;
        let network = metadata.architecture.inference(
            &metadata.input,
            metadata.labels.len(),
            &checkpoint.weights,
            device,
        )?;
        let info = CheckpointInfo {
            name,
            path,
            architecture: metadata.architecture.name().to_owned(),
            n_parameters: checkpoint.weights.values().map(Tensor::elem_count).sum(),
            labels,
            outputs: metadata.labels.clone(),
            temperature: metadata.temperature,
            uncertain_below: metadata.uncertain_below,
            metrics: metadata
                .metrics
                .iter()
                .map(|(name, value)| (name.clone(), formatted(*value)))
                .collect(),
            sha256: checkpoint.sha256,
            assumed: checkpoint.assumed,
        };
        Ok(Self {
            info: Arc::new(info),
            input: metadata.input,
            network: Network::Ours(network, device.clone()),
            outputs,
            preprocessor: Preprocessor::default(),
        })
    }

    /// The checkpoint's description of itself, for display.
    pub fn info(&self) -> &Arc<CheckpointInfo> {
        &self.info
    }

    /// The input that the network takes.
    pub fn spec(&self) -> &InputSpec {
        &self.input
    }

    /// Classifies all faces of a frame in one batch. Returns one [`Logits`] per face, in their order. Divide them by
    /// [`CheckpointInfo::temperature`] before softmax.
    ///
    /// # Errors
    /// [`ModelError::Compute`].
    pub fn classify(
        &mut self,
        frame: &Frame,
        faces: &[FaceRegion],
        views: Views,
    ) -> Result<Vec<Logits>, ModelError> {
        if faces.is_empty() {
            return Ok(Vec::new());
        }
        let spec = self.input;
        let mut inputs = Vec::with_capacity(faces.len() * spec.n_values() * views.count());
        for face in faces {
            self.preprocessor.append(frame, face, &spec, &mut inputs);
        }
        self.logits_of_views(inputs, views)
    }

    /// As [`Classifier::logits`], from these views of each input; still one row per input.
    ///
    /// # Errors
    /// As [`Classifier::logits`].
    pub fn logits_of_views(
        &mut self,
        mut inputs: Vec<f32>,
        views: Views,
    ) -> Result<Vec<Logits>, ModelError> {
        if views == Views::Single {
            return self.logits(inputs);
        }
        let width = self.spec().width;
        let n_values = inputs.len();
        for row in (0..n_values).step_by(width) {
            let end = (row + width).min(n_values);
            inputs.extend_from_within(row..end);
            inputs[n_values + row..].reverse();
        }
        let mut logits = self.logits(inputs)?;
        let mirrored = logits.split_off(logits.len() / 2);
        for (Logits(upright), Logits(mirrored)) in logits.iter_mut().zip(&mirrored) {
            for (value, other) in upright.iter_mut().zip(mirrored.iter()) {
                *value = 0.5 * (*value + other);
            }
        }
        Ok(logits)
    }

    /// Runs the network on preprocessed inputs, [`InputSpec::n_values`] values each. The logits are in the order of
    /// [`CheckpointInfo::labels`].
    ///
    /// # Errors
    /// [`ModelError::Compute`], also if the values are not a whole number of inputs.
    pub fn logits(&mut self, inputs: Vec<f32>) -> Result<Vec<Logits>, ModelError> {
        let rows = self.network.forward(inputs, &self.input)?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut logits = PerLabel::new(self.info.labels);
                for (label, value) in self.outputs.iter().zip(row) {
                    logits[label.index()] = value;
                }
                Logits(logits)
            })
            .collect())
    }
}

/// Formats a figure: values from 0 to 1 in percent, others as they are.
fn formatted(value: f64) -> String {
    if (0.0..=1.0).contains(&value) {
        format!("{:.1} %", value * 100.0)
    } else {
        format!("{value}")
    }
}
