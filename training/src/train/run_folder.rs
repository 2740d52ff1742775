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
//! All but the log and the events, which are appended to, are replaced atomically: whatever interrupts a run, it finds a
//! whole state. The state carries a checksum: a run that goes on with a damaged one would look as if it worked.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use fervis::{
    model::{import::Pretrained, serialize::serialize},
    read,
    result_file::{is_same_file, replace},
};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    recipe::Recipe,
    report::plots,
    train::{ema::Ema, init::sorted, optimizer::Optimizer, progress::Progress},
};

/// First part of the names of the averaged weights in the state.
const EMA_PREFIX: &str = "ema.";

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
/// Keys of the state's header.
const HEADER_KEY: &str = "fervis-train";
const CHECKSUM_KEY: &str = "sha256";
/// What stands for the checksum in the bytes that it is the checksum of.
const NO_CHECKSUM: [u8; 64] = [b'0'; 64];

/// The largest network that a recipe may ask for, with two moments and an average, has 5 GB.
const MAX_STATE_BYTES: u64 = 8 << 30;

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

/// What `state.safetensors` says beside the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StateHeader {
    recipe: Recipe,
    data_fingerprint: u64,
    progress: Progress,
    n_ema_updates: u64,
    events_len: u64,
    #[serde(default)]
    pretrained: Option<Origin>,
}

/// A file that a run began with or learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name without folders, which may say more about the user than a checkpoint should.
    pub file: String,
    /// Hexadecimal.
    pub sha256: String,
}

impl Origin {
    /// Of a file by its path.
    pub fn new(path: &Path, sha256: &str) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Self {
            file: name.to_string_lossy().into_owned(),
            sha256: sha256.to_owned(),
        }
    }

    /// Of these weights.
    pub fn of(weights: &Pretrained) -> Self {
        Self::new(Path::new(&weights.file), &weights.sha256)
    }
}

/// What is worth saying about a state that was taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Whether the state had a checksum; those of earlier versions have none.
    pub was_checked: bool,
    /// How many epochs the run was to have.
    pub max_epochs: usize,
}

/// Keeps other trainings out of a folder.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "closing the file gives the lock back")] File);

/// What changes during a run.
pub struct RunState {
    /// The weights and running estimates.
    pub vars: VarMap,
    /// Their moments.
    pub optimizer: Optimizer,
    /// Their averages, if the recipe wants any.
    pub ema: Option<Ema>,
    /// Figures and decisions.
    pub progress: Progress,
    /// Bytes of TensorBoard's file.
    pub events_len: u64,
    /// What the run began with, unless with random weights.
    pub pretrained: Option<Origin>,
}

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

    /// Saves everything to go on exactly.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_state(
        &self,
        recipe: &Recipe,
        data_fingerprint: u64,
        state: &RunState,
    ) -> Result<()> {
        let header = StateHeader {
            recipe: recipe.clone(),
            data_fingerprint,
            progress: state.progress.clone(),
            n_ema_updates: state.ema.as_ref().map_or(0, Ema::n_updates),
            events_len: state.events_len,
            pretrained: state.pretrained.clone(),
        };
        let mut tensors: BTreeMap<String, Tensor> = state.optimizer.state()?.into_iter().collect();
        let vars = sorted(&state.vars).into_iter();
        tensors.extend(vars.map(|(name, var)| (name, var.as_detached_tensor())));
        if let Some(ema) = &state.ema {
            let averages = ema.weights().into_iter();
            tensors
                .extend(averages.map(|(name, average)| (format!("{EMA_PREFIX}{name}"), average)));
        }
        let header = BTreeMap::from([
            (HEADER_KEY.to_owned(), serde_json::to_string(&header)?),
            (
                CHECKSUM_KEY.to_owned(),
                String::from_utf8_lossy(&NO_CHECKSUM).into_owned(),
            ),
        ]);
        let mut bytes = serialize(tensors, &header)?;
        let place = checksum_place(&bytes).context("the state has no place for its checksum")?;
        let checksum = format!("{:x}", Sha256::digest(&bytes));
        bytes[place..place + checksum.len()].copy_from_slice(checksum.as_bytes());
        write_atomically(&self.state_path(), &bytes)
    }

    /// Writes the tables and pictures of the figures so far.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn save_figures(&self, recipe: &Recipe, progress: &Progress) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        for figures in &progress.history {
            table.serialize(figures)?;
        }
        write_atomically(&self.0.join("epochs.csv"), &table.into_inner()?)?;
        let metrics = serde_json::json!({
            "recipe": recipe.name,
            "seed": recipe.seed,
            "selected_by": recipe.selection.metric.name(),
            "seconds": progress.seconds(),
            "best": progress.best(recipe),
            "best_public_test": progress.best_public,
            "epochs": progress.history,
        });
        write_atomically(
            &self.0.join("metrics.json"),
            &serde_json::to_vec_pretty(&metrics)?,
        )?;
        let curves = plots::curves(&progress.history);
        write_atomically(&self.0.join("curves.svg"), curves.as_bytes())?;
        let (Some(best), Some(public)) = (progress.best(recipe), &progress.best_public) else {
            return Ok(());
        };
        let title = format!("PublicTest, epoch {}", best.epoch);
        let confusion = plots::confusion(&public.confusion, &title);
        write_atomically(&self.0.join("confusion.svg"), confusion.as_bytes())
    }

    /// Takes up a saved run.
    ///
    /// # Errors
    /// If the state is damaged, or belongs to another recipe or other data.
    pub fn restore(
        &self,
        recipe: &Recipe,
        data_fingerprint: u64,
        state: &mut RunState,
    ) -> Result<Restored> {
        let path = self.state_path();
        let bytes = read::bytes(&path, MAX_STATE_BYTES)
            .with_context(|| format!("reading {}", path.display()))?;
        let damaged = || {
            format!(
                "{} is damaged or of another version; begin a new run in another folder, from its best.safetensors with \
                 --pretrained if you like",
                path.display()
            )
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).with_context(damaged)?;
        let header = metadata.metadata().clone().unwrap_or_default();
        let checksum = header.get(CHECKSUM_KEY);
        if let Some(checksum) = checksum {
            ensure!(has_checksum(&bytes, checksum), damaged());
        }
        let was_checked = checksum.is_some();
        let header: StateHeader =
            serde_json::from_str(header.get(HEADER_KEY).with_context(damaged)?)
                .with_context(damaged)?;
        let previous_max_epochs = header.recipe.max_epochs;
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
        let sha256 = |origin: &Option<Origin>| origin.as_ref().map(|origin| origin.sha256.clone());
        ensure!(
            sha256(&header.pretrained) == sha256(&state.pretrained),
            "{} began with {}; give the same --pretrained, or choose another folder",
            path.display(),
            match &header.pretrained {
                Some(origin) => format!("the weights of {}", origin.file),
                None => "random weights".to_owned(),
            }
        );
        let tensors =
            candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).with_context(damaged)?;
        for (name, var) in sorted(&state.vars) {
            let saved = tensors.get(&name).with_context(damaged)?;
            var.set(&saved.to_device(var.device())?)
                .with_context(damaged)?;
        }
        state.optimizer.restore(&tensors).with_context(damaged)?;
        if let Some(ema) = &mut state.ema {
            let averages = tensors.into_iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(EMA_PREFIX)?.to_owned(), tensor))
            });
            ema.restore(&averages.collect(), header.n_ema_updates)
                .with_context(damaged)?;
        }
        state.progress = header.progress;
        state.events_len = header.events_len;
        Ok(Restored {
            was_checked,
            max_epochs: previous_max_epochs,
        })
    }
}

/// Where the checksum stands in the bytes of a state, if it has one.
fn checksum_place(bytes: &[u8]) -> Option<usize> {
    // Quotation marks within the other entry, which is JSON inside JSON, have a backslash before them.
    let key = format!("\"{CHECKSUM_KEY}\":\"");
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let at = header
        .windows(key.len())
        .position(|window| window == key.as_bytes())?;
    let place = 8 + at + key.len();
    (place + NO_CHECKSUM.len() <= 8 + header.len()).then_some(place)
}

/// Whether `checksum` is that of the bytes that it stands in.
fn has_checksum(bytes: &[u8], checksum: &str) -> bool {
    checksum_place(bytes).is_some_and(|place| {
        let digest = Sha256::new()
            .chain_update(&bytes[..place])
            .chain_update(NO_CHECKSUM)
            .chain_update(&bytes[place + NO_CHECKSUM.len()..]);
        format!("{:x}", digest.finalize()) == checksum
    })
}

fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).with_context(|| format!("writing {}", path.display()))
}
