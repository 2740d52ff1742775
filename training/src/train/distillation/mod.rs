//! Distillation: the averaged, softened answers of existing networks are targets in addition to the labels.
//!
//! The teachers see either exactly what the student sees, with all augmentation, or the clean image, once before the run.
//! Only the second can teach a student more about damaged images than its teachers know: whatever the augmentation covers,
//! blurs or rotates, the target stays the answer for the undamaged face. Source: Hinton, Vinyals and Dean 2015,
//! arXiv:1503.02531, with their factor of T², which keeps gradients as large as those of labels.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, ensure};
use fervis::{
    expression::{Labels, Logits, PerLabel},
    model::{CheckpointChoice, Classifier, ComputeDevice, Views},
};

use crate::{
    augment::{self, Normalization},
    data::{
        dataset::{Dataset, FNV_OFFSET, fnv_1a},
        target::Target,
    },
    evaluate::logits::logits_over,
    recipe::{Recipe, loss::DistillationSettings},
    train::origin::Origin,
};

/// The networks to learn from.
pub struct Teachers {
    // Running a network changes its buffers. Everything happens on the training thread.
    networks: RefCell<Vec<Classifier>>,
}

impl Teachers {
    /// Loads checkpoints.
    ///
    /// # Errors
    /// If one cannot be loaded.
    pub fn load(paths: &[PathBuf], device: &ComputeDevice) -> Result<Self> {
        let load = |path: &PathBuf| Classifier::load(&CheckpointChoice::File(path.clone()), device);
        let networks = paths.iter().map(load).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(networks))
    }

    /// Uses networks that are loaded already.
    pub fn new(networks: Vec<Classifier>) -> Self {
        Self {
            networks: RefCell::new(networks),
        }
    }

    /// Checks that they fit the recipe.
    ///
    /// # Errors
    /// If there are none, their number differs from that of the recipe's weights, or one has other labels than the data
    /// or needs another image size.
    pub fn check(&self, recipe: &Recipe, classes: Labels) -> Result<()> {
        let networks = self.networks.borrow();
        ensure!(
            !networks.is_empty(),
            "the recipe {} learns from other networks; give their checkpoints with --teacher",
            recipe.name
        );
        for network in &*networks {
            let info = network.info();
            ensure!(
                info.labels == classes,
                "the teacher {} knows other classes ({}) than the data ({})",
                info.name,
                info.labels.list(),
                classes.list()
            );
        }
        let settings = recipe.distillation.as_ref();
        let n_weights = settings.map_or(0, |settings| settings.weights.len());
        ensure!(
            n_weights == 0 || n_weights == networks.len(),
            "the recipe {} has weights for {n_weights} teachers, but --teacher names {}; give one for each weight, in the \
             same order",
            recipe.name,
            networks.len()
        );
        if settings.is_some_and(|settings| settings.clean) {
            // Each sees images of its own size.
            return Ok(());
        }
        let side = recipe.input.side_px;
        for network in &*networks {
            let (spec, name) = (network.spec(), &network.info().name);
            ensure!(
                (spec.width, spec.height) == (side, side),
                "the teacher {name} needs images of {}×{} px, but the recipe {} has {side}×{side}; use another teacher, or set \
                 distillation.clean",
                spec.width,
                spec.height,
                recipe.name
            );
        }
        Ok(())
    }

    /// A number that almost certainly differs for other teachers.
    pub fn fingerprint(&self) -> u64 {
        let networks = self.networks.borrow();
        let bytes = networks
            .iter()
            .flat_map(|network| network.info().sha256.bytes());
        fnv_1a(FNV_OFFSET, bytes)
    }

    /// Their files, for the description of the student.
    pub fn origins(&self) -> Vec<Origin> {
        let networks = self.networks.borrow();
        let origin = |network: &Classifier| {
            let info = network.info();
            let path = info.path.as_deref();
            Origin::new(path.unwrap_or(Path::new(&info.name)), &info.sha256)
        };
        networks.iter().map(origin).collect()
    }

    /// Their answers for the images at `indices`, without augmentation, by image number; zeros for other images.
    ///
    /// # Errors
    /// If a network fails, or its input is not square.
    pub fn clean_targets(
        &self,
        dataset: &Arc<Dataset>,
        indices: &[usize],
        settings: &DistillationSettings,
    ) -> Result<Vec<Target>> {
        let views = if settings.mirrored {
            augment::ViewSet::Flip
        } else {
            augment::ViewSet::Single
        };
        let mut networks = self.networks.borrow_mut();
        let look = |network: &mut Classifier| logits_over(network, dataset, indices, views);
        let answers = networks.iter_mut().map(look).collect::<Result<Vec<_>>>()?;
        let mut by_image = vec![PerLabel::new(dataset.classes()); dataset.len()];
        for (&index, target) in indices.iter().zip(softened(&networks, &answers, settings)) {
            by_image[index] = target;
        }
        Ok(by_image)
    }

    /// Their answers for a batch of images normalized by `normalization`.
    ///
    /// # Errors
    /// If a network fails.
    pub fn targets(
        &self,
        images: &[f32],
        normalization: Normalization,
        settings: &DistillationSettings,
    ) -> Result<Vec<Target>> {
        let mut networks = self.networks.borrow_mut();
        let views = if settings.mirrored {
            Views::Flip
        } else {
            Views::Single
        };
        let mut answers = Vec::new();
        for network in &mut *networks {
            let spec = *network.spec();
            // Each has its own normalization.
            let factor = normalization.std / spec.std;
            let offset = (normalization.mean - spec.mean) / spec.std;
            let own = |value: &f32| value * factor + offset;
            let inputs = images.iter().map(own).collect();
            answers.push(network.logits_of_views(inputs, views)?);
        }
        Ok(softened(&networks, &answers, settings))
    }
}

/// The answers of all networks for the same images, averaged and softened by the recipe's temperature.
fn softened(
    networks: &[Classifier],
    answers: &[Vec<Logits>],
    settings: &DistillationSettings,
) -> Vec<Target> {
    let n_images = answers.first().map_or(0, Vec::len);
    let sum: f64 = settings.weights.iter().sum();
    let of_image = |image: usize| {
        let mut mean = Logits(PerLabel::new(answers[0][image].0.labels()));
        for (number, (network, answers)) in networks.iter().zip(answers).enumerate() {
            let (answer, share) = match settings.weights.get(number) {
                Some(weight) => {
                    let probabilities = answers[image].softmax(network.info().temperature);
                    (probabilities.0, (weight / sum) as f32)
                }
                None => (answers[image].0, 1.0 / networks.len() as f32),
            };
            let values = mean.0.iter_mut().zip(answer.iter());
            values.for_each(|(mean, value)| *mean += share * value);
        }
        if !settings.weights.is_empty() {
            // Softmax undoes the logarithm.
            mean.0 = mean.0.map(|p| p.max(f32::MIN_POSITIVE).ln());
        }
        mean.softmax(settings.temperature as f32).0
    };
    (0..n_images).map(of_image).collect()
}

#[cfg(test)]
pub(crate) mod tests;
