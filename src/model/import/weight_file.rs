//! The named tensors of a file of weights, from `torch.save` or safetensors.
//!
//! Values are read only on request. Safetensors keeps no order, so its tensors are sorted by name, `features.2` before
//! `features.10`.

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::{
    candidates::candidates,
    foreign,
    labels::{self, StatedLabels},
    matching::NamedShape,
    pytorch::{
        container::{Container, looks_like_pytorch, looks_like_safetensors},
        state_dict::StateDict,
        stored_tensor::StoredTensor,
    },
};

/// The maximum number of sets that are tried; a file of ten folds with averages has twenty.
const MAX_CANDIDATES: usize = 64;

/// An opened file.
pub struct WeightFile<'a> {
    /// Sets that may be the weights, the likeliest first; at least one.
    pub candidates: Vec<Weights>,
    /// The file's statement about its outputs.
    pub labels: Option<StatedLabels>,
    source: Source<'a>,
    /// Bytes that may still be read. Tensors may share values, but a file that expands to many times its size is an attack on
    /// the memory.
    n_bytes_left: usize,
}

/// Tensors that may be the weights.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    /// The tensors.
    pub tensors: Vec<NamedShape>,
    /// Names of tensors among them that are not weights.
    pub beside: Vec<String>,
    /// Names of tensors of other types, such as counters.
    pub skipped: Vec<String>,
    /// The key under which they were found; empty at the top.
    pub found_under: String,
    /// The other keys under which the file holds the same layers, such as their averages.
    pub copies: Vec<String>,
    /// The set that they come from, and their indices in it.
    set: usize,
    indices: Vec<usize>,
}

enum Source<'a> {
    /// The tensors of each set.
    Pytorch(Box<Container<'a>>, Vec<Vec<StoredTensor>>),
    /// The names in the only set.
    Safetensors(SafeTensors<'a>, Vec<String>),
}

impl<'a> WeightFile<'a> {
    /// Finds the tensors.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        if looks_like_pytorch(bytes) {
            Self::open_pytorch(bytes)
        } else {
            Self::open_safetensors(bytes)
        }
    }

    fn open_pytorch(bytes: &'a [u8]) -> Result<Self, String> {
        let (container, pickle) = Container::open(bytes)?;
        let mut sets = Vec::new();
        let mut all = Vec::new();
        for (index, found) in StateDict::all(&pickle)?.into_iter().enumerate() {
            let named = |tensor: &StoredTensor| NamedShape {
                name: tensor.name.clone(),
                shape: tensor.shape.clone(),
            };
            let named: Vec<_> = found.tensors.iter().map(named).collect();
            all.extend(weights_of(
                index,
                &named,
                &found.found_under,
                &found.skipped,
            ));
            sets.push(found.tensors);
        }
        Ok(Self {
            candidates: likeliest(all),
            labels: labels::in_pickle(&pickle),
            source: Source::Pytorch(Box::new(container), sets),
            n_bytes_left: bytes.len().saturating_mul(2),
        })
    }

    fn open_safetensors(bytes: &'a [u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| {
            if looks_like_safetensors(bytes) {
                return format!("it is damaged or cut off ({error}); get it again");
            }
            foreign::describe(bytes).unwrap_or_else(|| {
                "it is neither a safetensors file nor one that torch.save wrote, or it is damaged; get it again".to_owned()
            })
        })?;
        let mut tensors = Vec::new();
        let mut skipped = Vec::new();
        for (name, view) in file.iter() {
            match dtype_of(view.dtype()) {
                Some(_) => tensors.push(NamedShape {
                    name: name.to_owned(),
                    shape: view.shape().to_vec(),
                }),
                None => skipped.push(name.to_owned()),
            }
        }
        tensors.sort_by_cached_key(|tensor| natural(&tensor.name));
        skipped.sort_by_cached_key(|name| natural(name));
        let header = SafeTensors::read_metadata(bytes);
        let header = header
            .ok()
            .and_then(|(_, header)| header.metadata().clone());
        let names = tensors.iter().map(|tensor| tensor.name.clone()).collect();
        Ok(Self {
            candidates: likeliest(weights_of(0, &tensors, "", &skipped)),
            labels: header.and_then(|header| labels::in_header(&header)),
            source: Source::Safetensors(file, names),
            n_bytes_left: bytes.len().saturating_mul(2),
        })
    }

    /// Reads tensor `index` of `weights`, one of [`Self::candidates`], to the CPU: F16 and BF16 as they are, F64 as F32.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn read(&mut self, weights: &Weights, index: usize) -> Result<Tensor, String> {
        let name = &weights.tensors[index].name;
        let index = weights.indices[index];
        let unreadable =
            |error: &dyn std::fmt::Display| format!("“{name}” is unreadable ({error})");
        match &mut self.source {
            Source::Pytorch(container, sets) => {
                let stored = &sets[weights.set][index];
                self.n_bytes_left = stored
                    .n_bytes()
                    .and_then(|n_bytes| self.n_bytes_left.checked_sub(n_bytes))
                    .ok_or_else(|| format!("“{name}” is larger than the file"))?;
                stored.read(container.storage(stored.storage_key())?)
            }
            Source::Safetensors(file, names) => {
                let view = file
                    .tensor(&names[index])
                    .map_err(|error| unreadable(&error))?;
                let dtype = dtype_of(view.dtype()).ok_or_else(|| unreadable(&"its type"))?;
                let tensor =
                    Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu);
                let tensor = match dtype {
                    DType::F64 => tensor.and_then(|tensor| tensor.to_dtype(DType::F32)),
                    _ => tensor,
                };
                tensor.map_err(|error| unreadable(&error))
            }
        }
    }
}

/// The networks that one set of tensors may hold.
fn weights_of(
    set: usize,
    tensors: &[NamedShape],
    found_under: &str,
    skipped: &[String],
) -> Vec<Weights> {
    let found = candidates(tensors);
    let place = |prefix: &str| match (found_under, prefix) {
        (under, "") => under.to_owned(),
        ("", prefix) => prefix.to_owned(),
        (under, prefix) => format!("{under}.{prefix}"),
    };
    let weights = found.iter().map(|candidate| Weights {
        tensors: candidate.tensors.clone(),
        beside: candidate.beside.clone(),
        skipped: skipped.to_vec(),
        found_under: place(&candidate.prefix),
        copies: Vec::new(),
        set,
        indices: candidate.indices.clone(),
    });
    weights.collect()
}

/// Keeps the sets that can be a network for images, or, if there are none, the largest, for its error. Fills in the copies
/// of each.
fn likeliest(all: Vec<Weights>) -> Vec<Weights> {
    let shapes = |of: &Weights| -> Vec<Vec<usize>> {
        of.tensors
            .iter()
            .map(|tensor| tensor.shape.clone())
            .collect()
    };
    let has_convolutions = |of: &Weights| of.tensors.iter().any(|tensor| tensor.shape.len() == 4);
    let (mut likely, others): (Vec<_>, Vec<_>) = all.into_iter().partition(has_convolutions);
    likely.truncate(MAX_CANDIDATES);
    if likely.is_empty() {
        let largest = others.into_iter().reduce(|largest, next| {
            if next.tensors.len() > largest.tensors.len() {
                next
            } else {
                largest
            }
        });
        return vec![largest.unwrap_or_default()];
    }
    let known: Vec<_> = likely
        .iter()
        .map(|of| (shapes(of), of.found_under.clone()))
        .collect();
    for (index, weights) in likely.iter_mut().enumerate() {
        let copies = known.iter().enumerate();
        let copies =
            copies.filter(|(other, (shapes, _))| *other != index && *shapes == known[index].0);
        weights.copies = copies.map(|(_, (_, under))| under.clone()).collect();
    }
    likely
}

/// The type, if weights can have it.
fn dtype_of(dtype: Dtype) -> Option<DType> {
    match dtype {
        Dtype::F16 => Some(DType::F16),
        Dtype::BF16 => Some(DType::BF16),
        Dtype::F32 => Some(DType::F32),
        Dtype::F64 => Some(DType::F64),
        _ => None,
    }
}

/// A key for natural order: parts of a name that are numbers sort by value.
fn natural(name: &str) -> Vec<(Option<u64>, String)> {
    let part = |part: &str| (part.parse().ok(), part.to_owned());
    name.split('.').map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_safetensors_file_is_read_in_the_order_of_its_numbers() {
        let tensor = |value: f64| Tensor::full(value, (1, 2), &Device::Cpu).unwrap();
        let tensors = HashMap::from([
            ("features.10.weight", tensor(10.0)),
            ("features.2.weight", tensor(2.0)),
            ("steps", Tensor::zeros(1, DType::U32, &Device::Cpu).unwrap()),
        ]);
        let bytes = safetensors::serialize(&tensors, None).unwrap();
        let mut file = WeightFile::open(&bytes).unwrap();
        let weights = file.candidates[0].clone();
        let names: Vec<_> = weights.tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["features.2.weight", "features.10.weight"]);
        assert_eq!(weights.skipped, ["steps"]);
        let values = file.read(&weights, 1).unwrap();
        assert_eq!(values.to_vec2::<f32>().unwrap(), [[10.0, 10.0]]);
    }

    #[test]
    fn other_files_are_refused() {
        for (bytes, words) in [(&b""[..], "it is empty"), (b"some text", "neither")] {
            let reason = WeightFile::open(bytes).err().unwrap();
            assert!(reason.contains(words), "{reason}");
        }
    }
}
