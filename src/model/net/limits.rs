//! Limits on the sizes that a checkpoint or a recipe may ask for, so that a forged one can neither fill the memory nor
//! make products of sizes overflow.
//!
//! Sizes are found by their names in the description, whatever the architecture, so a new architecture is checked too.

use std::ops::RangeInclusive;

use serde_json::Value;

/// Wider layers than any network that runs live has; VGG's hidden layers have 4096.
const WIDTH: RangeInclusive<u64> = 1..=16_384;
/// ResNet-50 ends with 2048 channels.
const CHANNELS: RangeInclusive<u64> = 1..=4096;
const CONVOLUTIONS: RangeInclusive<u64> = 1..=16;
/// Torchvision's VGG has 7.
const POOLED_SIDE: RangeInclusive<u64> = 1..=16;
/// Stages, or hidden layers.
const MAX_LISTED: usize = 8;

/// A size, or a share, that makes no network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfRange {
    /// Its key below `hyperparameters`, such as `head.hidden[1]`.
    pub key: String,
    /// What is wrong with it, such as `is 0, but must be between 1 and 4096`.
    pub problem: String,
}

/// What a hyper-parameter may be.
pub(super) enum Limit {
    Size(RangeInclusive<u64>),
    /// At least 0 and below 1.
    Share,
}

/// The limit of the hyper-parameter of this name.
pub(super) fn limit_of(name: &str) -> Option<Limit> {
    Some(match name {
        "channels" => Limit::Size(CHANNELS),
        "hidden" => Limit::Size(WIDTH),
        "convolutions" => Limit::Size(CONVOLUTIONS),
        "pooled_side" => Limit::Size(POOLED_SIDE),
        "squeeze" => Limit::Size(0..=*CHANNELS.end()),
        "dropout" | "dropout2d" | "stage_dropout" | "block_dropout" => Limit::Share,
        _ => return None,
    })
}

/// The first value that is out of range among an architecture's hyper-parameters.
pub(super) fn first_out_of_range(hyperparameters: &Value) -> Option<OutOfRange> {
    first_in(hyperparameters, "", "")
}

/// The first value that is out of range in `value`, which is found at `path` and belongs to the hyper-parameter `name`.
fn first_in(value: &Value, path: &str, name: &str) -> Option<OutOfRange> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let path = match path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            first_in(value, &path, key)
        }),
        Value::Array(items) if items.len() > MAX_LISTED => Some(OutOfRange {
            key: path.to_owned(),
            problem: format!(
                "has {} entries, but must have at most {MAX_LISTED}",
                items.len()
            ),
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| first_in(item, &format!("{path}[{index}]"), name)),
        _ => check(value, name).map(|problem| OutOfRange {
            key: path.to_owned(),
            problem,
        }),
    }
}

/// What is wrong with one value. NaN and infinities, which JSON has no numbers for, are null here.
fn check(value: &Value, name: &str) -> Option<String> {
    match limit_of(name)? {
        Limit::Size(range) => {
            let fits = value.as_u64().is_some_and(|size| range.contains(&size));
            (!fits).then(|| {
                let (start, end) = range.into_inner();
                format!("is {value}, but must be between {start} and {end}")
            })
        }
        Limit::Share => {
            let share = value.as_f64();
            let fits = share.is_some_and(|share| (0.0..1.0).contains(&share));
            // Shares are f32: as f64 they would show digits that nobody wrote.
            let shown = share.map_or("not a number".to_owned(), |share| {
                (share as f32).to_string()
            });
            (!fits).then(|| format!("is {shown}, but must be at least 0 and below 1"))
        }
    }
}
