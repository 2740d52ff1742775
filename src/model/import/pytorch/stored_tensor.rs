//! A tensor as `torch.save` describes it: a shape and strides over a storage elsewhere in the file.

use candle_core::{DType, Device, Tensor};

use super::pickle::{Id, Pickle, Value};

/// The maximum length of a storage's key, to bound the memory.
const MAX_KEY_LEN: usize = 300;
/// The maximum number of dimensions of a tensor.
const MAX_RANK: usize = 8;

/// A tensor as the file describes it. Its values are in a storage.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Its name, for example `features.0.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    storage: Storage,
    /// In values, like the strides.
    offset: usize,
    strides: Vec<usize>,
}

/// A reference to a storage.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// Its key in the container.
    pub key: String,
    /// Size of one value, if the type is known.
    pub n_bytes_per_value: Option<usize>,
    /// The type, if weights can have it.
    dtype: Option<DType>,
    /// Where it starts in the stored array, in values.
    offset: usize,
}

impl StoredTensor {
    /// Whether its values are of a type that weights can have.
    pub fn holds_floats(&self) -> bool {
        self.storage.dtype.is_some()
    }

    /// The key of the storage in the container.
    pub fn storage_key(&self) -> &str {
        &self.storage.key
    }

    /// The size of the tensor that [`Self::read`] makes; `None` if it overflows.
    pub fn n_bytes(&self) -> Option<usize> {
        let values = self
            .shape
            .iter()
            .try_fold(1_usize, |n, side| n.checked_mul(*side))?;
        values.checked_mul(self.storage.n_bytes_per_value?)
    }

    /// Reads the tensor to the CPU, contiguous: F16 and BF16 as they are, F64 as F32.
    ///
    /// `bytes` is the storage. Check [`Self::n_bytes`] first: with strides of 0 a file of a few bytes can describe a tensor of
    /// any size.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn read(&self, bytes: &[u8]) -> Result<Tensor, String> {
        let beyond = || format!("“{}” reaches beyond its storage", self.name);
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

    /// Gathers the values in the order of the indices. The bounds were checked.
    fn gather(&self, bytes: &[u8], first: usize, size: usize, n_bytes: usize) -> Vec<u8> {
        let mut values = Vec::with_capacity(n_bytes);
        let mut index = vec![0; self.shape.len()];
        let mut place = first;
        while values.len() < n_bytes {
            values.extend_from_slice(&bytes[place * size..(place + 1) * size]);
            // The last index that is not at its end advances; those after it restart.
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

/// The tensor that a value represents, if it does, without a name.
pub fn tensor_of(pickle: &Pickle<'_>, id: Id) -> Option<StoredTensor> {
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
    let offset = pickle.count(*offset)?;
    (shape.len() == strides.len()).then_some(StoredTensor {
        name: String::new(),
        shape,
        storage,
        offset,
        strides,
    })
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
    let key = pickle.text(*key).filter(|key| key.len() <= MAX_KEY_LEN)?;
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
