//! The meaning of the outputs, where a file states it.
//!
//! Torchvision's `ImageFolder` numbers its folders alphabetically and calls the result `class_to_idx`. People save it with
//! the weights, or the list `classes`, or a list of their own.

use std::collections::HashMap;

use super::pytorch::{
    objects::reachable,
    pickle::{Id, Pickle, Value},
};
use crate::expression::Labels;

/// Keys under which people save the names of classes, the most reliable first, without case and punctuation.
const KEYS: [&str; 16] = [
    "classtoidx",
    "class2idx",
    "classtoindex",
    "idxtoclass",
    "idx2class",
    "indextoclass",
    "classes",
    "classnames",
    "classlabels",
    "labelnames",
    "label2id",
    "id2label",
    "labelmap",
    "emotions",
    "emotionlabels",
    "labels",
];
/// Names quoted in a message.
const MAX_QUOTED: usize = 8;
/// More names than any classifier of faces has.
const MAX_NAMES: usize = 1000;

/// A file's statement about its outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct StatedLabels {
    /// The key under which it was found.
    pub key: String,
    /// The name of each output; `Err` with the names if they are not numbered from 0 or cannot be labels.
    pub labels: Result<Vec<String>, String>,
}

/// The labels in a pickle.
pub fn in_pickle(pickle: &Pickle<'_>) -> Option<StatedLabels> {
    let found = reachable(pickle).into_iter().filter_map(|place| {
        let rank = rank(place.key)?;
        let names = named(pickle, place.id)?;
        Some((rank, place.key, names))
    });
    best(found)
}

/// The labels in the header of a safetensors file, in JSON.
pub fn in_header(header: &HashMap<String, String>) -> Option<StatedLabels> {
    let found = header.iter().filter_map(|(key, text)| {
        let rank = rank(key)?;
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let pair = |key: &str, value: &serde_json::Value| match value {
            serde_json::Value::String(name) => Some((key.parse().ok()?, name.clone())),
            other => Some((usize::try_from(other.as_u64()?).ok()?, key.to_owned())),
        };
        let names = match &value {
            serde_json::Value::Array(names) => {
                let names = names.iter().enumerate();
                names
                    .map(|(index, name)| Some((index, name.as_str()?.to_owned())))
                    .collect()
            }
            serde_json::Value::Object(names) => {
                names.iter().map(|(key, value)| pair(key, value)).collect()
            }
            _ => None,
        };
        Some((rank, key.as_str(), names?))
    });
    best(found)
}

/// The names of the outputs in the metadata of an ONNX file, in JSON or as Python writes a dictionary or a list.
#[cfg(feature = "onnx")]
pub fn names_in_metadata(metadata: &HashMap<String, String>) -> Option<Vec<String>> {
    let found = metadata.iter().filter_map(|(key, text)| {
        let rank = rank(key).or_else(|| (key == "names").then_some(KEYS.len()))?;
        let inner = text.trim().trim_matches(['{', '}', '[', ']', '(', ')']);
        let plain = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
        let entries = inner.split(',').filter(|entry| !entry.trim().is_empty());
        let named: Option<Vec<(usize, String)>> = entries
            .enumerate()
            .map(|(index, entry)| match entry.split_once(':') {
                None => Some((index, plain(entry))),
                Some((key, value)) => match (plain(key).parse(), plain(value).parse()) {
                    (Ok(number), _) => Some((number, plain(value))),
                    (_, Ok(number)) => Some((number, plain(key))),
                    _ => None,
                },
            })
            .collect();
        Some((rank, key, named?))
    });
    let (.., mut names) = found.min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))?;
    names.sort();
    let in_order = (0..)
        .zip(&names)
        .all(|(index, (number, _))| index == *number);
    let names = names.into_iter().map(|(_, name)| name);
    in_order.then(|| names.collect())
}

/// The most reliable labels that were found; among equals the first by name, since a header has no order.
fn best<'a>(
    found: impl Iterator<Item = (usize, &'a str, Vec<(usize, String)>)>,
) -> Option<StatedLabels> {
    let (_, key, names) = found
        .filter(|(.., names)| !names.is_empty() && names.len() <= MAX_NAMES)
        .min_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)))?;
    Some(StatedLabels {
        key: key.to_owned(),
        labels: in_order(names),
    })
}

fn rank(key: &str) -> Option<usize> {
    let plain: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    KEYS.iter().position(|known| *known == plain)
}

/// Numbers and names of classes, from a list of names or a dictionary in either direction.
fn named(pickle: &Pickle<'_>, id: Id) -> Option<Vec<(usize, String)>> {
    match pickle.get(id) {
        Value::Sequence(items) if items.len() <= MAX_NAMES => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| Some((index, pickle.text(*item)?.to_owned())))
                .collect()
        }
        Value::Dict(entries) if entries.len() <= MAX_NAMES => {
            let pair = |(key, value): &(Id, Id)| match (pickle.text(*key), pickle.text(*value)) {
                (Some(name), None) => Some((pickle.count(*value)?, name.to_owned())),
                (None, Some(name)) => Some((pickle.count(*key)?, name.to_owned())),
                (Some(number), Some(name)) => Some((number.parse().ok()?, name.to_owned())),
                (None, None) => None,
            };
            entries.iter().map(pair).collect()
        }
        _ => None,
    }
}

/// The names by their numbers, which must be 0, 1, 2 and so on. The seven expressions get FER-2013's names for them.
fn in_order(mut names: Vec<(usize, String)>) -> Result<Vec<String>, String> {
    names.sort();
    let is_numbered = (0..).zip(&names).all(|(at, (number, _))| at == *number);
    let trimmed: Vec<&str> = names.iter().map(|(_, name)| name.trim()).collect();
    let outputs = Labels::of_outputs(&trimmed).ok().filter(|_| is_numbered);
    let named = outputs.map(|(_, outputs)| {
        let names = outputs.into_iter().map(|label| label.name().to_owned());
        names.collect()
    });
    named.ok_or_else(|| {
        let quoted: Vec<String> = names
            .iter()
            .take(MAX_QUOTED)
            .map(|(_, name)| name.chars().filter(|c| !c.is_control()).take(20).collect())
            .collect();
        let more = if names.len() > MAX_QUOTED {
            ", …"
        } else {
            ""
        };
        format!("{}{more}", quoted.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALPHABETICAL: [&str; 7] = [
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
    ];

    fn said(json: &str, key: &str) -> Option<StatedLabels> {
        in_header(&HashMap::from([(key.to_owned(), json.to_owned())]))
    }

    #[test]
    fn the_order_is_read_from_lists_and_dictionaries() {
        let list = r#"["Anger", "disgust", "fear", "happiness", "neutral", "sad", "surprise"]"#;
        let to_idx = r#"{"angry": 0, "surprise": 6, "disgust": 1, "fear": 2, "happy": 3, "neutral": 4, "sad": 5}"#;
        let to_class = r#"{"0": "angry", "1": "disgust", "2": "fear", "3": "happy", "4": "neutral", "5": "sad", "6": "surprise"}"#;
        for (json, key) in [
            (list, "classes"),
            (list, "class_names"),
            (to_idx, "class_to_idx"),
            (to_idx, "Class-To-Idx"),
            (to_class, "idx_to_class"),
            (to_class, "id2label"),
        ] {
            let said = said(json, key).unwrap();
            assert_eq!(
                said.labels,
                Ok(ALPHABETICAL.map(str::to_owned).to_vec()),
                "{key}"
            );
            assert_eq!(said.key, key);
        }
    }

    #[test]
    fn other_classes_are_named_and_other_values_are_not_classes() {
        let three = r#"["anger", "contempt", "mask on"]"#;
        let names = said(three, "classes").unwrap().labels.unwrap();
        assert_eq!(names, ["anger", "contempt", "mask on"]);
        let names = said(r#"["=1+1", "b\n"]"#, "classes")
            .unwrap()
            .labels
            .unwrap_err();
        assert_eq!(names, "=1+1, b");
        let twice = r#"["sad", "sad", "fear", "happy", "neutral", "angry", "surprise"]"#;
        assert!(said(twice, "classes").unwrap().labels.is_err());
        let gap = r#"{"angry": 1, "disgust": 2, "fear": 3, "happy": 4, "neutral": 5, "sad": 6, "surprise": 7}"#;
        assert!(said(gap, "class_to_idx").unwrap().labels.is_err());
        for json in ["7", "[]", "{}", "[1, 2]", "no JSON"] {
            assert_eq!(said(json, "classes"), None, "{json}");
        }
        assert_eq!(said(three, "people"), None);
    }

    #[test]
    fn the_most_reliable_key_is_used_at_any_depth() {
        // {"classes": ["a"], "args": {"class_to_idx": {"happy": 0}}}
        let pickle = Pickle::read(
            b"}(X\x07\x00\x00\x00classes](X\x01\x00\x00\x00aeX\x04\x00\x00\x00args}X\x0c\x00\x00\x00class_to_idx}X\x05\x00\x00\x00happyK\x00ssu.",
        )
        .unwrap();
        let said = in_pickle(&pickle).unwrap();
        assert_eq!(said.key, "class_to_idx");
        assert_eq!(said.labels, Err("happy".to_owned()));
    }
}
