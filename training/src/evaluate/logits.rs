//! The logits of a network for the images of a split.
//!
//! The network runs exactly as in the application.

use std::sync::Arc;

use anyhow::{Result, ensure};
use fervis::{
    expression::{Logits, PerLabel},
    model::Classifier,
};

use crate::{
    augment::{Normalization, View, ViewSet},
    data::{
        dataset::Dataset,
        loader::{Batches, LoaderConfig},
    },
};

/// Logits of each image, averaged over `views`, in the order of `indices`.
///
/// # Errors
/// If the network's inputs are not square.
pub fn logits_over(
    classifier: &mut Classifier,
    dataset: &Arc<Dataset>,
    indices: &[usize],
    views: ViewSet,
) -> Result<Vec<Logits>> {
    let views = views.views();
    let zero = Logits(PerLabel::new(classifier.info().labels));
    let mut sums = vec![zero; indices.len()];
    for view in &views {
        for (sum, logits) in sums
            .iter_mut()
            .zip(logits_of(classifier, dataset, indices, *view)?)
        {
            for (sum, value) in sum.0.iter_mut().zip(logits.0.iter()) {
                *sum += value / views.len() as f32;
            }
        }
    }
    Ok(sums)
}

/// Logits of one view of each image, in the order of `indices`.
///
/// # Errors
/// If the network's inputs are not square.
pub fn logits_of(
    classifier: &mut Classifier,
    dataset: &Arc<Dataset>,
    indices: &[usize],
    view: View,
) -> Result<Vec<Logits>> {
    let (side_px, normalization) = square_input(classifier)?;
    let batches = Batches::evaluation(
        Arc::clone(dataset),
        indices,
        view,
        normalization,
        LoaderConfig {
            side_px,
            ..LoaderConfig::default()
        },
    )?;
    let mut all = Vec::with_capacity(indices.len());
    for batch in batches {
        all.extend(classifier.logits(batch.images)?);
    }
    Ok(all)
}

/// The side of a network's input, px, and its normalization.
///
/// # Errors
/// If it is not square.
pub(crate) fn square_input(classifier: &Classifier) -> Result<(usize, Normalization)> {
    let spec = *classifier.spec();
    ensure!(
        spec.width == spec.height,
        "the network needs {}×{} images, but FER-2013's are square",
        spec.width,
        spec.height
    );
    let normalization = Normalization {
        mean: spec.mean,
        std: spec.std,
    };
    Ok((spec.width, normalization))
}
