//! What a run is given.

use std::{sync::Arc, time::Duration};

use candle_core::Device;
use fervis::model::import::Pretrained;

use crate::{
    data::{dataset::Dataset, ferplus::FerPlus},
    recipe::Recipe,
    train::distillation::Teachers,
};

/// What to train, on what.
pub struct Job<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The data.
    pub dataset: &'a Arc<Dataset>,
    /// FER+'s votes, for recipes that need them ([`Recipe::needs_votes`]); with them every epoch's agreement is measured.
    pub votes: Option<Arc<FerPlus>>,
    /// Networks to learn from, for recipes with a [`Recipe::distillation`].
    pub teachers: Option<Teachers>,
    /// Where to compute.
    pub device: &'a Device,
    /// The run takes about this long, whatever number of epochs that is.
    pub budget: Option<Duration>,
    /// What a new run begins with, instead of random weights.
    pub pretrained: Option<Pretrained>,
}
