//! Named tensors of a file of weights, whatever wrote it: `torch.save` or safetensors.
//!
//! Nothing is read until it is asked for. What a newcomer would get wrong: safetensors keeps no order, so its tensors
//! are put in the order of their names, `features.2` before `features.10`.

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::{
    container::{Container, looks_like_pytorch},
    matching::NamedShape,
    state_dict::{StateDict, StoredTensor},
};

/// An opened file.
pub struct WeightFile<'a> {
    /// Its floating-point tensors.
    pub tensors: Vec<NamedShape>,
    /// Names of tensors of other types, such as counters.
    pub skipped: Vec<String>,
    /// Under which key they were found; empty at the top.
    pub found_under: String,
    source: Source<'a>,
    /// Tensors may share numbers; but a file that unfolds to many times its size is an attack on the memory.
    n_bytes_left: usize,
}

enum Source<'a> {
    Pytorch(Box<Container<'a>>, Vec<StoredTensor>),
    Safetensors(SafeTensors<'a>),
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
        let found = StateDict::find(&pickle)?;
        let named = |tensor: &StoredTensor| NamedShape {
            name: tensor.name.clone(),
            shape: tensor.shape.clone(),
        };
        Ok(Self {
            tensors: found.tensors.iter().map(named).collect(),
            skipped: found.skipped,
            found_under: found.found_under,
            source: Source::Pytorch(Box::new(container), found.tensors),
            n_bytes_left: bytes.len().saturating_mul(2),
        })
    }

    fn open_safetensors(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("it is empty".to_owned());
        }
        let file = SafeTensors::deserialize(bytes).map_err(|_| {
            "it is neither what torch.save wrote nor a safetensors file, or it is damaged"
                .to_owned()
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
        Ok(Self {
            tensors,
            skipped,
            found_under: String::new(),
            source: Source::Safetensors(file),
            n_bytes_left: bytes.len().saturating_mul(2),
        })
    }

    /// The numbers of one of [`Self::tensors`] on the CPU: F16 and BF16 as they are, F64 as F32.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn read(&mut self, index: usize) -> Result<Tensor, String> {
        let name = &self.tensors[index].name;
        let unreadable =
            |error: &dyn std::fmt::Display| format!("“{name}” is unreadable ({error})");
        match &mut self.source {
            Source::Pytorch(container, stored) => {
                let stored = &stored[index];
                self.n_bytes_left = stored
                    .n_bytes()
                    .and_then(|n_bytes| self.n_bytes_left.checked_sub(n_bytes))
                    .ok_or_else(|| format!("“{name}” is larger than the file"))?;
                stored.read(container.storage(stored.storage_key())?)
            }
            Source::Safetensors(file) => {
                let view = file.tensor(name).map_err(|error| unreadable(&error))?;
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

/// A name as people order it: parts that are numbers by their value.
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
        let names: Vec<_> = file.tensors.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["features.2.weight", "features.10.weight"]);
        assert_eq!(file.skipped, ["steps"]);
        let values = file.read(1).unwrap();
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
