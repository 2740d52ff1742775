//! Bounds on the sizes that a checkpoint or a recipe may ask for, so that a made-up one can neither fill the memory nor
//! make products of sizes overflow.
//!
//! Sizes are found by their names in the description, whatever the architecture, so that a new one is bounded too.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::{network::Architecture, preprocess::InputSpec};

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
enum Limit {
    Size(RangeInclusive<u64>),
    /// At least 0 and below 1.
    Share,
}

/// The limit of the hyper-parameter of this name.
fn limit_of(name: &str) -> Option<Limit> {
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

impl Architecture {
    /// The first hyper-parameter that is out of range.
    pub fn out_of_range(&self) -> Option<OutOfRange> {
        let description = serde_json::to_value(self).ok()?;
        first_in(description.get("hyperparameters")?, "", "")
    }

    /// Number of weights, running estimates among them, without the risk of an overflow.
    pub fn n_weights(&self, input: &InputSpec, n_classes: usize) -> u64 {
        let shapes = self.weight_shapes(input, n_classes).into_iter();
        let sizes = shapes.map(|(_, shape)| {
            let sides = shape.into_iter().map(|side| side as u64);
            sides.fold(1, u64::saturating_mul)
        });
        sizes.fold(0, u64::saturating_add)
    }
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

/// What is wrong with one value. What JSON has no number for, NaN and infinities, is null here.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        compact::CompactConfig, head::HeadConfig, three_block::ThreeBlockConfig, vgg::VggConfig,
    };

    fn all() -> Vec<Architecture> {
        let mut all = Architecture::usual().to_vec();
        all.push(Architecture::Compact(CompactConfig::default()));
        all
    }

    /// Names of all numbers in a description.
    fn names(value: &Value, name: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    names(value, key, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, name, found)),
            Value::Number(_) => found.push(name.to_owned()),
            _ => {}
        }
    }

    #[test]
    fn every_size_of_every_architecture_has_a_limit_and_the_usual_ones_are_within() {
        for architecture in all() {
            assert_eq!(architecture.out_of_range(), None, "{}", architecture.name());
            let description = serde_json::to_value(&architecture).unwrap();
            let mut found = Vec::new();
            names(&description["hyperparameters"], "", &mut found);
            assert!(!found.is_empty());
            for name in found {
                assert!(limit_of(&name).is_some(), "{name} has no limit");
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let check = |architecture: Architecture, key: &str, problem: &str| {
            let found = architecture.out_of_range().unwrap();
            assert_eq!((found.key.as_str(), found.problem.as_str()), (key, problem));
            let objection = architecture.objection_to(&InputSpec::FER_2013).unwrap();
            assert!(objection.contains(key), "{objection}");
        };
        let three_block = |change: &dyn Fn(&mut ThreeBlockConfig)| {
            let mut config = ThreeBlockConfig::default();
            change(&mut config);
            Architecture::ThreeBlock(config)
        };
        check(
            three_block(&|c| c.channels[1] = 0),
            "channels[1]",
            "is 0, but must be between 1 and 4096",
        );
        check(
            three_block(&|c| c.hidden = usize::MAX),
            "hidden",
            "is 18446744073709551615, but must be between 1 and 16384",
        );
        check(
            three_block(&|c| c.dropout = f32::NAN),
            "dropout",
            "is not a number, but must be at least 0 and below 1",
        );
        check(
            three_block(&|c| c.dropout2d = f32::INFINITY),
            "dropout2d",
            "is not a number, but must be at least 0 and below 1",
        );
        check(
            three_block(&|c| c.dropout = -0.1),
            "dropout",
            "is -0.1, but must be at least 0 and below 1",
        );
        let vgg = |pooled_side, hidden: Vec<usize>| {
            let head = HeadConfig {
                hidden,
                dropout: 0.0,
            };
            Architecture::Vgg16(VggConfig { pooled_side, head })
        };
        check(
            vgg(0, vec![]),
            "pooled_side",
            "is 0, but must be between 1 and 16",
        );
        check(
            vgg(1, vec![8, 0]),
            "head.hidden[1]",
            "is 0, but must be between 1 and 16384",
        );
        check(
            vgg(1, vec![8; 9]),
            "head.hidden",
            "has 9 entries, but must have at most 8",
        );
    }

    #[test]
    fn weights_are_counted() {
        let three_block = Architecture::ThreeBlock(ThreeBlockConfig::default());
        let n = three_block.n_weights(&InputSpec::FER_2013, 7);
        let shapes = three_block.weight_shapes(&InputSpec::FER_2013, 7);
        let expected: usize = shapes
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(n, expected as u64);
    }
}
