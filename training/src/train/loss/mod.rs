//! The loss: `-Σ w t (1 - p)^γ ln p` over the classes, averaged over the images.
//!
//! `t` is the target, `p` the network's probability, `w` the weight of the class. With γ = 0, all weights 1 and `t` the
//! label, this is cross-entropy. A target is the label, blended with the votes, then smoothed, then mixed by mixup. The
//! losses of a second head ([`crate::train::auxiliary`]) and of distillation ([`crate::train::distillation`]) are added.

use std::sync::Arc;

use candle_core::{D, Device, Result, Tensor};
use candle_nn::{loss::cross_entropy, ops::log_softmax};
use fervis::expression::{Labels, PerLabel};

use crate::{
    data::{ferplus::FerPlus, loader::Batch, target::Target},
    recipe::{
        Recipe,
        loss::{AuxiliarySettings, ClassWeights, DistillationSettings, LossSettings},
    },
    train::auxiliary,
};

/// The loss of a run.
#[derive(Debug)]
pub struct Loss {
    settings: LossSettings,
    auxiliary: Option<AuxiliarySettings>,
    distillation: Option<DistillationSettings>,
    classes: Labels,
    weights: Option<PerLabel<f32>>,
    votes: Option<Arc<FerPlus>>,
}

impl Loss {
    /// `class_counts` are those of the training images; `votes` belong to the whole dataset.
    pub fn new(
        recipe: &Recipe,
        class_counts: PerLabel<usize>,
        votes: Option<Arc<FerPlus>>,
    ) -> Self {
        let settings = recipe.loss;
        let n_images: usize = class_counts.iter().sum();
        let n_classes = class_counts.iter().filter(|n| **n > 0).count();
        let weights = match settings.class_weights {
            ClassWeights::Even => None,
            ClassWeights::Given(weights) => {
                let weights = weights.map(|weight| weight as f32);
                Some(PerLabel::from_values(class_counts.labels(), weights))
            }
            ClassWeights::Balanced => Some(class_counts.map(|n| match n {
                0 => 0.0,
                n => n_images as f32 / (n_classes * n) as f32,
            })),
        };
        Self {
            settings,
            auxiliary: recipe.auxiliary,
            distillation: recipe.distillation.clone(),
            classes: class_counts.labels(),
            weights,
            votes,
        }
    }

    /// The mean loss of a batch, from logits of shape `(n, classes)`, or `(n, 2 classes)` with a second head. `teachers` are the teachers'
    /// answers, softened by the recipe's temperature, one per image.
    ///
    /// # Errors
    /// If the logits have another shape.
    pub fn of_batch(
        &self,
        logits: &Tensor,
        batch: &Batch,
        teachers: Option<&[Target]>,
    ) -> Result<Tensor> {
        let (own, second) = auxiliary::heads(logits, self.classes.len())?;
        let mut loss = self.of_labels(&own, batch)?;
        if let (Some(settings), Some(teachers)) = (&self.distillation, teachers) {
            let &DistillationSettings {
                share, temperature, ..
            } = settings;
            let soft = self.softened(&own, teachers, temperature)?;
            loss = ((loss * (1.0 - share))? + (soft * (share * temperature * temperature))?)?;
        }
        if let (Some(settings), Some(second)) = (self.auxiliary, second) {
            loss = (loss + (self.of_votes(&second, batch)? * settings.weight)?)?;
        }
        Ok(loss)
    }

    /// The cross-entropy of logits, divided by a temperature, with softened targets.
    fn softened(&self, logits: &Tensor, targets: &[Target], temperature: f64) -> Result<Tensor> {
        let values: Vec<f32> = targets
            .iter()
            .flat_map(|target| target.iter().copied())
            .collect();
        let targets = Tensor::from_vec(values, logits.dims(), &Device::Cpu)?;
        let log_p = log_softmax(&(logits / temperature)?, D::Minus1)?;
        let sum = (log_p * targets.to_device(logits.device())?)?.sum_all()?;
        sum * (-1.0 / logits.dim(0)? as f64)
    }

    /// The cross-entropy of the second head's logits with the votes, over the images that have votes.
    fn of_votes(&self, logits: &Tensor, batch: &Batch) -> Result<Tensor> {
        let of_image = |index: &usize| {
            let votes = self.votes.as_ref()?;
            votes.of(*index).distribution()
        };
        let targets = batch
            .indices
            .iter()
            .map(|index| of_image(index).unwrap_or_default());
        let targets = mixed(targets.collect(), batch);
        let n_votes: f32 = targets.iter().flat_map(|target| target.iter()).sum();
        let n_images = f64::from(n_votes.max(f32::MIN_POSITIVE)) / targets.len() as f64;
        self.softened(logits, &targets, 1.0)? / n_images
    }

    /// The loss by labels and, with their share, votes.
    fn of_labels(&self, logits: &Tensor, batch: &Batch) -> Result<Tensor> {
        let is_plain = self.weights.is_none()
            && self.settings.votes_share == 0.0
            && self.settings.label_smoothing == 0.0
            && self.settings.focal_gamma == 0.0
            && batch.mixed.is_none();
        if is_plain {
            let labels = Tensor::new(batch.labels.as_slice(), logits.device())?;
            return cross_entropy(logits, &labels);
        }
        self.of_targets(logits, &self.targets(batch))
    }

    /// The targets of a batch.
    fn targets(&self, batch: &Batch) -> Vec<Target> {
        let smoothing = self.settings.label_smoothing;
        let of_image = |(&label, &index): (&u32, &usize)| {
            let votes = self
                .votes
                .as_ref()
                .filter(|_| self.settings.votes_share > 0.0);
            let votes = votes.and_then(|votes| votes.of(index).distribution());
            let votes_share = votes.map_or(0.0, |_| self.settings.votes_share);
            let mut target = PerLabel::new(self.classes);
            for (class, value) in target.iter_mut().enumerate() {
                let is_label = f32::from(u8::from(class == label as usize));
                let vote = votes.map_or(0.0, |votes| votes[class]);
                let blended = (1.0 - votes_share) * is_label + votes_share * vote;
                *value = (1.0 - smoothing) * blended + smoothing / self.classes.len() as f32;
            }
            target
        };
        let targets = batch.labels.iter().zip(&batch.indices).map(of_image);
        mixed(targets.collect(), batch)
    }

    /// The loss, divided by the sum of `w t` over classes and images; with labels as targets this equals PyTorch's mean.
    fn of_targets(&self, logits: &Tensor, targets: &[Target]) -> Result<Tensor> {
        let ones = || PerLabel::<f32>::new(self.classes).map(|_| 1.0);
        let weights = self.weights.unwrap_or_else(ones);
        let weighted: Vec<f32> = targets
            .iter()
            .flat_map(|target| target.iter().zip(weights.iter()).map(|(t, w)| t * w))
            .collect();
        let sum: f32 = weighted.iter().sum();
        let shape = (targets.len(), self.classes.len());
        let weighted = Tensor::from_vec(weighted, shape, &Device::Cpu)?;
        let weighted = weighted.to_device(logits.device())?; // (n, classes)
        let log_p = log_softmax(logits, D::Minus1)?; // (n, classes)
        let terms = (&log_p * weighted)?;
        let terms = if self.settings.focal_gamma == 0.0 {
            terms
        } else {
            // Rounding may make p larger than 1.
            let wrong = (1.0 - log_p.exp()?)?.relu()?;
            (terms * wrong.powf(self.settings.focal_gamma)?)?
        };
        // If all classes of a batch have the weight 0, the loss is 0.
        terms.sum_all()? * (-1.0 / f64::from(sum.max(f32::MIN_POSITIVE)))
    }
}

/// Targets blended like the images of the batch.
pub(crate) fn mixed(targets: Vec<Target>, batch: &Batch) -> Vec<Target> {
    let Some(mixed) = &batch.mixed else {
        return targets;
    };
    let blend = |(&partner, own): (&usize, &Target)| {
        let other = targets[partner];
        let pairs = own.iter().zip(other.iter());
        let values = pairs.map(|(own, other)| mixed.share * own + (1.0 - mixed.share) * other);
        PerLabel::from_values(own.labels(), values)
    };
    mixed.partners.iter().zip(&targets).map(blend).collect()
}

#[cfg(test)]
mod tests;
