//! First weights for a training, from a network for another task, usually ImageNet.
//!
//! All layers before the first linear one must be in the file, under any names. The rest is the head: layers with the same
//! shapes are taken, the others start at random.

use std::{collections::HashMap, fmt};

use candle_core::{DType, Tensor};

use super::{
    matching::{Change, Matching, match_tensors},
    weight_file::{WeightFile, Weights},
};
use crate::model::{
    checkpoint::check_finite, error::ModelError, net::Architecture, preprocess::InputSpec,
    serialize::sha256,
};

/// First weights, and where they come from.
#[derive(Debug, Clone)]
pub struct Pretrained {
    /// The weights in f32, by our names.
    pub weights: HashMap<String, Tensor>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The name of the file.
    pub file: String,
    /// The channels of the file's stages, if they were widened to those of the network.
    pub widened_from: Vec<usize>,
    n_expected: usize,
    /// The change of the first kernels.
    change: Change,
    /// Our layers that start at random.
    new: Vec<String>,
    unused: Vec<String>,
}

/// Takes first weights for `architecture` with `n_classes` outputs from the bytes of a file called `file` in messages: what `torch.save` wrote, or
/// safetensors.
///
/// # Errors
/// [`ModelError::Refused`], if the file is damaged or holds another network.
pub fn read_pretrained(
    bytes: &[u8],
    file: &str,
    architecture: &Architecture,
    input: &InputSpec,
    n_classes: usize,
) -> Result<Pretrained, ModelError> {
    try_take(bytes, file, architecture, input, n_classes)
        .map_err(|reason| ModelError::refused(file, reason))
}

fn try_take(
    bytes: &[u8],
    file: &str,
    architecture: &Architecture,
    input: &InputSpec,
    n_classes: usize,
) -> Result<Pretrained, String> {
    let mut opened = WeightFile::open(bytes)?;
    let expected = architecture.weight_shapes(input, n_classes);
    let first_linear = expected.iter().position(|(_, shape)| shape.len() == 2);
    let (features, head) = expected.split_at(first_linear.unwrap_or(expected.len()));
    let (chosen, matching) = choose(&opened.candidates, &expected, features)
        .map_err(|reason| format!("it is not a {} network: {reason}", architecture.name()))?;
    let is_missing = |(name, _): &&(String, Vec<usize>)| matching.missing.contains(name);
    let mut weights = HashMap::new();
    let mut change = Change::None;
    for matched in &matching.matched {
        let weight = opened.read(&chosen, matched.index)?;
        check_finite(&matched.ours, &weight)?;
        if matched.change != Change::None {
            change = matched.change;
        }
        let weight = matched.change.apply(&weight);
        let weight = weight.and_then(|weight| weight.to_dtype(DType::F32));
        let weight = weight.map_err(|error| error.to_string())?;
        weights.insert(matched.ours.clone(), weight);
    }
    let mut new: Vec<String> = head
        .iter()
        .filter(is_missing)
        .map(|(n, _)| layer(n))
        .collect();
    new.dedup();
    let mut unused: Vec<String> = matching
        .left_over
        .iter()
        .map(|index| layer(&chosen.tensors[*index].name))
        .collect();
    unused.dedup();
    Ok(Pretrained {
        weights,
        sha256: sha256(&[bytes]),
        file: file.to_owned(),
        widened_from: Vec::new(),
        n_expected: expected.len(),
        change,
        new,
        unused,
    })
}

/// The first of `candidates` that has all of `features` and no other convolution, and its matching. The error is about the
/// closest one, as the end of a sentence.
fn choose(
    candidates: &[Weights],
    expected: &[(String, Vec<usize>)],
    features: &[(String, Vec<usize>)],
) -> Result<(Weights, Matching), String> {
    let mut nearest: Option<(usize, usize)> = None;
    for weights in candidates {
        let matching = match_tensors(expected, &weights.tensors);
        let is_kernel = |index: &&usize| weights.tensors[**index].shape.len() == 4;
        let n_missing = features
            .iter()
            .filter(|(name, _)| matching.missing.contains(name))
            .count();
        let n_unknown = matching.left_over.iter().filter(is_kernel).count();
        if n_missing == 0 && n_unknown == 0 && matching.folded.is_empty() {
            return Ok((weights.clone(), matching));
        }
        nearest = nearest
            .min(Some((n_missing, n_unknown)))
            .or(Some((n_missing, n_unknown)));
    }
    let (n_missing, n_unknown) = nearest.unwrap_or_default();
    Err(format!(
        "of the {} tensors before its head {n_missing} are missing, and {n_unknown} convolutions are left over",
        features.len()
    ))
}

/// The layer that a tensor belongs to.
fn layer(tensor: &str) -> String {
    let layer = tensor.rsplit_once('.').map_or(tensor, |(layer, _)| layer);
    layer.to_owned()
}

impl fmt::Display for Pretrained {
    /// One line for the terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_values: usize = self.weights.values().map(Tensor::elem_count).sum();
        write!(
            f,
            "{} of {} tensors ({:.1} M numbers) taken from {}",
            self.weights.len(),
            self.n_expected,
            n_values as f64 / 1e6,
            self.file
        )?;
        match self.change {
            Change::None => {}
            Change::Summed => write!(f, "; first kernels summed over the colors")?,
            Change::Spread(_) => write!(f, "; first kernels spread over the colors")?,
        }
        if !self.widened_from.is_empty() {
            write!(f, "; widened from {:?} channels", self.widened_from)?;
        }
        for (what, layers) in [("new", &self.new), ("not used", &self.unused)] {
            if !layers.is_empty() {
                write!(f, "; {what}: {}", layers.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::model::net::HeadConfig;

    fn resnet18(hidden: &[usize]) -> Architecture {
        Architecture::Resnet18(HeadConfig {
            hidden: hidden.to_vec(),
            dropout: 0.0,
        })
    }

    /// A file like torchvision's: 1000 classes, no numbered head.
    fn file(change: impl Fn(&mut HashMap<String, Tensor>)) -> Vec<u8> {
        let shapes = resnet18(&[]).weight_shapes(&InputSpec::FER_2013, 1000);
        let ones = |(name, shape): (String, Vec<usize>)| {
            let ones = Tensor::ones(shape, DType::F16, &Device::Cpu);
            (name, ones.unwrap())
        };
        let mut tensors = shapes.into_iter().map(ones).collect();
        change(&mut tensors);
        safetensors::serialize(&tensors, None).unwrap()
    }

    fn take(bytes: &[u8], architecture: &Architecture) -> Result<Pretrained, ModelError> {
        read_pretrained(bytes, "mine.pth", architecture, &InputSpec::FER_2013, 7)
    }

    #[test]
    fn all_but_the_head_is_taken() {
        let taken = take(&file(|_| {}), &resnet18(&[256])).unwrap();
        let report = taken.to_string();
        assert_eq!(
            report,
            "100 of 104 tensors (11.2 M numbers) taken from mine.pth; new: fc.0, fc.3; not used: fc"
        );
        assert_eq!(taken.weights["conv1.weight"].dtype(), DType::F32);
        assert!(!taken.weights.contains_key("fc.0.weight"));
    }

    #[test]
    fn kernels_for_gray_are_spread() {
        let gray = file(|tensors| {
            let kernels = Tensor::ones((64, 1, 7, 7), DType::F32, &Device::Cpu);
            tensors.insert("conv1.weight".to_owned(), kernels.unwrap());
        });
        let taken = take(&gray, &resnet18(&[])).unwrap();
        let sum = taken.weights["conv1.weight"].sum_all().unwrap();
        let sum = sum.to_scalar::<f32>().unwrap();
        assert!((sum - 64.0 * 49.0).abs() < 0.1, "{sum}");
        assert!(taken.to_string().contains("spread over the colors"));
    }

    #[test]
    fn another_network_is_refused() {
        let refused = |bytes: &[u8], architecture: &Architecture| {
            take(bytes, architecture).unwrap_err().to_string()
        };
        let resnet50 = Architecture::Resnet50(HeadConfig::default());
        let message = refused(&file(|_| {}), &resnet50);
        assert!(
            message
                .starts_with("mine.pth cannot be used: it is not a resnet50 network: of the 265"),
            "{message}"
        );
        let damaged = file(|tensors| {
            let nan = Tensor::full(f32::NAN, 64, &Device::Cpu).unwrap();
            tensors.insert("bn1.bias".to_owned(), nan);
        });
        assert!(refused(&damaged, &resnet18(&[])).contains("not numbers"));
        assert!(refused(b"", &resnet18(&[])).contains("it is empty"));
    }
}
