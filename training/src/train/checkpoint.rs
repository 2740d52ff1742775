//! Saves the best checkpoint so far, with its description.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use fervis::{
    expression::Labels,
    model::{
        Precision,
        checkpoint::{Checkpoint, FORMAT_VERSION, Metadata},
    },
};

use crate::{
    data::dataset::{Dataset, Split, SplitOrigin},
    fer2013::is_fer_2013,
    recipe::Recipe,
    report::run_folder::RunFolder,
    train::{distillation::Teachers, job::Job, state::RunState},
};

/// Writes the checkpoint of the best epoch so far.
pub(super) fn save_best(job: &Job, state: &RunState, folder: &RunFolder) -> Result<()> {
    let recipe = job.recipe;
    let Some(figures) = state.progress.best(recipe) else {
        return Ok(());
    };
    let selected_by = recipe.selection.metric.name();
    let training = serde_json::json!({
        "data": data_of(job.dataset),
        "split": format!("trained on Training, selected on PublicTest by {selected_by}{}", split_note(job.dataset)),
        "epoch": figures.epoch,
        "precision": Precision::fastest(),
        "begun with": state.pretrained,
        "teachers": job.teachers.as_ref().map(Teachers::origins).unwrap_or_default(),
        "votes of FER+": recipe.needs_votes(),
        "recipe": serde_json::to_value(recipe)?,
    });
    let mut metrics = BTreeMap::from([
        ("PublicTest accuracy".to_owned(), figures.public_accuracy),
        ("PublicTest macro-F1".to_owned(), figures.public_macro_f1),
    ]);
    if let Some(agreement) = figures.public_agreement {
        metrics.insert("PublicTest agreement with FER+".to_owned(), agreement);
    }
    let metadata = describe(recipe, job.dataset.classes(), training, metrics);
    Checkpoint::write(
        &metadata,
        &state.finished_weights(recipe)?,
        &folder.best_path(),
    )
    .context("saving the best checkpoint")
}

/// The name of the data.
fn data_of(dataset: &Dataset) -> String {
    let counts = Split::ALL.map(|split| dataset.class_counts(dataset.split(split)));
    if is_fer_2013(&counts) {
        return "FER-2013 (Goodfellow et al. 2013, arXiv:1307.0414)".to_owned();
    }
    let images = format!("{} images that are not FER-2013's", dataset.len());
    match dataset.classes() == Labels::FER_2013 {
        true => images,
        false => format!("{images}, of the classes {}", dataset.classes().list()),
    }
}

/// Where the splits come from, if not from the data.
fn split_note(dataset: &Dataset) -> String {
    match dataset.split_origin() {
        SplitOrigin::Given => String::new(),
        origin => format!("; {origin}"),
    }
}

/// The description of a network trained by `recipe`.
pub(super) fn describe(
    recipe: &Recipe,
    classes: Labels,
    training: serde_json::Value,
    metrics: BTreeMap<String, f64>,
) -> Metadata {
    Metadata {
        format_version: FORMAT_VERSION,
        name: recipe.name.clone(),
        architecture: recipe.network.clone(),
        labels: classes.names().map(str::to_owned).collect(),
        input: recipe.input_spec(),
        temperature: 1.0,
        uncertain_below: 0.0,
        training,
        metrics,
        license: "MIT OR Apache-2.0".to_owned(),
    }
}
