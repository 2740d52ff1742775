//! A network that tract runs.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

use tract_onnx::{Onnx, data_resolver::ModelDataResolver, prelude::*};

use super::{Color, Outputs, PerChannel, limits, proto::OnnxFile};
use crate::{expression::MAX_LABELS, panics, read};

/// The largest file of weights beside a network.
const MAX_BESIDE_BYTES: u64 = 1 << 30;
/// Probabilities add up to 1 within this, whatever their number.
const SUM_TOLERANCE: f32 = 1e-3;
/// The least probability; the logarithm of 0 is not a number to count with.
const MIN_PROBABILITY: f32 = 1e-12;

/// How a network's input is arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrangement {
    /// 1, or 3, which are equal for gray.
    pub channels: usize,
    /// What they are.
    pub color: Color,
    /// Whether they are the last axis.
    pub channels_last: bool,
}

/// Turns values from 0 to 1 into those that the network takes: `(value - mean) / std`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalization {
    mean: [f32; 3],
    std: [f32; 3],
}

impl Normalization {
    pub fn new(mean: PerChannel, std: PerChannel) -> Self {
        Self {
            mean: mean.each(),
            std: std.each(),
        }
    }
}

/// A network that runs.
pub struct OnnxNetwork {
    plan: Arc<TypedRunnableModel>,
    shape: [usize; 4],
    arrangement: Arrangement,
    normalization: Normalization,
    outputs: Outputs,
}

/// A network that is ready but for what its values mean.
pub struct Prepared {
    plan: Arc<TypedRunnableModel>,
    shape: [usize; 4],
    /// Values of its output.
    pub n_outputs: usize,
}

/// Optimizes a network for inputs of one shape. The error is the end of a sentence.
pub fn prepare(
    file: &OnnxFile,
    folder: Option<&Path>,
    shape: [usize; 4],
) -> Result<Prepared, String> {
    let prepared = panics::catch(|| try_prepare(file, folder, shape));
    prepared.unwrap_or_else(|| Err("its graph contradicts itself; export it again".to_owned()))
}

fn try_prepare(
    file: &OnnxFile,
    folder: Option<&Path>,
    shape: [usize; 4],
) -> Result<Prepared, String> {
    let in_words = |error: TractError| format!("it cannot be run: {}", causes(&error));
    let onnx = Onnx {
        provider: Arc::new(Beside),
        ..tract_onnx::onnx()
    };
    let parsed = onnx.parse(&file.proto, folder.and_then(Path::to_str));
    let mut parsed = parsed.map_err(in_words)?;
    if let Some(missing) = parsed.unresolved_inputs.first() {
        return Err(format!(
            "its graph uses “{missing}”, which it does not have; it is damaged"
        ));
    }
    let fact = InferenceFact::dt_shape(f32::datum_type(), shape);
    parsed.model.set_input_fact(0, fact).map_err(in_words)?;
    let mut typed = parsed.model.into_typed().map_err(in_words)?;
    limits::check_typed(&typed)?;
    // Of several outputs, the first that may be labels.
    let outputs = typed.output_outlets().map_err(in_words)?.to_vec();
    let volume = |outlet: &OutletId| {
        let fact = typed.outlet_fact(*outlet).ok()?;
        let is_float = fact.datum_type == f32::datum_type();
        let volume = usize::try_from(fact.shape.volume().to_i64().ok()?).ok()?;
        is_float.then_some(volume)
    };
    let found = outputs.iter().find_map(|outlet| {
        let n = volume(outlet).filter(|n| (2..=MAX_LABELS).contains(n))?;
        Some((*outlet, n))
    });
    let Some((outlet, n_outputs)) = found else {
        let sizes: Vec<String> = outputs
            .iter()
            .map(|outlet| volume(outlet).map_or("no numbers".to_owned(), |n| n.to_string()))
            .collect();
        return Err(format!(
            "it is not a classifier of faces: its output has {} values, and labels are 2 to {MAX_LABELS}",
            sizes.join(" and ")
        ));
    };
    typed.select_output_outlets(&[outlet]).map_err(in_words)?;
    let optimized = typed.into_optimized().map_err(in_words)?;
    let plan = optimized.into_runnable().map_err(in_words)?;
    Ok(Prepared {
        plan,
        shape,
        n_outputs,
    })
}

impl Prepared {
    /// The network, and what its outputs are: as `said`, or as two runs show. The error is the end of a sentence.
    pub fn finish(
        self,
        arrangement: Arrangement,
        normalization: Normalization,
        said: Option<Outputs>,
    ) -> Result<(OnnxNetwork, Outputs), String> {
        let mut network = OnnxNetwork {
            plan: self.plan,
            shape: self.shape,
            arrangement,
            normalization,
            outputs: Outputs::Logits,
        };
        let n_values = network.n_values();
        let gradient = (0..n_values).map(|index| (index % 251) as f32 / 250.0);
        let rows = [vec![0.5; n_values], gradient.collect()].map(|input| network.run(&input));
        let mut are_probabilities = true;
        for row in rows {
            let row = row?;
            if row.iter().any(|value| !value.is_finite()) {
                return Err(
                    "its outputs are not numbers; it is damaged, or its input is set wrong"
                        .to_owned(),
                );
            }
            let sum: f32 = row.iter().sum();
            are_probabilities &=
                row.iter().all(|value| *value >= 0.0) && (sum - 1.0).abs() <= SUM_TOLERANCE;
        }
        network.outputs = said.unwrap_or(match are_probabilities {
            true => Outputs::Probabilities,
            false => Outputs::Logits,
        });
        let outputs = network.outputs;
        Ok((network, outputs))
    }
}

impl OnnxNetwork {
    /// Values of one input: a plane of luma, or of red, green and blue.
    fn n_values(&self) -> usize {
        let n_pixels: usize = self.shape.iter().product::<usize>() / self.arrangement.channels;
        match self.arrangement.color {
            Color::Gray => n_pixels,
            Color::Rgb | Color::Bgr => 3 * n_pixels,
        }
    }

    /// Inputs, one after the other, to a row of logits for each.
    ///
    /// Each input is planes of values from 0 to 1, rows top to bottom.
    ///
    /// # Errors
    /// If the values are not whole inputs, or the runtime fails. The error is the end of a sentence.
    pub fn forward(&self, inputs: &[f32]) -> Result<Vec<Vec<f32>>, String> {
        let inputs = inputs.chunks(self.n_values());
        inputs
            .map(|input| {
                let mut row = self.run(input)?;
                if self.outputs == Outputs::Probabilities {
                    for value in &mut row {
                        *value = value.max(MIN_PROBABILITY).ln();
                    }
                }
                Ok(row)
            })
            .collect()
    }

    /// One input to the values that the network gives.
    fn run(&self, input: &[f32]) -> Result<Vec<f32>, String> {
        let ran = panics::catch(|| {
            let input = Tensor::from_shape(&self.shape, &self.arranged(input))?;
            let outputs = self.plan.run(tvec!(input.into()))?;
            let output = outputs[0].try_as_plain_ram()?;
            TractResult::Ok(output.as_slice::<f32>()?.to_vec())
        });
        match ran {
            Some(Ok(row)) => Ok(row),
            Some(Err(error)) => Err(format!("it cannot be run: {}", causes(&error))),
            None => {
                Err("it cannot be run: its graph contradicts itself; export it again".to_owned())
            }
        }
    }

    /// Planes of values from 0 to 1, as the network takes them.
    fn arranged(&self, input: &[f32]) -> Vec<f32> {
        let Arrangement {
            channels,
            color,
            channels_last,
        } = self.arrangement;
        let n_pixels = self.shape.iter().product::<usize>() / channels;
        let mut arranged = vec![0.0; n_pixels * channels];
        for channel in 0..channels {
            // Mean and deviation are in the order of red, green and blue, as the planes are.
            let source = match color {
                Color::Gray => 0,
                Color::Rgb => channel,
                Color::Bgr => 2 - channel,
            };
            let named = if color == Color::Gray {
                channel
            } else {
                source
            };
            let (mean, std) = (
                self.normalization.mean[named],
                self.normalization.std[named],
            );
            let plane = &input[source * n_pixels..][..n_pixels];
            for (pixel, value) in plane.iter().enumerate() {
                let place = match channels_last {
                    true => pixel * channels + channel,
                    false => channel * n_pixels + pixel,
                };
                arranged[place] = (value - mean) / std;
            }
        }
        arranged
    }
}

/// The causes of an error, the innermost first: the outer ones name tract's own steps.
fn causes(error: &TractError) -> String {
    let innermost = error.root_cause().to_string();
    let line = innermost.lines().next().unwrap_or_default();
    line.trim_end_matches('.').to_owned()
}

/// Reads weights that are in a file beside the network, which tract has already found to be in its folder.
#[derive(Debug)]
struct Beside;

impl ModelDataResolver for Beside {
    fn read_bytes_from_path(
        &self,
        buffer: &mut Vec<u8>,
        path: &Path,
        offset: usize,
        length: Option<usize>,
    ) -> TractResult<()> {
        let in_words = |error: io::Error| {
            TractError::msg(format!(
                "{} beside it, which holds its weights, could not be read ({error})",
                path.file_name().unwrap_or_default().to_string_lossy()
            ))
        };
        read_part(
            buffer,
            path,
            offset as u64,
            length.map(|length| length as u64),
        )
        .map_err(in_words)
    }
}

fn read_part(
    buffer: &mut Vec<u8>,
    path: &Path,
    offset: u64,
    length: Option<u64>,
) -> io::Result<()> {
    let mut file: File = read::open(path)?;
    let n_bytes = file.metadata()?.len();
    let length = length.unwrap_or(n_bytes.saturating_sub(offset));
    if offset.checked_add(length).is_none_or(|end| end > n_bytes) || length > MAX_BESIDE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it is cut off",
        ));
    }
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(buffer)?;
    Ok(())
}
