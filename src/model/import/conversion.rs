//! A checkpoint out of a file that does not describe itself.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
};

use candle_core::{DType, Tensor};

use super::{
    labels::StatedLabels,
    matching::{Change, Match},
    recognize::{Recognized, recognize},
    weight_file::{WeightFile, Weights},
};
use crate::{
    expression::{Expression, N_EXPRESSIONS},
    model::{
        assumptions::{Assumed, Color, KnownOrder, Order as OutputOrder, PerChannel, Settings},
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
        error::ModelError,
        preprocess::InputSpec,
    },
};

with_defaults! {
    /// What an imported file does not say.
    ///
    /// The default takes outputs as the file says, and pixels from -1 to 1.
    #[derive(Debug, Clone, PartialEq)]
    pub struct ImportOptions {
        /// The label of each output. If `None`, the file's own labels or, for seven outputs without any, FER-2013's.
        pub labels: Option<Vec<String>> = None,
        /// Normalization, filter and crop. The size is inferred from the weights where they depend on it.
        pub input: InputSpec = InputSpec::FER_2013,
        /// The name of the architecture. If `None`, all are tried.
        pub architecture: Option<String> = None,
        /// License of the weights.
        pub license: String = "unknown".to_owned(),
    }
}

/// An imported checkpoint, and how it was recognized.
#[derive(Debug, Clone)]
pub struct Import {
    /// The checkpoint, ready to run or to write.
    pub checkpoint: Checkpoint,
    pub(super) recognized: Recognized,
    /// The tensors that it was made of.
    pub(super) weights: Weights,
    /// The source of the order of the outputs.
    order: Order,
}

/// The source of the order of the outputs.
#[derive(Debug, Clone, PartialEq)]
enum Order {
    /// The options.
    Given,
    /// The file, under this key.
    Stated(String),
    /// Nothing says it, so FER-2013's is assumed. The file may name other classes, under a key.
    Assumed(Option<(String, String)>),
}

impl ImportOptions {
    /// What people said about a file. An order that seven and eight outputs can have makes two options.
    pub(super) fn from_settings(said: &Settings) -> Vec<Self> {
        let mut input = InputSpec::FER_2013;
        input.width = said.width.unwrap_or(input.width);
        input.height = said.height.unwrap_or(input.height);
        input.mean = said.mean.map_or(input.mean, PerChannel::of_gray);
        input.std = said.std.map_or(input.std, PerChannel::of_gray);
        input.crop.scale = said.crop_scale.unwrap_or(input.crop.scale);
        input.crop.shift_y = said.crop_shift.unwrap_or(input.crop.shift_y);
        let labels = match &said.labels {
            None => vec![None],
            Some(OutputOrder::Names(names)) => vec![Some(names.clone())],
            Some(OutputOrder::Known(known)) => [7, 8]
                .into_iter()
                .filter_map(|n| known.names(n))
                .map(Some)
                .collect(),
        };
        let with = |labels| Self {
            labels,
            input,
            ..Self::default()
        };
        labels.into_iter().map(with).collect()
    }
}

impl Import {
    /// What is assumed, and what was `said`, for the window.
    pub(super) fn assumed(&self, said: &Settings) -> Assumed {
        let Metadata { labels, input, .. } = &self.checkpoint.metadata;
        let known = KnownOrder::ALL
            .into_iter()
            .find(|known| known.names(labels.len()).as_ref() == Some(labels));
        Assumed {
            family: None,
            settings: Settings {
                labels: Some(match known {
                    Some(known) => OutputOrder::Known(known),
                    None => OutputOrder::Names(labels.clone()),
                }),
                width: Some(input.width),
                height: Some(input.height),
                color: Some(Color::Gray),
                mean: Some(PerChannel::One(input.mean)),
                std: Some(PerChannel::One(input.std)),
                ..said.clone()
            },
            order_is_a_guess: matches!(self.order, Order::Assumed(_)),
            input_is_a_guess: said.mean.is_none() || said.std.is_none(),
            n_channels: 1,
            n_outputs: labels.len(),
        }
    }

    /// The meaning of the outputs and the normalization of the input, and which of them are assumed, in words.
    pub fn assumptions(&self) -> String {
        let metadata = &self.checkpoint.metadata;
        let outputs = format!("outputs {}", metadata.labels.join(", "));
        let (mean, std) = (metadata.input.mean, metadata.input.std);
        let input = format!("input (luma / 255 - {mean}) / {std}");
        match &self.order {
            Order::Given => format!("{outputs}, as requested; assumed: {input}"),
            Order::Stated(key) => {
                format!("{outputs}, as its “{key}” says; assumed: {input}")
            }
            Order::Assumed(None) => format!("assumed: {outputs}; {input}"),
            Order::Assumed(Some((key, names))) => format!(
                "assumed: {outputs}; {input}. Its “{key}” names other classes ({names}); check the order"
            ),
        }
    }
}

/// Makes a checkpoint of the bytes of a file called `file` in messages: what `torch.save` wrote, or safetensors without a
/// description. The temperature is 1.
///
/// # Errors
/// [`ModelError::Refused`].
pub fn import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, ModelError> {
    try_import(bytes, file, options).map_err(|reason| ModelError::refused(file, reason))
}

fn try_import(bytes: &[u8], file: &str, options: &ImportOptions) -> Result<Import, String> {
    let mut opened = WeightFile::open(bytes)?;
    let (weights, recognized) = find_weights(&mut opened, options)?;
    let in_words = |error: candle_core::Error| error.to_string();
    let mut converted = HashMap::new();
    for Match {
        ours,
        index,
        change,
    } in &recognized.matching.matched
    {
        let weight = opened.read(&weights, *index)?;
        converted.insert(ours.clone(), change.apply(&weight).map_err(in_words)?);
    }
    for (index, mean) in &recognized.matching.folded {
        let bias = opened.read(&weights, *index)?;
        let shifted = converted.get(mean).map(|mean| shift(mean, &bias));
        let shifted = shifted.transpose().map_err(in_words)?;
        converted.extend(shifted.map(|shifted| (mean.clone(), shifted)));
    }
    let (labels, order) = labels_of(&recognized, options.labels.as_deref(), opened.labels)?;
    let stem = Path::new(file).file_stem().unwrap_or_default();
    let metadata = Metadata {
        format_version: FORMAT_VERSION,
        name: stem.to_string_lossy().into_owned(),
        architecture: recognized.architecture.clone(),
        labels,
        input: recognized.input,
        temperature: 1.0,
        uncertain_below: 0.0,
        training: serde_json::json!({ "imported from": "a PyTorch file" }),
        metrics: BTreeMap::new(),
        license: options.license.clone(),
    };
    Ok(Import {
        checkpoint: Checkpoint::assemble(metadata, converted, bytes)?,
        recognized,
        weights,
        order,
    })
}

/// The name of each output, as given, as the file states it, or as assumed.
fn labels_of(
    recognized: &Recognized,
    given: Option<&[String]>,
    stated: Option<StatedLabels>,
) -> Result<(Vec<String>, Order), String> {
    let n_outputs = recognized.n_outputs;
    if let Some(given) = given {
        if given.len() != n_outputs {
            let n = given.len();
            return Err(format!(
                "it has {n_outputs} outputs, but {n} labels are given"
            ));
        }
        return Ok((given.to_vec(), Order::Given));
    }
    let (key, names) = match stated {
        Some(StatedLabels { key, labels }) => match labels {
            Ok(labels) if labels.len() == n_outputs => return Ok((labels, Order::Stated(key))),
            Ok(labels) => (Some(key), labels.join(", ")),
            Err(names) => (Some(key), names),
        },
        None => (None, String::new()),
    };
    if n_outputs == N_EXPRESSIONS {
        let labels = Expression::ALL.map(|label| label.name().to_owned());
        let other = key.map(|key| (key, names));
        return Ok((labels.to_vec(), Order::Assumed(other)));
    }
    let architecture = recognized.architecture.name();
    let said = match key {
        Some(key) => format!("its “{key}” does not name as many ({names})"),
        None => "it does not say what they mean".to_owned(),
    };
    Err(format!(
        "it is a {architecture} network with {n_outputs} outputs, but {said}; name them in their order with fervis-train \
         import --labels"
    ))
}

/// Finds the first set of tensors that fits an architecture. The error is about the largest set.
fn find_weights(
    opened: &mut WeightFile<'_>,
    options: &ImportOptions,
) -> Result<(Weights, Recognized), String> {
    let mut nearest: Option<(usize, String)> = None;
    for weights in opened.candidates.clone() {
        let recognized = recognize(
            &weights.tensors,
            &options.input,
            options.architecture.as_deref(),
            &mut |index| {
                let values = opened.read(&weights, index)?.to_dtype(DType::F32);
                let values = values.and_then(|values| values.flatten_all()?.to_vec1());
                values.map_err(|error: candle_core::Error| error.to_string())
            },
        );
        let n_tensors = weights.tensors.len();
        match recognized {
            Ok(recognized) => return Ok((weights, recognized)),
            Err(reason) if nearest.as_ref().is_none_or(|(n, _)| n_tensors > *n) => {
                nearest = Some((n_tensors, reason));
            }
            Err(_) => {}
        }
    }
    Err(nearest.map_or_else(|| "it holds no weights".to_owned(), |(_, reason)| reason))
}

/// The running mean when the convolution before no longer adds `bias`. In F32, since half precision would round it.
fn shift(mean: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
    mean.to_dtype(DType::F32)? - bias.to_dtype(DType::F32)?
}

impl Import {
    /// The file's name of a tensor.
    fn name(&self, index: usize) -> &str {
        &self.weights.tensors[index].name
    }
}

impl fmt::Display for Import {
    /// The report for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata = &self.checkpoint.metadata;
        let place = match self.weights.found_under.as_str() {
            "" => String::new(),
            key => format!(" under “{key}”"),
        };
        writeln!(
            f,
            "{} for inputs of {}×{}, from {} tensors{place}",
            metadata.architecture.name(),
            metadata.input.width,
            metadata.input.height,
            self.weights.tensors.len()
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
            write!(f, "  {ours:<width$} = {} {shape:?}", self.name(*index))?;
            writeln!(
                f,
                "{}",
                match change {
                    Change::None => "",
                    Change::Summed => ", summed over the colors",
                    Change::Spread(_) => ", spread over the colors",
                }
            )?;
        }
        for (index, mean) in &matching.folded {
            writeln!(f, "  {mean:<width$} absorbs {}", self.name(*index))?;
        }
        writeln!(
            f,
            "missing: none; left over: none; other types skipped: {}",
            self.weights.skipped.len()
        )?;
        for (what, names) in [
            ("not weights, not used", &self.weights.beside),
            ("the same layers are also under", &self.weights.copies),
        ] {
            if !names.is_empty() {
                writeln!(f, "{what}: {}", names.join(", "))?;
            }
        }
        if !self.recognized.also_fits.is_empty() {
            writeln!(
                f,
                "the same tensors also fit {}; choose with --architecture",
                self.recognized.also_fits.join(", ")
            )?;
        }
        write!(f, "{}", self.assumptions())
    }
}
