//! The folder of a training run: recipe, state after every epoch, best checkpoint, log.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `recipe.json` | the [`Recipe`], written before the first step |
//! | `state.safetensors` | everything to go on exactly: weights, moments, progress |
//! | `best.safetensors` | the best checkpoint so far, ready for fervis |
//! | `epochs.csv` | one row an epoch |
//!
//! All are replaced atomically, so an interrupted run finds the state of its last whole epoch.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::{init::sorted, optimizer::AdamW, progress::Progress, recipe::Recipe};

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

/// What `state.safetensors` says beside the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StateHeader {
    recipe: Recipe,
    data_fingerprint: u64,
    progress: Progress,
    n_steps: u64,
}

impl RunFolder {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        fs::create_dir_all(path)
            .with_context(|| format!("making the folder {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The best checkpoint so far.
    pub fn best_path(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    fn state_path(&self) -> PathBuf {
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

    /// Saves everything to go on exactly, and the table of epochs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_state(
        &self,
        recipe: &Recipe,
        data_fingerprint: u64,
        progress: &Progress,
        vars: &VarMap,
        optimizer: &AdamW,
    ) -> Result<()> {
        let header = StateHeader {
            recipe: recipe.clone(),
            data_fingerprint,
            progress: progress.clone(),
            n_steps: optimizer.n_steps(),
        };
        let mut tensors: BTreeMap<String, Tensor> = optimizer.state().into_iter().collect();
        tensors.extend(
            sorted(vars)
                .into_iter()
                .map(|(name, var)| (name, var.as_detached_tensor())),
        );
        let header = HashMap::from([("fervis-train".to_owned(), serde_json::to_string(&header)?)]);
        let bytes = safetensors::serialize(tensors, Some(header))?;
        write_atomically(&self.state_path(), &bytes)?;

        let mut table = csv::Writer::from_writer(Vec::new());
        for figures in &progress.history {
            table.serialize(figures)?;
        }
        write_atomically(&self.0.join("epochs.csv"), &table.into_inner()?)
    }

    /// Takes up a saved run: fills `vars` and `optimizer` and returns the progress.
    ///
    /// # Errors
    /// If the state is damaged, or belongs to another recipe or other data.
    pub fn restore(
        &self,
        recipe: &Recipe,
        data_fingerprint: u64,
        vars: &VarMap,
        optimizer: &mut AdamW,
    ) -> Result<Progress> {
        let path = self.state_path();
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let damaged = || {
            format!(
                "{} is damaged; choose another folder or delete it",
                path.display()
            )
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).with_context(damaged)?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|header| header.get("fervis-train"));
        let header: StateHeader =
            serde_json::from_str(header.with_context(damaged)?).with_context(damaged)?;
        // The length of a run may be changed when it goes on; nothing else.
        let comparable = Recipe {
            max_epochs: recipe.max_epochs,
            ..header.recipe
        };
        ensure!(
            comparable == *recipe,
            "{} was trained with another recipe; choose another folder, or the same options as before",
            path.display()
        );
        if header.data_fingerprint != data_fingerprint {
            bail!(
                "{} was trained with other data; choose another folder",
                path.display()
            );
        }
        let tensors =
            candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).with_context(damaged)?;
        for (name, var) in sorted(vars) {
            var.set(tensors.get(&name).with_context(damaged)?)
                .with_context(damaged)?;
        }
        optimizer
            .restore(&tensors, header.n_steps)
            .with_context(damaged)?;
        Ok(header.progress)
    }
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::File::open(&partial)?.sync_all())
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("writing {}", path.display()))
}
