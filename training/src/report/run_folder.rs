//! The folder of a training run: recipe, state after every epoch, best checkpoint, log.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `recipe.json` | the [`Recipe`], written before the first step |
//! | `state.safetensors` | everything to go on exactly: weights, moments, averages, progress |
//! | `best.safetensors` | the best checkpoint so far, ready for fervis |
//! | `epochs.csv`, `metrics.json` | the figures, one row an epoch, and all of the best one |
//! | `curves.svg`, `confusion.svg` | the same to look at |
//! | `log.txt` | what the terminal showed, with the time |
//! | `events.out.tfevents.fervis` | curves for TensorBoard |
//! | `.lock` | held while a training runs in the folder; empty |
//!
//! All but the log and the events, which are appended to, are replaced atomically: whatever interrupts a run, it finds
//! whole files.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use fervis::{
    read,
    result_file::{is_same_file, replace},
};

use crate::{
    recipe::Recipe,
    report::{figures::RunFigures, plots},
};

/// What a run writes, its logs included.
const FILES: [&str; 8] = [
    "recipe.json",
    "state.safetensors",
    "best.safetensors",
    "epochs.csv",
    "metrics.json",
    "curves.svg",
    "confusion.svg",
    "log.txt",
];
/// Of these, what nobody makes again in a moment.
const RESULTS: [&str; 3] = ["best.safetensors", "epochs.csv", "metrics.json"];
/// More than the figures of 100,000 epochs.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

/// Keeps other trainings out of a folder.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

impl RunFolder {
    /// The folder at `path`, which need not be there.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.0)
            .with_context(|| format!("making the folder {}", self.0.display()))
    }

    /// Whether a run may be kept here that learns from these files. `force` replaces the results of a run whose state
    /// is gone.
    ///
    /// # Errors
    /// If it would write to one of the files, or replace such results without being told to.
    pub fn check(&self, inputs: &[PathBuf], force: bool) -> Result<()> {
        for file in FILES.map(|name| self.0.join(name)) {
            if let Some(input) = inputs.iter().find(|input| is_same_file(input, &file)) {
                bail!(
                    "the run would write to {}, which it learns from; choose another folder",
                    input.display()
                );
            }
        }
        let results = RESULTS.map(|name| self.0.join(name));
        let found = results.iter().find(|file| file.exists());
        if let Some(found) = found.filter(|_| !force && !self.has_state()) {
            bail!(
                "{} exists, but no state to go on with; choose another folder, or replace it with --force",
                found.display()
            );
        }
        Ok(())
    }

    /// Keeps other trainings out until the lock is dropped, also by a crash. The file stays: a lock on a file that somebody
    /// else has just removed would be worth nothing.
    ///
    /// # Errors
    /// If another training has the folder, or the lock's file cannot be made.
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.0.join(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{} is in use by another training; wait for it to end, or choose another folder with --out",
                self.0.display()
            ),
            // Some network drives know no locks; better to train without than not at all.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        Ok(RunLock(file))
    }

    /// The best checkpoint so far.
    pub fn best_path(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// TensorBoard's file.
    pub fn events_path(&self) -> PathBuf {
        self.0.join("events.out.tfevents.fervis")
    }

    /// The log.
    pub fn log_path(&self) -> PathBuf {
        self.0.join("log.txt")
    }

    /// Everything to go on exactly.
    pub fn state_path(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// Whether there is a run to go on with.
    pub fn has_state(&self) -> bool {
        self.state_path().exists()
    }

    /// Writes the recipe.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_recipe(&self, recipe: &Recipe) -> Result<()> {
        write_atomically(
            &self.0.join("recipe.json"),
            &serde_json::to_vec_pretty(recipe)?,
        )
    }

    /// Writes the tables and pictures of the figures so far.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn save_figures(&self, figures: &RunFigures) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        for epoch in &figures.epochs {
            table.serialize(epoch)?;
        }
        write_atomically(&self.0.join("epochs.csv"), &table.into_inner()?)?;
        write_atomically(
            &self.0.join("metrics.json"),
            &serde_json::to_vec_pretty(figures)?,
        )?;
        let curves = plots::curves(&figures.epochs);
        write_atomically(&self.0.join("curves.svg"), curves.as_bytes())?;
        let (Some(best), Some(public)) = (figures.best, &figures.best_public_test) else {
            return Ok(());
        };
        let title = format!("PublicTest, epoch {}", best.epoch);
        let confusion = plots::confusion(&public.confusion, &title);
        write_atomically(&self.0.join("confusion.svg"), confusion.as_bytes())
    }

    /// Reads what a run saved: its recipe and its figures.
    ///
    /// # Errors
    /// If it is no folder of a run.
    pub fn read(&self) -> Result<(Recipe, RunFigures)> {
        let no_run = || format!("{} is no folder of a run", self.0.display());
        let read =
            |name: &str| read::bytes(&self.0.join(name), MAX_FILE_BYTES).with_context(no_run);
        let recipe = serde_json::from_slice(&read("recipe.json")?).with_context(no_run)?;
        let figures = serde_json::from_slice(&read("metrics.json")?).with_context(no_run)?;
        Ok((recipe, figures))
    }
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).with_context(|| format!("writing {}", path.display()))
}
