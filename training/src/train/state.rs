//! The state of a run, and how it is saved and restored: `state.safetensors`.
//!
//! The file has a checksum: a run resumed from a damaged state would seem to work.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};
use candle_core::{Device, Tensor};
use candle_nn::VarMap;
use fervis::{
    model::serialize::{serialize, sha256},
    read,
    result_file::replace,
};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::{
    recipe::Recipe,
    report::run_folder::RunFolder,
    train::{
        auxiliary, ema::Ema, optimizer::Optimizer, origin::Origin, progress::RunProgress,
        variables::sorted,
    },
};

/// Prefix of the names of the averaged weights in the state.
const EMA_PREFIX: &str = "ema.";

/// Keys of the state's header.
const HEADER_KEY: &str = "fervis-train";
const CHECKSUM_KEY: &str = "sha256";
/// Placeholder of the checksum in the bytes over which it is computed.
const NO_CHECKSUM: [u8; 64] = [b'0'; 64];

/// The largest network of a recipe, with two moments and averages, takes 5 GB.
const MAX_STATE_BYTES: u64 = 8 << 30;

/// Everything that changes during a run.
pub struct RunState {
    /// The weights and running estimates.
    pub vars: VarMap,
    /// The optimizer with its moments.
    pub optimizer: Optimizer,
    /// The averages of the weights, if the recipe has them.
    pub ema: Option<Ema>,
    /// Figures and decisions.
    pub progress: RunProgress,
    /// Length of TensorBoard's file, bytes.
    pub events_len: u64,
    /// The file of the first weights; `None` if they were random.
    pub pretrained: Option<Origin>,
}

/// The header of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StateHeader {
    recipe: Recipe,
    data_fingerprint: u64,
    progress: RunProgress,
    n_ema_updates: u64,
    events_len: u64,
    #[serde(default)]
    pretrained: Option<Origin>,
}

/// What the user may need to know about a restored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Whether the state had a checksum; earlier versions wrote none.
    pub was_checked: bool,
    /// Maximum number of epochs before the resumption.
    pub max_epochs: usize,
}

impl RunState {
    /// The weights to measure and to save: their averages, if the recipe has them, without the second head.
    pub fn finished_weights(&self, recipe: &Recipe) -> Result<HashMap<String, Tensor>> {
        let weights = match &self.ema {
            Some(ema) => ema.weights(),
            None => sorted(&self.vars)
                .into_iter()
                .map(|(name, var)| (name, var.as_detached_tensor()))
                .collect(),
        };
        if recipe.auxiliary.is_none() {
            return Ok(weights);
        }
        let input = recipe.input_spec();
        Ok(auxiliary::drop_second_head(
            weights,
            &recipe.network,
            &input,
        )?)
    }

    /// Saves everything needed to resume exactly.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, folder: &RunFolder, recipe: &Recipe, data_fingerprint: u64) -> Result<()> {
        let header = StateHeader {
            recipe: recipe.clone(),
            data_fingerprint,
            progress: self.progress.clone(),
            n_ema_updates: self.ema.as_ref().map_or(0, Ema::n_updates),
            events_len: self.events_len,
            pretrained: self.pretrained.clone(),
        };
        let mut tensors: BTreeMap<String, Tensor> = self.optimizer.state()?.into_iter().collect();
        let vars = sorted(&self.vars).into_iter();
        tensors.extend(vars.map(|(name, var)| (name, var.as_detached_tensor())));
        if let Some(ema) = &self.ema {
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
        let checksum = sha256(&[&bytes]);
        bytes[place..place + checksum.len()].copy_from_slice(checksum.as_bytes());
        let path = folder.state_path();
        replace(&path, &bytes).with_context(|| format!("writing {}", path.display()))
    }

    /// Restores a saved run.
    ///
    /// # Errors
    /// If the state is damaged, or belongs to another recipe or to other data.
    pub fn restore(
        &mut self,
        folder: &RunFolder,
        recipe: &Recipe,
        data_fingerprint: u64,
    ) -> Result<Restored> {
        let path = folder.state_path();
        let bytes = read::bytes(&path, MAX_STATE_BYTES)
            .with_context(|| format!("reading {}", path.display()))?;
        let damaged = || {
            format!(
                "{} is damaged or from another version; start a new run in another folder, perhaps from its best.safetensors \
                 with --pretrained",
                path.display()
            )
        };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).with_context(damaged)?;
        let header = metadata.metadata().clone().unwrap_or_default();
        let checksum = header.get(CHECKSUM_KEY);
        if let Some(checksum) = checksum {
            ensure!(has_checksum(&bytes, checksum), damaged());
        } else {
            // Earlier versions wrote one entry. With another one, this was a checksum whose name is damaged.
            ensure!(header.len() == 1, damaged());
        }
        let was_checked = checksum.is_some();
        let header: StateHeader =
            serde_json::from_str(header.get(HEADER_KEY).with_context(damaged)?)
                .with_context(damaged)?;
        let previous_max_epochs = header.recipe.max_epochs;
        // Only the number of epochs may change when a run is resumed.
        let comparable = Recipe {
            max_epochs: recipe.max_epochs,
            ..header.recipe
        };
        ensure!(
            comparable == *recipe,
            "{} belongs to another recipe; choose another folder, or use the same options as before",
            path.display()
        );
        if header.data_fingerprint != data_fingerprint {
            bail!(
                "{} belongs to other data; choose another folder, or give the same --data",
                path.display()
            );
        }
        let sha256 = |origin: &Option<Origin>| origin.as_ref().map(|origin| origin.sha256.clone());
        ensure!(
            sha256(&header.pretrained) == sha256(&self.pretrained),
            "{} started from {}; give the same --pretrained, or choose another folder",
            path.display(),
            match &header.pretrained {
                Some(origin) => format!("the weights of {}", origin.file),
                None => "random weights".to_owned(),
            }
        );
        let tensors =
            candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).with_context(damaged)?;
        for (name, var) in sorted(&self.vars) {
            let saved = tensors.get(&name).with_context(damaged)?;
            var.set(&saved.to_device(var.device())?)
                .with_context(damaged)?;
        }
        self.optimizer.restore(&tensors).with_context(damaged)?;
        if let Some(ema) = &mut self.ema {
            let averages = tensors.into_iter().filter_map(|(name, tensor)| {
                Some((name.strip_prefix(EMA_PREFIX)?.to_owned(), tensor))
            });
            ema.restore(&averages.collect(), header.n_ema_updates)
                .with_context(damaged)?;
        }
        self.progress = header.progress;
        self.events_len = header.events_len;
        Ok(Restored {
            was_checked,
            max_epochs: previous_max_epochs,
        })
    }
}

/// The position of the checksum in the bytes of a state, if it has one.
fn checksum_place(bytes: &[u8]) -> Option<usize> {
    // The other entry is JSON inside JSON, so its quotation marks follow backslashes.
    let key = format!("\"{CHECKSUM_KEY}\":\"");
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let at = header
        .windows(key.len())
        .position(|window| window == key.as_bytes())?;
    let place = 8 + at + key.len();
    (place + NO_CHECKSUM.len() <= 8 + header.len()).then_some(place)
}

/// Whether `checksum` is that of the bytes that contain it.
fn has_checksum(bytes: &[u8], checksum: &str) -> bool {
    checksum_place(bytes).is_some_and(|place| {
        let rest = &bytes[place + NO_CHECKSUM.len()..];
        sha256(&[&bytes[..place], &NO_CHECKSUM, rest]) == checksum
    })
}
