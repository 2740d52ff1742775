//! Named tensors out of what `torch.save` wrote, wherever people put them.
//!
//! `torch.save` takes any object, and people save all kinds: a `state_dict()`, a dictionary with one inside, with the
//! optimizer's state beside it, or the whole network. What is looked for is the dictionary that holds the weights.

use std::collections::{HashSet, VecDeque};

use candle_core::{DType, Device, Tensor};

use super::pickle::{Id, Pickle, Value};

/// Names of weights are shorter than this in every network; it bounds the memory.
const MAX_NAME_LEN: usize = 300;
/// Dimensions of a tensor, and tensors altogether; the same.
const MAX_RANK: usize = 8;
const MAX_TENSORS: usize = 100_000;
/// Modules inside modules, and how many altogether; far more than networks have.
const MAX_MODULE_DEPTH: usize = 40;
const MAX_MODULES: usize = 20_000;

/// Keys under which people save weights, the most telling first.
const KEYS_OF_WEIGHTS: [&str; 12] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "net_state_dict",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
    "model_ema",
    "ema",
];

/// Wrappers that put their name before every weight: `DataParallel`, `torch.compile`, and people's own.
const WRAPPERS: [&str; 5] = ["module.", "_orig_mod.", "model.", "net.", "network."];

/// A tensor as the file describes it. Its numbers are in a storage.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Its name, for example `features.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    storage: Storage,
    /// In values, as are the strides.
    offset: usize,
    strides: Vec<usize>,
}

/// A reference to a storage.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// What the container knows it by.
    pub key: String,
    /// Size of one value, if the kind is known.
    pub n_bytes_per_value: Option<usize>,
    /// The type, if weights can have it.
    dtype: Option<DType>,
    /// Where it begins in the stored one, in values.
    offset: usize,
}

/// The weights of a file.
#[derive(Debug, Default)]
pub struct StateDict {
    /// Floating-point tensors in the file's order, without the names of wrappers.
    pub tensors: Vec<StoredTensor>,
    /// Names of tensors of other types, such as counters.
    pub skipped: Vec<String>,
    /// Under which key they were found; empty at the top.
    pub found_under: String,
}

impl StateDict {
    /// Finds the weights.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn find(pickle: &Pickle<'_>) -> Result<Self, String> {
        let mut found: Vec<(usize, StateDict)> = Vec::new();
        let mut seen = HashSet::from([pickle.root()]);
        let mut queue = VecDeque::from([(pickle.root(), "", 0)]);
        let mut n_tensors = 0;
        while let Some((id, key, depth)) = queue.pop_front() {
            let state_dict = Self::at(pickle, id, key)?;
            n_tensors += state_dict.tensors.len();
            check_number(n_tensors)?;
            if !state_dict.tensors.is_empty() {
                let rank = KEYS_OF_WEIGHTS.iter().position(|known| *known == key);
                let rank = if depth == 0 {
                    0
                } else {
                    1 + rank.unwrap_or(KEYS_OF_WEIGHTS.len())
                };
                found.push((rank, state_dict));
            }
            for (name, value) in pickle.entries(id).unwrap_or_default() {
                let name = pickle.text(*name).unwrap_or_default();
                // The optimizer's averages have the weights' shapes.
                if !name.to_ascii_lowercase().contains("optim") && seen.insert(*value) {
                    queue.push_back((*value, name, depth + 1));
                }
            }
        }
        // Stable, so that of equals the first in the file is taken.
        found.sort_by_key(|(rank, state_dict)| (*rank, usize::MAX - state_dict.tensors.len()));
        let (_, mut best) = found.into_iter().next().ok_or_else(|| {
            "it holds no weights; save the network's state_dict() with torch.save".to_owned()
        })?;
        best.unwrap_names();
        Ok(best)
    }

    /// The tensors directly in one dictionary, or all of one pickled module.
    fn at(pickle: &Pickle<'_>, id: Id, key: &str) -> Result<Self, String> {
        let mut state_dict = Self {
            found_under: key.to_owned(),
            ..Self::default()
        };
        if let Some(entries) = pickle.entries(id) {
            state_dict.add(pickle, "", entries)?;
        } else {
            state_dict.add_module(pickle, id)?;
        }
        Ok(state_dict)
    }

    /// Adds the tensors of a pickled `torch.nn.Module`, in the order of `state_dict()`.
    fn add_module(&mut self, pickle: &Pickle<'_>, id: Id) -> Result<(), String> {
        let mut stack = vec![(id, String::new(), 0)];
        let mut n_modules = 0;
        while let Some((id, prefix, depth)) = stack.pop() {
            let Value::Call {
                state: Some(fields),
                ..
            } = pickle.get(id)
            else {
                continue;
            };
            n_modules += 1;
            if depth > MAX_MODULE_DEPTH || n_modules > MAX_MODULES {
                return Err("its modules are nested without end".to_owned());
            }
            for field in ["_parameters", "_buffers"] {
                let entries = pickle
                    .entry(*fields, field)
                    .and_then(|id| pickle.entries(id));
                self.add(pickle, &prefix, entries.unwrap_or_default())?;
            }
            let children = pickle.entry(*fields, "_modules");
            let children = children.and_then(|id| pickle.entries(id));
            for (name, child) in children.unwrap_or_default().iter().rev() {
                let name = pickle.text(*name).unwrap_or_default();
                stack.push((*child, joined(&prefix, name, ".")?, depth + 1));
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        pickle: &Pickle<'_>,
        prefix: &str,
        entries: &[(Id, Id)],
    ) -> Result<(), String> {
        for (name, value) in entries {
            let Some(name) = pickle.text(*name) else {
                continue;
            };
            let Some((storage, offset, shape, strides)) = tensor_of(pickle, *value) else {
                continue;
            };
            let name = joined(prefix, name, "")?;
            check_number(self.tensors.len() + self.skipped.len())?;
            if storage.dtype.is_none() {
                self.skipped.push(name);
                continue;
            }
            self.tensors.push(StoredTensor {
                name,
                shape,
                storage,
                offset,
                strides,
            });
        }
        Ok(())
    }

    /// Takes wrappers' names away, as long as all names begin with the same.
    fn unwrap_names(&mut self) {
        while let Some(wrapper) = WRAPPERS.into_iter().find(|wrapper| {
            self.tensors
                .iter()
                .all(|tensor| tensor.name.starts_with(wrapper))
        }) {
            for tensor in &mut self.tensors {
                tensor.name.drain(..wrapper.len());
            }
        }
    }
}

fn check_number(n_tensors: usize) -> Result<(), String> {
    if n_tensors > MAX_TENSORS {
        return Err(format!("it holds more than {MAX_TENSORS} tensors"));
    }
    Ok(())
}

fn joined(prefix: &str, name: &str, end: &str) -> Result<String, String> {
    if prefix.len() + name.len() > MAX_NAME_LEN {
        return Err(format!(
            "a name in it is longer than {MAX_NAME_LEN} letters"
        ));
    }
    Ok(format!("{prefix}{name}{end}"))
}

impl StoredTensor {
    /// What the container knows the storage by.
    pub fn storage_key(&self) -> &str {
        &self.storage.key
    }

    /// Bytes that [`Self::read`] will take; `None` if there is no such number.
    pub fn n_bytes(&self) -> Option<usize> {
        let values = self
            .shape
            .iter()
            .try_fold(1_usize, |n, side| n.checked_mul(*side))?;
        values.checked_mul(self.storage.n_bytes_per_value?)
    }

    /// The tensor on the CPU, contiguous: F16 and BF16 as they are, F64 as F32.
    ///
    /// `bytes` is the storage. Check [`Self::n_bytes`] first: a file of a few bytes can describe a tensor of any size,
    /// by strides of 0.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn read(&self, bytes: &[u8]) -> Result<Tensor, String> {
        let beyond = || format!("“{}” reaches beyond its numbers", self.name);
        let dtype = self.storage.dtype.ok_or_else(beyond)?;
        let size = dtype.size_in_bytes();
        let n_bytes = self.n_bytes().ok_or_else(beyond)?;
        let first = self
            .storage
            .offset
            .checked_add(self.offset)
            .ok_or_else(beyond)?;
        let mut last = first;
        for (side, stride) in self.shape.iter().zip(&self.strides) {
            let reach = side.saturating_sub(1).checked_mul(*stride);
            last = reach
                .and_then(|reach| last.checked_add(reach))
                .ok_or_else(beyond)?;
        }
        if n_bytes > 0 && last >= bytes.len() / size {
            return Err(beyond());
        }
        let gathered;
        let values = if n_bytes == 0 {
            &[]
        } else if self.is_contiguous() {
            &bytes[first * size..first * size + n_bytes]
        } else {
            gathered = self.gather(bytes, first, size, n_bytes);
            &gathered
        };
        let unreadable = |error| format!("“{}” is unreadable ({error})", self.name);
        let tensor = Tensor::from_raw_buffer(values, dtype, &self.shape, &Device::Cpu)
            .map_err(unreadable)?;
        match dtype {
            DType::F64 => tensor.to_dtype(DType::F32).map_err(unreadable),
            _ => Ok(tensor),
        }
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let sides = self.shape.iter().zip(&self.strides).rev();
        for (side, stride) in sides.filter(|(side, _)| **side != 1) {
            if *stride != expected {
                return false;
            }
            expected *= side;
        }
        true
    }

    /// The values in the order of the indices. The bounds were checked.
    fn gather(&self, bytes: &[u8], first: usize, size: usize, n_bytes: usize) -> Vec<u8> {
        let mut values = Vec::with_capacity(n_bytes);
        let mut index = vec![0; self.shape.len()];
        let mut place = first;
        while values.len() < n_bytes {
            values.extend_from_slice(&bytes[place * size..(place + 1) * size]);
            // The last index that is not at its end moves on; those behind it start again.
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                place += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                place -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
        values
    }
}

/// What a value says about a tensor: storage, offset, shape and strides.
type Described = (Storage, usize, Vec<usize>, Vec<usize>);

/// The tensor that a value stands for, if it does.
fn tensor_of(pickle: &Pickle<'_>, id: Id) -> Option<Described> {
    let ((module, mut function), mut arguments) = pickle.call(id)?;
    if (module, function) == ("torch._tensor", "_rebuild_from_type_v2") {
        let [inner, _, inner_arguments, ..] = arguments else {
            return None;
        };
        let Value::Global("torch._utils", name) = pickle.get(*inner) else {
            return None;
        };
        (function, arguments) = (name, pickle.items(*inner_arguments)?);
    } else if module != "torch._utils" {
        return None;
    }
    if ["_rebuild_parameter", "_rebuild_parameter_with_state"].contains(&function) {
        ((_, function), arguments) = pickle.call(*arguments.first()?)?;
    }
    if !["_rebuild_tensor", "_rebuild_tensor_v2"].contains(&function) {
        return None;
    }
    let [storage, offset, shape, strides, ..] = arguments else {
        return None;
    };
    let counts = |id: Id| -> Option<Vec<usize>> {
        let items = pickle.items(id)?;
        let few = (items.len() <= MAX_RANK).then_some(items)?.iter();
        few.map(|item| pickle.count(*item)).collect()
    };
    let (shape, strides) = (counts(*shape)?, counts(*strides)?);
    let storage = storage_of(pickle, *storage)?;
    (shape.len() == strides.len()).then_some((storage, pickle.count(*offset)?, shape, strides))
}

/// The storage that a value refers to, if it does:
/// `("storage", class, key, device, number of values[, (key of a view, offset, number of values)])`.
pub fn storage_of(pickle: &Pickle<'_>, id: Id) -> Option<Storage> {
    let Value::Persistent(reference) = pickle.get(id) else {
        return None;
    };
    let items = pickle.items(*reference)?;
    let [tag, class, key, ..] = items else {
        return None;
    };
    let (Some("storage"), Value::Global(_, class)) = (pickle.text(*tag), pickle.get(*class)) else {
        return None;
    };
    let key = pickle.text(*key).filter(|key| key.len() <= MAX_NAME_LEN)?;
    let (n_bytes_per_value, dtype) = match *class {
        "FloatStorage" => (Some(4), Some(DType::F32)),
        "DoubleStorage" => (Some(8), Some(DType::F64)),
        "HalfStorage" => (Some(2), Some(DType::F16)),
        "BFloat16Storage" => (Some(2), Some(DType::BF16)),
        "ByteStorage" | "CharStorage" | "BoolStorage" | "UntypedStorage" => (Some(1), None),
        "ShortStorage" => (Some(2), None),
        "IntStorage" => (Some(4), None),
        "LongStorage" | "ComplexFloatStorage" => (Some(8), None),
        "ComplexDoubleStorage" => (Some(16), None),
        _ => (None, None),
    };
    let view = items.get(5).and_then(|view| pickle.items(*view));
    let offset = view.and_then(|view| pickle.count(*view.get(1)?));
    Some(Storage {
        key: key.to_owned(),
        n_bytes_per_value,
        dtype,
        offset: offset.unwrap_or(0),
    })
}
