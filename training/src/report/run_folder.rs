//! The folder of a training run.
//!
//! | file | contents |
//! | --- | --- |
//! | `recipe.json` | the [`Recipe`], written before the first step |
//! | `state.safetensors` | everything needed to resume exactly: weights, moments, averages, progress |
//! | `best.safetensors` | the best checkpoint so far, ready for fervis |
//! | `epochs.csv`, `metrics.json` | the figures: one row per epoch, and all figures of the best one |
//! | `curves.svg`, `confusion.svg` | plots of the figures |
//! | `log.txt` | the messages of the terminal, with times |
//! | `events.out.tfevents.fervis` | curves for TensorBoard |
//! | `.lock` | empty; locked while a run uses the folder |
//!
//! Log and events are appended to. All other files are replaced atomically, so an interrupted run finds them complete.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use fervis::{file_identity::is_same_file, read, result_file::replace};

use crate::{
    recipe::Recipe,
    report::{figures::RunFigures, plots},
};

/// The files that a run writes.
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
/// Those that take a whole run to make again.
const RESULTS: [&str; 3] = ["best.safetensors", "epochs.csv", "metrics.json"];
/// More than the figures of 100,000 epochs take.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

/// Keeps other runs out of a folder while it exists.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

impl RunFolder {
    /// The folder at `path`, which need not exist.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Creates the folder if it does not exist.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.0)
            .with_context(|| format!("creating the folder {}", self.0.display()))
    }

    /// Checks that a run that learns from `inputs` may be saved here. `force` allows it to replace the results of a run
    /// whose state is missing.
    ///
    /// # Errors
    /// If the run would write to one of its inputs, or replace such results without `force`.
    pub fn check(&self, inputs: &[PathBuf], force: bool) -> Result<()> {
        for file in FILES.map(|name| self.0.join(name)) {
            if let Some(input) = inputs.iter().find(|input| is_same_file(input, &file)) {
                bail!(
                    "{}: the run would write to this file, which it learns from; choose another folder with --out",
                    input.display()
                );
            }
        }
        let results = RESULTS.map(|name| self.0.join(name));
        let found = results.iter().find(|file| file.exists());
        if let Some(found) = found.filter(|_| !force && !self.has_state()) {
            bail!(
                "{} exists, but there is no state to resume from; choose another folder with --out, or replace the results \
                 with --force",
                found.display()
            );
        }
        Ok(())
    }

    /// Keeps other runs out until the lock is dropped, even by a crash. The file itself stays: a lock on a file that
    /// another process has just deleted would be worthless.
    ///
    /// # Errors
    /// If another run uses the folder, or the lock file cannot be created.
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
                "{} is in use by another run; wait for it to end, or choose another folder with --out",
                self.0.display()
            ),
            // Some network drives do not support locks; training without one is better than not at all.
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

    /// Everything needed to resume exactly.
    pub fn state_path(&self) -> PathBuf {
        self.0.join("state.safetensors")
    }

    /// Whether there is a run to resume.
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

    /// Writes the tables and plots of the figures so far.
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
        let curves = plots::curves(&figures.epochs).context("drawing curves.svg")?;
        write_atomically(&self.0.join("curves.svg"), curves.as_bytes())?;
        let (Some(best), Some(public)) = (figures.best, &figures.best_public_test) else {
            return Ok(());
        };
        let title = format!("PublicTest, epoch {}", best.epoch);
        let confusion = plots::confusion(public, &title).context("drawing confusion.svg")?;
        write_atomically(&self.0.join("confusion.svg"), confusion.as_bytes())
    }

    /// Reads the recipe and the figures of a run.
    ///
    /// # Errors
    /// If this is not the folder of a run.
    pub fn read(&self) -> Result<(Recipe, RunFigures)> {
        let no_run = || format!("{}: not the folder of a run", self.0.display());
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
