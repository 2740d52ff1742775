//! Everything that decides the outcome of a run, read from a TOML file and saved beside the weights.
//!
//! A recipe is a file, never code: those in `recipes/` are built into the program and found by name ([`Recipe::find`]),
//! any other is found by path. What a newcomer would get wrong: a key that is left out is *off*, not the value that the
//! `three-block` recipe has.

mod check;
mod check_augment;
mod file;
pub mod loss;
pub mod optimizer;
mod range;
pub mod schedule;
mod settings;

pub use self::{
    file::RecipeError,
    settings::{
        EmaSettings, FirstWeights, InputSettings, Recipe, ResizingStage, Selection, SelectionMetric,
    },
};

#[cfg(test)]
pub(crate) mod tests;
