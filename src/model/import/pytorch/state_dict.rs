//! Finds the sets of named tensors in what `torch.save` wrote.
//!
//! `torch.save` takes any object, and people save all kinds: a `state_dict()`, a dictionary that holds one together with the
//! optimizer's state, or the whole network. Which set is the weights depends on whether it fits an architecture
//! (`candidates`), not on its name.

use super::{
    objects::{Place, reachable},
    pickle::{Id, Pickle, Value},
    stored_tensor::{StoredTensor, tensor_of},
};

/// The maximum length of a name. Every network's are shorter; the limit bounds the memory.
const MAX_NAME_LEN: usize = 300;
/// The maximum number of tensors, to bound the memory.
const MAX_TENSORS: usize = 100_000;
/// The maximum depth of modules; far deeper than any network.
const MAX_MODULE_DEPTH: usize = 40;
/// The maximum number of fields that are visited. Objects may share fields, so a small file could require any number of
/// visits.
const MAX_FIELDS: usize = 20_000_000;

/// Keys under which people save weights, the most reliable first.
const WEIGHT_KEYS: [&str; 13] = [
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
    "state_dict_ema",
    "model_ema",
    "ema",
];

/// The tensors of one dictionary or one module.
#[derive(Debug, Default)]
pub struct StateDict {
    /// Floating-point tensors in the file's order.
    pub tensors: Vec<StoredTensor>,
    /// Names of tensors of other types, such as counters.
    pub skipped: Vec<String>,
    /// The key under which they were found; empty at the top.
    pub found_under: String,
}

impl StateDict {
    /// All sets of tensors in a pickle, the likeliest weights first; at least one.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn all(pickle: &Pickle<'_>) -> Result<Vec<Self>, String> {
        let mut found: Vec<(usize, Self)> = Vec::new();
        let (mut n_tensors, mut n_fields) = (0, 0);
        for Place { id, key, depth } in reachable(pickle) {
            let state_dict = Self::at(pickle, id, key, &mut n_fields)?;
            n_tensors += state_dict.tensors.len();
            check_number(n_tensors)?;
            if !state_dict.tensors.is_empty() {
                let known = WEIGHT_KEYS.iter().position(|known| *known == key);
                let rank = match depth {
                    0 => 0,
                    _ => 1 + known.unwrap_or(WEIGHT_KEYS.len()),
                };
                found.push((rank, state_dict));
            }
        }
        if found.is_empty() {
            return Err(
                "it holds no weights; save the network's state_dict() with torch.save".to_owned(),
            );
        }
        // The sort is stable, so that equals keep the order of the file.
        found.sort_by_key(|(rank, state_dict)| (*rank, usize::MAX - state_dict.tensors.len()));
        Ok(found
            .into_iter()
            .map(|(_, state_dict)| state_dict)
            .collect())
    }

    /// The tensors directly in one dictionary, or all of one pickled module.
    fn at(pickle: &Pickle<'_>, id: Id, key: &str, n_fields: &mut usize) -> Result<Self, String> {
        let mut state_dict = Self {
            found_under: key.to_owned(),
            ..Self::default()
        };
        if let Some(entries) = pickle.entries(id) {
            state_dict.add(pickle, "", entries)?;
        } else {
            state_dict.add_module(pickle, id, n_fields)?;
        }
        Ok(state_dict)
    }

    /// Adds the tensors of a pickled `torch.nn.Module`, in the order of `state_dict()`.
    fn add_module(
        &mut self,
        pickle: &Pickle<'_>,
        id: Id,
        n_fields: &mut usize,
    ) -> Result<(), String> {
        let mut stack = vec![(id, String::new(), 0)];
        while let Some((id, prefix, depth)) = stack.pop() {
            let Value::Call {
                state: Some(fields),
                ..
            } = pickle.get(id)
            else {
                continue;
            };
            *n_fields += 1 + pickle.entries(*fields).map_or(0, <[_]>::len);
            if depth > MAX_MODULE_DEPTH || *n_fields > MAX_FIELDS {
                return Err("its modules are nested endlessly".to_owned());
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
            let Some(mut tensor) = tensor_of(pickle, *value) else {
                continue;
            };
            tensor.name = joined(prefix, name, "")?;
            check_number(self.tensors.len() + self.skipped.len())?;
            if tensor.holds_floats() {
                self.tensors.push(tensor);
            } else {
                self.skipped.push(tensor.name);
            }
        }
        Ok(())
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
        return Err(format!("a name in it is longer than {MAX_NAME_LEN} bytes"));
    }
    Ok(format!("{prefix}{name}{end}"))
}
