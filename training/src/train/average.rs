//! One network between two: the weighted mean of two checkpoints' weights.
//!
//! Fine-tuning for damaged images costs agreement on clean ones. On the straight line between the weights before and after
//! it, most of the first is won before much of the second is lost, at no cost at run time. That works only for networks of
//! the same architecture of which one was trained from the other. Source: Wortsman et al. 2022, “Robust fine-tuning of
//! zero-shot models”, arXiv:2109.01903.

use anyhow::{Result, ensure};
use candle_core::DType;
use fervis::model::checkpoint::Checkpoint;
use serde_json::{Value, json};

/// `(1 - share) · first + share · second`, with the description of `first` and no figures, since none was measured.
///
/// `share` is between 0 and 1. Running means and variances of normalization are averaged like weights.
///
/// # Errors
/// If the networks differ in architecture, labels or input, or `share` is out of range.
pub fn average(first: &Checkpoint, second: &Checkpoint, share: f64) -> Result<Checkpoint> {
    ensure!(
        (0.0..=1.0).contains(&share),
        "the share of the second network is {share}; give a number from 0 to 1"
    );
    let (a, b) = (&first.metadata, &second.metadata);
    ensure!(
        a.architecture == b.architecture && first.weights.len() == second.weights.len(),
        "{} and {} have different architectures; only networks of which one was trained from the other can be averaged",
        a.name,
        b.name
    );
    ensure!(
        a.labels == b.labels,
        "{} and {} have their labels in a different order",
        a.name,
        b.name
    );
    ensure!(
        (a.input.width, a.input.height, a.input.mean, a.input.std)
            == (b.input.width, b.input.height, b.input.mean, b.input.std),
        "{} and {} take different inputs (size, mean or standard deviation)",
        a.name,
        b.name
    );
    let mut mean = first.clone();
    for (name, weight) in &mut mean.weights {
        let Some(other) = second.weights.get(name) else {
            anyhow::bail!("{} has no weights called {name}", b.name);
        };
        let (x, y) = (weight.to_dtype(DType::F32)?, other.to_dtype(DType::F32)?);
        *weight = ((x * (1.0 - share))? + (y * share)?)?;
    }
    mean.metadata.training = json!({
        "averaged": [part(first, 1.0 - share), part(second, share)],
    });
    mean.metadata.metrics.clear();
    Ok(mean)
}

fn part(checkpoint: &Checkpoint, share: f64) -> Value {
    let metadata = &checkpoint.metadata;
    json!({
        "name": metadata.name,
        "sha256": checkpoint.sha256,
        "share": share,
        "training": metadata.training,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn bundled_checkpoint(name: &str) -> Checkpoint {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        let path = models.join(name).with_extension("safetensors");
        Checkpoint::read(&path).expect("it is in the repository")
    }

    /// The largest difference between two sets of weights.
    fn distance(a: &Checkpoint, b: &Checkpoint) -> f32 {
        let one = |name: &String| -> candle_core::Result<f32> {
            let difference =
                (a.weights[name].to_dtype(DType::F32)? - b.weights[name].to_dtype(DType::F32)?)?;
            difference.abs()?.flatten_all()?.max(0)?.to_scalar()
        };
        a.weights
            .keys()
            .map(|name| one(name).expect("same shapes"))
            .fold(0.0, f32::max)
    }

    #[test]
    fn the_mean_lies_between_its_networks() {
        let first = bundled_checkpoint("fervis-plus");
        let mut second = first.clone();
        for weight in second.weights.values_mut() {
            *weight = (weight.to_dtype(DType::F32).unwrap() + 1.0).unwrap();
        }
        let mean = average(&first, &second, 0.25).unwrap();
        assert!((distance(&mean, &first) - 0.25).abs() < 1e-3);
        assert!((distance(&mean, &second) - 0.75).abs() < 1e-3);
        assert!(mean.metadata.metrics.is_empty());
        assert_eq!(mean.metadata.training["averaged"][1]["share"], 0.25);
    }

    #[test]
    fn networks_that_do_not_fit_are_refused() {
        let first = bundled_checkpoint("fervis-plus");
        let other = bundled_checkpoint("three-block");
        let error = average(&first, &other, 0.5).unwrap_err().to_string();
        assert!(error.contains("different architectures"), "{error}");
        let error = average(&first, &first, 1.5).unwrap_err().to_string();
        assert!(error.contains("from 0 to 1"), "{error}");
    }
}
