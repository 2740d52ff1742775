//! Recipes: TOML files that decide the outcome of a run and are saved beside its weights.
//!
//! A recipe is a file, never code. Those in `recipes/` are built into the program and found by name ([`Recipe::find`]), any
//! other by path. A missing optional key is *off*; it does not take the value of the recipe `three-block`.
//! `docs/recipes.md` explains every key.

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
