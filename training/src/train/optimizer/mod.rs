//! SGD, Adam and AdamW with a state that can be saved, each in one pass over the weights on all cores.
//!
//! Candle's optimizers keep their moments private, so a run could not be resumed exactly, and they support neither groups
//! nor freezing. The bias correction of the moments counts the steps of each weight, as in PyTorch: the moments of a weight
//! that was frozen start when it thaws.

mod update;

use std::{collections::HashMap, sync::Mutex};

use candle_core::{Device, Result, Tensor, Var, backprop::GradStore, bail};
use candle_nn::VarMap;

use self::update::{Moments, Rule, Update};
use crate::{
    recipe::optimizer::{GroupSettings, OptimizerSettings},
    train::variables::{is_trained, sorted},
};

/// The optimizer with its moments.
pub struct Optimizer {
    slots: Vec<Slot>,
    settings: OptimizerSettings,
}

/// One weight.
struct Slot {
    name: String,
    weight: Var,
    state: State,
    n_steps: u64,
    learning_rate_factor: f64,
    weight_decay: f64,
    n_frozen_epochs: usize,
}

/// Running estimates of a weight's gradient.
enum State {
    /// In main memory, so that one pass updates them together with the weight.
    Cpu(Moments),
    /// On the weight's device, where candle's operations update them.
    Device { mean: Var, square: Option<Var> },
}

impl Optimizer {
    /// An optimizer for all variables except the running estimates of batch normalization, which have no gradients.
    ///
    /// The first of `groups` with a prefix of a weight's name decides its learning rate, decay and freezing.
    ///
    /// # Errors
    /// If a prefix matches no weight, or there is not enough memory for the moments.
    pub fn new(
        vars: &VarMap,
        settings: &OptimizerSettings,
        groups: &[GroupSettings],
    ) -> Result<Self> {
        let trained: Vec<_> = sorted(vars)
            .into_iter()
            .filter(|(name, _)| is_trained(name))
            .collect();
        for prefix in groups.iter().flat_map(|group| &group.prefixes) {
            if !trained.iter().any(|(name, _)| name.starts_with(prefix)) {
                bail!(
                    "the recipe has a group for “{prefix}”, but no weight has a name that begins with it"
                );
            }
        }
        let slots = trained
            .into_iter()
            .map(|(name, weight)| Slot::new(name, weight, settings, groups))
            .collect::<Result<_>>()?;
        Ok(Self {
            slots,
            settings: *settings,
        })
    }

    /// Updates the weights by one step. `epoch` counts from 0 and decides which are frozen.
    ///
    /// # Errors
    /// If the shape of a gradient differs from that of its weight.
    pub fn step(&mut self, grads: &GradStore, learning_rate: f64, epoch: usize) -> Result<()> {
        for slot in &mut self.slots {
            let Some(grad) = grads.get(&slot.weight) else {
                continue;
            };
            if epoch >= slot.n_frozen_epochs {
                slot.step(&self.settings, &grad.contiguous()?, learning_rate)?;
            }
        }
        Ok(())
    }

    /// The moments and step counts by name, for saving.
    ///
    /// # Errors
    /// If a tensor cannot be created.
    pub fn state(&self) -> Result<HashMap<String, Tensor>> {
        let mut state = HashMap::new();
        for slot in &self.slots {
            let n_steps = u32::try_from(slot.n_steps).unwrap_or(u32::MAX);
            state.insert(slot.key("steps"), Tensor::new(&[n_steps], &Device::Cpu)?);
            match &slot.state {
                State::Cpu(Moments { mean, square }) => {
                    for (kind, values) in [("mean", mean), ("square", square)] {
                        if !values.is_empty() {
                            let values = values.as_slice();
                            let tensor =
                                Tensor::from_slice(values, slot.weight.shape(), &Device::Cpu)?;
                            state.insert(slot.key(kind), tensor);
                        }
                    }
                }
                State::Device { mean, square } => {
                    state.insert(slot.key("mean"), mean.as_detached_tensor());
                    if let Some(square) = square {
                        state.insert(slot.key("square"), square.as_detached_tensor());
                    }
                }
            }
        }
        Ok(state)
    }

    /// Restores a saved state.
    ///
    /// # Errors
    /// If a part is missing or has a different shape.
    pub fn restore(&mut self, saved: &HashMap<String, Tensor>) -> Result<()> {
        for slot in &mut self.slots {
            let (name, shape) = (&slot.name, slot.weight.shape());
            let get = |kind: &str| match saved.get(&format!("optimizer.{kind}.{name}")) {
                Some(tensor) => Ok(tensor),
                None => bail!("optimizer.{kind}.{name} is missing"),
            };
            let n_steps = get("steps")?.to_vec1::<u32>()?.first().copied();
            match &mut slot.state {
                State::Cpu(Moments { mean, square }) => {
                    for (kind, values) in [("mean", mean), ("square", square)] {
                        if values.is_empty() {
                            continue;
                        }
                        let tensor = get(kind)?;
                        if tensor.shape() != shape {
                            bail!("optimizer.{kind}.{name} differs in shape from its weight");
                        }
                        *values = tensor.flatten_all()?.to_vec1()?;
                    }
                }
                State::Device { mean, square } => {
                    mean.set(&get("mean")?.to_device(mean.device())?)?;
                    if let Some(square) = square {
                        square.set(&get("square")?.to_device(square.device())?)?;
                    }
                }
            }
            slot.n_steps = n_steps.unwrap_or(0).into();
        }
        Ok(())
    }
}

impl Slot {
    fn new(
        name: String,
        weight: Var,
        settings: &OptimizerSettings,
        groups: &[GroupSettings],
    ) -> Result<Self> {
        let group = groups.iter().find(|group| {
            let mut prefixes = group.prefixes.iter();
            prefixes.any(|prefix| name.starts_with(prefix))
        });
        let wanted = group.and_then(|group| group.weight_decay);
        // Biases and the scales of normalization are the weights with one dimension, which may be spared the decay.
        let is_decayed = settings.decay_biases_and_norms() || weight.rank() > 1;
        let weight_decay = wanted.unwrap_or(settings.weight_decay());
        let n_moments = settings.n_moments();
        let state = if weight.device().is_cpu() {
            State::Cpu(Moments::zeros(weight.elem_count(), n_moments))
        } else {
            let zeros = || Var::zeros(weight.shape(), weight.dtype(), weight.device());
            State::Device {
                mean: zeros()?,
                square: (n_moments > 1).then(zeros).transpose()?,
            }
        };
        Ok(Self {
            name,
            weight,
            state,
            n_steps: 0,
            learning_rate_factor: group.map_or(1.0, |group| group.learning_rate_factor),
            weight_decay: if is_decayed { weight_decay } else { 0.0 },
            n_frozen_epochs: group.map_or(0, |group| group.frozen_epochs),
        })
    }

    fn key(&self, kind: &str) -> String {
        format!("optimizer.{kind}.{}", self.name)
    }

    fn step(
        &mut self,
        settings: &OptimizerSettings,
        grad: &Tensor,
        learning_rate: f64,
    ) -> Result<()> {
        self.n_steps += 1;
        let learning_rate = learning_rate * self.learning_rate_factor;
        let rule = Rule::new(settings, learning_rate, self.weight_decay, self.n_steps);
        match &mut self.state {
            State::Cpu(moments) => {
                let update = Update {
                    rule,
                    moments: Mutex::new(moments),
                };
                self.weight.inplace_op2(grad, &update)
            }
            State::Device { mean, square } => {
                rule.on_device(&self.weight, grad, mean, square.as_ref())
            }
        }
    }
}

#[cfg(test)]
mod tests;
