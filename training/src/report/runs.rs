//! The figures of several runs beside those published for their recipes.
//!
//! The figures are those of the best epoch, selected on PublicTest. Most published accuracies were measured on PrivateTest,
//! so it is not fair to compare them with the accuracy on PublicTest, by which the epoch was selected.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    evaluate::metrics::Metrics,
    recipe::Recipe,
    report::{figures::EpochFigures, run_folder::RunFolder},
    table::MarkdownTable,
};

/// One run.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Its folder, as the user gave it.
    pub folder: PathBuf,
    /// Its recipe.
    pub recipe: Recipe,
    /// The best epoch.
    pub best: EpochFigures,
    /// Number of epochs.
    pub n_epochs: usize,
    /// Training images per second, the median of the epochs.
    pub images_per_second: f64,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Standard error of the best epoch's accuracy.
    pub standard_error: f64,
    /// Figures on PrivateTest, if they were measured.
    pub private: Option<Metrics>,
}

impl RunSummary {
    /// Reads the folder of a run.
    ///
    /// # Errors
    /// If it is not the folder of a run, or no epoch is finished.
    pub fn read(folder: &Path) -> Result<Self> {
        let (recipe, figures) = RunFolder::at(folder).read()?;
        let best = figures
            .best
            .with_context(|| format!("{}: no finished epoch yet", folder.display()))?;
        let mut rates: Vec<f64> = figures.epochs.iter().map(|e| e.images_per_second).collect();
        rates.sort_by(f64::total_cmp);
        Ok(Self {
            folder: folder.to_owned(),
            recipe,
            best,
            n_epochs: figures.epochs.len(),
            images_per_second: rates.get(rates.len() / 2).copied().unwrap_or(0.0),
            seconds: figures.seconds,
            standard_error: figures
                .best_public_test
                .map_or(0.0, |public| public.accuracy_standard_error),
            private: None,
        })
    }
}

/// The runs as a table.
pub fn table(runs: &[RunSummary]) -> MarkdownTable {
    let with_private = runs.iter().any(|run| run.private.is_some());
    let mut header = vec![
        "folder",
        "recipe",
        "published accuracy",
        "PublicTest accuracy",
        "macro-F1",
        "best of epochs",
        "time",
        "images/s",
    ];
    if with_private {
        header.insert(3, "PrivateTest accuracy");
    }
    let mut table = MarkdownTable::new(&header);
    for run in runs {
        let accuracy =
            |accuracy: f64, error: f64| format!("{:.2} ± {:.2} %", accuracy * 100.0, error * 100.0);
        let mut row = vec![
            run.folder.display().to_string(),
            run.recipe.name.clone(),
            run.recipe
                .published
                .clone()
                .unwrap_or_else(|| "–".to_owned()),
            accuracy(run.best.public_accuracy, run.standard_error),
            format!("{:.2} %", run.best.public_macro_f1 * 100.0),
            format!("{} of {}", run.best.epoch, run.n_epochs),
            duration(run.seconds),
            format!("{:.0}", run.images_per_second),
        ];
        if with_private {
            let private = run.private.as_ref();
            let cell = private.map(|p| accuracy(p.accuracy, p.accuracy_standard_error));
            row.insert(3, cell.unwrap_or_default());
        }
        table.push(row);
    }
    table
}

/// Hours and minutes.
fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes / 60 {
        0 => format!("{minutes} min"),
        hours => format!("{hours} h {:02} min", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recipe::tests::three_block, report::figures::RunFigures};

    fn figures(epoch: usize, public_accuracy: f64) -> EpochFigures {
        EpochFigures {
            epoch,
            training_loss: 1.0,
            public_loss: 1.0,
            public_accuracy,
            public_macro_f1: public_accuracy,
            public_agreement: None,
            learning_rate: 1e-3,
            seconds: 1900.0,
            images_per_second: 100.0 * epoch as f64,
        }
    }

    #[test]
    fn a_run_is_read_from_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = Recipe {
            published: Some("64.41 % test".to_owned()),
            ..three_block()
        };
        let run = RunFolder::at(folder.path());
        run.save_recipe(&recipe).unwrap();
        let epochs = [(1, 0.25), (2, 0.5), (3, 0.375)];
        let epochs = epochs.map(|(epoch, accuracy)| figures(epoch, accuracy));
        let run_figures = RunFigures {
            best: Some(epochs[1]),
            best_public_test: Some(Metrics::from_logits(&[], &[], 1.0)),
            epochs: epochs.to_vec(),
            recipe: recipe.name.clone(),
            seconds: 5700.0,
            seed: recipe.seed,
            selected_by: recipe.selection.metric.name().to_owned(),
        };
        run.save_figures(&run_figures).unwrap();
        let run = RunSummary::read(folder.path()).unwrap();
        assert_eq!((run.best.epoch, run.n_epochs), (2, 3));
        let table = table(&[run]).to_string();
        let row = table.lines().nth(2).unwrap();
        let name = format!("| {} ", folder.path().display());
        for cell in [
            name.as_str(),
            "| three-block |",
            "| 64.41 % test ",
            "50.00 ±",
            "| 2 of 3 ",
            "| 1 h 35 min |",
            "| 200 ",
        ] {
            assert!(row.contains(cell), "{cell} in {table}");
        }
    }

    #[test]
    fn other_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunSummary::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("not the folder of a run"), "{error}");
    }
}
