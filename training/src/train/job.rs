//! The inputs of a run.

use std::{sync::Arc, time::Duration};

use candle_core::Device;
use fervis::model::import::Pretrained;

use crate::{
    data::{dataset::Dataset, ferplus::FerPlus},
    recipe::Recipe,
    train::distillation::Teachers,
};

/// What to train, and on which data.
pub struct Job<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The data.
    pub dataset: &'a Arc<Dataset>,
    /// FER+'s votes, for recipes that need them ([`Recipe::needs_votes`]). With votes, the agreement of every epoch is
    /// measured.
    pub votes: Option<Arc<FerPlus>>,
    /// Networks to learn from, for recipes with [`Recipe::distillation`].
    pub teachers: Option<Teachers>,
    /// Where to compute.
    pub device: &'a Device,
    /// Time for the run; decides the number of epochs.
    pub budget: Option<Duration>,
    /// First weights of a new run; random if `None`.
    pub pretrained: Option<Pretrained>,
}
