//! Walks the values of a pickle: people save nested dictionaries, lists of them, and objects of their own.

use std::collections::{HashSet, VecDeque};

use super::pickle::{Id, Pickle, Value};

/// Fields of a pickled `torch.nn.Module` that hold its tensors; they are read together, not one by one.
const MODULE_FIELDS: [&str; 3] = ["_parameters", "_buffers", "_modules"];

/// A value and the path to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<'a> {
    /// The value.
    pub id: Id,
    /// The key or field that holds it; empty at the top.
    pub key: &'a str,
    /// The number of values that contain it.
    pub depth: usize,
}

/// All values that can be reached from the top through dictionaries, lists and objects, outer values first, each once.
///
/// Optimizers are left out: their averages have the shapes of the weights.
pub fn reachable<'a>(pickle: &Pickle<'a>) -> Vec<Place<'a>> {
    let top = Place {
        id: pickle.root(),
        key: "",
        depth: 0,
    };
    let mut seen = HashSet::from([top.id]);
    let mut queue = VecDeque::from([top]);
    let mut places = Vec::new();
    while let Some(place) = queue.pop_front() {
        places.push(place);
        let mut inside: Vec<(Id, &'a str)> = Vec::new();
        match pickle.get(place.id) {
            Value::Dict(entries) => {
                for (key, value) in entries {
                    inside.push((*value, pickle.text(*key).unwrap_or_default()));
                }
            }
            Value::Sequence(items) => {
                for item in items {
                    inside.push((*item, place.key));
                }
            }
            Value::Call {
                state: Some(state), ..
            } => match pickle.entries(*state) {
                // Objects may share their fields.
                Some(fields) if seen.insert(*state) => {
                    for (field, value) in fields {
                        let field = pickle.text(*field).unwrap_or_default();
                        if !MODULE_FIELDS.contains(&field) {
                            inside.push((*value, field));
                        }
                    }
                }
                Some(_) => {}
                None => inside.push((*state, place.key)),
            },
            _ => {}
        }
        for (id, key) in inside {
            if !key.to_ascii_lowercase().contains("optim") && seen.insert(id) {
                let depth = place.depth + 1;
                queue.push_back(Place { id, key, depth });
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_optimizer_is_reached_once() {
        // {"a": [{"b": 1}, the same dictionary], "optimizer": {"c": 2}}, and the top inside itself.
        let pickle = Pickle::read(
            b"}q\x00(X\x01\x00\x00\x00a](}q\x01X\x01\x00\x00\x00bK\x01sh\x01h\x00eX\x09\x00\x00\x00optimizer}X\x01\x00\x00\x00cK\x02su.",
        )
        .unwrap();
        let keys: Vec<_> = reachable(&pickle)
            .iter()
            .map(|place| (place.key, place.depth))
            .collect();
        assert_eq!(keys, [("", 0), ("a", 1), ("a", 2), ("b", 3)]);
    }
}
